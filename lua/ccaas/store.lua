--- Stores: where tokens and paces are shared by all who have the credentials.
---
--- A store is four functions on names and values (strings), which may yield:
---
--- - get(key): the value, or nil;
--- - set(key, value, seconds): from now on, for so long;
--- - add(key, value, seconds): true if there was none; else false: of all who
---   add at once, one succeeds;
--- - delete(key).
---
--- `seconds` is a millisecond at least.
---
--- One that fails gives nil and a reason, or raises.  Then the call goes on
--- without the store, with a token and a pace of its own, and `on_event` is told:
--- a store that is down must not take the work down with it.
---
--- C decides what is asked of a store, and when (src/store/lease.h); here is how.
--- The requests are answered by the one who waits next for anything of a client with
--- that store.

local callbacks = require "ccaas.callbacks"
local usage_error = require "ccaas.usage_error"

---@class ccaas.Store
---@field get fun(key: string): string|nil, any
---@field set fun(key: string, value: string, seconds: number): any, any
---@field add fun(key: string, value: string, seconds: number): any, any
---@field delete fun(key: string): any, any

local stores = {}

local names = { "get", "set", "add", "delete" }

-- -- Operations that raise what failed ------------------------------------------

local function check(value, reason)
  if not value and reason ~= nil then
    error(reason, 0)
  end
  return value
end

-- Several clients of Redis say "no" by its own null or by 0.
local function is_yes(value)
  return value and value ~= 0 and type(value) ~= "userdata"
end

local Operations = {}
Operations.__index = Operations

-- A user's function gets what it is told to get and nothing more: it may count
-- its arguments.
local function call(self, operation, ...)
  return self.store[operation](...)
end

local function call_own(self, operation, key, value, seconds)
  if value == nil then
    return self.store[operation](key, self.pause)
  end
  return self.store[operation](key, value, seconds, self.pause)
end

function Operations:get(key)
  local value = check(self:call("get", key))
  return type(value) == "string" and value or nil
end

-- Many stores count whole milliseconds, and nginx's shared memory takes 0 of them
-- for "never ends": what is over in less would lock all others out for good.
local LEAST = 0.001

function Operations:set(key, value, seconds)
  check(self:call("set", key, value, math.max(seconds, LEAST)))
end

function Operations:add(key, value, seconds)
  local added, reason = self:call("add", key, value, math.max(seconds, LEAST))
  if not added and reason ~= nil and reason ~= "exists" then
    error(reason, 0)
  end
  return is_yes(added)
end

function Operations:delete(key)
  check(self:call("delete", key))
end

-- -- Answers --------------------------------------------------------------------

local answers = {}

function answers.find(ops, request, asked)
  local value = ops:get(asked.key)
  if value and request:found(value) then
    return
  elseif not ops:add(asked.lease, asked.owner, asked.seconds) then
    return request:reply "busy"
  end
  -- Who had the lease before may have brought it between the two.
  value = ops:get(asked.key)
  if value and request:found(value) then
    ops:delete(asked.lease)
    return
  elseif value then
    ops:delete(asked.key)
  end
  request:reply "done"
end

-- Seconds for which the one who waits is the next, unless he says so anew.
local NEXT = 1

-- Whoever has just come out is the quickest to go in again: those who find
-- somebody inside take turns by a second name, which says who is the next.
function answers.enter(ops, request, asked)
  local turn = asked.lease .. ":next"
  local first = ops:get(turn)
  if (not first or first == asked.owner) and ops:add(asked.lease, asked.owner, asked.seconds) then
    if first then
      ops:delete(turn)
    end
    return request:reply "done"
  elseif first == asked.owner then
    ops:set(turn, asked.owner, NEXT)
  elseif not first then
    ops:add(turn, asked.owner, NEXT)
  end
  request:reply "busy"
end

function answers.hold(ops, request, asked)
  if ops:get(asked.lease) ~= asked.owner then
    return request:reply "busy"
  end
  ops:set(asked.lease, asked.owner, asked.seconds)
  request:reply "done"
