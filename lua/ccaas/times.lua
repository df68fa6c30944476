--- Times as this library takes them: ISO 8601 strings or epoch seconds.  Nothing
--- here depends on the process's locale or time zone.

local times = {}

local DAY = 86400
-- The years 0000 to 9999, which is what four digits can write.
local FIRST, LAST = -62167219200, 253402300799
-- The largest offset that is in use anywhere is 14 hours; ISO 8601's users
-- agree on 18.
local MOST_OFFSET = 18 * 3600

local WEEKDAYS = { "Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday" }
local MONTHS = {
  "January", "February", "March", "April", "May", "June",
  "July", "August", "September", "October", "November", "December",
}
local MONTH_DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

-- -- The calendar (Gregorian, also before there was one) -----------------------

local function days_in(year, month)
  local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return month == 2 and leap and 29 or MONTH_DAYS[month]
end

-- Days from 1970-01-01 to that date.  The year is taken to begin in March, so
-- that the leap day is its last.
local function to_days(year, month, day)
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  return 365 * year + math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
    + math.floor((153 * (month - 3) + 2) / 5) + day - 719469
end

-- The date that many days after 1970-01-01.
local function from_days(days)
  local year = 1970 + math.floor(days / 365.2425)
  if days < to_days(year, 1, 1) then
    year = year - 1
  elseif days >= to_days(year + 1, 1, 1) then
    year = year + 1
  end
  local month, day = 1, days - to_days(year, 1, 1) + 1
  while day > days_in(year, month) do
    day = day - days_in(year, month)
    month = month + 1
  end
  return year, month, day
end

-- -- Reading -------------------------------------------------------------------

local NO_SUCH_TIME = "there is no such time of day"

-- Seconds of the day, and whether they end in a second 60; nil and a reason when the
-- text is no time of day.
local function parse_clock(text)
  local hour, minute, rest = text:match("^(%d%d):(%d%d)(.*)$")
  local second, fraction = "00", ""
  if hour and rest ~= "" then
    second, fraction = rest:match("^:(%d%d)(.*)$")
    if second and fraction ~= "" then
      fraction = fraction:match("^[.,](%d+)$")
    end
  end
  if not (hour and second and fraction) then
    return nil, "its time of day is not of the form hh:mm or hh:mm:ss"
  end
  hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second)
  fraction = fraction:sub(1, 15)
  local seconds = hour * 3600 + minute * 60 + second
  if fraction:find("[1-9]") then
    seconds = seconds + tonumber(fraction) / 10 ^ #fraction
  end
  -- 24:00 is the end of the day; second 60 may be a leap second.
  if minute > 59 or second > 60 or hour > 24 or hour == 24 and seconds > DAY then
    return nil, NO_SUCH_TIME
  end
  return seconds, second == 60
end

-- Seconds east of UTC; nil and a reason when the text is no offset.
local function parse_offset(text)
  if text == "" or text == "Z" or text == "z" then
    return 0
  end
  local sign, hours, minutes = text:match("^([+-])(%d%d):?(%d%d)$")
  if not sign then
    sign, hours = text:match("^([+-])(%d%d)$")
    minutes = "00"
  end
  if not sign then
    return nil, "its offset is not of the form Z, +hh:mm or +hhmm"
  end
  local offset = tonumber(hours) * 3600 + tonumber(minutes) * 60
  if tonumber(minutes) > 59 or offset > MOST_OFFSET then
    return nil, "there is no such offset"
  end
  return sign == "-" and -offset or offset
end

local function parse_text(text)
  local year, month, day, rest = text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)(.*)$")
  if not year then
    return nil, "it is not of the form 2026-06-02, 2026-06-02T13:00:00-06:00 or epoch seconds as a number"
  end
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  if month < 1 or month > 12 or day < 1 or day > days_in(year, month) then
    return nil, "there is no such day"
  end
  local seconds, offset, is_leap = 0, 0, nil
  if rest ~= "" then
    local clock, zone = rest:match("^[Tt ]([%d:.,]*)(.*)$")
    if not clock then
      return nil, "what follows its date is not a time of day"
    end
    seconds, is_leap = parse_clock(clock)
    if not seconds then
      return nil, is_leap
    end
    local reason
    offset, reason = parse_offset(zone)
    if not offset then
      return nil, reason
    end
  end
  seconds = to_days(year, month, day) * DAY + seconds - offset
  -- Leap seconds are at the end of a day in UTC; they count as the next one.
  if is_leap and seconds % DAY >= 1 then
    return nil, NO_SUCH_TIME
  end
  return seconds, offset
