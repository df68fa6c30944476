-- A small HTTP server that says, byte for byte, what a spec tells it to.  It
-- runs in the spec's own thread: client and server take turns, for the loop
-- that it gives its clients serves connections while they wait.  So a handler
-- sees all variables of its spec, an error in it fails the test, and nothing
-- moves on this side while the spec is not waiting.
--
--    local s = server.start(function(request, conn)
--      return server.page { rows = { server.row("1") } }
--    end)
--    local client = ccaas.new(s:options { retries = 0 })
--
-- A handler runs in a coroutine of its connection, once for each request, and
-- returns the bytes to send, or nil where it has sent them itself.
local helper = require "spec.support.helper"
local socket = require "socket"

local unpack = table.unpack or unpack

local server = {}
local methods = {}
methods.__index = methods
local conn_methods = {}
conn_methods.__index = conn_methods

-- --- bytes --------------------------------------------------------------------

--- The bytes of an answer.
---@param body? string
---@param given? { status?: integer, headers?: table<string, string|number> }
---@return string
function server.answer(body, given)
  body, given = body or "", given or {}
  local lines = { ("HTTP/1.1 %d Said\r\n"):format(given.status or 200) }
  local headers = { ["Content-Length"] = #body }
  for name, value in pairs(given.headers or {}) do
    headers[name] = value
  end
  for name, value in pairs(headers) do
    if value then
      lines[#lines + 1] = ("%s: %s\r\n"):format(name, value)
    end
  end
  return table.concat(lines) .. "\r\n" .. body
end

--- One row on the wire.
---@param id string
---@param metrics? string JSON of its metrics
---@return string
function server.row(id, metrics)
  return ('{"id":"%s","name":"Row %s","metrics":%s}'):format(id, id, metrics or "[]")
end

--- The bytes of one page of a list.
---@param page table its `rows` (text), and `page`, `size`, `pages`, `total`,
--- `headers` where they are not those of a whole list
---@return string
function server.page(page)
  local total = page.total or #page.rows
  local size = page.size or 1000
  local headers = {
    ["X-Page"] = page.page or 0,
    ["X-Page-Size"] = size,
    ["X-Total-Pages"] = page.pages or math.floor((total + size - 1) / size),
    ["X-Total-Elements"] = total,
  }
  for name, value in pairs(page.headers or {}) do
    headers[name] = value
  end
  return server.answer("[" .. table.concat(page.rows, ",") .. "]", { headers = headers })
end

--- The bytes of a page out of a whole list, as the request asks for it; past
--- the end the refusal that says so.
---@param request table
---@param rows string[]
---@return string
function server.cut(request, rows)
  local page, size = tonumber(request.query.page), tonumber(request.query.size)
  local pages = math.floor((#rows + size - 1) / size)
  if page >= pages then
    return server.answer(('{"message":"Bad request: Field \'page\' must be '
      .. "greater than or equal to 0 and less than the total number of pages, "
      .. 'which is %d for this request"}'):format(pages), { status = 400 })
  end
  local part = {}
  for i = page * size + 1, math.min(#rows, (page + 1) * size) do
    part[#part + 1] = rows[i]
  end
  return server.page { rows = part, page = page, size = size, total = #rows }
end

local function decode(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function parse(head, body)
  local request = { raw = head .. body, body = body, headers = {}, query = {} }
  request.at = socket.gettime()
  request.line = head:match("^[^\r\n]*")
  request.method, request.target = request.line:match("^(%S+) (%S+)")
  -- A client that has this server for its proxy sends the whole address.
  request.path = decode(request.target:gsub("^http://[^/]*", ""):match("^[^?]*"))
  for name, value in (request.target:match("%?(.*)") or ""):gmatch("([^=&]+)=([^&]*)") do
    local known = request.query[decode(name)]
    request.query[decode(name)] = known and known .. "," .. decode(value) or decode(value)
  end
  for name, value in head:gmatch("\r\n([^:\r\n]+):%s*([^\r\n]*)") do
    request.headers[name:lower()] = value
  end
  return request
end

-- --- one connection -----------------------------------------------------------

--- Waits until `condition()` holds; false: the client hung up before.
---@param condition? fun(): boolean without it only the client's hanging up ends it
---@param seconds? number or until so many have passed
---@return boolean
function conn_methods:hold(condition, seconds)
  local due = seconds and socket.gettime() + seconds
  while not self.gone do
    if condition and condition() or due and socket.gettime() >= due then
      return true
    end
    -- What is done for another connection in this very turn may make it true.
    self.due = condition and math.min(due or math.huge, socket.gettime() + 0.01) or due
    coroutine.yield()
  end
  return false
end

--- Sends bytes as they are, waiting while the client takes none.
---@param bytes string
---@return boolean # false: the client hung up
function conn_methods:send(bytes)
  local first = 1
  while first <= #bytes and not self.gone do
    local last, reason, partly = self.socket:send(bytes, first)
    self.sent = self.sent + (last or partly) - first + 1
    first = (last or partly) + 1
    if not last and reason ~= "timeout" then
      self:close()
    elseif not last then
      self.writes, self.due = true, nil
      coroutine.yield()
      self.writes = false
    end
  end
  return not self.gone
end

--- Sends bytes piece by piece, each after the one before has left this side.
---@param bytes string
---@param piece integer bytes
---@param seconds? number pause after each
---@return boolean # false: the client hung up
function conn_methods:drip(bytes, piece, seconds)
  for first = 1, #bytes, piece do
    if not self:send(bytes:sub(first, first + piece - 1)) or not self:hold(nil, seconds or 0) then
      return false
    end
  end
  return true
end

--- Ends the connection in good order.
function conn_methods:close()
  if self.socket then
    self.socket:close()
    self.socket, self.gone = nil, true
  end
end

--- Ends the connection by a reset.
function conn_methods:reset()
  if self.socket then
    self.socket:setoption("linger", { on = true, timeout = 0 })
    self:close()
  end
end

-- Takes what has come in.
local function receive(self)
  local bytes, reason, partly = self.socket:receive(65536)
  self.input = self.input .. (bytes or partly or "")
  if not bytes and reason ~= "timeout" then
    self:close()
  end
end

local function next_request(self)
  while true do
    local _, last = self.input:find("\r\n\r\n", 1, true)
    if last then
      local head = self.input:sub(1, last)
      local length = tonumber(head:lower():match("\r\ncontent%-length: *(%d+)")) or 0
      if #self.input >= last + length then
        local body = self.input:sub(last + 1, last + length)
        self.input = self.input:sub(last + length + 1)
        return parse(head, body)
      end
    end
    if self.gone then
      return nil
    end
    self.due = nil
    coroutine.yield()
  end
end

local function default_token()
  return server.answer('{"access_token":"T0KEN","token_type":"BearerToken","expires_in":"1799"}')
end

local function serve(self, conn)
  for request in next_request, conn do
    request.connection = conn.number
    local bytes
    if request.path == "/token" then
      self.tokens = self.tokens + 1
      bytes = self.token(request, conn)
    else
      self.requests[#self.requests + 1] = request
      bytes = self.handler(request, conn)
    end
    if bytes then
      conn:send(bytes)
    end
  end
  conn:close()
end

-- --- taking turns -------------------------------------------------------------

local function accept(self)
  local taken = self.listener:accept()
  if not taken then
    return
  end
  taken:settimeout(0)
  taken:setoption("tcp-nodelay", true)
  self.accepted = self.accepted + 1
  local conn = setmetatable({
    socket = taken, number = self.accepted, input = "", sent = 0,
  }, conn_methods)
  conn.task = coroutine.create(serve)
  self.conns[#self.conns + 1] = conn
end

-- Lets every connection go on as far as it can.
local function resume_all(self)
  local alive = {}
  for _, conn in ipairs(self.conns) do
    local fine, problem = coroutine.resume(conn.task, self, conn)
    if not fine then
      conn:close()
      self.conns = alive
      error(problem, 0)
    elseif coroutine.status(conn.task) ~= "dead" then
      alive[#alive + 1] = conn
    end
  end
  self.conns = alive
end

-- Serves until something happened or `seconds` have passed.  `fds`: what else
-- to wait for; gives those of them that are readable.
local function turn(self, fds, seconds)
  resume_all(self)
  local reads, writes = { self.listener }, {}
  local now = socket.gettime()
  for _, conn in ipairs(self.conns) do
    if conn.socket then
      reads[#reads + 1] = conn.socket
      if conn.writes then
        writes[#writes + 1] = conn.socket
      end
    end
    if conn.due then
      seconds = math.min(seconds or math.huge, math.max(0, conn.due - now))
    end
  end
  for fd in pairs(fds) do
    reads[#reads + 1] = { getfd = function() return fd end, fd = fd }
  end
  local ready = socket.select(reads, writes, seconds)
  for _, conn in ipairs(self.conns) do
    if conn.socket and ready[conn.socket] then
      receive(conn)
    end
  end
  if ready[self.listener] then
    accept(self)
  end
  local readable = {}
  for _, one in ipairs(ready) do
    if type(one) == "table" then
      readable[one.fd] = true
    end
  end
  return readable
end

-- The loop's wait.  In a function of `run` it yields to the others.
local function wait(self, fd, seconds)
  local due = seconds and socket.gettime() + seconds
  if self.running[coroutine.running()] then
    return coroutine.yield(fd, due)
  end
  while true do
    local left = due and due - socket.gettime()
    if turn(self, { [fd] = true }, left and math.max(0, left))[fd] then
      return true
    elseif left and left <= 0 then
      return false
    end
  end
end

--- Serves for a moment; with a condition until it holds (30 s at the most).
---@param condition? fun(): boolean
function methods:serve(condition)
  local ends = socket.gettime() + 30
  repeat
    turn(self, {}, 0.01)
    assert(socket.gettime() < ends, "what the spec waits for did not happen")
  until not condition or condition()
end

--- Runs functions side by side to their ends, each in a coroutine; one that
--- waits for its stream lets the others go on.  An error in one is raised.
---@param ... fun()
function methods:run(...)
  local tasks = {}
  for i, f in ipairs { ... } do
    tasks[i] = { thread = coroutine.create(f), go = true }
    self.running[tasks[i].thread] = true
  end
  local left = #tasks
  while left > 0 do
    local fds, now, soonest = {}, socket.gettime(), nil
    for _, task in ipairs(tasks) do
      while task.go ~= nil do
        local fine, fd, due = coroutine.resume(task.thread, task.go)
        task.go = nil
        if not fine then
          error(fd, 0)
        elseif coroutine.status(task.thread) == "dead" then
          task.over, left = true, left - 1
        else
          task.fd, task.due = fd, due
        end
      end
      if not task.over then
        fds[task.fd] = true
        soonest = task.due and math.min(soonest or math.huge, task.due) or soonest
      end
    end
    local readable = left > 0 and turn(self, fds, soonest and math.max(0, soonest - now)) or {}
    now = socket.gettime()
    for _, task in ipairs(tasks) do
      if not task.over and readable[task.fd] then
        task.go = true
      elseif not task.over and task.due and now >= task.due then
        task.go = false
      end
    end
  end
end

--- Serves until the client takes no more.
---@param s table the server
---@param sent table its `bytes` are counted by the server's handler
---@return integer bytes
function server.until_stuck(s, sent)
  local before, still = -1, 0
  s:serve(function()
    still = sent.bytes == before and still + 1 or 0
    before = sent.bytes
    return still == 10
  end)
  return sent.bytes
end

--- Runs f(1) ... f(count) side by side.
---@param s table the server
---@param count integer
---@param f fun(i: integer)
function server.at_once(s, count, f)
  local calls = {}
  for i = 1, count do
    calls[i] = function() f(i) end
  end
  s:run(unpack(calls))
end

--- Options for `ccaas.new`: a client of this server, with its loop.
---@param overrides? table put over these; false takes one away
---@return table
function methods:options(overrides)
  local options = {
    provider = "8x8", key = "key", secret = "secret",
    base_url = self.url, token_url = self.url .. "/token", loop = self.loop,
  }
  for name, value in pairs(overrides or {}) do
    options[name] = value or nil
  end
  return options
end

--- Ends it: the port and all connections are closed.
function methods:stop()
  self.listener:close()
  for _, conn in ipairs(self.conns) do
    conn:close()
  end
  self.conns = {}
end

--- Starts a server; it is stopped when the spec file ends.
---@param handler fun(request: table, conn: table): string|nil
---@param token? fun(request: table, conn: table): string|nil answers /token
---@param host? string 127.0.0.1
---@return table # url, port, loop; requests (those for /token apart), tokens
--- (how many of those), accepted (connections)
function server.start(handler, token, host)
  local self = setmetatable({
    handler = handler, token = token or default_token, requests = {}, tokens = 0,
    accepted = 0, conns = {}, running = setmetatable({}, { __mode = "k" }),
  }, methods)
  self.listener = assert(socket.bind(host or "127.0.0.1", 0, 128))
  self.listener:settimeout(0)
  self.port = tonumber((select(2, self.listener:getsockname())))
  self.url = "http://127.0.0.1:" .. self.port
  self.loop = { wait = function(fd, seconds) return wait(self, fd, seconds) end }
  helper.at_end(function() self:stop() end)
  return self
end

--- An answer without rows.
---@param status integer
---@param headers? table
---@param body? string
---@return string
function server.status(status, headers, body)
  return server.answer(body or "", { status = status, headers = headers })
end

--- The row that is asked for by the last part of the path.
---@param request table
---@return string
function server.named_row(request)
  return server.answer(server.row(request.path:match("[^/]+$")))
end

--- A server that goes through a list of answers, then gives rows.  An answer is
--- its bytes, or a function of the connection.
---@param steps table
---@return table server
function server.script(steps)
  local s
  s = server.start(function(request, conn)
    local step = steps[#s.requests]
    if step == nil then
      return server.named_row(request)
    elseif type(step) == "function" then
      return step(conn)
    end
    return step
  end)
  return s
end

--- A server and a Xima client of it, which keeps no pace of audio unless told so;
--- `answer(request, n, conn)` says what the nth request gets.
---@param answer fun(request: table, n: integer, conn: table): string|nil
---@param overrides? table options of the client
---@return ccaas.Client
---@return table server
function server.xima(answer, overrides)
  local s
  s = server.start(function(request, conn)
    return answer(request, #s.requests, conn)
  end)
  local given = { provider = "xima", token = "T", key = false, secret = false, token_url = false, audio_interval = 0 }
  for name, value in pairs(overrides or {}) do
    given[name] = value
  end
  return require("ccaas").new(s:options(given)), s
end

return server
