-- Times: read, written, and in words.
local helper = require "spec.support.helper"
local times = require "ccaas.times"

local function reads(text, seconds, offset)
  local have, have_offset = times.parse(text)
  assert.equal(seconds, have, tostring(text) .. ": " .. tostring(have_offset))
  assert.equal(offset or 0, have_offset, tostring(text))
end

local function refuses(value, words)
  local seconds, reason = times.parse(value)
  assert.is_nil(seconds, tostring(value))
  assert.is_truthy(reason:find(words, 1, true), tostring(value) .. ": " .. reason)
end

describe("reading a time", function()
  it("may be a date: its first moment, in UTC", function()
    reads("1970-01-01", 0)
    reads("2026-06-02", 1780358400)
    reads("2000-02-29", 951782400)
    reads("2024-02-29", 1709164800)
    reads("1969-12-31", -86400)
    reads("1900-03-01", -2203891200)
    reads("0000-01-01", -62167219200)
    reads("9999-12-31", 253402214400)
  end)

  it("may be a date and a time of day", function()
    reads("2026-06-02T00:00", 1780358400)
    reads("2026-06-02T13:05", 1780358400 + 13 * 3600 + 300)
    reads("2026-06-02T13:05:09", 1780358400 + 13 * 3600 + 309)
    reads("2026-06-02 13:05:09", 1780358400 + 13 * 3600 + 309)
    reads("2026-06-02t13:05:09z", 1780358400 + 13 * 3600 + 309)
    reads("2026-06-02T23:59:59", 1780358400 + 86399)
    reads("9999-12-31T23:59:59Z", 253402300799)
  end)

  it("may end a day with 24:00", function()
    reads("2026-06-02T24:00", 1780358400 + 86400)
    reads("2026-12-31T24:00:00Z", 1798761600)
  end)

  -- It was refused.
  it("may be a leap second, which counts as the first second of the next day", function()
    reads("2016-12-31T23:59:60Z", 1483228800)
    reads("2016-12-31T23:59:60", 1483228800)
    reads("2016-12-31T23:59:60.5Z", 1483228800.5)
    reads("2016-12-31T15:59:60-08:00", 1483228800, -28800)
    reads("2017-01-01T05:29:60+05:30", 1483228800, 19800)
    refuses("2016-12-31T23:59:60-08:00", "no such time of day")
  end)

  it("may have a fraction of a second", function()
    reads("2026-06-02T00:00:00.5", 1780358400.5)
    reads("2026-06-02T00:00:00,25Z", 1780358400.25)
    reads("2026-06-02T00:00:00.000", 1780358400)
    reads("2026-06-02T00:00:00.125-06:00", 1780380000.125, -21600)
    reads("1969-12-31T23:59:59.75", -0.25)
    local seconds = times.parse("2026-06-02T00:00:00.1234567890123456789012345678901234567890")
    assert.is_true(math.abs(seconds - 1780358400.123456789) < 1e-6)
  end)

  it("may have an offset in any of its forms; without one it is UTC", function()
    reads("2026-06-02T00:00:00Z", 1780358400)
    reads("2026-06-02T00:00:00-06:00", 1780380000, -21600)
    reads("2026-06-02T00:00:00-0600", 1780380000, -21600)
    reads("2026-06-02T00:00:00-06", 1780380000, -21600)
    reads("2026-06-02T00:00:00+05:30", 1780358400 - 19800, 19800)
    reads("2026-06-02T00:00+0545", 1780358400 - 20700, 20700)
    reads("2026-06-02T00:00:00+14:00", 1780358400 - 50400, 50400)
    reads("2026-06-02T00:00:00-00:00", 1780358400)
    reads("2026-06-02T00:00:00+18:00", 1780358400 - 64800, 64800)
  end)

  it("may be epoch seconds, whole or not", function()
    reads(0, 0)
    reads(1780358400, 1780358400)
    reads(1780358400.0, 1780358400)
    reads(1780358400.25, 1780358400.25)
    reads(-1, -1)
    reads(253402300799.5, 253402300799.5)
  end)

  it("is an integer on a Lua that has integers, if it is whole", function()
    local kind = math.type or function(number) return number == math.floor(number) and "integer" or "float" end
    for _, value in ipairs { 5, 5.0, "2026-06-02", "2026-06-02T01:02:03-07:00", "2026-06-02T01:02:03.000" } do
      assert.equal("integer", kind((times.parse(value))), tostring(value))
    end
    assert.equal("integer", kind((select(2, times.parse("2026-06-02T01:02:03-07:00")))))
    assert.equal("float", kind((times.parse "2026-06-02T01:02:03.5")))
  end)

  it("is refused for a day that does not exist", function()
    for _, day in ipairs { "2026-02-30", "2026-02-29", "1900-02-29", "2026-04-31", "2026-00-10", "2026-13-01",
      "2026-01-00", "2026-01-32", "2026-02-30T00:00:00Z" } do
      refuses(day, "no such day")
    end
  end)

  it("is refused for a time of day or an offset that does not exist", function()
    for _, clock in ipairs { "25:00", "24:00:01", "24:01", "24:00:00.001", "23:60", "23:59:61", "23:00:60",
      "12:34:60", "24:00:60", "23:00:61Z" } do
      refuses("2026-06-02T" .. clock, "no such time of day")
    end
    for _, offset in ipairs { "+18:01", "-19:00", "+05:60", "+9900" } do
      refuses("2026-06-02T00:00:00" .. offset, "no such offset")
    end
  end)

  it("is refused for anything else, with the expected form", function()
    for _, text in ipairs { "", "yesterday", "02.06.2026", "2026-6-2", "26-06-02", "20260602", "1780358400",
      "20260602T000000Z", " 2026-06-02", "2026-06", "-2026-06-02" } do
      refuses(text, "it is not of the form 2026-06-02")
    end
    for _, text in ipairs { "2026-06-02x", "2026-06-02 ", "2026-06-02T", "2026-06-02T1:00", "2026-06-02T10",
      "2026-06-02T10:0", "2026-06-02T10:00:", "2026-06-02T10:00:00.", "2026-06-02T10:00.5", "2026-06-02Z",
      "2026-06-02-06:00", "2026-06-02T10:00:00.5.5", "2026-06-02\0" } do
      refuses(text, "time of day")
    end
    for _, text in ipairs { "2026-06-02T10:00 Z", "2026-06-02T10:00:00+6", "2026-06-02T10:00:00+06:0",
      "2026-06-02T10:00:00 -06:00", "2026-06-02T10:00:00ZZ", "2026-06-02T10:00:00MST", "2026-06-02T10:00\n",
      "2026-06-02T10:00:00+06:00:00" } do
      refuses(text, "its offset is not of the form")
    end
  end)

  it("is refused out of range, with a hint at milliseconds", function()
    refuses(1719570000000, "are these milliseconds?")
    refuses(253402300800, "years 0000 to 9999")
    refuses(-62167219201, "years 0000 to 9999")
    refuses("0000-01-01T00:00:00+01:00", "years 0000 to 9999")
    refuses("9999-12-31T23:59:59-01:00", "years 0000 to 9999")
    refuses(1 / 0, "years 0000 to 9999")
    refuses(-1 / 0, "years 0000 to 9999")
    refuses(0 / 0, "years 0000 to 9999")
  end)

  it("is refused for what is neither a string nor a number", function()
    for _, value in ipairs { true, {}, print } do
      refuses(value, "neither a string nor a number")
    end
    refuses(nil, "neither a string nor a number")
  end)
end)

