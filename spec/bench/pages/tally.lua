-- What each Lua contestant does with a row, and how it reports: counts the
-- rows, the strings and the rows of one name that is escaped on the wire, and
-- sums all numbers, so that a contestant that does not decode everything gives
-- another answer than the rest.

local NAME = 'Zoë "Zed" O/Neil'
local strings_in = { ["status.rt"] = true, ["lastLogin.rt"] = true }

local text_keys, number_keys = {}, {}
for key in os.getenv("BENCH_METRICS"):gmatch("[^,]+") do
  local keys = strings_in[key] and text_keys or number_keys
  keys[#keys + 1] = key
end

local rows, sum, strings, named = 0, 0, 0, 0
local tally = {}

--- A row whose metrics are a map, as the client and the bound give them.
function tally.map(row)
  local metrics = row.metrics
  rows = rows + 1
  if row.name == NAME then named = named + 1 end
  for i = 1, #number_keys do
    sum = sum + (metrics[number_keys[i]] or 0)
  end
  for i = 1, #text_keys do
    if metrics[text_keys[i]] then strings = strings + 1 end
  end
end

--- A page as the vendor sends it: rows whose metrics are lists of key and
--- value.  The map that users want is not even made.
function tally.page(page)
  for _, row in ipairs(page) do
    rows = rows + 1
    if row.name == NAME then named = named + 1 end
    for _, metric in ipairs(row.metrics) do
      local value = metric.value
      local kind = type(value)
      if kind == "number" then
        sum = sum + value
      elseif kind == "string" then
        strings = strings + 1
      end
    end
  end
end

--- Prints the line that the driver reads: rows, sum, strings, rows of that
--- name, seconds, peak memory in KiB.
function tally.report(seconds)
  local status = assert(io.open("/proc/self/status"))
  local peak = status:read("*a"):match("VmHWM:%s*(%d+)")
  status:close()
  print(("%d %.10f %d %d %.4f %s"):format(rows, sum, strings, named, seconds,
    peak))
end

return tally
