--- Usage errors.  They raise at the caller's line: the first one outside of this
--- library.

local text = require "ccaas.text"

local usage_error = {}

-- Where this library's files are, as the debug library names them.
local folder = debug.getinfo(1, "S").source:gsub("usage_error%.lua$", "")
local front = folder:gsub("/$", ".lua")

local function is_ours(source)
  return source == front or source:sub(1, #folder) == folder
end

--- Raises a message that names the caller's line.
---@param format string as for string.format
---@param ... any
function usage_error.raise(format, ...)
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

-- How many letters have to change to turn one word into the other.
local function distance(one, other)
  local row = {}
  for j = 0, #other do
    row[j] = j
  end
  for i = 1, #one do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #other do
      local cost = one:byte(i) == other:byte(j) and 0 or 1
      local best = math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
      diagonal, row[j] = row[j], best
    end
  end
  return row[#other]
end

-- Is one so near to the other that it may have been meant?  Of very short ones
-- nearly all are: a slip in them is one of the case, or of an end.
local function is_near(one, other, far)
  local least = math.min(#one, #other)
  if least < 4 then
    return far == 0 or least > 1 and one:sub(1, least) == other:sub(1, least)
  end
  return far < 4 and far * 2 <= math.max(#one, #other)
end

--- The known name that a misspelt one was probably meant to be.  Pure.
---@param name any
---@param known table<string, any> the names are its keys
---@return string? # nil: none is near
function usage_error.nearest(name, known)
  local best, least
  for candidate in pairs(known) do
    local one, other = text.lower(tostring(name)), text.lower(candidate)
    local far = distance(one, other)
    if is_near(one, other, far)
      and (not least or far < least or far == least and candidate < best) then
      best, least = candidate, far
    end
  end
  return best
end

--- What to add to a message about an unknown name.
---@param name any
---@param known table<string, any> the names are its keys
---@return string # "; did you mean …?", or the list of what is known
function usage_error.hint(name, known)
  local best, names = usage_error.nearest(name, known), {}
  if best then
    return string.format("; did you mean %q?", best)
  end
  for candidate in pairs(known) do
    names[#names + 1] = candidate
  end
  table.sort(names)
  return " (known: " .. table.concat(names, ", ") .. ")"
end

return usage_error
