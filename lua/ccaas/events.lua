--- Streams of events, put together in Lua from other streams: watching and
--- merging.  The same words as ccaas.Stream has; what they stand on is a source:
---
--- - try(): the next item (one or two values; a third one that is true: nothing
---   more is there until it wakes), or nil and "wait", "pause", "end" or "error"
---   and the error;
--- - waitset: the core.waitset that wakes it; due(): seconds until another try is
---   worth it in any case, or nil;
--- - join(waitset, shared, mark), leave(waitset): what wakes it wakes the waitset;
---   shared: it is read by others, too; with `marks`, whatever makes another try
---   worth it before `due` leaves the mark with the waitset;
--- - close(), which leaves the waitset, and info();
--- - owns: the clients' internals, where there is more than one;
--- - direct, take and keep, where there is nothing to put in order: take(direct)
---   gives an item, or something that `keep` keeps for the next try.

local core = require "ccaas.core"
local errors = require "ccaas.error"
local loop = require "ccaas.loop"
local text = require "ccaas.text"
local usage_error = require "ccaas.usage_error"

local check_for = loop.check_for

---@class ccaas.Events
---@operator call: table|nil
---@field package source table
---@field package own table a client's internals
---@field package label string
---@field package closed? boolean
---@field package begin? fun(bell: userdata): boolean|nil until the loop knows of it
---@field package waiting integer how many wait for the waitset's descriptor
---@field package armed? true the waitset is, since before the last look
---@field package polled? true somebody was given it
local Events = {}
local methods = {}
Events.__index = methods
Events.__name = "ccaas.Events"

local events = {}

local function check(self, where)
  if getmetatable(self) ~= Events then
    usage_error.raise("%s: call it with a colon, on a stream", where)
  end
end

local function failure(self, code, message)
  return errors.new({ code = code, message = message }, self.own.provider)
end

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
    elseif own.pause then -- what is merged may be of a loop that has none
      own.pause(self.source.waitset)
    end
  end
  return nil, "error", failure(self, "cancelled", "closed")
end

-- Tells what the clients that it stands on have kept.
local function tell_events(self)
  for _, own in ipairs(self.source.owns or { self.own }) do
    own:tell_events()
  end
end

-- Lets the loop wait for the waitset; nil and an error: that is not possible.
local function wait_for(self, seconds)
  local waitset, own = self.source.waitset, self.own
  if own.await then
    local waited, reason = own.await(waitset, seconds)
    return waited, not waited and reason and failure(self, "io", reason) or nil
  end
  local fd = waitset:fd()
  if fd < 0 then
    return nil, failure(self, "io", "no descriptor is left to wait with: raise `ulimit -n`")
  end
  own.wait(fd, seconds)
  return true
end

-- Waits; nil and an error: that is not possible.  Who closes the stream meanwhile
-- leaves the descriptor, for loops tell nothing of one that is no more: the last who
-- waits closes it.
local function wait(self, seconds)
  local waitset, own = self.source.waitset, self.own
  if waitset:forked() then
    self:close()
    return nil, failure(self, "cancelled", "the process forked while this was running")
  end
  local waited, reason = true, nil
  self.waiting = self.waiting + 1
  if not self.closed then -- a finaliser may have done that since the last look
    waited, reason = wait_for(self, seconds)
  end
  self.waiting = self.waiting - 1
  if own.pause then
    own.core:rested()
  end
  if self.closed and self.waiting == 0 then
    waitset:close()
  end
  return waited, reason
end

-- Wakes whoever waits, even if the waitset was rung for another one.
local function wake(self)
  self.source.waitset:arm()
  self.source.waitset:wake()
  self.armed = true
end

-- The waitset stays armed after a look that found nothing, lest what comes before
-- the next one is told by nothing.
local function disarm(self)
  if self.armed and not self.closed then
    self.source.waitset:disarm()
  end
  self.armed = nil
end

-- As `try`, while somebody waits whose ring this one has taken: should a function of
-- the user's raise, that one is to look.
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

