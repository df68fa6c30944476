-- Lists that come in pages: which are asked for, in what order their rows are
-- given, and where a walk begins and ends.
local helper = require "spec.support.helper"
local pages = require "spec.support.pages"
local ccaas = require "ccaas"

local list, ids, span, serving, pages_asked = pages.list, pages.ids, pages.span, pages.serving, pages.asked

describe("pages", function()
  describe("are asked for", function()
    it("once the first answer has told how many there are", function()
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

    it("as many at a time as the client says, if the call does not", function()
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

  it("are requested ahead while the reader is still at the first", function()
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

  describe("of an empty list", function()
    for _, answer in ipairs { "400", "200" } do
      it("have no rows, answered with " .. answer, function()
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

    it("give part of a page", function()
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
end)
