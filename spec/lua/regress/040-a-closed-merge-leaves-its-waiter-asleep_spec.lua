-- Closing a merge or a watch closed the descriptor that another coroutine waited
-- for, and an event loop tells nothing of a descriptor that is no more.
local ccaas = require "ccaas"
local cqueues = require "cqueues"
local helper = require "spec.support.helper"

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
