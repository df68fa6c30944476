-- subscribe and metric_values need ids, and said of an empty list that it could
-- be left out to ask for all.
local ccaas = require "ccaas"

describe("an empty list of ids, where ids are needed", function()
  it("is refused as none", function()
    local client = ccaas.new { provider = "xima", host = "127.0.0.1", token = "t" }
    for _, name in ipairs { "subscribe", "metric_values" } do
      local ok, message = pcall(function() client[name](client, {}) end)
      assert.is_false(ok)
      assert.is_truthy(message:find(name .. ": needs a list of ids, not an empty list$"), message)
    end
    local ok, message = pcall(function() client:metrics { ids = {} } end)
    assert.is_false(ok)
    assert.is_truthy(message:find("leave it out to ask for all", 1, true), message)
    client:close()
  end)
end)
