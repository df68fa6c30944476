--- The coroutine yields to copas.  Outside of a coroutine copas is stepped until
--- the descriptor is readable.  It knows sockets only, and in its old versions no
--- time: so what it gets looks like a socket, and a time-out is a descriptor.

local copas = require "copas"
local core = require "ccaas.core"
local socket = require "socket"

---@type ccaas.Loop
local loop = {}

-- What copas waits for: it asks `receive`, is told "timeout", and asks again when
-- the descriptor is readable.
local Waiter = {}
Waiter.__index = Waiter

function Waiter:getfd()
  return self.fd
end

function Waiter:receive()
  if self.asked then
    return true
  end
  self.asked = true
  return nil, "timeout"
end

--- Copas closes what a coroutine waited for last.
function Waiter.close() end

local function receive(fd)
  if socket._SETSIZE and fd >= socket._SETSIZE then
    -- Or copas would fail as a whole, when it selects.
    error(("loop \"copas\": luasocket's select ends at descriptor %d"):format(socket._SETSIZE - 1), 0)
  end
  local waiter = setmetatable({ fd = fd }, Waiter)
  local thread, is_main = coroutine.running()
  if thread and not is_main then
    copas.receive(waiter)
    return
  end
  local over = false
  copas.addthread(function()
    copas.receive(waiter)
    over = true
  end)
  while not over do
    copas.step()
  end
end

local function receive_until(fd, seconds)
  local alarm, reason = core.alarm(fd, seconds)
  if not alarm then
    error("loop \"copas\": no descriptor is left to wait with: " .. reason, 0)
  end
  receive(alarm:fd())
  alarm:close()
end

function loop.wait(fd, seconds)
  if seconds then
    receive_until(fd, seconds)
  else
    receive(fd)
  end
  return core.poll(fd, 0)
end

function loop.pause()
  receive_until(-1, 0)
end

--- Would a wait here yield?
function loop.yields()
  local thread, is_main = coroutine.running()
  return thread ~= nil and not is_main
end

return loop
