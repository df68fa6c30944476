-- The polls of a watch: what the watches of one list share, and what ends them.
local helper = require "spec.support.helper"
local ccaas = require "ccaas"
local internals = require "ccaas.internals"
local core = require "ccaas.core"
local server = require "spec.support.server"

-- A watch whose first poll failed told a gap that had no `from`: it is when the
-- watch began, for nothing is known before.
describe("a watch whose first poll failed", function()
  it("tells since when something may be missing", function()
    local sandbox = helper.sandbox { queues = 1, agents = 1 }
    local client = ccaas.new(sandbox:options("8x8", { retries = 0 }))
    local now = 1000
    internals.tune(client, { now = function() return now end })
    sandbox:fault { path = "/queues", status = 503 }
    local began = os.time()
    local one = client:watch("queues", { metrics = { "handling.rt" } })
    local two = client:watch("queues", { metrics = { "handling.rt" } })
    local down = assert(one:next(20))
    assert.equal("down", down.type)
    now = now + 5
    local gap = assert(one:next(20))
    assert.equal("gap", gap.type)
    assert.is_true(gap.from >= began and gap.from <= down.at and gap.from <= gap.to)
    assert.is_true(assert(one:next(20)).snapshot)

    assert.equal("down", assert(two:next(20)).type)
    gap = assert(two:next(20))
    assert.equal("gap", gap.type)
    assert.is_true(gap.from <= gap.to)
    client:close()
  end)
end)

-- A watch took over whatever the last one of the same list had left: its error,
-- though nobody had asked again; its values, however old, as those of now.
describe("a watch of a list that was watched before", function()
  local sandbox, client, now

  before_each(function()
    sandbox = helper.sandbox { queues = 1, agents = 1 }
    client = ccaas.new(sandbox:options("8x8", { retries = 0 }))
    now = 1000
    internals.tune(client, { now = function() return now end })
  end)

  after_each(function() client:close() end)

  local function set(value)
    sandbox:set { values = { queues = { ["101"] = { ["handling.rt"] = value } } } }
  end

  it("asks again, where the other one ended with an error", function()
    sandbox:fault { path = "/queues", status = 403 }
    local one = client:watch("queues", { metrics = { "handling.rt" } })
    assert.equal("down", assert(one:next(20)).type)
    assert.equal("forbidden", select(2, one:next(20)).code)

    local two = client:watch("queues", { metrics = { "handling.rt" } })
    assert.equal("timeout", select(2, two:next(0)).code) -- no faster than that
    one:close()
    local three = client:watch("queues", { metrics = { "handling.rt" } })
    now = now + 5
    assert.is_true(assert(two:next(20)).snapshot)
    assert.is_true(assert(three:next(20)).snapshot)
    assert.equal(1, three:info().polls)
  end)

  it("gives no values that are older than its interval", function()
    set(7)
    local one = client:watch("queues", { metrics = { "handling.rt" } })
    assert.equal(7, assert(one:next(20)).value)
    set(8)
    local two = client:watch("queues", { metrics = { "handling.rt" } })
    assert.equal(7, assert(two:next(20)).value)
    now = now + 3600
    local three = client:watch("queues", { metrics = { "handling.rt" } })
    local event = assert(three:next(20))
    assert.equal(8, event.value)
    assert.is_true(event.snapshot)
  end)
end)

