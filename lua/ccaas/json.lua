--- Writes request bodies, by a lua-cjson instance of our own.

local core = require "ccaas.core"

local json = {}

local cjson = require("cjson").new()
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

-- Older versions of lua-cjson know neither integers nor empty lists: these are
-- put into the text afterwards, in the place of a string that nothing else is.
local function prepare(value, mark, instead)
  local kind = type(value)
  if math.type and math.type(value) == "integer" and (value > 2 ^ 53 or value < -2 ^ 53) then
    instead[#instead + 1] = string.format("%d", value)
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
