-- Audio at the vendor's pace, and what it says to those who are too fast or have had
-- enough.
local ccaas = require "ccaas"
local downloads = require "spec.support.audio"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local socket = require "socket"

local start = server.xima
local recording = downloads.recording
local audio = downloads.answer
local entries = downloads.entries
local audio_requests = downloads.requests
local ways = downloads.ways
local YEAR = downloads.YEAR

local ogg

setup(function()
  ogg = select(4, downloads.world())
end)

describe("audio", function()
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

    it("no other call waits for it", function()
      local c, s = paced(60, 0)
      assert(c:audio(recording()))
      assert.is_table(c:request { path = "/x" })
      assert.equal(2, #s.requests)
    end)

    it("a call that fails, raises or is closed lets the next one in", function()
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
      assert.equal("timeout", select(2, c:audio(recording(), { timeout = 1 })).code)
      next_one()
      fates = { "hang" }
      assert.equal("timeout", select(2, c:audio(recording(), { deadline = 1 })).code)
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
      local busy = helper.sandbox { recordings = 2, audio_interval = 3 }
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

    -- They waited for as long as the refused one did, a day for instance.
    it("for long ends other calls at once that would not wait so long", function()
      local c, s = start(function() return server.answer("", { status = 429, headers = { ["Retry-After"] = 600 } }) end)
      local waiting, err
      s:run(function()
        waiting = select(2, c:audio(recording "K1", { deadline = 601 }))
      end, function()
        s:serve(function() return #s.requests == 1 end)
        err = select(2, c:audio(recording "K2"))
        assert.is_nil(waiting) -- which has a deadline and waits
        c:close()
      end)
      assert.same({ "rate_limited", true, 1 }, { err.code, err.retryable, #s.requests })
      assert.is_true(err.retry_after > 590 and err.retry_after <= 600, err.retry_after)
      assert.is_truthy(err.message:find("longer than max_retry_after (120 s)", 1, true))
      assert.equal("cancelled", waiting.code)
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
