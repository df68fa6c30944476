-- How numbers are written into requests and files.
local json = require "ccaas.json"

-- Numbers of more than 14 digits were sent, and noted by the archive, with their
-- last digits gone: lua-cjson's older versions write no more.
describe("a number in a request's body", function()
  for text, value in pairs {
    ["123456789012345"] = 123456789012345, ["-123456789012345"] = -123456789012345,
    ["4100000000123456"] = 4100000000123456, ["9007199254740991"] = 9007199254740991,
    ["99999999999999"] = 99999999999999, ["100000000000000"] = 1e14, ["0"] = 0, ["0.5"] = 0.5, ["-3"] = -3,
  } do
    it(text .. " keeps its digits", function()
      assert.are.equal('{"n":' .. text .. "}", json.encode { n = value })
    end)
  end

  for _, value in ipairs { 0.1, 1 / 3, 1780358400.123456, 1e300, -2.5e-300, 2 ^ 63, 123456789.123456789 } do
    it(("%.17g stays what it is"):format(value), function()
      assert.are.equal(value, tonumber(json.encode({ n = value }):match ":(.*)}"))
    end)
  end

  it("that is none is refused", function()
    for _, value in ipairs { 1 / 0, -1 / 0, 0 / 0 } do
      assert.is_nil((json.encode { n = value }))
    end
  end)
end)
