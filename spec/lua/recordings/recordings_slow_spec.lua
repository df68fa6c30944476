-- Recordings that arrive faster than they are read, and in millions.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local recordings = require "spec.support.recordings"
local server = require "spec.support.server"
local socket = require "socket"

local start = server.xima
local CHUNKED, YEAR = recordings.CHUNKED, recordings.YEAR
local chunk, row, year = recordings.chunk, recordings.row, recordings.year

describe("recordings", function()
  describe("read by a slow reader", function()
    -- Sends rows as fast as they are taken; `sent` counts their bytes.
    local function endless()
      local sent, ended = { bytes = 0 }, false
      local client, s = start(function(_, _, conn)
        local i = 1
        conn:send(CHUNKED .. chunk("[" .. row(0)))
        while not ended do
          local items = {}
          for k = 1, 100 do
            items[k] = row(i)
            i = i + 1
          end
          local bytes = chunk("," .. table.concat(items, ","))
          if not conn:send(bytes) then
            return
          end
          sent.bytes = sent.bytes + #bytes
          if i % 1000 == 1 then
            conn:hold(nil, 0)
          end
        end
        sent.last = i - 1
        conn:send(chunk "]" .. chunk "")
      end, { timeout = 1, retries = 0 })
      return client, s, sent, function() ended = true end
    end

    it("make the server wait, and a pause longer than `timeout` is no time-out", function()
      local client, s, sent, finish = endless()
      local stream = client:recordings(YEAR)
      assert.equal("K0", assert(stream:next()).recordingKey)
      local taken = server.until_stuck(s, sent)
      assert.is_true(taken < 30e6, taken)
      local from = socket.gettime()
      s:serve(function() return socket.gettime() > from + 1.5 end)
      -- Nothing moved while nobody read, but for what the kernel still took.
      assert.is_true(sent.bytes - taken < 4e6, sent.bytes - taken)
      for i = 1, 1000 do
        assert.equal("K" .. i, assert(stream:next()).recordingKey)
      end
      from = socket.gettime()
      s:serve(function() return socket.gettime() > from + 1.5 end)
      finish()
      local count, last = 1001, nil
      for recording in stream do
        count, last = count + 1, recording.recordingKey
      end
      assert.equal(sent.last + 1, count)
      assert.equal("K" .. sent.last, last)
      assert.equal(1, #s.requests)
    end)

    it("count against the deadline", function()
      local client, s = endless()
      local stream = client:recordings(year { deadline = 1.5 })
      assert(stream:next())
      local from = socket.gettime()
      s:serve(function() return socket.gettime() > from + 1.6 end)
      local fine, err = pcall(function()
        for _ in stream do end -- luacheck: ignore 542
      end)
      assert.is_false(fine)
      assert.equal("timeout", err.code)
    end)

    it("end at once when they are closed", function()
      local client, s, sent = endless()
      local stream = client:recordings(YEAR)
      assert(stream:next())
      server.until_stuck(s, sent)
      stream:close()
      s:serve(function() return #s.conns == 0 end)
      assert.equal("cancelled", select(2, stream:next()).code)
    end)
  end)

  describe("by the million", function()
    local COUNT = (helper.sanitized or os.getenv("CCAAS_GC")) and 20000 or 1000000

    -- A sandbox in a process of its own, so that its memory is not ours.
    local function sandbox_process(count)
      local path = helper.folder() .. "/port"
      local pipe = io.popen(helper.command(([[
        local sb = require("ccaas.sandbox").start { recordings = %d }
        local file = io.open(%q, "w")
        file:write(sb.port, "\n")
        file:close()
        sb:wait()
      ]]):format(count, path)), "w")
      helper.at_end(function() pipe:close() end)
      local ends = socket.gettime() + 30
      while true do
        local file = io.open(path)
        local port = file and file:read("*l")
        if file then
          file:close()
        end
        if port then
          return { provider = "xima", token = "sandbox-xima-token", base_url = "http://127.0.0.1:" .. port }
        end
        assert(socket.gettime() < ends, "the sandbox did not start")
        socket.sleep(0.01)
      end
    end

    local function resident()
      return tonumber(helper.read("/proc/self/statm"):match("^%d+ (%d+)")) * 4096
    end

    it("hold a bounded amount of memory", function()
      local client = ccaas.new(sandbox_process(COUNT))
      local stream = client:recordings(YEAR)
      assert(stream:next())
      collectgarbage()
      collectgarbage()
      local before, most, count = resident(), 0, 1
      for recording in stream do
        count = count + 1
        if count % 10000 == 0 then
          most = math.max(most, resident())
          assert.is_string(recording.recordingKey)
        end
        -- A reader that falls asleep now and then.
        if count % (COUNT / 4) == 0 then
          socket.sleep(0.1)
          most = math.max(most, resident())
        end
      end
      assert.equal(COUNT, count)
      assert.equal(COUNT, stream:info().rows)
      if not helper.sanitized then
        assert.is_true(most - before < 12e6, ("%.1f MB more"):format((most - before) / 1e6))
      end
    end)
  end)
end)