-- The next item; nil and a state where there is none. Waits until `ends`.
local function await(self, ends)
  local source, begin = self.source, self.begin
  if begin and begin(source.waitset) then
    self.begin = nil
  end
  while true do
    disarm(self)
    local look = self.waiting > 0 and try_beside or try
    local item, state, err = look(self)
    if item ~= nil or state ~= "wait" then
      return item, state, err
    end
    source.waitset:arm()
    self.armed = true
    item, state, err = look(self)
    if item ~= nil or state ~= "wait" then
      disarm(self)
      return item, state, err
    end
    local seconds = source:due()
    if ends then
      local left = ends - core.now()
      if left <= 0 then
        return nil, "timeout"
      end
      seconds = seconds and math.min(seconds, left) or left
    end
    local waited, trouble = wait(self, seconds)
    if waited == nil then
      return nil, "error", trouble
    end
    tell_events(self)
  end
end

local function next_item(self, ends)
  local item, state, err = await(self, ends)
  if item ~= nil then
    if self.waiting > 0 then
      wake(self) -- the ring may have been for more than this
    end
    return item, state
  end
  tell_events(self)
  if state ~= "timeout" and self.waiting > 0 then
    wake(self) -- whoever else reads it
  end
  if state == "error" then
    return nil, err
  elseif state == "timeout" then
    return nil, errors.new({ code = "timeout", message = "no event within the time given; the stream goes on",
      retryable = true }, self.own.provider)
  end
end

-- The loop's form: raises where `next` gives nil, err.
local function iterate(self)
  if check_for then
    check_for(self.own.wait)
  end
  local source = self.source
  local direct = source.direct
  if direct then
    local event, state = source.take(direct)
    if not state then
      return event
    end
    source:keep(event, state)
  end
  local item, other = next_item(self)
  if item == nil and other then
    error(other, 0)
  end
  return item, other
end

Events.__call = iterate

--- The next event, waiting for it; of a merge also the stream that it is from.
---@param seconds? number waits no longer than this; the stream goes on after
---@return table|nil event # nil alone: the end
---@return any stream # or the error
function methods:next(seconds)
  check(self, "next")
  if seconds ~= nil and (type(seconds) ~= "number" or seconds ~= seconds) then
    usage_error.raise("next: expected a number of seconds, got %s", text.of(seconds))
  end
  return next_item(self, seconds and seconds < math.huge and core.now() + seconds or nil)
end

--- For a `for`: event after event; Lua 5.4 closes the stream when the loop is
--- left.
function methods:each()
  check(self, "each")
  return iterate, self, nil, self
end

--- What is known so far.
---@return table
function methods:info()
  check(self, "info")
  return self.source:info()
end

--- Ends it and all that it stands on; safe to call twice.
function methods:close()
  check(self, "close")
  if not self.closed then
    self.closed = true
    local waitset = self.source.waitset
    if self.polled then
      loop.forget(waitset:fd())
    end
    self.source:close()
    if self.waiting > 0 then
      wake(self)
    else
      waitset:close()
    end
  end
end

--- For event loops: readable when there is something; first it is, so that
--- somebody looks.
---@return integer
function methods:pollfd()
  check(self, "pollfd")
  self.polled = true
  if not self.armed then
    wake(self)
  end
  return self.source.waitset:fd()
end

--- For event loops: what to wait for.
---@return string
function methods:events()
  check(self, "events")
  return "r"
end

--- For event loops: seconds after which to look in any case, or nil.
---@return number|nil
function methods:timeout()
  check(self, "timeout")
  if self.polled and not self.armed then
    return 0 -- an item was given, and nobody has looked since
  end
  return self.source:due()
end

Events.__close = methods.close

function Events:__tostring()
  return string.format("ccaas.Events (%s%s)", self.label, self.closed and ", closed" or "")
end

--- Makes a stream of a source.
---@param own table the internals of the client that waits and tells
---@param source table
---@param label string
---@return ccaas.Events
function events.new(own, source, label)
  return setmetatable({ own = own, source = source, label = label, waiting = 0, begin = own.begin }, Events)
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
