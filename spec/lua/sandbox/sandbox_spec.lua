-- The sandbox as a server and as a guest in the process: what is on the wire,
-- codings, TLS, its handle, and how it ends.

local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local lfs = require "lfs"
local plain = require "spec.support.http_client"
local sandbox = require "ccaas.sandbox"
local socket = require "socket"

local start, connect, read_head, read_answer, request_text, ask, bearer,
  get, ids, seconds, count_files, count_threads, run_script, lua_command, API,
  TOKEN =
  plain.start, plain.connect, plain.read_head, plain.read_answer,
  plain.request_text, plain.ask, plain.bearer, plain.get, plain.ids,
  plain.seconds, plain.count_files, plain.count_threads, plain.run_script,
  plain.lua_command, plain.API, plain.TOKEN

describe("the sandbox", function()
  after_each(plain.stop_all)

  describe("requests", function()
    it("are accepted under every region's prefix and version", function()
      local sb = start()
      for _, prefix in ipairs { "/eu", "/au", "/ca", "" } do
        for _, version in ipairs { "v4", "v5" } do
          local answer = ask(sb, "GET", prefix .. "/analytics/cc/" .. version
            .. "/realtime-metrics/queues/101", { Authorization = bearer(sb) })
          assert.equal(200, answer.status)
        end
      end
      assert.equal(404, ask(sb, "GET", "/elsewhere").status)
      assert.equal(405, ask(sb, "POST", API .. "/queues",
        { Authorization = bearer(sb) }, "").status)
    end)

    it("are seen as they were on the wire", function()
      local sb = start()
      bearer(sb)
      sb:clear_requests()
      get(sb, "/queues/a%2Fb%00%0d%0a/agents?metrics=a&metrics=b%2Cc&x=%26+y",
        { ["X-Odd"] = "  value " })
      get(sb, "/a/../b/./c")
      ask(sb, "POST", "/post?empty", { A = "1" }, "body\0\r\n\255")
      local seen = sb:requests()
      assert.equal(3, #seen)
      assert.equal("GET", seen[1].method)
      assert.equal(API .. "/queues/a%2Fb%00%0d%0a/agents"
        .. "?metrics=a&metrics=b%2Cc&x=%26+y", seen[1].target)
      assert.equal(API .. "/queues/a/b\0\r\n/agents", seen[1].path)
      assert.same({ metrics = { "a", "b,c" }, x = "& y" }, seen[1].query)
      assert.equal("value", seen[1].headers["x-odd"])
      assert.equal(404, seen[1].status)
      assert.is_true(math.abs(seen[1].at - socket.gettime()) < 10)
      assert.equal(API .. "/a/../b/./c", seen[2].path)
      assert.equal("body\0\r\n\255", seen[3].body)
      assert.same({ empty = "" }, seen[3].query)
      sb:clear_requests()
      assert.same({}, sb:requests())
    end)

    it("name ids of any bytes in their path", function()
      local sb = start { queues = 20, odd_ids = true }
      local odd = ids(get(sb, "/queues?summary=true").json)[7]
      assert.equal("107/ &+%?#é", odd)
      local path = odd:gsub("[^%w]", function(c)
        return ("%%%02X"):format(c:byte())
      end)
      local answer = get(sb, "/queues/" .. path .. "?metrics=busy.rt")
      assert.equal(odd, (answer.json[1] or answer.json).id)
      assert.same({ odd },
        ids(get(sb, "/queues?metrics=busy.rt&queue-ids=" .. path).json))
    end)

    it("may have 8,000 bytes in their line, and not 9,000", function()
      local sb = start()
      local rest = #("GET " .. API .. "/queues?x=" .. " HTTP/1.1")
      local answer = get(sb, "/queues?x=" .. ("y"):rep(8000 - rest))
      assert.equal(200, answer.status)
      assert.equal(414, get(sb, "/queues?x=" .. ("y"):rep(9000)).status)
    end)

    it("may have large headers, and not endless ones", function()
      local sb = start()
      local answer = get(sb, "/queues", { ["X-Large"] = ("x"):rep(20000) })
      assert.equal(200, answer.status)
      assert.equal(431, ask(sb, "GET", "/", { X = ("x"):rep(70000) }).status)
    end)

    it("that cannot be read are refused", function()
      local sb = start()
      for text, status in pairs {
        ["nonsense\r\n\r\n"] = 400,
        ["POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"] = 400,
        ["POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"] = 411,
        ["POST / HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n"] = 413,
      } do
        local conn = connect(sb)
        conn:send(text)
        assert.equal(status, read_answer(conn).status)
        assert.equal("closed", (select(2, conn:receive(1))))
        conn:close()
      end
    end)

    it("share a connection, also when sent ahead and in pieces", function()
      local sb = start()
      local text = request_text("GET", API .. "/queues/101",
        { Authorization = bearer(sb) })
      local conn = connect(sb)
      conn:send(text .. text .. text:sub(1, 30))
      assert.equal(200, read_answer(conn).status)
      assert.equal(200, read_answer(conn).status)
      conn:send(text:sub(31, -2))
      conn:send(text:sub(-1))
      assert.equal(200, read_answer(conn).status)
      conn:close()
    end)

    it("that ask to close are the connection's last", function()
      local sb = start()
      local conn = connect(sb)
      conn:send(request_text("GET", "/", { Connection = "close" }))
      assert.equal("close", read_answer(conn).headers.connection)
      assert.equal("closed", (select(2, conn:receive(1))))
      conn:close()
    end)

    it("of HEAD are answered without a body", function()
      local sb = start()
      local conn = connect(sb)
      local head = request_text("HEAD", API .. "/queues/101",
        { Authorization = bearer(sb) })
      conn:send(head .. head)
      for _ = 1, 2 do
        local answer = read_head(conn)
        assert.equal(200, answer.status)
        assert.is_true(tonumber(answer.headers["content-length"]) > 0)
      end
      conn:close()
    end)
  end)

  describe("codings", function()
    it("compress for those who take it", function()
      if not plain.can_run() then
        pending("programs cannot be run here")
      end
      local sb = start { gzip = true }
      local usual = get(sb, "/queues")
      assert.is_nil(usual.headers["content-encoding"])
      for _ = 1, 2 do
        local answer = get(sb, "/queues", { ["Accept-Encoding"] = "gzip" })
        assert.equal("gzip", answer.headers["content-encoding"])
        local path = os.tmpname()
        local file = io.open(path, "wb")
        file:write(answer.body)
        file:close()
        local pipe = io.popen("gzip -dc < " .. path)
        assert.is_true(usual.body == pipe:read("*a"))
        pipe:close()
        os.remove(path)
      end
    end)

    it("send chunks", function()
      local sb = start { agents = 500 }
      local path = "/agents?metrics=status.rt&size=500"
      local usual = get(sb, path)
      sb:set { chunked = true }
      local answer = get(sb, path)
      assert.equal("chunked", answer.headers["transfer-encoding"])
      assert.is_nil(answer.headers["content-length"])
      assert.is_true(usual.body == answer.body)
    end)
  end)

  it("serves 5,000 agents within seconds", function()
    local sb = start { agents = 5000 }
    local took = seconds(function()
      for page = 0, 4 do
        assert.equal(1000, #get(sb, "/agents?size=1000&metrics=status.rt,"
          .. "timeOnStatus.rt,activeQueues.rt&page=" .. page).json)
      end
    end)
    assert.is_true(took < 5, took)
  end)

  it("survives clients that hang up in the middle of an answer", function()
    for _, tls in ipairs { false, true } do
      local sb = start { agents = 5, tls = tls }
      sb:fault { path = "/large", body = ("x"):rep(8e6), times = math.huge }
      for _ = 1, 10 do
        local conn = connect(sb)
        conn:send(request_text("GET", "/large"))
        assert.equal(1000, #conn:receive(1000))
        conn:close()
      end
      assert.equal(10, #sb:requests())
    end
  end)

  describe("TLS", function()
    it("has a certificate that its CA file vouches for", function()
      local sb = start { tls = true, agents = 5 }
      assert.equal("https://127.0.0.1:" .. sb.port, sb.url)
      assert.equal(sb.ca_file, sb:options("8x8").ca_file)
      assert.equal(200, get(sb, "/queues").status)
    end)

    it("is refused without that, and below 1.2", function()
      local sb = start { tls = true, agents = 5 }
      local ssl = require "ssl"
      local function handshake(options)
        options.mode = "client"
        local conn = socket.connect("127.0.0.1", sb.port)
        conn:settimeout(5)
        conn = assert(ssl.wrap(conn, options))
        local done = conn:dohandshake()
        conn:close()
        return done or false
      end
      assert.is_true(handshake { protocol = "tlsv1_2", verify = "none" })
      assert.is_true(handshake { protocol = "tlsv1_3", verify = "peer",
        cafile = sb.ca_file })
      assert.is_false(handshake { protocol = "any", verify = "peer" })
      assert.is_false(handshake { protocol = "tlsv1_1", verify = "none",
        ciphers = "ALL:@SECLEVEL=0" })
    end)

    it("leaves no file behind", function()
      local sb = start { tls = true, agents = 5 }
      local path = sb.ca_file
      local file = assert(io.open(path))
      file:close()
      assert.equal("rw-------", lfs.attributes(path, "permissions"))
      sb:stop()
      assert.is_nil((io.open(path)))
    end)
  end)

  describe("its handle", function()
    it("gives the options of a client", function()
      local sb = start { key = "K", secret = "S", tenants = { "a", "b" } }
      assert.same({
        provider = "8x8", key = "K", secret = "S", tenant = "a",
        base_url = sb.url .. API, token_url = sb.url .. TOKEN,
      }, sb:options("8x8"))
      local options = sb:options("8x8",
        { region = "eu", tenant = "b", retries = 0 })
      assert.equal(sb.url .. "/eu" .. API, options.base_url)
      assert.equal("b", options.tenant)
      assert.equal(0, options.retries)
    end)

    it("raises at the caller's line for what it does not know", function()
      local sb = start()
      for message, call in pairs {
        ["unknown option 'agent' (did you mean 'agents'?)"] = function()
          sandbox.start { agent = 1 }
        end,
        ["'agents' must be a whole number"] = function()
          sandbox.start { agents = -1 }
        end,
        ["unknown option 'statsu' (did you mean 'status'?)"] = function()
          sb:fault { statsu = 503 }
        end,
        ["'dialect' must be one of"] = function()
          sb:fault { dialect = "welsh" }
        end,
        ["fault: set: unknown option 'x'"] = function()
          sb:fault { set = { x = 1 } }
        end,
        ["unknown provider 'nobody'"] = function()
          sb:options("nobody")
        end,
        ["cannot listen on 127.0.0.1 port"] = function()
          sandbox.start { port = sb.port, agents = 1 }
        end,
      } do
        local done, err = pcall(call)
        assert.is_false(done)
        assert.is_truthy(err:find(message, 1, true), err)
        assert.is_truthy(err:find("^[^:]*sandbox_spec.lua:%d+:"), err)
      end
    end)

    it("stops twice, says so, and frees the port, threads and descriptors",
      function()
        local threads, files = count_threads(), count_files("fd")
        local sb = start()
        assert.equal(threads + 1, count_threads())
        get(sb, "/queues")
        local conn = connect(sb)
        sb:stop()
        sb:stop()
        conn:close()
        assert.equal(threads, count_threads())
        assert.equal(files, count_files("fd"))
        assert.is_nil((socket.connect("127.0.0.1", sb.port)))
        local done, err = pcall(function()
          sb:requests()
        end)
        assert.is_false(done)
        assert.is_truthy(err:find("sandbox_spec.lua:%d+: .*was stopped"), err)
      end)

    -- With IPv6 on, it listened on all addresses of the machine.
    it("listens on 127.0.0.1 alone, or on ::1 where that is asked for", function()
      local function listeners(port)
        local found = {}
        for _, path in ipairs { "/proc/net/tcp", "/proc/net/tcp6" } do
          for address, at, state in helper.read(path):gmatch(": (%x+):(%x+) %x+:%x+ (%x+)") do
            if tonumber(at, 16) == port and state == "0A" then
              found[#found + 1] = address
            end
          end
        end
        return table.concat(found, " ")
      end
      for _, tls in ipairs { false, true } do
        local sb = start { agents = 1, tls = tls }
        assert.equal("0100007F", listeners(sb.port))
        assert.is_nil((socket.connect("127.0.0.2", sb.port)))
        assert.is_nil((socket.connect6("::1", sb.port)))
        sb = start { agents = 1, tls = tls, address = "::1" }
        assert.equal("00000000000000000000000001000000", listeners(sb.port))
        assert.equal((tls and "https" or "http") .. "://[::1]:" .. sb.port, sb.url)
        assert.is_nil((socket.connect("127.0.0.1", sb.port)))
        local client = ccaas.new(sb:options("8x8"))
        assert.equal("101", assert(client:queue("101")).id)
        client:close()
        if not tls then
          client = ccaas.new(sb:options("xima"))
          assert.equal("open", assert(client:subscribe({ "101" }, { snapshot = false }):next()).type)
          client:close()
        end
      end
    end)

    it("stops when it is collected", function()
      local threads = count_threads()
      local port = sandbox.start({ agents = 1 }).port
      collectgarbage()
      collectgarbage()
      assert.equal(threads, count_threads())
      assert.is_nil((socket.connect("127.0.0.1", port)))
    end)

    it("leaves the process's signals as they were", function()
      local function signals()
        local file = io.open("/proc/self/status")
        local text = file:read("*a")
        file:close()
        return text:match("SigBlk:%s*%x+%s*SigIgn:%s*%x+%s*SigCgt:%s*%x+")
      end
      local before = signals()
      local sb = start { agents = 1, tls = true }
      assert.equal(before, signals())
      sb:stop()
      assert.equal(before, signals())
    end)

    if jit then
      it("does not work in a forked child, and the parent's goes on", function()
        local ffi = require "ffi"
        ffi.cdef "int fork(void); int waitpid(int, int *, int); void _exit(int);"
        local sb = start { agents = 5, tls = true }
        assert.equal(404, ask(sb, "GET", "/").status)
        local child = ffi.C.fork()
        if child == 0 then
          local asked, err = pcall(sb.requests, sb)
          sb:stop()
          local right = not asked and err:find("another process", 1, true)
          ffi.C._exit(right and 0 or 1) -- what ends with the process is the parent's
        end
        local status = ffi.new "int[1]"
        ffi.C.waitpid(child, status, 0)
        assert.equal(0, status[0])
        assert.equal(404, ask(sb, "GET", "/").status)
      end)
    end

    it("serves several sandboxes side by side", function()
      local all = {}
      for i = 1, 5 do
        all[i] = start { queues = i, agents = 1 }
      end
      for i = 1, 5 do
        assert.equal(i, #get(all[i], "/queues").json)
      end
    end)
  end)

  describe("a script that ends with one running", function()
    local script = [[
      local sb = require("ccaas.sandbox").start { agents = 5, tls = %s }
      local conn = require("socket").connect("127.0.0.1", sb.port)
      conn:send("GET / HTTP/1.1\r\n")
      print(sb.ca_file)
      %s
    ]]

    for _, ending in ipairs { "", "os.exit(0)", "os.exit(0, true)" } do
      it("ends well" .. (ending ~= "" and " by " .. ending or ""), function()
        if not plain.can_run() then
          pending("programs cannot be run here")
        end
        for _, tls in ipairs { "false", "true" } do
          local output = run_script(script:format(tls, ending))
          local ca_file, status = output:match("^(%S+)\nstatus (%d+)\n$")
          assert.equal("0", status, output)
          assert.is_nil((io.open(ca_file)))
        end
      end)
    end
  end)

  describe("the example program", function()
    local function run(arguments)
      local pipe = io.popen("true | " .. lua_command()
        .. " examples/sandbox.lua " .. arguments .. " 2>&1; echo status $?")
      local output = pipe:read("*a")
      pipe:close()
      return output
    end

    it("says where it serves, until its input ends", function()
      if not plain.can_run() then
        pending("programs cannot be run here")
      end
      local output = run("--agents 5 --tls --tenants a,b --token-life 60")
      assert.is_truthy(output:find("base_url +https://127.0.0.1:%d+" ..
        API:gsub("%-", "%%-")), output)
      assert.is_truthy(output:find("tenant +a\n"))
      assert.is_truthy(output:find("status 0\n$"), output)
    end)

    it("says what it does not understand", function()
      if not plain.can_run() then
        pending("programs cannot be run here")
      end
      local output = run("--agent 5")
      assert.is_truthy(output:find("did you mean 'agents'", 1, true), output)
      assert.is_truthy(output:find("status 2\n$"), output)
    end)
  end)
end)
