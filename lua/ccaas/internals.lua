--- A client's internals: what the library keeps for the object that the user has.
---
--- They hang on the object's own metatable, which printing a table does not show.
--- In a weak table, a function of the user's that refers to the client would keep
--- both for ever on LuaJIT.

local usage_error = require "ccaas.usage_error"

local core = require "ccaas.core"

local internals = {}

local KEY = {}

--- A new client with its internals.
---@param own table
---@param meta table what the clients of its vendor have in common
---@return table client
function internals.new(own, meta)
  local copy = { [KEY] = own }
  for name, value in pairs(meta) do
    copy[name] = value
  end
  return setmetatable({}, copy)
end

--- The internals of a client, open or closed; nil: it is none.
---@param client any
---@return table|nil
function internals.peek(client)
  local meta = type(client) == "table" and getmetatable(client)
  return type(meta) == "table" and rawget(meta, KEY) or nil
end

--- The internals of a client that is open; raises when it is none.
---@param client any
---@param where string the method's name, for messages
---@return table
function internals.of(client, where)
  local own = internals.peek(client)
  if not own then
    usage_error.raise("%s: call it with a colon, on a client of ccaas.new", where)
  elseif own.closed then
    usage_error.raise("%s: the client is closed", where)
  end
  return own
end

--- What is not an option, since a change of it brings users nothing; specs change it
--- to be quick.
---@class ccaas.Tuning
---@field now fun(): number the clock of a watch's polls, in seconds
---@field pause_first number seconds before a lost websocket is opened again ...
---@field pause_most number ... and at the most, after many attempts
internals.tuning = { now = core.now, pause_first = 1, pause_most = 30 }

--- Changes a client's tuning.
---@param client any
---@param changes table some of its fields
function internals.tune(client, changes)
  internals.peek(client).tuning = setmetatable(changes, { __index = internals.tuning })
end

return internals
