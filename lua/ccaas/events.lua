--- Streams of events, put together in Lua from other streams: watching,
--- subscribing and merging.  What they stand on is a source (see reading.lua) that
--- also has
---
--- - waitset: the core.waitset that wakes it;
--- - join(waitset, shared, mark), leave(waitset): what wakes it wakes the waitset;
---   shared: it is read by others, too; with `marks`, whatever makes another try
---   worth it before `due` leaves the mark with the waitset;
--- - close(), which leaves the waitset.

local loop = require "ccaas.loop"
local reading = require "ccaas.reading"

---@class ccaas.Events
---@operator call: table|nil
---@field next fun(self: ccaas.Events, seconds?: number): table|nil, any the event, of a merge also its stream
---@field each fun(self: ccaas.Events): function, ccaas.Events, nil, ccaas.Events
---@field info fun(self: ccaas.Events): table
---@field close fun(self: ccaas.Events)
---@field pollfd fun(self: ccaas.Events): integer
---@field events fun(self: ccaas.Events): string
---@field timeout fun(self: ccaas.Events): number|nil
---@field package waiting integer how many wait for the waitset's descriptor
---@field package armed? true the waitset is, since before the last look
---@field package polled? true somebody was given it
local Events

local events = {}
local kind = { item = "event" }

-- The source's try, with a turn for others where it is due.
local function try(self)
  local own = self.own
  while not self.closed do
    local item, state, err = nil, "pause", nil
    if not own.pause or not own.core:due() then
      item, state, err = self.source:try()
    end
    if self.closed then
      break -- by another coroutine, while a function of the user's yielded
    elseif state ~= "pause" then
      return item, state, err
    end
    reading.pause(own, self.waker)
  end
  return nil, "error", reading.failure(self, "cancelled", "closed")
end

-- Wakes whoever waits, even if the waitset was woken for another one.
local function wake(self)
  self.waker:arm()
  self.waker:wake()
  self.armed = true
end

-- The waitset stays armed after a look that found nothing: otherwise what comes before
-- the next one would wake no loop.
local function disarm(self)
  if self.armed and not self.closed then
    self.waker:disarm()
  end
  self.armed = nil
end

-- As `try`, while another reader waits, whose wake this one has taken: if a function
-- of the user's raises, the other one has to look.
local function try_beside(self)
  local ok, item, state, err = pcall(try, self)
  if not ok then
    if not self.closed then
      wake(self)
    end
    error(item, 0)
  end
  return item, state, err
end

function kind.look(self)
  local once = self.waiting > 0 and try_beside or try
  disarm(self)
  local item, state, err = once(self)
  if item == nil and state == "wait" then
    self.waker:arm()
    self.armed = true
    item, state, err = once(self)
    if item == nil and state == "wait" then
      return nil, state
    end
    disarm(self)
  end
  if self.waiting > 0 then
    wake(self) -- the wake may have been for more than this
  end
  return item, state, err
end

-- Event loops do not report a descriptor that is closed: if the stream is closed
-- meanwhile, the last who waits closes it.
function kind.wait(self, seconds)
  local waitset = self.waker
  if waitset:forked() then
    kind.close(self)
    return nil, reading.failure(self, "cancelled", "the process forked while this was running")
  end
  local waited, reason = true, nil
  self.waiting = self.waiting + 1
  if not self.closed then -- a finaliser may have done that since the last look
    waited, reason = reading.wait(self.own, waitset, seconds)
  end
  self.waiting = self.waiting - 1
  if self.closed and self.waiting == 0 then
    waitset:close()
  end
  if waited == nil then
    return nil, reading.failure(self, "io", reason)
  end
  return true
end

function kind.close(self)
  if self.closed then
    return
  end
  self.closed = true
  if self.polled then
    loop.forget(self.waker:fd())
  end
  self.source:close()
  if self.waiting > 0 then
    wake(self)
  else
    self.waker:close()
  end
end

function kind.fail(self, err)
  kind.close(self)
  return err
end

-- First it is readable, so that the loop comes to look.
function kind.poll(self)
  if not self.armed then
    wake(self)
  end
end

-- An item was given, and nobody has looked since.
function kind.is_due(self)
  return self.polled and not self.armed
end

function kind.describe(self)
  return string.format("ccaas.Events (%s%s)", self.label, self.closed and ", closed" or "")
end

Events = reading.class("ccaas.Events", kind)

--- Makes a stream of a source.
---@param own table the internals of the client that waits and tells
---@param source table
---@param label string
---@return ccaas.Events
function events.new(own, source, label)
  local self = reading.new(Events, own, source, source.waitset, label)
  self.waiting = 0
  return self
end

--- The source of a stream of events, or nil.
---@param value any
---@return table|nil source
---@return table|nil own
function events.source(value)
  if getmetatable(value) == Events then
    return value.source, value.own
  end
end

return events
