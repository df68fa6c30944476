--- Names of files that are safe whatever they are made from.

local core = require "ccaas.core"
local text = require "ccaas.text"

local names = {}

-- Bytes that a file's name has at the most: with what is put before or behind
-- it elsewhere it must stay below the 255 that file systems take.
local LONGEST = 200

local function escape_byte(byte)
  return string.format("%%%02X", byte:byte())
end

--- The name of a file for a key of any bytes: letters, digits, `.`, `_` and `-`
--- as they are (but `.` and `-` not in front), all other bytes as `%` and two
--- hexadecimal digits.  Different keys have different names; the same key has
--- the same name everywhere.  A name that would be longer than 200 bytes ends
--- in `%~` and the SHA-256 of the key.
---@param key string|number
---@param suffix? string put behind it as it is, ".ogg" for one
---@return string
function names.file(key, suffix)
  suffix = suffix or ""
  if type(key) == "number" then
    key = text.number(key)
  end
  local name = key:gsub("[^A-Za-z0-9._-]", escape_byte):gsub("^[.-]", escape_byte)
  if name == "" then
    name = "%empty"
  elseif #name + #suffix > LONGEST then
    local tail = "%~" .. core.sha256(key) .. suffix
    -- No escape is cut in two.
    return (name:sub(1, LONGEST - #tail):gsub("%%%x?$", "")) .. tail
  end
  return name .. suffix
end

return names
