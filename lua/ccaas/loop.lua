--- Who waits: finds the function that waits for a descriptor.

local misuse = require "ccaas.misuse"

local loop = {}

---@alias ccaas.Wait fun(fd: integer, seconds: number|nil): boolean

local known = { blocking = true }

--- The waiting function for a client's option `loop`.
---@param option nil|string|{ wait: ccaas.Wait }
---@return ccaas.Wait # true: fd is readable; false: the time is up
function loop.find(option)
  if type(option) == "table" then
    if type(option.wait) ~= "function" then
      misuse.raise("loop: a table must have a function `wait` (fd, seconds)")
    end
    return option.wait
  end
  if option ~= nil and type(option) ~= "string" then
    misuse.raise("loop: expected a name or a table with a function `wait`, got a %s", type(option))
  end
  local name = option or "blocking"
  if not known[name] then
    misuse.raise("loop: unknown name %q%s", name, misuse.hint(name, known))
  end
  return require("ccaas.loop." .. name)
end

return loop
