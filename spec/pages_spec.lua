-- Lists that come in pages: which are asked for, in what order their rows are
-- given, and what happens when the list changes or the server contradicts
-- itself in mid-walk.
local helper = require "spec.helper"
local server = require "spec.server"
local ccaas = require "ccaas"

local unpack = table.unpack or unpack -- luacheck: ignore

-- Rows "1" ... "n" on the wire.
local function list(n)
  local rows = {}
  for i = 1, n do
    rows[i] = server.row(tostring(i))
  end
  return rows
end

local function ids(rows)
  local text = {}
  for i, row in ipairs(rows) do
    text[i] = row.id
  end
  return table.concat(text, " ")
end

-- The ids from first to last, as `ids` writes them.
local function span(first, last)
  local text = {}
  for i = first, last do
    text[#text + 1] = tostring(i)
  end
  return table.concat(text, " ")
end

-- A server that cuts pages out of a list, and a client of it.  `before` may
-- hold an answer back, or give another one.
local function serving(rows, before, options)
  local s = server.start(function(request, conn)
    return before and before(request, conn, tonumber(request.query.page))
      or not conn.gone and server.cut(request, rows)
      or nil
  end)
  return ccaas.new(s:options(options)), s
end

local function pages_asked(s)
  local pages = {}
  for i, request in ipairs(s.requests) do
    pages[i] = request.query.page
  end
  table.sort(pages, function(a, b) return tonumber(a) < tonumber(b) end)
  return table.concat(pages, " ")
end

describe("pages", function()
  describe("are asked for", function()
    it("when the first answer has told how many there are", function()
      local before_first
      local client, s
      client, s = serving(list(40), function(_, conn, page)
        if page == 0 then
          conn:hold(nil, 0.05)
          before_first = #s.requests
        end
      end)
      assert.equal(span(1, 40), ids(client:queues { size = 10 }:all()))
      assert.equal(1, before_first)
      assert.equal("0 1 2 3", pages_asked(s))
    end)

    for _, concurrency in ipairs { 1, 2, 4, 7 } do
      it(("side by side, %d at the most"):format(concurrency), function()
        local under_way, most = 0, 0
        local client = serving(list(64), function(_, conn, page)
          under_way = under_way + 1
          most = math.max(most, under_way)
          -- The pages after the first are answered when so many are there, or
          -- one more came that should not have.
          if page > 0 and page < 29 then
            conn:hold(function() return most >= concurrency end, 10)
            conn:hold(nil, 0.002)
          end
          under_way = under_way - 1
        end)
        assert.equal(span(1, 64), ids(client:queues { size = 2, concurrency = concurrency }:all()))
        assert.equal(concurrency, most)
      end)
    end

    it("as many side by side as the client says where the call does not", function()
      local most = 0
      local client, s
      client, s = serving(list(30), function(_, conn, page)
        if page > 0 then
          most = math.max(most, #s.requests - page)
          conn:hold(function() return #s.requests >= 4 end, 10)
        end
      end, { concurrency = 3 })
      local stream = client:queues { size = 2 }
      assert.equal(span(1, 30), ids(stream:all()))
      assert.is_true(most <= 3)
    end)

    it("with the page and size that were given", function()
      local client, s = serving(list(10))
      assert(client:queues { size = 7 }:all())
      assert.equal("/queues?page=0&size=7", s.requests[1].target)
      assert.equal("/queues?page=1&size=7", s.requests[2].target)
      assert(client:queues():all())
      assert.equal("/queues?page=0&size=1000", s.requests[3].target)
    end)
  end)

  it("come in order even when later ones are answered first", function()
    local sent, order = {}, {}
    local client = serving(list(50), function(_, conn, page)
      -- Page 1 waits for 2, which waits for 3; the others go at once.
      if page == 1 or page == 2 then
        assert(conn:hold(function() return sent[page + 1] end, 10))
      end
      sent[page] = true
      order[#order + 1] = page
    end)
    assert.equal(span(1, 50), ids(client:queues { size = 5 }:all()))
    -- Others may come between them.
    assert.matches("^0 .*3 .*2 .*1 ", table.concat(order, " ") .. " ")
  end)

  it("are asked for ahead of a reader who is not through with the first", function()
    local client, s = serving(list(100))
    local stream = client:queues { size = 10 }
    assert.equal("1", stream:next().id)
    s:serve(function() return #s.requests >= 4 end)
    assert.equal(span(2, 100), ids(stream:all()))
  end)

  it("that are under way are cancelled when the stream is closed", function()
    local held, ended = 0, 0
    local client, s = serving(list(100), function(_, conn, page)
      if page > 0 then
        held = held + 1
        conn:hold()
        ended = ended + 1
      end
    end)
    local stream = client:queues { size = 10 }
    assert.equal("1", stream:next().id)
    s:serve(function() return held >= 3 end)
    stream:close()
    s:serve(function() return ended == held end)
    local asked = #s.requests
    assert.equal("1", client:queues { size = 10, limit = 1 }:next().id)
    assert.equal(asked + 1, #s.requests)
  end)

  describe("of a list that changes under way:", function()
    local sb, client
    setup(function()
      sb = helper.sandbox { agents = 30, queues = 2, groups = 2 }
      client = ccaas.new(sb:options("8x8"))
    end)
    before_each(function()
      sb:set { agents = 0 }
      sb:set { agents = 30 }
    end)

    local function walk(options)
      options.summary, options.size = true, 10
      local stream = client:agents(options)
      local rows = assert(stream:all())
      local seen = {}
      for _, row in ipairs(rows) do
        assert.is_nil(seen[row.id])
        seen[row.id] = true
      end
      return rows, stream:info()
    end

    for _, concurrency in ipairs { 1, 4 } do
      local how = (", %d at a time"):format(concurrency)

      it("rows that moved to a later page come once and are counted" .. how, function()
        local before = walk {}
        sb:fault { path = "/agents", page = 1, set = { agents = 33, insert = "front" } }
        local rows, info = walk { concurrency = concurrency }
        if concurrency == 1 then
          assert.equal(ids(before), ids(rows))
          assert.equal(3, info.duplicates)
          assert.equal(33, info.total)
          assert.equal(3, info.missing)
        else
          -- Page 2 may be answered before page 1: then three rows move past both.
          assert.is_true(#rows == 30 and info.duplicates == 3 or #rows == 27 and info.duplicates == 6)
          assert.equal(33 - #rows, info.missing)
        end
        assert.equal(#rows, info.rows)
        assert.is_false(info.shrunk)
      end)

      it("one that shrinks ends the walk" .. how, function()
        local before = walk {}
        sb:fault { path = "/agents", page = 1, set = { agents = 12 } }
        local rows, info = walk { concurrency = concurrency }
        assert.equal(ids(before):sub(1, 12 * 7 - 1), ids { unpack(rows, 1, 12) })
        assert.equal(#rows, info.rows)
        -- Side by side, pages behind it may have been answered before, ...
        assert.is_true(#rows == 12 or concurrency > 1 and #rows > 12 and #rows < 30, #rows)
        -- ... and then no page is gone, but rows are.
        assert.is_true(info.shrunk or concurrency > 1 and info.missing > 0)
      end)

      it("one that shrinks to what was read ends the walk" .. how, function()
        sb:fault { path = "/agents", page = 1, set = { agents = 10 } }
        local rows, info = walk { concurrency = concurrency }
        assert.is_true(#rows == 10 or concurrency > 1 and #rows >= 10 and #rows < 30, #rows)
        assert.is_true(info.shrunk)
        assert.equal(0, info.duplicates)
      end)

      it("one that grows is walked to its new end" .. how, function()
        sb:fault { path = "/agents", page = 1, set = { agents = 77 } }
        local rows, info = walk { concurrency = concurrency }
        assert.equal(77, #rows)
        assert.equal(77, info.total)
        assert.equal(8, info.total_pages)
        assert.equal(8, info.pages)
        assert.equal(0, info.missing)
        assert.is_false(info.shrunk)
      end)

      it("one that grows when its last page is asked for, too" .. how, function()
        sb:fault { path = "/agents", page = 2, set = { agents = 41 } }
        sb:fault { path = "/agents", page = 4, set = { agents = 51 } }
        assert.equal(51, #(walk { concurrency = concurrency }))
      end)
    end

    it("one that is emptied ends the walk", function()
      sb:fault { path = "/agents", page = 1, set = { agents = 0 } }
      local rows, info = walk { concurrency = 1 }
      assert.equal(10, #rows)
      assert.is_true(info.shrunk)
    end)

    it("a page that is short of rows is counted in `missing`", function()
      local own = serving(list(30), function(_, _, page)
        return page == 1 and server.page {
          rows = { server.row("11"), server.row("12") }, page = 1, size = 10, total = 30,
        }
      end)
      local stream = own:queues { size = 10 }
      assert.equal(22, #assert(stream:all()))
      assert.equal(8, stream:info().missing)
      assert.is_false(stream:info().shrunk)
    end)
  end)

  describe("of an empty list", function()
    for _, answer in ipairs { "400", "200" } do
      it("are none, answered with " .. answer, function()
        local sb = helper.sandbox { agents = 2, queues = 0, groups = 0, empty = answer }
        local client = ccaas.new(sb:options("8x8"))
        local stream = client:queues()
        assert.is_nil(stream:next())
        assert.same({}, client:queues():all())
        local info = stream:info()
        assert.equal(0, info.total)
        assert.equal(0, info.total_pages)
        assert.equal(0, info.rows)
        assert.equal(0, info.missing)
        assert.is_false(info.shrunk)
        for _ in client:groups() do
          error("a row")
        end
        for page in client:queues():pages() do
          assert.equal(0, #page.rows)
        end
        -- There is no page 3 of it either, and that is no failure.
        assert.same({}, client:queues { page = 3, size = 1 }:all())
      end)
    end
  end)

  describe("with a limit", function()
    -- The pages asked for and the ids given.
    local function limited(limit, options)
      local client, s = serving(list(40))
      options = options or {}
      options.limit, options.size = limit, 10
      local stream = client:queues(options)
      local rows = assert(stream:all())
      assert.equal(#rows, stream:info().rows)
      return pages_asked(s), ids(rows)
    end

    it("of 0 ask for nothing", function()
      assert.same({ "", "" }, { limited(0) })
    end)

    it("stop inside the first page, and ask for no other", function()
      assert.same({ "0", "1" }, { limited(1) })
      assert.same({ "0", span(1, 9) }, { limited(9) })
    end)

    it("stop at a page's border without asking for the next one", function()
      assert.same({ "0", span(1, 10) }, { limited(10) })
      assert.same({ "0 1", span(1, 20) }, { limited(20) })
    end)

    it("stop past a border", function()
      assert.same({ "0 1", span(1, 11) }, { limited(11) })
      assert.same({ "2 3", span(21, 35) }, { limited(15, { page = 2 }) })
    end)

    it("of more rows than there are have them all", function()
      assert.same({ "0 1 2 3", span(1, 40) }, { limited(40) })
      assert.same({ "0 1 2 3", span(1, 40) }, { limited(41) })
    end)

    it("do not count a duplicate", function()
      local rows = list(20)
      rows[11] = rows[10]
      local client = serving(rows)
      assert.equal(span(1, 10) .. " 12 13", ids(client:queues { size = 10, limit = 12 }:all()))
    end)

    it("give a part of a page", function()
      local client = serving(list(40))
      local counts = {}
      for page in client:queues { size = 10, limit = 25 }:pages() do
        counts[#counts + 1] = ("%d:%d"):format(page.number, #page.rows)
      end
      assert.equal("0:10 1:10 2:5", table.concat(counts, " "))
    end)
  end)

  describe("from a page on", function()
    it("leave out what is before it", function()
      local client, s = serving(list(35))
      local stream = client:queues { page = 2, size = 10 }
      assert.equal(span(21, 35), ids(stream:all()))
      assert.equal("2 3", pages_asked(s))
      assert.equal(0, stream:info().missing)
      assert.equal(35, stream:info().total)
    end)

    it("past the end are error bad_request, in the vendor's words", function()
      local client = serving(list(35))
      local rows, err = client:queues { page = 4, size = 10 }:all()
      assert.is_nil(rows)
      assert.equal("bad_request", err.code)
      assert.equal(400, err.status)
      assert.matches("which is 4 for this request", err.message, 1, true)
    end)
  end)

  describe("whose headers", function()
    -- The rows that came and the error, where page `at` has these headers.
    local function walk(headers, at)
      local rows = list(30)
      local client, s = serving(rows, function(request, _, page)
        if page == (at or 0) then
          return server.page {
            rows = { unpack(rows, page * 10 + 1, page * 10 + 10) }, page = page,
            size = tonumber(request.query.size), total = 30, headers = headers,
          }
        end
      end, { retries = 0, deadline = 20 })
      local given = {}
      local stream = client:queues { size = 10, concurrency = 1 }
      for _ = 1, 1000 do
        local row, err = stream:next()
        if not row then
          return ids(given), err, s
        end
        given[#given + 1] = row
      end
      error("a loop without end")
    end

    local names = { "X-Total-Pages", "X-Total-Elements" }
    for _, name in ipairs(names) do
      it("lack " .. name .. " are error protocol", function()
        local given, err = walk { [name] = false }
        assert.equal("", given)
        assert.equal("protocol", err.code)
        assert.equal(200, err.status)
        given, err = walk({ [name] = false }, 1)
        assert.equal(span(1, 10), given)
        assert.equal("protocol", err.code)
      end)
    end

    it("lack the page or its size are fine", function()
      local given, err = walk { ["X-Page"] = false, ["X-Page-Size"] = false }
      assert.equal(span(1, 30), given)
      assert.is_nil(err)
    end)

    for _, name in ipairs { "X-Page", "X-Page-Size", "X-Total-Pages", "X-Total-Elements" } do
      it("have something else than a number in " .. name .. " are error protocol", function()
        for _, value in ipairs { "many", "", "-1", "1.5", "3 3", "0x3", "99999999999999999999" } do
          local given, err = walk { [name] = value }
          assert.equal("", given, value)
          assert.equal("protocol", err.code, value)
        end
      end)
    end

    it("contradict each other are error protocol", function()
      for _, headers in ipairs {
        { ["X-Total-Pages"] = 2 }, { ["X-Total-Pages"] = 4 }, { ["X-Total-Pages"] = 0 },
        { ["X-Total-Elements"] = 31 }, { ["X-Total-Elements"] = 20 }, { ["X-Total-Elements"] = 0 },
        { ["X-Page"] = 1 }, { ["X-Page-Size"] = 5 }, { ["X-Page-Size"] = 0 },
      } do
        local given, err = walk(headers)
        assert.equal("", given)
        assert.equal("protocol", err and err.code)
      end
    end)

    it("change the size between pages are error protocol, after the rows before", function()
      local given, err = walk({ ["X-Page-Size"] = 5, ["X-Total-Pages"] = 6 }, 1)
      assert.equal(span(1, 10), given)
      assert.equal("protocol", err.code)
      assert.matches("page size", err.message, 1, true)
    end)

    it("name another page in mid-walk are error protocol", function()
      local given, err = walk({ ["X-Page"] = 2 }, 1)
      assert.equal(span(1, 10), given)
      assert.equal("protocol", err.code)
    end)

    it("have another size than was asked for, all of them, are believed", function()
      local rows = list(30)
      local client = serving(rows, function(request)
        request.query.size = "4"
      end)
      assert.equal(span(1, 30), ids(client:queues { size = 10 }:all()))
    end)

    it("promise more pages for ever, and bring nothing new, are error protocol", function()
      local rows = list(10)
      local client, s = serving(rows, function(_, _, page)
        local all = (page + 2) * 10
        return server.page { rows = rows, page = page, size = 10, total = all }
      end)
      local given, err = client:queues { size = 10 }:all()
      assert.is_nil(given)
      assert.equal("protocol", err.code)
      assert.is_true(#s.requests < 30)
    end)
  end)

  describe("info()", function()
    it("says nothing before the first answer", function()
      local client, s = serving(list(5))
      assert.same({ pages = 0, rows = 0, duplicates = 0, shrunk = false, totals = {} },
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
        pages = 3, total_pages = 3, total = 25, rows = 25, duplicates = 0, missing = 0,
        shrunk = false, totals = {},
      }, info)
    end)
  end)

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

  describe("cut short", function()
    -- What a walk gives where the first answer to page 1 ends after `share`
    -- of its body, by `how`.
    local function walk(rows, share, how, options)
      local cut = false
      local client, s = serving(rows, function(request, conn, page)
        if page ~= 1 or cut then
          return nil
        end
        cut = true
        local bytes = server.cut(request, rows)
        local body = bytes:find("\r\n\r\n", 1, true) + 3
        local part = body + math.floor((#bytes - body) * share)
        if how == "clean" then
          local head = bytes:sub(1, body):gsub("Content%-Length: %d+",
            "Content-Length: " .. part - body)
          return head .. bytes:sub(body + 1, part)
        end
        conn:send(bytes:sub(1, part))
        conn:hold(nil, 0.05)
        conn[how](conn)
        return ""
      end)
      options = options or {}
      options.size = 10
      local stream = client:queues(options)
      return stream, s
    end

    for _, how in ipairs { "close", "reset", "clean" } do
      for _, share in ipairs { 0, 0.05, 0.5, 0.97 } do
        it(("after %d %% (%s) are asked for again, and give no row twice")
          :format(share * 100, how), function()
          local stream, s = walk(list(30), share, how)
          assert.equal(span(1, 30), ids(stream:all()))
          local info = stream:info()
          assert.equal(0, info.duplicates)
          assert.equal(0, info.missing)
          assert.equal(3, info.pages)
          assert.equal("0 1 1 2", pages_asked(s))
        end)
      end
    end

    it("give their totals row once", function()
      local totals = '{"id":null,"name":"totals","metrics":[{"key":"a","value":1}]}'
      local cut = false
      local client = serving({}, function(_, conn)
        local bytes = server.page { rows = { server.row("1"), totals }, total = 1 }
        if not cut then
          cut = true
          conn:send(bytes:sub(1, -2))
          conn:hold(nil, 0.05)
          conn:close()
          return ""
        end
        return bytes
      end)
      local stream = client:queues { totals = true }
      assert.equal("1", ids(stream:all()))
      assert.same({ { metrics = { a = 1 } } }, stream:info().totals)
    end)

    it("to the end of the retries are an error, after the rows that were whole", function()
      local client, s = serving(list(20), function(request, conn)
        local bytes = server.cut(request, list(20))
        conn:send(bytes:sub(1, bytes:find(',{"id":"4"', 1, true) + 6))
        conn:hold(nil, 0.02)
        conn:close()
        return ""
      end, { retries = 1 })
      local stream = client:queues()
      for i = 1, 3 do
        assert.equal(tostring(i), stream:next().id)
      end
      local row, err = stream:next()
      assert.is_nil(row)
      assert.equal("network", err.code)
      assert.equal(2, #err.attempts)
      assert.equal(2, #s.requests)
    end)
  end)

  describe("for long lists of ids", function()
    -- A server where agent `i` is in group `i % 40`, that checks every request
    -- line and answers for the ids in it.
    local function serving_ids(make)
      local function items(text)
        local set = {}
        for item in ((text or "") .. ","):gmatch("([^,]*),") do
          set[item] = true
        end
        return set
      end
      local s = server.start(function(request)
        assert(#request.line + 2 <= 8000, "the request line has " .. #request.line .. " bytes")
        local agents, groups = items(request.query["agent-ids"]), items(request.query["group-ids"])
        local rows = {}
        for i = 1, 3000 do
          local in_group = not request.query["group-ids"] or groups["group " .. i % 40]
          if agents[make(i)] and in_group then
            rows[#rows + 1] = server.row(tostring(i))
          end
        end
        return server.cut(request, rows)
      end)
      return ccaas.new(s:options()), s
    end

    local function numbers(n, make)
      local made = {}
      for i = 1, n do
        made[i] = make(i)
      end
      return made
    end

    it("are asked for in requests whose lines have 8,000 bytes at the most", function()
      local sb = helper.sandbox { agents = 5000, queues = 2, groups = 2 }
      local client = ccaas.new(sb:options("8x8"))
      local all = numbers(5000, function(i) return tostring(100000 + i) end)
      local stream = client:agents { metrics = { "status.rt" }, agent_ids = all }
      assert.equal(table.concat(all, " "), ids(stream:all()))
      local info = stream:info()
      assert.equal(5000, info.rows)
      assert.equal(5000, info.total)
      assert.equal(0, info.missing)
      assert.equal(0, info.duplicates)
      local longest, queries = 0, {}
      for _, request in ipairs(sb:requests()) do
        longest = math.max(longest, #("GET " .. request.target .. " HTTP/1.1\r\n"))
        queries[request.query["agent-ids"] or ""] = true
      end
      assert.is_true(longest <= 8000)
      -- Nor are they split smaller than they need to be.
      assert.is_true(longest > 7900)
      local count = 0
      for _ in pairs(queries) do
        count = count + 1
      end
      assert.equal(1 + math.ceil(5000 * 7 / 7850), count)
    end)

    it("count bytes as they are when encoded", function()
      local function make(i)
        return ("é/%d "):format(i)
      end
      local client, s = serving_ids(make)
      local stream = client:agents { metrics = "status.rt", agent_ids = numbers(3000, make) }
      assert.equal(span(1, 3000), ids(stream:all()))
      assert.is_true(#s.requests > 5)
    end)

    it("repeat the name where an id has a comma", function()
      local client, s = serving_ids(function(i) return "x" .. i end)
      assert(client:agents { metrics = "status.rt", agent_ids = { "x1", "a,b", "x2" } }:all())
      assert.matches("agent-ids=x1&agent-ids=a%2Cb&agent-ids=x2&", s.requests[1].target, 1, true)
      local many = numbers(2000, function(i) return "x" .. i end)
      many[#many + 1] = "a,b"
      assert.equal(span(1, 2000),
        ids(client:agents { metrics = "status.rt", agent_ids = many }:all()))
    end)

    it("may be two lists at once, each pair asked for", function()
      local function make(i)
        return "agent " .. i
      end
      local client, s = serving_ids(make)
      local groups = numbers(1200, function(i) return "group " .. i - 1 end)
      local stream = client:agents {
        metrics = "status.rt", agent_ids = numbers(1500, make), group_ids = groups,
      }
      local given = {}
      for _, row in ipairs(assert(stream:all())) do
        given[#given + 1] = tonumber(row.id)
      end
      table.sort(given)
      assert.equal(span(1, 1500), table.concat(given, " "))
      assert.equal(0, stream:info().duplicates)
      assert.is_true(#s.requests > 9)
    end)

    it("ask for an id once that was given twice", function()
      local client, s = serving_ids(tostring)
      assert.equal("7 8", ids(client:agents { metrics = "m", agent_ids = "8,7,8,7" }:all()))
      assert.equal("8,7", s.requests[1].query["agent-ids"])
    end)

    it("raise where they go with a start page, or one id is too long", function()
      local client, s = serving_ids(tostring)
      local all = numbers(3000, tostring)
      assert.is_false(pcall(client.agents, client, { metrics = "m", agent_ids = all, page = 1 }))
      assert.is_false(pcall(client.agents, client, {
        metrics = "m", agent_ids = { ("x"):rep(8000) },
      }))
      assert.is_false(pcall(client.agents, client, { metrics = "m", agent_ids = {} }))
      assert.equal(0, #s.requests)
    end)
  end)
end)
