local ccaas = require "ccaas"
local core = require "ccaas.core"
local helper = require "spec.support.helper"

local function busy(seconds)
  local ends = core.now() + seconds
  repeat until core.now() > ends
end

describe("a loop with a function `pause`", function()
  local sandbox, pauses, client

  -- A client that notes its pauses.
  local function new_client(name)
    pauses = 0
    return ccaas.new(sandbox:options(name or "8x8", {
      loop = { wait = core.poll, pause = function() pauses = pauses + 1 end },
    }))
  end

  setup(function() sandbox = helper.sandbox { queues = 20, agents = 30 } end)
  before_each(function() client = new_client() end)
  after_each(function() client:close() end)

  it("gets a turn when a reader has had rows ready for a while", function()
    local rows = 0
    for _ in client:queues() do
      rows = rows + 1
      local before = pauses
      if rows > 1 and rows < 20 then
        busy(0.003)
        before = pauses
      end
      if rows > 2 then
        assert.is_true(before >= rows - 2)
      end
    end
    assert.equal(20, rows)
    assert.is_true(pauses >= 18, pauses)
  end)

  it("gets one in each form of reading", function()
    local forms = {
      next = function(stream)
        while stream:next() do
          busy(0.003)
        end
      end,
      each = function(stream)
        for _ in stream:each() do
          busy(0.003)
        end
      end,
      merge = function(stream)
        for _ in ccaas.merge(stream, client:groups()) do
          busy(0.003)
        end
      end,
      watch = function(stream)
        stream:close()
        local watch = client:watch "queues"
        for _ = 1, 20 do
          assert(watch:next())
          busy(0.003)
        end
        watch:close()
      end,
    }
    for name, form in pairs(forms) do
      local before = pauses
      form(client:queues())
      assert.is_true(pauses - before >= 15, name .. ": " .. pauses - before)
    end
  end)

  it("gets one while one stream of a merge has nothing", function()
    sandbox:fault { path = "/groups", hang = true }
    local merged = ccaas.merge(client:groups(), client:queues())
    for _ = 1, 20 do
      assert(merged:next())
      busy(0.003)
    end
    merged:close()
    sandbox:clear_faults()
    assert.is_true(pauses >= 15, pauses)
  end)

  it("gets one while many events arrive", function()
    local xima = new_client "xima"
    local live = xima:subscribe({ "101" }, { snapshot = false })
    assert.equal("open", assert(live:next()).type)
    for i = 1, 20 do
      sandbox:push { id = "101", category = "Agent " .. i, value = i }
    end
    for _ = 1, 20 do
      assert.equal("update", assert(live:next()).type)
      busy(0.003)
    end
    xima:close()
    assert.is_true(pauses >= 15, pauses)
  end)

  it("may close what is read", function()
    for _, make in ipairs {
      function(stream) return stream end,
      function(stream) return ccaas.merge(stream) end,
    } do
      local stream
      local closing = ccaas.new(sandbox:options("8x8", {
        loop = { wait = core.poll, pause = function() stream:close() end },
      }))
      stream = make(closing:queues())
      local err
      repeat
        local row
        row, err = stream:next()
        busy(0.003)
      until not row
      assert.equal("cancelled", err and err.code)
    end
  end)

  it("must be a function", function()
    assert.has_error(function()
      ccaas.new(sandbox:options("8x8", { loop = { wait = core.poll, pause = 1 } }))
    end)
  end)
end)

-- A loop over a subscription looks at the clock once in so many events.  It did so
-- no more when each event was the last one that was there and the next one came
-- before it was asked for: with `queue = 1` in a flood the loop's others waited for
-- ever.
describe("a loop over a subscription whose queue holds one", function()
  it("gives others a turn", function()
    local sandbox, pauses = helper.sandbox {}, 0
    local client = ccaas.new(sandbox:options("xima", {
      loop = { wait = core.poll, pause = function() pauses = pauses + 1 end },
    }))
    local live = client:subscribe({ "101" }, { snapshot = false, queue = 1 })
    assert.equal("open", live().type)
    for i = 1, 500 do
      sandbox:push { id = "101", category = "Agent " .. i, value = i }
      local from = core.now()
      repeat
        local seconds = core.now() - from
      until live:info().waiting == 1 and seconds > 0.0002 or seconds > 30
      assert.equal(i, live().value)
    end
    assert.is_true(pauses >= 5, pauses .. " pauses")
    client:close()
  end)
end)
