-- A client that is closed (by a finaliser, by a hook) just before a subscription asks
-- for its values, or a watch begins a poll, raised "the client is closed" out of
-- `next`.
local ccaas = require "ccaas"
local helper = require "spec.helper"

describe("a client that is closed in the middle of anything", function()
  local sandbox

  setup(function() sandbox = helper.sandbox { agents = 1, queues = 1, groups = 1 } end)

  local kinds = {
    ["a subscription"] = { "xima", function(client) return client:subscribe { "101" } end },
    ["a watch"] = { "8x8", function(client) return client:watch "queues" end },
    ["a merge"] = { "xima", function(client) return ccaas.merge(client:subscribe { "101" }) end },
  }

  -- Reads up to the first update and closes the client after so many of the machine's
  -- instructions; false: they were fewer.
  local function close_after(count, client, stream)
    local closed = false
    debug.sethook(function()
      count = count - 1
      if count == 0 then
        debug.sethook()
        closed = true
        client:close()
      end
    end, "", 1)
    local fine, event, err
    repeat
      fine, event, err = pcall(stream.next, stream, 30)
    until not fine or event == nil or event.type == "update"
    debug.sethook()
    assert(fine, tostring(event))
    assert(event or not err or closed and err.code == "cancelled", tostring(err))
    return closed
  end

  for name, kind in pairs(kinds) do
    it("ends " .. name, function()
      if rawget(_G, "jit") then
        jit.off() -- a compiled loop has no hooks
      end
      local count = 0
      repeat
        count = count + 1
        local client = ccaas.new(sandbox:options(kind[1]))
        local closed = close_after(count, client, kind[2](client))
        client:close()
      until not closed
      if rawget(_G, "jit") then
        jit.on()
      end
      assert.is_true(count > 20, "too few: " .. count)
    end)
  end
end)
