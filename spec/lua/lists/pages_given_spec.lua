-- Lists that come in pages: the ways in which their rows are given, and what
-- info() tells of them.
local pages = require "spec.support.pages"
local server = require "spec.support.server"

local list, ids, span, serving = pages.list, pages.ids, pages.span, pages.serving

describe("pages", function()
  describe("are given", function()
    it("one by one by pages(), with number and total", function()
      local client = serving(list(25))
      local stream, seen = client:queues { size = 10 }, {}
      for page in stream:pages() do
        seen[#seen + 1] = ("%d/%d: %s"):format(page.number, page.total, ids(page.rows))
      end
      assert.same({ "0/3: " .. span(1, 10), "1/3: " .. span(11, 20), "2/3: " .. span(21, 25) },
        seen)
    end)

    it("by pages() without their totals rows", function()
      local rows = { server.row("1"), '{"id":null,"name":"totals","metrics":[]}' }
      local client = serving(list(1), function()
        return server.page { rows = rows, total = 1 }
      end)
      local stream = client:queues { totals = true }
      for page in stream:pages() do
        assert.equal("1", ids(page.rows))
      end
      assert.same({ { metrics = {} } }, stream:info().totals)
    end)

    it("by all() as the rest of the rows", function()
      local client = serving(list(25))
      local stream = client:queues { size = 10 }
      assert.equal("1", stream:next().id)
      assert.equal("2", stream().id)
      assert.equal(span(3, 25), ids(stream:all()))
      assert.same({}, stream:all())
      assert.is_nil(stream:next())
    end)

    it("row by row by each(), in four values", function()
      local client = serving(list(25))
      local stream = client:queues { size = 10 }
      local f, state, first, closing = stream:each()
      assert.is_nil(first)
      assert.equal(stream, closing)
      assert.equal("1", f(state).id)
      local rest = {}
      for row in stream:each() do
        rest[#rest + 1] = row
      end
      assert.equal(span(2, 25), ids(rest))
    end)

    it("by next(seconds) within that time, and go on after a time-out", function()
      local open = false
      local client = serving(list(30), function(_, conn, page)
        if page == 1 then
          conn:hold(function() return open end)
        end
      end)
      local stream, given = client:queues { size = 10 }, {}
      for i = 1, 10 do
        given[i] = assert(stream:next(10))
      end
      for _ = 1, 3 do
        local row, err = stream:next(0.02)
        assert.is_nil(row)
        assert.equal("timeout", err.code)
        assert.is_true(err.retryable)
      end
      assert.is_nil((stream:next(0)))
      open = true
      for row in stream do
        given[#given + 1] = row
      end
      assert.equal(span(1, 30), ids(given))
      assert.is_nil(select(2, stream:next(0)))
      assert.is_false(pcall(stream.next, stream, "2"))
    end)

    it("row by row before the first page is whole", function()
      local taken = 0
      local client = serving(list(3), function(request, conn)
        local bytes = server.cut(request, list(3))
        local first = bytes:find(',{"id":"2"', 1, true)
        local second = bytes:find(',{"id":"3"', 1, true)
        conn:send(bytes:sub(1, first))
        assert(conn:hold(function() return taken == 1 end, 20))
        conn:send(bytes:sub(first + 1, second))
        assert(conn:hold(function() return taken == 2 end, 20))
        conn:send(bytes:sub(second + 1))
        return ""
      end)
      local stream = client:queues()
      for i = 1, 3 do
        local row = assert(stream:next(10))
        assert.equal(tostring(i), row.id)
        taken = taken + 1
        assert.equal(0, stream:info().pages)
      end
      assert.is_nil(stream:next())
      assert.equal(1, stream:info().pages)
    end)

    it("whole, byte by byte", function()
      local rows = list(6)
      local client = serving(rows, function(request, conn)
        conn:drip(server.cut(request, rows), 1)
        return ""
      end)
      assert.equal(span(1, 6), ids(client:queues { size = 3 }:all()))
    end)
  end)

  describe("info()", function()
    it("is empty before the first answer", function()
      local client, s = serving(list(5))
      assert.same({ pages = 0, passes = 0, rows = 0, duplicates = 0, shrunk = false, totals = {} },
        client:queues():info())
      assert.equal(0, #s.requests)
    end)

    it("counts while rows are taken, and at the end knows what is missing", function()
      local client = serving(list(25))
      local from = os.time()
      local stream = client:queues { size = 10 }
      for _ = 1, 10 do
        stream:next()
      end
      local info = stream:info()
      assert.equal(10, info.rows)
      assert.equal(25, info.total)
      assert.equal(3, info.total_pages)
      assert.is_nil(info.missing)
      assert.is_true(info.pages <= 1)
      assert(stream:all())
      info = stream:info()
      assert.is_true(info.first_at >= from and info.first_at <= info.last_at)
      assert.is_true(info.last_at <= os.time() + 1)
      info.first_at, info.last_at = nil, nil
      assert.same({
        pages = 3, passes = 1, total_pages = 3, total = 25, rows = 25, duplicates = 0, missing = 0,
        clean = true, shrunk = false, totals = {},
      }, info)
    end)
  end)
end)
