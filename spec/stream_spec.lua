-- Streams: what they are to a script, how they are waited for and ended, and
-- that they hold little however much there is to come.
local helper = require "spec.helper"
local server = require "spec.server"
local ccaas = require "ccaas"
local socket = require "socket"

-- A sanitizer keeps what was freed for a while.
local sanitized = helper.read("/proc/self/maps"):find("lib%l+san%.so") ~= nil
local has_close = _VERSION == "Lua 5.4"

local function rows_of(n, prefix)
  local rows = {}
  for i = 1, n do
    rows[i] = server.row((prefix or "") .. i)
  end
  return rows
end

-- A server of a list of so many rows and a client of it; `before` may hold
-- answers back or give others.
local function serving(n, before, options)
  local rows = rows_of(n)
  local s = server.start(function(request, conn)
    return before and before(request, conn) or not conn.gone and server.cut(request, rows) or nil
  end)
  return ccaas.new(s:options(options)), s
end

local function refusing()
  return serving(0, function()
    return server.answer('{"message":"No."}', { status = 403 })
  end)
end

describe("a stream", function()
  describe("is to a script", function()
    it("one value", function()
      local client = serving(1)
      assert.equal(1, select("#", client:queues()))
      local list = {}
      table.insert(list, client:queues())
      assert.equal("1", list[1]:next().id)
    end)

    it("a call that is made when its first row is wanted", function()
      local client, s = serving(1)
      local stream = client:queues()
      s:serve()
      assert.equal(0, s.accepted)
      assert.equal(0, s.tokens)
      assert.equal("1", stream:next().id)
      assert.equal(1, s.tokens)
    end)

    it("callable: it stands in a `for` by itself", function()
      local client = serving(25)
      local count = 0
      for row in client:queues { size = 10 } do
        count = count + 1
        assert.equal(tostring(count), row.id)
      end
      assert.equal(25, count)
      local stream = client:queues { limit = 1 }
      assert.equal("1", stream().id)
      assert.is_nil(stream())
      assert.is_nil(stream())
    end)

    it("something that has a name", function()
      local client = serving(1)
      local stream = client:queues()
      assert.equal("ccaas.Stream (8x8 queues)", tostring(stream))
      stream:close()
      assert.equal("ccaas.Stream (8x8 queues, closed)", tostring(stream))
    end)

    it("at its end without an error, again and again", function()
      local client = serving(1)
      local stream = client:queues()
      assert(stream:next())
      for _ = 1, 3 do
        assert.same({ n = 1 }, { n = select("#", stream:next()), stream:next() })
      end
    end)
  end)

  describe("that fails", function()
    it("raises the error object in a loop, whichever form it has", function()
      local client = refusing()
      for _, loop in ipairs {
        function() for _ in client:queues() do error("a row") end end,
        function() for _ in client:queues():each() do error("a row") end end,
        function() for _ in client:queues():pages() do error("a page") end end,
        function() client:queues()() end,
      } do
        local fine, err = pcall(loop)
        assert.is_false(fine)
        assert.is_table(err)
        assert.equal("forbidden", err.code)
        assert.equal(403, err.status)
        assert.equal("8x8", err.provider)
        assert.matches("No.", err.message, 1, true)
        assert.is_nil(tostring(err):find("\n", 1, true))
      end
    end)

    it("gives nil and the error to next() and all(), and stays so", function()
      local client, s = refusing()
      local stream = client:queues()
      local row, err = stream:next()
      assert.is_nil(row)
      assert.equal("forbidden", err.code)
      assert.equal(err, (select(2, stream:next())))
      assert.equal(err, (select(2, stream:all())))
      assert.is_false(pcall(stream))
      assert.equal(1, #s.requests)
      stream:close()
      assert.equal(err, (select(2, stream:next())))
    end)

    it("in mid-walk gives the rows before the error first", function()
      local client = serving(30, function(request)
        return request.query.page == "1" and server.answer("{}", { status = 403 })
      end)
      local seen = 0
      local fine, err = pcall(function()
        for _ in client:queues { size = 10 } do
          seen = seen + 1
        end
      end)
      assert.is_false(fine)
      assert.equal("forbidden", err.code)
      assert.equal(10, seen)
    end)
  end)

  describe("that is closed", function()
    it("may be closed again", function()
      local client = serving(5)
      for _, rows in ipairs { 0, 1, 5 } do
        local stream = client:queues()
        for _ = 1, rows do
          assert(stream:next())
        end
        stream:close()
        stream:close()
      end
    end)

    it("answers with errors, and tells what was", function()
      local client = serving(5)
      local stream = client:queues()
      assert(stream:next())
      stream:close()
      local row, err = stream:next()
      assert.is_nil(row)
      assert.equal("cancelled", err.code)
      row, err = stream:next(1)
      assert.is_nil(row)
      assert.equal("cancelled", err.code)
      assert.equal("cancelled", (select(2, stream:all())).code)
      for _, loop in ipairs { stream, stream:each(), stream:pages() } do
        local fine, raised = pcall(loop, stream)
        assert.is_false(fine)
        assert.equal("cancelled", raised.code)
      end
      assert.equal(1, stream:info().rows)
      assert.equal("r", stream:events())
      assert.is_number(stream:pollfd())
    end)

    it("before it began sends nothing", function()
      local client, s = serving(5)
      local stream = client:queues()
      stream:close()
      assert.equal("cancelled", (select(2, stream:next())).code)
      s:serve()
      assert.equal(0, s.accepted)
    end)

    it("by its client is cancelled, too", function()
      local gone = false
      local client, s = serving(5, function(_, conn)
        conn:hold()
        gone = true
      end)
      local stream = client:queues()
      repeat -- the token first: it is the reader who goes on after it
        assert.equal("timeout", (select(2, stream:next(0.01))).code)
      until #s.requests == 1
      client:close()
      assert.equal("cancelled", (select(2, stream:next())).code)
      s:serve(function() return gone end)
      assert.is_false(pcall(client.queues, client))
    end)
  end)

  -- A stream whose server holds all pages but the first: closed when
  -- `gone()` becomes true.
  local function held()
    local count, ended = 0, 0
    local client, s = serving(40, function(request, conn)
      if request.query.page ~= "0" then
        count = count + 1
        conn:hold()
        ended = ended + 1
      end
    end)
    local function gone()
      return count > 0 and ended == count
    end
    local stream = client:queues { size = 10 }
    assert(stream:next())
    s:serve(function() return count == 3 end)
    return stream, s, gone
  end

  describe("is closed", function()
    it("by the collector", function()
      -- In a function of its own, so that nothing of it stays on this stack.
      local function start()
        return select(2, held())
      end
      local s, gone = start()
      assert.is_false(gone())
      s:serve(function()
        collectgarbage()
        return gone()
      end)
    end)

    it("not by its client's being collected", function()
      local client, s = serving(30)
      local stream = client:queues { size = 10 }
      assert(stream:next())
      client = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      assert.equal(29, #assert(stream:all()))
      assert.equal(1, s.tokens)
    end)

    if has_close then
      it("when a variable of its kind goes out of scope", function()
        local stream, s, gone = held()
        assert(load("local stream <close> = ...; stream:next()"))(stream)
        assert.equal("cancelled", (select(2, stream:next())).code)
        s:serve(gone)
      end)

      it("when a loop over each() is left", function()
        local stream, s, gone = held()
        for _ in stream:each() do -- luacheck: ignore 512
          break
        end
        assert.equal("cancelled", (select(2, stream:next())).code)
        s:serve(gone)
        stream = held()
        pcall(function()
          for _ in stream:each() do
            error("left")
          end
        end)
        assert.equal("cancelled", (select(2, stream:next())).code)
      end)
    end

    it("not when a loop over the stream itself is left", function()
      local stream = held()
      for row in stream do -- luacheck: ignore 512
        assert.equal("2", row.id)
        break
      end
      assert.equal("3", stream:next().id)
      stream:close()
    end)
  end)

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

    -- Serves until the client takes no more.
    local function until_stuck(s, sent)
      local before, still = -1, 0
      s:serve(function()
        still = sent.bytes == before and still + 1 or 0
        before = sent.bytes
        return still == 10
      end)
      return sent.bytes
    end

    for _, size in ipairs { 1000, 100 } do
      it(("while its reader stops, and makes the server wait: pages of %d rows"):format(size),
        function()
          local client, s, sent = large()
          local stream = client:queues { size = size }
          assert.equal("1", stream:next().id)
          local before = resident()
          local taken = until_stuck(s, sent)
          -- Its own 10 MB, and what sockets hold.
          assert.is_true(taken < 40e6, taken)
          if not sanitized then
            assert.is_true(resident() - before < 30e6, resident() - before)
          end
          assert.equal("2", stream:next().id)
          assert.is_true(until_stuck(s, sent) < 40e6)
          local count = 2
          for row in stream do
            count = count + 1
            assert.equal(tostring(count), row.id)
            assert.equal(ROW, #row.name)
          end
          assert.equal(ROWS, count)
          if not sanitized then
            assert.is_true(resident() - before < 40e6, resident() - before)
          end
        end)
    end
  end)

  describe("of fifty at once on one client", function()
    it("shares its token and its connections", function()
      local client, s = serving(6)
      local done = 0
      local function walk()
        local list = assert(client:queues { size = 2, concurrency = 1 }:all())
        assert.equal(6, #list)
        done = done + 1
      end
      local walks = {}
      for i = 1, 50 do
        walks[i] = walk
      end
      local unpack = table.unpack or unpack -- luacheck: ignore
      s:run(unpack(walks))
      assert.equal(50, done)
      assert.equal(1, s.tokens)
      assert.equal(150, #s.requests)
      -- At most one for each stream, and one for the token.
      assert.is_true(s.accepted <= 51, s.accepted)
      local accepted = s.accepted
      for _ = 1, 20 do
        walk()
      end
      assert.equal(1, s.tokens)
      assert.equal(accepted, s.accepted)
    end)

    it("gives each reader its own rows, taken in turn", function()
      local sb = helper.sandbox { agents = 120, queues = 50, groups = 2 }
      local client = ccaas.new(sb:options("8x8"))
      local streams, given = {}, {}
      for i = 1, 50 do
        streams[i] = client:queue_agents(tostring(100 + i), { summary = true, size = 3 })
        given[i] = {}
      end
      local open = 50
      while open > 0 do
        open = 0
        for i, stream in ipairs(streams) do
          local row = stream()
          if row then
            open = open + 1
            table.insert(given[i], row)
          end
        end
      end
      local tokens = 0
      for _, request in ipairs(sb:requests()) do
        tokens = tokens + (request.method == "POST" and 1 or 0)
      end
      assert.equal(1, tokens)
      for i = 1, 50 do
        assert.same(client:queue_agents(tostring(100 + i), { summary = true }):all(), given[i])
      end
    end)
  end)

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

    it("can be read without anybody's waiting in it", function()
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

    it("stands one that wakes too often, or raises", function()
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

    it("is woken when its client is closed, by whom a loop is left, too", function()
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
