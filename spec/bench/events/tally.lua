-- What each Lua contestant counts, and how it reports.
local tally = {}

local counted, sum = 0, 0

--- A value that came.
function tally.add(value)
  counted = counted + 1
  sum = sum + value
end

function tally.count()
  return counted
end

--- What /proc says of this process, in KiB.
---@param name "VmHWM"|"VmRSS"
function tally.memory(name)
  local status = assert(io.open("/proc/self/status"))
  local size = status:read("*a"):match(name .. ":%s*(%d+)")
  status:close()
  return tonumber(size)
end

--- Prints the line that the driver reads of a flood: messages, sum, seconds,
--- CPU seconds, peak memory in KiB.
function tally.flood(seconds, cpu)
  print(("%d %d %.4f %.3f %d"):format(counted, sum, seconds, cpu, tally.memory "VmHWM"))
end

--- The same of many sockets: messages, CPU seconds, seconds, resident memory at
--- the end in KiB.
function tally.many(seconds, cpu)
  print(("%d %.3f %.2f %d"):format(counted, cpu, seconds, tally.memory "VmRSS"))
end

local delays = {}

--- How long a message took, in microseconds.
function tally.took(micros)
  delays[#delays + 1] = micros
end

--- The same of delays: messages, p50, p99 and the longest, in microseconds.
function tally.delay()
  table.sort(delays)
  local function at(share)
    return delays[math.max(1, math.ceil(#delays * share))]
  end
  print(("%d %d %d %d"):format(#delays, at(0.5), at(0.99), delays[#delays]))
end

return tally
