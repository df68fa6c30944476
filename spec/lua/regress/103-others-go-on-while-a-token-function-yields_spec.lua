-- While the user's function yields in the midst of a look, other coroutines go on
-- with the same stream: it may be at its end or closed by the time that look is
-- over.  Then things raised, or a stream of a merge fell out of its row for good.
local helper = require "spec.support.helper"
local ccaas = require "ccaas"
local cqueues = require "cqueues"

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
    local events = {}
    local function read()
      local event = assert(client:watch("groups"):next())
      events[#events + 1], waits = event, false
    end
    run(read, read)
    assert.is_true(events[1].snapshot)
    assert.is_true(events[2].snapshot)
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
