-- The sandbox's Xima audio: its files and its limits.

local socket = require "socket"
local xima = require "spec.support.xima_http"
local start, recordings, audio, pages =
  xima.start, xima.recordings, xima.audio, xima.pages

-- The statuses of one request for each row.
local function statuses(sb, rows)
  local list = {}
  for i, row in ipairs(rows) do
    list[i] = audio(sb, row).status
  end
  return list
end

describe("the sandbox's Xima audio", function()
  after_each(xima.stop_all)

  it("is Ogg, of the size that the row says", function()
    local sb = start { recordings = 10, audio_interval = 0 }
    for _, row in ipairs((recordings(sb))) do
      local answer = audio(sb, row)
      assert.equal(200, answer.status)
      assert.equal("audio/ogg", answer.headers["content-type"])
      assert.equal(row.size, #answer.body)
      assert.equal("OggS", answer.body:sub(1, 4))
      assert.equal("OpusHead", answer.body:sub(29, 36))
      assert.is_nil(answer.headers.etag)
      assert.is_nil(answer.headers["accept-ranges"])
    end
  end)

  it("has right pages, whatever its size", function()
    local sb = start { recordings = 1, audio_interval = 0 }
    local row = recordings(sb)[1]
    local sizes = {}
    for size = 127, 1400, 3 do
      sizes[#sizes + 1] = size
    end
    -- Where a length takes another byte, and where another page begins.
    for _, size in ipairs { 125 + 256, 125 + 512, 125 + 768, 125 + 1024, 1129,
      1130, 8157, 8158, 8185, 8186, 8187, 8188, 16243, 16245, 16246, 50000 } do
      sizes[#sizes + 1] = size
    end
    for _, size in ipairs(sizes) do
      sb:set { audio_size = size }
      local body = audio(sb, row).body
      assert.equal(size, #body)
      local list = assert(pages(body))
      for i, page in ipairs(list) do
        assert.equal(i - 1, page.sequence)
        assert.equal(i == 1 and 2 or i == #list and 4 or 0, page.flags)
      end
      assert.is_true(#list >= 3)
    end
  end)

  it("is the same for the same key, and another for another", function()
    local options = { recordings = 3, audio_interval = 0, audio_size = 5000 }
    local sb, twin = start(options), start(options)
    local rows, seen = recordings(sb), {}
    for _, row in ipairs(rows) do
      local body = audio(sb, row).body
      assert.is_nil(seen[body])
      seen[body] = true
      assert.is_true(body == audio(sb, row).body)
      assert.is_true(body == audio(twin, row).body)
    end
    sb:set { audio_version = 2 }
    local changed = audio(sb, rows[1]).body
    assert.equal(5000, #changed)
    assert.is_nil(seen[changed])
    assert.is_table(pages(changed))
  end)

  it("can be large", function()
    local sb = start { recordings = 1, audio_interval = 0, audio_size = 2e7 }
    local row = recordings(sb)[1]
    assert.equal(2e7, row.size)
    assert.equal(2e7, #audio(sb, row).body)
  end)

  it("is told apart by keys with odd characters", function()
    local sb = start { recordings = 400, odd_keys = true, audio_size = 200,
      audio_interval = 0 }
    local odd, longest, patterns = 0, 0, { "%.%./", "^/", " ", "%z", "%%2e",
      '"', "\\", "\r\n", "%?", "#" }
    local found = {}
    for _, row in ipairs((recordings(sb))) do
      local key = row.recordingKey
      if not key:find("^%x+$") then
        odd = odd + 1
        longest = math.max(longest, #key)
        for i, pattern in ipairs(patterns) do
          found[i] = found[i] or key:find(pattern) ~= nil
        end
      end
      local answer = audio(sb, row)
      assert.equal(200, answer.status, key)
      assert.equal(200, #answer.body)
    end
    assert.equal(40, odd)
    assert.is_true(longest >= 300)
    for i = 1, #patterns do
      assert.is_true(found[i], patterns[i])
    end
    for _, row in ipairs((recordings(start { recordings = 100 }))) do
      assert.is_truthy(row.recordingKey:find("^%x+$"))
    end
  end)

  it("is not found for a recording that does not exist", function()
    local sb = start { recordings = 20, audio_interval = 0,
      xima_tenants = { "acme", "other" } }
    local row = recordings(sb)[1]
    local other = row.tenantName == "acme" and "other" or "acme"
    for _, change in ipairs { { tenantName = other },
      { tenantName = "nobody" }, { recordingKey = row.recordingKey .. "0" },
      { recordingKey = "x" .. row.recordingKey }, { recordingKey = "x" },
      { recordingKey = row.recordingKey:sub(1, 8) .. "00000002" },
      { recordingKey = row.recordingKey:sub(1, 8) .. "00000015" },
      { recordingKey = row.recordingKey:sub(1, 8) .. "00000000" },
      { recordingKey = row.recordingKey:sub(1, 8) .. "ffffffff" } } do
      assert.equal(404, audio(sb, {
        tenantName = change.tenantName or row.tenantName,
        recordingKey = change.recordingKey or row.recordingKey }).status)
    end
    assert.equal(200, audio(sb, row).status)
  end)

  describe("limits", function()
    it("are one request in three seconds, told to wait for the rest",
      function()
        local sb = start { recordings = 2, audio_size = 200 }
        local rows = recordings(sb)
        assert.equal(200, audio(sb, rows[1]).status)
        local answer = audio(sb, rows[2])
        assert.equal(429, answer.status)
        assert.equal("3", answer.headers["retry-after"])
        sb:set { audio_interval = 0 }
        assert.same({ 200, 200 }, statuses(sb, rows))
      end)

    it("end by themselves; what was refused does not prolong them",
      function()
        local sb = start { recordings = 1, audio_size = 200,
          audio_interval = 1 }
        local row = recordings(sb)[1]
        assert.equal(200, audio(sb, row).status)
        local from, refused = socket.gettime(), 0
        local answer = audio(sb, row)
        while answer.status == 429 and refused < 1e5 do
          assert.equal("1", answer.headers["retry-after"])
          refused = refused + 1
          answer = audio(sb, row)
        end
        assert.equal(200, answer.status)
        assert.is_true(refused > 0)
        assert.is_true(socket.gettime() - from < 10)
      end)

    it("are each tenant's own", function()
      local sb = start { recordings = 4, audio_size = 200,
        xima_tenants = { "a", "b" } }
      local rows = recordings(sb)
      assert.same({ 200, 200, 429, 429 }, statuses(sb, rows))
    end)

    it("do not count what may not ask", function()
      local sb = start { recordings = 1, audio_size = 200 }
      local row = recordings(sb)[1]
      assert.equal(401, audio(sb, row, { Authorization = false }).status)
      assert.equal(404, audio(sb, { tenantName = "nobody",
        recordingKey = row.recordingKey }).status)
      assert.equal(200, audio(sb, row).status)
    end)

    it("are so many bytes, then 509 until they are lifted", function()
      local sb = start { recordings = 6, audio_size = 1000, egress_cap = 2001,
        audio_interval = 0, xima_tenants = { "a", "b" } }
      local rows = recordings(sb)
      local of_a, of_b = {}, {}
      for _, row in ipairs(rows) do
        table.insert(row.tenantName == "a" and of_a or of_b, row)
      end
      assert.same({ 200, 200, 200 }, statuses(sb, of_a))
      assert.same({ 509, 509, 509 }, statuses(sb, of_a))
      assert.equal(200, audio(sb, of_b[1]).status)
      sb:set { egress_cap = math.huge }
      assert.same({ 200, 200, 200 }, statuses(sb, of_a))
    end)
  end)

  describe("ranges", function()
    local function with_ranges()
      local sb = start { recordings = 1, audio_interval = 0, ranges = true,
        audio_size = 1000 }
      local row = recordings(sb)[1]
      return sb, row, audio(sb, row)
    end

    it("are offered and given", function()
      local sb, row, whole = with_ranges()
      assert.equal("bytes", whole.headers["accept-ranges"])
      assert.is_truthy(whole.headers.etag:find('^".+"$'))
      for range, span in pairs { ["bytes=0-0"] = { 0, 0 },
        ["bytes=900-"] = { 900, 999 }, ["bytes=100-199"] = { 100, 199 },
        ["bytes=-10"] = { 990, 999 }, ["bytes=990-5000"] = { 990, 999 },
        ["bytes=-5000"] = { 0, 999 } } do
        local answer = audio(sb, row, { Range = range })
        assert.equal(206, answer.status)
        assert.equal(("bytes %d-%d/1000"):format(span[1], span[2]),
          answer.headers["content-range"])
        assert.is_true(whole.body:sub(span[1] + 1, span[2] + 1) == answer.body)
        assert.equal(whole.headers.etag, answer.headers.etag)
      end
    end)

    it("that cannot be had are refused, others passed over", function()
      local sb, row, whole = with_ranges()
      for _, range in ipairs { "bytes=1000-", "bytes=1000-1001", "bytes=-0" } do
        local answer = audio(sb, row, { Range = range })
        assert.equal(416, answer.status)
        assert.equal("bytes */1000", answer.headers["content-range"])
      end
      for _, range in ipairs { "bytes=", "bytes=-", "lines=1-2",
        "bytes=0-1,5-6", "bytes=20-10" } do
        local answer = audio(sb, row, { Range = range })
        assert.equal(200, answer.status)
        assert.is_true(whole.body == answer.body)
      end
    end)

    it("hold only for the same file", function()
      local sb, row, whole = with_ranges()
      local headers = { Range = "bytes=500-", ["If-Range"] =
        whole.headers.etag }
      assert.equal(206, audio(sb, row, headers).status)
      sb:set { audio_version = 2 }
      local answer = audio(sb, row, headers)
      assert.equal(200, answer.status)
      assert.equal(1000, #answer.body)
      assert.is_true(answer.headers.etag ~= whole.headers.etag)
      assert.is_true(answer.body ~= whole.body)
    end)

    it("are not there unless told", function()
      local sb, row = with_ranges()
      sb:set { ranges = false }
      local answer = audio(sb, row, { Range = "bytes=500-" })
      assert.equal(200, answer.status)
      assert.equal(1000, #answer.body)
    end)
  end)

  describe("faults", function()
    it("flip a bit, which the checksum of its page tells", function()
      local sb = start { recordings = 1, audio_interval = 0, audio_size = 9000 }
      local row = recordings(sb)[1]
      assert.is_table(pages(audio(sb, row).body))
      sb:fault { path = "/recordings/*", flip = 5000 }
      local _, problem = pages(audio(sb, row).body)
      assert.equal("wrong checksum of page 2", problem)
      assert.is_table(pages(audio(sb, row).body))
    end)

    it("cut a file", function()
      local sb = start { recordings = 1, audio_interval = 0, audio_size = 9000,
        ranges = true }
      local row = recordings(sb)[1]
      sb:fault { path = "/recordings/*", truncate = 8100 }
      local answer = audio(sb, row)
      assert.equal("closed", answer.cut)
      assert.equal(8100, #answer.body)
      local rest = audio(sb, row, { Range = "bytes=8100-" })
      assert.is_table(pages(answer.body .. rest.body))
    end)
  end)
end)
