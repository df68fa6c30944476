-- nginx's shared memory counts whole milliseconds, and takes 0 of them for "never
-- ends": a pace left with less than one to go was kept by all workers for ever.
local helper = require "spec.support.helper"

describe("a store in shared memory", function()
  it("ends what lives for less than a millisecond", function()
    local status, output = helper.run(helper.command [[
      local least = math.huge
      local function keep(_, _, _, seconds)
        assert(seconds > 0)
        least = math.min(least, math.floor(seconds * 1000))
        return true
      end
      ngx = { shared = { tokens = { set = keep, add = keep } } }
      local store = require("ccaas.store").shared_dict "tokens"
      assert(store.set("key", "value", 0.0004))
      assert(store.add("key", "value", 1e-9))
      assert(store.set("key", "value", 0.0015))
      print(least)
    ]])
    assert.equal("1\n", output)
    assert.equal(0, status)
  end)
end)
