-- The sandbox's Xima API: who may use it, its lists and its metrics.

local xima = require "spec.support.xima_http"
local plain, start, get, recordings, YEAR =
  xima.plain, xima.start, xima.get, xima.recordings, xima.YEAR

describe("the sandbox's Xima", function()
  after_each(xima.stop_all)

  describe("handle", function()
    it("gives the options of a client", function()
      local sb = start { xima_token = "T" }
      assert.same({ provider = "xima", host = "127.0.0.1:" .. sb.port,
        token = "T", base_url = sb.url }, sb:options("xima"))
      assert.equal("other", sb:options("xima", { token = "other" }).token)
    end)

    it("raises for what it does not know", function()
      for message, call in pairs {
        ["'audio_size' must be a whole number, 127"] = function()
          start { audio_size = 126 }
        end,
        ['\'list\' must be one of "bare", "key"'] = function()
          start { list = "both" }
        end,
        ["'forbidden' must be a list of strings"] = function()
          start { forbidden = { 1001 } }
        end,
        ["(did you mean 'xima_token'?)"] = function()
          start { ximatoken = "x" }
        end,
        ["'egress_cap' must be a number of bytes"] = function()
          start { egress_cap = -1 }
        end,
      } do
        local done, err = pcall(call)
        assert.is_false(done)
        assert.is_truthy(err:find(message, 1, true), err)
      end
    end)

    it("serves both vendors, and over TLS", function()
      local sb = start { agents = 5, queues = 3, tls = true }
      assert.equal(sb.ca_file, sb:options("xima").ca_file)
      assert.equal(3, #get(sb, "/v1/skills").json.skills)
      assert.equal(3, #plain.get(sb, "/queues").json)
    end)
  end)

  describe("token", function()
    it("is required everywhere", function()
      local sb = start()
      for _, path in ipairs { "/v1/agents", "/v1/nowhere",
        "/v2/recordings?" .. YEAR, "/v2/recordings/acme/x/audio" } do
        for _, value in ipairs { false, "Bearer wrong", "Basic x", "" } do
          assert.equal(401, get(sb, path, { Authorization = value }).status)
        end
      end
      assert.equal(200, get(sb, "/v1/agents").status)
    end)

    it("is replaced, and then the old one is refused", function()
      local sb = start()
      sb:set { xima_token = "new" }
      assert.equal(401, get(sb, "/v1/agents").status)
      assert.equal(200, get(sb, "/v1/agents",
        { Authorization = "Bearer new" }).status)
    end)
  end)

  describe("errors", function()
    it("come as JSON, text and nothing by turns", function()
      local sb = start()
      local seen = {}
      for i = 1, 6 do
        local answer = get(sb, "/v1/nowhere")
        assert.equal(404, answer.status)
        seen[i] = answer.headers["content-type"] or "none"
      end
      assert.same({ "application/json", "text/plain;charset=UTF-8", "none",
        "application/json", "text/plain;charset=UTF-8", "none" }, seen)
    end)

    it("have the form that is chosen, faults too", function()
      local sb = start { errors = "json" }
      assert.equal(404, get(sb, "/v1/nowhere").json.status)
      sb:set { errors = "text" }
      assert.equal("Not Found\n", get(sb, "/v1/nowhere").body)
      sb:set { errors = "empty" }
      assert.equal("0", get(sb, "/v1/nowhere").headers["content-length"])
      sb:set { errors = "json" }
      sb:fault { path = "/agents", status = 503, message = "tired" }
      local answer = get(sb, "/v1/agents")
      assert.equal(503, answer.status)
      assert.same({ status = 503, message = "tired" }, answer.json)
    end)

    it("answer the wrong method", function()
      local sb = start()
      local answer = xima.report(sb, "../agents", "{}")
      assert.equal(404, answer.status)
      answer = plain.ask(sb, "POST", "/rest/api/v1/agents", xima.headers(), "")
      assert.equal(405, answer.status)
      assert.equal("GET", answer.headers.allow)
      assert.equal(405, get(sb, "/v1/historic-data/1001").status)
    end)

    it("answer a missing Content-Type only when strict", function()
      local sb = start { audio_interval = 0, recordings = 1 }
      local row = recordings(sb)[1]
      local none = { ["Content-Type"] = false }
      assert.equal(200, get(sb, "/v1/agents", none).status)
      assert.equal(200, xima.audio(sb, row, none).status)
      sb:set { strict = true }
      assert.equal(415, get(sb, "/v1/agents", none).status)
      assert.equal(200, get(sb, "/v1/agents").status)
      assert.equal(415, xima.audio(sb, row).status)
      assert.equal(200, xima.audio(sb, row,
        { ["Content-Type"] = "audio/ogg" }).status)
    end)
  end)

  describe("faults", function()
    it("redirect, and show a login page", function()
      local sb = start()
      sb:fault { path = "/agents", status = 302,
        headers = { Location = "/rest/api/v1/skills" } }
      local answer = get(sb, "/v1/agents")
      assert.equal(302, answer.status)
      assert.equal("/rest/api/v1/skills", answer.headers.location)
      sb:fault { path = "/agents", login = true }
      answer = get(sb, "/v1/agents")
      assert.equal(200, answer.status)
      assert.equal("text/html;charset=UTF-8", answer.headers["content-type"])
      assert.is_truthy(answer.body:find("password", 1, true))
    end)

    it("turn one bit over", function()
      local sb = start()
      local usual = get(sb, "/v1/skills").body
      sb:fault { path = "/skills", flip = 10 }
      local struck = get(sb, "/v1/skills").body
      assert.equal(#usual, #struck)
      for i = 1, #usual do
        local difference = math.abs(usual:byte(i) - struck:byte(i))
        assert.equal(i == 11 and 1 or 0, difference)
      end
    end)
  end)

  describe("agents and skills", function()
    it("stand under their key, or bare", function()
      local sb = start { agents = 30, queues = 6 }
      local agents = get(sb, "/v1/agents").json.agents
      assert.equal(30, #agents)
      assert.same({ agent = "Alan (Al) Jones(271)", type = "UC",
        email = "agent1@example.com" }, agents[1])
      local types, without = {}, 0
      for _, agent in ipairs(agents) do
        types[agent.type] = true
        without = without + (agent.agent:find("%(%d+%)$") and 0 or 1)
      end
      assert.same({ UC = true, XIMA = true }, types)
      assert.is_true(without > 1)
      assert.same({ id = 101, name = "Appointments" },
        get(sb, "/v1/skills").json.skills[1])
      sb:set { list = "bare" }
      assert.same(agents, get(sb, "/v1/agents").json)
      assert.equal(6, #get(sb, "/v1/skills").json)
      sb:set { agents = 0 }
      assert.equal("[]", get(sb, "/v1/agents").body)
    end)
  end)

  describe("metrics", function()
    it("are defined, all of them or those that are asked for", function()
      local sb = start { agents = 30, queues = 6 }
      local all = get(sb, "/v1/realtime/metrics").json
      assert.equal(10, #all)
      assert.equal("101", all[1].metricId)
      assert.equal("AGENT", all[1].categoryType)
      assert.equal(20, #all[1].categorySelection)
      assert.equal("Alan (Al) Jones(271)", all[1].categorySelection[1])
      assert.equal(6, #all[5].categorySelection)
      local two = get(sb, "/v1/realtime/metrics?id=K0FLAEB6&id=102").json
      assert.equal("K0FLAEB6", two[1].metricId)
      assert.equal("102", two[2].metricId)
      assert.equal(2, #two)
      sb:set { list = "key" }
      assert.same(all, get(sb, "/v1/realtime/metrics").json.metrics)
    end)

    it("may be forbidden or unknown", function()
      local sb = start { forbidden = { "101" } }
      assert.equal(9, #get(sb, "/v1/realtime/metrics").json)
      for _, path in ipairs { "/v1/realtime/metrics",
        "/v1/realtime/metrics/values" } do
        assert.equal(403, get(sb, path .. "?id=102&id=101").status)
        assert.equal(404, get(sb, path .. "?id=999").status)
        assert.equal(200, get(sb, path .. "?id=102").status)
      end
      sb:set { forbidden = {} }
      assert.equal(200, get(sb, "/v1/realtime/metrics?id=101").status)
    end)

    it("have values, of several kinds", function()
      local sb = start { agents = 30, queues = 6 }
      local path = "/v1/realtime/metrics/values?id=105&id=104"
      local answer = get(sb, path).json
      assert.same({}, answer.pendingMetricIds)
      assert.equal(26, #answer.results)
      local first, last = answer.results[1], answer.results[26]
      assert.same({ metricId = "105", categoryValue = "Appointments" },
        first.key)
      assert.equal("COUNT", first.value.type)
      assert.equal("number", type(first.value.count))
      assert.is_truthy(first.value.lastUpdateTime:find(
        "^2026%-06%-29T%d%d:%d%d:%d%d%.%d%d%d%-06:00$"))
      assert.equal("TEXT", last.value.type)
      assert.equal("string", type(last.value.text))
      assert.same(answer, get(sb, path).json)
      sb:set { tick = 1 }
      assert.not_same(answer, get(sb, path).json)
    end)

    it("may not be ready, or the tenant has no values", function()
      local sb = start { pending = { "102", "K0FLAEB6" } }
      local path = "/v1/realtime/metrics/values"
      local answer = get(sb, path .. "?id=101&id=102").json
      assert.same({ "102" }, answer.pendingMetricIds)
      assert.equal(20, #answer.results)
      assert.equal(400, get(sb, path).status)
      sb:set { values = false }
      assert.equal(404, get(sb, path .. "?id=101").status)
      assert.equal(404, get(start { values = false }, path .. "?id=101").status)
      assert.equal(200, get(sb, "/v1/realtime/metrics").status)
    end)
  end)
end)
