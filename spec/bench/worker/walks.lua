-- What the worker does while it is probed; each walk gives seconds, rows, sum.
--
-- - ours: the client, as a user would write it.
-- - bound: nginx's own sockets, each answer taken in pieces of 64 KB, the whole
--   rows in it decoded in one pass.  It knows what is between two rows, looks
--   at no header but the length, retries nothing and gives way to nobody.
-- - cjson: the same sockets, each answer whole, lua-cjson, and a loop that makes
--   maps of the metrics.
local ccaas = require "ccaas"
local cjson = require "cjson"
local core = require "ccaas.core"

local METRICS = os.getenv "BENCH_METRICS"
local HOST, PORT = os.getenv("BENCH_VENDOR"):match("^(.*):(%d+)$")
local PIECE = 64 * 1024
local SHAPE = { map = "metrics", map_key = "key", map_value = "value", identity = { "id" } }

local base = "http://" .. HOST .. ":" .. PORT
local client = ccaas.new {
  provider = "8x8", key = "key", secret = "secret", base_url = base, token_url = base .. "/oauth/v2/token",
}

local keys = {}
for key in METRICS:gmatch("[^,]+") do
  keys[#keys + 1] = key
end

local function new_tally()
  return { rows = 0, sum = 0 }
end

local function add(tally, row)
  tally.rows = tally.rows + 1
  for i = 1, #keys do
    local value = row.metrics[keys[i]]
    if type(value) == "number" then
      tally.sum = tally.sum + value
    end
  end
end

local function timed(walk)
  return function(pages)
    local tally, began = new_tally(), core.now()
    walk(pages, tally)
    return ("%.4f %d %.6f"):format(core.now() - began, tally.rows, tally.sum)
  end
end

-- Sends a page's request; gives the length of the answer's body.
local function ask(socket, page)
  assert(socket:send(("GET /agents?metrics=%s&page=%d&size=1000 HTTP/1.1\r\nHost: here\r\n\r\n"):format(METRICS, page)))
  local length
  repeat
    local line = assert(socket:receive())
    length = length or tonumber(line:match("^Content%-Length: (%d+)"))
  until line == ""
  return length
end

local function connect()
  local socket = ngx.socket.tcp()
  assert(socket:connect(HOST, tonumber(PORT)))
  return socket
end

local walks = {}

walks.ours = timed(function(_, tally)
  for row in client:agents { metrics = METRICS } do
    add(tally, row)
  end
end)

-- The last border between two rows: the comma's place.
local function last_border(text)
  local before = text:match('^.*}]}(),{"id":')
  return before
end

walks.bound = timed(function(pages, tally)
  local socket = connect()
  for page = 0, pages - 1 do
    local left, rest = ask(socket, page), ""
    while left > 0 do
      local piece = assert(socket:receive(math.min(left, PIECE)))
      left = left - #piece
      local text = rest .. piece
      local border = left > 0 and last_border(text) or #text + 1
      rest = "[" .. text:sub(border + 1)
      local rows = assert(core.decode_list(left > 0 and text:sub(1, border - 1) .. "]" or text, "array", nil, SHAPE,
        PIECE * 2))
      for i = 1, #rows do
        add(tally, rows[i])
      end
    end
  end
  socket:close()
end)

walks.cjson = timed(function(pages, tally)
  local socket = connect()
  for page = 0, pages - 1 do
    for _, row in ipairs(cjson.decode(assert(socket:receive(ask(socket, page))))) do
      local metrics = {}
      for _, metric in ipairs(row.metrics) do
        metrics[metric.key] = metric.value
      end
      row.metrics = metrics
      add(tally, row)
    end
  end
  socket:close()
end)

walks.idle = timed(function() ngx.sleep(2) end)

-- So many coroutines that wait, until the caller hangs up or 30 s are over.
function walks.wait(count)
  local threads = {}
  for i = 1, count do
    threads[i] = ngx.thread.spawn(function() return client:queue(tostring(i), { deadline = 30, retries = 0 }) end)
  end
  ngx.say "begun"
  ngx.flush(true)
  for i = 1, count do
    ngx.thread.wait(threads[i])
  end
end

-- Resident memory in KiB, and descriptors.
function walks.usage()
  collectgarbage()
  local status = assert(io.open "/proc/self/status")
  local memory = status:read("*a"):match("VmRSS:%s*(%d+)")
  status:close()
  local list = assert(io.popen "ls /proc/$PPID/fd | wc -l")
  local count = list:read("*n")
  list:close()
  return memory .. " " .. count - 1 -- less the pipe of this
end

return walks
