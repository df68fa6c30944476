--- What a misspelt name was probably meant to be.  Pure.

local text = require "ccaas.text"

-- How many letters have to change to make one word of the other.
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

--- The known name that a misspelt one was probably meant to be.
---@param name any
---@param known table<string, any> the names are its keys
---@return string? # nil: none is near
return function(name, known)
  local best, least
  for candidate in pairs(known) do
    local far = distance(text.lower(tostring(name)), text.lower(candidate))
    if far < 4 and far < math.min(#tostring(name), #candidate)
      and (not least or far < least or far == least and candidate < best) then
      best, least = candidate, far
    end
  end
  return best
end
