-- A stream of events that is closed just before it waits (by a finaliser, by a hook)
-- gave its loop a descriptor that was closed already: some loops raise then, and in a
-- process with threads the number may be somebody else's by now.
local ccaas = require "ccaas"
local core = require "ccaas.core"
local helper = require "spec.support.helper"
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

  for name, kind in pairs(kinds) do
    it("gets no descriptor that is closed: " .. name, function()
      local count = helper.interrupt_everywhere(function()
        local client = kind[1]()
        return { client = client, stream = kind[2](client) }
      end, function(made) made.stream:close() end, function(made)
        local item, err = made.stream:next(0.001)
        assert.is_nil(item)
        assert.is_true(err.code == "timeout" or err.code == "cancelled", tostring(err))
        made.client:close()
      end)
      assert.is_true(count > 20, "too few: " .. count)
      assert.equal(0, closed_ones)
    end)
  end
end)
