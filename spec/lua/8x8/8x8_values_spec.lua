-- What the rows of the 8x8 methods hold: names, values, what is not known of them,
-- and answers that are no rows.
local ccaas = require "ccaas"
local cjson = require "cjson"
local names = require "ccaas.sandbox.names"
local server = require "spec.support.server"
local x8 = require "spec.support.8x8"

local plain_list, wire = x8.plain_list, x8.wire

describe("8x8", function()
  local sb, client

  setup(function() sb, client = x8.world() end)

  describe("names", function()
    it("come in every script, with quotes and backslashes", function()
      local rows = assert(client:agents { summary = true }:all())
      for i, name in ipairs(names.people) do
        assert.equal(name, rows[i].name)
      end
      rows = assert(client:queues { metrics = { "handling.rt" } }:all())
      for i, name in ipairs(names.queues) do
        assert.equal(name, rows[i].name)
      end
    end)

    it("may be escaped or not", function()
      local s = server.start(function()
        return server.page { rows = {
          [[{"id":"1","name":"\u00e9\u4e2d\ud83d\ude00 \"q\" \\ \/ \b\f\n\r\t\u0000"}]],
          '{"id":"2","name":"é中😀"}',
        } }
      end)
      local rows = assert(ccaas.new(s:options()):queues():all())
      assert.equal('é中😀 "q" \\ / \b\f\n\r\t\0', rows[1].name)
      assert.equal("é中😀", rows[2].name)
    end)
  end)

  describe("values", function()
    local json = {
      integer = "1719570000123", large = "9007199254740993", fraction = "0.25",
      text = '"Available"', number_text = '"60"', none = "null",
      time = '"2026-06-02T10:00:00.000Z"', flag = "true",
      list = '[{"id":"101","name":"Sales","count":2},null]', empty = "[]",
    }

    -- A row with those values, read in each way that a row can be read.
    local function read(options)
      local entries, members = {}, {}
      for name, text in pairs(json) do
        entries[#entries + 1] = ('{"key":"%s","value":%s}'):format(name, text)
        members[#members + 1] = ('"%s":%s'):format(name, text)
      end
      local row = server.row("1", "[" .. table.concat(entries, ",") .. "]")
      local map = server.row("1", "{" .. table.concat(members, ",") .. "}")
      local bodies = {
        ["/queues/1"] = row, ["/queues/2"] = map, ["/groups/1"] = "[" .. row .. "]",
        ["/agents-in-queue-groups"] = '{"agents":[' .. row .. "," .. map .. '],"queues":'
          .. '[{"queueId":"1","assignedAgents":[],"agentMetrics":[' .. map .. "]}]}",
      }
      local s = server.start(function(request)
        if request.path == "/queues" then
          return server.page { rows = { row, (map:gsub('"1"', '"2"', 1)) } }
        end
        return server.answer(bodies[request.path])
      end)
      local own = ccaas.new(s:options(options))
      local rows = assert(own:queues():all())
      local document = assert(own:agents_in_queue_groups())
      return {
        rows[1], rows[2], assert(own:queue("1")), assert(own:queue("2")), assert(own:group("1")),
        document.agents[1], document.agents[2], document.queues[1].agents[1],
      }
    end

    it("keep their type, whatever their form on the wire", function()
      local rows = read()
      assert.equal(8, #rows)
      for _, row in ipairs(rows) do
        local metrics = row.metrics
        assert.equal(1719570000123, metrics.integer)
        assert.equal(0.25, metrics.fraction)
        assert.equal("Available", metrics.text)
        assert.equal("60", metrics.number_text)
        assert.equal("2026-06-02T10:00:00.000Z", metrics.time)
        assert.is_true(metrics.flag)
        assert.is_nil(metrics.none)
        assert.same({ { id = "101", name = "Sales", count = 2 }, ccaas.null }, metrics.list)
        assert.same({}, metrics.empty)
        if math.type then
          assert.equal("integer", math.type(metrics.integer))
          assert.equal("integer", math.type(metrics.list[1].count))
          assert.equal("9007199254740993", ("%d"):format(metrics.large))
        end
      end
    end)

    it("that are null are kept as ccaas.null on request", function()
      for _, row in ipairs(read { null = ccaas.null }) do
        assert.equal(ccaas.null, row.metrics.none)
        assert.equal(ccaas.null, row.metrics.list[2])
        assert.equal(1719570000123, row.metrics.integer)
      end
      assert.equal(cjson.null, ccaas.null)
    end)

    it("of the sandbox are the same with nulls kept", function()
      local keeping = ccaas.new(sb:options("8x8", { null = ccaas.null }))
      local rows = assert(keeping:queue_agents("103"):all())
      local expected = plain_list(wire("/queues/103/agents"), true)
      assert.same(expected, rows)
      local nulls = 0
      for _, row in ipairs(rows) do
        for _, value in pairs(row.metrics) do
          nulls = nulls + (value == ccaas.null and 1 or 0)
        end
      end
      assert.is_true(nulls > 0)
    end)
  end)

  describe("what the vendor adds", function()
    it("is passed on under its own name", function()
      local row = '{"id":"1","name":"A","mediaType":"chat","more":{"x":[1,2]},"metrics":[]}'
      local s = server.start(function(request)
        if request.path == "/agents-in-queue-groups" then
          return server.answer('{"agents":[' .. row .. '],"queues":[{"queueId":"7","extra":1,'
            .. '"assignedAgents":["1"],"agentMetrics":[' .. row .. "]}]}")
        end
        return request.path == "/queues" and server.page { rows = { row } } or server.answer(row)
      end)
      local own = ccaas.new(s:options())
      local expected = { id = "1", name = "A", mediaType = "chat", more = { x = { 1, 2 } }, metrics = {} }
      assert.same({ expected }, own:queues():all())
      assert.same(expected, own:queue("1"))
      assert.same({
        agents = { expected },
        queues = { { id = "7", extra = 1, assigned_agents = { "1" }, agents = { expected } } },
      }, own:agents_in_queue_groups())
    end)
  end)

  describe("an answer of another form", function()
    -- What a method says when the server answers with this body.
    local function refusal(body, method, ...)
      local s = server.start(function()
        return server.answer(body)
      end)
      local own = ccaas.new(s:options { retries = 0 })
      local result, err = own[method](own, ...)
      assert.is_nil(result)
      return err.code
    end

    it("is error protocol, not a raised error", function()
      assert.equal("protocol", refusal("7", "queue", "1"))
      assert.equal("protocol", refusal("[{},{}]", "queue", "1"))
      for _, body in ipairs {
        "[]", "7", '{"agents":[]}', '{"agents":{},"queues":7}', '{"agents":[1],"queues":[]}',
        '{"agents":[],"queues":["x"]}', '{"agents":[{"id":"1","metrics":[{"value":1}]}],"queues":[]}',
        '{"agents":[{"id":"1","metrics":[7]}],"queues":[]}',
        '{"agents":[],"queues":[{"queueId":"1","agentMetrics":[7]}]}',
      } do
        assert.equal("protocol", refusal(body, "agents_in_queue_groups"), body)
      end
    end)

    it("is error network if it was cut short", function()
      assert.equal("network", refusal('{"id":"1","na', "queue", "1"))
      assert.equal("network", refusal('{"agents":[],', "agents_in_queue_groups"))
    end)

    it("is error not_found if no row came", function()
      assert.equal("not_found", refusal("[]", "queue", "1"))
    end)
  end)
end)

-- agents_in_queue_groups raised an error of Lua's own where a row of the
-- answer was no object, or an entry of its metrics had no key; and an id that
-- came under our own name was lost.
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
