-- Prints the tables of the pages benchmark: `lua5.4 report.lua <results>
-- <expect>`.  A line of results: pages, net, delay, contestant, and what the
-- contestant printed (see tally.lua) or "failed".  Ends with status 1 when a
-- contestant failed or read something else than what was served.
local median = dofile(arg[0]:match("^(.*)/[^/]*/") .. "/median.lua")

local expect = {}
for line in io.lines(arg[2]) do
  local pages, answer = line:match("^(%d+) (.+)$")
  expect[pages] = answer
end

local good = true

--- Lists in the order in which their members are first seen.
local function add_once(list, value)
  if not list[value] then
    list[value] = true
    list[#list + 1] = value
  end
end

local counts, cells, names = {}, {}, {}
local runs = {} -- [pages][cell][contestant] = { seconds = {…}, peak = KiB }
for line in io.lines(arg[1]) do
  local pages, net, delay, name, rest =
    line:match("^(%d+) (%a+) (%d+) (%w+) (.*)$")
  local cell = net .. " " .. delay .. " ms"
  add_once(counts, pages)
  add_once(cells, cell)
  add_once(names, name)
  runs[pages] = runs[pages] or {}
  runs[pages][cell] = runs[pages][cell] or {}
  local run = runs[pages][cell][name] or { seconds = {}, peak = 0 }
  runs[pages][cell][name] = run
  local answer, seconds, peak = rest:match("^(.*) ([%d.]+) (%d+)$")
  if not answer then
    run.failed, good = "failed", false
  elseif name ~= "bare" and answer ~= expect[pages] then
    run.failed, good = "wrong answer", false
    io.stderr:write(("%s read %s, served was %s\n"):format(name, answer,
      expect[pages]))
  else
    table.insert(run.seconds, tonumber(seconds))
    run.peak = math.max(run.peak, tonumber(peak))
  end
end

--- A contestant's median in one cell, nil where it has none.
local function seconds_of(pages, cell, name)
  local run = runs[pages][cell][name]
  if run and not run.failed then return median(run.seconds) end
end

local function print_row(title, pages, text)
  local out = { ("%-20s"):format(title) }
  for _, cell in ipairs(cells) do
    out[#out + 1] = ("%18s"):format(text(pages, cell) or "-")
  end
  print((table.concat(out):gsub("%s+$", "")))
end

local own = { bare = true, bound = true, ours54 = true, oursjit = true }

--- The fastest of those whom one would take instead, and its median.
local function best_other(pages, cell)
  local best, least
  for _, name in ipairs(names) do
    local seconds = not own[name] and seconds_of(pages, cell, name)
    if seconds and (not least or seconds < least) then
      best, least = name, seconds
    end
  end
  return best, least
end

local function print_ratios(pages, ours)
  print_row(ours .. " / bound", pages, function(_, cell)
    local mine = seconds_of(pages, cell, ours)
    local bound = seconds_of(pages, cell, "bound")
    return mine and bound and ("%.2f"):format(mine / bound)
  end)
  print_row("next best / " .. ours, pages, function(_, cell)
    local mine = seconds_of(pages, cell, ours)
    local best, least = best_other(pages, cell)
    return mine and best and ("%s %.2f"):format(best, least / mine)
  end)
end

for _, pages in ipairs(counts) do
  print(("\n%s pages, %s000 rows: median seconds (greatest peak, MB)"):format(
    pages, pages))
  print_row("", pages, function(_, cell) return cell end)
  for _, name in ipairs(names) do
    print_row(name, pages, function(_, cell)
      local run = runs[pages][cell][name]
      return run.failed or ("%.3f (%.0f)"):format(median(run.seconds),
        run.peak / 1024)
    end)
  end
  for _, ours in ipairs{ "ours54", "oursjit" } do
    if names[ours] then print_ratios(pages, ours) end
  end
end
os.exit(good)
