--- Moments as ISO 8601 text and as epoch seconds.  Pure.

local time = {}

-- Days from 1970-01-01 to a date of the Gregorian calendar.
local function days(year, month, day)
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  return 365 * year + math.floor(year / 4) - math.floor(year / 100)
    + math.floor(year / 400) + math.floor((153 * (month - 3) + 2) / 5) + day
    - 719469
end

local PATTERN = "^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)(%.?%d*)(.*)$"

-- Seconds east of UTC; nil when it is no offset.
local function offset_of(zone)
  if zone == "Z" then
    return 0
  end
  local sign, hours, minutes = zone:match("^([+-])(%d%d):?(%d%d)$")
  local seconds = hours and (tonumber(hours) * 60 + tonumber(minutes)) * 60
  return seconds and (sign == "-" and -seconds or seconds)
end

--- Reads a moment, which must say its offset.
---@param text string
---@return number? seconds since the epoch; nil when it is none
function time.parse(text)
  local year, month, day, hour, minute, second, fraction, zone =
    text:match(PATTERN)
  local offset = zone and offset_of(zone)
  if not offset then
    return nil
  end
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second)
  local date = days(year, month, day)
  if month < 1 or month > 12 or day < 1 or date < days(year, month, 1)
    or date >= days(year + math.floor(month / 12), month % 12 + 1, 1)
    or hour > 23 or minute > 59 or second > 60 then
    return nil
  end
  return date * 86400 + hour * 3600 + minute * 60 + second - offset
    + (tonumber(fraction) or 0)
end

--- Writes a moment, with its milliseconds, six hours west of Greenwich.
---@param seconds number since the epoch
---@return string
function time.format(seconds)
  local ms = math.floor(seconds * 1000 + 0.5)
  return os.date("!%Y-%m-%dT%H:%M:%S", math.floor(ms / 1000) - 6 * 3600)
    .. (".%03d-06:00"):format(ms % 1000)
end

return time
