-- Prints the table of the audio benchmark: `lua5.4 report.lua <results>
-- <files>`.  A line of results: contestant, seconds of the whole process, and
-- seconds that it says its downloads took (or "-"); or "failed".  Ends with
-- status 1 when one failed.
local median = dofile(arg[0]:match("^(.*)/[^/]*/") .. "/median.lua")

local files = tonumber(arg[2])
local names, runs, good = {}, {}, true
for line in io.lines(arg[1]) do
  local name, whole, inside = line:match("^(%w+) (%S+) ?(%S*)$")
  if not runs[name] then
    runs[name] = { whole = {}, inside = {} }
    names[#names + 1] = name
  end
  local run = runs[name]
  if whole == "failed" then
    run.failed, good = true, false
  else
    table.insert(run.whole, tonumber(whole))
    table.insert(run.inside, tonumber(inside)) -- none: nothing
  end
end

print(("%d files: medians; the best"):format(files))
print("           process, s   (best)  files/s  / curl  downloads, s  files/s")
local curl = runs.curl and not runs.curl.failed and median(runs.curl.whole)
for _, name in ipairs(names) do
  local run = runs[name]
  if run.failed then
    print(("%-10s failed"):format(name))
  else
    local whole = median(run.whole)
    local inside = #run.inside > 0 and median(run.inside)
    print((("%-10s%11.3f%9.3f%9.0f%8s%14s%9s"):format(name, whole,
      run.whole[1], files / whole, curl and ("%.2f"):format(whole / curl)
      or "-", inside and ("%.3f"):format(inside) or "-",
      inside and ("%.0f"):format(files / inside) or "-")))
  end
end
os.exit(good)
