-- Prints the tables of the events benchmark: `lua5.4 report.lua <results>
-- <messages>`.  A line of results: part, contestant, and what the contestant
-- printed (see tally.lua) or "failed".  Ends with status 1 when a contestant
-- failed or did not read what was sent.
local median = dofile(arg[0]:match("^(.*)/[^/]*/") .. "/median.lua")

local messages = tonumber(arg[2])
-- What serve.c gives them as counts.
local sum = 0
for i = 0, messages - 1 do
  sum = sum + i % 997
end

local parts = {} -- [part][contestant] = { name, failed, columns = { {…}, … } }
local good = true

local function contestant_of(part, name)
  parts[part] = parts[part] or {}
  local rows = parts[part]
  if not rows[name] then
    rows[name] = { name = name, columns = {} }
    rows[#rows + 1] = rows[name]
  end
  return rows[name]
end

local function is_right(part, name, numbers)
  if part ~= "flood" or name:find "^latest" then
    return true
  elseif numbers[1] == messages and (numbers[2] == sum or name == "bare") then
    return true
  end
  io.stderr:write(("%s read %d messages with the sum %d, sent were %d with %d\n"):format(name, numbers[1], numbers[2],
    messages, sum))
  return false
end

for line in io.lines(arg[1]) do
  local part, name, rest = line:match("^(%w+) (%w+) (.*)$")
  local run, numbers = contestant_of(part, name), {}
  for number in rest:gmatch("[%d.]+") do
    numbers[#numbers + 1] = tonumber(number)
  end
  if rest == "failed" or #numbers < 4 then
    run.failed, good = "failed", false
  elseif not is_right(part, name, numbers) then
    run.failed, good = "wrong answer", false
  else
    for i, number in ipairs(numbers) do
      run.columns[i] = run.columns[i] or {}
      table.insert(run.columns[i], number)
    end
  end
end

local function middle(part, name, column)
  local run = parts[part] and parts[part][name]
  if run and not run.failed then return median(run.columns[column]) end
end

local function print_part(part, title, form, columns)
  if not parts[part] then return end
  print("\n" .. title)
  for _, run in ipairs(parts[part]) do
    local texts = {}
    for i, column in ipairs(columns) do
      texts[i] = not run.failed and column(run.name)
    end
    print(("%-10s %s"):format(run.name, run.failed or form:format(table.unpack(texts))))
  end
end

local function ratio(part, title, of, to, column)
  local one, other = middle(part, of, column), middle(part, to, column)
  if one and other then
    print(("%-28s %.2f"):format(title, one / other))
  end
end

print_part("flood", ("%d messages on one socket: messages a second, CPU seconds, greatest peak MB (medians)"):format(
  messages), "%9.0f %8.2f %8.1f", {
  function(name) return messages / middle("flood", name, 3) end,
  function(name) return middle("flood", name, 4) end,
  function(name) return math.max(table.unpack(parts.flood[name].columns[5])) / 1024 end,
})
for _, other in ipairs{ "node", "luahttp", "python" } do
  for _, ours in ipairs{ "ours54", "oursjit" } do
    ratio("flood", ours .. " / " .. other, other, ours, 3)
  end
end
for _, part in ipairs{ "many", "spread" } do
  print_part(part, ("many sockets, one message a second each, %s: messages, CPU seconds, resident MB (medians)"):format(
    part == "many" and "all at once" or "evenly spread"), "%9.0f %8.2f %8.1f", {
    function(name) return middle(part, name, 1) end,
    function(name) return middle(part, name, 2) end,
    function(name) return middle(part, name, 4) / 1024 end,
  })
  for _, other in ipairs{ "node", "luahttp" } do
    ratio(part, "CPU of ours54 / " .. other, "ours54", other, 2)
  end
end
print_part("delay", "1,000 messages a second, sending to the user's hands: p50, p99, longest, microseconds (medians)",
  "%9.0f %8.0f %8.0f", {
  function(name) return middle("delay", name, 2) end,
  function(name) return middle("delay", name, 3) end,
  function(name) return middle("delay", name, 4) end,
})
os.exit(good)
