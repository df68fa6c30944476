-- Of two coroutines that read one stream one may see its end, or close it, while
-- the other waits: the other slept on, for the descriptor was closed, or had been
-- rung for the first one.
local ccaas = require "ccaas"
local cqueues = require "cqueues"
local helper = require "spec.support.helper"

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
