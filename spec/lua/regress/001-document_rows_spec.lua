-- agents_in_queue_groups raised an error of Lua's own where a row of the
-- answer was no object, or an entry of its metrics had no key; and an id that
-- came under our own name was lost.
local server = require "spec.support.server"
local ccaas = require "ccaas"

describe("agents_in_queue_groups", function()
  local function ask(body)
    local s = server.start(function() return server.answer(body) end)
    return ccaas.new(s:options()):agents_in_queue_groups()
  end

  it("gives error protocol where a row is none", function()
    for _, body in ipairs {
      '{"agents":[1],"queues":[]}', '{"agents":[null],"queues":[]}', '{"agents":[],"queues":["x"]}',
      '{"agents":[{"id":"1","metrics":[{"value":1}]}],"queues":[]}',
      '{"agents":[{"id":"1","metrics":[7]}],"queues":[]}',
      '{"agents":[],"queues":[{"queueId":"1","agentMetrics":[7]}]}',
    } do
      local result, err = ask(body)
      assert.is_nil(result)
      assert.equal("protocol", err.code)
      assert.equal(200, err.status)
    end
  end)

  it("keeps what has our own name already", function()
    assert.same({ agents = {}, queues = { { id = "7", agents = {}, assigned_agents = { "1" } } } },
      ask('{"agents":[],"queues":[{"id":"7","agents":[],"assignedAgents":["1"]}]}'))
  end)
end)
