-- One page of rows, bytes to tables: our splitter and decoder against what a
-- script would do by itself, lua-cjson and a loop that turns the lists of key
-- and value into maps.  Median of several rounds, taken in turns.
--
--   LUA_CPATH="<build>/?.so;;" lua5.4 spec/bench/decoder.lua [rounds]
local cjson = require "cjson"
local core = require "ccaas.core"

local rounds = tonumber(arg and arg[1]) or 31
local clock = os.clock

--- A page of `count` rows of about 1 KB, with 20 metrics each.
local function make_page(count)
  local rows = {}
  for i = 1, count do
    local metrics = {}
    for j = 1, 20 do
      metrics[j] = ('{"key":"metric.number%02d.today","value":%d}')
        :format(j, (i * 7919 + j * 104729) % (j % 3 == 0 and 100000 or 100))
    end
    rows[i] = ('{"id":"%d","name":"Queue number %d","metrics":[%s]}')
      :format(1000 + i, i, table.concat(metrics, ","))
  end
  return "[" .. table.concat(rows, ",") .. "]"
end

local shape = {
  map = "metrics", map_key = "key", map_value = "value", identity = { "id" },
}

local function ours(page)
  return assert(core.decode_list(page, "array", nil, shape, 16384))
end

local function by_hand(page)
  local rows = cjson.decode(page)
  for _, row in ipairs(rows) do
    local metrics = {}
    for _, entry in ipairs(row.metrics) do
      metrics[entry.key] = entry.value
    end
    row.metrics = metrics
  end
  return rows
end

local function seconds(work, page)
  collectgarbage()
  collectgarbage()
  local start = clock()
  work(page)
  return clock() - start
end

local function median(list)
  table.sort(list)
  return list[math.floor((#list + 1) / 2)]
end

local function compare(count)
  local page = make_page(count)
  local a, b = ours(page), by_hand(page)
  assert(#a == count and #b == count)
  for name, value in pairs(b[count].metrics) do
    assert(a[count].metrics[name] == value)
  end
  a, b = {}, {}
  for round = 1, rounds do
    a[round] = seconds(ours, page)
    b[round] = seconds(by_hand, page)
  end
  local fast, slow = median(a), median(b)
  print(("%.2f MB, %d rows: ccaas %.2f ms (%.0f MB/s), lua-cjson and a loop "
    .. "%.2f ms, ratio %.1f"):format(#page / 1e6, count, fast * 1e3,
    #page / fast / 1e6, slow * 1e3, slow / fast))
end

print(_VERSION, jit and jit.version or "")
compare(1000)
compare(2000)
