-- What each Lua contestant does with a row, and how it reports: counts the
-- rows and those of one agent whose name is escaped on the wire, sums numbers,
-- and of every thousandth row counts all that are strings, so that a
-- contestant that does not decode everything gives another answer than the
-- rest.
local socket = require "socket"

local NAME = 'Zoë "Zed" O/Neil(104)'
local DAY = 86400000

local rows, sum, strings, named = 0, 0, 0, 0
local began, first
local tally = {}

--- The time counts from here.
function tally.start() began = socket.gettime() end

function tally.row(row)
  if rows % 1000 == 0 then
    first = first or socket.gettime()
    for _, value in pairs(row) do
      if type(value) == "string" then strings = strings + 1 end
    end
  end
  rows = rows + 1
  sum = sum + row.startTime % DAY + row.duration + row.size
  if row.agent == NAME then named = named + 1 end
end

--- Prints the line that the driver reads: what was found; seconds, milliseconds
--- to the first row, peak memory in KiB.
function tally.report()
  local seconds = socket.gettime() - began
  local status = assert(io.open("/proc/self/status"))
  local peak = status:read("*a"):match("VmHWM:%s*(%d+)")
  status:close()
  print(("%d %.0f %d %d | %.4f %.2f %s"):format(rows, sum, strings, named,
    seconds, (first - began) * 1e3, peak))
end

return tally
