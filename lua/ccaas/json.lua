--- Writes request bodies, by a lua-cjson instance of our own.

local core = require "ccaas.core"

local json = {}

local cjson = require("ccaas.cjson").new()
cjson.encode_sparse_array(true)
for _, digits in ipairs { 17, 16, 14 } do
  if pcall(cjson.encode_number_precision, digits) then
    break
  end
end

local List = {}

--- Marks a table as a list, so that it is written as one even when empty.
---@generic T: table
---@param list T
---@return T
function json.list(list)
  return setmetatable(list, List)
end

-- Does lua-cjson write this number so that it stays what it is?  Fourteen digits
-- are all that its older versions have.
local function is_short(number)
  if number % 1 == 0 and number >= -2 ^ 63 and number < 2 ^ 63 then
    return number > -1e14 and number < 1e14
  end
  return tonumber((string.format("%.14g", number):gsub(",", "."))) == number or number ~= number
end

-- A number's text, with all its digits.
local function digits_of(number)
  if number % 1 == 0 and number >= -2 ^ 63 and number < 2 ^ 63 then
    return string.format("%d", number)
  end
  return (string.format("%.17g", number):gsub(",", "."))
end

-- Older versions of lua-cjson know neither long numbers nor empty lists: these
-- are put into the text afterwards, in the place of a string that nothing else
-- is.
local function prepare(value, mark, instead)
  local kind = type(value)
  if kind == "number" and not is_short(value) then
    instead[#instead + 1] = digits_of(value)
    return mark .. #instead
  elseif kind ~= "table" then
    return value
  elseif getmetatable(value) == List and next(value) == nil then
    instead[#instead + 1] = "[]"
    return mark .. #instead
  end
  local copy = {}
  for key, item in pairs(value) do
    copy[key] = prepare(item, mark, instead)
  end
  return copy
end

--- The JSON text of a value; nil and a reason when it has none (a function, a
--- table of both kinds, a string that is not UTF-8, a number that is not one).
---@param value any
---@return string|nil
---@return string|nil reason
function json.encode(value)
  local mark = string.format("ccaas-%x-%x-", math.random(0, 0xffffff), math.random(0, 0xffffff))
  local instead = {}
  local ok, text = pcall(function()
    return cjson.encode(prepare(value, mark, instead))
  end)
  if not ok then
    return nil, (tostring(text):gsub("^.-:%d+: ", ""))
  end
  text = text:gsub('"' .. mark:gsub("%-", "%%-") .. '(%d+)"', function(number)
    return instead[tonumber(number)]
  end)
  local _, reason = core.decode(text)
  if reason and core.decode(text) == nil then
    return nil, "what it gives is not JSON: " .. reason
  end
  return text
end

return json
