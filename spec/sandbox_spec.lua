-- The sandbox, asked by a plain client: LuaSocket and what is on the wire.

local cjson = require "cjson"
local lfs = require "lfs"
local sandbox = require "ccaas.sandbox"
local socket = require "socket"

local API = "/analytics/cc/v5/realtime-metrics"
local TOKEN = "/oauth/v2/token"

-- --- a plain client ----------------------------------------------------------

local running = {}

local function start(options)
  local sb = sandbox.start(options or { agents = 30, queues = 6, groups = 3 })
  running[#running + 1] = sb
  return sb
end

local function connect(sb)
  local conn = assert(socket.connect("127.0.0.1", sb.port))
  conn:settimeout(10)
  if sb.ca_file then
    conn = assert(require("ssl").wrap(conn, { mode = "client",
      protocol = "any", verify = "peer", cafile = sb.ca_file }))
    assert(conn:dohandshake())
  end
  return conn
end

local function read_head(conn)
  local line, err = conn:receive("*l")
  if not line then
    return nil, err
  end
  local answer = { status = tonumber(line:match("^HTTP/1.1 (%d+) ")),
    headers = {} }
  for header in function() return (conn:receive("*l")) end do
    if header == "" then
      break
    end
    local name, value = header:match("^([^:]+): ?(.*)$")
    answer.headers[name:lower()] = value
  end
  return answer
end

local function read_chunked(conn)
  local parts = {}
  while true do
    local size = tonumber(conn:receive("*l"), 16)
    local chunk = size > 0 and assert(conn:receive(size)) or ""
    assert(conn:receive(2) == "\r\n")
    if size == 0 then
      return table.concat(parts)
    end
    parts[#parts + 1] = chunk
  end
end

local function read_answer(conn)
  local answer, err = read_head(conn)
  if not answer then
    return nil, err
  end
  local size = tonumber(answer.headers["content-length"])
  if answer.headers["transfer-encoding"] then
    answer.body = read_chunked(conn)
  elseif size and size > 0 then
    local partial
    answer.body, answer.cut, partial = conn:receive(size)
    answer.body = answer.body or partial
  end
  return answer
end

local function request_text(method, target, headers, body)
  local lines = { method .. " " .. target .. " HTTP/1.1", "Host: sandbox" }
  for name, value in pairs(headers or {}) do
    lines[#lines + 1] = name .. ": " .. value
  end
  if body then
    lines[#lines + 1] = "Content-Length: " .. #body
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or "")
end

local function ask(sb, method, target, headers, body)
  local conn = connect(sb)
  conn:send(request_text(method, target, headers, body))
  local answer, err = read_answer(conn)
  conn:close()
  return answer, err
end

local function basic(key, secret)
  return "Basic " .. require("mime").b64(key .. ":" .. secret)
end

local function ask_token(sb, key, secret, body)
  return ask(sb, "POST", TOKEN, {
    Authorization = basic(key or "sandbox-key", secret or "sandbox-secret"),
    ["Content-Type"] = "application/x-www-form-urlencoded",
  }, body or "grant_type=client_credentials")
end

local tokens = setmetatable({}, { __mode = "k" })

local function bearer(sb)
  tokens[sb] = tokens[sb]
    or cjson.decode(ask_token(sb).body).access_token
  return "Bearer " .. tokens[sb]
end

local function get(sb, path, headers)
  headers = headers or {}
  headers.Authorization = headers.Authorization or bearer(sb)
  local answer, err = ask(sb, "GET", API .. path, headers)
  if answer and answer.body and not answer.cut then
    local decoded, json = pcall(cjson.decode, answer.body)
    answer.json = decoded and json or nil
  end
  return answer, err
end

local function ids(rows)
  local list = {}
  for i, row in ipairs(rows) do
    list[i] = row.id
  end
  return list
end

local function seconds(f)
  local from = socket.gettime()
  f()
  return socket.gettime() - from
end

local function count_files(folder)
  local count = 0
  for _ in lfs.dir("/proc/self/" .. folder) do
    count = count + 1
  end
  return count
end

local function lua_command()
  local i = 0
  while arg[i - 1] do
    i = i - 1
  end
  return arg[i]
end

-- Runs a script in a process of its own; gives its output with its status.
local function run_script(text)
  local path = os.tmpname()
  local file = io.open(path, "w")
  file:write(text)
  file:close()
  local pipe = io.popen(lua_command() .. " " .. path .. " 2>&1; echo status $?")
  local output = pipe:read("*a")
  pipe:close()
  os.remove(path)
  return output
end

-- --- the specs ---------------------------------------------------------------

describe("the sandbox", function()
  after_each(function()
    for i = #running, 1, -1 do
      running[i]:stop()
      running[i] = nil
    end
  end)

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
      tokens[sb] = nil
      sb:set { token_life = 0 }
      assert.equal(401, get(sb, "/queues").status)
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
        "Zoë", "Андрей", "عمر", "王秀英", "김민준", "😀", '\\"Roll\\"', "Back\\\\Slash", "\\u", "\\uD835\\uDD18", "\\/" } do
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

  describe("requests", function()
    it("are accepted below every region's prefix and version", function()
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

  describe("faults", function()
    it("strike so many times, then no more", function()
      local sb = start()
      sb:fault { path = "/queues", status = 503, times = 2 }
      assert.equal(503, get(sb, "/queues").status)
      assert.equal(200, get(sb, "/groups").status)
      assert.equal(503, get(sb, "/queues").status)
      assert.equal(200, get(sb, "/queues").status)
    end)

    it("can spare the first, strike one page, and last for ever", function()
      local sb = start()
      sb:fault { path = "/groups", status = 500, after = 2 }
      local statuses = {}
      for i = 1, 4 do
        statuses[i] = get(sb, "/groups").status
      end
      assert.same({ 200, 200, 500, 200 }, statuses)
      sb:fault { path = "/queues", page = 1, status = 500, times = math.huge }
      for _ = 1, 3 do
        assert.equal(500, get(sb, "/queues?size=2&page=1").status)
        assert.equal(200, get(sb, "/queues?size=2&page=2").status)
      end
      sb:clear_faults()
      assert.equal(200, get(sb, "/queues?size=2&page=1").status)
    end)

    it("find their path below the base, whole, or by its start", function()
      local sb = start()
      for fault, asked in pairs {
        ["/queues/101"] = API .. "/queues/101", [TOKEN] = TOKEN,
        [API .. "/groups"] = API .. "/groups", ["/queues/*"] = API
          .. "/queues/102/agents", ["/queues/a/b"] = API .. "/queues/a%2Fb",
      } do
        sb:fault { path = fault, status = 599 }
        assert.equal(200, get(sb, "/queues").status)
        assert.equal(599, ask(sb, "GET", asked).status)
      end
    end)

    it("speak the dialect of whoever would say it", function()
      local sb = start()
      local function body_of(fault)
        fault.path = fault.path or "/queues"
        sb:fault(fault)
        return cjson.decode(ask(sb, "GET", fault.path == TOKEN and TOKEN
          or API .. "/queues").body)
      end
      for _, status in ipairs { 401, 429, 500, 503 } do
        assert.is_truthy(body_of({ status = status }).fault.detail.errorcode)
      end
      assert.is_truthy(body_of({ status = 400 }).message)
      assert.is_truthy(body_of({ path = TOKEN, status = 401 }).ErrorCode)
      local failure = body_of { status = 500, dialect = "service" }
      assert.is_truthy(failure.message)
      assert.equal("table", type(failure.errors))
      assert.is_truthy(failure.referenceId)
      local code = "policies.ratelimit.SpikeArrestViolation"
      assert.equal(code,
        body_of({ status = 500, code = code }).fault.detail.errorcode)
      assert.equal("tired",
        body_of({ status = 503, message = "tired" }).fault.faultstring)
    end)

    it("have bodies and headers of their own", function()
      local sb = start()
      sb:fault { path = "/queues", status = 429, body = "slow down\0",
        headers = { ["Retry-After"] = "7", ["content-type"] = "text/plain" } }
      local answer = get(sb, "/queues")
      assert.equal(429, answer.status)
      assert.equal("slow down\0", answer.body)
      assert.equal("7", answer.headers["retry-after"])
      assert.equal("text/plain", answer.headers["content-type"])
    end)

    it("replace and remove headers of the usual answer", function()
      local sb = start()
      local usual = get(sb, "/queues")
      sb:fault { path = "/queues",
        headers = { ["x-total-pages"] = "7", ["X-Page"] = false } }
      local answer = get(sb, "/queues")
      assert.is_true(usual.body == answer.body)
      assert.equal("7", answer.headers["x-total-pages"])
      assert.is_nil(answer.headers["x-page"])
      assert.same(usual.headers, get(sb, "/queues").headers)
    end)

    -- What comes after a reset cannot be sent; after an orderly end it can.
    local function was_reset(conn)
      return conn:send("x") == nil
    end

    for _, tls in ipairs { false, true } do
      local over = tls and " over TLS" or ""

      it("reset connections" .. over, function()
        local sb = start { agents = 5, tls = tls }
        sb:fault { reset = true }
        local conn = connect(sb)
        conn:send(request_text("GET", "/"))
        assert.is_nil((conn:receive(1)))
        assert.is_true(was_reset(conn))
        conn:close()
      end)

      it("cut bodies short" .. over, function()
        local sb = start { agents = 5, tls = tls }
        local body = ("0123456789"):rep(50000)
        for _, reset in ipairs { false, true } do
          sb:fault { body = body, truncate = 333333, reset = reset }
          local conn = connect(sb)
          conn:send(request_text("GET", "/"))
          local answer = read_answer(conn)
          assert.equal(tostring(#body), answer.headers["content-length"])
          assert.is_truthy(answer.cut)
          assert.equal(body:sub(1, 333333), answer.body)
          if not tls then
            assert.equal(reset, was_reset(conn))
          end
          conn:close()
        end
      end)
    end

    it("cut bodies in good framing", function()
      local sb = start()
      sb:fault { path = "/queues", truncate = 10, clean = true }
      local conn = connect(sb)
      local text = request_text("GET", API .. "/queues",
        { Authorization = bearer(sb) })
      conn:send(text .. text)
      local answer = read_answer(conn)
      assert.equal("10", answer.headers["content-length"])
      assert.equal('[{"id":"10', answer.body)
      assert.is_true(#read_answer(conn).body > 10)
      conn:close()
    end)

    it("cut a chunked body before its end", function()
      local sb = start()
      sb:fault { body = ("x"):rep(100), chunked = true, truncate = 50 }
      local conn = connect(sb)
      conn:send(request_text("GET", "/"))
      assert.equal("chunked", read_head(conn).headers["transfer-encoding"])
      local all, err, partial = conn:receive("*a")
      assert.equal("64\r\n" .. ("x"):rep(46), all or partial)
      assert.is_nil(all and err)
      conn:close()
    end)

    it("hang, and hold up nobody else", function()
      local sb = start()
      sb:fault { path = "/queues", hang = true }
      local conn = connect(sb)
      conn:send(request_text("GET", API .. "/queues",
        { Authorization = bearer(sb) }))
      conn:settimeout(0.1)
      assert.equal("timeout", (select(2, conn:receive(1))))
      assert.equal(200, get(sb, "/queues").status)
      conn:close()
    end)

    it("delay the first byte, and hold up nobody else", function()
      local sb = start()
      bearer(sb)
      sb:fault { path = "/queues", delay = 0.3 }
      local slow = connect(sb)
      local took = seconds(function()
        slow:send(request_text("GET", API .. "/queues",
          { Authorization = bearer(sb) }))
        local quick = seconds(function()
          assert.equal(200, get(sb, "/groups").status)
        end)
        assert.is_true(quick < 0.25)
        assert.equal(200, read_answer(slow).status)
      end)
      assert.is_true(took >= 0.28)
      slow:close()
    end)

    it("let bodies drip", function()
      local sb = start()
      sb:fault { body = "0123456789", drip = 0.02 }
      local took = seconds(function()
        assert.equal("0123456789", ask(sb, "GET", "/").body)
      end)
      assert.is_true(took >= 0.17)
      sb:fault { body = "0123456789", drip = 0.05, piece = 5 }
      local conn = connect(sb)
      conn:send(request_text("GET", "/"))
      read_head(conn)
      conn:settimeout(0.025)
      local _, err, partial = conn:receive(10)
      assert.equal("timeout", err)
      assert.equal("01234", partial)
      conn:settimeout(5)
      assert.equal("56789", conn:receive(5))
      conn:close()
    end)

    it("change the world just before an answer", function()
      local sb = start { agents = 20 }
      local path = "/agents?summary=true&size=10&page="
      sb:fault { path = "/agents", page = 1, set = { agents = 10 } }
      assert.equal(10, #get(sb, path .. 0).json)
      assert.equal(400, get(sb, path .. 1).status)
    end)
  end)

  describe("codings", function()
    it("compress for those who take it", function()
      local sb = start { gzip = true }
      local plain = get(sb, "/queues")
      assert.is_nil(plain.headers["content-encoding"])
      for _ = 1, 2 do
        local answer = get(sb, "/queues", { ["Accept-Encoding"] = "gzip" })
        assert.equal("gzip", answer.headers["content-encoding"])
        local path = os.tmpname()
        local file = io.open(path, "wb")
        file:write(answer.body)
        file:close()
        local pipe = io.popen("gzip -dc < " .. path)
        assert.is_true(plain.body == pipe:read("*a"))
        pipe:close()
        os.remove(path)
      end
    end)

    it("send chunks", function()
      local sb = start { agents = 500 }
      local path = "/agents?metrics=status.rt&size=500"
      local plain = get(sb, path)
      sb:set { chunked = true }
      local answer = get(sb, path)
      assert.equal("chunked", answer.headers["transfer-encoding"])
      assert.is_nil(answer.headers["content-length"])
      assert.is_true(plain.body == answer.body)
    end)
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

  it("serves 5,000 agents in well under a second", function()
    local sb = start { agents = 5000 }
    local took = seconds(function()
      for page = 0, 4 do
        assert.equal(1000, #get(sb, "/agents?size=1000&metrics=status.rt,"
          .. "timeOnStatus.rt,activeQueues.rt&page=" .. page).json)
      end
    end)
    assert.is_true(took < 1, took)
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
        ["it does not play 'nobody'"] = function()
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
        local threads, files = count_files("task"), count_files("fd")
        local sb = start()
        assert.equal(threads + 1, count_files("task"))
        get(sb, "/queues")
        local conn = connect(sb)
        sb:stop()
        sb:stop()
        conn:close()
        assert.equal(threads, count_files("task"))
        assert.equal(files, count_files("fd"))
        assert.is_nil((socket.connect("127.0.0.1", sb.port)))
        local done, err = pcall(function()
          sb:requests()
        end)
        assert.is_false(done)
        assert.is_truthy(err:find("sandbox_spec.lua:%d+: .*was stopped"), err)
      end)

    it("stops when it is collected", function()
      local threads = count_files("task")
      local port = sandbox.start({ agents = 1 }).port
      collectgarbage()
      collectgarbage()
      assert.equal(threads, count_files("task"))
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
      local output = run("--agents 5 --tls --tenants a,b --token-life 60")
      assert.is_truthy(output:find("base_url +https://127.0.0.1:%d+" ..
        API:gsub("%-", "%%-")), output)
      assert.is_truthy(output:find("tenant +a\n"))
      assert.is_truthy(output:find("status 0\n$"), output)
    end)

    it("says what it does not understand", function()
      local output = run("--agent 5")
      assert.is_truthy(output:find("did you mean 'agents'", 1, true), output)
      assert.is_truthy(output:find("status 2\n$"), output)
    end)
  end)
end)
