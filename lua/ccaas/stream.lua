--- Streams: rows as they arrive.  This is the one place that waits: it asks C,
--- and if there is nothing yet lets the loop wait for the descriptor and asks
--- again.

local core = require "ccaas.core"
local errors = require "ccaas.error"
local loop = require "ccaas.loop"
local usage_error = require "ccaas.usage_error"
local stores = require "ccaas.store"
local options = require "ccaas.options"
local text = require "ccaas.text"

local check_for, protect = loop.check_for, loop.protect
local pack = table.pack or function(...) return { n = select("#", ...), ... } end
local unpack = table.unpack or unpack

---@class ccaas.Stream
---@operator call: table|nil
---@field package flow userdata
---@field package take function
---@field package wait ccaas.Wait
---@field package client table
---@field package begin? fun(bell: userdata): boolean|nil until the loop knows of it
---@field package seen_totals table
---@field package change? fun(row: table): table
---@field package polled? true somebody was given the descriptor since it was read
---@field package closed? true
local Stream = {}
local methods = {}
Stream.__index = methods
Stream.__name = "ccaas.Stream"

local streams = {}

-- The error of a flow that failed, made once.
local function failure(self)
  if not self.failed then
    self.failed = errors.new(self.flow:error(), self.client.provider)
  end
  return self.failed
end

-- Asks the user's function for a token, unless another reader of this flow has
-- brought it meanwhile.  It may yield.  What it raises is raised here; whoever else
-- waits for this token has none, either.
local function ask_for_token(client, flow)
  local reason = flow:token_reason()
  if not reason then
    return
  end
  local me = coroutine.running() or "main"
  client.asking[me] = true
  local ok, token = pcall(client.find_token, reason)
  client.asking[me] = nil
  local usable = ok and type(token) == "string" and not text.has_controls(token)
  local fault = usable and options.token_fault(token)
  flow:token(usable and not fault and token or nil)
  if not ok then
    error(token, 0)
  elseif fault then
    usage_error.raise("the token that the token function gave %s", fault)
  end
end

--- Answers what C asks: of the client's store, or of its token function.  It may
--- yield.
---@param client table the client's internals
---@param flow userdata what was told to ask: core.call or core.subscription
function streams.ask(client, flow)
  if client.store and stores.answer(client) or not client.find_token then
    return
  end
  if client.await then
    client.pause(flow) -- from now on it is known whose it is: see openresty_socket.lua
  end
  ask_for_token(client, flow)
end

-- Is this within a function of the user's that is asked for C?  The coroutine
-- alone does not tell: that of an asker who was killed may be somebody else's by
-- now.
local function within_asking(client)
  if not client.asking[coroutine.running() or "main"] then
    return false
  end
  local level = 2
  local info = debug.getinfo(level, "f")
  while info and info.func ~= streams.ask do
    level = level + 1
    info = debug.getinfo(level, "f")
  end
  return info ~= nil
end

-- Waits as the loop can; nil and a reason where it cannot.
local function wait_for(self, seconds)
  if self.client.await then
    return self.client.await(self.flow, seconds)
  end
  local fd = self.flow:fd()
  if fd < 0 then
    return nil, "no descriptor is left to wait with: raise `ulimit -n`"
  end
  self.flow:waiting(true)
  self.wait(fd, seconds)
  self.flow:waiting(false)
  return true
end

-- Lets the loop wait until there is something to take.  False: `ends`, a time
-- on the monotonic clock, was reached before.
local function wait(self, ends)
  local seconds = self.flow:timeout()
  if ends then
    local left = ends - core.now()
    if left <= 0 then
      return false
    end
    seconds = seconds and math.min(seconds, left) or left
  end
  if within_asking(self.client) then
    usage_error.raise("a token function or a store must not call the client that asks it")
  end
  local waited, reason = wait_for(self, seconds)
  if self.client.pause then
    self.client.core:rested()
  end
  if waited == nil then
    self.failed = errors.new({ code = "io", message = reason }, self.client.provider)
    self.flow:close()
    return true
  end
  self.client:tell_events()
  return true
end

-- Before it is read: what `pollfd` gave is forgotten, for it is closed at the
-- stream's end; and the loop is told of what it has not seen yet.
local function prepare(self)
  if self.polled then
    self.polled = nil
    loop.forget(self.flow:fd())
  end
  local begin = self.begin
  if begin and begin(self.flow) then
    self.begin = nil
  end
end

