-- A watch took over whatever the last one of the same list had left: its error,
-- though nobody had asked again; its values, however old, as those of now.
local helper = require "spec.support.helper"
local ccaas = require "ccaas"
local side = require "ccaas.side"

describe("a watch of a list that was watched before", function()
  local sandbox, client, now

  before_each(function()
    sandbox = helper.sandbox { queues = 1, agents = 1 }
    client = ccaas.new(sandbox:options("8x8", { retries = 0 }))
    now = 1000
    side.of(client).now = function() return now end
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