-- In nginx a poll may be cut off with the request that began it: all watches that
-- shared it ended with "cancelled", though their client was open.
describe("a poll that is cut off", function()
  local sandbox, client, now

  before_each(function()
    sandbox = helper.sandbox { queues = 1, agents = 1 }
    client = ccaas.new(sandbox:options("8x8", { retries = 0 }))
    now = 1000
    internals.tune(client, { now = function() return now end })
  end)

  -- A watch whose second poll is under way.
  local function watch()
    local stream = client:watch("queues", { metrics = { "handling.rt" } })
    assert.is_true(assert(stream:next(20)).snapshot)
    assert.equal("timeout", select(2, stream:next(0)).code)
    now = now + 5
    sandbox:fault { path = "/queues", hang = true }
    assert.equal("timeout", select(2, stream:next(0.05)).code)
    return stream
  end

  it("is down for a watch, which goes on", function()
    local stream = watch()
    for _, poller in pairs(internals.of(client).pollers) do
      poller.poll.stream:close()
    end
    local down = assert(stream:next(20))
    assert.equal("down", down.type)
    assert.equal("cancelled", down.reason)
    sandbox:clear_faults() -- that poll may never have come to the sandbox
    now = now + 5
    assert.equal("gap", assert(stream:next(20)).type)
    client:close()
  end)

  it("is its end, where the client was closed", function()
    local stream = watch()
    client:close()
    local event, err = stream:next(20)
    assert.is_nil(event)
    assert.equal("cancelled", err.code)
  end)
end)

-- A watch knew that its client is closed only while a poll was under way. Between two
-- of them nobody woke its reader, who then got "the client is closed" raised.
describe("a watch whose client is closed between two polls", function()
  local INTERVAL = 3600

  local sandbox

  setup(function() sandbox = helper.sandbox { queues = 2 } end)

  -- Reads in a coroutine until there is nothing; gives it and its descriptor.
  local function read(make)
    local client = ccaas.new(sandbox:options("8x8", { loop = { wait = coroutine.yield } }))
    local stream = make(client:watch("queues", { interval = INTERVAL }))
    local task = coroutine.create(function()
      local event, err
      repeat
        event, err = stream:next()
      until not event or event.type == "error"
      return event and event.error or err
    end)
    while true do
      local _, fd, seconds = assert(coroutine.resume(task))
      -- Beside a poll under way it waits for half of the interval at most.
      if seconds and seconds > INTERVAL / 2 then
        return client, task, fd
      end
      assert.is_true(core.poll(fd, 30))
    end
  end

  for name, make in pairs {
    ["alone"] = function(watch) return watch end,
    ["in a merge"] = ccaas.merge,
  } do
    it("wakes its reader and ends: " .. name, function()
      local client, task, fd = read(make)
      assert.is_false(core.poll(fd, 0))
      client:close()
      assert.is_true(core.poll(fd, 0))
      local _, err = assert(coroutine.resume(task))
      assert.equal("dead", coroutine.status(task))
      assert.equal("cancelled", err.code)
    end)
  end
end)

-- A watch kept its place in a coroutine.  In nginx that belongs to the request that
-- made it: another one that read on brought the worker down.  (There:
-- spec/openresty/readers_spec.lua.)
describe("a watch", function()
  it("makes no coroutine of its own", function()
    local sandbox = helper.sandbox { queues = 3, agents = 1 }
    local client = ccaas.new(sandbox:options "8x8")
    local watch = client:watch("queues", { metrics = { "handling.rt" } })
    local create, wrap = coroutine.create, coroutine.wrap
    local function refused() error("a coroutine was made", 2) end
    coroutine.create, coroutine.wrap = refused, refused -- luacheck: ignore
    local fine, problem = pcall(function()
      for _ = 1, 3 do
        assert.is_true(assert(watch:next(20)).snapshot)
      end
    end)
    coroutine.create, coroutine.wrap = create, wrap -- luacheck: ignore
    assert(fine, problem)
    client:close()
  end)
end)

