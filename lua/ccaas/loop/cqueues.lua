--- The coroutine yields to the cqueues controller that runs it.  Where none is
--- running the calling thread sleeps.

local blocking = require "ccaas.loop.blocking"
local cqueues = require "cqueues"

---@type ccaas.Loop
local loop = {}

function loop.wait(fd, seconds)
  if not cqueues.running() then
    return blocking.wait(fd, seconds)
  end
  local object = { pollfd = fd, events = "r" }
  local one, other = cqueues.poll(object, seconds)
  -- It has to forget a descriptor before that is closed, and another one has
  -- its number: that may be as soon as the stream is looked at.
  cqueues.cancel(fd)
  return one == object or other == object
end

function loop.pause()
  if cqueues.running() then
    cqueues.poll(0)
  end
end

--- Would a wait here yield?
function loop.yields()
  return cqueues.running() ~= nil
end

return loop
