--- Reading: the one place that waits.
---
--- A reader (ccaas.Stream, ccaas.Events) asks its source for the next item.  If
--- there is none yet the reader lets the client's loop wait for its waker, a
--- core.call or core.waitset, which wakes it when there is news, and asks again.
--- Whoever waits here also answers what C asks meanwhile, and tells the events
--- that C has kept.
---
--- A source has
---
--- - try(): the next item (one or two values; a third one that is true: nothing
---   more is there until it wakes), or nil and "wait", "pause", "end" or "error"
---   and the error;
--- - due(): seconds until another try is worth it in any case, or nil;
--- - info();
--- - owns: the clients' internals, where there is more than one;
--- - direct, take and keep, where there is nothing to put in order: take(direct)
---   gives an item, or something that `keep` keeps for the next try; `change`,
---   if it is there, is what becomes of such an item.

local callbacks = require "ccaas.callbacks"
local core = require "ccaas.core"
local errors = require "ccaas.error"
local loop = require "ccaas.loop"
local options = require "ccaas.options"
local stores = require "ccaas.store"
local text = require "ccaas.text"
local usage_error = require "ccaas.usage_error"

local check_for, protect = loop.check_for, loop.protect

local reading = {}

-- -- Waiting -------------------------------------------------------------------

--- Lets the client's loop wait until the waker wakes it or the time is up.
---@param own table a client's internals
---@param waker userdata
---@param seconds number|nil
---@return boolean|nil # nil and a reason: it cannot wait
---@return string|nil
function reading.wait(own, waker, seconds)
  local waited, reason = true, nil
  if own.await then
    waited, reason = own.await(waker, seconds)
  else
    local fd = waker:fd()
    if fd < 0 then
      return nil, "no descriptor is left to wait with: raise `ulimit -n`"
    end
    own.wait(fd, seconds)
  end
  if own.pause then
    own.core:rested()
  end
  return waited, reason
end

--- Lets the loop's others have a turn.
---@param own table a client's internals
---@param waker userdata what is read
function reading.pause(own, waker)
  if own.pause then -- what is merged may be of a loop that has none
    own.pause(waker)
  end
end

-- Lets time pass in the client's loop, by a waitset that nothing wakes.
local function sleep(own, seconds)
  local idle = core.waitset()
  local ends = core.now() + seconds
  idle:arm()
  local ok, reason = pcall(function()
    repeat
      local waited, why = reading.wait(own, idle, math.max(ends - core.now(), 0))
      if waited == nil then
        error(why, 0)
      end
    until core.now() >= ends
  end)
  loop.forget(idle:fd())
  idle:close()
  if not ok then
    error(reason, 0)
  end
end

-- -- Answering -----------------------------------------------------------------

--- Answers one request to the client's store.  It may yield.
---@param own table a client's internals
---@return boolean # false: there was none
function reading.answer_store(own)
  return own.store ~= nil and stores.answer(own, sleep)
end

-- Asks the user's function for a token, unless another reader of this call has
-- brought it meanwhile.  What it raises is raised here; others that wait for this
-- token have none, either.
local function ask_for_token(own, call)
  local reason = call:token_reason()
  if not reason then
    return
  end
  local ok, token = callbacks.call(own, own.find_token, reason)
  local usable = ok and type(token) == "string" and not text.has_controls(token)
  local fault = usable and options.token_fault(token)
  call:token(usable and not fault and token or nil)
  if not ok then
    error(token, 0)
  elseif fault then
    usage_error.raise("the token that the token function gave %s", fault)
  end
end

--- Answers what C asks: of the client's store, or of its token function.  It may
--- yield.
---@param own table a client's internals
---@param call userdata what was told to ask: core.call or core.subscription
function reading.answer(own, call)
  if reading.answer_store(own) or not own.find_token then
    return
  end
  if own.await then
    own.pause(call) -- from now on the call ends with its request: see openresty_socket.lua
  end
  ask_for_token(own, call)
end

--- An error of the reader's own.
---@param self table a reader
---@param code ccaas.Code
---@param message string
---@return ccaas.Error
function reading.failure(self, code, message)
  return errors.new({ code = code, message = message }, self.own.provider)
end

-- -- The next item -------------------------------------------------------------

local function tell_events(self)
  for _, own in ipairs(self.source.owns or { self.own }) do
    own:tell_events()
  end
end

-- Waits, until `ends` at the latest (monotonic seconds); a state and an error: in
-- vain.
local function wait(self, ends)
  local seconds = self.source:due()
  if ends then
    local left = ends - core.now()
    if left <= 0 then
      return "timeout"
    end
    seconds = seconds and math.min(seconds, left) or left
  end
  if callbacks.is_inside(self.own) then
    usage_error.raise("a token function or a store must not call the client that asks it")
  end
  local waited, err = self.kind.wait(self, seconds)
  if not waited then
    return "error", err
  end
  tell_events(self)
end

