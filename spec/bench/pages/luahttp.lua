-- lua-http with cqueues and lua-cjson, on LuaJIT: eight coroutines, each with a
-- connection of its own that it keeps.  (lua-http's request objects open a new
-- one for every request, so this uses its connections and streams.)
local cqueues = require "cqueues"
local client = require "http.client"
local new_headers = require("http.headers").new
local tls = require "http.tls"
local cjson = require "cjson"
local tally = require "tally"

local base = os.getenv("BENCH_BASE")
local scheme, host, port, prefix = base:match("^(%a+)://([^:/]+):(%d+)(/.*)$")
local token_path = os.getenv("BENCH_TOKEN_URL"):match("^%a+://[^/]+(/.*)$")

local context
if scheme == "https" then
  context = tls.new_client_context()
  local store = require("openssl.x509.store").new()
  store:add(os.getenv("BENCH_CA"))
  context:setStore(store)
end

local function connect()
  return assert(client.connect({ host = host, port = tonumber(port),
    tls = scheme == "https", ctx = context, version = 1.1 }))
end

local function ask(connection, method, path, authorization, form)
  local headers = new_headers()
  headers:append(":method", method)
  headers:append(":scheme", scheme)
  headers:append(":authority", host .. ":" .. port)
  headers:append(":path", path)
  headers:append("authorization", authorization)
  if form then
    headers:append("content-type", "application/x-www-form-urlencoded")
    headers:append("content-length", tostring(#form))
  end
  local stream = assert(connection:new_stream())
  assert(stream:write_headers(headers, not form))
  if form then assert(stream:write_chunk(form, true)) end
  local answer = assert(stream:get_headers())
  assert(answer:get(":status") == "200", answer:get(":status"))
  local body = assert(stream:get_body_as_string())
  stream:shutdown()
  return cjson.decode(body), answer
end

local start = cqueues.monotime()
local loop = cqueues.new()
local token, next_page, pages = nil, 0, 1

local function read_pages(connection)
  while next_page < pages do
    local path = ("%s/agents?metrics=%s&page=%d&size=1000"):format(prefix,
      os.getenv("BENCH_METRICS"), next_page)
    next_page = next_page + 1
    local rows, headers = ask(connection, "GET", path, "Bearer " .. token)
    if pages == 1 then
      pages = tonumber(headers:get("x-total-pages"))
      for _ = 2, 8 do
        loop:wrap(function() read_pages(connect()) end)
      end
    end
    tally.page(rows)
  end
end

loop:wrap(function()
  local connection = connect()
  token = ask(connection, "POST", token_path, "Basic a2V5OnNlY3JldA==",
    "grant_type=client_credentials").access_token
  read_pages(connection)
end)
assert(loop:loop())
tally.report(cqueues.monotime() - start)