-- A watch that was dropped in the middle of a poll left it to the next one of the
-- same list, however much later: that told of rows which were no more, or was held
-- up by a poll that hung.  And what it polled with was kept for ever.
describe("a poll that was left behind", function()
  local s, client, now, rows, may_answer, gone

  before_each(function()
    rows, may_answer, gone = { "101", "102" }, true, 0
    s = server.start(function(_, conn)
      if not conn:hold(function() return may_answer end) then
        gone = gone + 1
        return
      end
      local list = {}
      for i, id in ipairs(rows) do
        list[i] = server.row(id, '[{"key":"handling.rt","value":1}]')
      end
      return server.page { rows = list }
    end)
    client = ccaas.new(s:options { retries = 0, timeout = 60 })
    now = 1000
    internals.tune(client, { now = function() return now end })
  end)

  after_each(function()
    client:close()
    s:stop()
  end)

  local function watch(opts)
    return client:watch("queues", opts or {})
  end

  -- Begins a poll, and goes on when it is asked for.
  local function begin(opts)
    local stream, before = watch(opts), #s.requests
    assert.equal("timeout", select(2, stream:next(0)).code)
    s:serve(function()
      stream:next(0)
      return #s.requests > before
    end)
    return stream
  end

  local function snapshot(stream, count)
    local ids = {}
    for i = 1, count do
      local event = assert(stream:next(20))
      assert.is_true(event.snapshot)
      ids[i] = event.id
    end
    return ids
  end

  local function collect()
    collectgarbage()
    collectgarbage()
  end

  local function count_pollers()
    local count = 0
    for _ in pairs(internals.of(client).pollers) do
      count = count + 1
    end
    return count
  end

  for _, how in ipairs { "dropped", "not read any more" } do
    it("by a watch that is " .. how .. " is not what a new one tells", function()
      may_answer = false
      local old = begin()
      assert.is_truthy(old)
      may_answer = true
      s:serve() -- the answer is on its way
      if how == "dropped" then
        old = nil -- luacheck: ignore
        collect()
      end
      rows = { "102", "103" }
      now = now + 3600
      assert.same({ "102", "103" }, snapshot(watch(), 2))
      assert.equal(2, #s.requests)
    end)

    it("by a watch that is " .. how .. " does not hold a new one up", function()
      may_answer = false
      local old = begin()
      assert.is_truthy(old)
      if how == "dropped" then
        old = nil -- luacheck: ignore
        collect()
      end
      now = now + 4.9
      assert.equal("timeout", select(2, watch():next(0)).code)
      assert.equal(1, #s.requests) -- no faster than the interval
      now = now + 5
      local new = watch()
      may_answer = true
      assert.same({ "101", "102" }, snapshot(new, 2))
      assert.equal(2, #s.requests)
      assert.same({ polls = 1, failures = 0, gaps = 0, rows = 0 }, new:info())
    end)
  end

  it("goes on for a watch that comes back to it", function()
    may_answer = false
    local stream = begin()
    now = now + 3600
    may_answer = true
    assert.same({ "101", "102" }, snapshot(stream, 2))
    assert.equal(1, #s.requests)
  end)

  it("is not one that is slow, and looked at", function()
    may_answer = false
    local stream = begin()
    for _ = 1, 4 do
      assert.is_true(stream:timeout() < 5) -- whoever waits looks in time
      now = now + stream:timeout()
      assert.equal("timeout", select(2, stream:next(0)).code)
    end
    local other = watch()
    may_answer = true
    assert.same({ "101", "102" }, snapshot(other, 2))
    assert.same({ "101", "102" }, snapshot(stream, 2))
    assert.equal(1, #s.requests)
  end)

  it("is forgotten with what was polled, when nobody watches that", function()
    for limit = 1, 20 do
      assert(snapshot(watch { limit = limit }, 1))
    end
    may_answer = false
    for limit = 21, 24 do
      begin { limit = limit }
    end
    local kept = watch { limit = 25 }
    collect()
    assert(watch { limit = 26 })
    assert.equal(26, count_pollers()) -- for the sake of the interval
    collect()
    now = now + 5
    local new = watch { limit = 27 }
    assert.equal(2, count_pollers())
    s:serve(function() return gone == 4 end)
    may_answer = true
    assert(snapshot(kept, 2))
    assert(snapshot(new, 2))
  end)
end)
