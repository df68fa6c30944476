-- What most Lua scripts do today: LuaSocket, LuaSec for https, lua-cjson; one
-- request after the other.  LuaSocket keeps no connection by itself, so this
-- script hands it the same one each time.
local http = require "socket.http"
local ltn12 = require "ltn12"
local socket = require "socket"
local ssl = require "ssl"
local cjson = require "cjson"
local tally = require "tally"

local base = os.getenv("BENCH_BASE")

local function connection(host, port, tls)
  local raw = assert(socket.tcp())
  assert(raw:connect(host, port))
  raw:setoption("tcp-nodelay", true)
  if not tls then return raw end
  local secure = assert(ssl.wrap(raw, {
    mode = "client", protocol = "any", verify = "peer", options = "all",
    cafile = os.getenv("BENCH_CA"),
  }))
  assert(secure:dohandshake())
  return secure
end

local kept

--- What http.request takes for a new socket: the one that is open already.
local function create()
  local shell = { settimeout = function() return 1 end,
    close = function() return 1 end }
  function shell.connect(_, host, port)
    kept = kept or connection(host, port, base:match("^https"))
    return 1
  end
  function shell.send(_, ...) return kept:send(...) end
  function shell.receive(_, ...) return kept:receive(...) end
  return shell
end

local function ask(request)
  local chunks = {}
  request.create = create
  request.sink = ltn12.sink.table(chunks)
  request.headers.connection = "keep-alive"
  local ok, status, headers = http.request(request)
  assert(ok and status == 200, status)
  return cjson.decode(table.concat(chunks)), headers
end

local start = socket.gettime()
local form = "grant_type=client_credentials"
local token = ask({ url = os.getenv("BENCH_TOKEN_URL"), method = "POST",
  source = ltn12.source.string(form), headers = {
    ["content-length"] = #form,
    ["content-type"] = "application/x-www-form-urlencoded",
    authorization = "Basic a2V5OnNlY3JldA==",
  } }).access_token

local page, pages = 0, 1
while page < pages do
  local rows, headers = ask({
    url = ("%s/agents?metrics=%s&page=%d&size=1000"):format(base,
      os.getenv("BENCH_METRICS"), page),
    headers = { authorization = "Bearer " .. token },
  })
  pages = tonumber(headers["x-total-pages"])
  tally.page(rows)
  page = page + 1
end
tally.report(socket.gettime() - start)
