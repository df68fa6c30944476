--- A client's inner side, which no user sees: the user's object leads to it.

local misuse = require "ccaas.misuse"

local side = {}

local inner = setmetatable({}, { __mode = "k" })

--- Gives a client its inner side.
---@param client table
---@param own table
function side.set(client, own)
  inner[client] = own
end

--- The inner side of a client that is open; raises when it is none.
---@param client any
---@param where string the method's name, for messages
---@return table
function side.of(client, where)
  local own = inner[client]
  if not own then
    misuse.raise("%s: call it with a colon, on a client of ccaas.new", where)
  elseif own.closed then
    misuse.raise("%s: the client is closed", where)
  end
  return own
end

--- The inner side, open or closed, or nil.
---@param client table
---@return table|nil
function side.peek(client)
  return inner[client]
end

return side
