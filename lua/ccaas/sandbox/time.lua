--- Moments as the vendor writes them: ISO 8601 text with an offset, and as epoch
-- seconds.  Pure.

local times = require "ccaas.times"

local time = {}

--- Reads a moment, which must have seconds and say its offset; hour 24 is refused.
---@param text string
---@return number? seconds since the epoch; nil when it is none
function time.parse(text)
  local has_offset = text:find "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.?%d*[Z+-]"
  return has_offset and not text:find("T24", 1, true) and times.parse(text) or nil
end

--- Writes a moment, with its milliseconds, six hours west of Greenwich.
---@param seconds number since the epoch
---@return string
function time.format(seconds)
  local ms = math.floor(seconds * 1000 + 0.5)
  local whole = times.format(math.floor(ms / 1000), -6 * 3600)
  return whole:sub(1, -7) .. (".%03d-06:00"):format(ms % 1000)
end

return time
