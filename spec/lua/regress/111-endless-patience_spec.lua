-- An infinite number of seconds was refused by luv's timers and by the alarms for
-- copas: "next" raised, although the other loops took it.
local ccaas = require "ccaas"
local core = require "ccaas.core"
local helper = require "spec.support.helper"

describe("next", function()
  local sandbox

  setup(function() sandbox = helper.sandbox { queues = 4, agents = 5, groups = 2 } end)

  for _, name in ipairs { "blocking", "cqueues", "luv", "copas" } do
    if name ~= "copas" or rawget(_G, "jit") then
      for _, seconds in ipairs { math.huge, 1e300, 1e12 } do
        it(("may be told to wait %g s, with %s"):format(seconds, name), function()
          local client = ccaas.new(sandbox:options("8x8", { loop = name }))
          assert.truthy(assert(client:queues():next(seconds)).id)
          assert.truthy(assert(ccaas.merge(client:queues()):next(seconds)).id)
          client:close()
        end)
      end
    end
  end

  it("has alarms that ring in time, or never", function()
    for _, seconds in ipairs { math.huge, 1e300, 1e12 } do
      local alarm = assert(core.alarm(-1, seconds))
      assert.is_false(core.poll(alarm:fd(), 0))
      alarm:close()
    end
    local alarm = assert(core.alarm(-1, -1))
    assert.is_true(core.poll(alarm:fd(), 10))
    alarm:close()
  end)
end)
