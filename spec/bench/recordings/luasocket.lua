-- What most Lua scripts do today: LuaSocket and lua-cjson.
local http = require "socket.http"
local ltn12 = require "ltn12"
local cjson = require "cjson"
local tally = require "tally"

tally.start()
local chunks = {}
local ok, status = http.request{
  url = os.getenv("BENCH_BASE") .. "/rest/api/v2/recordings?"
    .. os.getenv("BENCH_QUERY"),
  headers = { authorization = "Bearer bench-token" },
  sink = ltn12.sink.table(chunks),
}
assert(ok and status == 200, status)
for _, row in ipairs(cjson.decode(table.concat(chunks))) do
  tally.row(row)
end
tally.report()
