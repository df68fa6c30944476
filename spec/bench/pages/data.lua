-- Writes the pages that the benchmark's server gives out: `lua5.4 data.lua
-- <folder> <pages>`.  A page is a JSON array of 1,000 agents of 20 metrics,
-- about 1 MB, as the vendor sends them: integers mostly, some fractions, some
-- nulls, a few strings; names in several scripts, some of them escaped.
--
-- The file `expect` gets what a reader must have found after so many pages:
-- pages, rows, sum of all numbers, strings, rows with the name looked for.
-- Every number is a multiple of 1/1024 and the sum stays below 2^43, so the
-- sum is exact in doubles, in whatever order it is made.

local folder, pages = arg[1], tonumber(arg[2])
local ROWS = 1000

local state = 20240601

--- A number in 0 .. n-1, the same ones in each run.
local function random(n)
  state = (state * 1103515245 + 12345) % 2147483648
  return math.floor(state / 65536) % n
end

local function count() return random(200) end
local function milliseconds() return random(32768) * (1 + random(32)) end
local function share() return random(1024) / 1024 end
local function channels() return random(8) == 0 and "null" or random(5) end
local statuses = { '"Available"', '"On Break"', '"Busy"', '"Working Offline"' }
local function status() return statuses[1 + random(#statuses)] end
local function login()
  return random(4) == 0 and "null"
    or ('"2024-06-%02dT%02d:%02d:12.%03dZ"'):format(
      1 + random(30), random(24), random(60), random(1000))
end

local metrics = {
  { "accepted.today", count }, { "internalCallsInitiated.today", count },
  { "directOutbounds.today", count }, { "rejectTimeout.int-15m", count },
  { "transfersInitiated.today", count }, { "alerting.rt", channels },
  { "activeInteractionsCount.rt", channels },
  { "handlingTime.today", milliseconds },
  { "averageHandlingTime.today", milliseconds },
  { "averageHoldTime.today", milliseconds },
  { "averageWrapUpTime.today", milliseconds },
  { "averageOfferingTime.today", milliseconds },
  { "internalCallsTime.today", milliseconds },
  { "workingOfflineTime.today", milliseconds },
  { "timeOnStatusCode.rt", milliseconds },
  { "directInboundTime.today", milliseconds },
  { "workingOfflineTimePercentage.today", share },
  { "availableTimePercentage.today", share },
  { "status.rt", status }, { "lastLogin.rt", login },
}

-- The first one is the name that readers look for; pages/*.* spell it decoded.
local names = {
  [[Zo\u00eb \"Zed\" O\/Neil]], "Appointments", "Ivan Petrović",
  "Иван Петров", "李 伟", "محمد علي", "Élodie Brûlé", "José Núñez",
  "Σοφία Παπαδοπούλου", [[Front desk \ud83d\ude00]], "Anna Schmidt",
  "Customer Care", "John Smith", "Grace Okafor", "Tariq\\tNight shift",
}

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

local keys = {}
for i, metric in ipairs(metrics) do keys[i] = metric[1] end
write(folder .. "/metrics", table.concat(keys, ","))

local sum, strings, named, expect = 0, 0, 0, {}
for page = 0, pages - 1 do
  local out = {}
  for row = 1, ROWS do
    local cells = {}
    for i, metric in ipairs(metrics) do
      local value = metric[2]()
      if type(value) == "number" then
        sum = sum + value
        if value % 1 ~= 0 then value = ("%.10g"):format(value) end
      elseif value ~= "null" then
        strings = strings + 1
      end
      cells[i] = ('{"key":"%s","value":%s}'):format(metric[1],
        type(value) == "number" and ("%d"):format(value) or value)
    end
    local name = 1 + random(#names)
    if name == 1 then named = named + 1 end
    out[row] = ('{"id":"%d","name":"%s","metrics":[%s]}'):format(
      100 + page * ROWS + row, names[name], table.concat(cells, ","))
  end
  write(folder .. "/" .. page .. ".json", "[" .. table.concat(out, ",") .. "]")
  expect[#expect + 1] = ("%d %d %.10f %d %d\n"):format(page + 1,
    (page + 1) * ROWS, sum, strings, named)
end
write(folder .. "/expect", table.concat(expect))
