-- In nginx a poll may be cut off with the request that began it: all watches that
-- shared it ended with "cancelled", though their client was open.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local side = require "ccaas.side"

describe("a poll that is cut off", function()
  local sandbox, client, now

  before_each(function()
    sandbox = helper.sandbox { queues = 1, agents = 1 }
    client = ccaas.new(sandbox:options("8x8", { retries = 0 }))
    now = 1000
    side.of(client).now = function() return now end
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
    for _, poller in pairs(side.of(client).pollers) do
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
