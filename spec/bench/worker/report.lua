-- lua5.4 report.lua RESULTS EXPECT PAGES: medians over the rounds, and ratios.
local order, of = {}, {}
local rows, sum

for line in io.lines(arg[2]) do
  local pages, expected_rows, expected_sum = line:match("^(%d+) (%d+) (%S+)")
  if pages == arg[3] then
    rows, sum = tonumber(expected_rows), tonumber(expected_sum)
  end
end
for line in io.lines(arg[1]) do
  local name, rest = line:match("^(%S+) (.*)$")
  local numbers = {}
  for number in rest:gmatch("%S+") do
    numbers[#numbers + 1] = tonumber(number)
  end
  if name ~= "idle" and (numbers[2] ~= rows or math.abs(numbers[3] - sum) > 1e-3) then
    error(("%s read %d rows with the sum %f, not %d with %f"):format(name, numbers[2], numbers[3], rows, sum))
  end
  if not of[name] then
    of[name] = {}
    order[#order + 1] = name
  end
  table.insert(of[name], numbers)
end

local function median(name, column)
  local values = {}
  for i, numbers in ipairs(of[name]) do
    values[i] = numbers[column]
  end
  table.sort(values)
  return values[math.ceil(#values / 2)]
end

local function longest(name)
  local most = 0
  for _, numbers in ipairs(of[name]) do
    most = math.max(most, numbers[7])
  end
  return most
end

print "                walk s   probes   p50 ms   p99 ms   longest ms: median, of all rounds"
for _, name in ipairs(order) do
  print(("%-12s %9.3f %8d %8.3f %8.3f %8.3f %8.3f"):format(name, median(name, 1), median(name, 4), median(name, 5),
    median(name, 6), median(name, 7), longest(name)))
end
if of.ours and of.bound then
  print(("walk, ours to bound: %.2f"):format(median("ours", 1) / median("bound", 1)))
end
if of.ours and of.cjson then
  print(("walk, cjson to ours: %.2f"):format(median("cjson", 1) / median("ours", 1)))
end
if of.ours and of.idle then
  print(("p99, ours above idle: %.3f ms"):format(median("ours", 6) - median("idle", 6)))
end
