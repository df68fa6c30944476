-- A client that is closed (by a finaliser, by a hook) just before a subscription asks
-- for its values, or a watch begins a poll, raised "the client is closed" out of
-- `next`.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"

describe("a client that is closed in the middle of anything", function()
  local sandbox

  setup(function() sandbox = helper.sandbox { agents = 1, queues = 1, groups = 1 } end)

  local kinds = {
    ["a subscription"] = { "xima", function(client) return client:subscribe { "101" } end },
    ["a watch"] = { "8x8", function(client) return client:watch "queues" end },
    ["a merge"] = { "xima", function(client) return ccaas.merge(client:subscribe { "101" }) end },
  }

  for name, kind in pairs(kinds) do
    it("ends " .. name, function()
      local count = helper.interrupt_everywhere(function()
        local client = ccaas.new(sandbox:options(kind[1]))
        return { client = client, stream = kind[2](client) }
      end, function(made) made.client:close() end, function(made, was_closed)
        local fine, event, err
        repeat
          fine, event, err = pcall(made.stream.next, made.stream, 30)
        until not fine or event == nil or event.type == "update"
        assert(fine, tostring(event))
        assert(event or not err or was_closed() and err.code == "cancelled", tostring(err))
        made.client:close()
      end)
      assert.is_true(count > 20, "too few: " .. count)
    end)
  end
end)
