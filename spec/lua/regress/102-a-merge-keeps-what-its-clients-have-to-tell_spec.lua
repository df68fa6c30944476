-- Of the clients whose streams are merged only the first one had its `on_event`
-- called.
local helper = require "spec.support.helper"
local ccaas = require "ccaas"

describe("a merge of streams of two clients", function()
  it("tells the events of both", function()
    local sandbox = helper.sandbox { queues = 3, agents = 2, groups = 2 }
    local told, clients = { 0, 0, 0 }, {}
    for i = 1, 3 do
      clients[i] = ccaas.new(sandbox:options("8x8", { on_event = function() told[i] = told[i] + 1 end }))
    end
    local merged = ccaas.merge(clients[1]:queues(), ccaas.merge(clients[2]:groups(), clients[3]:queues()))
    local rows = 0
    for _ in merged do
      rows = rows + 1
    end
    assert.equal(8, rows)
    for i = 1, 3 do
      assert.is_true(told[i] > 0, "client " .. i)
      clients[i]:close()
    end
  end)
end)
