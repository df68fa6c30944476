--- Writes JSON: request bodies, lines of files.  Not by lua-cjson, which learns the
--- decimal point when it is loaded, and keeps 14 digits.

local core = require "ccaas.core"
local text = require "ccaas.text"

local json = {}

local null = require("ccaas.cjson").null
local DEEPEST = 128 -- as when it is read

local List = {}

--- Marks a table as a list, so that it is written as one even when empty.
---@generic T: table
---@param list T
---@return T
function json.list(list)
  return setmetatable(list, List)
end

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r",
  ["\t"] = "\\t" }

local function escape(character)
  return escapes[character] or string.format("\\u%04x", character:byte())
end

local function quote(value)
  return '"' .. value:gsub("[%z\1-\31\"\\\127]", escape) .. '"'
end

local function number(value, keeps_infinite)
  if value - value == 0 then
    return text.number(value)
  elseif keeps_infinite and value == value then
    return value > 0 and "1e999" or "-1e999"
  end
  error("a number that is not finite", 0)
end

-- How many items a table has as a list, a few holes among them; nil: it is none.
local function length_of(value)
  local count, most = 0, 0
  for key in pairs(value) do
    if type(key) ~= "number" or key < 1 or key % 1 ~= 0 then
      return nil
    end
    count, most = count + 1, math.max(most, key)
  end
  if count == 0 then
    return getmetatable(value) == List and 0 or nil
  end
  return (most <= 10 or most <= 2 * count) and most or nil
end

local add

local function add_list(parts, value, length, depth, keeps_infinite)
  for i = 1, length do
    parts[#parts + 1] = i == 1 and "[" or ","
    add(parts, value[i], depth, keeps_infinite)
  end
  parts[#parts + 1] = length == 0 and "[]" or "]"
end

local function add_object(parts, value, depth, keeps_infinite)
  local first = "{"
  for key, item in pairs(value) do
    if type(key) ~= "string" and type(key) ~= "number" then
      error("a table with a " .. type(key) .. " for a key", 0)
    end
    parts[#parts + 1] = first .. quote(text.of(key)) .. ":"
    add(parts, item, depth, keeps_infinite)
    first = ","
  end
  parts[#parts + 1] = first == "{" and "{}" or "}"
end

function add(parts, value, depth, keeps_infinite)
  local kind = type(value)
  if kind == "string" then
    parts[#parts + 1] = quote(value)
  elseif kind == "number" then
    parts[#parts + 1] = number(value, keeps_infinite)
  elseif kind == "boolean" then
    parts[#parts + 1] = tostring(value)
  elseif value == null or value == nil then
    parts[#parts + 1] = "null"
  elseif kind ~= "table" then
    error("a " .. kind, 0)
  elseif depth == DEEPEST then
    error("tables within tables, more than " .. DEEPEST .. " deep (or in a circle)", 0)
  else
    local length = length_of(value)
    if length then
      add_list(parts, value, length, depth + 1, keeps_infinite)
    else
      add_object(parts, value, depth + 1, keeps_infinite)
    end
  end
end

--- The JSON text of a value; nil and a reason when it has none (a function, a
--- string that is not UTF-8, a number that is not finite).
---@param value any
---@param keeps_infinite? boolean infinity is written as a number that is read as one
---@return string|nil
---@return string|nil reason
function json.encode(value, keeps_infinite)
  local parts = {}
  local ok, reason = pcall(add, parts, value, 0, keeps_infinite)
  if not ok then
    return nil, "there is " .. tostring(reason) .. " in it"
  end
  local written = table.concat(parts)
  local decoded
  decoded, reason = core.decode(written)
  if reason and decoded == nil then
    return nil, "what it gives is not JSON: " .. reason
  end
  return written
end

return json
