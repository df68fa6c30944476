-- The 8x8 methods: what each asks for, and that its rows have one form however
-- the vendor writes them.
local ccaas = require "ccaas"
local cjson = require "cjson"
local names = require "ccaas.sandbox.names"
local server = require "spec.support.server"
local x8 = require "spec.support.8x8"

local METRICS = x8.METRICS
local plain, plain_list, wire, asked = x8.plain, x8.plain_list, x8.wire, x8.asked

describe("8x8", function()
  local sb, client

  setup(function() sb, client = x8.world() end)
  before_each(function() sb:clear_requests() end)

  local function same_rows(path, stream, query)
    local rows = assert(stream:all())
    local request = asked()
    assert.equal("/analytics/cc/v5/realtime-metrics" .. path, request.path)
    query = query or {}
    query.size = query.size or "1000"
    local expected = plain_list(wire(path, query))
    assert.is_true(#expected > 0)
    assert.same(expected, rows)
    return rows
  end

  describe("a list", function()
    it("of queues has the rows that the vendor sends", function()
      assert.equal(20, #same_rows("/queues", client:queues()))
    end)

    it("of a queue's agents", function()
      same_rows("/queues/103/agents", client:queue_agents("103"))
    end)

    it("of all agents", function()
      local rows = same_rows("/agents", client:agents { metrics = METRICS },
        { metrics = table.concat(METRICS, ",") })
      assert.equal(60, #rows)
    end)

    it("of groups", function()
      assert.equal(6, #same_rows("/groups", client:groups()))
    end)

    it("of a group's agents", function()
      assert.equal(10, #same_rows("/groups/502/agents", client:group_agents("502")))
    end)
  end)

  for _, form in ipairs { "object", "array" } do
    describe("one row, written as an " .. form .. ",", function()
      setup(function() sb:set { one = form } end)

      local function same_row(path, row, err)
        assert.is_nil(err)
        local expected = wire(path)
        assert.equal(form, #expected == 1 and "array" or "object")
        assert.same(plain(expected[1] or expected), row)
        assert.is_string(row.name)
        assert.is_not_nil(next(row.metrics))
      end

      it("is a queue", function()
        same_row("/queues/104", client:queue("104"))
      end)

      it("is a queue's agent", function()
        local agent = assert(client:queue_agents("104", { limit = 1 }):next()).id
        same_row("/queues/104/agents/" .. agent, client:queue_agent("104", agent))
      end)

      it("is a group", function()
        same_row("/groups/503", client:group("503"))
      end)

      it("is a group's agent", function()
        local agent = assert(client:group_agents("503", { limit = 1 }):next()).id
        same_row("/groups/503/agents/" .. agent, client:group_agent("503", agent))
      end)

      it("is error not_found if it does not exist", function()
        local row, err = client:queue("999")
        assert.is_nil(row)
        assert.equal("not_found", err.code)
        assert.equal(404, err.status)
        assert.matches("queue with id 999", err.message, 1, true)
      end)
    end)
  end

  describe("agents_in_queue_groups", function()
    it("gives agents, and queues with the agents assigned to them", function()
      local result = assert(client:agents_in_queue_groups())
      local expected = wire("/agents-in-queue-groups")
      assert.same(plain_list(expected.agents), result.agents)
      assert.is_true(#result.queues > 0)
      assert.equal(#expected.queues, #result.queues)
      for i, queue in ipairs(expected.queues) do
        assert.same({
          id = queue.queueId,
          assigned_agents = queue.assignedAgents,
          agents = plain_list(queue.agentMetrics),
        }, result.queues[i])
      end
    end)

    it("sends its options in the vendor's names", function()
      assert(client:agents_in_queue_groups {
        metrics = { "status.rt" }, queue_ids = { "101", "102" }, timezone = "Europe/Paris",
        enabled_agents = true,
      })
      assert.same({
        metrics = "status.rt", ["queue-ids"] = "101,102", timezone = "Europe/Paris",
        showEnabledAgents = "true",
      }, asked().query)
    end)
  end)

  describe("summary rows", function()
    it("are id and name", function()
      local rows = assert(client:queues { summary = true }:all())
      assert.equal("true", asked().query.summary)
      assert.equal(20, #rows)
      assert.same({ id = "101", name = names.queues[1] }, rows[1])
    end)

    it("of agents have group_id and group_name", function()
      local rows = same_rows("/agents", client:agents { summary = true },
        { summary = "true" })
      assert.equal("501", rows[1].group_id)
      assert.equal(names.groups[1], rows[1].group_name)
      assert.is_nil(rows[1].groupId)
    end)

    it("of one agent in two groups are two rows", function()
      local s = server.start(function()
        return server.page { rows = {
          '{"id":"1","name":"A","groupId":"7","groupName":"x"}',
          '{"id":"1","name":"A","groupId":"8","groupName":"y"}',
          '{"id":"1","name":"A","groupId":"7","groupName":"x"}',
        } }
      end)
      local stream = ccaas.new(s:options()):agents { summary = true }
      assert.same({
        { id = "1", name = "A", group_id = "7", group_name = "x" },
        { id = "1", name = "A", group_id = "8", group_name = "y" },
      }, stream:all())
      assert.equal(1, stream:info().duplicates)
    end)
  end)

  describe("totals", function()
    it("are not a row, but are in info()", function()
      local stream = client:queues {
        metrics = { "entered.today" }, size = 8, totals = true,
      }
      local rows = assert(stream:all())
      assert.equal(20, #rows)
      local expected = {}
      for page = 0, 2 do
        local list = wire("/queues", {
          metrics = "entered.today", size = 8, page = page, includeTotals = "true",
        })
        assert.equal(cjson.null, list[#list].id)
        expected[page + 1] = { metrics = plain(list[#list]).metrics }
      end
      assert.same(expected, stream:info().totals)
      assert.equal(0, stream:info().missing)
    end)

    it("are an empty list if none were requested", function()
      local stream = client:queues()
      assert(stream:all())
      assert.same({}, stream:info().totals)
    end)

    it("do not affect a row that has the name `totals` and an id", function()
      local s = server.start(function()
        return server.page { total = 1, rows = {
          '{"id":"9","name":"totals","metrics":[{"key":"a","value":1}]}',
          '{"id":null,"name":"totals","metrics":[{"key":"a","value":2}]}',
        } }
      end)
      local stream = ccaas.new(s:options()):queues { totals = true }
      assert.same({ { id = "9", name = "totals", metrics = { a = 1 } } }, stream:all())
      assert.same({ { metrics = { a = 2 } } }, stream:info().totals)
      assert.equal(1, stream:info().rows)
    end)
  end)
end)
