-- Streams and event loops: what a loop is told to wait for, and coroutines that
-- wait by a loop of their own.
local helper = require "spec.support.helper"
local pages = require "spec.support.pages"
local server = require "spec.support.server"
local ccaas = require "ccaas"
local socket = require "socket"
local core = require "ccaas.core"

local serving, rows_of = pages.serving, pages.list

describe("a stream", function()
  describe("for an event loop", function()
    it("has pollfd, events and timeout", function()
      local client = serving(5)
      local stream = client:queues()
      assert.equal("r", stream:events())
      assert.equal(0, stream:timeout()) -- somebody is to look
      local fd = stream:pollfd()
      assert.is_true(fd >= 0)
      assert(stream:next())
      assert.equal(fd, stream:pollfd())
      local other = client:queues { deadline = 7 }
      assert(other:next())
      assert.are_not.equal(fd, other:pollfd())
      assert.equal(0, other:timeout()) -- rows are at hand
      assert(other:all())
    end)

    it("tells by its timeout when a retry is due", function()
      local waits, looks = false, 0
      local client = serving(5, function()
        return server.answer("{}", { status = 503, headers = { ["Retry-After"] = "20" } })
      end, { on_event = function(event) waits = waits or event.type == "wait" end })
      local stream = client:queues()
      repeat
        assert.equal("timeout", (select(2, stream:next(0.05))).code)
        looks = looks + 1
      until waits or looks == 200
      local seconds = stream:timeout()
      assert.is_true(seconds > 15 and seconds <= 20, seconds)
      stream:close()
    end)

    it("can be read without a wait in it", function()
      local client, s = serving(30, nil, {
        loop = { wait = function() error("it was to wait") end },
      })
      local stream, count = client:queues { size = 10 }, 0
      while true do
        local row, err = stream:next(0)
        if row then
          count = count + 1
        elseif not err then
          break
        else
          assert.equal("timeout", err.code)
          -- What its descriptor says is true: it is not readable while there
          -- is nothing.
          local fd = stream:pollfd()
          s:serve(function()
            return #socket.select({ { getfd = function() return fd end } }, nil, 0) == 1
          end)
        end
      end
      assert.equal(30, count)
    end)

    it("is something that cqueues can poll", function()
      local cqueues = require "cqueues"
      local sb = helper.sandbox { agents = 40, queues = 3, groups = 2, delay = 0.01 }
      local client = ccaas.new(sb:options("8x8"))
      local loop, counts = cqueues.new(), { 0, 0 }
      for i = 1, 2 do
        loop:wrap(function()
          local stream = client:agents { summary = true, size = 10 }
          while true do
            local row, err = stream:next(0)
            if row then
              counts[i] = counts[i] + 1
            elseif err then
              assert(err.code == "timeout", tostring(err))
              cqueues.poll(stream)
            else
              return
            end
          end
        end)
      end
      assert(loop:loop(30))
      assert.same({ 40, 40 }, counts)
    end)
  end)

  describe("with a loop of one's own", function()
    it("waits by its function, for its descriptor", function()
      local waits = {}
      local s
      s = server.start(function() return server.page { rows = rows_of(1) } end)
      local own = { wait = function(fd, seconds)
        waits[#waits + 1] = { fd = fd, seconds = seconds }
        return s.loop.wait(fd, seconds)
      end }
      local client = ccaas.new(s:options { loop = own })
      local stream = client:queues { deadline = 20 }
      assert(stream:next())
      assert.is_true(#waits > 0)
      for _, wait in ipairs(waits) do
        assert.equal(stream:pollfd(), wait.fd)
        assert.is_true(wait.seconds > 0 and wait.seconds <= 20)
      end
    end)

    it("tolerates one that wakes too often, or raises", function()
      local s = server.start(function() return server.page { rows = rows_of(3) } end)
      local calls = 0
      local client = ccaas.new(s:options { loop = { wait = function(fd, seconds)
        calls = calls + 1
        if calls == 5 then
          error("stopped")
        end
        return calls < 10 or s.loop.wait(fd, seconds)
      end } })
      local stream = client:queues()
      local fine, message = pcall(stream.next, stream)
      assert.is_false(fine)
      assert.matches("stopped", message)
      assert.equal("1", stream:next().id)
      assert.equal(2, #stream:all())
    end)

    it("lets two coroutines go on together", function()
      local here = 0
      local client, s = serving(20, function(_, conn)
        -- No answer before both have asked.
        here = here + 1
        assert(conn:hold(function() return here % 2 == 0 end, 20))
      end)
      local order = {}
      local function walk(name)
        return function()
          for row in client:queues { size = 2, concurrency = 1 } do
            order[#order + 1] = name .. row.id
          end
        end
      end
      s:run(walk "a", walk "b")
      assert.equal(40, #order)
      assert.equal(20, #s.requests)
      assert.equal(1, s.tokens)
    end)

    it("is woken when the stream is closed by another coroutine", function()
      local client, s = serving(1, function(_, conn)
        conn:hold()
      end)
      local stream, outcome = client:queues(), {}
      s:run(function()
        outcome = { stream:next() }
      end, function()
        stream:close()
      end)
      assert.is_nil(outcome[1])
      assert.equal("cancelled", outcome[2].code)
    end)

    it("is woken when its client is closed, also from outside the loop", function()
      local client, s = serving(1, function(_, conn)
        conn:hold()
      end)
      local raised = {}
      local function walk(i)
        return function()
          local _, err = pcall(function()
            for _ in client:queues() do
              error("a row")
            end
          end)
          raised[i] = err.code
        end
      end
      s:run(walk(1), walk(2), function()
        client:queues():next(0.02)
        client:close()
      end)
      assert.same({ "cancelled", "cancelled" }, raised)
    end)

    it("has an error in the coroutine whose stream it is", function()
      local client, s = serving(8, function(request, conn)
        if request.path == "/groups" then
          conn:hold(nil, 0.01)
          return server.answer('{"message":"Not yours."}', { status = 403 })
        end
        conn:hold(nil, 0.02)
      end)
      local failed, count, again
      s:run(function()
        local _, err = pcall(function()
          for _ in client:groups() do
            error("a row")
          end
        end)
        failed = err
      end, function()
        count = #assert(client:queues { size = 2 }:all())
      end, function()
        again = select(2, client:groups():next())
      end)
      assert.equal("forbidden", failed.code)
      assert.matches("/groups$", failed.url)
      assert.equal("forbidden", again.code)
      assert.equal(8, count)
    end)

    it("lets one wait for a while and others go on", function()
      local open = false
      local client, s = serving(2, function(request, conn)
        if request.path == "/groups" then
          conn:hold(function() return open end)
        end
      end)
      local timeouts, row = 0, nil
      s:run(function()
        local stream = client:groups()
        while not row do
          local err
          row, err = stream:next(0.02)
          if err then
            assert(err.code == "timeout", tostring(err))
            timeouts = timeouts + 1
          end
        end
      end, function()
        for _ = 1, 5 do
          assert(client:queues():all())
        end
        while timeouts < 2 do
          assert(client:queues():all())
        end
        open = true
      end)
      assert.equal("1", row.id)
      assert.is_true(timeouts >= 2)
    end)
  end)
end)

-- News that came after a stream had said "wait" but before its descriptor was
-- first asked for made nothing readable: the reader slept for ever.
describe("a descriptor that is asked for late", function()
  it("is readable when there has been news", function()
    local sandbox = helper.sandbox { agents = 5, queues = 5, groups = 2 }
    local stream = ccaas.new(sandbox:options "8x8"):queues()
    assert.are.equal("timeout", select(2, stream:next(0)).code)
    repeat
      local asked = sandbox:requests()[1]
    until asked and asked.status == 200
    local other = ccaas.new(sandbox:options("8x8", { secret = "wrong" }))
    assert.are.equal("auth", select(2, other:queue("1")).code) -- by now the news is here
    assert.is_true(core.poll(stream:pollfd(), 5))
    assert.are.equal(5, #assert(stream:all()))
  end)
end)

-- A stream that had rows at hand told event loops to wait.
describe("a stream that has rows at hand", function()
  it("tells event loops not to wait", function()
    local sandbox = helper.sandbox { agents = 300, queues = 3 }
    local stream = ccaas.new(sandbox:options("8x8")):agents { summary = true }
    local count = 0
    local ends = core.now() + 20
    while core.now() < ends do
      local row, err = stream:next(0)
      if row then
        count = count + 1
        assert.equal(0, stream:timeout())
      elseif not err then
        break
      else
        core.poll(stream:pollfd(), stream:timeout() or 20)
      end
    end
    assert.equal(300, count)
  end)
end)