end

function answers.leave(ops, request, asked)
  if ops:get(asked.lease) == asked.owner then
    if asked.seconds > 0 then
      ops:set(asked.lease, asked.owner, asked.seconds)
    else
      ops:delete(asked.lease)
    end
  end
  request:reply "done"
end

-- Tells waiting clients that an attempt failed; the holder of the lease tries again.
function answers.tell(ops, request, asked)
  if asked.seconds > 0 and ops:get(asked.lease) == asked.owner then
    ops:set(asked.key, asked.value, asked.seconds)
  end
  request:reply "done"
end

function answers.keep(ops, request, asked)
  local ours = ops:get(asked.lease) == asked.owner
  -- Who lost the lease puts nothing over what another one brought.
  if asked.seconds > 0 and (ours or not ops:get(asked.key)) then
    ops:set(asked.key, asked.value, asked.seconds)
  end
  if ours then
    ops:delete(asked.lease)
  end
  request:reply "done"
end

-- What is told of a reason, whatever that is.
local function say(reason)
  local ok, text = pcall(tostring, reason)
  return ok and type(text) == "string" and text or "it failed"
end

local own_kinds = setmetatable({}, { __mode = "k" })

--- Marks a store of this library, whose functions take a last argument more: a
--- function that lets `seconds` pass as the client's loop does.
---@param store ccaas.Store
---@return ccaas.Store
function stores.own(store)
  own_kinds[store] = true
  return store
end

--- Answers one request to the client's store.  It may yield.
---@param client table the client's internals
---@param sleep fun(client: table, seconds: number) lets time pass in the client's loop
---@return boolean # false: there was none
function stores.answer(client, sleep)
  local request, kind, asked = client.core:store_request()
  if not request then
    return false
  end
  local own = own_kinds[client.store]
  local ops = setmetatable({ store = client.store, call = own and call_own or call,
    pause = own and function(seconds) sleep(client, seconds) end }, Operations)
  local ok, reason = callbacks.call(client, answers[kind], ops, request, asked)
  if not ok then
    request:reply("failed", say(reason))
  end
  return true
end

local numbers, count = setmetatable({}, { __mode = "k" }), 0

--- The number by which C knows a store; 0 for none.
---@param store ccaas.Store|nil
---@return integer
function stores.number(store)
  if store == nil then
    return 0
  elseif not numbers[store] then
    count = count + 1
    numbers[store] = count
  end
  return numbers[store]
end

--- Checks the option `store`.
function stores.check(where, name, value)
  if type(value) ~= "table" then
    usage_error.raise("%s: option `%s` must be a store: ccaas.store.file(path), ccaas.store.shared_dict(name) or a "
      .. "table of the functions get, set, add and delete; not a %s", where, name, type(value))
  end
  for _, operation in ipairs(names) do
    if type(value[operation]) ~= "function" then
      usage_error.raise("%s: option `%s` lacks the function `%s` (a store has get, set, add and delete)", where, name,
        operation)
    end
  end
end

-- Stores of a name are one and the same.
local made = { file = setmetatable({}, { __mode = "v" }), shared_dict = setmetatable({}, { __mode = "v" }) }

local function make(kind, what, name)
  if type(name) ~= "string" or name == "" or name:find("%z") then
    usage_error.raise("store.%s: expected %s", kind, what)
  end
  local store = made[kind][name]
  if not store then
    store = require("ccaas.store." .. kind)(name)
    made[kind][name] = stores.own(store)
  end
  return store
end

--- A store in a file, for all processes of a machine that run as one user.  The
--- file is mode 0600, and made when it is first needed.
---@param path string
---@return ccaas.Store
function stores.file(path)
  return make("file", "a path", path)
end

--- A store in nginx's shared memory, for all of its workers.
---@param name string as in `lua_shared_dict NAME 1m;`
---@return ccaas.Store
function stores.shared_dict(name)
  return make("shared_dict", "the name of a lua_shared_dict", name)
end

return stores
