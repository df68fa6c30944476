-- Debian's binding of libcurl and lua-cjson, on LuaJIT.  That binding has
-- libcurl's easy interface only: one request after the other on a kept
-- connection.
local curl = require "curl"
local cjson = require "cjson"
local socket = require "socket"
local tally = require "tally"

local easy = curl.easy_init()
easy:setopt(curl.OPT_CAINFO, os.getenv("BENCH_CA"))

local function ask(url)
  local chunks, headers = {}, {}
  easy:setopt(curl.OPT_URL, url)
  easy:setopt(curl.OPT_WRITEFUNCTION, function(bytes, size)
    chunks[#chunks + 1] = bytes
    return size
  end)
  easy:setopt(curl.OPT_HEADERFUNCTION, function(line, size)
    local name, value = line:match("^([^:]+):%s*(.-)%s*$")
    if name then headers[name:lower()] = value end
    return size
  end)
  local failed, why = easy:perform()
  assert(failed == 0, why)
  return cjson.decode(table.concat(chunks)), headers
end

local start = socket.gettime()
easy:setopt(curl.OPT_POSTFIELDS, "grant_type=client_credentials")
easy:setopt(curl.OPT_USERPWD, "key:secret")
local token = ask(os.getenv("BENCH_TOKEN_URL")).access_token

easy = curl.easy_init()
easy:setopt(curl.OPT_CAINFO, os.getenv("BENCH_CA"))
easy:setopt(curl.OPT_HTTPHEADER, { "Authorization: Bearer " .. token })
local page, pages = 0, 1
while page < pages do
  local rows, headers = ask(("%s/agents?metrics=%s&page=%d&size=1000"):format(
    os.getenv("BENCH_BASE"), os.getenv("BENCH_METRICS"), page))
  pages = tonumber(headers["x-total-pages"])
  tally.page(rows)
  page = page + 1
end
tally.report(socket.gettime() - start)
