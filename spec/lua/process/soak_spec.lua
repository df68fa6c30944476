-- A minute of spec/bench/soak.lua: live events under faults.
local helper = require "spec.support.helper"

describe("live events under faults for a minute", function()
  it("leave every reader with the server's state, and tell each loss", function()
    local status, output = helper.run(([[
      env -u LUA_PATH_5_4 -u LUA_CPATH_5_4 LUA_PATH=%s LUA_CPATH=%s timeout 110 %s spec/bench/soak.lua --seconds 60
    ]]):format(helper.quote(package.path), helper.quote(package.cpath), helper.quote(helper.interpreter)))
    assert.equal(0, status, output)
    assert.matches("soak: %d+ passed, 0 failed", output)
  end)
end)
