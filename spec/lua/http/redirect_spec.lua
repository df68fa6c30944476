-- Redirects: which are followed, how often, and what goes along.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"

local function redirect(status, location)
  return server.answer("moved", { status = status, headers = { Location = location } })
end

local function one_row()
  return server.page { rows = { server.row("1") } }
end

-- A server and its client; `answer(request, n)` says what the nth request gets.
local function start(answer, overrides)
  local s
  s = server.start(function(request)
    return answer(request, #s.requests, s)
  end)
  local given = { retries = 0, tenant = "acme" }
  for name, value in pairs(overrides or {}) do
    given[name] = value
  end
  return s, ccaas.new(s:options(given))
end

local function targets(s)
  local list = {}
  for i, request in ipairs(s.requests) do
    list[i] = request.method .. " " .. request.target
  end
  return list
end

describe("a redirect of a GET on the same origin", function()
  for _, status in ipairs { 301, 302, 303, 307, 308 } do
    it("is followed (" .. status .. "), with all headers", function()
      local s, client = start(function(request, n)
        assert.equal("Bearer T0KEN", request.headers.authorization)
        assert.equal("acme", request.headers["x-tenant-info"])
        assert.equal("application/json", request.headers.accept)
        assert.equal("ccaas/" .. ccaas._VERSION, request.headers["user-agent"])
        return n == 1 and redirect(status, "/elsewhere?a=%20b&c") or one_row()
      end)
      local row = assert(client:queue("101"))
      client:close()
      assert.equal("1", row.id)
      assert.same({ "GET /queues/101", "GET /elsewhere?a=%20b&c" }, targets(s))
    end)
  end

  it("is followed wherever its address is relative to", function()
    for location, target in pairs {
      ["/x"] = "/x", ["x"] = "/queues/x", ["?y=1"] = "/queues/101?y=1", ["../x"] = "/x", ["./"] = "/queues/",
      ["/x#part"] = "/x", ["/a b"] = "/a%20b",
    } do
      local s, client = start(function(_, n)
        return n == 1 and redirect(302, location) or one_row()
      end)
      assert(client:queue("101"))
      client:close()
      assert.same({ "GET /queues/101", "GET " .. target }, targets(s))
    end
  end)

  it("is followed where the address is whole, in whatever case", function()
    local s, client = start(function(_, n, s)
      return n == 1 and redirect(302, "HTTP://127.0.0.1:" .. s.port .. "/x") or one_row()
    end)
    assert(client:queue("101"))
    client:close()
    assert.equal("Bearer T0KEN", s.requests[2].headers.authorization)
  end)

  it("does not end a stream: its rows come from the new address", function()
    local rows = {}
    for i = 1, 25 do
      rows[i] = server.row(tostring(i))
    end
    local s, client = start(function(request)
      if request.path == "/queues" then
        return redirect(307, "/moved?" .. request.target:match("%?(.*)"))
      end
      return server.cut(request, rows)
    end)
    assert.equal(25, #assert(client:queues({ size = 10 }):all()))
    client:close()
    assert.equal(6, #s.requests)
  end)

  it("is followed five times, and not a sixth time", function()
    for times, fine in pairs { [5] = true, [6] = false } do
      local s, client = start(function(_, n)
        return n <= times and redirect(302, "/step" .. n) or one_row()
      end)
      local row, err = client:queue("101")
      client:close()
      assert.equal(6, #s.requests)
      if fine then
        assert.equal("1", row.id)
      else
        assert.is_nil(row)
        assert.equal("protocol", err.code)
        assert.is_truthy(err.message:find("too many redirects"), err.message)
      end
    end
  end)

  it("that leads to itself ends after five, and is not retried", function()
    local s, client = start(function(request)
      return redirect(302, request.target)
    end, { retries = 4 })
    local _, err = client:queue("101")
    client:close()
    assert.equal("protocol", err.code)
    assert.is_false(err.retryable)
    assert.equal(6, #s.requests)
  end)

  it("may have a body of its own, which gives no row", function()
    local _, client = start(function(_, n)
      return n == 1 and server.answer('[{"id":"wrong"}]' .. (" "):rep(100000),
        { status = 302, headers = { Location = "/x", ["Content-Type"] = "application/json" } }) or one_row()
    end)
    assert.equal("1", assert(client:queue("101")).id)
    client:close()
  end)

  it("of a HEAD stays a HEAD", function()
    local s, client = start(function(_, n)
      return n == 1 and redirect(302, "/x"):gsub("\r\n\r\n.*", "\r\n\r\n") or "HTTP/1.1 200 OK\r\nX-Here: 1\r\n\r\n"
    end)
    assert.equal("1", assert(client:request { method = "HEAD", path = "/a" }).headers["x-here"])
    client:close()
    assert.same({ "HEAD /a", "HEAD /x" }, targets(s))
  end)
end)

describe("a redirect without a usable address", function()
  it("is an error, not an answer", function()
    local cases = { missing = false, empty = "", scheme = "gopher://127.0.0.1/", file = "file:///etc/passwd",
      script = "javascript:alert(1)", port = "http://127.0.0.1:99999/", bracket = "http://[::1/",
      user = "http://user:word@127.0.0.1:%d/x" }
    for name, location in pairs(cases) do
      local s, client = start(function(_, n, s)
        if n > 1 then
          return one_row()
        end
        return location and redirect(302, (location:gsub("%%d", s.port))) or server.answer("", { status = 302 })
      end)
      local row, err = client:queue("101")
      client:close()
      assert.is_nil(row, name)
      assert.equal("protocol", err.code, name)
      assert.is_false(err.retryable, name)
      assert.equal(1, #s.requests, name)
      assert.is_nil(tostring(err):find("word", 1, true))
    end
  end)

  it("with two addresses goes to the first, or fails", function()
    local s, client = start(function(_, n)
      return n == 1 and "HTTP/1.1 302 Found\r\nLocation: /one\r\nLocation: /two\r\nContent-Length: 0\r\n\r\n"
        or one_row()
    end)
    local row = client:queue("101")
    client:close()
    assert.is_true(row == nil or s.requests[2].target == "/one")
  end)
end)

describe("a redirect to another origin without https", function()
  it("is refused, and the other origin gets no request", function()
    for _, to in ipairs { "http://127.0.0.1:%d/x", "http://localhost:%d/queues/101", "//127.0.0.1:%d/x" } do
      local other = server.start(one_row)
      local s, client = start(function()
        return redirect(302, to:format(other.port))
      end)
      local row, err = client:queue("101")
      client:close()
      s:serve()
      other:serve()
      assert.is_nil(row)
      assert.equal("protocol", err.code)
      assert.is_truthy(err.message:find("without https", 1, true), err.message)
      assert.equal(0, other.accepted)
      assert.equal(1, #s.requests)
    end
  end)

  it("is refused for another name of the same machine and port", function()
    local s, client = start(function(_, n, s)
      return n == 1 and redirect(302, ("http://localhost:%d/x"):format(s.port)) or one_row()
    end)
    local row, err = client:queue("101")
    client:close()
    assert.is_nil(row)
    assert.equal("protocol", err.code)
    assert.equal(1, #s.requests)
  end)
end)

describe("a redirect to another origin with https", function()
  local first, second, ca_file, token_of

  setup(function()
    first = helper.sandbox { agents = 5, queues = 3, groups = 1, tls = true }
    second = helper.sandbox { agents = 5, queues = 3, groups = 1, tls = true }
    ca_file = helper.folder() .. "/both.pem"
    local file = assert(io.open(ca_file, "w"))
    file:write(helper.read(first.ca_file), helper.read(second.ca_file))
    file:close()
    token_of = function(sandbox)
      for _, request in ipairs(sandbox:requests()) do
        local token = (request.headers.authorization or ""):match("^Bearer (.+)")
        if token then
          return token
        end
      end
    end
  end)

  before_each(function()
    for _, sandbox in ipairs { first, second } do
      sandbox:clear_faults()
      sandbox:clear_requests()
    end
  end)

  local function new()
    return ccaas.new(first:options("8x8", { ca_file = ca_file, retries = 0, user_agent = "wallboard/2" }))
  end

  it("is followed by a GET, without the client's headers", function()
    first:fault { path = "/queues/101", status = 302, headers = { Location = second.url .. "/given?x=1" } }
    second:fault { path = "/given", status = 200, body = '{"id":"101","name":"there","metrics":[]}' }
    local client = new()
    local row, err = client:queue("101")
    client:close()
    assert(row, tostring(err))
    assert.equal("there", row.name)
    local seen = second:requests()
    assert.equal(1, #seen)
    assert.equal("GET", seen[1].method)
    assert.equal("/given?x=1", seen[1].target)
    for name, value in pairs(seen[1].headers) do
      assert.is_truthy(({ host = true, accept = true, ["accept-encoding"] = true })[name], name)
      assert.is_nil(value:find("acme", 1, true))
      assert.is_nil(value:find("wallboard", 1, true))
    end
    assert.is_truthy(token_of(first))
    assert.is_nil(token_of(second))
  end)

  it("is followed without client:request's own headers, too", function()
    first:fault { path = "/x", status = 307, headers = { Location = second.url .. "/given" } }
    second:fault { path = "/given", status = 200, body = "there" }
    local client = new()
    local answer = assert(client:request { path = "/x", headers = { ["X-Key"] = "t0p-secret", Cookie = "t0p" } })
    client:close()
    assert.equal("there", answer.body)
    local seen = second:requests()
    assert.is_nil(seen[1].headers["x-key"])
    assert.is_nil(seen[1].headers.cookie)
    assert.is_nil(seen[1].headers["x-tenant-info"])
  end)

  it("does not get the client's headers back by a redirect to the first origin", function()
    first:fault { path = "/queues/101", status = 302, headers = { Location = second.url .. "/given" } }
    second:fault { path = "/given", status = 302, headers = { Location = first.url .. "/back" } }
    first:fault { path = "/back", status = 200, body = '{"id":"101","metrics":[]}' }
    local client = new()
    assert(client:queue("101"))
    client:close()
    for _, request in ipairs(first:requests()) do
      if request.path == "/back" then
        assert.is_nil(request.headers.authorization)
        assert.is_nil(request.headers["x-tenant-info"])
        return
      end
    end
    error("it never came back")
  end)

  it("does not lead down to http from there", function()
    local plain = helper.sandbox { agents = 1, queues = 1, groups = 1 }
    first:fault { path = "/queues/101", status = 302, headers = { Location = plain.url .. "/x" } }
    local client = new()
    local row, err = client:queue("101")
    client:close()
    assert.is_nil(row)
    assert.equal("protocol", err.code)
    assert.equal(0, #plain:requests())
  end)

  it("has its certificate checked like any other", function()
    first:fault { path = "/queues/101", status = 302, headers = { Location = second.url .. "/given" } }
    local client = ccaas.new(first:options("8x8", { retries = 0 }))
    local row, err = client:queue("101")
    client:close()
    assert.is_nil(row)
    assert.equal("tls", err.code)
    assert.equal(0, #second:requests())
  end)

  it("is refused with a body", function()
    for _, status in ipairs { 301, 302, 303, 307, 308 } do
      first:fault { path = "/x", status = status, headers = { Location = second.url .. "/given" } }
      local client = new()
      local answer, err = client:request { method = "POST", path = "/x", body = "t0p-secret" }
      client:close()
      assert.is_nil(answer)
      assert.equal("protocol", err.code)
      assert.equal(0, #second:requests())
    end
  end)

  it("is never followed by the token request", function()
    for _, status in ipairs { 301, 302, 303, 307, 308 } do
      local there = second.url .. "/oauth/v2/token"
      first:fault { path = "/oauth/v2/token", status = status, headers = { Location = there } }
      local client = ccaas.new(first:options("8x8", { ca_file = ca_file, retries = 0, key = "key-" .. status }))
      local row, err = client:queue("101")
      client:close()
      assert.is_nil(row)
      assert.equal("protocol", err.code)
      assert.is_truthy(err.url:find("/oauth/v2/token", 1, true))
      assert.equal(0, #second:requests())
    end
  end)
end)

describe("a redirect of a request with a body", function()
  for _, status in ipairs { 307, 308 } do
    it("is followed on the same origin (" .. status .. "), method and body with it", function()
      for _, method in ipairs { "POST", "PUT", "PATCH" } do
        local s, client = start(function(_, n)
          return n == 1 and redirect(status, "/y") or server.answer("done")
        end)
        local answer = assert(client:request { method = method, path = "/x", body = { a = 1 } })
        client:close()
        assert.equal("done", answer.body)
        assert.same({ method .. " /x", method .. " /y" }, targets(s))
        assert.equal(s.requests[1].body, s.requests[2].body)
        assert.equal("application/json", s.requests[2].headers["content-type"])
        assert.equal("Bearer T0KEN", s.requests[2].headers.authorization)
        assert.equal("acme", s.requests[2].headers["x-tenant-info"])
      end
    end)
  end

  it("is refused when it would drop the body (301, 302, 303)", function()
    for _, status in ipairs { 301, 302, 303 } do
      for _, method in ipairs { "POST", "PUT", "DELETE" } do
        local s, client = start(function(_, n)
          return n == 1 and redirect(status, "/y") or server.answer("done")
        end, { retries = 2 })
        local answer, err = client:request { method = method, path = "/x", body = "a" }
        client:close()
        assert.is_nil(answer)
        assert.equal("protocol", err.code)
        assert.is_false(err.retryable)
        assert.equal(1, #s.requests)
      end
    end
  end)

  it("is refused to another origin", function()
    local other = server.start(one_row)
    for _, status in ipairs { 307, 308 } do
      local s, client = start(function()
        return redirect(status, other.url .. "/y")
      end)
      local answer, err = client:request { method = "POST", path = "/x", body = "a" }
      client:close()
      assert.is_nil(answer)
      assert.equal("protocol", err.code)
      assert.equal(1, #s.requests)
    end
    other:serve()
    assert.equal(0, other.accepted)
  end)

  it("is followed five times, and not a sixth time", function()
    local s, client = start(function(_, n)
      return redirect(307, "/step" .. n)
    end)
    local answer, err = client:request { method = "POST", path = "/x", body = "a" }
    client:close()
    assert.is_nil(answer)
    assert.equal("protocol", err.code)
    assert.equal(6, #s.requests)
  end)
end)

describe("a redirect of the token request", function()
  it("is followed on the same origin with its method, body and credentials (307, 308)", function()
    for _, status in ipairs { 307, 308 } do
      local asked = {}
      local s = server.start(function(request)
        if request.path == "/token2" then
          asked[#asked + 1] = request
          return server.answer('{"access_token":"T2","expires_in":"1799"}')
        end
        return one_row()
      end, function(request)
        asked[#asked + 1] = request
        return redirect(status, "/token2")
      end)
      local client = ccaas.new(s:options { retries = 0 })
      assert(client:queue("101"))
      client:close()
      assert.equal(2, #asked)
      assert.equal("POST", asked[2].method)
      assert.equal(asked[1].body, asked[2].body)
      assert.equal(asked[1].headers.authorization, asked[2].headers.authorization)
      assert.equal("Bearer T2", s.requests[#s.requests].headers.authorization)
    end
  end)

  it("is refused otherwise, and the secret goes nowhere else", function()
    local other = server.start(one_row)
    for _, status in ipairs { 301, 302, 303, 307, 308 } do
      local here = status < 304 and "/token2" or other.url .. "/token"
      local s = server.start(one_row, function()
        return redirect(status, here)
      end)
      local client = ccaas.new(s:options { retries = 0 })
      local row, err = client:queue("101")
      client:close()
      assert.is_nil(row)
      assert.equal("protocol", err.code)
      assert.equal(0, #s.requests)
      assert.equal(1, s.tokens)
    end
    other:serve()
    assert.equal(0, other.accepted)
  end)
end)

-- "The answer does not say how many pages there are", with the first address.
describe("a failure after a redirect", function()
  it("names the new address, without its query", function()
    local cases = {
      function() return server.answer("<html>Sign in</html>") end,
      function() return server.page { rows = { "nope" } } end,
      function() return server.page { rows = { '{"id":"1"', "}" } } end,
      function() return server.answer("no", { status = 403 }) end,
      function() return server.answer(("x"):rep(99), { headers = { ["Content-Encoding"] = "gzip" } }) end,
    }
    for _, answer in ipairs(cases) do
      local s, client = start(function(request)
        return request.path == "/sign/in" and answer() or redirect(302, "/sign/in?session=s3cret")
      end)
      local row, err = client:queues():next()
      assert.is_nil(row)
      assert.matches("(redirected to " .. s.url .. "/sign/in)", err.message, 1, true)
      assert.is_nil(tostring(err):find("s3cret", 1, true))
      assert.equal(s.url .. "/queues", err.url)
      client:close()
    end
  end)

  it("names it if no server is there, too, and not without a redirect", function()
    local s, client = start(function(request)
      return request.path == "/queues/2" and server.answer("", { status = 404 })
        or redirect(302, "https://127.0.0.1:1/sign?x=s3cret")
    end)
    local _, err = client:queue("1")
    assert.equal("connect", err.code)
    assert.matches("(redirected to https://127.0.0.1:1/sign)", err.message, 1, true)
    _, err = client:queue("2")
    assert.is_nil(err.message:find("redirected", 1, true))
    client:close()
    assert.is_truthy(s)
  end)
end)
