-- The 8x8 API as the sandbox plays it.

local cjson = require "cjson"
local plain = require "spec.support.http_client"
local socket = require "socket"

local start, ask, basic, ask_token, get, ids, TOKEN =
  plain.start, plain.ask, plain.basic, plain.ask_token, plain.get,
  plain.ids, plain.TOKEN

describe("the sandbox's 8x8", function()
  after_each(plain.stop_all)

  describe("tokens", function()
    it("are given for key and secret, every scalar a string", function()
      local sb = start { token_life = 1234 }
      local answer = ask_token(sb)
      assert.equal(200, answer.status)
      local token = cjson.decode(answer.body)
      assert.equal("1234", token.expires_in)
      assert.equal("BearerToken", token.token_type)
      assert.equal("approved", token.status)
      assert.is_truthy(token.issued_at:find("^%d+$"))
      assert.equal("table", type(token.api_product_list_json))
    end)

    it("are different ones each time, and work side by side", function()
      local sb = start()
      local one = cjson.decode(ask_token(sb).body).access_token
      local two = cjson.decode(ask_token(sb).body).access_token
      assert.not_equal(one, two)
      for _, token in ipairs { one, two } do
        assert.equal(200,
          get(sb, "/queues", { Authorization = "Bearer " .. token }).status)
      end
    end)

    it("are refused for a wrong key or secret, in the token dialect", function()
      local sb = start()
      for _, pair in ipairs { { "wrong", nil }, { nil, "wrong" } } do
        local answer = ask_token(sb, pair[1], pair[2])
        assert.equal(401, answer.status)
        assert.equal("application/problem+json",
          answer.headers["content-type"])
        assert.same({ ErrorCode = "invalid_client",
          Error = "ClientId is Invalid" }, cjson.decode(answer.body))
      end
    end)

    it("are refused for another grant, form or method", function()
      local sb = start()
      assert.equal(400, ask_token(sb, nil, nil, "grant_type=password").status)
      assert.equal(400, ask(sb, "POST", TOKEN,
        { Authorization = basic("sandbox-key", "sandbox-secret") },
        "grant_type=client_credentials").status)
      assert.equal(405, ask(sb, "GET", TOKEN).status)
    end)

    it("must be sent, and be valid, in the gateway's dialect", function()
      local sb = start()
      for _, authorization in ipairs { "Bearer nonsense", "Basic YTpi" } do
        local answer = get(sb, "/queues", { Authorization = authorization })
        assert.equal(401, answer.status)
        assert.equal("oauth.v2.InvalidAccessToken",
          answer.json.fault.detail.errorcode)
      end
    end)

    it("expire when told, and after their life", function()
      local sb = start()
      assert.equal(200, get(sb, "/queues").status)
      sb:expire_tokens()
      local answer = get(sb, "/queues")
      assert.equal(401, answer.status)
      assert.equal("keymanagement.service.access_token_expired",
        answer.json.fault.detail.errorcode)
      sb:set { token_life = 0 }
      local token = cjson.decode(ask_token(sb).body).access_token
      assert.equal(401,
        get(sb, "/queues", { Authorization = "Bearer " .. token }).status)
    end)
  end)

  describe("tenants", function()
    it("need no header where there is one", function()
      local sb = start()
      assert.equal(200, get(sb, "/queues").status)
      assert.equal(200,
        get(sb, "/queues", { ["X-Tenant-Info"] = "acme" }).status)
    end)

    it("must be named where there are several", function()
      local sb = start { tenants = { "acme", "other" }, agents = 5 }
      local answer = get(sb, "/queues")
      assert.equal(400, answer.status)
      assert.equal("Bad request: X-Tenant-Info header is missing.",
        answer.json.message)
      local acme = get(sb, "/queues", { ["X-Tenant-Info"] = "acme" })
      local other = get(sb, "/queues", { ["X-Tenant-Info"] = "other" })
      assert.equal(200, acme.status)
      assert.not_equal(acme.body, other.body)
    end)

    it("must exist", function()
      local answer =
        get(start(), "/queues", { ["X-Tenant-Info"] = "nobody" })
      assert.equal(400, answer.status)
      assert.equal("Bad request: Invalid value for X-Tenant-Info header.",
        answer.json.message)
    end)
  end)

  describe("pages", function()
    it("cover every row once, with the four headers", function()
      local sb = start { agents = 25 }
      local seen = {}
      for page = 0, 2 do
        local answer =
          get(sb, "/agents?metrics=status.rt&size=10&page=" .. page)
        assert.equal(200, answer.status)
        assert.equal("10", answer.headers["x-page-size"])
        assert.equal(tostring(page), answer.headers["x-page"])
        assert.equal("3", answer.headers["x-total-pages"])
        assert.equal("25", answer.headers["x-total-elements"])
        assert.equal(page < 2 and 10 or 5, #answer.json)
        for _, row in ipairs(answer.json) do
          assert.is_nil(seen[row.id])
          seen[row.id] = true
        end
      end
    end)

    it("have 100 rows when no size is asked, 1000 at most", function()
      local sb = start { agents = 1500 }
      assert.equal(100, #get(sb, "/agents?summary=true").json)
      assert.equal(1000, #get(sb, "/agents?summary=true&size=1000").json)
      local answer = get(sb, "/agents?summary=true&size=1001")
      assert.equal(400, answer.status)
      assert.equal("Bad request: Field 'size' must be less than or equal to "
        .. "1000", answer.json.message)
      assert.equal(400, get(sb, "/agents?summary=true&size=0").status)
      assert.equal(400, get(sb, "/agents?summary=true&size=x").status)
    end)

    it("past the end say how many there are", function()
      local sb = start { queues = 15 }
      for _, page in ipairs { "2", "-1" } do
        local answer = get(sb, "/queues?size=10&page=" .. page)
        assert.equal(400, answer.status)
        assert.equal("Bad request: Field 'page' must be greater than or equal "
          .. "to 0 and less than the total number of pages, which is 2 for "
          .. "this request", answer.json.message)
      end
    end)

    it("of nothing are a 400 or an empty list", function()
      local sb = start { queues = 0 }
      local answer = get(sb, "/queues")
      assert.equal(400, answer.status)
      assert.is_truthy(answer.json.message:find("which is 0", 1, true))
      sb:set { empty = "200" }
      answer = get(sb, "/queues")
      assert.equal(200, answer.status)
      assert.equal("[]", answer.body)
      assert.equal("0", answer.headers["x-total-elements"])
      assert.equal(400, get(sb, "/queues?page=1").status)
    end)
  end)

  describe("rows", function()
    it("have id, name and the asked metrics as key and value", function()
      local answer = get(start(), "/queues?metrics=handling.rt,entered.today")
      local row = answer.json[1]
      assert.equal("101", row.id)
      assert.equal("string", type(row.name))
      assert.equal("handling.rt", row.metrics[1].key)
      assert.equal("entered.today", row.metrics[2].key)
      assert.equal(2, #row.metrics)
      assert.equal("number", type(row.metrics[1].value))
    end)

    it("have all metrics when none is asked, and leave out unknown ones",
      function()
        local sb = start()
        assert.equal(101, #get(sb, "/queues").json[1].metrics)
        assert.equal(7, #get(sb, "/groups").json[1].metrics)
        assert.equal(140, #get(sb, "/queues/101/agents").json[1].metrics)
        assert.equal(144, #get(sb, "/groups/501/agents").json[1].metrics)
        assert.same({}, get(sb, "/queues?metrics=no.such").json[1].metrics)
      end)

    it("take names repeated and as a comma list", function()
      local sb = start()
      assert.equal(get(sb, "/queues?metrics=handling.rt,busy.rt").body,
        get(sb, "/queues?metrics=handling.rt&metrics=busy.rt").body)
      assert.same({ "101", "103" }, ids(get(sb, "/queues?queue-ids=103,101"
        .. "&metrics=busy.rt").json))
      assert.same({ "101", "103" }, ids(get(sb, "/queues?queue-ids=103"
        .. "&queue-ids=101&metrics=busy.rt").json))
    end)

    it("fail together for one unknown id", function()
      local sb = start()
      for _, path in ipairs { "/queues?queue-ids=101,999",
        "/groups?group-ids=999", "/agents?metrics=status.rt&agent-ids=1",
        "/agents?metrics=status.rt&group-ids=999",
        "/queues/101/agents?agent-ids=1" } do
        local answer = get(sb, path)
        assert.equal(400, answer.status)
        assert.is_truthy(answer.json.message:find("^Bad request: "))
      end
    end)

    it("of agents need metrics or a summary", function()
      local sb = start()
      assert.equal(400, get(sb, "/agents").status)
      assert.equal(200, get(sb, "/agents?metrics=status.rt").status)
      local row = get(sb, "/agents?summary=true").json[2]
      assert.equal("100002", row.id)
      assert.equal("502", row.groupId)
      assert.equal("string", type(row.groupName))
      assert.is_nil(row.metrics)
    end)

    it("of agents can be those of some groups", function()
      local sb = start { agents = 9, groups = 3 }
      local rows = get(sb, "/agents?metrics=status.rt&group-ids=502").json
      assert.same({ "100002", "100005", "100008" }, ids(rows))
      assert.same(ids(rows),
        ids(get(sb, "/groups/502/agents?metrics=status.rt").json))
    end)

    it("of a summary heed neither ids nor metrics", function()
      local rows = get(start(), "/queues?summary=true&queue-ids=999&metrics=x")
        .json
      assert.equal(6, #rows)
      assert.is_nil(rows[1].metrics)
      assert.is_nil(rows[1].groupId)
    end)

    it("end with the totals where they are asked", function()
      local sb = start()
      local answer = get(sb, "/queues?metrics=handling.rt&includeTotals=true")
      assert.equal(7, #answer.json)
      assert.equal("6", answer.headers["x-total-elements"])
      local totals = answer.json[7]
      assert.equal(cjson.null, totals.id)
      assert.equal("totals", totals.name)
      assert.equal("total.handling.rt", totals.metrics[1].key)
      assert.equal("number", type(totals.metrics[1].value))
    end)

    it("alone are an object or an array of one", function()
      local sb = start()
      local member = get(sb, "/queues/101/agents?summary=true").json[1].id
      local paths = { "/queues/101", "/groups/501", "/queues/101/agents/"
        .. member, "/groups/501/agents/100001" }
      local arrays = 0
      for _, path in ipairs(paths) do
        local answer = get(sb, path .. "?metrics=enabled.rt")
        assert.equal(200, answer.status)
        arrays = arrays + (answer.json[1] and 1 or 0)
        assert.is_truthy((answer.json[1] or answer.json).id)
      end
      assert.equal(2, arrays)
      for _, form in ipairs { "object", "array" } do
        sb:set { one = form }
        for _, path in ipairs(paths) do
          assert.equal(form == "array", get(sb, path).json[1] ~= nil)
        end
      end
    end)

    it("that do not exist are a 404 in the service's dialect", function()
      local sb = start()
      for _, path in ipairs { "/queues/999", "/groups/999",
        "/queues/999/agents", "/queues/101/agents/999",
        "/groups/501/agents/100002", "/nothing" } do
        local answer = get(sb, path)
        assert.equal(404, answer.status)
        assert.equal("string", type(answer.json.message))
      end
    end)

    it("have values of every kind", function()
      local sb = start { agents = 1000 }
      local found = {}
      local rows = get(sb, "/agents?size=1000&metrics=status.rt,lastLogin.rt,"
        .. "activeQueues.rt,timeOnStatus.rt,availableTimePercentage.today").json
      for _, row in ipairs(rows) do
        for _, metric in ipairs(row.metrics) do
          local value = metric.value
          local kind = value == cjson.null and "null"
            or type(value) == "table" and "list"
            or type(value) == "number"
              and (value % 1 == 0 and "integer" or "fraction")
            or value:find("^%d+%-%d+%-%d+T.*Z$") and "time"
            or value:find("^%d") and "number string" or "string"
          found[kind] = true
          if kind == "list" and value[1] then
            assert.equal("number", type(value[1].count))
            assert.equal("string", type(value[1].id))
          end
        end
      end
      assert.same({ null = true, list = true, integer = true, fraction = true,
        time = true, string = true, ["number string"] = true }, found)
    end)

    it("have names in many scripts, some of them escaped", function()
      local body = get(start { agents = 100 }, "/agents?summary=true").body
      for _, piece in ipairs {
        "Zoë", "Андрей", "عمر", "王秀英", "김민준", "😀", '\\"Roll\\"',
        "Back\\\\Slash", "\\u", "\\uD835\\uDD18", "\\/",
      } do
        assert.is_truthy(body:find(piece, 1, true), piece)
      end
    end)

    it("are the same for the same seed only", function()
      local path = "/agents?metrics=timeOnStatus.rt"
      local one = get(start { agents = 50, seed = 7 }, path).body
      assert.equal(one, get(start { agents = 50, seed = 7 }, path).body)
      assert.not_equal(one, get(start { agents = 50, seed = 8 }, path).body)
    end)
  end)

  it("serves agents-in-queue-groups as one object with maps", function()
    local sb = start { agents = 60, queues = 10 }
    local path = "/agents-in-queue-groups?metrics=status.rt,"
      .. "accepted.today.inQueue"
    local answer = get(sb, path)
    assert.equal(200, answer.status)
    local agent, queue = answer.json.agents[1], answer.json.queues[1]
    assert.equal("string", type(agent.metrics["status.rt"]))
    assert.is_nil(agent.metrics["accepted.today.inQueue"])
    assert.equal(#queue.assignedAgents, #queue.agentMetrics)
    assert.equal("number",
      type(queue.agentMetrics[1].metrics["accepted.today.inQueue"]))
    local all = get(sb, path .. "&showEnabledAgents=true").json
    assert.is_true(#all.agents > #answer.json.agents)
    local some = get(sb, path .. "&queue-ids=101").json
    assert.equal(1, #some.queues)
    assert.equal("101", some.queues[1].queueId)
  end)

  describe("the world", function()
    it("grows and shrinks at either end", function()
      local sb = start { queues = 3 }
      local function now()
        return table.concat(ids(get(sb, "/queues?summary=true").json), " ")
      end
      sb:set { queues = 4 }
      assert.equal("101 102 103 104", now())
      sb:set { queues = 5, insert = "front" }
      assert.equal("105 101 102 103 104", now())
      sb:set { queues = 4, remove = "front" }
      assert.equal("101 102 103 104", now())
      sb:set { queues = 2 }
      assert.equal("101 102", now())
      assert.equal(404, get(sb, "/queues/103").status)
      sb:set { queues = 3 }
      assert.equal("101 102 106", now())
    end)

    it("has other values at another moment, and single ones as told",
      function()
        local sb = start { agents = 50 }
        local path = "/agents?metrics=timeOnStatus.rt"
        local before = get(sb, path).body
        sb:set { tick = 1 }
        assert.not_equal(before, get(sb, path).body)
        sb:set { tick = 0 }
        assert.equal(before, get(sb, path).body)
        sb:set { values = { agents = { ["100001"] = {
          ["timeOnStatus.rt"] = 123456789012345 } } } }
        local answer = get(sb, path)
        assert.is_truthy(answer.body:find('"value":123456789012345}', 1, true))
        sb:set { values = { agents = { ["100001"] = {
          ["timeOnStatus.rt"] = { json = "[null,1e400]" } } } } }
        answer = get(sb, path)
        assert.is_truthy(answer.body:find('"value":[null,1e400]}', 1, true))
      end)

    it("follows the clock when it is told to", function()
      local sb = start { agents = 50, refresh = 0.05 }
      local path = "/agents?metrics=timeOnStatus.rt"
      local first, changed = get(sb, path).body, false
      local deadline = socket.gettime() + 5
      while not changed and socket.gettime() < deadline do
        changed = get(sb, path).body ~= first
      end
      assert.is_true(changed)
    end)
  end)
end)
