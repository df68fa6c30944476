--- Checking tables of data: an unknown word, or a value of the wrong kind, is an
--- error that names it.  Pure.
---
--- A field of a schema is
---   - the name of a Lua type;
---   - a function of the value that gives what is wrong with it, or nil;
---   - `{ fields = { name = field } }`: a table with these words; one that ends
---     in `?` may be missing;
---   - `{ map = field }`: a table from any string to such values;
---   - `{ list = field, count? }`: a list of such values, or of exactly so many;
---   - `{ tuple = { field, ... } }`: a list with one value for each field.

local text = require "ccaas.text"
local usage_error = require "ccaas.usage_error"

local schema = {}

--- A field: one of the names that are the table's keys.
---@param known table<string, any>
---@return fun(value: any): string|nil
function schema.one_of(known)
  return function(value)
    if type(value) ~= "string" or known[value] == nil then
      return ("has the unknown value `%s`%s"):format(text.of(value), usage_error.hint(value, known))
    end
  end
end

--- A field: a list.
---@param field any
---@param count? integer
---@return table
function schema.list_of(field, count)
  return { list = field, count = count }
end

local function check_words(where, value, fields)
  local known = {}
  for name, field in pairs(fields) do
    local bare = name:gsub("%?$", "")
    known[bare] = field
    if value[bare] == nil and bare == name then
      error(("%s: `%s` is missing"):format(where, name), 0)
    end
  end
  for name, inner in pairs(value) do
    if known[name] == nil then
      error(("%s: unknown word `%s`%s"):format(where, text.of(name), usage_error.hint(name, known)), 0)
    end
    schema.check(where .. "." .. name, inner, known[name])
  end
end

local function check_map(where, value, field)
  for name, inner in pairs(value) do
    if type(name) ~= "string" then
      error(("%s must have names only, not %s"):format(where, text.of(name)), 0)
    end
    schema.check(where .. "." .. name, inner, field)
  end
end

-- A list, each item by the field that `field_of` gives for its place.
local function check_list(where, value, field_of, count)
  local found = 0
  for _ in pairs(value) do
    found = found + 1
  end
  if found ~= #value then
    error(("%s must be a list"):format(where), 0)
  elseif count and count ~= found then
    error(("%s must have %d items, not %d"):format(where, count, found), 0)
  end
  for i, inner in ipairs(value) do
    schema.check(("%s[%d]"):format(where, i), inner, field_of(i))
  end
end

--- Raises a message, without a position, when a value is not as its field says.
---@param where string what the value is, for the message
---@param value any
---@param field any
function schema.check(where, value, field)
  if type(field) == "function" then
    local reason = field(value)
    if reason then
      error(("%s %s"):format(where, reason), 0)
    end
    return
  end
  local wanted = type(field) == "table" and "table" or field
  if type(value) ~= wanted then
    error(("%s must be a %s, not %s"):format(where, wanted, value == nil and "left out" or "a " .. type(value)), 0)
  elseif wanted == field then
    return
  elseif field.fields then
    check_words(where, value, field.fields)
  elseif field.map then
    check_map(where, value, field.map)
  elseif field.tuple then
    check_list(where, value, function(i) return field.tuple[i] end, #field.tuple)
  else
    check_list(where, value, function() return field.list end, field.count)
  end
end

return schema
