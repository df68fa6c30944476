--- Streams: rows as they arrive, and calls that have one answer.

local core = require "ccaas.core"
local errors = require "ccaas.error"
local loop = require "ccaas.loop"
local reading = require "ccaas.reading"

local await, protect = reading.await, loop.protect

local streams = {}

-- -- The source ------------------------------------------------------------------

-- Of a stream, and of what is put together of several: rows of one call.
local Source = { marks = true }
Source.__index = Source

--- A totals row is kept for `info`.  Other states than "pause" come again.
function Source:keep(row, state)
  if row ~= nil then
    self.totals[#self.totals + 1] = { metrics = row.metrics }
  elseif state == "pause" then
    reading.pause(self.own, self.call)
  end
end

--- As `try`, with the states "page" (the end of one) and "afresh", too.
function Source:step()
  while true do
    local row, state = self.take(self.call)
    if row ~= nil and state ~= "totals" then
      return self.change and self.change(row) or row
    elseif row ~= nil then
      self:keep(row, state)
    elseif state == "ask" then
      reading.answer(self.own, self.call)
    elseif state == "error" then
      self.failed = self.failed or errors.new(self.call:error(), self.own.provider)
      return nil, state, self.failed
    else
      return nil, state
    end
  end
end

function Source:try()
  local row, state, err
  repeat
    row, state, err = self:step()
  until state ~= "page"
  return row, state, err
end

function Source:due()
  return self.call:timeout()
end

function Source:join(waitset, shared, mark)
  waitset:add(self.call, not shared, mark)
end

function Source:leave(waitset)
  waitset:remove(self.call)
end

function Source:info()
  local info = self.call:info()
  info.page, info.walk = nil, nil
  info.totals = self.totals
  return info
end

-- -- The reader ------------------------------------------------------------------

local kind = { item = "row" }

function kind.look(self)
  local source = self.source
  if self.polled then
    -- It is closed at the call's end.
    self.polled = nil
    loop.forget(self.waker:fd())
  end
  if not self.begin then
    source.direct = source.call
  end
  local row, state, err
  repeat
    row, state, err = source:step()
    if state == "pause" then
      reading.pause(self.own, self.waker)
    end
  until state ~= "pause"
  return row, state, err
end

function kind.poll(self)
  self.source.direct = nil -- look comes first
end

-- The descriptor stays open as long as it is waited for.  A cosocket that is killed
-- says nothing, and needs no descriptor.
function kind.wait(self, seconds)
  local by_descriptor = not self.own.await
  if by_descriptor then
    self.waker:waiting(true)
  end
  local waited, reason = reading.wait(self.own, self.waker, seconds)
  if by_descriptor then
    self.waker:waiting(false)
  end
  if waited == nil then
    return nil, kind.fail(self, reading.failure(self, "io", reason))
  end
  return true
end

function kind.fail(self, err)
  self.source.failed = self.source.failed or err
  self.source.call:close()
  return self.source.failed
end

function kind.close(self)
  self.closed = true
  self.source.call:close()
end

function kind.describe(self)
  local closed = self.closed or self.own.closed
  return string.format("ccaas.Stream (%s %s%s)", self.own.provider, self.label, closed and ", closed" or "")
end

---@class ccaas.Stream
---@operator call: table|nil
---@field next fun(self: ccaas.Stream, seconds?: number): table|nil, ccaas.Error|nil
---@field each fun(self: ccaas.Stream): function, ccaas.Stream, nil, ccaas.Stream
---@field info fun(self: ccaas.Stream): ccaas.Info
---@field close fun(self: ccaas.Stream)
---@field pollfd fun(self: ccaas.Stream): integer
---@field events fun(self: ccaas.Stream): string
---@field timeout fun(self: ccaas.Stream): number|nil
local methods = {}

local function all_rows(self)
  local rows = {}
  while true do
    local row, err = reading.next(self)
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
  return reading.protect(self, all_rows)
end

--- For a `for`: page after page, { number, total, rows }; `number` counts from
--- 0 as the vendor does, `total` is how many pages there are.  When the list is
--- walked again, pages without a new row are left out.
---@return fun(): { number: integer, total: integer, rows: table[] }|nil
function methods:pages()
  return function()
    local rows = {}
    if loop.check_for then
      loop.check_for(self.own.wait)
    end
    while true do
      local row, state, err = await(self)
      if row ~= nil then
        rows[#rows + 1] = row
      elseif state == "error" then
        error(err, 0)
      elseif state == "page" or #rows > 0 then
        local info = self.source.call:info()
        return { number = info.page, total = info.total_pages, rows = rows }
      else
        return nil
      end
    end
  end
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

local Stream = reading.class("ccaas.Stream", kind, methods)

--- The source of a stream, or nil; and the internals of its client.
---@param value any
---@return table|nil source
---@return table|nil own
function streams.source(value)
  if getmetatable(value) == Stream then
    return value.source, value.own
  end
end

--- Makes the stream of a call.
---@param own table a client's internals
---@param plan table as core.call takes it
---@param label string what it is, for tostring
---@param change? fun(row: table): table what becomes of each row
---@return ccaas.Stream
function streams.new(own, plan, label, change)
  local call = core.call(own.core, plan)
  local source = setmetatable({ own = own, call = call, take = call.take, change = change, totals = {} }, Source)
  return reading.new(Stream, own, source, call, label)
end

-- -- Calls that have one answer ----------------------------------------------------

-- Runs a call's stream, which nobody else has.  If something raises the stream is
-- closed: its request would go on, and calls behind it would wait.
local function ended(stream, ok, ...)
  if ok then
    return ...
  end
  stream:close()
  local err = errors.of_memory((...), stream.own.provider)
  if not err then
    error((...), 0)
  end
  return nil, err
end

local function with(stream, f, ...)
  return ended(stream, protect(stream.own.wait, f, stream, ...))
end

local function take_one(stream)
  local record, count = nil, 0
  while true do
    local one, err = reading.next(stream)
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
  local status, headers = stream.source.call:response()
  return record, nil, status, headers, count
end

-- Ends it with the user's error: others need not wait for what it held.
local function give_up(stream, err)
  stream:close()
  while reading.answer_store(stream.own) do end
  return nil, err
end

local function take_pieces(stream, take, afresh, begin)
  local call = stream.source.call
  local piece, state, err, status, headers, moved, done
  if begin then
    piece, state = stream.source.take(call) -- sends the request, if it is its turn
    done, err = begin()
    if not done then
      return give_up(stream, err)
    end
  end
  while true do
    if piece == nil then
      piece, state, err = await(stream)
    end
    if piece == nil and state == "error" then
      return nil, err
    end
    if piece == nil or not headers then
      status, headers, moved = call:response()
    end
    done, err = true, nil
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
---@param own table a client's internals
---@param plan table
---@param label string
---@return any record # nil where the answer was empty
---@return ccaas.Error|nil
---@return integer|nil status
---@return table|nil headers
---@return integer|nil count of records
function streams.run(own, plan, label)
  return with(streams.new(own, plan, label), take_one)
end

--- Runs a call whose body comes in pieces.  `take(piece, headers, status, moved)`
--- gets each of them (`moved`: where a redirect led to), `afresh(headers)` is told
--- when what came before is void, `begin()` is called first of all, as soon as the
--- request is sent; what one of them gives as a second value, after nil or false, ends the call as its error.
---@param own table a client's internals
---@param plan table
---@param label string
---@param take fun(piece: any, headers: table, status: integer, moved: string|nil): any, ccaas.Error|nil
---@param afresh fun(headers: table): any, ccaas.Error|nil
---@param begin? fun(): any, ccaas.Error|nil
---@return table|nil headers
---@return ccaas.Error|nil
---@return integer|nil status
---@return string|nil moved
function streams.pieces(own, plan, label, take, afresh, begin)
  return with(streams.new(own, plan, label), take_pieces, take, afresh, begin)
end

return streams