describe("a time that is written", function()
  it("is ISO 8601 in the offset given, or in UTC", function()
    assert.equal("2026-06-02T00:00:00-06:00", times.format(1780380000, -21600))
    assert.equal("2026-06-02T06:00:00Z", times.format(1780380000))
    assert.equal("2026-06-02T06:00:00Z", times.format(1780380000.0, 0))
    assert.equal("2026-06-02T11:45:00+05:45", times.format(1780380000, 20700))
    assert.equal("2026-06-02T04:30:00-01:30", times.format(1780380000, -5400))
    assert.equal("1969-12-31T23:59:59Z", times.format(-1))
    assert.equal("0000-01-01T00:00:00Z", times.format(-62167219200))
  end)

  it("keeps a fraction", function()
    assert.equal("2026-06-02T06:00:00.5Z", times.format(1780380000.5))
    assert.equal("2026-06-02T06:00:00.123Z", times.format(1780380000.123))
    assert.equal("2026-06-02T00:00:00.1-06:00", times.format(1780380000.1, -21600))
    assert.equal("1969-12-31T23:59:59.75Z", times.format(-0.25))
    assert.equal("1970-01-01T00:00:01Z", times.format(0.9999999))
    assert.equal("2027-01-01T00:00:00Z", times.format(1798761599.9999999))
  end)

  it("is read again as it was, on every day of four hundred years", function()
    local before = times.parse "1899-12-31"
    local seconds = before
    for _ = 1, 146097 do
      seconds = seconds + 86400
      local text = times.format(seconds + 45296)
      local again = times.parse(text)
      if again ~= seconds + 45296 or text:sub(11) ~= "T12:34:56Z" then
        error(text)
      end
    end
    assert.equal(times.parse "2299-12-31", seconds)
  end)

  it("is what the system's calendar says", function()
    for _ = 1, 500 do
      local seconds = math.random(-2 ^ 31, 2 ^ 31 - 1) + math.random(0, 20) * 2 ^ 31
      assert.equal(os.date("!%Y-%m-%dT%H:%M:%SZ", seconds), times.format(seconds))
    end
  end)
end)

