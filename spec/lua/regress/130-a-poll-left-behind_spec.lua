-- A watch that was dropped in the middle of a poll left it to the next one of the
-- same list, however much later: that told of rows which were no more, or was held
-- up by a poll that hung.  And what it polled with was kept for ever.
local ccaas = require "ccaas"
local server = require "spec.support.server"
local side = require "ccaas.side"

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
    side.of(client).now = function() return now end
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
    for _ in pairs(side.of(client).pollers) do
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
