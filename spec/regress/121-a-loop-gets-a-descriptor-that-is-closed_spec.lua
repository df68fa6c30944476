-- A stream of events that is closed just before it waits (by a finaliser, by a hook)
-- gave its loop a descriptor that was closed already: some loops raise then, and in a
-- process with threads the number may be somebody else's by now.
local ccaas = require "ccaas"
local core = require "ccaas.core"
local lfs = require "lfs"
local socket = require "socket"

describe("a loop's wait", function()
  local silent, base, closed_ones

  local function wait(fd, seconds)
    if not lfs.symlinkattributes("/proc/self/fd/" .. fd) then
      closed_ones = closed_ones + 1
      return true
    end
    return core.poll(fd, seconds)
  end

  before_each(function()
    silent = assert(socket.bind("127.0.0.1", 0)) -- takes connections, says nothing
    base = "http://127.0.0.1:" .. select(2, silent:getsockname())
    closed_ones = 0
  end)
  after_each(function() silent:close() end)

  local function xima()
    return ccaas.new { provider = "xima", base_url = base, token = "token", retries = 0, loop = { wait = wait } }
  end
  local function x8()
    return ccaas.new { provider = "8x8", base_url = base, token_url = base, key = "key", secret = "secret",
      retries = 0, loop = { wait = wait } }
  end

  local kinds = {
    ["a subscription"] = { xima, function(client) return client:subscribe({ "101" }, { snapshot = false }) end },
    ["a merge"] = { xima, function(client) return ccaas.merge(client:recordings { from = 0, to = 1 }) end },
    ["a list"] = { xima, function(client) return client:recordings { from = 0, to = 1 } end },
    ["a watch"] = { x8, function(client) return client:watch "queues" end },
  }

  -- Closes the stream after so many of the machine's instructions; false: it waited
  -- before.
  local function close_after(count, stream)
    local closed = false
    debug.sethook(function()
      count = count - 1
      if count == 0 then
        debug.sethook()
        closed = true
        stream:close()
      end
    end, "", 1)
    local item, err = stream:next(0.001)
    debug.sethook()
    assert.is_nil(item)
    assert.is_true(err.code == "timeout" or err.code == "cancelled", tostring(err))
    return closed
  end

  for name, kind in pairs(kinds) do
    it("gets no descriptor that is closed: " .. name, function()
      if rawget(_G, "jit") then
        jit.off() -- a compiled loop has no hooks
      end
      local count = 0
      repeat
        count = count + 1
        local client = kind[1]()
        local closed = close_after(count, kind[2](client))
        client:close()
      until not closed
      if rawget(_G, "jit") then
        jit.on()
      end
      assert.is_true(count > 20, "too few: " .. count)
      assert.equal(0, closed_ones)
    end)
  end
end)