--- The next item, waiting for it; else nil and the state that the reader is in,
--- with an error.
---@param self table a reader
---@param ends? number when to give up: state "timeout"
---@return any item
---@return any state or an item's second value
---@return ccaas.Error|nil
function reading.await(self, ends)
  local begin, state, err = self.begin, self.held, self.held_error
  if begin and begin(self.waker) then
    self.begin = nil
  end
  while not state do
    local item
    item, state, err = self.kind.look(self)
    if item ~= nil then
      return item, state
    elseif state == "wait" then
      state, err = wait(self, ends)
    end
  end
  if state ~= "timeout" then
    self.held, self.held_error = state, err -- should the user's function raise
  end
  tell_events(self)
  self.held, self.held_error = nil, nil
  return nil, state, err
end

local await = reading.await

--- The next item; nil and perhaps an error.
---@param self table a reader
---@param ends? number
---@return any item
---@return any second or the error
function reading.next(self, ends)
  while true do
    local item, state, err = await(self, ends)
    if item ~= nil then
      return item, state
    elseif state == "error" then
      return nil, err
    elseif state == "end" then
      return nil
    elseif state == "timeout" then
      return nil, errors.new({ code = "timeout", retryable = true,
        message = string.format("no %s within the time given; the stream goes on", self.kind.item) }, self.own.provider)
    end
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
    local item, state = source.take(direct)
    if not state then
      local change = source.change
      return change and change(item) or item
    end
    source:keep(item, state)
  end
  local item, other = reading.next(self)
  if item == nil and other then
    error(other, 0)
  end
  return item, other
end

-- What a protected call gave; nil and an error for want of memory instead of raising
-- it.  The reader ends by it, for what was under way is lost.
local function in_memory(self, ok, ...)
  if ok then
    return ...
  end
  local err = errors.of_memory((...), self.own.provider)
  if not err then
    error((...), 0)
  end
  return nil, self.kind.fail(self, err)
end

--- Calls `f(self, ...)`, which gives nil and an error also where Lua has no memory.
---@param self table a reader
---@param f function
---@return any
function reading.protect(self, f, ...)
  return in_memory(self, protect(self.own.wait, f, self, ...))
end

-- -- Readers -------------------------------------------------------------------

local methods = {}

--- The next item, waiting for it; of a merge also the stream that it is from.
---@param seconds? number waits no longer than this; the stream goes on after
---@return table|nil item # nil alone: the end
---@return any second # or the error
function methods:next(seconds)
  if seconds ~= nil and (type(seconds) ~= "number" or seconds ~= seconds) then
    usage_error.raise("next: expected a number of seconds, got %s", text.of(seconds))
  end
  return reading.protect(self, reading.next, seconds and seconds < math.huge and core.now() + seconds or nil)
end

--- For a `for`: item after item; Lua 5.4 closes the stream when the loop is left.
---@return function, table, nil, table
function methods:each()
  return iterate, self, nil, self
end

--- What is known so far.
---@return table
function methods:info()
  return self.source:info()
end

--- Ends it and all that it stands on; safe to call twice.
function methods:close()
  self.kind.close(self)
end

--- For event loops: the descriptor that is readable when there is something.
---@return integer
function methods:pollfd()
  self.polled = true
  if self.kind.poll then
    self.kind.poll(self)
  end
  return self.waker:fd()
end

--- For event loops: what to wait for.
---@return string
function methods:events() -- luacheck: ignore self
  return "r"
end

--- For event loops: seconds after which to look in any case, or nil.
---@return number|nil
function methods:timeout()
  if self.kind.is_due and self.kind.is_due(self) then
    return 0
  end
  return self.source:due()
end

---@class ccaas.ReaderKind
---@field item string what it gives, for messages
---@field look fun(self: table): any, any, any as a source's try, and gives turns; other states end a wait, too
---@field wait fun(self: table, seconds: number|nil): boolean|nil, ccaas.Error|nil
---@field close fun(self: table)
---@field fail fun(self: table, err: ccaas.Error): ccaas.Error ends it with this error, if it has no other
---@field describe fun(self: table): string for tostring
---@field poll? fun(self: table) somebody gets the descriptor
---@field is_due? fun(self: table): boolean a look is worth it now

--- Makes a class of readers.
---@param name string
---@param kind ccaas.ReaderKind
---@param more? table<string, function> methods that the others have not
---@return table
function reading.class(name, kind, more)
  local class, index = { __name = name }, {}
  for _, set in ipairs { methods, more or {} } do
    for method, f in pairs(set) do
      index[method] = function(self, ...)
        if getmetatable(self) ~= class then
          usage_error.raise("%s: call it with a colon, on a stream", method)
        end
        return f(self, ...)
      end
    end
  end
  class.__index, class.__call, class.__close, class.__tostring = index, iterate, index.close, kind.describe
  class.kind = kind
  return class
end

--- Makes a reader: a stream stands in a `for` by itself, and raises the error on
--- failure.
---@param class table
---@param own table the internals of the client that waits and tells
---@param source table
---@param waker userdata
---@param label string what it is, for tostring
---@return table
function reading.new(class, own, source, waker, label)
  return setmetatable({
    kind = class.kind, own = own, source = source, waker = waker, label = label,
    begin = own.begin, -- until the loop knows of it
  }, class)
end

return reading
