-- Xima: tokens that are given, by a string or by a function, and whose they are.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local xima = require "spec.support.xima"

local unpack = table.unpack or unpack
local start, at_once = server.xima, server.at_once
local json, calls, DAY = xima.json, xima.calls, xima.DAY

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

  it("of a function that raises: the caller gets the error, and the next call asks again", function()
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

  it("of a function that gives an unusable value is error auth, and nothing is sent", function()
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

  -- It was the error of a token that is none, without the reason.
  it("of a function that gives a token with \"Bearer \" in front is a usage error", function()
    for _, token in ipairs { "Bearer abc", "bearer abc" } do
      local client, s = asking(function() return token end, {})
      local fine, message = pcall(first_agent, client)
      assert.is_false(fine)
      assert.matches('begins with "Bearer ": give the token alone', message, 1, true)
      assert.is_nil(message:find("abc", 1, true))
      assert.equal(0, s.accepted)
    end
  end)

  it("of a function that gave an unusable value is requested again by the next call", function()
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

  it("that comes for a stream which was closed is not used", function()
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
