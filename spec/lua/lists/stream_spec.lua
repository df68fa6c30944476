-- Streams: what they are to a script, how they fail, and many of them at once on
-- one client.
local helper = require "spec.support.helper"
local pages = require "spec.support.pages"
local server = require "spec.support.server"
local ccaas = require "ccaas"

local serving = pages.serving

local function refusing()
  return serving(0, function()
    return server.answer('{"message":"No."}', { status = 403 })
  end)
end

describe("a stream", function()
  describe("is for a script", function()
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

    it("at its end without an error, each time it is read", function()
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

    it("in the middle of a walk gives the rows before the error first", function()
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
end)
