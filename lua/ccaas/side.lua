--- A client's inner side, which no user needs: the user's object leads to it.
---
--- It hangs on the object itself: in a weak table, a function of the user's that
--- refers to the client would keep both for ever on LuaJIT.

local misuse = require "ccaas.misuse"

local side = {}

local KEY = setmetatable({}, { __tostring = function() return "ccaas.inner" end })

--- Gives a client its inner side.
---@param client table
---@param own table
function side.set(client, own)
  rawset(client, KEY, own)
end

--- The inner side, open or closed, or nil.
---@param client any
---@return table|nil
function side.peek(client)
  return type(client) == "table" and rawget(client, KEY) or nil
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
