-- The client of this repository, on Lua 5.4 and on LuaJIT.  The argument says
-- how its reader is: "quick"; "slow", which sleeps 1 ms each 1,000 rows;
-- "pause", which sleeps once, after the first rows, for BENCH_PAUSE seconds.
-- "idle" only loads the client.
local ccaas = require "ccaas"
local socket = require "socket"
local tally = require "tally"

local kind = arg[1]

--- Bytes that the server's socket has sent so far.
local function sent()
  local port = os.getenv("BENCH_BASE"):match(":(%d+)")
  local ss = assert(io.popen("ss -tinH state established sport = :" .. port))
  local text = ss:read("*a")
  ss:close()
  return tonumber(text:match("bytes_sent:(%d+)") or 0)
end

--- Sleeps, and tells what the server could send meanwhile: until the buffers
--- between it and the reader are full, and from then on.
local function pause(rows)
  local seconds = tonumber(os.getenv("BENCH_PAUSE"))
  local before = sent()
  socket.sleep(0.5)
  local full = sent()
  socket.sleep(seconds - 0.5)
  io.stderr:write(("paused %g s at row %d: sent %.1f MB before, %.1f MB after"
    .. " 0.5 s, %.1f MB after %g s\n"):format(seconds, rows, before / 1e6,
    full / 1e6, sent() / 1e6, seconds))
end

tally.start()
if kind == "idle" then
  tally.row{ startTime = 0, duration = 0, size = 0 }
  tally.report()
  return
end
local client = ccaas.new{
  provider = "xima", host = "bench.example", token = "bench-token",
  base_url = os.getenv("BENCH_BASE"),
}
local rows = 0
for row in client:recordings{
  from = "2026-06-01T00:00:00-06:00", to = "2026-06-30T00:00:00-06:00",
} do
  tally.row(row)
  rows = rows + 1
  if kind == "slow" and rows % 1000 == 0 then socket.sleep(0.001) end
  if kind == "pause" and rows == 10000 then pause(rows) end
end
client:close()
tally.report()
