-- The options of the 8x8 methods: how they go out, what is checked before, and
-- where a tenant's and a region's requests go.
local ccaas = require "ccaas"
local names = require "ccaas.sandbox.names"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local x8 = require "spec.support.8x8"

local METRICS, asked = x8.METRICS, x8.asked

describe("8x8", function()
  local sb, client

  setup(function() sb, client = x8.world() end)
  before_each(function() sb:clear_requests() end)

  describe("options", function()
    it("are sent under the vendor's names", function()
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

    it("may be a string with commas in place of a list", function()
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

    it("do not check names of metrics", function()
      assert(client:queues { metrics = { "no.such.metric.yet" } }:all())
      assert.equal("no.such.metric.yet", asked().query.metrics)
    end)

    it("ask for JSON", function()
      assert(client:queue("101"))
      assert.equal("application/json", asked().headers.accept)
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

    it("that are missing or unknown give the vendor's own message", function()
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

    it("that are empty, not strings, or only dots raise at the caller's line", function()
      for _, id in ipairs { "", ".", "..", 7, false, {} } do
        local fine, message = pcall(function() return client:queue(id) end)
        assert.is_false(fine)
        assert.matches("8x8_options_spec.lua:%d+: queue: ", message)
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
      assert.matches("8x8_options_spec.lua:%d+: agents: needs option `metrics` or `summary`", message)
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

    it("is us by default", function()
      assert.equal(bases.us .. "/queues/1", (goes_to { base_url = false }))
    end)

    it("can be combined with another version", function()
      assert.equal("https://api.8x8.com/eu/analytics/cc/v6/realtime-metrics/queues/1",
        (goes_to { region = "eu", version = "v6", base_url = false }))
    end)

    it("requests its token from one host", function()
      local url, line = goes_to { region = "ca", base_url = false, token_url = false }
      assert.equal("https://api.8x8.com/oauth/v2/token", url)
      assert.equal("CONNECT api.8x8.com:443 HTTP/1.1", line)
    end)

    it("that does not exist raises", function()
      local fine, message = pcall(function()
        return ccaas.new { provider = "8x8", key = "k", secret = "s", region = "uk" }
      end)
      assert.is_false(fine)
      assert.matches("8x8_options_spec.lua:%d+: ccaas.new: unknown region \"uk\"", message)
    end)

    it("is part of the path that the sandbox sees", function()
      local own = ccaas.new(sb:options("8x8", { region = "eu" }))
      assert.equal(names.queues[1], assert(own:queue("101")).name)
      assert.equal("/eu/analytics/cc/v5/realtime-metrics/queues/101", asked().path)
    end)
  end)
end)
