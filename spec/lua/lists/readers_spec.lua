-- Several coroutines that read one stream, of rows or of events.
local ccaas = require "ccaas"
local cqueues = require "cqueues"
local helper = require "spec.support.helper"
local core = require "ccaas.core"
local events = require "ccaas.events"
local internals = require "ccaas.internals"

-- Closing a merge or a watch closed the descriptor that another coroutine waited
-- for, and an event loop tells nothing of a descriptor that is no more.
describe("a coroutine that waits for", function()
  local sandbox

  setup(function() sandbox = helper.sandbox { agents = 5, queues = 5, groups = 2 } end)

  -- Not before the loop has its descriptor.
  local function close_later(stream)
    cqueues.poll(0.05)
    stream:close()
  end

  -- What a stream that waits says when another coroutine closes it.
  local function outcome_of(make)
    sandbox:fault { hang = true, times = 100, path = "/queues" }
    local client = ccaas.new(sandbox:options("8x8", { loop = "cqueues" }))
    local loop, stream, outcome = cqueues.new(), make(client), nil
    loop:wrap(function() outcome = { stream:next() } end)
    loop:wrap(function() close_later(stream) end)
    assert(loop:loop(10))
    client:close()
    sandbox:clear_faults()
    assert.is_table(outcome, "it still waits")
    assert.is_nil(outcome[1])
    return outcome[2].code
  end

  it("a merge hears that it was closed", function()
    assert.equal("cancelled", outcome_of(function(client) return ccaas.merge(client:queues()) end))
  end)

  it("a watch hears that it was closed", function()
    assert.equal("cancelled", outcome_of(function(client) return client:watch "queues" end))
  end)

  it("what cqueues polls itself hears it, too", function()
    local client = ccaas.new(sandbox:options("8x8"))
    sandbox:fault { hang = true, times = 100, path = "/queues" }
    local loop, woken = cqueues.new(), false
    local merged = ccaas.merge(client:queues())
    loop:wrap(function()
      while select(2, merged:next(0)).code == "timeout" do
        cqueues.poll(merged)
      end
      woken = true
    end)
    loop:wrap(function() close_later(merged) end)
    assert(loop:loop(10))
    assert.is_true(woken)
  end)
end)

-- Of two coroutines that read one stream one may see its end, or close it, while
-- the other waits: the other slept on, for the descriptor was closed, or had been
-- rung for the first one.
describe("a coroutine that waits for a stream", function()
  local sandbox

  setup(function() sandbox = helper.sandbox { queues = 4, agents = 5, groups = 2 } end)

  -- Runs `finish(stream)` when both have waited, and one of them was woken; the
  -- second page is in trouble meanwhile.
  local function second_of(trouble, finish)
    local client = ccaas.new(sandbox:options("8x8", { loop = "cqueues" }))
    local stream, loop = client:queues { size = 2, concurrency = 1 }, cqueues.new()
    local taken, asks, left, outcome
    trouble.path, trouble.page = "/queues", 1
    sandbox:clear_faults()
    sandbox:fault(trouble)
    loop:wrap(function()
      assert(stream:next())
      assert(stream:next())
      taken = true
      repeat
        cqueues.poll(0.05)
      until asks
      finish(stream)
      left = true
    end)
    loop:wrap(function()
      repeat
        cqueues.poll(0)
      until taken
      asks = true
      repeat
        outcome = { stream:next() }
      until not outcome[1] -- a row, where the machine was slow
    end)
    assert(loop:loop(10))
    assert.is_true(left)
    assert.is_table(outcome, "it still waits")
    client:close()
    return (unpack or table.unpack)(outcome, 1, 2)
  end

  it("is woken when another one closes it", function()
    local row, err = second_of({ hang = true }, function(stream) stream:close() end)
    assert.is_nil(row)
    assert.equal("cancelled", err.code)
  end)

  it("is woken when another one reads it to its end", function()
    local row, err = second_of({ delay = 0.5 }, function(stream)
      while true do -- without giving way: the other one sleeps
        local row, err = stream:next(0)
        if not row and not err then
          break
        end
      end
    end)
    assert.is_nil(row)
    assert.is_nil(err)
  end)
end)

