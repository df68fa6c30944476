-- Audio: whole or not at all, at the vendor's pace, and only what is missing
-- when a download was cut.
local ccaas = require "ccaas"
local helper = require "spec.helper"
local server = require "spec.server"
local socket = require "socket"

local YEAR = { from = "2025-06-30", to = "2026-06-30" }

local sandbox, client, rows

-- Headers of a fault that spare the next attempt its pause.
local SOON = { ["Retry-After"] = 0 }

-- The audio of the sandbox's first recording: whole Ogg pages.
local ogg

-- A server and its client, which keeps no pace unless told so.
local function start(answer, overrides)
  local s
  s = server.start(function(request, conn)
    return answer(request, #s.requests, conn)
  end)
  local given = { provider = "xima", token = "T", key = false, secret = false, token_url = false, audio_interval = 0 }
  for name, value in pairs(overrides or {}) do
    given[name] = value
  end
  return ccaas.new(s:options(given)), s
end

local function recording(key, tenant)
  return { recordingKey = key or "K1", tenantName = tenant or "acme" }
end

local function audio(bytes, headers, status)
  headers = headers or {}
  headers["Content-Type"] = "audio/ogg"
  return server.answer(bytes or ogg, { headers = headers, status = status })
end

-- Begins an answer and breaks off after so many bytes of it; the next attempt
-- need not wait.
local function cut(conn, bytes, length, headers)
  headers = headers or {}
  headers["Retry-After"] = 0
  conn:send(audio(bytes, headers):sub(1, #audio(bytes, headers) - #bytes + length))
  conn:close()
end

-- What is in a folder.
local function entries(folder)
  local _, output = helper.run("ls -A " .. helper.quote(folder))
  return output
end

local function audio_requests(sb)
  local list = {}
  for _, request in ipairs(sb:requests()) do
    if request.path:find("/audio$") then
      list[#list + 1] = request
    end
  end
  return list
end

-- A sink and what it was given.
local function new_sink()
  local pieces = {}
  return function(piece)
    pieces[#pieces + 1] = piece
  end, function() return table.concat(pieces) end
end

-- What a call gives by each way, as bytes: { name, call(client, row, opts) }.
local ways = {
  { "bytes", function(c, row, opts) return c:audio(row, opts) end },
  { "a file", function(c, row, opts)
    local folder = helper.folder()
    local copy = { file = folder .. "/a.ogg" }
    for name, value in pairs(opts or {}) do
      copy[name] = value
    end
    local file, err = c:audio(row, copy)
    if not file then
      assert.equal("", entries(folder))
      return nil, err
    end
    assert.equal("a.ogg\n", entries(folder))
    assert.equal(copy.file, file.path)
    local bytes = helper.read(copy.file)
    assert.equal(#bytes, file.bytes)
    assert.equal("audio/ogg", file.content_type)
    return bytes
  end },
  { "a sink", function(c, row, opts)
    local sink, given = new_sink()
    local copy = { sink = sink }
    for name, value in pairs(opts or {}) do
      copy[name] = value
    end
    local result, err = c:audio(row, copy)
    if not result then
      return nil, err
    end
    assert.equal(#given(), result.bytes)
    assert.equal("audio/ogg", result.content_type)
    return given()
  end },
}

setup(function()
  sandbox = helper.sandbox { recordings = 40, audio_interval = 0, audio_size = 30000, odd_keys = true,
    strict = true }
  client = ccaas.new(sandbox:options("xima", { audio_interval = 0 }))
  rows = assert(client:recordings(YEAR):all())
  ogg = assert(client:audio(rows[1]))
end)

describe("audio", function()
  describe("comes", function()
    for _, way in ipairs(ways) do
      it("as " .. way[1] .. ", whole", function()
        for i = 1, 3 do
          local bytes = assert(way[2](client, rows[i]))
          assert.equal(rows[i].size, #bytes)
          assert.equal("OggS", bytes:sub(1, 4))
        end
        assert.equal(ogg, assert(way[2](client, rows[1])))
      end)
    end

    it("telling its progress against the size that the row says", function()
      for _, way in ipairs(ways) do
        local done, total = 0, nil
        assert(way[2](client, rows[1], { progress = function(so_far, whole)
          assert.is_true(so_far > done)
          done, total = so_far, whole
        end }))
        assert.equal(rows[1].size, done)
        assert.equal(rows[1].size, total)
      end
    end)

    it("telling its progress against the length announced where the row says nothing", function()
      local total
      local other = start(function() return audio() end)
      assert(other:audio(recording(), { progress = function(_, whole) total = whole end }))
      assert.equal(#ogg, total)
    end)

    it("over a file that is there", function()
      local path = helper.folder() .. "/a.ogg"
      assert(client:audio(rows[2], { file = path }))
      assert(client:audio(rows[1], { file = path }))
      assert.equal(ogg, helper.read(path))
    end)

    it("byte by byte", function()
      local other = start(function(_, _, conn)
        conn:send(audio():sub(1, -#ogg - 1))
        conn:drip(ogg:sub(1, 300), 1)
        conn:send(ogg:sub(301))
      end)
      assert.equal(ogg, assert(other:audio(recording())))
    end)
  end)

  describe("is asked for", function()
    it("by an address that is percent-encoded, whatever the key holds", function()
      sandbox:clear_requests()
      local odd = 0
      for _, row in ipairs(rows) do
        local bytes, err = client:audio(row)
        assert.is_nil(err)
        assert.equal(row.size, #bytes)
        odd = odd + (row.recordingKey:find("[^%w]") and 1 or 0)
      end
      assert.is_true(odd >= 3)
      for _, request in ipairs(audio_requests(sandbox)) do
        assert.matches("^/rest/api/v2/recordings/acme/[%w%%%-%._~]+/audio$", request.target)
        assert.equal(200, request.status)
        assert.equal("audio/ogg", request.headers.accept)
        assert.equal("audio/ogg", request.headers["content-type"])
        assert.equal("Bearer sandbox-xima-token", request.headers.authorization)
      end
    end)

    it("with keys of any bytes", function()
      for key, target in pairs {
        ["../../x"] = "..%2F..%2Fx", ["a\0b"] = "a%00b", ["\r\nX: y"] = "%0D%0AX%3A%20y", ["%2e"] = "%252e",
        ["?a#b"] = "%3Fa%23b", [("x"):rep(300)] = ("x"):rep(300), ["\255"] = "%FF",
      } do
        local other, s = start(function() return audio() end)
        assert(other:audio { recordingKey = key, tenantName = key })
        assert.equal("/rest/api/v2/recordings/" .. target .. "/" .. target .. "/audio", s.requests[1].target)
      end
    end)

    it("by a row that has what it takes, or raises and sends nothing", function()
      local other, s = start(function() return audio() end)
      for _, case in ipairs {
        { "K1", nil, "expected a row, as `recordings` gives them" },
        { nil, nil, "expected a row" },
        { {}, nil, "tenant id must be a string" },
        { { tenantName = "acme" }, nil, "recording id must be a string" },
        { { tenantName = "acme", recordingKey = 7 }, nil, "recording id must be a string" },
        { { tenantName = "acme", recordingKey = "" }, nil, "recording id is empty" },
        { { tenantName = "..", recordingKey = "K1" }, nil, "which a path does not take" },
        { recording(), { file = "/tmp/x", sink = print }, "options `file` and `sink` do not go together" },
        { recording(), { sink = "x" }, "option `sink` must be a function" },
        { recording(), { progress = 1 }, "option `progress` must be a function" },
        { recording(), { path = "x" }, "unknown option `path`" },
      } do
        local fine, message = pcall(other.audio, other, case[1], case[2])
        assert.is_false(fine)
        assert.is_truthy(message:find(case[3], 1, true), message)
        assert.is_truthy(message:find("audio_spec", 1, true), message)
      end
      assert.equal(0, s.accepted)
    end)
  end)

  describe("keeps the vendor's pace:", function()
    -- A client of a server that notes how many requests are under way at once.
    local function paced(seconds, hold, events)
      local state = { now = 0, most = 0 }
      local c, s = start(function(_, _, conn)
        state.now = state.now + 1
        state.most = math.max(state.most, state.now)
        conn:hold(nil, hold)
        state.now = state.now - 1
        return audio()
      end, { audio_interval = seconds, on_event = events and function(event)
        events[#events + 1] = event
      end })
      return c, s, state
    end

    -- Between two arrivals, which is what the vendor sees (but for what its clock
    -- and ours do).
    local function is_paced(s, seconds)
      for i = 2, #s.requests do
        local between = s.requests[i].at - s.requests[i - 1].at
        assert.is_true(between > seconds - 0.005, between)
      end
    end

    it("one at a time, and so many seconds apart, over all coroutines of a client", function()
      local events = {}
      local c, s, state = paced(0.2, 0.01, events)
      local got = 0
      local function fetch()
        assert.equal(ogg, assert(c:audio(recording())))
        got = got + 1
      end
      s:run(fetch, fetch, fetch, fetch)
      assert.equal(4, got)
      assert.equal(1, state.most)
      is_paced(s, 0.2)
      local waits = 0
      for _, event in ipairs(events) do
        if event.type == "wait" then
          assert.equal("pace", event.reason)
          assert.matches("/audio$", event.url)
          waits = waits + 1
        end
      end
      assert.equal(3, waits)
    end)

    it("one at a time also where they take longer than that", function()
      local c, s, state = paced(0, 0.05)
      local function fetch() assert(c:audio(recording())) end
      s:run(fetch, fetch, fetch, fetch, fetch)
      assert.equal(5, #s.requests)
      assert.equal(1, state.most)
    end)

    it("three seconds apart unless told otherwise, which on_event shows and the deadline counts", function()
      local waits = {}
      local c, s = start(function() return audio() end, { audio_interval = false, on_event = function(event)
        if event.type == "wait" then
          waits[#waits + 1] = event
        end
      end })
      assert(c:audio(recording()))
      assert.equal(0, #waits)
      local from = socket.gettime()
      local bytes, err = c:audio(recording("K2"), { deadline = 0.1 })
      assert.is_nil(bytes)
      assert.equal("timeout", err.code)
      assert.is_true(socket.gettime() - from < 2)
      assert.equal(1, #s.requests)
      assert.equal(1, #waits)
      assert.equal("pace", waits[1].reason)
      assert.is_true(waits[1].seconds > 1 and waits[1].seconds <= 3, waits[1].seconds)
      -- Who gave up holds nobody up: the next one goes when the three seconds are over.
      assert(c:audio(recording("K3"), { deadline = 30 }))
      assert.equal(2, #s.requests)
      is_paced(s, 3)
      assert.is_true(s.requests[2].at - s.requests[1].at < 6)
    end)

    it("tenants go side by side", function()
      local here = 0
      local c, s = start(function(_, _, conn)
        here = here + 1
        conn:hold(function() return here == 3 end)
        return audio()
      end, { audio_interval = 60 })
      s:run(
        function() assert(c:audio(recording("K1", "one"))) end,
        function() assert(c:audio(recording("K1", "two"))) end,
        function() assert(c:audio(recording("K1", "three"))) end
      )
      assert.equal(3, here)
    end)

    it("nothing else waits for it", function()
      local c, s = paced(60, 0)
      assert(c:audio(recording()))
      assert.is_table(c:request { path = "/x" })
      assert.equal(2, #s.requests)
    end)

    it("whoever fails, raises or is closed makes room for the next", function()
      local fates, broken, s, c = {}, false
      c, s = start(function(_, _, conn)
        local fate = table.remove(fates, 1)
        if fate == "refuse" then
          return server.answer("", { status = 404 })
        elseif fate == "hang" then
          conn:hold()
          return nil
        elseif fate == "damage" then
          return audio("no audio")
        end
        return audio()
      end, { retries = 0, loop = { wait = function(fd, seconds)
        if broken then
          s:serve(function() return #fates == 0 end)
          error("the loop is over", 0)
        end
        return s.loop.wait(fd, seconds)
      end } })
      local function next_one()
        assert.equal(ogg, assert(c:audio(recording(), { deadline = 20 })))
      end
      fates = { "refuse" }
      assert.equal("not_found", select(2, c:audio(recording())).code)
      next_one()
      fates = { "damage" }
      assert.equal("protocol", select(2, c:audio(recording())).code)
      next_one()
      fates = { "hang" }
      assert.equal("timeout", select(2, c:audio(recording(), { timeout = 0.1 })).code)
      next_one()
      fates = { "hang" }
      assert.equal("timeout", select(2, c:audio(recording(), { deadline = 0.1 })).code)
      next_one()
      for _, name in ipairs { "sink", "progress" } do
        local fine, message = pcall(c.audio, c, recording(), { [name] = function() error("mine", 0) end })
        assert.is_false(fine)
        assert.equal("mine", message)
        next_one()
      end
      -- A loop that gives up in the middle of it.
      fates, broken = { "hang" }, true
      local fine, message = pcall(c.audio, c, recording())
      broken = false
      assert.is_false(fine)
      assert.equal("the loop is over", message)
      next_one()
    end)
  end)

  describe("refused with 429", function()
    it("waits as long as it says, and is asked for again", function()
      local busy = helper.sandbox { recordings = 2, audio_interval = 1 }
      local waits = {}
      local c = ccaas.new(busy:options("xima", { audio_interval = 0, on_event = function(event)
        if event.type == "wait" and event.code == "rate_limited" then
          waits[#waits + 1] = event.seconds
        end
      end }))
      local list = assert(c:recordings(YEAR):all())
      assert(c:audio(list[1]))
      assert.equal(list[2].size, #assert(c:audio(list[2])))
      local seen = audio_requests(busy)
      assert.same({ 200, 429, 200 }, { seen[1].status, seen[2].status, seen[3].status })
      assert.is_true(waits[1] >= 1, waits[1])
    end)

    it("keeps the tenant's others waiting as long", function()
      local c, s = start(function(_, n)
        if n == 1 then
          return server.answer("", { status = 429, headers = { ["Retry-After"] = 1 } })
        end
        return audio()
      end)
      s:run(
        function() assert(c:audio(recording "K1")) end,
        function() assert(c:audio(recording "K2")) end
      )
      assert.equal(3, #s.requests)
      assert.is_true(s.requests[2].at - s.requests[1].at >= 0.95)
    end)

    it("too often is the error rate_limited, and leaves no file", function()
      local c, s = start(function()
        return server.answer("", { status = 429, headers = { ["Retry-After"] = 0 } })
      end, { retries = 2 })
      for _, way in ipairs(ways) do
        local before = #s.requests
        local bytes, err = way[2](c, recording())
        assert.is_nil(bytes)
        assert.equal("rate_limited", err.code)
        assert.equal(before + 3, #s.requests)
      end
    end)
  end)

  describe("refused with 509", function()
    it("is the error egress_capped at once, and is not asked for again", function()
      for _, form in ipairs { "json", "text", "empty" } do
        local capped = helper.sandbox { recordings = 3, audio_interval = 0, egress_cap = 1, errors = form }
        local c = ccaas.new(capped:options("xima", { audio_interval = 0 }))
        local list = assert(c:recordings(YEAR):all())
        assert(c:audio(list[1]))
        for _, way in ipairs(ways) do
          capped:clear_requests()
          local bytes, err = way[2](c, list[2])
          assert.is_nil(bytes)
          assert.equal("egress_capped", err.code)
          assert.equal(509, err.status)
          assert.is_false(err.retryable)
          assert.equal(1, #err.attempts)
          assert.equal(1, #capped:requests())
        end
      end
    end)
  end)

  describe("that is damaged is the error protocol and leaves nothing behind:", function()
    local function is_refused(what, answer, words, row)
      it(what, function()
        for _, way in ipairs(ways) do
          local c, s = start(answer)
          local bytes, err = way[2](c, row and row() or recording())
          assert.is_nil(bytes)
          assert.equal("protocol", err.code)
          assert.is_truthy(err.message:find(words, 1, true), err.message)
          assert.equal(200, err.status)
          assert.equal("GET", err.method)
          assert.equal(s.url .. "/rest/api/v2/recordings/acme/K1/audio", err.url)
          assert.equal(1, #s.requests)
        end
      end)
    end

    local function flipped(offset)
      return function()
        local at = offset < 0 and #ogg + offset or offset
        local byte = ogg:byte(at + 1)
        return audio(ogg:sub(1, at) .. string.char(byte % 2 == 0 and byte + 1 or byte - 1) .. ogg:sub(at + 2))
      end
    end

    for _, offset in ipairs { 0, 4, 14, 18, 22, 26, 28, 100, 20000, -1 } do
      is_refused("a flipped bit at byte " .. offset, flipped(offset), "the audio is")
    end
    is_refused("cut short in good order", function() return audio(ogg:sub(1, -2)) end, "not whole")
    is_refused("cut to half a header", function() return audio(ogg:sub(1, 10)) end, "not whole")
    is_refused("nothing", function() return audio "" end, "not whole")
    is_refused("a login page", function() return audio "<!DOCTYPE html><html></html>" end, "damaged at byte 0")
    is_refused("something behind it", function() return audio(ogg .. "\n") end, "the audio is")
    is_refused("garbage", function() return audio(("\0\255x"):rep(1000)) end, "damaged at byte 0")
    is_refused("its first half", function() return audio(ogg:sub(15000)) end, "damaged")
    is_refused("smaller than the row says", function() return audio() end,
      "the recording says", function()
        return { recordingKey = "K1", tenantName = "acme", size = #ogg + 1 }
      end)
    is_refused("larger than the row says", function() return audio() end, "the recording says", function()
      return { recordingKey = "K1", tenantName = "acme", size = #ogg - 1 }
    end)

    it("and so it is with the sandbox's own faults", function()
      for _, fault in ipairs { { flip = 150 }, { login = true }, { truncate = 200, clean = true } } do
        for _, way in ipairs(ways) do
          fault.path = "/recordings/*"
          sandbox:fault(fault)
          local bytes, err = way[2](client, rows[2])
          assert.is_nil(bytes)
          assert.equal("protocol", err.code)
        end
      end
    end)

    it("the file that was there stays", function()
      local path = helper.folder() .. "/a.ogg"
      assert(client:audio(rows[1], { file = path }))
      sandbox:fault { path = "/recordings/*", flip = 150 }
      assert.is_nil((client:audio(rows[2], { file = path })))
      assert.equal(ogg, helper.read(path))
      assert.equal("a.ogg\n", entries(path:match "^(.*)/"))
    end)
  end)

  describe("that cannot be written is the error io and leaves no litter:", function()
    local function is_refused(path, words)
      local file, err = client:audio(rows[1], { file = path })
      assert.is_nil(file)
      assert.equal("io", err.code)
      assert.matches(words, err.message)
      assert.is_truthy(err.message:find(path, 1, true), err.message)
      assert.equal("xima", err.provider)
    end

    it("a directory that is missing, before anything is asked for", function()
      local folder = helper.folder()
      sandbox:clear_requests()
      is_refused(folder .. "/none/a.ogg", "no such directory")
      is_refused(folder, "directory")
      is_refused(folder .. "/", "directory")
      assert.equal(0, #sandbox:requests())
      assert.equal("", entries(folder))
    end)

    it("no permission", function()
      local folder = helper.folder()
      helper.run("chmod 0500 " .. helper.quote(folder))
      local probe = io.open(folder .. "/probe", "w")
      if probe then
        -- The superuser may write there; in /sys nobody may make files.
        probe:close()
        local fixed = helper.read("/proc/mounts"):find(" /sys sysfs ro[, ]")
        is_refused("/sys/a.ogg", fixed and "read%-only" or "permission")
      else
        is_refused(folder .. "/a.ogg", "permission")
        assert.equal("", entries(folder))
      end
    end)

    -- Runs in a process that may not write files of more than 8 KiB.
    local function limited(path)
      return helper.run("trap '' XFSZ; ulimit -f 16; " .. helper.command(([[
        local client = require("ccaas").new { provider = "xima", base_url = %q, token = "sandbox-xima-token",
          audio_interval = 0 }
        local file, err = client:audio({ tenantName = %q, recordingKey = %q }, { file = %q })
        print(file and "written" or err.code .. ": " .. err.message)
      ]]):format(sandbox.url, rows[1].tenantName, rows[1].recordingKey, path)))
    end

    it("larger than a file may be", function()
      local folder = helper.folder()
      assert.is_true(rows[1].size > 20000)
      local status, output = limited(folder .. "/a.ogg")
      assert.equal(0, status, output)
      assert.matches("^io: .*larger than a file may be", output)
      assert.equal("", entries(folder))
    end)

    it("a full file system", function()
      local folder = helper.folder()
      if helper.run("mount -t tmpfs -o size=16k tmpfs " .. helper.quote(folder)) == 0 then
        local fine, problem = pcall(function()
          is_refused(folder .. "/a.ogg", "no space left")
          assert.equal("", entries(folder))
          -- And there is room again for one that fits.
          sandbox:set { audio_size = 9000 }
          assert.equal(9000, assert(client:audio({ tenantName = rows[1].tenantName,
            recordingKey = rows[1].recordingKey }, { file = folder .. "/a.ogg" })).bytes)
        end)
        helper.run("umount " .. helper.quote(folder))
        sandbox:set { audio_size = rows[1].size }
        assert(fine, problem)
      else
        -- No file system of our own: a limit fills it as well.
        local _, output = limited(folder .. "/a.ogg")
        assert.matches("^io: ", output)
        assert.equal("", entries(folder))
      end
    end)
  end)

  describe("that is cut in mid-file", function()
    local ranged, c, row

    setup(function()
      ranged = helper.sandbox { recordings = 3, audio_interval = 0, ranges = true, audio_size = 100000 }
      c = ccaas.new(ranged:options("xima", { audio_interval = 0 }))
      row = assert(c:recordings(YEAR):all())[1]
    end)

    before_each(function()
      ranged:clear_requests()
    end)

    local function etag()
      local want = assert(c:audio(row))
      ranged:clear_requests()
      return want
    end

    for _, way in ipairs(ways) do
      for _, how in ipairs { "close", "reset" } do
        it(("at 90 %% asks for the rest only (%s, %s)"):format(way[1], how), function()
          local want = etag()
          ranged:fault { path = "/recordings/*", headers = SOON, truncate = 90000, reset = how == "reset" or nil }
          local bytes = assert(way[2](c, row))
          assert.equal(want, bytes)
          local seen = audio_requests(ranged)
          assert.equal(2, #seen)
          assert.is_nil(seen[1].headers.range)
          local from = tonumber(seen[2].headers.range:match("^bytes=(%d+)%-$"))
          -- A reset may take bytes back that were on their way.
          assert.is_true(from <= 90000 and (how == "reset" or from == 90000), from)
          assert.matches('^".+"$', seen[2].headers["if-range"])
          assert.equal(206, seen[2].status)
          assert.equal("audio/ogg", seen[2].headers.accept)
        end)
      end
    end

    it("again and again goes on each time", function()
      local want = etag()
      local done, last = {}, 0
      for _ = 1, 3 do
        ranged:fault { path = "/recordings/*", headers = SOON, truncate = 30000 }
      end
      local bytes = assert(c:audio(row, { progress = function(so_far, total)
        assert.is_true(so_far > last)
        last = so_far
        done[#done + 1] = total
      end }))
      assert.equal(want, bytes)
      assert.equal(100000, last)
      assert.equal(100000, done[1])
      local seen = audio_requests(ranged)
      assert.same({ "bytes=30000-", "bytes=60000-", "bytes=90000-" },
        { seen[2].headers.range, seen[3].headers.range, seen[4].headers.range })
    end)

    it("and changed meanwhile starts over", function()
      local before = etag()
      for i = 1, 2 do
        ranged:fault { path = "/recordings/*", headers = SOON, truncate = 50000 }
        ranged:fault { path = "/recordings/*", set = { audio_version = 10 + i } }
        local bytes = assert(ways[i][2](c, row))
        assert.equal(100000, #bytes)
        assert.are_not.equal(before, bytes)
        assert.equal(bytes, assert(c:audio(row)))
        before = bytes
      end
    end)

    it("and changed meanwhile is an error of a sink, which has bytes that are void", function()
      ranged:fault { path = "/recordings/*", headers = SOON, truncate = 50000 }
      ranged:fault { path = "/recordings/*", set = { audio_version = 20 } }
      local sink, given = new_sink()
      local done, err = c:audio(row, { sink = sink })
      assert.is_nil(done)
      assert.equal("network", err.code)
      assert.is_true(err.retryable)
      assert.equal(50000, #given())
    end)

    it("starts over where the server has no ranges; a sink cannot", function()
      for i, way in ipairs(ways) do
        local other, s = start(function(_, n, conn)
          if n == 1 then
            return cut(conn, ogg, #ogg - 100)
          end
          return audio()
        end)
        local bytes, err = way[2](other, recording())
        if i < 3 then
          assert.equal(ogg, bytes)
        else
          assert.is_nil(bytes)
          assert.equal("network", err.code)
        end
        assert.is_nil(s.requests[2].headers.range)
        assert.is_nil(s.requests[2].headers["if-range"])
      end
    end)

    it("starts over where the server sends all of it again, also to a sink that knows it is the same", function()
      for _, way in ipairs(ways) do
        local other, s = start(function(_, n, conn)
          if n == 1 then
            return cut(conn, ogg, 5000, { ETag = '"v1"' })
          end
          return audio(ogg, { ETag = '"v1"' })
        end)
        assert.equal(ogg, assert(way[2](other, recording())))
        assert.equal("bytes=5000-", s.requests[2].headers.range)
        assert.equal('"v1"', s.requests[2].headers["if-range"])
      end
    end)

    it("is not taken for the same by a weak ETag", function()
      for i, way in ipairs(ways) do
        local other, s = start(function(_, n, conn)
          if n == 1 then
            return cut(conn, ogg, 5000, { ETag = 'W/"v1"' })
          end
          return audio(ogg, { ETag = 'W/"v1"' })
        end)
        local bytes = way[2](other, recording())
        assert.equal(i < 3 and ogg or nil, bytes)
        assert.is_nil(s.requests[2].headers.range)
      end
    end)

    it("starts over where a part of another file is sent", function()
      for i = 1, 2 do
        local other, s = start(function(request, n, conn)
          if n == 1 then
            return cut(conn, ogg, 5000, { ETag = '"v1"' })
          elseif request.headers.range then
            -- It does not heed If-Range.
            return audio(ogg:sub(5001), { ETag = '"v2"',
              ["Content-Range"] = ("bytes 5000-%d/%d"):format(#ogg - 1, #ogg) }, 206)
          end
          return audio(ogg, { ETag = '"v2"' })
        end)
        assert.equal(ogg, assert(ways[i][2](other, recording())))
        assert.equal(3, #s.requests)
        assert.is_nil(s.requests[3].headers.range)
      end
    end)

    it("starts over where the rest cannot be had any more", function()
      local other, s = start(function(request, n, conn)
        if n == 1 then
          return cut(conn, ogg, 5000, { ETag = '"v1"' })
        elseif request.headers.range then
          return server.answer("", { status = 416, headers = { ["Content-Range"] = "bytes */4000" } })
        end
        return audio(ogg, { ETag = '"v2"' })
      end)
      assert.equal(ogg, assert(other:audio(recording())))
      assert.equal(3, #s.requests)
    end)

    it("is the error protocol where another part is sent than was asked for", function()
      for _, range in ipairs { "bytes 4999-%d/%d", "bytes 0-%d/%d", "items 5000-%d/%d", false } do
        local other = start(function(_, n, conn)
          if n == 1 then
            return cut(conn, ogg, 5000, { ETag = '"v1"' })
          end
          return audio(ogg:sub(5001), { ETag = '"v1"',
            ["Content-Range"] = range and range:format(#ogg - 1, #ogg) or nil }, 206)
        end)
        local bytes, err = other:audio(recording())
        assert.is_nil(bytes)
        assert.equal("protocol", err.code)
      end
      local other = start(function() return audio(ogg, { ["Content-Range"] = "bytes 0-9/10" }, 206) end)
      assert.equal("protocol", select(2, other:audio(recording())).code)
    end)

    it("starts over where it came compressed, though nobody asked for that", function()
      local path = helper.folder() .. "/ogg"
      local file = assert(io.open(path, "wb"))
      file:write(ogg)
      file:close()
      assert.equal(0, (helper.run("gzip -n " .. helper.quote(path))))
      local zipped = helper.read(path .. ".gz")
      local other, s = start(function(_, n, conn)
        local headers = { ETag = '"v1"', ["Content-Encoding"] = "gzip" }
        if n == 1 then
          return cut(conn, zipped, #zipped - 100, headers)
        end
        return audio(zipped, headers)
      end)
      assert.equal(ogg, assert(other:audio(recording())))
      assert.equal("identity", s.requests[1].headers["accept-encoding"])
      assert.equal(2, #s.requests)
      assert.is_nil(s.requests[2].headers.range)
    end)

    it("too often is the error network, and leaves no file", function()
      for _, way in ipairs(ways) do
        ranged:fault { path = "/recordings/*", headers = SOON, truncate = 1000, times = 2 }
        local bytes, err = way[2](c, row, { retries = 1 })
        assert.is_nil(bytes)
        assert.equal("network", err.code)
        assert.equal(2, #err.attempts)
      end
    end)

    it("keeps the pace for the rest, too", function()
      local other, s = start(function(_, n, conn)
        if n == 1 then
          return cut(conn, ogg, 5000, { ETag = '"v1"' })
        end
        return audio(ogg:sub(5001), { ETag = '"v1"',
          ["Content-Range"] = ("bytes 5000-%d/%d"):format(#ogg - 1, #ogg) }, 206)
      end, { audio_interval = 0.7 })
      assert.equal(ogg, assert(other:audio(recording())))
      assert.is_true(s.requests[2].at - s.requests[1].at > 0.65)
    end)

    it("and drips from there on is whole in the end", function()
      local want = etag()
      ranged:fault { path = "/recordings/*", headers = SOON, truncate = 50000 }
      ranged:fault { path = "/recordings/*", drip = 0.01 }
      assert.equal(want, assert(c:audio(row, { timeout = 5 })))
    end)
  end)

  describe("whose client is closed in mid-download", function()
    it("is the error cancelled, and leaves nothing", function()
      local folder = helper.folder()
      local other, s = start(function(_, _, conn)
        conn:send(audio(ogg):sub(1, 9000))
        conn:hold()
      end)
      local partly
      s:run(
        function()
          local file, err = other:audio(recording(), { file = folder .. "/a.ogg",
            progress = function() partly = entries(folder) end })
          assert.is_nil(file)
          assert.equal("cancelled", err.code)
        end,
        function()
          assert.is_nil((other:request { path = "/x", deadline = 0.2 }))
          other:close()
        end
      )
      assert.matches("^%.ccaas%-%x+%.part\n$", partly)
      assert.equal("", entries(folder))
    end)

    it("and that is never resumed leaves nothing when it is collected", function()
      local folder = helper.folder()
      local other, s = start(function(_, _, conn)
        conn:send(audio(ogg):sub(1, 9000))
        conn:hold()
      end)
      local task = coroutine.create(function()
        other:audio(recording(), { file = folder .. "/a.ogg" })
      end)
      s.running[task] = true
      assert(coroutine.resume(task))
      s:serve(function() return #s.requests == 1 end)
      assert.equal("suspended", coroutine.status(task))
      assert.matches("%.part", entries(folder))
      task = nil -- luacheck: ignore 311
      collectgarbage()
      collectgarbage()
      assert.equal("", entries(folder))
    end)
  end)

  describe("in a function's hands", function()
    it("is ended by what the function raises, and leaves no file", function()
      for _, name in ipairs { "progress", "sink" } do
        local folder = helper.folder()
        local fine, message = pcall(client.audio, client, rows[1], {
          file = name == "progress" and folder .. "/a.ogg" or nil,
          [name] = function() error({ mine = true }, 0) end,
        })
        assert.is_false(fine)
        assert.same({ mine = true }, message)
        assert.equal("", entries(folder))
      end
    end)

    it("may wait there for another call", function()
      local names = {}
      assert(client:audio(rows[1], { sink = function()
        names[#names + 1] = assert(client:skills { limit = 1 }:next()).name
      end }))
      assert.is_true(#names > 0)
    end)
  end)

  describe("wanted by two processes at once", function()
    it("without a store each keeps its own pace; 429 makes them take turns, and both get all", function()
      local shared = helper.sandbox { recordings = 4, audio_interval = 0.8 }
      local folder = helper.folder()
      local function child(name, first)
        return io.popen(helper.command(([[
          local ccaas, socket = require "ccaas", require "socket"
          local client = ccaas.new { provider = "xima", base_url = %q, token = "sandbox-xima-token",
            audio_interval = 0.8, retries = 20 }
          local list = assert(client:recordings { from = "2025-06-30", to = "2026-06-30" }:all())
          local folder, name = %q, %q
          io.open(folder .. "/ready-" .. name, "w"):close()
          while not io.open(folder .. "/go") do
            socket.sleep(0.002)
          end
          for i = %d, %d do
            print(assert(client:audio(list[i], { file = folder .. "/" .. i .. ".ogg" })).bytes == list[i].size)
          end
        ]]):format(shared.url, folder, name, first, first + 1)) .. " 2>&1")
      end
      local one, other = child("one", 1), child("two", 3)
      local ends = socket.gettime() + 60
      while entries(folder) ~= "ready-one\nready-two\n" do
        assert(socket.gettime() < ends, "the processes did not start")
        socket.sleep(0.01)
      end
      io.open(folder .. "/go", "w"):close()
      assert.equal("true\ntrue\n", one:read("*a"))
      assert.equal("true\ntrue\n", other:read("*a"))
      one:close()
      other:close()
      assert.equal("1.ogg\n2.ogg\n3.ogg\n4.ogg\ngo\nready-one\nready-two\n", entries(folder))
      local answers = {}
      for _, request in ipairs(audio_requests(shared)) do
        answers[request.status] = (answers[request.status] or 0) + 1
      end
      assert.equal(4, answers[200])
      assert.is_true((answers[429] or 0) >= 1)
    end)
  end)
end)
