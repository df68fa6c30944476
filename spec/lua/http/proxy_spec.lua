-- A proxy that refuses what goes through it, or that cannot be reached: the error
-- names it, and a wrong password is sent once.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local socket = require "socket"

local PASSWORD = "t0p-secret"

-- A proxy that answers each request with that status.
local function refusing(status, headers)
  local all = { Connection = "close" }
  for name, value in pairs(headers or {}) do
    all[name] = value
  end
  return server.start(function()
    return server.answer("<p>no</p>", { status = status, headers = all })
  end)
end

local function with_password(url)
  return (url:gsub("//", "//user:" .. PASSWORD .. "@"))
end

-- A client of a server that only this proxy could reach.
local function client_by(proxy, overrides)
  local options = { provider = "xima", host = "example.test", token = "T", proxy = with_password(proxy.url),
    loop = proxy.loop }
  for name, value in pairs(overrides or {}) do
    options[name] = value or nil
  end
  return ccaas.new(options)
end

local x8 = { provider = "8x8", key = "key", secret = "secret", host = false, token = false,
  base_url = "https://example.test", token_url = "https://example.test/token" }

local function check_407(proxy, err)
  assert.equal("connect", err.code)
  assert.equal(407, err.status)
  assert.is_false(err.retryable)
  assert.equal(("the proxy 127.0.0.1:%d: its user and password were refused, or are missing (407)"):format(proxy.port),
    err.message)
  assert.is_nil(tostring(err):find(PASSWORD, 1, true))
end

