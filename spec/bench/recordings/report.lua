-- Prints the tables of the recordings benchmark: `lua5.4 report.lua <results>
-- <expect>`.  A line of results: rows, contestant, and what the contestant
-- printed (see tally.lua) or "failed".  Ends with status 1 when a contestant
-- failed or read something else than what was served.
local median = dofile(arg[0]:match("^(.*)/[^/]*/") .. "/median.lua")

local expect = {}
for line in io.lines(arg[2]) do
  local rows, answer = line:match("^(%d+) (.+)$")
  expect[rows] = answer
end

local good = true
local counts, names, runs = {}, {}, {}

--- Those that do not read everything.
local function reads(name) return name ~= "bare" and not name:match("^idle") end

for line in io.lines(arg[1]) do
  local rows, name, rest = line:match("^(%d+) (%w+) (.*)$")
  if not runs[rows] then
    runs[rows] = {}
    counts[#counts + 1] = rows
  end
  if not names[name] then
    names[name] = true
    names[#names + 1] = name
  end
  local run = runs[rows][name] or { seconds = {}, first = {}, peak = 0 }
  runs[rows][name] = run
  local answer, seconds, first, peak =
    rest:match("^(.-) | ([%d.]+) ([%d.]+) (%d+)$")
  if not answer then
    run.failed, good = "failed", false
  elseif reads(name) and answer ~= expect[rows] then
    run.failed, good = "wrong answer", false
    io.stderr:write(("%s read %s, served was %s\n"):format(name, answer,
      expect[rows]))
  else
    table.insert(run.seconds, tonumber(seconds))
    table.insert(run.first, tonumber(first))
    run.peak = math.max(run.peak, tonumber(peak))
  end
end

for _, rows in ipairs(counts) do
  local bound = runs[rows].bound
  bound = bound and not bound.failed and median(bound.seconds)
  print(("\n%s rows: medians; the best total; the greatest peak"):format(rows))
  print("              seconds   (best)  / bound  first row, ms  peak, MB")
  for _, name in ipairs(names) do
    local run = runs[rows][name]
    local total = not run.failed and median(run.seconds)
    print(("%-12s"):format(name) .. (run.failed or
      ("%9.3f%9.3f%9s%15.2f%10.1f"):format(total, run.seconds[1],
        bound and reads(name) and ("%.2f"):format(total / bound) or "-",
        median(run.first), run.peak / 1024)))
  end
end
os.exit(good)
