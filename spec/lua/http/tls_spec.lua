-- TLS, which is always verified, and proxies.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local socket = require "socket"

local plain, tls
setup(function()
  plain = helper.sandbox { agents = 5, queues = 3, groups = 1 }
  tls = helper.sandbox { agents = 5, queues = 3, groups = 1, tls = true }
end)

before_each(function()
  plain:clear_requests()
  tls:clear_requests()
end)

-- Options of a client whose token comes without TLS, so that what fails is the
-- call itself.
local function options(overrides)
  local all = plain:options("8x8", { retries = 3, ca_file = tls.ca_file })
  for name, value in pairs(overrides) do
    all[name] = value or nil
  end
  return all
end

-- The call fails for its TLS, at once and for good.
local function refused(overrides)
  local client = ccaas.new(options(overrides))
  local row, err = client:queue("101")
  client:close()
  assert.is_nil(row)
  assert.equal("tls", err.code, tostring(err))
  assert.is_false(err.retryable)
  assert.equal(1, #err.attempts)
  assert.equal("tls", err.attempts[1].outcome)
  return err
end

describe("a client over TLS", function()
  it("works with the server's CA in ca_file", function()
    local client = ccaas.new(tls:options("8x8"))
    assert.equal(3, #assert(client:queues():all()))
    assert.equal(5, #assert(client:agents({ summary = true, size = 1 }):all()))
    client:close()
  end)

  it("knows the server by its name as well as by its number", function()
    local client = ccaas.new(tls:options("8x8", {
      base_url = tls:options("8x8").base_url:gsub("127%.0%.0%.1", "localhost"),
    }))
    assert(client:queue("101"))
    client:close()
  end)

  it("refuses a CA that it does not know, at once, and tells the server nothing", function()
    local err = refused { base_url = tls:options("8x8").base_url, ca_file = false }
    assert.is_truthy(err.message:lower():find("certificate"), err.message)
    assert.same({}, tls:requests())
  end)

  it("refuses it for the token as well: no key and no secret leave", function()
    local client = ccaas.new(tls:options("8x8", { retries = 3 }))
    assert(client:queue("101"))
    tls:clear_requests()
    local given = tls:options("8x8", { retries = 3, key = "another" })
    given.ca_file = nil
    local stranger = ccaas.new(given)
    local row, err = stranger:queue("101")
    assert.is_nil(row)
    assert.equal("tls", err.code)
    assert.is_truthy(err.url:find("/oauth/v2/token", 1, true))
    assert.same({}, tls:requests())
    client:close()
    stranger:close()
  end)

  it("does not take a connection of a client that trusts another CA", function()
    local client = ccaas.new(tls:options("8x8"))
    assert(client:queue("101"))
    refused { base_url = tls:options("8x8").base_url, ca_file = false }
    assert(client:queue("101"))
    client:close()
  end)

  it("refuses a ca_file that holds no certificate", function()
    local path = helper.folder() .. "/none.pem"
    for _, text in ipairs { "", "no certificate\n",
      "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n" } do
      local file = assert(io.open(path, "w"))
      file:write(text)
      file:close()
      refused { base_url = tls:options("8x8").base_url, ca_file = path }
    end
    assert.same({}, tls:requests())
  end)

  -- A server that gives every connection these bytes and hangs up.
  local function against(bytes)
    local listener = assert(socket.bind("127.0.0.1", 0))
    local port = select(2, listener:getsockname())
    local function wait(fd, seconds)
      local ready = socket.select({ listener, { getfd = function() return fd end } }, nil, seconds)
      if ready[listener] then
        local conn = listener:accept()
        conn:receive(1)
        conn:send(bytes)
        conn:close()
      end
      return #ready > (ready[listener] and 1 or 0)
    end
    local client = ccaas.new(options {
      base_url = "https://127.0.0.1:" .. port, retries = 0, loop = { wait = wait },
    })
    local row, err = client:queue("101")
    client:close()
    listener:close()
    assert.is_nil(row)
    return err
  end

  it("fails against a server without TLS", function()
    local err = against "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
    assert.equal("tls", err.code, tostring(err))
    assert.is_nil(err.status)
  end)

  it("gives a retryable error if the server hangs up in the handshake", function()
    local err = against ""
    assert.is_truthy(({ tls = true, network = true })[err.code], tostring(err))
    assert.is_true(err.retryable)
  end)
end)

-- -- Servers of other kinds, by openssl ------------------------------------------

describe("a server whose", function()
  local folder

  -- Makes a certificate; gives its file, which is its CA too.
  local function certificate(name, words)
    local path = folder .. "/" .. name
    local status, output = helper.run(("openssl req -x509 -newkey rsa:2048 -nodes -keyout %s.key -out %s.pem"
      .. " -subj /CN=%s %s"):format(path, path, name, words))
    assert(status == 0, output)
    return path
  end

  -- Starts `openssl s_server`; gives its address.
  local function serve(path, words)
    local pipe = assert(io.popen(("echo $$; exec openssl s_server -accept 127.0.0.1:0 -www -cert %s.pem -key %s.key"
      .. " %s 2>&1 </dev/null"):format(path, path, words or "")))
    local pid = pipe:read("*n")
    helper.at_end(function()
      helper.run("kill " .. pid)
      pipe:close()
    end)
    local said = {}
    for line in function() return pipe:read("*l") end do
      said[#said + 1] = line
      local port = line:match("^ACCEPT 127%.0%.0%.1:(%d+)")
      if port then
        return "https://127.0.0.1:" .. port
      end
    end
    error("openssl s_server does not serve: " .. table.concat(said, "\n"))
  end

  setup(function() folder = helper.folder() end)

  local HERE = "-addext subjectAltName=IP:127.0.0.1"

  it("certificate is for another name is refused", function()
    local path = certificate("elsewhere.test", "-addext subjectAltName=DNS:elsewhere.test,IP:127.0.0.2")
    local err = refused { base_url = serve(path), ca_file = path .. ".pem" }
    assert.is_truthy(err.message:find("127.0.0.1", 1, true), err.message)
  end)

  it("certificate has the name only as its common name is refused", function()
    local path = certificate("127.0.0.1", "-addext subjectAltName=DNS:127.0.0.1.test")
    refused { base_url = serve(path), ca_file = path .. ".pem" }
  end)

  it("certificate has expired is refused", function()
    local path = certificate("old", HERE)
    -- By `openssl ca`, the one way to name the days that every OpenSSL has.
    local file = assert(io.open(path .. ".conf", "w"))
    file:write(("[ca]\ndefault_ca = here\n[here]\nnew_certs_dir = %s\ndatabase = %s.index\nserial = %s.serial\n"
      .. "default_md = sha256\npolicy = any\ncopy_extensions = copy\n[any]\ncommonName = supplied\n"
      ):format(folder, path, path))
    file:close()
    local status, output = helper.run((": >old.index; echo 01 >old.serial; openssl x509 -x509toreq -in old.pem"
      .. " -signkey old.key -out old.csr -copy_extensions copy && openssl ca -batch -config old.conf -selfsign"
      .. " -keyfile old.key -in old.csr -notext -startdate 20200101000000Z -enddate 20200102000000Z -out old.pem"
      ):gsub("^", "cd " .. helper.quote(folder) .. "; "))
    assert(status == 0, output)
    local err = refused { base_url = serve(path), ca_file = path .. ".pem" }
    assert.is_truthy(err.message:find("expired", 1, true), err.message)
  end)

  it("TLS is 1.2 or 1.3 is accepted", function()
    local path = certificate("good", HERE)
    for version, words in pairs { ["TLSv1.2"] = "-tls1_2", ["TLSv1.3"] = "-tls1_3" } do
      local client = ccaas.new(options { base_url = serve(path, words), ca_file = path .. ".pem" })
      local answer, err = client:request { path = "/" }
      client:close()
      assert.is_table(answer, tostring(err))
      assert.is_truthy(answer.body:find(version, 1, true))
    end
  end)

  it("TLS is older is refused", function()
    local path = certificate("older", HERE)
    for _, words in ipairs { "-tls1_1", "-tls1" } do
      local url = serve(path, words .. " -cipher DEFAULT@SECLEVEL=0")
      -- It does serve those who take it.
      local _, output = helper.run(("echo | openssl s_client -connect %s %s -cipher DEFAULT@SECLEVEL=0 -brief")
        :format(url:match("//(.*)"), words))
      assert.is_truthy(output:find("CONNECTION ESTABLISHED", 1, true), output)
      local client = ccaas.new(options { base_url = url, ca_file = path .. ".pem", retries = 0 })
      local answer, err = client:request { path = "/" }
      client:close()
      assert.is_nil(answer)
      assert.equal("tls", err.code, tostring(err))
    end
  end)
end)

-- -- Proxies -----------------------------------------------------------------------

-- A proxy that serves CONNECT, and answers what comes to it otherwise.
local function start_proxy(answer)
  return server.start(function(request, conn)
    if answer then
      return answer(request)
    elseif request.method ~= "CONNECT" then
      return server.page { rows = { server.row("through") } }
    end
    local up = assert(socket.connect("127.0.0.1", tonumber(request.target:match(":(%d+)$"))))
    conn:send("HTTP/1.1 200 Connection established\r\n\r\n")
    repeat
      if #conn.input > 0 then
        up:settimeout(10)
        assert(up:send(conn.input))
        conn.input = ""
      end
      up:settimeout(0)
      local bytes, reason, partly = up:receive(65536)
      conn:send(bytes or partly)
    until reason == "closed" or not conn:hold(nil, 0.002)
    up:close()
    conn:close()
  end)
end

describe("a proxy", function()
  local ca_options = function(proxy, overrides)
    local all = tls:options("8x8", { retries = 0, proxy = proxy.url, loop = proxy.loop })
    for name, value in pairs(overrides or {}) do
      all[name] = value
    end
    return all
  end

  it("passes TLS through, and sees nothing of what is in it", function()
    local proxy = start_proxy()
    local client = ccaas.new(ca_options(proxy))
    assert.equal(3, #assert(client:queues():all()))
    client:close()
    assert.is_true(#proxy.requests >= 1)
    for _, request in ipairs(proxy.requests) do
      assert.equal("CONNECT 127.0.0.1:" .. tls.port .. " HTTP/1.1", request.line)
      for _, name in ipairs { "authorization", "x-tenant-info", "proxy-authorization" } do
        assert.is_nil(request.headers[name])
      end
    end
    for _, request in ipairs(tls:requests()) do
      assert.is_nil(request.headers["proxy-connection"])
      assert.is_nil(request.headers["proxy-authorization"])
    end
    assert.is_true(#tls:requests() >= 2)
  end)

  it("has the server's certificate checked like any other", function()
    local proxy = start_proxy()
    local given = ca_options(proxy)
    given.ca_file = nil
    local client = ccaas.new(given)
    local row, err = client:queue("101")
    client:close()
    assert.is_nil(row)
    assert.equal("tls", err.code)
    assert.same({}, tls:requests())
  end)

  it("gets its own user and password, and the server does not", function()
    local proxy = start_proxy()
    local client = ccaas.new(ca_options(proxy, { proxy = proxy.url:gsub("//", "//user:t0p%%2Fsecret@") }))
    assert(client:queue("101"))
    client:close()
    local mime = require "mime"
    assert.equal("Basic " .. mime.b64("user:t0p/secret"), proxy.requests[1].headers["proxy-authorization"])
    for _, request in ipairs(tls:requests()) do
      assert.is_nil(request.headers["proxy-authorization"])
    end
  end)

  it("never shows its password in an error or event", function()
    local dead = assert(socket.bind("127.0.0.1", 0))
    local port = select(2, dead:getsockname())
    dead:close()
    local proxy = start_proxy(function(request)
      local echo = request.headers["proxy-authorization"] or "none"
      return server.answer("<p>" .. echo .. " t0p-secret</p>", { status = 407, headers = {
        ["Proxy-Authenticate"] = "Basic realm=\"" .. echo .. "\"", Connection = "close",
      } })
    end)
    local mime = require "mime"
    local SECRETS = { "t0p-secret", mime.b64("t0p-secret"), (mime.b64("user:t0p-secret")) }
    for _, url in ipairs {
      "http://user:t0p-secret@127.0.0.1:" .. port, "http://user:t0p-secret@127.0.0.1:" .. proxy.port,
      "http://user:t0p-secret@no-such-host.invalid:1", "socks5://user:t0p-secret@127.0.0.1:" .. port,
      "user:t0p-secret@127.0.0.1:" .. port,
    } do
      local seen = {}
      local client = ccaas.new(ca_options(proxy, {
        proxy = url, on_event = function(event) seen[#seen + 1] = event end,
      }))
      local row, err = client:queue("101")
      client:close()
      assert.is_nil(row)
      seen[#seen + 1] = err
      seen[#seen + 1] = { tostring(err), tostring(client) }
      local function search(value)
        if type(value) == "table" then
          for key, item in pairs(value) do
            search(key)
            search(item)
          end
        elseif type(value) == "string" then
          for _, secret in ipairs(SECRETS) do
            assert.is_nil(value:find(secret, 1, true), value)
          end
        end
      end
      search(seen)
      assert.is_true(#seen >= 3)
    end
  end)

  it("that is malformed raises, and the message does not show it", function()
    for _, url in ipairs {
      "ftp://user:t0p-secret@proxy", "http://user:t0p-secret@", "http://user:t0p-secret@proxy:99999",
      "http://user:t0p-secret@proxy:x", "http://user:t0p-secret@pro xy", "http://user:t0p-secret@[::1", "",
    } do
      local ok, message = pcall(ccaas.new, ca_options({ url = url }))
      assert.is_false(ok, url)
      assert.is_truthy(message:find("tls_spec.lua:%d+: .*proxy"), message)
      assert.is_nil(message:find("t0p-secret", 1, true))
    end
  end)

  it("that is not there is error connect or network, and retryable", function()
    local client = ccaas.new(tls:options("8x8", { retries = 0, proxy = "http://127.0.0.1:1" }))
    local row, err = client:queue("101")
    client:close()
    assert.is_nil(row)
    assert.is_truthy(({ connect = true, network = true })[err.code], tostring(err))
    assert.is_true(err.retryable)
  end)
end)

describe("the environment's proxy", function()
  -- Runs a call in a process of its own, with these words in its environment,
  -- while the proxy serves.  Gives what it wrote.
  local function run(proxy, environment, given, script)
    local text = {}
    for name, value in pairs(given) do
      text[#text + 1] = ("%s = %s"):format(name, type(value) == "string" and ("%q"):format(value) or value)
    end
    local folder = helper.folder()
    helper.run(("( ( env -u no_proxy -u NO_PROXY %s %s; echo status $? ) >%s/out; mv %s/out %s/done )"
      .. " >/dev/null 2>&1 </dev/null &"):format(environment,
      helper.command("local options = {" .. table.concat(text, ", ") .. "}\n"
        .. "local client = require('ccaas').new(options)\n" .. script), folder, folder, folder))
    local file
    proxy:serve(function()
      file = io.open(folder .. "/done")
      return file
    end)
    local output = file:read("*a")
    file:close()
    return output
  end

  local CALL = "local row, err = client:queue('101') print(row and row.id or err)"

  it("is used for https", function()
    local proxy = start_proxy()
    local output = run(proxy, "https_proxy=" .. proxy.url, tls:options("8x8", { retries = 0 }), CALL)
    assert.equal("101\nstatus 0\n", output)
    assert.is_true(#proxy.requests >= 1)
    assert.equal("CONNECT", proxy.requests[1].method)
  end)

  it("never gets what goes to this machine in clear: token and secret", function()
    local proxy = start_proxy()
    local output = run(proxy, "http_proxy=" .. proxy.url .. " all_proxy=" .. proxy.url,
      plain:options("8x8", { retries = 0 }), CALL)
    assert.equal("101\nstatus 0\n", output)
    assert.equal(0, proxy.accepted)
  end)

  it("is not used for hosts of no_proxy", function()
    local proxy = start_proxy()
    local output = run(proxy, "https_proxy=" .. proxy.url .. " no_proxy=other.test,127.0.0.1",
      tls:options("8x8", { retries = 0 }), CALL)
    assert.equal("101\nstatus 0\n", output)
    assert.equal(0, proxy.accepted)
  end)

  it("never shows its password in an error", function()
    local proxy = start_proxy(function()
      return server.answer("", { status = 407, headers = { Connection = "close" } })
    end)
    for _, url in ipairs {
      proxy.url:gsub("//", "//user:t0p-secret@"), "ftp://user:t0p-secret@127.0.0.1:1",
      "http://user:t0p-secret@127.0.0.1:99999", "http://user:t0p-secret@[x",
    } do
      local output = run(proxy, "https_proxy='" .. url .. "'", tls:options("8x8", { retries = 0 }), CALL
        .. " print(err.message, err.url, err.body)")
      assert.is_truthy(output:find("8x8: ", 1, true), output)
      assert.is_nil(output:find("t0p-secret", 1, true), output)
    end
  end)
end)
