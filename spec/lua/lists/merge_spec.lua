-- ccaas.merge: many streams in one loop.
local helper = require "spec.support.helper"
local ccaas = require "ccaas"
local core = require "ccaas.core"
local events = require "ccaas.events"
local server = require "spec.support.server"
local internals = require "ccaas.internals"

describe("a merge", function()
  local sandbox, client

  before_each(function()
    sandbox = helper.sandbox { agents = 40, queues = 6, groups = 3 }
    client = ccaas.new(sandbox:options("8x8", { retries = 0 }))
  end)

  after_each(function()
    client:close()
    sandbox:stop()
  end)

  it("gives all items of all streams, each with its stream, and ends", function()
    local queues, agents = client:queues(), client:agents { summary = true, size = 7 }
    local counts = { [queues] = 0, [agents] = 0 }
    for item, stream in ccaas.merge(queues, agents) do
      assert.is_string(item.id)
      counts[stream] = counts[stream] + 1
    end
    assert.equal(6, counts[queues])
    assert.equal(40, counts[agents])
  end)

  -- A stream that always has something.
  local function endless(marks)
    local nothing = function() end
    return events.new(require("ccaas.internals").of(client), {
      marks = marks, waitset = core.waitset(), try = function() return {} end,
      due = nothing, join = nothing, leave = nothing, close = nothing,
    }, "endless")
  end

  it("takes turns: a stream with much ready does not hold up the others", function()
    for _, marks in ipairs { true, false } do
      local one, two, three = endless(marks), endless(marks), endless(true)
      local names, order = { [one] = "1", [two] = "2", [three] = "3" }, {}
      local merged = ccaas.merge(one, two, three)
      for i = 1, 9 do
        order[i] = names[select(2, merged:next())]
      end
      assert.equal("123123123", table.concat(order))
      merged:close()
    end
  end)

  it("gives what is there while another stream waits", function()
    sandbox:fault { path = "/groups", hang = true }
    local merged = ccaas.merge(client:groups(), client:queues())
    for _ = 1, 6 do
      assert.is_string(assert(merged:next(20)).id)
    end
    local item, err = merged:next(0.05)
    assert.is_nil(item)
    assert.equal("timeout", err.code)
    merged:close()
  end)

  it("reports one that fails with its stream, and the others go on", function()
    local bad, good = client:queue_agents("nobody"), client:queues()
    local errors, rows = {}, 0
    for item, stream in ccaas.merge(bad, good) do
      if item.type == "error" then
        errors[#errors + 1] = { item.error.code, stream }
      else
        rows = rows + 1
      end
    end
    assert.equal(6, rows)
    assert.equal(1, #errors)
    assert.equal("not_found", errors[1][1])
    assert.equal(bad, errors[1][2])
  end)

  it("closes all its streams when it is closed, once or twice", function()
    local one, two = client:queues(), client:groups()
    local merged = ccaas.merge(one, two)
    assert(merged:next())
    merged:close()
    merged:close()
    assert.equal("cancelled", select(2, one:next()).code)
    assert.equal("cancelled", select(2, two:next()).code)
    assert.equal("cancelled", select(2, merged:next()).code)
    assert.truthy(tostring(merged):find("closed"))
  end)

  it("goes on without a stream that its owner closes", function()
    local one, two = client:queues(), client:groups()
    local merged = ccaas.merge(one, two)
    one:close()
    local count = 0
    for item in merged do
      assert.is_nil(item.error)
      count = count + 1
    end
    assert.equal(3, count)
  end)

  it("merges merges", function()
    local count = 0
    for _ in ccaas.merge(ccaas.merge(client:queues(), client:groups()), client:agents { summary = true }) do
      count = count + 1
    end
    assert.equal(49, count)
  end)

  it("looks only at the streams that woke it", function()
    local xima = ccaas.new(sandbox:options("xima"))
    local all, tries = {}, 0
    for i = 1, 50 do
      all[i] = xima:subscribe({ "101" }, { snapshot = false })
    end
    all[51] = xima:subscribe({ "102" }, { snapshot = false })
    local merged = ccaas.merge((table.unpack or unpack)(all))
    for _ = 1, #all do
      assert.equal("open", assert(merged:next(30)).type)
    end
    assert.is_nil((merged:next(0)))
    for _, stream in ipairs(all) do
      local source = events.source(stream)
      local try = source.try
      source.try = function(...)
        tries = tries + 1
        return try(...)
      end
    end
    local least = math.huge
    for i = 1, 20 do
      tries = 0
      sandbox:push { id = "102", category = "A", value = i }
      local event, stream = merged:next(30)
      assert.equal("update", event.type)
      assert.equal(all[51], stream)
      assert.is_nil((merged:next(0)))
      assert.is_true(tries > 0 and tries < 10, tries .. " tries")
      least = math.min(least, tries)
    end
    assert.equal(1, least) -- for one more, a ring may have come late
    xima:close()
  end)

  it("tries a stream again when its time has come, even if nothing woke it", function()
    local xima = ccaas.new(sandbox:options("xima"))
    local timed = xima:subscribe({ "101" }, { snapshot = false, deadline = 0.3 })
    local lasting = xima:subscribe({ "101" }, { snapshot = false })
    local merged = ccaas.merge(timed, lasting)
    local event, stream
    repeat
      event, stream = assert(merged:next(30))
    until event.type ~= "open"
    assert.equal("error", event.type)
    assert.equal("timeout", event.error.code)
    assert.equal(timed, stream)
    xima:close()
  end)

  it("tries it again also when it has just given something", function()
    local xima = ccaas.new(sandbox:options("xima"))
    local timed = xima:subscribe({ "101" }, { snapshot = false, deadline = 1 })
    local merged = ccaas.merge(timed, xima:subscribe({ "102" }, { snapshot = false }))
    for i = 1, 2 do
      assert.is_string(assert(merged:next(30)).type)
      sandbox:push { id = "101", category = "A", value = i }
    end
    local event
    repeat
      event = assert(merged:next(30))
    until event.type == "error"
    assert.equal("timeout", event.error.code)
    xima:close()
  end)

  it("says to a loop that polls it to look again after each item", function()
    local xima = ccaas.new(sandbox:options("xima"))
    for _, stream in ipairs {
      xima:subscribe({ "101" }, { snapshot = false }),
      ccaas.merge(xima:subscribe({ "101" }, { snapshot = false })),
      client:watch "queues",
    } do
      local fd = stream:pollfd()
      for i = 1, 5 do
        repeat
          assert.is_true(core.poll(fd, stream:timeout() or 30) or stream:timeout() == 0)
        until stream:next(0)
        assert.equal(0, stream:timeout())
        sandbox:push { id = "101", category = "A", value = i }
      end
    end
    xima:close()
  end)

  it("keeps a stream whose token function raises", function()
    local raises = true
    local options = sandbox:options("xima")
    local token = options.token
    options.token = function()
      if raises then
        raises = false
        error("not yet", 0)
      end
      return token
    end
    local xima = ccaas.new(options)
    local merged = ccaas.merge(xima:subscribe({ "101" }, { snapshot = false }))
    local ok, message = pcall(merged.next, merged, 30)
    assert.is_false(ok)
    assert.equal("not yet", message)
    local event = assert(merged:next(30))
    assert.is_true(event.type == "open" or event.type == "error")
    xima:close()
  end)

  it("wakes a loop of one's own, once for all streams", function()
    local fds = {}
    local waiting = ccaas.new(sandbox:options("8x8", { loop = { wait = function(fd, seconds)
      fds[fd] = true
      return core.poll(fd, seconds)
    end } }))
    sandbox:fault { path = "*", delay = 0.02, times = 10 }
    local count = 0
    for _ in ccaas.merge(waiting:queues(), waiting:groups()) do
      count = count + 1
    end
    assert.equal(9, count)
    local different = 0
    for _ in pairs(fds) do
      different = different + 1
    end
    assert.equal(1, different)
    waiting:close()
  end)

  it("raises at the caller's line for an argument that is not a stream, and for none", function()
    for _, call in ipairs {
      function() ccaas.merge() end,
      function() ccaas.merge(client:queues(), {}) end,
      function() local s = client:queues() ccaas.merge(s, s) end,
    } do
      local ok, message = pcall(call)
      assert.is_false(ok)
      assert.truthy(message:find("merge_spec.lua:%d+: merge: "), message)
    end
  end)
end)

-- What came for a merge after a fruitless `next(0)` and before `pollfd` was told by
-- nothing: an event loop that polled it slept on.
describe("the descriptor of a merge", function()
  it("is readable when there was news before somebody asked for it", function()
    local sandbox = helper.sandbox { queues = 4, agents = 5, groups = 2 }
    local client = ccaas.new(sandbox:options "8x8")
    local merged, rows = ccaas.merge(client:queues(), client:groups()), 0
    while rows < 6 do
      local row, err = merged:next(0)
      if row then
        rows = rows + 1
      else
        assert.equal("timeout", err.code)
        core.poll(-1, 0.1) -- the news comes meanwhile
        assert.is_true(core.poll(merged:pollfd(), merged:timeout() or 10))
      end
    end
    merged:close()
    client:close()
  end)
end)

-- A watch that its owner closed went on polling in a merge, which gave its events
-- and did not end.
describe("a merge of a watch that its owner closes", function()
  local sandbox, client, now

  before_each(function()
    sandbox = helper.sandbox { queues = 1, agents = 1 }
    client = ccaas.new(sandbox:options("8x8", { retries = 0 }))
    now = 1000
    internals.tune(client, { now = function() return now end })
  end)

  after_each(function() client:close() end)

  it("ends, where it has no other", function()
    local watch = client:watch("queues", { metrics = { "handling.rt" } })
    local merged = ccaas.merge(watch)
    assert.is_true(assert(merged:next(20)).snapshot)
    assert.equal("timeout", select(2, merged:next(0)).code)
    watch:close()
    now = now + 5
    local event, err = merged:next(20)
    assert.is_nil(event)
    assert.is_nil(err)
  end)

  it("does so also when another one goes on with its poll", function()
    local answers = false
    local s = server.start(function(_, conn)
      conn:hold(function() return answers end)
      return server.page { rows = { server.row("1", '[{"key":"handling.rt","value":7}]') } }
    end)
    local held = ccaas.new(s:options { retries = 0 })
    local watch = held:watch("queues", { metrics = { "handling.rt" } })
    local other = held:watch("queues", { metrics = { "handling.rt" } })
    local merged = ccaas.merge(watch)
    assert.equal("timeout", select(2, merged:next(0)).code)
    watch:close()
    local event, err = merged:next(20)
    assert.is_nil(event)
    assert.is_nil(err)
    answers = true
    assert.is_true(assert(other:next(20)).snapshot)
    held:close()
  end)
end)

-- Of the clients whose streams are merged only the first one had its `on_event`
-- called.
describe("a merge of streams of two clients", function()
  it("tells the events of both", function()
    local sandbox = helper.sandbox { queues = 3, agents = 2, groups = 2 }
    local told, clients = { 0, 0, 0 }, {}
    for i = 1, 3 do
      clients[i] = ccaas.new(sandbox:options("8x8", { on_event = function() told[i] = told[i] + 1 end }))
    end
    local merged = ccaas.merge(clients[1]:queues(), ccaas.merge(clients[2]:groups(), clients[3]:queues()))
    local rows = 0
    for _ in merged do
      rows = rows + 1
    end
    assert.equal(8, rows)
    for i = 1, 3 do
      assert.is_true(told[i] > 0, "client " .. i)
      clients[i]:close()
    end
  end)
end)

-- A merge gave others a turn by its first client's loop, also where that has no
-- way to: it raised when a stream of another client was to give way.
describe("a merge whose first client's loop has no `pause`", function()
  it("gives all that streams with another loop have", function()
    local sandbox = helper.sandbox { queues = 2, agents = 30, groups = 1 }
    local one = ccaas.new(sandbox:options("8x8", { loop = { wait = core.poll } }))
    local other = ccaas.new(sandbox:options("8x8", { loop = { wait = core.poll, pause = function() end } }))
    local rows = 0
    for _ in ccaas.merge(one:groups(), other:agents { summary = true }) do
      rows = rows + 1
      local ends = core.now() + 0.002 -- as long as a turn may be
      repeat until core.now() >= ends
    end
    assert.equal(31, rows)
    one:close()
    other:close()
  end)
end)