describe("the label of a period", function()
  it("goes to the last second before its end, in the offset given", function()
    assert.equal("Tuesday, June 2, 2026 12:00:00 AM - Tuesday, June 2, 2026 11:59:59 PM",
      times.label("2026-06-02T00:00:00-06:00", "2026-06-03T00:00:00-06:00"))
    assert.equal("Tuesday, June 2, 2026 12:00:00 AM - Tuesday, June 2, 2026 11:59:59 PM",
      times.label("2026-06-02", "2026-06-03"))
    assert.equal("Thursday, January 1, 1970 12:00:00 AM - Thursday, January 1, 1970 12:59:59 AM", times.label(0, 3600))
  end)

  it("counts hours from 12 to 11, without a zero in front", function()
    local function at(clock)
      return (times.label("2026-06-02T" .. clock, "2026-06-03"):match("2026 (.-) %-"))
    end
    assert.same({ "12:00:00 AM", "12:59:59 AM", "1:00:00 AM", "11:59:59 AM", "12:00:00 PM", "12:30:05 PM",
      "1:05:09 PM", "11:00:00 PM" },
      { at "00:00", at "00:59:59", at "01:00", at "11:59:59", at "12:00", at "12:30:05", at "13:05:09", at "23:00" })
  end)

  it("takes fractions of a second to the second that they are in", function()
    assert.equal("Tuesday, June 2, 2026 12:00:00 AM - Tuesday, June 2, 2026 12:00:01 AM",
      times.label("2026-06-02T00:00:00.9", "2026-06-02T00:00:01.1"))
    assert.equal("Tuesday, June 2, 2026 12:00:00 AM - Tuesday, June 2, 2026 12:00:00 AM",
      times.label("2026-06-02T00:00:00", "2026-06-02T00:00:00.5"))
  end)

  it("may begin in one offset and end in another, as where clocks change", function()
    assert.equal("Sunday, November 1, 2026 12:00:00 AM - Sunday, November 1, 2026 11:59:59 PM",
      times.label("2026-11-01T00:00:00-06:00", "2026-11-02T00:00:00-07:00"))
  end)

  it("knows all weekdays and months", function()
    for month, name in ipairs { "January", "February", "March", "April", "May", "June", "July", "August", "September",
      "October", "November", "December" } do
      local date = ("2026-%02d-15"):format(month)
      assert.equal(name, (times.label(date, date .. "T01:00"):match(", (%a+) 15, 2026 12:00:00 AM ")))
    end
    for day, name in ipairs { "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday" } do
      local date = ("2026-06-%02d"):format(day)
      assert.equal(name, (times.label(date, date .. "T01:00"):match("^(%a+), June " .. day .. ", 2026")))
    end
  end)
end)

it("does not depend on the process's time zone or locale", function()
  local folder = helper.folder()
  local made, said = helper.run("localedef -i de_DE -f UTF-8 " .. folder .. "/de_DE.UTF-8")
  assert.equal(0, made, said)
  local script = [[
    assert(os.setlocale("de_DE.UTF-8"))
    local times = require "ccaas.times"
    print(string.format("%d", times.parse("2026-06-02T00:00:00.5-06:00") * 2), times.format(1780380000.25, -21600),
      times.label("2026-06-02", "2026-06-03"))
  ]]
  local expected = "3560760001\t2026-06-02T00:00:00.25-06:00\t"
    .. "Tuesday, June 2, 2026 12:00:00 AM - Tuesday, June 2, 2026 11:59:59 PM\n"
  for _, zone in ipairs { "UTC", "America/Denver", "ABC+11:30" } do
    local status, output = helper.run("LOCPATH=" .. folder .. " TZ=" .. zone .. " " .. helper.command(script))
    assert.equal(0, status, output)
    assert.equal(expected, output)
  end
end)
