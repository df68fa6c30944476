-- lua-http with cqueues and lua-cjson, on LuaJIT.
local cqueues = require "cqueues"
local websocket = require "http.websocket"
local cjson = require "cjson"
local socket = require "socket"
local tally = require "tally"

local address = os.getenv("BENCH_BASE"):gsub("^http", "ws")
  .. "/rest/api/v1/realtime-metric-subscription?ids=K0FLAEB6"

local function open()
  local link = websocket.new_from_uri(address)
  assert(link:connect(10))
  return link
end

local parts = {}

function parts.flood()
  local link = open()
  local start, cpu = socket.gettime(), os.clock()
  while true do
    local text = link:receive()
    if not text then break end
    tally.add(cjson.decode(text).value.count)
  end
  tally.flood(socket.gettime() - start, os.clock() - cpu)
end

function parts.many()
  local count, opened = tonumber(os.getenv("BENCH_SOCKETS")), 0
  local loop = cqueues.new()
  local start, cpu
  for _ = 1, count do
    loop:wrap(function()
      local link = open()
      opened = opened + 1
      if opened == count then
        start, cpu = socket.gettime(), os.clock()
      end
      while true do
        assert(cjson.decode((assert(link:receive()))).value.count)
        if start then tally.add(1) end
      end
    end)
  end
  loop:wrap(function()
    repeat cqueues.sleep(0.01) until start
    cqueues.sleep(tonumber(os.getenv("BENCH_SECONDS")))
    tally.many(socket.gettime() - start, os.clock() - cpu)
    os.exit()
  end)
  assert(loop:loop())
end

function parts.delay()
  local link = open()
  local ends = socket.gettime() + tonumber(os.getenv("BENCH_SECONDS"))
  repeat
    local sent = cjson.decode((assert(link:receive()))).value.count
    local now = socket.gettime()
    tally.took(now * 1e6 - sent)
  until now >= ends
  tally.delay()
end

parts[arg[1]]()
