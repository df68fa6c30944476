-- Lists that come in pages and change while they are read.
local helper = require "spec.support.helper"
local pages = require "spec.support.pages"
local server = require "spec.support.server"
local ccaas = require "ccaas"

local unpack = table.unpack or unpack -- luacheck: ignore
local list, ids, serving = pages.list, pages.ids, pages.serving

describe("pages", function()
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
        assert.equal(33, #rows)
        assert.equal(33, info.total)
        assert.equal(0, info.missing)
        assert.same({ 2, true }, { info.passes, info.clean })
        if concurrency == 1 then
          -- Then come those that stand in front of what was read.
          assert.equal(ids(before), ids { unpack(rows, 1, 30) })
          assert.equal(3, info.duplicates)
        else
          -- Page 2 may be answered before page 1: then three rows move past both.
          assert.is_true(info.duplicates == 3 or info.duplicates == 6)
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
        -- Side by side, pages behind it may have been answered before.
        assert.is_true(#rows == 12 or concurrency > 1 and #rows > 12 and #rows < 30, #rows)
        assert.equal(12, info.total)
        assert.same({ 0, true }, { info.missing, info.clean })
        assert.is_true(info.passes > 1)
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
        assert.equal(16, info.pages)
        assert.same({ 2, true }, { info.passes, info.clean })
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
      assert.same({ 2, false }, { stream:info().passes, stream:info().clean })
      assert.is_false(stream:info().shrunk)
    end)
  end)
end)

-- Pages asked for side by side are counted in any order.  Where page 2 was counted
-- before the list grew and page 1 after it, the walk took page 2's for the newer
-- count, and ended without the rows that had come.
describe("a list that grows between two answers", function()
  it("is walked to its end, whichever of them is read last", function()
    local rows, old, grown = {}, false, false
    for i = 1, 30 do
      rows[i] = server.row(tostring(i))
    end
    local s = server.start(function(request, conn)
      local page = tonumber(request.query.page)
      if page == 1 then
        -- Page 2 is answered first; then the list grows.
        assert(conn:hold(function() return old end, 10))
        for i = 31, 77 do
          rows[i] = server.row(tostring(i))
        end
        grown = true
      end
      local answer = server.cut(request, rows)
      old = old or page == 2
      return answer
    end)
    local client = ccaas.new(s:options { concurrency = 4 })
    local stream = client:queues { size = 10 }
    assert.equal("1", stream:next().id)
    -- Both answers are there before one of them is looked at.
    s:serve(function() return grown end)
    s:serve()
    assert.equal(76, #assert(stream:all()))
    local info = stream:info()
    assert.equal(77, info.total)
    assert.equal(8, info.total_pages)
    assert.equal(0, info.missing)
    assert.is_false(info.shrunk)
  end)
end)
