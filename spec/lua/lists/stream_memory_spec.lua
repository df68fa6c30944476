-- Streams hold little, however much there is to come.
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local ccaas = require "ccaas"

describe("a stream", function()
  describe("holds little", function()
    local ROW, ROWS = 64 * 1024, 800
    local padding = ("x"):rep(ROW)

    local function resident()
      collectgarbage()
      collectgarbage()
      return tonumber(helper.read("/proc/self/statm"):match("^%d+ (%d+)")) * 4096
    end

    -- A server of 50 MB, row by row, in pages of so many rows.
    local function large()
      local sent = { bytes = 0 }
      local s = server.start(function(request, conn)
        local page, size = tonumber(request.query.page), tonumber(request.query.size)
        local last = math.min(ROWS, (page + 1) * size)
        local function row(i)
          return ('{"id":"%d","name":"%s"}'):format(i, padding)
        end
        local length = 1
        for i = page * size + 1, last do
          length = length + #row(i) + 1
        end
        conn:send(server.page {
          rows = {}, page = page, size = size, total = ROWS, headers = { ["Content-Length"] = length },
        }:sub(1, -3))
        for i = page * size + 1, last do
          local bytes = (i == page * size + 1 and "[" or ",") .. row(i)
          if not conn:send(bytes) then
            return nil
          end
          sent.bytes = sent.bytes + #bytes
        end
        conn:send("]")
      end)
      return ccaas.new(s:options()), s, sent
    end

    for _, size in ipairs { 1000, 100 } do
      it(("while its reader stops, and makes the server wait: pages of %d rows"):format(size),
        function()
          local client, s, sent = large()
          local stream = client:queues { size = size }
          assert.equal("1", stream:next().id)
          local before = resident()
          local taken = server.until_stuck(s, sent)
          -- Its own 10 MB, and what sockets hold.
          assert.is_true(taken < 40e6, taken)
          if not helper.sanitized then
            assert.is_true(resident() - before < 30e6, resident() - before)
          end
          assert.equal("2", stream:next().id)
          assert.is_true(server.until_stuck(s, sent) < 40e6)
          local count = 2
          for row in stream do
            count = count + 1
            assert.equal(tostring(count), row.id)
            assert.equal(ROW, #row.name)
          end
          assert.equal(ROWS, count)
          if not helper.sanitized then
            assert.is_true(resident() - before < 40e6, resident() - before)
          end
        end)
    end
  end)
end)

-- LuaJIT's traces kept streams that were left early: each stream was read by a
-- function of its own, and a trace holds the functions that it was made with.
describe("streams that are left early in a hot loop", function()
  it("are cancelled once they are collected", function()
    local rows, held, ended = {}, 0, 0
    for i = 1, 120 do
      rows[i] = server.row(tostring(i))
    end
    local s = server.start(function(request, conn)
      if request.query.page == "0" then
        return server.cut(request, rows)
      end
      held = held + 1
      conn:hold()
      ended = ended + 1
    end)
    local client = ccaas.new(s:options())
    local function start(count)
      local stream = client:queues { size = 100, concurrency = 2 }
      for _ = 1, 20 do
        assert(stream:next())
      end
      for _ in stream do
        count = count - 1
        if count < 1 then
          break
        end
      end
    end
    for i = 1, 30 do
      start(30 + i)
    end
    s:serve(function()
      collectgarbage()
      return held > 0 and held == ended
    end)
  end)
end)
