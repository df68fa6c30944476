--- The coroutine yields, and luv's loop resumes it.  Outside of a coroutine the
--- loop is run until the descriptor is readable.

local luv = require "luv"
local usage_error = require "ccaas.usage_error"

local LONGEST = 1e9 -- seconds: that is never

---@type ccaas.Loop
local loop = {}

-- The coroutine that runs; nil: the main one.
local function present()
  local thread, is_main = coroutine.running()
  return not is_main and thread or nil
end

-- Waits until somebody calls what `start` gets.  What a coroutine raises after
-- that is luv's to report; what else resumes it is passed over.
local function until_woken(start)
  local me, over, value = present(), false, nil
  start(function(given)
    over, value = true, given
    if me and coroutine.status(me) == "suspended" then
      local fine, problem = coroutine.resume(me)
      return fine or error(debug.traceback(me, tostring(problem)), 0)
    end
  end)
  local rest = me and coroutine.yield or function() luv.run "once" end
  while not over do
    rest()
  end
  return value
end

-- By descriptor, for luv takes it once only: { poll = handle, who is to be woken }.
local waits = {}

local function wake_all(fd, ready)
  local all = waits[fd]
  waits[fd] = nil
  all.poll:close()
  for _, wake in ipairs(all) do
    wake(ready)
  end
end

function loop.wait(fd, seconds)
  if not present() and luv.loop_mode() then
    usage_error.raise("loop \"luv\": a callback cannot wait: use a coroutine")
  end
  local all = waits[fd] or { poll = assert(luv.new_poll(fd)) }
  waits[fd] = all
  all.poll:start("r", function() wake_all(fd, true) end)
  return until_woken(function(wake)
    local timer = luv.new_timer()
    if seconds then
      timer:start(math.ceil(math.min(seconds, LONGEST) * 1000), 0, function() wake_all(fd, false) end)
    end
    all[#all + 1] = function(ready)
      timer:close()
      wake(ready)
    end
  end)
end

-- A timer would keep descriptors out: libuv runs those that are due first.
function loop.pause()
  if not present() then
    return luv.loop_mode() == nil and luv.run("nowait")
  end
  return until_woken(function(wake)
    local idle = luv.new_idle()
    idle:start(function()
      idle:close()
      wake()
    end)
  end)
end

--- Would a wait here yield?
function loop.yields()
  return present() ~= nil
end

return loop
