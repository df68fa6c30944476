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

-- Is one so near to the other that it may have been meant?  Of very short ones
-- nearly all are: a slip in them is one of the case, or of an end.
local function is_near(one, other, far)
  local least = math.min(#one, #other)
  if least < 4 then
    return far == 0 or least > 1 and one:sub(1, least) == other:sub(1, least)
  end
  return far < 4 and far * 2 <= math.max(#one, #other)
end

--- The known name that a misspelt one was probably meant to be.
---@param name any
---@param known table<string, any> the names are its keys
---@return string? # nil: none is near
return function(name, known)
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
