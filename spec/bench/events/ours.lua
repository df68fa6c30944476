-- The client of this repository, on Lua 5.4 and on LuaJIT: `flood block`,
-- `flood latest`, `many`, `delay`.
local ccaas = require "ccaas"
local socket = require "socket"
local tally = require "tally"

local part, overflow = arg[1], arg[2]
local wanted = tonumber(os.getenv("BENCH_MESSAGES"))

local client = ccaas.new{
  provider = "xima", host = "127.0.0.1", base_url = os.getenv("BENCH_BASE"),
  token = "token",
}

local function subscribe()
  return client:subscribe({ "K0FLAEB6" }, { snapshot = false, overflow = overflow })
end

local parts = {}

function parts.flood()
  local live = subscribe()
  assert(live:next(10).type == "open")
  local start, cpu = socket.gettime(), os.clock()
  for event in live do
    if event.type ~= "update" then break end
    tally.add(event.value)
  end
  local seconds = socket.gettime() - start
  cpu = os.clock() - cpu
  local info = live:info()
  assert(info.messages + info.conflated == wanted, "not all messages came")
  tally.flood(seconds, cpu)
end

function parts.many()
  local streams = {}
  for i = 1, tonumber(os.getenv("BENCH_SOCKETS")) do
    streams[i] = subscribe()
  end
  local merged, opened = ccaas.merge((table.unpack or unpack)(streams)), 0
  while opened < #streams do
    opened = opened + (assert(merged:next(30)).type == "open" and 1 or 0)
  end
  local start, cpu = socket.gettime(), os.clock()
  local ends = start + tonumber(os.getenv("BENCH_SECONDS"))
  for event in merged do
    assert(event.type == "update")
    tally.add(1)
    if socket.gettime() >= ends then break end
  end
  tally.many(socket.gettime() - start, os.clock() - cpu)
  os.exit() -- to let go of them all is not measured
end

function parts.delay()
  local live = subscribe()
  assert(live:next(10).type == "open")
  local ends = socket.gettime() + tonumber(os.getenv("BENCH_SECONDS"))
  for event in live do
    local now = socket.gettime()
    tally.took(now * 1e6 - event.value)
    if now >= ends then break end
  end
  tally.delay()
end

parts[part]()
client:close()
