-- The documents' loop over a subscription formatted a gap's times by %d, which
-- Lua 5.4 refuses: they have fractions.
local helper = require "spec.support.helper"

describe("the documents' loop over a subscription", function()
  it("prints every event of it", function()
    local source
    for block in helper.read("docs/live.md"):gmatch("\n```lua\n(.-)```") do
      source = source or block:find(":subscribe(", 1, true) and block
    end
    local events = {
      { type = "open", at = 1782777600.25, attempt = 1 },
      { type = "update", metric_id = "101", category = "A", kind = "COUNT", value = 1 },
      { type = "down", at = 1782777601.25, reason = "network" },
      { type = "gap", at = 1782777602.5, from = 1782777601.25, to = 1782777602.5, reason = "network" },
    }
    local printed, at = {}, 0
    local environment = setmetatable({
      xima = { subscribe = function()
        return function()
          at = at + 1
          return events[at]
        end
      end },
      print = function(...)
        printed[#printed + 1] = table.concat({ ... }, " ")
      end,
    }, { __index = _G })
    local chunk
    if rawget(_G, "setfenv") then
      chunk = setfenv(assert(loadstring(source)), environment) -- luacheck: ignore
    else
      chunk = assert(load(source, "docs/live.md", "t", environment)) -- luacheck: ignore
    end
    chunk()
    assert.same({ "101 A 1", "stale since now: network" }, { printed[1], printed[2] })
    assert.is_truthy(printed[3]:find("from 178277760%d to 178277760%d"), printed[3])
  end)
end)
