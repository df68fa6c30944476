-- HTTP and websockets of one client trust the same certificates, and find the same
-- addresses.
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local websocket = require "spec.support.websocket"

-- What a process of its own, with these words in its environment, gets of a sandbox
-- with TLS: "http OUTCOME" and "ws OUTCOME".
local function outcomes(sandbox, environment, ca_file)
  local script = ([[
    local client = require("ccaas").new {
      provider = "xima", host = "127.0.0.1:%d", token = %q, ca_file = %s, retries = 0, audio_interval = 0 }
    local list, err = client:skills():all()
    print("http " .. (list and "fine" or err.code))
    local event
    event, err = client:subscribe({ "101" }, { snapshot = false, max_reconnects = 0 }):next(30)
    print("ws " .. (event and event.type == "open" and "fine" or (err or event.error).code))
  ]]):format(sandbox.port, sandbox:options("xima").token, ca_file and ("%q"):format(ca_file) or "nil")
  local status, output = helper.run(("env -u SSL_CERT_FILE -u SSL_CERT_DIR %s %s")
    :format(environment, helper.command(script)))
  assert(status == 0, output)
  return output
end

describe("the certificates that a client trusts", function()
  local sandbox, ours, folder, names

  setup(function()
    sandbox = helper.sandbox { tls = true, agents = 2, queues = 2, groups = 1 }
    ours = sandbox:options("xima").ca_file
    folder = helper.folder()
    names = folder .. "/names"
    local status, output = helper.run(("cd %s && mkdir names empty && openssl req -x509 -newkey rsa:2048 -nodes"
      .. " -keyout other.key -out other.pem -subj /CN=other && cp %s names/$(openssl x509 -noout -hash -in %s).0")
      :format(folder, ours, ours))
    assert(status == 0, output)
  end)

  local function check(environment, expected, ca_file)
    assert.equal(("http %s\nws %s\n"):format(expected, expected), outcomes(sandbox, environment, ca_file))
  end

  it("are those of ca_file", function()
    check("", "fine", ours)
    check("SSL_CERT_FILE=" .. ours, "tls", folder .. "/other.pem")
    check("SSL_CERT_DIR=" .. names, "tls", folder .. "/other.pem")
  end)

  -- libcurl reads neither: wss worked, and https did not.
  it("are those of SSL_CERT_FILE", function() check("SSL_CERT_FILE=" .. ours, "fine") end)
  it("are those of SSL_CERT_DIR", function() check("SSL_CERT_DIR=" .. names, "fine") end)

  it("are the system's otherwise", function()
    check("", "tls")
    check("SSL_CERT_FILE= SSL_CERT_DIR=", "tls")
    check("SSL_CERT_DIR=" .. folder .. "/empty", "tls")
  end)

  -- OpenSSL passes over it without a word, libcurl does not.
  it("are none where the file is missing", function() check("SSL_CERT_FILE=" .. folder .. "/none", "tls") end)
end)

describe("localhost", function()
  -- Where /etc/hosts knows it as 127.0.0.1 only, a websocket found nobody.
  for _, host in ipairs { "::1", "127.0.0.1" } do
    it(("is found by HTTP and by websocket where it is %s only"):format(host), function()
      local s
      s = server.start(function(request, conn)
        if not request.headers.upgrade then
          return server.answer('{"skills":[{"id":"1","name":"one"}]}', { headers = {
            ["Content-Type"] = "application/json",
          } })
        end
        conn:send(websocket.handshake(request) .. websocket.update(7))
        websocket.until_gone(conn)
      end, nil, host)
      local client = require("ccaas").new { provider = "xima", token = "T", loop = s.loop, retries = 0,
        base_url = "http://localhost:" .. s.port }
      assert.equal("one", assert(client:skills():all())[1].name)
      local live = client:subscribe({ "101" }, { snapshot = false, max_reconnects = 0 })
      local event, err = live:next(30)
      assert.equal("open", event and event.type, tostring(err))
      assert.equal(7, live:next(30).value)
      client:close()
    end)
  end

  it("is reached by its number, too", function()
    local s = server.start(function(request, conn)
      conn:send(websocket.handshake(request) .. websocket.update(8))
      websocket.until_gone(conn)
    end, nil, "::1")
    local client = require("ccaas").new { provider = "xima", token = "T", loop = s.loop,
      base_url = "http://[::1]:" .. s.port }
    local live = client:subscribe({ "101" }, { snapshot = false, max_reconnects = 0 })
    local event, err = live:next(30)
    assert.equal("open", event and event.type, tostring(err))
    client:close()
  end)
end)
