--- Who waits: finds the function that waits for a descriptor, and the one that
--- lets others have a turn.

local misuse = require "ccaas.misuse"

local loop = {}

--- Waits until the descriptor is readable: true; false: the time is up.
---@alias ccaas.Wait fun(fd: integer, seconds: number|nil): boolean

--- `pause` lets the loop's others have a turn and comes back as soon as they had
--- it; a loop without others has none.
---@class ccaas.Loop
---@field wait ccaas.Wait
---@field pause? fun()

local known = { blocking = true, cqueues = true, luv = true, copas = true }

-- Nobody said which: looked for each time, for a client may be made before its
-- loop runs.
---@type ccaas.Loop
local found = {}

local function running()
  local cqueues = package.loaded.cqueues
  local name = type(cqueues) == "table" and cqueues.running() and "cqueues" or "blocking"
  return require("ccaas.loop." .. name)
end

function found.wait(fd, seconds)
  return running().wait(fd, seconds)
end

function found.pause()
  local pause = running().pause
  return pause and pause()
end

--- cqueues polls what `pollfd` gives, and must be told before that is closed.
---@param fd integer
function loop.forget(fd)
  local cqueues = package.loaded.cqueues
  if type(cqueues) == "table" and fd >= 0 then
    cqueues.cancel(fd)
  end
end

local function load_named(name)
  if not known[name] then
    misuse.raise("loop: unknown name %q%s", name, misuse.hint(name, known))
  elseif name ~= "blocking" then
    local fine, reason = pcall(require, name)
    if not fine then
      misuse.raise("loop: %q needs the module %s, which cannot be loaded: %s", name, name, tostring(reason))
    end
  end
  return require("ccaas.loop." .. name)
end

--- The two functions for a client's option `loop`.
---@param option nil|string|ccaas.Loop
---@return ccaas.Wait
---@return fun()|nil pause
function loop.find(option)
  if type(option) == "table" then
    if type(option.wait) ~= "function" then
      misuse.raise("loop: a table must have a function `wait` (fd, seconds)")
    end
    if option.pause ~= nil and type(option.pause) ~= "function" then
      misuse.raise("loop: `pause` must be a function")
    end
    return option.wait, option.pause
  end
  if option ~= nil and type(option) ~= "string" then
    misuse.raise("loop: expected a name or a table with a function `wait`, got a %s", type(option))
  end
  local given = option and load_named(option) or found
  return given.wait, given.pause
end

return loop
