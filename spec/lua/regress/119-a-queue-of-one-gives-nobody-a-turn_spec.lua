-- A loop over a subscription looks at the clock once in so many events.  It did so
-- no more when each event was the last one that was there and the next one came
-- before it was asked for: with `queue = 1` in a flood the loop's others waited for
-- ever.
local ccaas = require "ccaas"
local core = require "ccaas.core"
local helper = require "spec.support.helper"

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
