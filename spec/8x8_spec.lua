-- The 8x8 methods: what each asks for, and that its rows have one form however
-- the vendor writes them.  What is expected comes from the same sandbox by
-- client:request and lua-cjson.
local helper = require "spec.helper"
local server = require "spec.server"
local ccaas = require "ccaas"
local cjson = require "cjson"
local names = require "ccaas.sandbox.names"

local METRICS = { "status.rt", "loggedInTime.today", "activeQueues.rt", "accepted.today" }

-- A row of the wire in the one form that rows have, nulls left out.
local function plain(row, null)
  local made = {
    id = row.id, name = row.name, group_id = row.groupId, group_name = row.groupName,
  }
  if row.metrics then
    made.metrics = {}
    for key, value in pairs(row.metrics) do
      if type(key) == "number" then
        key, value = value.key, value.value
      end
      if value ~= cjson.null or null then
        made.metrics[key] = value
      end
    end
  end
  return made
end

local function plain_list(list, null)
  local made = {}
  for i, row in ipairs(list) do
    made[i] = plain(row, null)
  end
  return made
end

describe("8x8", function()
  local sb, client

  setup(function()
    sb = helper.sandbox {
      agents = 60, queues = 20, groups = 6, tenants = { "acme", "globex" },
    }
    client = ccaas.new(sb:options("8x8"))
  end)

  before_each(function()
    sb:clear_requests()
  end)

  -- What the sandbox answers there, decoded.
  local function wire(path, query)
    return cjson.decode(assert(client:request { path = path, query = query }).body)
  end

  -- The newest request of the API.
  local function asked()
    local list = sb:requests()
    return list[#list]
  end

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

      it("is error not_found where there is none", function()
        local row, err = client:queue("999")
        assert.is_nil(row)
        assert.equal("not_found", err.code)
        assert.equal(404, err.status)
        assert.matches("queue with id 999", err.message, 1, true)
      end)
    end)
  end

  describe("agents_in_queue_groups", function()
    it("gives agents, and queues with who is assigned to them", function()
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

  describe("options", function()
    it("go out in the vendor's names", function()
      assert(client:agents {
        metrics = METRICS, agent_ids = { "100001", "100007" }, group_ids = { "501" },
        size = 50, timezone = "America/New_York", totals = true,
      }:all())
      assert.same({
        metrics = table.concat(METRICS, ","), ["agent-ids"] = "100001,100007",
        ["group-ids"] = "501", page = "0", size = "50", timezone = "America/New_York",
        includeTotals = "true",
      }, asked().query)
    end)

    it("may be a comma string where a list is taken", function()
      local rows = assert(client:queues {
        metrics = "handling.rt, entered.today", queue_ids = "103,101",
      }:all())
      assert.equal("handling.rt,entered.today", asked().query.metrics)
      assert.equal(2, #rows)
      assert.is_number(rows[1].metrics["entered.today"])
    end)

    it("that are false or left out are not sent", function()
      assert(client:queues { summary = false, totals = false }:all())
      assert.same({ page = "0", size = "1000" }, asked().query)
    end)

    it("leave metrics' names to the vendor", function()
      assert(client:queues { metrics = { "no.such.metric.yet" } }:all())
      assert.equal("no.such.metric.yet", asked().query.metrics)
    end)

    it("say that JSON is wanted", function()
      assert(client:queue("101"))
      assert.equal("application/json", asked().headers.accept)
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
    it("are no record, but stand in info()", function()
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

    it("are an empty list where none were asked for", function()
      local stream = client:queues()
      assert(stream:all())
      assert.same({}, stream:info().totals)
    end)

    it("leave a row alone that has the name `totals` and an id", function()
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

  describe("tenants", function()
    local function first_value(opts)
      opts.metrics, opts.limit = { "accepted.today" }, 40
      local sum = {}
      for row in client:queues(opts) do
        sum[#sum + 1] = row.metrics["accepted.today"]
      end
      return table.concat(sum, " ")
    end

    it("go with every request of the client", function()
      assert(client:queue("101"))
      assert.equal("acme", asked().headers["x-tenant-info"])
    end)

    it("can be given with a call", function()
      local one, other = first_value {}, first_value { tenant = "globex" }
      assert.equal("globex", asked().headers["x-tenant-info"])
      assert.are_not.equal(one, other)
      assert.equal(one, first_value { tenant = "acme" })
    end)

    it("that are missing or unknown are told in the vendor's words", function()
      local options = sb:options("8x8")
      options.tenant = nil
      local _, err = ccaas.new(options):queue("101")
      assert.equal("bad_request", err.code)
      assert.matches("X-Tenant-Info header is missing", err.message, 1, true)
      assert.is_nil(asked().headers["x-tenant-info"])
      _, err = client:queue("101", { tenant = "initech" })
      assert.equal("bad_request", err.code)
      assert.matches("Invalid value for X-Tenant-Info", err.message, 1, true)
    end)
  end)

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

    it("come escaped or not", function()
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

    it("keep their kind, whatever the wire form", function()
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

    it("that are null are kept as ccaas.null where asked for", function()
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

    it("is error network where it was cut short", function()
      assert.equal("network", refusal('{"id":"1","na', "queue", "1"))
      assert.equal("network", refusal('{"agents":[],', "agents_in_queue_groups"))
    end)

    it("is error not_found where no row came", function()
      assert.equal("not_found", refusal("[]", "queue", "1"))
    end)
  end)

  describe("ids", function()
    it("with any bytes are percent-encoded, in paths and in queries", function()
      local s = server.start(function(request)
        return request.query.size and server.page { rows = {} } or server.answer(server.row("1"))
      end)
      local own = ccaas.new(s:options())
      local id = "a/b c&d%e?f#é\r\n\0\"=+"
      assert(own:queue(id))
      assert.equal("/queues/a%2Fb%20c%26d%25e%3Ff%23%C3%A9%0D%0A%00%22%3D%2B", s.requests[1].target)
      assert(own:group_agent(id, "..."))
      assert.equal("/groups/" .. id .. "/agents/...", s.requests[2].path)
      assert(own:queues { queue_ids = { id } }:all())
      assert.equal(id, s.requests[3].query["queue-ids"])
      assert.equal(1, select(2, s.requests[3].target:gsub("%?", "")))
    end)

    it("that need encoding find their rows", function()
      local odd = helper.sandbox { agents = 20, queues = 20, groups = 2, odd_ids = true }
      local own = ccaas.new(odd:options("8x8"))
      local found = 0
      for queue in own:queues { summary = true } do
        if queue.id:find("/", 1, true) then
          found = found + 1
          assert.equal(queue.name, assert(own:queue(queue.id)).name)
          assert.equal(queue.id, assert(own:queues { queue_ids = { queue.id } }:next()).id)
        end
      end
      assert.equal(2, found)
    end)

    it("that are empty, no strings, or dots alone raise at the caller's line", function()
      for _, id in ipairs { "", ".", "..", 7, false, {} } do
        local fine, message = pcall(function() return client:queue(id) end)
        assert.is_false(fine)
        assert.matches("8x8_spec.lua:%d+: queue: ", message)
        assert.is_false(pcall(client.queue_agent, client, "101", id))
        assert.is_false(pcall(client.queues, client, { queue_ids = { "101", id } }))
      end
      assert.is_false(pcall(client.queue, client))
      assert.equal(0, #sb:requests())
    end)
  end)

  describe("what is checked before sending", function()
    it("is size, 1 to 1000", function()
      for _, size in ipairs { 0, 1001, -1, 1.5, "10" } do
        assert.is_false(pcall(client.queues, client, { size = size }))
      end
      assert.equal(1, #assert(client:queues { size = 1, limit = 1 }:all()))
      assert.equal("1", asked().query.size)
    end)

    it("is that agents has metrics or summary", function()
      local fine, message = pcall(function() return client:agents() end)
      assert.is_false(fine)
      assert.matches("8x8_spec.lua:%d+: agents: needs option `metrics` or `summary`", message)
      assert.is_false(pcall(client.agents, client, { summary = false }))
      assert(client:agents { summary = true }:all())
    end)

    it("is the name of every option", function()
      local fine, message = pcall(function() return client:queues { metric = "x" } end)
      assert.is_false(fine)
      assert.matches("did you mean \"metrics\"", message, 1, true)
      assert.is_false(pcall(client.groups, client, { totals = true }))
    end)
  end)

  describe("a region", function()
    local bases = {
      us = "https://api.8x8.com/analytics/cc/v5/realtime-metrics",
      eu = "https://api.8x8.com/eu/analytics/cc/v5/realtime-metrics",
      au = "https://api.8x8.com/au/analytics/cc/v5/realtime-metrics",
      ca = "https://api.8x8.com/ca/analytics/cc/v5/realtime-metrics",
    }

    -- A proxy that lets nobody through tells where requests would have gone.
    local function goes_to(options)
      local reached = {}
      local s = server.start(function(request)
        reached[#reached + 1] = request.line
        return server.answer("", { status = 403 })
      end)
      options.proxy, options.retries = s.url, 0
      local own = ccaas.new(s:options(options))
      local row, err = own:queue("1")
      assert.is_nil(row)
      return err.url, reached[1]
    end

    for region, base in pairs(bases) do
      it(region .. " has its own base address", function()
        local url, line = goes_to { region = region, base_url = false }
        assert.equal(base .. "/queues/1", url)
        assert.equal("CONNECT api.8x8.com:443 HTTP/1.1", line)
      end)
    end

    it("is us where none is given", function()
      assert.equal(bases.us .. "/queues/1", (goes_to { base_url = false }))
    end)

    it("goes with another version", function()
      assert.equal("https://api.8x8.com/eu/analytics/cc/v6/realtime-metrics/queues/1",
        (goes_to { region = "eu", version = "v6", base_url = false }))
    end)

    it("asks for its token at one host", function()
      local url, line = goes_to { region = "ca", base_url = false, token_url = false }
      assert.equal("https://api.8x8.com/oauth/v2/token", url)
      assert.equal("CONNECT api.8x8.com:443 HTTP/1.1", line)
    end)

    it("that there is not raises", function()
      local fine, message = pcall(function()
        return ccaas.new { provider = "8x8", key = "k", secret = "s", region = "uk" }
      end)
      assert.is_false(fine)
      assert.matches("8x8_spec.lua:%d+: ccaas.new: unknown region \"uk\"", message)
    end)

    it("is part of the path that the sandbox sees", function()
      local own = ccaas.new(sb:options("8x8", { region = "eu" }))
      assert.equal(names.queues[1], assert(own:queue("101")).name)
      assert.equal("/eu/analytics/cc/v5/realtime-metrics/queues/101", asked().path)
    end)
  end)
end)
