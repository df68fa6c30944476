-- Xima: agents, skills, metrics, whose token it is, and how it says no.
local ccaas = require "ccaas"
local helper = require "spec.helper"
local server = require "spec.server"

local unpack = table.unpack or unpack

local DAY = { from = "2026-06-01", to = "2026-06-02" }

local start = server.xima

local function json(text, status)
  return server.answer(text, { status = status, headers = { ["Content-Type"] = "application/json" } })
end

local function at_once(s, count, f)
  local calls = {}
  for i = 1, count do
    calls[i] = function() f(i) end
  end
  s:run(unpack(calls))
end

describe("agents", function()
  for _, form in ipairs { "bare", "key" } do
    it(("have a name and an extension (%s)"):format(form), function()
      local sandbox = helper.sandbox { agents = 30, list = form, strict = true }
      local client = ccaas.new(sandbox:options("xima"))
      local list = assert(client:agents():all())
      assert.equal(30, #list)
      assert.same({ name = "Alan (Al) Jones", extension = "271", agent = "Alan (Al) Jones(271)", type = "UC",
        email = "agent1@example.com" }, list[1])
      assert.same({ "John Spector", "104" }, { list[2].name, list[2].extension })
      assert.same({ "Front Desk", nil, "Front Desk", "XIMA" },
        { list[3].name, list[3].extension, list[3].agent, list[3].type })
      assert.is_nil(list[7].email)
      assert.same({ "/rest/api/v1/agents" }, { sandbox:requests()[1].target })
    end)
  end

  it("have names of any kind", function()
    local client = start(function()
      return json('{"agents":[{"agent":"A(b)(c1)"},{"agent":"(12)"},{"agent":""},{"agent":"X (sales)"},'
        .. '{"agent":null},{"agent":7},{"type":"UC"}],"count":7}')
    end)
    local list = {}
    for agent in client:agents() do
      list[#list + 1] = { agent.name or false, agent.extension or false }
    end
    assert.same({ { "A(b)", "c1" }, { "", "12" }, { "", false }, { "X (sales)", false }, { false, false },
      { false, false }, { false, false } }, list)
  end)

  it("are a stream: as many as wanted", function()
    local client = start(function() return json '[{"agent":"A(1)"},{"agent":"B(2)"},{"agent":"C(3)"}]' end)
    local stream = client:agents { limit = 2 }
    assert.equal("ccaas.Stream (xima agents)", tostring(stream))
    assert.equal("A", stream:next().name)
    assert.equal("B", stream:next().name)
    assert.is_nil(stream:next())
    local names = {}
    for agent in client:agents():each() do
      names[#names + 1] = agent.name
    end
    assert.same({ "A", "B", "C" }, names)
    for page in client:agents():pages() do
      assert.equal("C", page.rows[3].name)
    end
  end)
end)

describe("skills", function()
  for _, form in ipairs { "bare", "key" } do
    it(("have an id and a name (%s)"):format(form), function()
      local sandbox = helper.sandbox { queues = 12, list = form, strict = true }
      local list = assert(ccaas.new(sandbox:options("xima")):skills():all())
      assert.equal(12, #list)
      assert.equal(101, list[1].id)
      assert.is_string(list[1].name)
    end)
  end

  it("are the error protocol where they are none", function()
    for _, body in ipairs { '{"agents":[{"id":1}]}', "{}", "7", '{"skills":{"id":1}}', "<html>" } do
      local client = start(function() return json(body) end)
      local list, err = client:skills():all()
      assert.is_nil(list)
      assert.equal("protocol", err.code)
    end
  end)
end)

describe("metrics", function()
  local sandbox, client

  setup(function()
    sandbox = helper.sandbox { agents = 10, queues = 5, strict = true, pending = { "103" }, forbidden = { "105" } }
    client = ccaas.new(sandbox:options("xima"))
  end)

  before_each(function()
    sandbox:clear_requests()
  end)

  for _, form in ipairs { "bare", "key" } do
    it(("are definitions (%s)"):format(form), function()
      sandbox:set { list = form }
      local list = assert(client:metrics())
      assert.equal(9, #list)
      assert.same({ "101", "Calls Presented", "AGENT" }, { list[1].id, list[1].name, list[1].category })
      assert.equal("Alan (Al) Jones(271)", list[1].selection[1])
      assert.is_nil(list[1].metricId)
      assert.equal("K0FLAEB6", list[9].id)
      assert.equal("/rest/api/v1/realtime/metrics", sandbox:requests()[1].target)
    end)
  end

  it("are those that were asked for, each id by itself on the wire", function()
    for _, ids in ipairs { { "102", "K0FLAEB6" }, "102, K0FLAEB6" } do
      sandbox:clear_requests()
      local list = assert(client:metrics { ids = ids })
      assert.same({ "102", "K0FLAEB6" }, { list[1].id, list[2].id })
      assert.equal("/rest/api/v1/realtime/metrics?id=102&id=K0FLAEB6", sandbox:requests()[1].target)
    end
    local other, s = start(function() return json "[]" end)
    assert.same({}, assert(other:metrics { ids = { "a b", "ü&id=7", "c,d" } }))
    assert.equal("/rest/api/v1/realtime/metrics?id=a%20b&id=%C3%BC%26id%3D7&id=c%2Cd", s.requests[1].target)
  end)

  it("keep what is not known of them", function()
    local other = start(function()
      return json('[{"metricId":"1","metricName":"N","categoryType":"AGENT","categorySelection":[],"unit":"s",'
        .. '"id2":[7]}]')
    end)
    assert.same({ { id = "1", name = "N", category = "AGENT", selection = {}, unit = "s", id2 = { 7 } } },
      assert(other:metrics()))
  end)

  it("have values, and some are not ready", function()
    local got = assert(client:metric_values { "101", "103", "107" })
    assert.same({ "103" }, got.pending)
    assert.equal(10 + 5, #got.values)
    local first = got.values[1]
    assert.same({ "update", "101", "Alan (Al) Jones(271)", "COUNT", true },
      { first.type, first.metric_id, first.category, first.kind, first.snapshot })
    assert.equal("number", type(first.value))
    assert.matches("^2026%-06%-", first.updated_at)
    assert.equal("/rest/api/v1/realtime/metrics/values?id=101&id=103&id=107", sandbox:requests()[1].target)
  end)

  it("have values of kinds that are not known, which are passed on whole", function()
    local got = assert(client:metric_values "107")
    assert.equal("PERCENTAGE", got.values[1].kind)
    assert.equal("number", type(got.values[1].value.percentage))
    local other = start(function()
      return json('{"results":[{"key":{"metricId":"1","categoryValue":"A"},"value":{"type":"PAIR","a":1,"b":[2]}},'
        .. '{"key":{"metricId":"2","categoryValue":"A"},"value":{"type":"COUNT","count":0}}],"later":["9",8]}')
    end)
    got = assert(other:metric_values { "1", "2" })
    assert.same({ type = "PAIR", a = 1, b = { 2 } }, got.values[1].value)
    assert.equal(0, got.values[2].value)
    assert.same({ "9", "8" }, got.pending)
  end)

  it("in any number are asked for in as many requests as they need", function()
    local ids = {}
    for i = 1, 2000 do
      ids[i] = "metric-" .. i
    end
    local other, s = start(function(request)
      assert.is_true(#request.line <= 8000)
      local results = {}
      for id in request.target:gmatch("id=([^&]+)") do
        results[#results + 1] = ('{"key":{"metricId":"%s","categoryValue":"A"},"value":{"type":"COUNT","count":1}}')
          :format(id)
      end
      return json('{"results":[' .. table.concat(results, ",") .. '],"pending":["p"]}')
    end)
    local got = assert(other:metric_values(ids))
    assert.is_true(#s.requests > 2)
    assert.equal(2000, #got.values)
    assert.equal("metric-2000", got.values[2000].metric_id)
    assert.equal(#s.requests, #got.pending)
  end)

  it("that the tenant lacks are the error not_found", function()
    sandbox:set { values = false }
    for _, form in ipairs { "json", "text", "empty" } do
      sandbox:set { errors = form }
      local got, err = client:metric_values { "101" }
      assert.is_nil(got)
      assert.equal("not_found", err.code)
      assert.equal(404, err.status)
      assert.equal(1, #err.attempts)
    end
    sandbox:set { values = true, errors = "mixed" }
    assert.equal("not_found", select(2, client:metrics { ids = { "no-such" } }).code)
    assert.equal("forbidden", select(2, client:metrics { ids = { "105" } }).code)
    assert.equal("forbidden", select(2, client:metric_values { "105" }).code)
  end)

  it("that are not what they should be are the error protocol", function()
    for _, body in ipairs {
      "{}", "[]", "7", '{"results":{"a":1}}', '{"results":[7]}', '{"results":[{"key":"1","value":{}}]}',
      '{"results":[{"value":{"count":1}}]}', '{"results":[null]}', "<html>",
    } do
      local other = start(function() return json(body) end)
      local got, err = other:metric_values { "1" }
      assert.is_nil(got, body)
      assert.equal("protocol", err.code, body)
    end
  end)

  it("called the wrong way raise", function()
    for _, case in ipairs {
      { "metric_values", nil, "needs a list of ids" }, { "metric_values", {}, "empty list" },
      { "metric_values", { 7 }, "must be a string" }, { "metric_values", 7, "a list of strings" },
      { "metric_values", { id = "1" }, "must be a list" }, { "metrics", { ids = {} }, "empty list" },
      { "metrics", { id = "1" }, 'did you mean "ids"' }, { "agents", { key = "x" }, "unknown option `key`" },
    } do
      local fine, message = pcall(client[case[1]], client, case[2])
      assert.is_false(fine)
      assert.is_truthy(message:find(case[3], 1, true), message)
    end
    assert.equal(0, #sandbox:requests())
  end)
end)

-- Every call that there is, with a name: f(client).
local calls = {
  agents = function(c) return c:agents():all() end,
  skills = function(c) return c:skills():all() end,
  metrics = function(c) return c:metrics() end,
  metric_values = function(c) return c:metric_values { "101" } end,
  recordings = function(c) return c:recordings(DAY):all() end,
  historic_data = function(c) return c:historic_data("1001", DAY) end,
  audio = function(c)
    local rows, err = c:recordings { from = "2025-06-30", to = "2026-06-30", limit = 1 }:all()
    if not rows then
      return nil, err
    end
    return c:audio(rows[1])
  end,
}

describe("every request", function()
  it("says what it is about and what it takes, as the vendor requires", function()
    local sandbox = helper.sandbox { agents = 3, recordings = 10, audio_interval = 0, strict = true }
    local client = ccaas.new(sandbox:options("xima", { audio_interval = 0 }))
    for name, call in pairs(calls) do
      local got, err = call(client)
      assert.is_nil(err, name)
      assert.is_truthy(got)
    end
    for _, request in ipairs(sandbox:requests()) do
      local want = request.path:find("/audio$") and "audio/ogg" or "application/json"
      assert.equal(want, request.headers["content-type"])
      assert.equal(want, request.headers.accept)
      assert.equal("Bearer sandbox-xima-token", request.headers.authorization)
      assert.equal("ccaas/" .. ccaas._VERSION, request.headers["user-agent"])
      assert.equal(200, request.status)
    end
  end)

  it("that is refused is the error that the status says, whatever body that has", function()
    local sandbox = helper.sandbox { agents = 3, recordings = 10, audio_interval = 0 }
    local client = ccaas.new(sandbox:options("xima", { audio_interval = 0, retries = 0 }))
    local want = { [400] = "bad_request", [401] = "auth", [403] = "forbidden", [404] = "not_found",
      [429] = "rate_limited", [500] = "server", [503] = "server", [509] = "egress_capped" }
    for status, code in pairs(want) do
      for name, call in pairs(calls) do
        for _, form in ipairs { "json", "text", "empty" } do
          sandbox:set { errors = form }
          sandbox:fault { status = status, message = "Words of the vendor" }
          local got, err = call(client)
          assert.is_nil(got, name)
          assert.equal(code, err.code)
          assert.equal(status, err.status)
          assert.equal("xima", err.provider)
          assert.is_true(#err.message > 0)
          local shown = (err.body or ""):find("Words of the vendor", 1, true) ~= nil
          assert.equal(form ~= "empty", shown)
          assert.equal(form == "json" and "Words of the vendor" or err.message, err.message)
          assert.is_nil(tostring(err):find("sandbox-xima-token", 1, true))
        end
      end
    end
  end)

  it("in any body finds the vendor's words, and none that are not there", function()
    for body, words in pairs {
      ['{"message":"One"}'] = "One", ['{"error":"Two"}'] = "Two", ['{"error":{"message":"Three"}}'] = "Three",
      ['{"errorMessage":"Four"}'] = "Four", ['{"title":"Five","detail":"Six"}'] = "Six",
    } do
      local client = start(function() return json(body, 403) end)
      local _, err = client:metrics()
      assert.matches(words, err.message, 1, true)
    end
    for _, body in ipairs { "", "null", "[]", "{", "\0\255", ("x"):rep(100000), "<html>" } do
      local client = start(function() return json(body, 403) end)
      local _, err = client:metrics()
      assert.equal("forbidden", err.code)
      assert.is_true(#err.message > 0 and #err.message < 600)
      assert.is_true(#(err.body or "") <= 512)
    end
  end)

  it("follows a redirect on the same origin, with its headers, and to no other in clear", function()
    local client, s
    client, s = start(function(request)
      assert.equal("Bearer T", request.headers.authorization)
      assert.equal("audio/ogg", request.headers.accept)
      if request.path == "/moved" then
        assert.equal("/moved?x=1", request.target)
        return server.answer("no audio")
      end
      local away = request.path:find("away", 1, true)
      return server.answer("", { status = 302, headers = {
        Location = away and "http://localhost:" .. s.port .. "/away" or "/moved?x=1" } })
    end)
    local bytes, err = client:audio { recordingKey = "K", tenantName = "t" }
    assert.is_nil(bytes)
    assert.matches("the audio is", err.message, 1, true)
    assert.equal(2, #s.requests)
    bytes, err = client:audio { recordingKey = "away", tenantName = "t" }
    assert.is_nil(bytes)
    assert.equal("protocol", err.code)
    assert.matches("redirect", err.message, 1, true)
    assert.equal(3, #s.requests)
  end)
end)

describe("a token", function()
  it("that is a string and refused is the error auth at once", function()
    local client, s = start(function() return json('{"message":"Expired"}', 401) end)
    for name, call in pairs(calls) do
      local before = #s.requests
      local got, err = call(client)
      assert.is_nil(got, name)
      assert.equal("auth", err.code)
      assert.equal(401, err.status)
      assert.is_false(err.retryable)
      assert.equal(before + 1, #s.requests)
    end
  end)

  it("that was replaced is the error auth, and the new one works", function()
    local sandbox = helper.sandbox { agents = 3 }
    local client = ccaas.new(sandbox:options("xima"))
    assert(client:agents():all())
    sandbox:set { xima_token = "new-token" }
    assert.equal("auth", select(2, client:agents():all()).code)
    assert(ccaas.new(sandbox:options("xima", { token = "new-token" })):agents():all())
  end)

  -- A server that takes some tokens only, and a client whose token is what
  -- `ask(reason, n)` gives.
  local function asking(ask, good, overrides)
    local reasons = {}
    local given = { token = function(reason)
      reasons[#reasons + 1] = reason
      return ask(reason, #reasons)
    end }
    for name, value in pairs(overrides or {}) do
      given[name] = value
    end
    local client, s = start(function(request)
      if not good[request.headers.authorization:match("^Bearer (.*)$")] then
        return json('{"message":"Refused"}', 401)
      end
      return json(request.method == "POST" and '{"body":true}' or '[{"agent":"A(1)"}]')
    end, given)
    return client, s, reasons
  end

  local function first_agent(client)
    local agent, err = client:agents():next()
    return agent and agent.name, err
  end

  it("of a function is asked for at the start, and kept", function()
    local client, s, reasons = asking(function(_, n) return "T" .. n end, { T1 = true })
    assert.equal(0, #reasons)
    local stream = client:agents()
    assert.equal(0, #reasons)
    assert.equal("A", stream:next().name)
    for _ = 1, 5 do
      assert.equal("A", first_agent(client))
    end
    assert.same({ "start" }, reasons)
    assert.equal(6, #s.requests)
  end)

  it("of a function is asked for again after a 401, and the call is made once more", function()
    local client, s, reasons = asking(function(_, n) return "T" .. n end, { T2 = true }, { retries = 0 })
    assert.equal("A", first_agent(client))
    assert.same({ "start", "refused" }, reasons)
    assert.equal(2, #s.requests)
    assert.equal("A", first_agent(client))
    assert.equal(3, #s.requests)
  end)

  it("of a function is asked for again in mid-life, also for a report", function()
    local good = { T1 = true }
    local client, s, reasons = asking(function(_, n) return "T" .. n end, good)
    assert.is_true(assert(client:historic_data("1", DAY)).body)
    good.T1, good.T2 = nil, true
    assert.is_true(assert(client:historic_data("1", DAY)).body)
    assert.same({ "start", "refused" }, reasons)
    assert.equal(3, #s.requests)
    assert.equal(s.requests[2].body, s.requests[3].body)
    assert.equal("Bearer T2", s.requests[3].headers.authorization)
  end)

  it("of a function that is refused a second time is the error auth", function()
    local client, s, reasons = asking(function(_, n) return "T" .. n end, {})
    local name, err = first_agent(client)
    assert.is_nil(name)
    assert.equal("auth", err.code)
    assert.equal(401, err.status)
    assert.matches("Refused", err.message, 1, true)
    assert.same({ "start", "refused" }, reasons)
    assert.equal(2, #s.requests)
  end)

  it("of a function is asked for once by many streams that are refused", function()
    local client, s, reasons = asking(function(_, n) return "T" .. n end, { T2 = true })
    at_once(s, 10, function() assert.equal("A", first_agent(client)) end)
    assert.same({ "start", "refused" }, reasons)
    assert.is_true(#s.requests <= 20)
  end)

  it("of a function is each client's own", function()
    local client, s, reasons = asking(function() return "T1" end, { T1 = true, T9 = true })
    local mine = ccaas.new(s:options { provider = "xima", token = function() return "T9" end, key = false,
      secret = false, token_url = false })
    assert.equal("A", first_agent(client))
    assert.equal("A", first_agent(mine))
    assert.equal("Bearer T9", s.requests[2].headers.authorization)
    assert.same({ "start" }, reasons)
  end)

  it("of a function that raises: the error is the caller's, and the next call asks anew", function()
    local problem = { mine = true }
    local client, s, reasons = asking(function(_, n)
      if n == 1 then
        error(problem, 0)
      end
      return "T" .. n
    end, { T2 = true })
    local fine, err = pcall(first_agent, client)
    assert.is_false(fine)
    assert.equal(problem, err)
    assert.equal(0, #s.requests)
    assert.equal("A", first_agent(client))
    assert.same({ "start", "start" }, reasons)
  end)

  it("of a function that raises ends each kind of call, and leaves nothing under way", function()
    for name, call in pairs(calls) do
      local broken = true
      local client = asking(function()
        if broken then
          error("no vault", 0)
        end
        return "T1"
      end, { T1 = true })
      local fine, err = pcall(call, client)
      assert.is_false(fine, name)
      assert.equal("no vault", err)
      broken = false
      assert.equal("A", first_agent(client))
    end
  end)

  it("of a function that gives rubbish is the error auth, and nothing is sent", function()
    for _, rubbish in ipairs { false, "", 7, {}, "a b", "a\r\nX-Injected: 1", "a\nb", "a\0b", "\255", "T\t" } do
      local client, s = asking(function() return rubbish or nil end, {})
      local name, err = first_agent(client)
      assert.is_nil(name)
      assert.equal("auth", err.code)
      assert.is_false(err.retryable)
      assert.matches("token function", err.message, 1, true)
      assert.equal(0, s.accepted)
      if type(rubbish) == "string" and #rubbish > 2 then
        assert.is_nil(tostring(err):find(rubbish, 1, true))
      end
    end
  end)

  it("of a function that gave rubbish is asked for anew by the next call", function()
    local client, _, reasons = asking(function(_, n) return n > 1 and "T2" or nil end, { T2 = true })
    assert.equal("auth", select(2, first_agent(client)).code)
    assert.equal("A", first_agent(client))
    assert.equal(2, #reasons)
  end)

  -- A client whose token function stops in mid-question until it is told what
  -- to answer: answers[n], by the spec's own coroutines.
  local function stopping()
    local answers, asked = {}, 0
    local client, s = asking(function()
      asked = asked + 1
      local mine = asked
      while answers[mine] == nil do
        -- As the loop's own wait does: a descriptor that tells nothing, and a moment.
        coroutine.yield(0, require("socket").gettime() + 0.005)
      end
      return answers[mine] or nil
    end, { T1 = true, T2 = true })
    return client, s, answers, function() return asked end
  end

  local function pause(condition)
    while not condition() do
      coroutine.yield(0, require("socket").gettime() + 0.005)
    end
  end

  it("of a function is asked for once by many streams, though it waits in there", function()
    local client, s, answers, asked = stopping()
    local got, tasks = 0, {}
    for i = 1, 20 do
      tasks[i] = function()
        assert.equal("A", first_agent(client))
        got = got + 1
      end
    end
    tasks[21] = function()
      pause(function() return asked() > 0 end)
      for _ = 1, 5 do
        coroutine.yield(0, require("socket").gettime())
      end
      assert.equal(0, #s.requests)
      answers[1] = "T1"
    end
    s:run(unpack(tasks))
    assert.equal(20, got)
    assert.equal(1, asked())
  end)

  it("of a function may come out of another call of this library", function()
    local inner, s = start(function(request)
      return json(request.headers.authorization == "Bearer T1" and '[{"agent":"A(1)"}]' or "{}")
    end)
    local client = ccaas.new(s:options { provider = "xima", key = false, secret = false, token_url = false,
      token = function()
        return assert(inner:request { path = "/access" }).body and "T1"
      end })
    at_once(s, 5, function() assert.equal("A", first_agent(client)) end)
    assert.equal(6, #s.requests)
    assert.equal("/access", s.requests[1].path)
  end)

  it("is asked of another stream when the one that was asked is closed", function()
    local client, s, answers, asked = stopping()
    local first = client:agents()
    s:run(
      function()
        local agent, err = first:next()
        assert.is_nil(agent)
        assert.equal("cancelled", err.code)
      end,
      function() assert.equal("A", first_agent(client)) end,
      function()
        pause(function() return asked() == 1 end)
        first:close()
        pause(function() return asked() == 2 end)
        answers[2] = "T2"
        pause(function() return #s.requests > 0 end)
        answers[1] = "T1"
      end
    )
    assert.equal(2, asked())
    assert.equal("Bearer T2", s.requests[1].headers.authorization)
  end)

  it("that comes from a stream which was closed is nobody's", function()
    for _, late in ipairs { false, "T1" } do
      local client, s, answers, asked = stopping()
      local first, done = client:agents(), false
      s:run(
        function()
          assert.equal("cancelled", select(2, first:next()).code)
          done = true
        end,
        function() assert.equal("A", first_agent(client)) end,
        function()
          pause(function() return asked() == 1 end)
          first:close()
          pause(function() return asked() == 2 end)
          answers[1] = late
          pause(function() return done end)
          assert.equal(0, #s.requests)
          answers[2] = "T2"
        end
      )
      assert.equal("Bearer T2", s.requests[1].headers.authorization)
    end
  end)

  it("is waited for within the deadline", function()
    local client, s, answers, asked = stopping()
    s:run(
      function() assert.equal("A", first_agent(client)) end,
      function()
        pause(function() return asked() == 1 end)
        local agent, err = client:agents({ deadline = 0.1 }):next()
        assert.is_nil(agent)
        assert.equal("timeout", err.code)
        answers[1] = "T1"
      end
    )
    assert.equal(1, asked())
  end)
end)

describe("a client of Xima", function()
  it("is made of a host and a token, and opens nothing", function()
    local client = ccaas.new { provider = "xima", host = "acme.xima.cloud", token = "s3cret-token" }
    assert.equal("ccaas.Client (xima https://acme.xima.cloud)", tostring(client))
    client:close()
    local client2 = ccaas.new { provider = "xima", host = "acme.xima.cloud:8443", token = print }
    assert.equal("ccaas.Client (xima https://acme.xima.cloud:8443)", tostring(client2))
  end)

  it("keeps nulls where it is told so", function()
    local client = start(function() return json '[{"agent":"A(1)","email":null}]' end, { null = ccaas.null })
    assert.equal(ccaas.null, client:agents():next().email)
  end)

  it("has request for what has no name", function()
    local client, s = start(function(request) return json(request.body ~= "" and request.body or "[1]") end)
    local answer = assert(client:request { path = "/rest/api/v1/other", query = { a = "b c" } })
    assert.equal("[1]", answer.body)
    assert.equal("/rest/api/v1/other?a=b%20c", s.requests[1].target)
    assert.equal("Bearer T", s.requests[1].headers.authorization)
  end)

  local wrong = {
    ["no host"] = { { token = "T" }, "needs option `host` (with xima), like \"acme.xima.cloud\"" },
    ["no token"] = { { host = "h" }, "needs option `token` (with xima)" },
    ["a host with a scheme"] = { { host = "https://acme.xima.cloud", token = "T" }, "option `host` is no host's name" },
    ["a host with a path"] = { { host = "acme.xima.cloud/x", token = "T" }, "option `host` is no host's name" },
    ["a host with a user"] = { { host = "a@b", token = "T" }, "option `host` is no host's name" },
    ["a host with a space"] = { { host = "a b", token = "T" }, "option `host` is no host's name" },
    ["a host with a query"] = { { host = "a?b", token = "T" }, "option `host` is no host's name" },
    ["a host with a wrong port"] = { { host = "a:99999", token = "T" }, "option `host` is no host's name" },
    ["an empty host"] = { { host = "", token = "T" }, "option `host`" },
    ["a host that is no string"] = { { host = 7, token = "T" }, "option `host`" },
    ["an empty token"] = { { host = "h", token = "" }, "option `token` must be a string" },
    ["a token that is none"] = { { host = "h", token = 77777 }, "option `token` must be a string" },
    ["a token with a line end"] = { { host = "h", token = "77777\n" }, "option `token` has control characters" },
    ["an address in clear"] = { { base_url = "http://acme.xima.cloud", token = "T" }, "http:// to another machine" },
    ["a key"] = { { host = "h", token = "T", key = "K" }, "unknown option `key`" },
    ["a tenant"] = { { host = "h", token = "T", tenant = "K" }, "unknown option `tenant`" },
    ["a negative interval"] = { { host = "h", token = "T", audio_interval = -1 }, "option `audio_interval`" },
    ["an interval that is no number"] =
      { { host = "h", token = "T", audio_interval = "3" }, "option `audio_interval`" },
  }
  for name, case in pairs(wrong) do
    it("of " .. name .. " raises, and shows no secret", function()
      case[1].provider = "xima"
      local fine, message = pcall(ccaas.new, case[1])
      assert.is_false(fine)
      assert.is_truthy(message:find(case[2], 1, true), message)
      assert.is_truthy(message:find("ccaas.new", 1, true), message)
      assert.is_nil(message:find("77777", 1, true))
    end)
  end
end)
