-- The token of client credentials: asked for once, however many want it; kept;
-- renewed ahead of its end and after a 401.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"

local at_once = server.at_once

local function token(name, more)
  return server.answer(('{"access_token":"%s"%s}'):format(name, more or ',"expires_in":"1799"'))
end

-- Tokens T1, T2, ... one for each time it is asked.
local function count_tokens(more)
  local given = 0
  return function()
    given = given + 1
    return token("T" .. given, more)
  end
end

local row = server.named_row

local function refusal()
  return server.answer('{"fault":{"faultstring":"Access Token expired","detail":'
    .. '{"errorcode":"keymanagement.service.access_token_expired"}}}', { status = 401 })
end

-- Answers that token only.
local function only(name, answer)
  return function(request, conn)
    if request.headers.authorization ~= "Bearer " .. name then
      return refusal()
    end
    return (answer or row)(request, conn)
  end
end

describe("a token", function()
  it("is requested with the credentials as HTTP Basic and a form", function()
    local asked
    local s = server.start(row, function(request)
      asked = request
      return token "T1"
    end)
    local client = ccaas.new(s:options { key = "Aladdin", secret = "open sesame" })
    assert.are.equal("7", assert(client:queue("7")).id)
    assert.are.equal("POST", asked.method)
    assert.are.equal("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", asked.headers.authorization)
    assert.are.equal("application/x-www-form-urlencoded", asked.headers["content-type"])
    assert.are.equal("grant_type=client_credentials", asked.body)
    assert.are.equal("Bearer T1", s.requests[1].headers.authorization)
  end)

  it("is requested once, however many calls want it at the same time", function()
    local s = server.start(row, count_tokens())
    local client = ccaas.new(s:options())
    local rows = 0
    at_once(s, 50, function(i)
      assert.are.equal(tostring(i), assert(client:queue(tostring(i))).id)
      rows = rows + 1
    end)
    assert.are.equal(50, rows)
    assert.are.equal(1, s.tokens)
  end)

  it("is kept and used for every call after", function()
    local s = server.start(row, count_tokens())
    local client = ccaas.new(s:options())
    for i = 1, 20 do
      assert(client:queue(tostring(i)))
    end
    assert.are.equal(1, s.tokens)
    for _, request in ipairs(s.requests) do
      assert.are.equal("Bearer T1", request.headers.authorization)
    end
  end)

  it("is shared by the clients of equal credentials, and by no others", function()
    local s = server.start(row, count_tokens())
    local one, other = ccaas.new(s:options()), ccaas.new(s:options { tenant = "x", timeout = 3 })
    assert(one:queue("1"))
    assert(other:queue("1"))
    assert.are.equal(1, s.tokens)
    assert(ccaas.new(s:options { secret = "another" }):queue("1"))
    assert.are.equal(2, s.tokens)
    assert(ccaas.new(s:options { key = "another" }):queue("1"))
    assert.are.equal(3, s.tokens)
    one:close()
    assert(other:queue("1"))
    assert.are.equal(3, s.tokens)
  end)

  it("is renewed when a tenth of its life is left", function()
    local s = server.start(row, count_tokens ',"expires_in":"2"')
    local client = ccaas.new(s:options())
    assert(client:queue("1"))
    local asked_by = require("socket").gettime()
    s:serve(function() return require("socket").gettime() >= asked_by + 1.81 end)
    assert(client:queue("1"))
    assert.are.equal(2, s.tokens)
    assert.are.equal("Bearer T2", s.requests[#s.requests].headers.authorization)
  end)

  it("is not renewed before that", function()
    local s = server.start(row, count_tokens ',"expires_in":"60"')
    local client = ccaas.new(s:options())
    local ends = require("socket").gettime() + 1
    repeat
      assert(client:queue("1"))
    until require("socket").gettime() > ends
    assert.are.equal(1, s.tokens)
  end)

  it("that expires almost at once is used once by all calls that waited for it", function()
    local s = server.start(row, count_tokens ',"expires_in":"0.0001"')
    local client = ccaas.new(s:options())
    at_once(s, 10, function(i) assert(client:queue(tostring(i))) end)
    assert.are.equal(1, s.tokens)
    assert(client:queue("1"))
    assert.are.equal(2, s.tokens)
  end)
end)

describe("a 401 of the API", function()
  it("renews the token once and asks again once", function()
    local s = server.start(only "T2", count_tokens())
    local client = ccaas.new(s:options { retries = 0 })
    assert.are.equal("5", assert(client:queue("5")).id)
    assert.are.equal(2, s.tokens)
    assert.are.equal(2, #s.requests)
  end)

  it("renews and asks again for a request that is not idempotent, too", function()
    local s = server.start(only("T2", function(request) return server.answer(request.body) end), count_tokens())
    local client = ccaas.new(s:options())
    local answer = assert(client:request { method = "POST", path = "/x", body = "once" })
    assert.are.equal("once", answer.body)
    assert.are.equal(2, #s.requests)
  end)

  it("the second time is the error auth", function()
    local s = server.start(refusal, count_tokens())
    local row_given, err = ccaas.new(s:options()):queue("5")
    assert.is_nil(row_given)
    assert.are.equal("auth", err.code)
    assert.are.equal(401, err.status)
    assert.is_false(err.retryable)
    assert.are.equal("Access Token expired (keymanagement.service.access_token_expired)", err.message)
    assert.are.equal(2, #err.attempts)
    assert.are.equal("401", err.attempts[2].outcome)
    assert.are.equal(2, s.tokens)
    assert.are.equal(2, #s.requests)
  end)

  it("in the middle of a walk with eight pages in flight renews once and loses no row", function()
    local rows, waiting, refused = {}, 0, 0
    for i = 1, 40 do
      rows[i] = server.row(tostring(i))
    end
    local s = server.start(function(request, conn)
      local page = tonumber(request.query.page)
      if request.headers.authorization == "Bearer T1" and page > 3 then
        waiting = waiting + 1
        conn:hold(function() return waiting >= 8 end)
        refused = refused + 1
        return refusal()
      end
      return server.cut(request, rows)
    end, count_tokens())
    local client = ccaas.new(s:options { concurrency = 8, retries = 0 })
    local seen = {}
    for agent in client:agents { metrics = "status.rt", size = 2 } do
      seen[#seen + 1] = agent.id
    end
    assert.are.equal(40, #seen)
    for i, id in ipairs(seen) do
      assert.are.equal(tostring(i), id)
    end
    assert.is_true(refused >= 8 and refused <= 11, refused) -- late ones come with the old one, too
    assert.are.equal(2, s.tokens)
  end)

  it("that comes late, for a token renewed in the meantime, renews nothing", function()
    local late
    local s = server.start(function(request, conn)
      if request.headers.authorization == "Bearer T1" then
        if request.path:find("/slow$") then
          conn:hold(function() return late end)
        end
        return refusal()
      end
      late = true
      return row(request)
    end, count_tokens())
    local client = ccaas.new(s:options())
    s:run(
      function() assert(client:queue("slow")) end,
      function() assert(client:queue("quick")) end
    )
    assert.are.equal(2, s.tokens)
  end)

  it("is survived when every token of the sandbox expires between pages", function()
    local sandbox = helper.sandbox { agents = 30, queues = 3, groups = 2 }
    local client = ccaas.new(sandbox:options("8x8"))
    local count = 0
    for _ in client:agents { metrics = "status.rt", size = 2, concurrency = 1 } do
      count = count + 1
      if count % 10 == 1 then
        sandbox:expire_tokens()
      end
    end
    assert.are.equal(30, count)
    local refused, tokens = 0, 0
    for _, request in ipairs(sandbox:requests()) do
      refused = refused + (request.status == 401 and 1 or 0)
      tokens = tokens + (request.path == "/oauth/v2/token" and 1 or 0)
    end
    assert.is_true(refused >= 1 and refused <= 3, refused)
    assert.are.equal(refused + 1, tokens)
  end)
end)

describe("wrong credentials", function()
  for _, status in ipairs { 400, 401, 403 } do
    it(("told by %d are the error auth at once, without another attempt"):format(status), function()
      local s = server.start(row, function()
        return server.answer('{"ErrorCode":"invalid_client","Error":"ClientId is Invalid"}',
          { status = status, headers = { ["Content-Type"] = "application/problem+json" } })
      end)
      local given, err = ccaas.new(s:options()):queue("1")
      assert.is_nil(given)
      assert.are.equal("auth", err.code)
      assert.are.equal(status, err.status)
      assert.is_false(err.retryable)
      assert.are.equal("ClientId is Invalid (invalid_client)", err.message)
      assert.are.equal(s.url .. "/token", err.url)
      assert.are.equal("POST", err.method)
      assert.are.equal(1, #err.attempts)
      assert.are.equal(1, s.tokens)
      assert.are.equal(0, #s.requests)
    end)
  end

  it("make one token request in a burst of 50 calls", function()
    local sandbox = helper.sandbox { agents = 5, queues = 5, groups = 2 }
    local client = ccaas.new(sandbox:options("8x8", { secret = "wrong" }))
    for i = 1, 50 do
      local _, err = client:queue(tostring(i))
      assert.are.equal("auth", err.code)
      assert.are.equal(401, err.status)
    end
    assert.are.equal(1, #sandbox:requests())
  end)

  it("make one token request for 50 calls at once", function()
    local s = server.start(row, refusal)
    local client, failed = ccaas.new(s:options()), 0
    at_once(s, 50, function(i)
      local _, err = client:queue(tostring(i))
      assert.are.equal("auth", err.code)
      failed = failed + 1
    end)
    assert.are.equal(50, failed)
    assert.are.equal(1, s.tokens)
    assert.are.equal(0, #s.requests)
  end)
end)

describe("a token endpoint that fails", function()
  -- Fails so often, then gives a token.
  local function failing(times, answer, options)
    local s, asked = nil, {}
    s = server.start(row, function(request, conn)
      asked[#asked + 1] = request.at
      if s.tokens <= times then
        return answer(conn)
      end
      return token "T1"
    end)
    return s, ccaas.new(s:options(options)), asked
  end

  for _, status in ipairs { 429, 500, 502, 503, 504 } do
    it(("is asked again after %d"):format(status), function()
      local s, client = failing(2, function()
        return server.answer("", { status = status, headers = { ["Retry-After"] = 0 } })
      end)
      assert(client:queue("1"))
      assert.are.equal(3, s.tokens)
    end)
  end

  it("is not asked again before Retry-After is over", function()
    local s, client, asked = failing(1, function()
      return server.answer("", { status = 429, headers = { ["Retry-After"] = 1 } })
    end)
    assert(client:queue("1"))
    assert.are.equal(2, s.tokens)
    assert.is_true(asked[2] - asked[1] >= 0.99)
  end)

  it("is asked again after a reset", function()
    local s, client = failing(1, function(conn) conn:reset() end)
    assert(client:queue("1"))
    assert.are.equal(2, s.tokens)
  end)

  it("is asked again after a time-out", function()
    local s, client = failing(1, function(conn) conn:hold() end, { timeout = 1 })
    assert(client:queue("1"))
    assert.are.equal(2, s.tokens)
  end)

  it("fails the call when its attempts are used up, and names each", function()
    local s, client = failing(99, function()
      return server.answer('{"fault":{"faultstring":"Down for the night"}}',
        { status = 503, headers = { ["Retry-After"] = 0 } })
    end, { retries = 2 })
    local _, err = client:queue("1")
    assert.are.equal("server", err.code)
    assert.are.equal(503, err.status)
    assert.is_true(err.retryable)
    assert.are.equal(0, err.retry_after)
    assert.are.equal("Down for the night", err.message)
    assert.are.equal(3, s.tokens)
    assert.are.equal(3, #err.attempts)
    for _, attempt in ipairs(err.attempts) do
      assert.are.equal("503", attempt.outcome)
    end
    _, err = client:queue("1")
    assert.are.equal("server", err.code)
    assert.are.equal(6, s.tokens)
  end)

  it("fails all waiting calls, after one round of attempts", function()
    local s, client = failing(99, function()
      return server.answer("", { status = 503, headers = { ["Retry-After"] = 0 } })
    end, { retries = 1 })
    at_once(s, 20, function(i)
      local _, err = client:queue(tostring(i))
      assert.are.equal("server", err.code)
      assert.are.equal(2, #err.attempts)
    end)
    assert.are.equal(2, s.tokens)
  end)
end)

describe("a call that requests a token", function()
  it("and is closed meanwhile is cancelled", function()
    local client
    local s = server.start(row, function()
      client:close()
      return token "T1"
    end)
    client = ccaas.new(s:options())
    local stream = client:queues()
    local given, err = stream:next()
    assert.is_nil(given)
    assert.are.equal("cancelled", err.code)
    assert.are.equal(0, #s.requests)
  end)

  it("and is closed in the middle of its request leaves the token to the others", function()
    local stream
    local s = server.start(row, function()
      stream:close()
      return token "T1"
    end)
    local client, other = ccaas.new(s:options()), ccaas.new(s:options())
    local got = 0
    stream = client:queues()
    s:run(
      function()
        local _, err = stream:next()
        assert.are.equal("cancelled", err.code)
      end,
      function()
        assert(client:queue("1"))
        got = got + 1
      end,
      function()
        assert(other:queue("2"))
        got = got + 1
      end
    )
    assert.are.equal(2, got)
    assert.are.equal(1, s.tokens)
  end)

  it("and is closed with its client leaves the token to another client", function()
    local client
    local s = server.start(row, function()
      client:close()
      return token "T1"
    end)
    client = ccaas.new(s:options())
    local other = ccaas.new(s:options())
    s:run(
      function() assert.are.equal("cancelled", select(2, client:queues():next()).code) end,
      function() assert(other:queue("2")) end
    )
    assert.are.equal(1, s.tokens)
  end)

  it("and is closed between two attempts leaves the next one to the others", function()
    local stream, s
    s = server.start(row, function()
      if s.tokens == 1 then
        stream:close()
        return server.answer("", { status = 503, headers = { ["Retry-After"] = 0 } })
      end
      return token "T1"
    end)
    local client = ccaas.new(s:options())
    stream = client:queues()
    s:run(
      function() assert.are.equal("cancelled", select(2, stream:next()).code) end,
      function() assert(client:queue("1")) end
    )
    assert.are.equal(2, s.tokens)
  end)

  it("and stops in the middle of its request does not hold others up", function()
    local answer
    local s = server.start(row, function(_, conn)
      conn:hold(function() return answer end)
      return token "T1"
    end)
    local client = ccaas.new(s:options())
    local left = client:queues()
    local _, err = left:next(0.05)
    assert.are.equal("timeout", err.code)
    answer = true
    assert(client:queue("1"))
    assert.are.equal(1, s.tokens)
    left:close()
  end)

  it("and is collected in the middle of its request does not hold others up", function()
    local answer
    local s = server.start(row, function(_, conn)
      conn:hold(function() return answer end)
      return token "T1"
    end)
    local client = ccaas.new(s:options())
    assert.are.equal("timeout", select(2, client:queues():next(0.05)).code)
    collectgarbage()
    collectgarbage()
    answer = true
    assert(client:queue("1"))
    assert.are.equal(1, s.tokens)
  end)
end)
