--- Misuse raises at the caller's line: the first one outside of this library.

local nearest = require "ccaas.nearest"

local misuse = {}

-- Where this library's files are, as the debug library names them.
local folder = debug.getinfo(1, "S").source:gsub("misuse%.lua$", "")
local front = folder:gsub("/$", ".lua")

local function is_ours(source)
  return source == front or source:sub(1, #folder) == folder
end

--- Raises a message that names the caller's line.
---@param format string as for string.format
---@param ... any
function misuse.raise(format, ...)
  local message = string.format(format, ...)
  local level = 2
  while true do
    local info = debug.getinfo(level, "S")
    if not info then
      error(message, 0)
    end
    if info.what ~= "C" and not is_ours(info.source) then
      error(message, level)
    end
    level = level + 1
  end
end

--- What may follow the complaint about an unknown name.
---@param name any
---@param known table<string, any> the names are its keys
---@return string # "; did you mean …?", or the list of what is known
function misuse.hint(name, known)
  local best, names = nearest(name, known), {}
  if best then
    return string.format("; did you mean %q?", best)
  end
  for candidate in pairs(known) do
    names[#names + 1] = candidate
  end
  table.sort(names)
  return " (known: " .. table.concat(names, ", ") .. ")"
end

return misuse