end

-- An integer where Lua has integers and it is one.
local function plain(number)
  local whole = math.floor(number)
  return whole == number and whole or number
end

--- Reads a time: epoch seconds (a number, fractions too), or an ISO 8601 string:
--- a date (its first moment), or a date and a time of day with or without
--- seconds and their fraction.  The offset may be `Z`, `+hh:mm`, `+hhmm` or
--- `+hh`; without one, and for a number, it is UTC.
---@param value any
---@return number|nil seconds since the epoch; an integer where it is whole
---@return integer|string offset seconds east of UTC; or why it is no time
function times.parse(value)
  local seconds, offset
  if type(value) == "number" then
    seconds, offset = value, 0
  elseif type(value) == "string" then
    seconds, offset = parse_text(value)
  else
    return nil, "it is neither a string nor a number"
  end
  if not seconds then
    return nil, offset
  end
  if not (seconds >= FIRST and seconds < LAST + 1) then
    local hint = seconds > LAST and seconds < LAST * 1000 and ": are these milliseconds?" or ""
    return nil, "it is not within the years 0000 to 9999" .. hint
  end
  return plain(seconds), offset
end

-- -- Writing -------------------------------------------------------------------

-- Date, time of day in whole seconds and weekday at that offset.
local function take_apart(seconds, offset)
  local there = seconds + offset
  local days = math.floor(there / DAY)
  local year, month, day = from_days(days)
  return year, month, day, there - days * DAY, WEEKDAYS[days % 7 + 1]
end

--- Writes a time as ISO 8601, `2026-06-02T00:00:00-06:00`, with `Z` for UTC, and
--- with a fraction (at most six digits) where there is one.
---@param seconds number since the epoch
---@param offset? integer seconds east of UTC (default 0), whole minutes
---@return string
function times.format(seconds, offset)
  offset = offset or 0
  local whole = math.floor(seconds)
  local micros = math.floor((seconds - whole) * 1e6 + 0.5)
  if micros == 1000000 then
    whole, micros = whole + 1, 0
  end
  local fraction = micros == 0 and "" or ("." .. string.format("%06d", micros):gsub("0+$", ""))
  local zone = "Z"
  if offset ~= 0 then
    local minutes = math.floor(math.abs(offset) / 60)
    zone = string.format("%s%02d:%02d", offset < 0 and "-" or "+", math.floor(minutes / 60), minutes % 60)
  end
  local year, month, day, clock = take_apart(whole, offset)
  return string.format("%04d-%02d-%02dT%02d:%02d:%02d%s%s", year, month, day, math.floor(clock / 3600),
    math.floor(clock / 60) % 60, clock % 60, fraction, zone)
end

-- Tuesday, June 2, 2026 12:00:00 AM
local function in_words(seconds, offset)
  local year, month, day, clock, weekday = take_apart(seconds, offset)
  local hour = math.floor(clock / 3600)
  return string.format("%s, %s %d, %d %d:%02d:%02d %s", weekday, MONTHS[month], day, year, (hour + 11) % 12 + 1,
    math.floor(clock / 60) % 60, clock % 60, hour < 12 and "AM" or "PM")
end

--- A period as people read it: from its first second to the last one before its
--- end, each in the offset that it is given in.
--- `Tuesday, June 2, 2026 12:00:00 AM - Tuesday, June 2, 2026 11:59:59 PM`
---@param from string|number a time that times.parse takes
---@param to string|number likewise, and later
---@return string
function times.label(from, to)
  local first, first_offset = times.parse(from)
  local past, past_offset = times.parse(to)
  return in_words(math.floor(first), first_offset) .. " - " .. in_words(math.ceil(past) - 1, past_offset)
end

return times
