-- The fastest that a Lua script can do by itself: LuaJIT with libcurl's multi
-- interface through its FFI, eight requests at once, and lua-cjson.  It is what
-- a binding of the multi interface gives, without that binding's cost: libcurl
-- writes into memory streams, so no callback enters Lua.
local ffi = require "ffi"
local cjson = require "cjson"
local socket = require "socket"
local tally = require "tally"

ffi.cdef [[
typedef struct { int msg; void *easy; union { void *any; int result; } data; }
  CURLMsg;
int curl_global_init(long flags);
void *curl_easy_init(void);
int curl_easy_setopt(void *easy, int option, ...);
int curl_easy_perform(void *easy);
const char *curl_easy_strerror(int code);
void *curl_slist_append(void *list, const char *line);
void *curl_multi_init(void);
int curl_multi_add_handle(void *multi, void *easy);
int curl_multi_remove_handle(void *multi, void *easy);
int curl_multi_perform(void *multi, int *running);
int curl_multi_poll(void *multi, void *more, unsigned n, int ms, int *ready);
CURLMsg *curl_multi_info_read(void *multi, int *left);
typedef struct file FILE;
FILE *open_memstream(char **bytes, size_t *size);
int fflush(FILE *file);
int fclose(FILE *file);
void free(void *bytes);
]]
local curl = ffi.load("libcurl.so.4")
local CAINFO, URL, WRITEDATA, HEADERDATA = 10065, 10002, 10001, 10029
local HTTPHEADER, POSTFIELDS, FAILONERROR = 10023, 10015, 45
local base = os.getenv("BENCH_BASE")

--- A memory stream that libcurl can write to.
local function memory()
  local stream = { bytes = ffi.new("char *[1]"), size = ffi.new("size_t[1]") }
  stream.file = ffi.C.open_memstream(stream.bytes, stream.size)
  return stream
end

--- Its bytes as a string; the stream is gone then.
local function take(stream)
  ffi.C.fclose(stream.file)
  local text = ffi.string(stream.bytes[0], stream.size[0])
  ffi.C.free(stream.bytes[0])
  return text
end

local function text_option(easy, option, text)
  curl.curl_easy_setopt(easy, option, ffi.cast("const char *", text))
end

local function check(code)
  assert(code == 0, ffi.string(curl.curl_easy_strerror(code)))
end

--- A handle that writes to memory streams of its own, with these header lines.
local function handle(lines)
  local easy = curl.curl_easy_init()
  local list
  for _, line in ipairs(lines) do list = curl.curl_slist_append(list, line) end
  curl.curl_easy_setopt(easy, HTTPHEADER, list)
  curl.curl_easy_setopt(easy, FAILONERROR, ffi.cast("long", 1))
  text_option(easy, CAINFO, os.getenv("BENCH_CA"))
  return { easy = easy }
end

local function aim(slot, url)
  slot.body, slot.head = memory(), memory()
  curl.curl_easy_setopt(slot.easy, WRITEDATA, slot.body.file)
  curl.curl_easy_setopt(slot.easy, HEADERDATA, slot.head.file)
  text_option(slot.easy, URL, url)
end

local function page_url(page)
  return ("%s/agents?metrics=%s&page=%d&size=1000"):format(base,
    os.getenv("BENCH_METRICS"), page)
end

curl.curl_global_init(3)
local start = socket.gettime()

local asking = handle({ "Authorization: Basic a2V5OnNlY3JldA==" })
local form = "grant_type=client_credentials"
text_option(asking.easy, POSTFIELDS, form)
aim(asking, os.getenv("BENCH_TOKEN_URL"))
check(curl.curl_easy_perform(asking.easy))
take(asking.head)
local lines = { "Authorization: Bearer "
  .. cjson.decode(take(asking.body)).access_token }

local multi = curl.curl_multi_init()
local by_handle, next_page, pages, busy = {}, 0, 1, 0
local running = ffi.new("int[1]")

--- The address as a number: what a CURLMsg can be looked up by.
local function key(easy)
  return tonumber(ffi.cast("intptr_t", easy))
end

local function launch(slot)
  if next_page >= pages then return end
  aim(slot, page_url(next_page))
  next_page, busy = next_page + 1, busy + 1
  curl.curl_multi_add_handle(multi, slot.easy)
end

local idle = {}
for i = 1, 8 do
  local slot = handle(lines)
  by_handle[key(slot.easy)] = slot
  idle[i] = slot
end
launch(table.remove(idle))
while busy > 0 do
  curl.curl_multi_perform(multi, running)
  local message = curl.curl_multi_info_read(multi, running)
  if message == nil then
    curl.curl_multi_poll(multi, nil, 0, 1000, nil)
  else
    local slot = by_handle[key(message.easy)]
    check(message.data.result)
    curl.curl_multi_remove_handle(multi, slot.easy)
    busy = busy - 1
    local head, body = take(slot.head), take(slot.body)
    pages = tonumber(head:match("X%-Total%-Pages: (%d+)"))
    launch(slot)
    while #idle > 0 do launch(table.remove(idle)) end
    curl.curl_multi_perform(multi, running)
    tally.page(cjson.decode(body))
  end
end
tally.report(socket.gettime() - start)
