--- Who waits: finds the function that waits for a descriptor, and the one that
--- lets others have a turn.

local blocking = require "ccaas.loop.blocking" -- now: at a wait there may be no descriptor to load it with
local usage_error = require "ccaas.usage_error"

local loop = {}

--- Waits until the descriptor is readable: true; false: the time is up.
---@alias ccaas.Wait fun(fd: integer, seconds: number|nil): boolean

--- `pause` lets the loop's others have a turn and comes back as soon as they had
--- it; a loop without others has none.
---@class ccaas.Loop
---@field wait ccaas.Wait
---@field pause? fun(waker: userdata)
---@field package await? ccaas.Await
---@field package yields? fun(): boolean would a wait here yield?
---@field package begin? fun(waker: userdata): boolean|nil of what is read, until it says true

--- What openresty has for want of descriptors to wait for: waits until a core.call
--- or core.waitset has news, or the time is up; nil and a reason: it cannot.
---@alias ccaas.Await fun(waker: userdata, seconds: number|nil): boolean|nil, string|nil

local known = { blocking = true, openresty = true, cqueues = true, luv = true, copas = true }

-- By the function that waits: would it yield here?
local yields_of = setmetatable({}, { __mode = "k" })

-- What is loaded from elsewhere.
local foreign = { cqueues = true, luv = true, copas = true }

-- Nobody said which, and it is not nginx: looked for each time, for a client may be
-- made before its loop runs.
---@type ccaas.Loop
local found = {}

local function running()
  local cqueues = package.loaded.cqueues
  if type(cqueues) == "table" and cqueues.running() then
    return require "ccaas.loop.cqueues"
  end
  return blocking
end

function found.wait(fd, seconds)
  return running().wait(fd, seconds)
end

function found.pause()
  local pause = running().pause
  return pause and pause()
end

function found.yields()
  local yields = running().yields
  return yields and yields()
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
    usage_error.raise("loop: unknown name %q%s", name, usage_error.hint(name, known))
  elseif foreign[name] then
    local fine, reason = pcall(require, name)
    if not fine then
      usage_error.raise("loop: %q needs the module %s, which cannot be loaded: %s", name, name, tostring(reason))
    end
  end
  return require("ccaas.loop." .. name)
end

--- The name of the loop that this runs in.
---@return string
function loop.here()
  local nginx = rawget(_G, "ngx")
  return type(nginx) == "table" and nginx.get_phase and "openresty" or "blocking"
end

--- The functions for a client's option `loop`.
---@param option nil|string|ccaas.Loop
---@return ccaas.Wait
---@return fun()|nil pause
---@return ccaas.Await|nil
---@return (fun(waker: userdata): boolean|nil)|nil begin
function loop.find(option)
  if type(option) == "table" then
    if type(option.wait) ~= "function" then
      usage_error.raise("loop: a table must have a function `wait` (fd, seconds)")
    end
    if option.pause ~= nil and type(option.pause) ~= "function" then
      usage_error.raise("loop: `pause` must be a function")
    end
    return option.wait, option.pause
  end
  if option ~= nil and type(option) ~= "string" then
    usage_error.raise("loop: expected a name or a table with a function `wait`, got a %s", type(option))
  end
  local given = option and load_named(option) or loop.here() == "openresty" and load_named "openresty" or found
  yields_of[given.wait] = given.yields
  return given.wait, given.pause, given.await, given.begin
end

-- Lua 5.1 itself cannot yield in the function that a `for` calls, nor in one that
-- pcall calls; LuaJIT can.
if _VERSION == "Lua 5.1" and not rawget(_G, "jit") then
  --- Raises where a `for` would have to yield; nil where each Lua can do that.
  ---@param wait ccaas.Wait what the loop waits by
  function loop.check_for(wait)
    local yields = yields_of[wait]
    if yields and yields() then
      usage_error.raise("Lua 5.1 cannot yield in a `for`: in a loop that yields call next() instead, as in "
        .. "`local row, err = stream:next()`")
    end
  end

  --- Calls `f` as pcall does; where it may have to yield, without protection: then
  --- what raises leaves a stream to the collector.
  ---@param wait ccaas.Wait what the loop waits by
  ---@param f function
  ---@return boolean, any
  function loop.protect(wait, f, ...)
    local yields = yields_of[wait]
    if wait == blocking.wait or yields and not yields() then
      return pcall(f, ...)
    end
    return true, f(...)
  end
else
  function loop.protect(_, f, ...)
    return pcall(f, ...)
  end
end

return loop