-- While the user's function yields in the midst of a look, other coroutines go on
-- with the same stream: it may be at its end or closed by the time that look is
-- over.  Then things raised, or a stream of a merge fell out of its row for good.
describe("while a token function yields", function()
  local sandbox, calls, holds, options

  before_each(function()
    sandbox = helper.sandbox { queues = 3, agents = 2, groups = 2 }
    calls, holds = 0, {}
    options = sandbox:options("xima", { loop = "cqueues" })
    local token = options.token
    options.token = function()
      calls = calls + 1
      local call = calls
      while holds[call] do
        cqueues.poll(0.001)
      end
      return token
    end
  end)

  local function until_true(f)
    repeat
      cqueues.poll(0.001)
    until f()
  end

  -- Runs both in one loop; what they raise is raised.
  local function run(...)
    local loop = cqueues.new()
    for _, f in ipairs { ... } do
      loop:wrap(f)
    end
    assert(loop:loop(20))
    assert.equal(0, loop:count())
  end

  it("a merge may be closed", function()
    local client, event, err = ccaas.new(options), nil, nil
    local merged = ccaas.merge(client:subscribe({ "101" }, { snapshot = false }))
    holds[1] = true
    run(function() event, err = merged:next() end, function()
      until_true(function() return calls > 0 end)
      merged:close()
      holds[1] = nil
    end)
    assert.is_nil(event)
    assert.equal("cancelled", err.code)
    client:close()
  end)

  it("others may read what is merged, and lose none of it", function()
    local one = ccaas.new(options)
    local eight = ccaas.new(sandbox:options("8x8", { loop = "cqueues" }))
    local live, rows = one:subscribe({ "101" }, { snapshot = false }), eight:queues()
    local merged, kinds, count = ccaas.merge(live, rows), {}, 0
    local ends = cqueues.monotime() + 10
    holds[1] = true
    local function read()
      while count < 4 and cqueues.monotime() < ends do
        local item = merged:next(0.05)
        if item then
          count = count + 1
          kinds[item.type or "row"] = (kinds[item.type or "row"] or 0) + 1
        end
        if calls >= 2 and item and not item.type then
          holds[1] = nil
          cqueues.poll(0.05) -- the first one's look goes on meanwhile
        end
      end
    end
    run(read, read)
    assert.same({ open = 1, row = 3 }, kinds)
    one:close()
    eight:close()
  end)

  it("a poll that two watch may end, where it is a store's function", function()
    local kept, waits = {}, true
    local client = ccaas.new(sandbox:options("8x8", { loop = "cqueues", store = {
      get = function(key) return kept[key] end,
      set = function(key, value)
        kept[key] = value
        while waits do
          cqueues.poll(0.001)
        end
      end,
      add = function(key, value)
        kept[key] = kept[key] or value
        return kept[key] == value
      end,
      delete = function(key) kept[key] = nil end,
    } }))
    local seen = {}
    local function read()
      local event = assert(client:watch("groups"):next())
      seen[#seen + 1], waits = event, false
    end
    run(read, read)
    assert.is_true(seen[1].snapshot)
    assert.is_true(seen[2].snapshot)
    client:close()
  end)

  it("the current values may come", function()
    local client, kinds = ccaas.new(options), {}
    local live = client:subscribe { "101" }
    assert(live:next())
    sandbox:fault { path = "/realtime/metrics/values", status = 401 }
    holds[calls + 1] = true
    local function read()
      repeat
        local event = live:next()
        kinds[event.snapshot and "value" or event.type] = true
      until kinds.value
      holds = {}
      live:close()
    end
    local function other()
      until_true(function() return calls > 1 end)
      read()
    end
    run(function() live:next() end, other)
    assert.same({ value = true }, kinds)
    client:close()
  end)
end)

-- Of two coroutines that read one stream of events one waits, and the other takes
-- what comes by `next`: with it went the ring that was for both, and the one that
-- waited was told of nothing any more.
describe("a coroutine that waits for events", function()
  it("gets what is left when another one took its part", function()
    local sandbox = helper.sandbox { queues = 4, agents = 5, groups = 2 }
    local client = ccaas.new(sandbox:options("8x8", { loop = "cqueues" }))
    local stream = client:queues { size = 4 }
    local merged, loop, waits, row = ccaas.merge(stream), cqueues.new(), false, nil
    sandbox:fault { path = "/queues", delay = 0.2 }
    loop:wrap(function()
      waits = true
      row = merged:next()
    end)
    loop:wrap(function()
      repeat
        cqueues.poll(0)
      until waits
      local mine
      repeat -- without giving way: the other one sleeps
        mine = merged:next(0)
      until mine
    end)
    assert(loop:loop(10))
    assert.is_table(row)
    client:close()
  end)
end)

-- Two coroutines read the same stream of events. One slept; the other took its
-- ring, and a function of the user's that it called raised: nobody looked again,
-- and the sleeper slept on.
describe("a reader that sleeps", function()
  it("is woken when another one ends by what the user's function raises", function()
    local client = ccaas.new { provider = "xima", base_url = "http://127.0.0.1:1", token = "token",
      loop = { wait = function(fd) coroutine.yield(fd) end } }
    local raises, nothing = false, function() end
    local stream = events.new(internals.of(client), {
      waitset = core.waitset(), due = nothing, join = nothing, leave = nothing, close = nothing,
      try = function()
        if raises then
          error("the user's", 0)
        end
        return nil, "wait"
      end,
    }, "raising")
    local sleeper = coroutine.create(function() return stream:next() end)
    local _, fd = assert(coroutine.resume(sleeper))
    assert.is_false(core.poll(fd, 0))
    raises = true
    local ok, message = pcall(stream.next, stream, 0)
    assert.is_false(ok)
    assert.equal("the user's", message)
    assert.is_true(core.poll(fd, 0))
    raises = false
    assert.is_true(coroutine.resume(sleeper))
    assert.equal("suspended", coroutine.status(sleeper))
    assert.is_false(core.poll(fd, 0))
    client:close()
  end)
end)
