-- The sandbox's Xima recordings: what the list holds, and how it is sent.

local cjson = require "cjson"
local xima = require "spec.support.xima_http"
local plain, start, get, recordings, YEAR =
  xima.plain, xima.start, xima.get, xima.recordings, xima.YEAR

-- Milliseconds of 2025-06-30 and 2026-06-30, at midnight UTC.
local FROM, TO = 1751241600000, 1782777600000

local PATH = "/v2/recordings?" .. YEAR

-- What this process has in memory, in MB.
local function memory()
  local file = io.open("/proc/self/status")
  local text = file:read("*a")
  file:close()
  return tonumber(text:match("VmRSS:%s*(%d+)")) / 1024
end

-- So much more it may have while a list is read.  The address sanitizer keeps
-- 256 MB of what was freed, which is still less than the list.
local function allowance()
  local file = io.open("/proc/self/maps")
  local text = file:read("*a")
  file:close()
  return text:find("libasan", 1, true) and 300 or 32
end

-- A connection on which the list was asked for, behind its head.
local function open_list(sb, headers)
  local conn = plain.connect(sb)
  conn:send(plain.request_text("GET", xima.API .. PATH, xima.headers(headers)))
  return conn, plain.read_head(conn)
end

describe("the sandbox's Xima recordings", function()
  after_each(xima.stop_all)

  it("are as many as chosen, in order, spread over the year", function()
    local rows, answer = recordings(start { recordings = 3000 })
    assert.equal(3000, #rows)
    assert.equal("application/json", answer.headers["content-type"])
    local keys, last = {}, FROM
    for _, row in ipairs(rows) do
      assert.is_nil(keys[row.recordingKey])
      keys[row.recordingKey] = true
      assert.is_true(row.startTime >= last and row.startTime < TO)
      last = row.startTime
    end
    assert.is_true(rows[1].startTime < FROM + 86400000)
    assert.is_true(rows[3000].startTime > TO - 86400000)
  end)

  it("have every documented field, in about 400 bytes", function()
    local rows, answer = recordings(start { recordings = 500 })
    for _, row in ipairs(rows) do
      for field, kind in pairs {
        recordingKey = "string", callKey = "string", startTime = "number",
        duration = "number", size = "number", eventId = "number",
        recordingSystemId = "number", status = "string", skill = "string",
        callingParty = "string", receivingParty = "string", agent = "string",
        tenantName = "string", callDirection = "string",
      } do
        assert.equal(kind, type(row[field]))
      end
      assert.is_not_nil(row.tagData)
      assert.is_true(row.size >= 300 and row.size < 300300)
      assert.is_nil(row[1])
    end
    local average = #answer.body / 500
    assert.is_true(average > 320 and average < 450, average)
    assert.is_nil(answer.body:find("%d%.%d"))
  end)

  it("are the same for the same seed, and others for another", function()
    local function body(options)
      return select(2, recordings(start(options))).body
    end
    local first = body { recordings = 200 }
    assert.is_true(first == body { recordings = 200 })
    assert.is_true(first ~= body { recordings = 200, seed = 2 })
  end)

  it("can be none", function()
    for count, query in pairs { [0] = YEAR,
      [50] = "startTime=2020-01-01T00:00:00Z&endTime=2020-01-02T00:00:00Z" } do
      local sb = start { recordings = count }
      local _, answer = recordings(sb, query)
      assert.equal("[]", answer.body)
      sb:set { list = "key" }
      _, answer = recordings(sb, query)
      assert.equal('{"recordings":[]}', answer.body)
    end
  end)

  it("stand in a bare array, or under a key", function()
    local sb = start { recordings = 300 }
    local bare = select(2, recordings(sb)).body
    sb:set { list = "key" }
    assert.is_true(select(2, recordings(sb)).body
      == '{"recordings":' .. bare .. "}")
    assert.is_true(select(2, recordings(start { recordings = 300,
      list = "bare" })).body == bare)
  end)

  it("belong to their tenants, agents and skills", function()
    local sb = start { recordings = 400, agents = 3, queues = 2,
      xima_tenants = { "acme", 'Ä/"2"', "third" } }
    local seen = {}
    for _, row in ipairs((recordings(sb))) do
      for _, field in ipairs { "tenantName", "agent", "skill" } do
        seen[field .. " " .. row[field]] = true
      end
    end
    assert.same({ ["tenantName acme"] = true, ['tenantName Ä/"2"'] = true,
      ["tenantName third"] = true, ["agent Alan (Al) Jones(271)"] = true,
      ["agent John Spector(104)"] = true, ["agent Front Desk"] = true,
      ["skill Appointments"] = true, ["skill Réclamations"] = true }, seen)
  end)

  describe("of a period", function()
    it("are those from its start to before its end", function()
      local sb = start { recordings = 2000 }
      local all = recordings(sb)
      local function at(i, shift)
        local ms = all[i].startTime + (shift or 0)
        return xima.encode(os.date("!%Y-%m-%dT%H:%M:%S", math.floor(ms / 1000))
          .. (".%03dZ"):format(ms % 1000))
      end
      for _, case in ipairs {
        { 700, 0, 900, 0, 700, 899 }, { 700, 1, 900, 1, 701, 900 },
        { 1, 0, 2000, 0, 1, 1999 }, { 1, -1, 2000, 1, 1, 2000 },
        { 5, 0, 5, 1, 5, 5 }, { 5, 0, 5, 0, 6, 5 },
      } do
        local rows = recordings(sb, "startTime=" .. at(case[1], case[2])
          .. "&endTime=" .. at(case[3], case[4]))
        assert.equal(case[6] - case[5] + 1, #rows)
        for i, row in ipairs(rows) do
          assert.same(all[case[5] + i - 1], row)
        end
      end
    end)

    it("may be given with an offset, whose + must be encoded", function()
      local sb = start { recordings = 2000 }
      local utc = recordings(sb, "startTime=2026-01-01T06:00:00Z"
        .. "&endTime=2026-02-01T06:00:00Z")
      assert.is_true(#utc > 100)
      assert.same(utc, (recordings(sb, "startTime=2026-01-01T00:00:00-06:00"
        .. "&endTime=2026-02-01T11%3A30%3A00%2B05%3A30")))
      assert.equal(400, get(sb, "/v2/recordings?startTime=2026-01-01T00:00:00"
        .. "+06:00&endTime=2026-02-01T00:00:00Z").status)
    end)

    it("must have two times in order", function()
      local sb = start()
      for _, query in ipairs { "", "startTime=2026-01-01T00:00:00Z",
        "startTime=&endTime=2026-01-01T00:00:00Z",
        "startTime=2026-01-02T00:00:00Z&endTime=2026-01-01T00:00:00Z",
        "startTime=2026-01-01&endTime=2026-01-02",
        "startTime=2026-01-01T00:00:00&endTime=2026-01-02T00:00:00",
        "startTime=2026-02-30T00:00:00Z&endTime=2026-03-02T00:00:00Z",
        "startTime=2026-13-01T00:00:00Z&endTime=2027-03-02T00:00:00Z",
        "startTime=2026-01-01T24:00:00Z&endTime=2027-03-02T00:00:00Z",
        "startTime=1767225600&endTime=1767312000" } do
        assert.equal(400, get(sb, "/v2/recordings?" .. query).status, query)
      end
    end)
  end)

  it("that come later follow the others, which stay", function()
    local sb = start { recordings = 100 }
    local before = recordings(sb)
    sb:set { recordings = 103 }
    local after = recordings(sb, "startTime=2025-06-30T00:00:00Z"
      .. "&endTime=2027-01-01T00:00:00Z")
    assert.equal(103, #after)
    for i, row in ipairs(before) do
      assert.same(row, after[i])
    end
    assert.is_true(after[101].startTime > after[100].startTime)
    sb:set { recordings = 50 }
    assert.equal(50, #recordings(sb))
  end)

  describe("on the wire", function()
    it("come in chunks, and the connection goes on", function()
      local sb = start { recordings = 1000 }
      local conn = plain.connect(sb)
      local text = plain.request_text("GET", xima.API .. PATH, xima.headers())
      conn:send(text .. text:gsub("GET", "HEAD") .. text)
      local first = plain.read_answer(conn)
      assert.equal("chunked", first.headers["transfer-encoding"])
      assert.is_nil(first.headers["content-length"])
      assert.equal(1000, #cjson.decode(first.body))
      local head = plain.read_head(conn)
      assert.equal("chunked", head.headers["transfer-encoding"])
      assert.is_true(plain.read_answer(conn).body == first.body)
      conn:close()
    end)

    it("are the same over TLS", function()
      local body = select(2, recordings(start { recordings = 5000 })).body
      local sb = start { recordings = 5000, tls = true }
      assert.is_true(body == select(2, recordings(sb)).body)
    end)

    it("are compressed for those who take it", function()
      if not plain.can_run() then
        pending("programs cannot be run here")
      end
      local sb = start { recordings = 5000 }
      local usual = select(2, recordings(sb)).body
      sb:set { gzip = true }
      local answer = get(sb, PATH, { ["Accept-Encoding"] = "gzip" })
      assert.equal("gzip", answer.headers["content-encoding"])
      assert.is_true(#answer.body < #usual / 2)
      local path = os.tmpname()
      local file = io.open(path, "wb")
      file:write(answer.body)
      file:close()
      local pipe = io.popen("gzip -dc < " .. path)
      assert.is_true(usual == pipe:read("*a"))
      pipe:close()
      os.remove(path)
    end)

    it("wait for their reader, in little memory, and others are served",
      function()
        local sb = start { recordings = 1000000, agents = 50, queues = 5 }
        get(sb, "/v1/agents")
        collectgarbage()
        local before = memory()
        local conn, head = open_list(sb)
        assert.equal(200, head.status)
        assert.equal(100000, #conn:receive(100000))
        for _ = 1, 300 do
          assert.equal(200, get(sb, "/v1/skills").status)
        end
        assert.is_true(memory() - before < allowance(), memory() - before)
        conn:close()
      end)

    it("are a million without being one in memory", function()
      local sb = start { recordings = 1000000, agents = 50, queues = 5 }
      collectgarbage()
      local before, size, most = memory(), 0, 0
      local conn = open_list(sb)
      local chunks = 0
      while true do
        local chunk = tonumber(conn:receive("*l"), 16)
        if chunk == 0 then
          break
        end
        assert(conn:receive(chunk + 2))
        size, chunks = size + chunk, chunks + 1
        if chunks % 50 == 0 then
          most = math.max(most, memory())
        end
      end
      conn:close()
      assert.is_true(most > 0)
      assert.is_true(size > 350e6 and size < 450e6, size)
      assert.is_true(most - before < allowance(), most - before)
    end)
  end)

  describe("meet faults:", function()
    it("cut in the middle of a row, in good order or by a reset", function()
      local sb = start { recordings = 3000 }
      for _, reset in ipairs { false, true } do
        sb:fault { path = "/recordings", truncate = 100000, reset = reset }
        local conn, head = open_list(sb)
        assert.equal(200, head.status)
        local _, err, rest = conn:receive(1e6)
        assert.equal("closed", err)
        assert.equal(100000, #rest)
        conn:close()
      end
      sb:fault { path = "/recordings", truncate = 100000, clean = true }
      local _, answer = recordings(sb)
      assert.equal(100000, #answer.body)
    end)

    it("a drip", function()
      local sb = start { recordings = 10 }
      local usual = select(2, recordings(sb)).body
      sb:fault { path = "/recordings", drip = 0.01, piece = 500 }
      local body
      local took = plain.seconds(function()
        body = select(2, recordings(sb)).body
      end)
      assert.equal(usual, body)
      assert.is_true(took >= 0.01 * math.floor(#usual / 500), took)
    end)

    it("a flipped bit, a status, a delay", function()
      local sb = start { recordings = 3000 }
      local usual = select(2, recordings(sb)).body
      sb:fault { path = "/recordings", flip = 500000 }
      local struck = select(2, recordings(sb)).body
      assert.equal(#usual, #struck)
      assert.is_true(usual:sub(1, 500000) == struck:sub(1, 500000))
      assert.equal(1, math.abs(usual:byte(500001) - struck:byte(500001)))
      assert.is_true(usual:sub(500002) == struck:sub(500002))
      sb:fault { path = "/recordings", status = 503, delay = 0.05 }
      local took = plain.seconds(function()
        assert.equal(503, get(sb, PATH).status)
      end)
      assert.is_true(took >= 0.05)
    end)
  end)

  it("survive readers that hang up", function()
    for _, tls in ipairs { false, true } do
      local sb = start { recordings = 1000000, tls = tls }
      for _ = 1, 10 do
        local conn = open_list(sb, nil)
        assert.equal(50000, #conn:receive(50000))
        conn:close()
      end
      assert.equal(200, get(sb, "/v1/agents").status)
    end
  end)
end)
