--- The user's functions that C asks for: token functions and stores.

local callbacks = {}

--- Calls a function of the user's for this client, as pcall does.  It may yield.
---@param own table a client's internals
---@param f function
---@return boolean, any
function callbacks.call(own, f, ...)
  local me = coroutine.running() or "main"
  own.asking[me] = true
  local ok, result = pcall(f, ...)
  own.asking[me] = nil
  return ok, result
end

--- Does this run within such a function?  The coroutine alone does not tell: if an
--- earlier one was killed in there, its coroutine may be reused.
---@param own table a client's internals
---@return boolean
function callbacks.is_inside(own)
  if not own.asking[coroutine.running() or "main"] then
    return false
  end
  local level = 2
  local info = debug.getinfo(level, "f")
  while info and info.func ~= callbacks.call do
    level = level + 1
    info = debug.getinfo(level, "f")
  end
  return info ~= nil
end

return callbacks
