-- client:watch: what changed in a list from one poll to the next.  The clock is
-- the test's own.
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local ccaas = require "ccaas"
local internals = require "ccaas.internals"

describe("a watch", function()
  local sandbox, client, now

  before_each(function()
    sandbox = helper.sandbox { agents = 4, queues = 3 }
    client = ccaas.new(sandbox:options("8x8", { retries = 0 }))
    now = 1000
    internals.tune(client, { now = function() return now end })
  end)

  after_each(function()
    client:close()
    sandbox:stop()
  end)

  local function set(id, value)
    sandbox:set { values = { queues = { [id] = { ["handling.rt"] = value } } } }
  end

  local function watch(opts)
    opts = opts or {}
    opts.metrics = opts.metrics or { "handling.rt" }
    return client:watch("queues", opts)
  end

  -- Exactly so many events.
  local function take(stream, count)
    local events = {}
    for i = 1, count do
      events[i] = assert(stream:next(20))
    end
    return events
  end

  local function polls()
    local count = 0
    for _, request in ipairs(sandbox:requests()) do
      count = count + (request.path:find("/queues$") and 1 or 0)
    end
    return count
  end

  -- Has nothing more to say, without another poll.
  local function assert_quiet(stream)
    local before = polls()
    local event, err = stream:next(0)
    assert.is_nil(event)
    assert.equal("timeout", err.code)
    assert.equal(before, polls())
  end

  it("gives the first poll as updates with snapshot = true", function()
    set("101", 7)
    local stream = watch()
    local events = take(stream, 3)
    assert.same({ type = "update", id = "101", name = "Appointments", metric = "handling.rt", value = 7,
      snapshot = true }, events[1])
    assert_quiet(stream)
  end)

  it("gives what changed, with the previous value", function()
    set("102", 1)
    local stream = watch()
    take(stream, 3)
    set("102", 2)
    now = now + 5
    local event = take(stream, 1)[1]
    assert.same({ "update", "102", 2, 1 }, { event.type, event.id, event.value, event.previous })
    assert.is_nil(event.snapshot)
    assert_quiet(stream)
    set("102", { json = "null" })
    now = now + 5
    event = take(stream, 1)[1]
    assert.same({ "update", nil, 2 }, { event.type, event.value, event.previous })
  end)

  it("gives rows that came and rows that went", function()
    local stream = watch()
    take(stream, 3)
    sandbox:set { queues = 4 }
    now = now + 5
    local events = take(stream, 2)
    assert.same({ "added", "104", "update", "104" }, { events[1].type, events[1].id, events[2].type, events[2].id })
    sandbox:set { queues = 2 }
    now = now + 5
    events = take(stream, 2)
    assert.same({ "removed", "103", "removed", "104" }, { events[1].type, events[1].id, events[2].type, events[2].id })
  end)

  -- It has polled once, and polls again in seven seconds.
  local function polls_after_seven(stream)
    now = now + 6.9
    assert_quiet(stream)
    assert.equal(1, polls())
    set("101", -1)
    now = now + 0.2
    take(stream, 1)
    assert.equal(2, polls())
  end

  it("polls no faster than its interval, and one poll at a time", function()
    local stream = watch { interval = 7 }
    take(stream, 3)
    assert_quiet(stream)
    polls_after_seven(stream)
  end)

  it("counts its interval from the answer, for which it may have waited", function()
    sandbox:fault { path = "/queues", delay = 2 }
    local stream = watch { interval = 7 }
    assert.equal("timeout", select(2, stream:next(0.05)).code)
    now = now + 3
    take(stream, 3)
    polls_after_seven(stream)
  end)

  it("begins with what another one had, that was closed within the interval", function()
    for _ = 1, 3 do
      local stream = watch()
      take(stream, 3)
      assert_quiet(stream)
      stream:close()
      now = now + 1
    end
    assert.equal(1, polls())
    now = now + 2
    take(watch(), 3)
    assert.equal(2, polls())
  end)

  it("does not give values from before failed polls as current", function()
    local one = watch()
    take(one, 3)
    sandbox:fault { path = "/queues", status = 500, times = 2 }
    for failures = 1, 2 do
      now = now + 6
      repeat
        one:next(0.05)
      until one:info().failures == failures
    end
    one:close()
    now = now + 1
    local other = watch()
    assert.equal("down", take(other, 1)[1].type) -- of that it is told at once
    assert_quiet(other)
    now = now + 5
    assert.equal("gap", take(other, 1)[1].type)
    assert.is_true(take(other, 3)[1].snapshot)
  end)

  it("does not wait out the interval of one that was closed after a failed poll", function()
    sandbox:fault { path = "/queues", status = 500 }
    local one = watch { interval = 3600 }
    assert.equal("down", take(one, 1)[1].type)
    one:close()
    local other = watch { interval = 3600 }
    assert.equal("down", take(other, 1)[1].type)
    now = now + 4.9
    assert_quiet(other)
    now = now + 0.2
    assert.equal("gap", take(other, 1)[1].type)
    assert.is_true(take(other, 3)[1].snapshot)
  end)

  it("does not poll faster if others are closed before their answer", function()
    sandbox:fault { path = "/queues", hang = true }
    for _ = 1, 3 do
      local stream = watch { interval = 3600 }
      assert.equal("timeout", select(2, stream:next(0.05)).code)
      stream:close()
    end
    assert.is_true(polls() <= 1)
    now = now + 5.1
    sandbox:clear_faults()
    take(watch { interval = 3600 }, 3)
  end)

  it("ends with its client, and with nothing else", function()
    sandbox:fault { path = "/queues", hang = true }
    local stream = watch()
    assert.equal("timeout", select(2, stream:next(0.05)).code)
    client:close()
    local event, err = stream:next()
    assert.is_nil(event)
    assert.equal("cancelled", err.code)
    assert.is_nil(internals.peek(client).pollers)
  end)

  it("shares its polls with other watches of the same list", function()
    local one, two, other = watch(), watch(), watch { limit = 2 }
    take(one, 3)
    take(two, 3)
    assert.equal(1, polls())
    take(other, 2)
    assert.equal(2, polls())
    set("101", -5)
    now = now + 5
    take(two, 1)
    take(one, 1)
    assert.equal(3, polls())
    one:close()
    set("101", -6)
    now = now + 5
    assert.equal(-6, take(two, 1)[1].value)
  end)

  it("tells a failed poll as down at once, and a gap with its times before what changed since", function()
    local stream = watch()
    take(stream, 3)
    sandbox:fault { path = "/queues", status = 503 }
    set("101", -9)
    now = now + 5
    local down = take(stream, 1)[1]
    assert.same({ "down", "server", 503 }, { down.type, down.reason, down.error.status })
    assert_quiet(stream)
    now = now + 5
    local events = take(stream, 2)
    assert.equal("gap", events[1].type)
    assert.is_true(events[1].from <= events[1].to)
    assert.same({ "update", -9 }, { events[2].type, events[2].value })
    assert.same({ polls = 3, failures = 1, gaps = 1, rows = 3 }, stream:info())
  end)

  -- It asked again after its interval, whatever the server said.
  it("asks again no earlier than the server says, and says until when it waits", function()
    local stream = watch()
    take(stream, 3)
    sandbox:fault { path = "/queues", status = 503, headers = { ["Retry-After"] = "86400" } }
    now = now + 5
    local down = take(stream, 1)[1]
    assert.same({ "down", 86400 }, { down.type, down.error.retry_after })
    now = now + 86399
    assert_quiet(stream)
    assert.equal(1, stream:timeout())
    sandbox:fault { path = "/queues", status = 503, headers = { ["Retry-After"] = "300" } }
    now = now + 1
    down = take(stream, 1)[1] -- once more: it lasts
    assert.same({ "down", 300 }, { down.type, down.error.retry_after })
    local other = watch() -- shares the poller, and its wait
    assert.same({ "down", 300 }, { take(other, 1)[1].type, down.error.retry_after })
    assert_quiet(other)
    now = now + 300
    assert.equal("gap", take(stream, 1)[1].type)
    assert.equal("gap", take(other, 1)[1].type)
    assert.equal(4, polls())
  end)

  it("is down once where the server says to come again soon", function()
    local stream = watch()
    take(stream, 3)
    sandbox:fault { path = "/queues", status = 503, headers = { ["Retry-After"] = "9" }, times = 2 }
    now = now + 5
    assert.equal("down", take(stream, 1)[1].type)
    now = now + 8
    assert_quiet(stream)
    now = now + 1
    local _, err = stream:next(0.5)
    assert.equal("timeout", err.code)
    assert.equal(3, polls())
    now = now + 9
    assert.equal("gap", take(stream, 1)[1].type)
  end)

  it("that waits for the server ends when it is closed", function()
    local stream = watch()
    sandbox:fault { path = "/queues", status = 503, headers = { ["Retry-After"] = "86400" } }
    take(stream, 1)
    stream:close()
    assert.equal("cancelled", select(2, stream:next()).code)
    now = now + 5 -- nobody looked at it for an interval: the next one is new
    assert.equal("update", take(watch(), 1)[1].type)
  end)

  it("tells the gap even if polls failed and recovered while it was not read", function()
    local one, two = watch(), watch()
    take(one, 3)
    take(two, 3)
    sandbox:fault { path = "/queues", status = 503 }
    now = now + 5
    take(one, 1)
    now = now + 5
    take(one, 1)
    local events = take(two, 2)
    assert.same({ "down", "gap" }, { events[1].type, events[2].type })
  end)

  it("ends with the error if another poll would fail, too", function()
    local stream = watch()
    take(stream, 3)
    sandbox:fault { path = "/queues", status = 403 }
    now = now + 5
    assert.equal("down", take(stream, 1)[1].type)
    local event, err = stream:next(20)
    assert.is_nil(event)
    assert.equal("forbidden", err.code)
    assert.has_error(function() stream() end, err)
  end)

  it("gives a reader that is slower than its polls the newest state", function()
    local stream = watch()
    assert(stream:next(20))
    local other = watch()
    take(other, 3)
    for value = -3, -1 do
      set("103", value)
      now = now + 5
      take(other, 1)
    end
    local last
    repeat
      local event = stream:next(0)
      last = event or last
    until not event
    assert.equal(-1, last.value)
  end)

  it("can be merged", function()
    local merged = ccaas.merge(watch(), client:agents { summary = true })
    local kinds = { rows = 0, updates = 0 }
    for _ = 1, 7 do
      local item = assert(merged:next(20))
      local kind = item.type and "updates" or "rows"
      kinds[kind] = kinds[kind] + 1
    end
    assert.same({ rows = 4, updates = 3 }, kinds)
    merged:close()
  end)

  it("cancels its poll when it is closed", function()
    sandbox:fault { path = "/queues", hang = true }
    local stream = watch()
    assert.equal("timeout", select(2, stream:next(0.05)).code)
    stream:close()
    stream:close()
    assert.equal("cancelled", select(2, stream:next()).code)
  end)

  describe("of a list that is served in pages", function()
    local rows, change

    -- A watch of these rows, which are { id, value }; `change(request)` comes before
    -- each answer and may give other bytes.
    local function watch_pages(given, opts)
      rows, change = given, nil
      local s = server.start(function(request)
        local bytes, list = change and change(request), {}
        for i, row in ipairs(rows) do
          list[i] = server.row(row[1], ('[{"key":"a","value":%d}]'):format(row[2]))
        end
        return bytes or server.cut(request, list)
      end)
      client:close()
      client = ccaas.new(s:options { retries = 0 })
      internals.tune(client, { now = function() return now end })
      opts = opts or {}
      opts.size, opts.concurrency = 2, 1
      local stream = client:watch("queues", opts)
      take(stream, opts.limit or #rows)
      return stream, s
    end

    -- The events of another poll, as text.
    local function poll(stream)
      local polled, told = stream:info().polls, {}
      now = now + 5
      repeat
        local event = stream:next(0.02)
        if event then
          told[#told + 1] = ("%s %s %s"):format(event.type, event.id, tostring(event.value))
        end
      until not event and stream:info().polls > polled
      return table.concat(told, ", ")
    end

    -- All rows are on one page, and the total says that there is one more.
    local function unclean()
      return server.page { rows = { server.row("1", '[{"key":"a","value":7}]') }, size = 2, total = 2 }
    end

    -- Row 3 slid over the border of a page in mid-poll: it was told as removed, and
    -- at the next poll as added.
    it("does not tell a row as removed that slid over a page border", function()
      local stream = watch_pages { { "1", 1 }, { "2", 2 }, { "3", 3 }, { "4", 4 }, { "5", 5 } }
      local requests = 0
      change = function()
        requests = requests + 1
        if requests == 2 then
          table.remove(rows, 1)
        end
      end
      assert.equal("", poll(stream)) -- row 1 was still seen
      assert.is_true(requests > 3)
      assert.equal("removed 1 nil", poll(stream))
      assert.equal(4, stream:info().rows)
    end)

    it("keeps a row that an unclean poll lacks, until a clean one lacks it", function()
      local stream = watch_pages { { "1", 1 }, { "2", 2 } }
      change = unclean
      assert.equal("update 1 7", poll(stream))
      assert.equal("", poll(stream))
      assert.equal(2, stream:info().rows)
      change = nil
      rows[2][2] = 5 -- its last value was 2
      assert.equal("update 1 1, update 2 5", poll(stream))
      change = unclean
      assert.equal("update 1 7", poll(stream))
      change = nil
      rows[2] = nil
      assert.equal("update 1 1, removed 2 nil", poll(stream))
      assert.equal(1, stream:info().rows)
    end)

    it("gives a row that was kept to another watch, too", function()
      local stream = watch_pages { { "1", 1 }, { "2", 2 } }
      change = unclean
      assert.equal("update 1 7", poll(stream))
      local other = client:watch("queues", { size = 2, concurrency = 1 })
      local events = take(other, 2)
      assert.same({ "1", 7, "2", 2 }, { events[1].id, events[1].value, events[2].id, events[2].value })
    end)

    it("with a limit tells a row as removed that is no longer among the first", function()
      local stream = watch_pages({ { "1", 1 }, { "2", 2 }, { "3", 3 }, { "4", 4 } }, { limit = 3 })
      table.remove(rows, 1)
      assert.equal("added 4 nil, update 4 4, removed 1 nil", poll(stream))
    end)

    it("with verify walks it until two passes are clean", function()
      local stream, s = watch_pages({ { "1", 1 }, { "2", 2 }, { "3", 3 } }, { verify = true })
      assert.equal(4, #s.requests)
      assert.equal("", poll(stream))
      assert.equal(8, #s.requests)
    end)
  end)

  it("raises at the caller's line for what cannot be watched", function()
    for _, call in ipairs {
      function() client:watch("queue") end,
      function() client:watch("queue_agents") end,
      function() client:watch(nil) end,
      function() client:watch("queues", { interval = 4.9 }) end,
      function() client:watch("queues", { metrix = "handling.rt" }) end,
      function() client:watch("agents") end,
    } do
      local ok, message = pcall(call)
      assert.is_false(ok)
      assert.truthy(tostring(message):find("watch_spec.lua:%d+: "), tostring(message))
    end
  end)
end)
