-- Streams that are closed: by whom, what they say afterwards, and that requests
-- end with them.
local pages = require "spec.support.pages"

local serving = pages.serving
local has_close = _VERSION == "Lua 5.4"

describe("a stream", function()
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

    it("gives errors, and still has its info", function()
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

    it("is not closed when its client is collected", function()
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
end)