-- The next row or page border, waiting for it: the row, or nil and "page",
-- "afresh", "end", "error" or "timeout".
local function await(self, ends)
  if self.polled or self.begin then
    prepare(self)
  end
  if self.held then
    self.client:tell_events()
    local state = self.held
    self.held = nil
    return nil, state
  end
  while true do
    local row, state = self.take(self.flow)
    if row ~= nil then
      if state ~= "totals" then
        return self.change and self.change(row) or row
      end
      self.seen_totals[#self.seen_totals + 1] = { metrics = row.metrics }
    elseif state == "ask" then
      streams.ask(self.client, self.flow)
    elseif state == "pause" then
      self.client.pause(self.flow)
    elseif state ~= "wait" then
      self.held = state -- should the user's function raise
      self.client:tell_events()
      self.held = nil
      return nil, state
    elseif not wait(self, ends) then
      return nil, "timeout"
    end
  end
end

local function next_row(self, ends)
  while true do
    local row, state = await(self, ends)
    if row ~= nil or state == "end" then
      return row
    elseif state == "error" then
      return nil, failure(self)
    elseif state == "timeout" then
      return nil, errors.new({ code = "timeout", message = "no row within the time given; the stream goes on",
        retryable = true }, self.client.provider)
    end
  end
end

-- The loop's form: raises where `next` gives nil, err.
local function iterate(self)
  if check_for then
    check_for(self.wait)
  end
  if self.polled or self.begin then
    prepare(self)
  end
  local row, state = self.take(self.flow)
  if row ~= nil and not state then
    return self.change and self.change(row) or row
  elseif row ~= nil then
    self.seen_totals[#self.seen_totals + 1] = { metrics = row.metrics }
  elseif state == "pause" then
    self.client.pause(self.flow)
  end
  local err
  row, err = next_row(self)
  if err then
    error(err, 0)
  end
  return row
end

-- What a protected call gave; nil and an error for want of memory instead of raising
-- it.  The stream ends by it, for what was under way is lost.
local function in_memory(self, ok, ...)
  if ok then
    return ...
  end
  local err = errors.of_memory((...), self.client.provider)
  if not err then
    error((...), 0)
  end
  self.failed = self.failed or err
  self.flow:close()
  return nil, self.failed
end

--- A stream stands in a `for` by itself: the next row, nil at the end; raises
--- the error on failure.
Stream.__call = iterate

--- The next row, waiting for it.
---@param seconds? number waits no longer than this; the stream goes on after
---@return table|nil row # nil alone: the end
---@return ccaas.Error|nil
function methods:next(seconds)
  if seconds ~= nil and (type(seconds) ~= "number" or seconds ~= seconds) then
    usage_error.raise("next: expected a number of seconds, got %s", text.of(seconds))
  end
  local ends = seconds and seconds < math.huge and core.now() + seconds or nil
  return in_memory(self, protect(self.wait, next_row, self, ends))
end

local function all_rows(self)
  local rows = {}
  while true do
    local row, err = next_row(self)
    if err then
      return nil, err
    elseif row == nil then
      return rows
    end
    rows[#rows + 1] = row
  end
end

--- The rest of the rows, as a list.
---@return table[]|nil
---@return ccaas.Error|nil
function methods:all()
  return in_memory(self, protect(self.wait, all_rows, self))
end

--- For a `for`: page after page, { number, total, rows }; `number` counts from
--- 0 as the vendor does, `total` is how many pages there are.  When the list is
--- walked again, pages without a new row are left out.
---@return fun(): { number: integer, total: integer, rows: table[] }|nil
function methods:pages()
  return function()
    local rows = {}
    if check_for then
      check_for(self.wait)
    end
    while true do
      local row, state = await(self)
      if row ~= nil then
        rows[#rows + 1] = row
      elseif state == "error" then
        error(failure(self), 0)
      elseif state == "page" or #rows > 0 then
        local info = self.flow:info()
        return { number = info.page, total = info.total_pages, rows = rows }
      else
        return nil
      end
    end
  end
end

--- For a `for`: row after row; Lua 5.4 closes the stream when the loop is left.
---@return function, ccaas.Stream, nil, ccaas.Stream
function methods:each()
  return iterate, self, nil, self
end

---@class ccaas.Info
---@field pages integer pages read to their end, in all passes
---@field total_pages? integer as the server announced them
---@field total? integer rows, likewise
---@field rows integer rows handed out
---@field passes integer how often the list was walked; 0 before the first request
---@field clean? boolean true: the last pass was clean (with `verify`, the last two); nil until the end, and where
--- `limit` or `close` ended the walk
---@field missing? integer rows that the last pass was announced and did not see; known at the end
---@field duplicates integer rows that came twice within one pass
---@field shrunk boolean the list became shorter during the walk
---@field totals { metrics: table }[] one for each answer that had a totals row
---@field first_at? number when the first row came, epoch seconds
---@field last_at? number when the newest bytes were taken

--- What is known of the walk so far.
---@return ccaas.Info
function methods:info()
  local info = self.flow:info()
  info.page, info.walk = nil, nil
  info.totals = self.seen_totals
  return info
end

--- Cancels what is under way; safe to call twice.
function methods:close()
  self.closed = true
  self.flow:close()
end

--- For event loops: the descriptor that is readable when there is something.
---@return integer
function methods:pollfd()
  self.polled = true
  return self.flow:fd()
end

--- For event loops: what to wait for.
---@return string
function methods:events() -- luacheck: ignore self
  return "r"
end

--- For event loops: seconds after which to look in any case, or nil.
---@return number|nil
function methods:timeout()
  return self.flow:timeout()
end

for name, method in pairs(methods) do
  methods[name] = function(self, ...)
    if getmetatable(self) ~= Stream then
      usage_error.raise("%s: call it with a colon, on a stream", name)
    end
    return method(self, ...)
  end
end

Stream.__close = methods.close

function Stream:__tostring()
  local closed = self.closed or self.client.closed
  return string.format("ccaas.Stream (%s %s%s)", self.client.provider, self.label, closed and ", closed" or "")
end

-- -- What merging and watching stand on: see events.lua --------------------------

local Source = {}
Source.__index = Source

function Source:try()
  local stream = self.stream
  while true do
    local row, state = stream.take(stream.flow)
    if row ~= nil and state ~= "totals" then
      return stream.change and stream.change(row) or row
    elseif row ~= nil then
      stream.seen_totals[#stream.seen_totals + 1] = { metrics = row.metrics }
    elseif state == "ask" then
      streams.ask(stream.client, stream.flow)
    elseif state == "error" then
      return nil, "error", failure(stream)
    elseif state ~= "page" then
      return nil, state
    end
  end
end

function Source:due()
  return self.stream.flow:timeout()
end

Source.marks = true

function Source:join(waitset, shared, mark)
  waitset:add(self.stream.flow, not shared, mark)
end

function Source:leave(waitset)
  waitset:remove(self.stream.flow)
end

--- The source of a stream, or nil; and the internals of its client.
---@param value any
---@return table|nil source
---@return table|nil own
function streams.source(value)
  if getmetatable(value) == Stream then
    return setmetatable({ stream = value }, Source), value.client
  end
end

--- Makes the stream of a call.
---@param client table the client's internals: core, provider, wait, tell_events
---@param plan table as core.call takes it
---@param label string what it is, for tostring
---@param change? fun(row: table): table what becomes of each row
---@return ccaas.Stream
function streams.new(client, plan, label, change)
  local flow = core.call(client.core, plan)
  return setmetatable({
    flow = flow,
    take = flow.take,
    wait = client.wait,
    begin = client.begin,
    client = client,
    label = label,
    change = change,
    seen_totals = {},
  }, Stream)
end

-- Does something with a stream that nobody else has: what raises ends it, lest
-- its request goes on, and others wait behind it.
local function with(stream, f, ...)
  local results = pack(protect(stream.wait, f, stream, ...))
  if not results[1] then
    stream:close()
    local err = errors.of_memory(results[2], stream.client.provider)
    if err then
      return nil, err
    end
    error(results[2], 0)
  end
  return unpack(results, 2, results.n)
end

local function take_one(stream)
  local record, count = nil, 0
  while true do
    local one, err = next_row(stream)
    if err then
      return nil, err
    elseif one == nil then
      break
    end
    if count == 0 then
      record = one
    end
    count = count + 1
  end
  local status, headers = stream.flow:response()
  return record, nil, status, headers, count
end

-- Ends it with the user's error: others need not wait for what it held.
local function give_up(stream, err)
  stream:close()
  while stream.client.store and stores.answer(stream.client) do end
  return nil, err
end

local function take_pieces(stream, take, afresh, begin)
  local piece, state, status, headers, moved
  if begin then
    piece, state = stream.take(stream.flow) -- sends the request, if it is its turn
    local done, err = begin()
    if not done then
      return give_up(stream, err)
    end
  end
  while true do
    if piece == nil then
      piece, state = await(stream)
    end
    if piece == nil and state == "error" then
      return nil, failure(stream)
    end
    if piece == nil or not headers then
      status, headers, moved = stream.flow:response()
    end
    local done, err = true, nil
    if piece ~= nil then
      done, err = take(piece, headers, status, moved)
    elseif state == "afresh" then
      done, err = afresh(headers)
    elseif state == "end" then
      return headers, nil, status, moved
    end
    if not done and err then
      return give_up(stream, err)
    end
    piece = nil
  end
end

--- Runs a call that has one answer: its one record, status and headers.
---@param client table
---@param plan table
---@return any record # nil where the answer was empty
---@return ccaas.Error|nil
---@return integer|nil status
---@return table|nil headers
---@return integer|nil count of records
function streams.run(client, plan, label)
  return with(streams.new(client, plan, label), take_one)
end

--- Runs a call whose body comes in pieces.  `take(piece, headers, status, moved)`
--- gets each of them (`moved`: where a redirect led to), `afresh(headers)` is told
--- when what came before is void, `begin()` is called first of all, as soon as the
--- request is sent; what one of them gives as a second value, after nil or false, ends the call as its error.
---@param client table
---@param plan table
---@param label string
---@param take fun(piece: any, headers: table, status: integer, moved: string|nil): any, ccaas.Error|nil
---@param afresh fun(headers: table): any, ccaas.Error|nil
---@param begin? fun(): any, ccaas.Error|nil
---@return table|nil headers
---@return ccaas.Error|nil
---@return integer|nil status
---@return string|nil moved
function streams.pieces(client, plan, label, take, afresh, begin)
  return with(streams.new(client, plan, label), take_pieces, take, afresh, begin)
end

return streams
