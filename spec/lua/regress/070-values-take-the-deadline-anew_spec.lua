-- The deadline of a subscription is for all of it: the request for the current
-- values had the whole of it to itself, after each opening, and while it was
-- under way nobody looked at the subscription's own.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local streams = require "ccaas.stream"

describe("the request for a subscription's current values", function()
  local new = streams.new
  after_each(function() streams.new = new end)

  it("has what is left of the subscription's deadline", function()
    local sandbox = helper.sandbox { agents = 5 }
    local client = ccaas.new(sandbox:options("xima"))
    local plans = {}
    streams.new = function(own, plan, name)
      plans[#plans + 1] = plan
      return new(own, plan, name)
    end
    -- Half a second goes by before it is opened again.
    sandbox:fault { path = "/realtime-metric-subscription", status = 503, times = 1 }
    local live = client:subscribe({ "101" }, { deadline = 20 })
    assert.equal("down", assert(live:next()).type)
    assert.equal("open", assert(live:next()).type)
    assert.equal(1, #plans)
    assert.is_true(plans[1].deadline <= 19.5)
    client:close()
  end)

  it("has a deadline only where the subscription has one", function()
    local sandbox = helper.sandbox { agents = 5 }
    local client = ccaas.new(sandbox:options("xima"))
    local plans = {}
    streams.new = function(own, plan, name)
      plans[#plans + 1] = plan
      return new(own, plan, name)
    end
    local live = client:subscribe({ "101" })
    assert.equal("open", assert(live:next()).type)
    assert.is_nil(plans[1].deadline)
    client:close()
  end)
end)
