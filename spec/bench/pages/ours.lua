-- The client of this repository, on Lua 5.4 and on LuaJIT.
local ccaas = require "ccaas"
local socket = require "socket"
local tally = require "tally"

local metrics = {}
for key in os.getenv("BENCH_METRICS"):gmatch("[^,]+") do
  metrics[#metrics + 1] = key
end

local start = socket.gettime()
local client = ccaas.new{
  provider = "8x8", key = "key", secret = "secret",
  base_url = os.getenv("BENCH_BASE"), token_url = os.getenv("BENCH_TOKEN_URL"),
  ca_file = os.getenv("BENCH_CA"), concurrency = 8,
}
for agent in client:agents{ metrics = metrics } do
  tally.map(agent)
end
local seconds = socket.gettime() - start
client:close()
tally.report(seconds)
