-- What is asked again, when, and how often; and which error it is at last.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local socket = require "socket"

local now = socket.gettime

local row, status, script = server.named_row, server.status, server.script

local function always(step)
  return setmetatable({}, { __index = function() return step end })
end

local function reset(conn) conn:reset() end
local function hang(conn) conn:hold() end

local function outcomes(err)
  local list = {}
  for i, attempt in ipairs(err.attempts) do
    list[i] = attempt.outcome
  end
  return list
end

describe("a status", function()
  -- Status, the error's code, whether it is asked again.
  local meanings = {
    { 304, "protocol", false },
    { 400, "bad_request", false },
    { 403, "forbidden", false },
    { 404, "not_found", false },
    { 405, "bad_request", false },
    { 408, "timeout", true },
    { 410, "not_found", false },
    { 422, "bad_request", false },
    { 429, "rate_limited", true },
    { 500, "server", true },
    { 501, "server", false },
    { 502, "server", true },
    { 503, "server", true },
    { 504, "server", true },
    { 509, "egress_capped", false },
    { 599, "server", false },
  }
  for _, meaning in ipairs(meanings) do
    local code, name, again = meaning[1], meaning[2], meaning[3]
    it(("%d is the error %s, %s"):format(code, name, again and "after its retries" or "at once"), function()
      local s = script(always(status(code, { ["Retry-After"] = 0 })))
      local given, err = ccaas.new(s:options { retries = 2 }):queue("1")
      assert.is_nil(given)
      assert.are.equal(name, err.code)
      assert.are.equal(code, err.status)
      assert.are.equal(again, err.retryable)
      assert.are.equal(again and 3 or 1, #s.requests)
      assert.are.equal(again and 3 or 1, #err.attempts)
      assert.are.equal(tostring(code), err.attempts[1].outcome)
    end)
    if again then
      it(("%d is got over when it passes"):format(code), function()
        local bad = status(code, { ["Retry-After"] = 0 })
        local s = script { bad, bad }
        assert.are.equal("1", assert(ccaas.new(s:options { retries = 2 }):queue("1")).id)
        assert.are.equal(3, #s.requests)
      end)
    end
  end
end)

describe("Retry-After", function()
  it("in seconds is obeyed", function()
    local s = script { status(429, { ["Retry-After"] = 1 }) }
    assert(ccaas.new(s:options()):queue("1"))
    assert.is_true(s.requests[2].at - s.requests[1].at >= 0.99)
  end)

  it("as a date is obeyed", function()
    local date = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + 2)
    local s = script { status(503, { ["Retry-After"] = date }) }
    assert(ccaas.new(s:options()):queue("1"))
    assert.is_true(s.requests[2].at - s.requests[1].at >= 0.9)
  end)

  it("as a date that is past means at once", function()
    local s = script { status(503, { ["Retry-After"] = "Sun, 06 Nov 1994 08:49:37 GMT" }) }
    local waits = {}
    assert(ccaas.new(s:options {
      on_event = function(event)
        if event.type == "wait" then
          waits[#waits + 1] = event.seconds
        end
      end,
    }):queue("1"))
    assert.are.same({ 0 }, waits)
  end)

  it("is told by the error, in seconds", function()
    local s = script(always(status(429, { ["Retry-After"] = 7 })))
    local _, err = ccaas.new(s:options { retries = 0 }):queue("1")
    assert.are.equal(7, err.retry_after)
  end)

  it("is absent if the server sent none", function()
    for _, headers in ipairs { {}, { ["Retry-After"] = "soon" }, { ["Retry-After"] = "-5" } } do
      local s = script(always(status(429, headers)))
      local _, err = ccaas.new(s:options { retries = 0 }):queue("1")
      assert.is_nil(err.retry_after)
    end
  end)

  it("past the deadline ends the call at once, with the server's own error", function()
    local s = script(always(status(429, { ["Retry-After"] = 3600 })))
    local began = now()
    local _, err = ccaas.new(s:options { deadline = 60 }):queue("1")
    assert.are.equal("rate_limited", err.code)
    assert.are.equal(3600, err.retry_after)
    assert.are.equal(1, #s.requests)
    assert.is_true(now() - began < 30)
  end)
end)

describe("without Retry-After", function()
  it("pauses grow from half a second and differ", function()
    local s = script(always(status(503)))
    local waits = {}
    local client = ccaas.new(s:options {
      retries = 2,
      on_event = function(event)
        if event.type == "wait" then
          waits[#waits + 1] = event.seconds
        end
      end,
    })
    for _ = 1, 3 do
      client:queue("1")
    end
    assert.are.equal(6, #waits)
    local different = {}
    for i, seconds in ipairs(waits) do
      assert.is_true(seconds >= 0)
      assert.is_true(seconds < (i % 2 == 1 and 0.5 or 1))
      different[seconds] = true
    end
    local count = 0
    for _ in pairs(different) do
      count = count + 1
    end
    assert.is_true(count > 3)
    for i = 1, 6, 2 do
      local first = math.floor(i / 2) * 3 + 1
      assert.is_true(s.requests[first + 1].at - s.requests[first].at >= waits[i] - 0.01)
    end
  end)
end)

describe("the gateway's throttle", function()
  for _, policy in ipairs { "SpikeArrestViolation", "QuotaViolation" } do
    for _, code in ipairs { 429, 500 } do
      it(("%s dressed as %d is rate_limited and asked again"):format(policy, code), function()
        local body = ('{"fault":{"faultstring":"Too fast","detail":{"errorcode":"policies.ratelimit.%s"}}}')
          :format(policy)
        local s = script(always(status(code, { ["Retry-After"] = 0 }, body)))
        local _, err = ccaas.new(s:options { retries = 1 }):queue("1")
        assert.are.equal("rate_limited", err.code)
        assert.are.equal(code, err.status)
        assert.is_true(err.retryable)
        assert.are.equal(2, #s.requests)
        assert.are.equal("Too fast (policies.ratelimit." .. policy .. ")", err.message)
      end)
    end
  end
end)

describe("the three dialects of error", function()
  local sandbox = helper.sandbox { agents = 5, queues = 5, groups = 2 }
  local client = ccaas.new(sandbox:options("8x8", { retries = 0 }))

  local function failing(fault)
    fault.path = "/queues/101"
    sandbox:fault(fault)
    return select(2, client:queue("101"))
  end

  it("are read: the gateway's", function()
    local err = failing { status = 503, dialect = "gateway" }
    assert.are.equal("server", err.code)
    assert.are.equal("The Service is temporarily unavailable (messaging.adaptors.http.flow.ServiceUnavailable)",
      err.message)
  end)

  it("are read: the service's own", function()
    local err = failing { status = 400, dialect = "service", message = "Bad request: no such thing" }
    assert.are.equal("bad_request", err.code)
    assert.are.equal("Bad request: no such thing", err.message)
    err = failing { status = 500, dialect = "service", message = "Oops" }
    assert.are.equal("server", err.code)
    assert.are.equal("Oops", err.message)
    assert.are.equal("ref-0001", err.request_id)
  end)

  it("are read: the token endpoint's", function()
    sandbox:fault { path = "/oauth/v2/token", status = 401, dialect = "token" }
    local _, err = ccaas.new(sandbox:options("8x8", { secret = "other" })):queue("101")
    assert.are.equal("auth", err.code)
    assert.are.equal("ClientId is Invalid (invalid_client)", err.message)
  end)

  it("and none at all is named by its status", function()
    for _, body in ipairs { "", "no JSON", "[]", '"text"', '{"message":42}', '{"message":""}', "<html>" } do
      local err = failing { status = 404, body = body }
      assert.are.equal("not_found", err.code)
      assert.are.equal(body == '{"message":42}' and "42" or "the server answered 404", err.message)
    end
  end)
end)

describe("a lost connection", function()
  it("before any answer is retried", function()
    local s = script { reset }
    assert(ccaas.new(s:options()):queue("1"))
    assert.are.equal(2, #s.requests)
  end)

  it("closed without an answer is retried", function()
    local s = script { function(conn) conn:close() end }
    assert(ccaas.new(s:options()):queue("1"))
    assert.are.equal(2, #s.requests)
  end)

  it("in the middle of a body is retried", function()
    for _, finish in ipairs { "reset", "close" } do
      local s = script { function(conn)
        conn:send(server.answer(server.row("1")):sub(1, -10))
        conn[finish](conn)
      end }
      assert.are.equal("1", assert(ccaas.new(s:options()):queue("1")).id)
      assert.are.equal(2, #s.requests)
    end
  end)

  it("in the middle of headers is retried", function()
    local s = script { function(conn)
      conn:send("HTTP/1.1 200 OK\r\nContent-Le")
      conn:close()
    end }
    assert(ccaas.new(s:options()):queue("1"))
  end)

  it("every time is the error network", function()
    local s = script(always(reset))
    local _, err = ccaas.new(s:options { retries = 1 }):queue("1")
    assert.are.equal("network", err.code)
    assert.is_nil(err.status)
    assert.is_true(err.retryable)
    assert.are.same({ "network", "network" }, outcomes(err))
  end)
end)

describe("a time-out", function()
  it("is asked again", function()
    local s = script { hang }
    assert(ccaas.new(s:options { timeout = 1 }):queue("1"))
    assert.are.equal(2, #s.requests)
  end)

  it("every time is the error timeout", function()
    local s = script(always(hang))
    local _, err = ccaas.new(s:options { timeout = 0.2, retries = 1 }):queue("1")
    assert.are.equal("timeout", err.code)
    assert.is_true(err.retryable)
    assert.are.same({ "timeout", "timeout" }, outcomes(err))
  end)
end)

describe("an answer that is not HTTP", function()
  it("is the error protocol at once", function()
    local s = script(always(function(conn)
      conn:send("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
      conn:close()
    end))
    local _, err = ccaas.new(s:options()):queue("1")
    assert.are.equal("protocol", err.code)
    assert.are.equal(1, #s.requests)
  end)
end)

describe("a server that does not listen", function()
  local function nowhere()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    listener:close()
    return "http://127.0.0.1:" .. port
  end

  it("is the error connect, after its retries", function()
    local s = server.start(row)
    local _, err = ccaas.new(s:options { base_url = nowhere(), retries = 1 }):queue("1")
    assert.are.equal("connect", err.code)
    assert.is_true(err.retryable)
    assert.are.same({ "connect", "connect" }, outcomes(err))
  end)

  it("for a token is the error connect, too", function()
    local s = server.start(row)
    local _, err = ccaas.new(s:options { token_url = nowhere() .. "/token", retries = 1 }):queue("1")
    assert.are.equal("connect", err.code)
    assert.are.same({ "connect", "connect" }, outcomes(err))
  end)

  it("is retried for a POST: nothing was sent", function()
    local s = server.start(row)
    local _, err = ccaas.new(s:options { base_url = nowhere(), retries = 1 })
      :request { method = "POST", path = "/x", body = "x" }
    assert.are.same({ "connect", "connect" }, outcomes(err))
  end)

  it("by a name that cannot be looked up is the error dns", function()
    local s = server.start(row)
    local _, err = ccaas.new(s:options { base_url = "https://" .. ("a"):rep(64) .. ".invalid", retries = 0 }):queue("1")
    assert.are.equal("dns", err.code)
  end)
end)

describe("a certificate that is not trusted", function()
  it("is the error tls at once", function()
    local sandbox = helper.sandbox { agents = 5, queues = 5, groups = 2, tls = true }
    local options = sandbox:options("8x8")
    options.ca_file = nil
    local _, err = ccaas.new(options):queue("101")
    assert.are.equal("tls", err.code)
    assert.is_false(err.retryable)
    assert.are.equal(1, #err.attempts)
    assert(ccaas.new(sandbox:options("8x8")):queue("101"))
  end)
end)

describe("the option retries", function()
  local busy = status(503, { ["Retry-After"] = 0 })

  it("is four when it is not given", function()
    local s = script(always(busy))
    local _, err = ccaas.new(s:options()):queue("1")
    assert.are.equal("server", err.code)
    assert.are.equal(5, #s.requests)
  end)

  for _, retries in ipairs { 0, 1, 7 } do
    it(("%d of a client means %d attempts"):format(retries, retries + 1), function()
      local s = script(always(busy))
      local _, err = ccaas.new(s:options { retries = retries }):queue("1")
      assert.are.equal(retries + 1, #s.requests)
      assert.are.equal(retries + 1, #err.attempts)
    end)
  end

  it("of a call overrides the client's", function()
    local s = script(always(busy))
    local client = ccaas.new(s:options { retries = 5 })
    local calls = {
      function() return client:queue("1", { retries = 1 }) end,
      function() return client:queues({ retries = 1 }):next() end,
      function() return client:request { path = "/x", retries = 1 } end,
      function() return client:agents_in_queue_groups { retries = 1 } end,
    }
    for i, call in ipairs(calls) do
      local _, err = call()
      assert.are.equal("server", err.code)
      assert.are.equal(2 * i, #s.requests)
    end
  end)

  it("counts for each page of a walk separately", function()
    local rows, failed = {}, {}
    for i = 1, 6 do
      rows[i] = server.row(tostring(i))
    end
    local s = server.start(function(request)
      if not failed[request.query.page] then
        failed[request.query.page] = true
        return busy
      end
      return server.cut(request, rows)
    end)
    assert.are.equal(6, #assert(ccaas.new(s:options { retries = 1 }):queues({ size = 1 }):all()))
  end)
end)

describe("the deadline", function()
  it("is never passed by retries, however many", function()
    local s = script(always(status(503)))
    local began = now()
    local _, err = ccaas.new(s:options { retries = 100, deadline = 0.5 }):queue("1")
    assert.is_true(err.code == "server" or err.code == "timeout", err.code)
    assert.is_true(now() - began < 5)
    for _, request in ipairs(s.requests) do
      assert.is_true(request.at <= began + 2)
    end
  end)
end)

describe("the attempts of an error", function()
  it("are all listed, in order, with their time, duration and outcome", function()
    local function cut(conn)
      conn:send("HTTP/1.1 200 OK\r\n")
      conn:close()
    end
    local s = script { cut, status(503, { ["Retry-After"] = 0 }), hang, status(404) }
    local began = now()
    local _, err = ccaas.new(s:options { timeout = 1 }):queue("1")
    assert.are.equal("not_found", err.code)
    assert.are.same({ "network", "503", "timeout", "404" }, outcomes(err))
    for i, attempt in ipairs(err.attempts) do
      assert.is_true(attempt.at >= (i > 1 and err.attempts[i - 1].at or began - 1))
      assert.is_true(attempt.at <= now() + 1)
      assert.is_true(attempt.seconds >= 0 and attempt.seconds < now() - began + 1)
    end
    assert.is_true(err.attempts[3].seconds >= 0.99)
  end)

  it("include those before a 401", function()
    local s = script { status(503, { ["Retry-After"] = 0 }), status(401), status(401) }
    local _, err = ccaas.new(s:options()):queue("1")
    assert.are.equal("auth", err.code)
    assert.are.same({ "503", "401", "401" }, outcomes(err))
  end)
end)