-- The same wrong password went out five times in a call, which locks accounts.
describe("a proxy that answers 407", function()
  it("is asked once, and is error connect, which names it", function()
    local proxy = refusing(407)
    local rows, err = client_by(proxy):agents():all()
    assert.is_nil(rows)
    check_407(proxy, err)
    assert.equal(1, #err.attempts)
    assert.equal(1, #proxy.requests)
    assert.equal("CONNECT example.test:443 HTTP/1.1", proxy.requests[1].line)
  end)

  it("is asked once for a request without TLS, too", function()
    local proxy = refusing(407)
    local rows, err = client_by(proxy, { base_url = "http://127.0.0.1:9" }):agents():all()
    assert.is_nil(rows)
    check_407(proxy, err)
    assert.is_nil(err.body)
    assert.equal(1, #proxy.requests)
    assert.equal("GET", proxy.requests[1].method)
  end)

  it("is asked once for a request that is not retried, and for a file", function()
    local proxy, folder = refusing(407), helper.folder()
    local answer, err = client_by(proxy):request { method = "POST", path = "/x", body = "x" }
    assert.is_nil(answer)
    check_407(proxy, err)
    answer, err = client_by(proxy):historic_data("1", { from = "2026-01-01", to = "2026-01-02", format = "PDF",
      file = folder .. "/report.pdf" })
    assert.is_nil(answer)
    check_407(proxy, err)
    assert.equal(2, #proxy.requests)
  end)

  it("is asked once for the token of ten calls at once", function()
    local proxy, failed = refusing(407), 0
    local client = client_by(proxy, x8)
    server.at_once(proxy, 10, function(i)
      local row, err = client:queue(tostring(i))
      assert.is_nil(row)
      check_407(proxy, err)
      assert.equal("https://example.test/token", err.url)
      failed = failed + 1
    end)
    assert.equal(10, failed)
    assert.equal(1, #proxy.requests)
  end)

  it("renews no token", function()
    local proxy, reasons = refusing(407), {}
    local client = client_by(proxy, { token = function(reason)
      reasons[#reasons + 1] = reason
      return "T"
    end })
    for _ = 1, 2 do
      check_407(proxy, select(2, client:agents():all()))
    end
    assert.same({ "start" }, reasons)
  end)

  it("ends a watch", function()
    local proxy = refusing(407)
    local watch = client_by(proxy, x8):watch("queues")
    local event = assert(watch:next(10))
    assert.equal("down", event.type)
    check_407(proxy, event.error)
    event = { watch:next(10) }
    assert.is_nil(event[1])
    check_407(proxy, event[2])
    watch:close()
    assert.equal(1, #proxy.requests)
  end)
end)

-- A subscription sent the same wrong password without end.
-- libcurl read such an answer to its end, byte by byte, and did nothing else: others of
-- the state got nothing meanwhile, and neither a deadline nor an exit was seen.
describe("a proxy whose refusal does not end", function()
  local ENDLESS = [[
import socket, threading
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(9)
print(listener.getsockname()[1], flush=True)
def serve(taken):
    try:
        taken.recv(65536)
        taken.sendall(b"HTTP/1.1 407 No\r\nContent-Length: 99999999999\r\n\r\n")
        while True:
            taken.sendall(b"x" * 65536)
    except OSError:
        taken.close()
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
]]

  it("holds up no deadline, and no other client", function()
    local out = helper.folder() .. "/port"
    local _, pid = helper.run("python3 -c " .. helper.quote(ENDLESS) .. " >" .. out .. " 2>&1 & echo $!")
    finally(function() os.execute("kill " .. pid) end)
    local other = server.start(function() return server.answer "{}" end)
    other:serve(function() return helper.read(out):find("\n") end)
    local port = helper.read(out):match("%d+")
    local proxy = { url = "http://127.0.0.1:" .. port, port = port, loop = other.loop }
    local rows, err = client_by(proxy, { deadline = 5 }):agents():all()
    assert.is_nil(rows)
    check_407(proxy, err)
    assert(ccaas.new(other:options { deadline = 5 }):request { path = "/x" })
  end)
end)

describe("a proxy that answers 407 to a subscription", function()
  it("is asked once, and ends it by an error that names the proxy", function()
    local proxy = refusing(407)
    local events = client_by(proxy):subscribe({ "1" }, { snapshot = false })
    local event, err = events:next(10)
    assert.is_nil(event)
    assert.equal("connect", err.code)
    assert.is_false(err.retryable)
    assert.equal("the proxy 127.0.0.1:" .. proxy.port .. ": ", err.message:match("^the proxy %S+ "))
    assert.is_nil(tostring(err):find(PASSWORD, 1, true))
    assert.equal(1, #proxy.requests)
    assert.equal("CONNECT", proxy.requests[1].method)
    events:close()
  end)

  it("is asked again where there is no password to lock", function()
    local proxy = refusing(503)
    local client = client_by(proxy, { proxy = proxy.url })
    local events = client:subscribe({ "1" }, { snapshot = false, max_reconnects = 1 })
    local event = assert(events:next(10))
    assert.equal("down", event.type)
    assert.equal("connect", event.error.code)
    assert.is_true(event.error.retryable)
    assert.equal("connect", select(2, events:next(20)).code)
    assert.equal(2, #proxy.requests)
    events:close()
  end)
end)

describe("a proxy that answers", function()
  for _, status in ipairs { 403, 405 } do
    it(status .. " to CONNECT is named, and is not asked again", function()
      local proxy = refusing(status)
      local _, err = client_by(proxy):agents():all()
      assert.equal("connect", err.code)
      assert.equal(status, err.status)
      assert.is_false(err.retryable)
      assert.equal(("the proxy 127.0.0.1:%d: refused the connection with status %d"):format(proxy.port, status),
        err.message)
      assert.equal(1, #proxy.requests)
    end)
  end

  for _, status in ipairs { 429, 502, 503 } do
    it(status .. " to CONNECT is named, and is asked again", function()
      local proxy = refusing(status)
      -- Not even a request that must not be sent twice was sent.
      local _, err = client_by(proxy, { retries = 1 }):request { method = "POST", path = "/x", body = "x" }
      assert.equal("connect", err.code)
      assert.equal(status, err.status)
      assert.is_true(err.retryable)
      assert.equal(("the proxy 127.0.0.1:%d: refused the connection with status %d"):format(proxy.port, status),
        err.message)
      assert.equal(2, #proxy.requests)
      assert.equal(2, #err.attempts)
    end)
  end
end)

describe("a proxy that cannot be reached", function()
  local function closed_port()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local port = select(2, listener:getsockname())
    listener:close()
    return port
  end

  it("is named, whichever step of the way to it fails", function()
    local tls = helper.sandbox { tls = true }
    local port, tls_port = closed_port(), tls:options("8x8").base_url:match(":(%d+)")
    local names = {
      ["http://127.0.0.1:" .. port] = { "connect", "127.0.0.1:" .. port },
      ["http://no-such-host.invalid:1"] = { "dns", "no-such-host.invalid:1" },
      ["https://127.0.0.1:" .. tls_port] = { "tls", "127.0.0.1:" .. tls_port },
      ["socks5://127.0.0.1:" .. port] = { "connect", "127.0.0.1:" .. port },
    }
    for url, expected in pairs(names) do
      for _, base in ipairs { "https://example.test", "http://127.0.0.1:9" } do
        local _, err = client_by({ url = url }, { base_url = base, retries = 0 }):agents():all()
        assert.equal(expected[1], err.code, url)
        assert.equal("the proxy " .. expected[2] .. ": ", err.message:match("^the proxy %S+ "), url)
        assert.is_nil(err.message:find(PASSWORD, 1, true))
      end
    end
  end)

  it("is named where it never answers", function()
    local proxy = server.start(function(_, conn) conn:hold() end)
    for _, options in ipairs { { timeout = 0.2 }, { connect_timeout = 0.2 } } do
      options.retries = 0
      local _, err = client_by(proxy, options):agents():all()
      assert.equal("timeout", err.code)
      assert.equal("the proxy 127.0.0.1:" .. proxy.port .. ": ", err.message:match("^the proxy %S+ "))
    end
  end)

  it("is named where the environment has it", function()
    local url = ("http://user:%s@127.0.0.1:%d"):format(PASSWORD, closed_port())
    local _, output = helper.run("env -u no_proxy -u NO_PROXY https_proxy=" .. url .. " " .. helper.command([[
      local client = require("ccaas").new { provider = "xima", host = "example.test", token = "T", retries = 0 }
      print(select(2, client:agents():all()).message)
    ]]))
    assert.equal("the proxy " .. url:match("@(.*)") .. ": ", output:match("^the proxy %S+ "), output)
    assert.is_nil(output:find(PASSWORD, 1, true))
  end)

  it("is not named in a failure behind it", function()
    local tls = helper.sandbox { tls = true }
    local proxy
    proxy = server.start(function(request, conn)
      local up = assert(socket.connect("127.0.0.1", tonumber(request.target:match(":(%d+)$"))))
      conn:send("HTTP/1.1 200 Connection established\r\n\r\n")
      repeat
        up:settimeout(10)
        assert(up:send(conn.input))
        conn.input = ""
        up:settimeout(0)
        local bytes, reason, partly = up:receive(65536)
        conn:send(bytes or partly)
      until reason == "closed" or not conn:hold(nil, 0.002)
      up:close()
      conn:close()
    end)
    local _, err = client_by(proxy, { base_url = tls:options("8x8").base_url }):agents():all()
    assert.equal("tls", err.code)
    assert.is_nil(err.message:find("proxy", 1, true))
  end)
end)

-- libcurl's message about a proxy's address that it cannot use has the whole
-- address in it, and so had our error: with the proxy's password.
describe("an error about a proxy of the environment that cannot be used", function()
  it("does not show its password, and is not retryable", function()
    local status, output = helper.run("env -u no_proxy -u NO_PROXY https_proxy=ftp://user:t0p-secret@127.0.0.1 "
      .. helper.command([[
        local client = require("ccaas").new { provider = "8x8", key = "k", secret = "s", retries = 2,
          base_url = "https://127.0.0.1:9", token_url = "https://127.0.0.1:9" }
        local row, err = client:queue("101")
        print(err, err.message, err.retryable)
      ]]))
    assert.equal(0, status, output)
    assert.is_nil(output:find("t0p-secret", 1, true), output)
    assert.is_truthy(output:find("proxy.*false\n$"), output)
  end)
end)
