--- A client's inner side, which no user needs: the user's object leads to it.
---
--- It hangs on the object's own metatable, where nobody who prints a table looks:
--- in a weak table, a function of the user's that refers to the client would keep
--- both for ever on LuaJIT.

local misuse = require "ccaas.misuse"

local side = {}

local KEY = {}

--- A new client with its inner side.
---@param own table
---@param meta table what the clients of its vendor have in common
---@return table client
function side.new(own, meta)
  local copy = { [KEY] = own }
  for name, value in pairs(meta) do
    copy[name] = value
  end
  return setmetatable({}, copy)
end

--- The inner side, open or closed, or nil.
---@param client any
---@return table|nil
function side.peek(client)
  local meta = type(client) == "table" and getmetatable(client)
  return type(meta) == "table" and rawget(meta, KEY) or nil
end

--- The inner side of a client that is open; raises when it is none.
---@param client any
---@param where string the method's name, for messages
---@return table
function side.of(client, where)
  local own = side.peek(client)
  if not own then
    misuse.raise("%s: call it with a colon, on a client of ccaas.new", where)
  elseif own.closed then
    misuse.raise("%s: the client is closed", where)
  end
  return own
end

return side
