-- A watch whose first poll failed told a gap that had no `from`: it is when the
-- watch began, for nothing is known before.
local helper = require "spec.support.helper"
local ccaas = require "ccaas"
local side = require "ccaas.side"

describe("a watch whose first poll failed", function()
  it("tells since when something may be missing", function()
    local sandbox = helper.sandbox { queues = 1, agents = 1 }
    local client = ccaas.new(sandbox:options("8x8", { retries = 0 }))
    local now = 1000
    side.of(client).now = function() return now end
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
