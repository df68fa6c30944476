-- Lists that come in pages, asked for by more ids than a request line holds.
local helper = require "spec.support.helper"
local pages = require "spec.support.pages"
local server = require "spec.support.server"
local ccaas = require "ccaas"

local ids, span = pages.ids, pages.span

describe("pages", function()
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

    it("raise together with a start page, or if one id is too long", function()
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

-- With a limit, and a list of ids so long that it was split, the second page
-- of the first piece was left out in favour of the first page of the next.
describe("a limit on a call that is split", function()
  it("takes the rows in their order", function()
    local all = {}
    for i = 1, 3000 do
      all[i] = tostring(i)
    end
    local s = server.start(function(request)
      local rows = {}
      for id in request.query["agent-ids"]:gmatch("%d+") do
        rows[#rows + 1] = server.row(id)
      end
      return server.cut(request, rows)
    end)
    local client = ccaas.new(s:options())
    for _, limit in ipairs { 1000, 1700, 2500 } do
      local rows = client:agents { metrics = "m", agent_ids = all, limit = limit }:all()
      assert.equal(limit, #rows)
      for i = 1, limit do
        assert.equal(all[i], rows[i].id)
      end
    end
    assert.is_true(#s.requests <= 11)
  end)
end)

-- An answer that was whole before anybody looked at it gave its place to the
-- next piece of a split list before it was known to have a second page; that
-- page's rows came after those of the next piece then.
describe("a list that is split", function()
  it("keeps its order where an answer is whole before it is looked at", function()
    local all = {}
    for i = 1, 3000 do
      all[i] = tostring(i)
    end
    local answered = 0
    local s = server.start(function(request, conn)
      local rows = {}
      for id in request.query["agent-ids"]:gmatch("%d+") do
        rows[#rows + 1] = server.row(id)
      end
      local bytes = server.cut(request, rows)
      if answered > 0 then
        -- Rows are there to be taken before the answer is whole.
        conn:send(bytes:sub(1, -3))
        conn:hold(nil, 0.02)
        bytes = bytes:sub(-2)
      end
      conn:send(bytes)
      answered = answered + 1
    end)
    local stream = ccaas.new(s:options { concurrency = 1 })
      :agents { metrics = "m", agent_ids = all }
    -- The token and the request, then nothing but the network's thread.
    while answered == 0 do
      assert.is_nil((stream:next(0)))
      s:serve()
    end
    for _ = 1, 5 do
      s:serve()
    end
    local rows = assert(stream:all())
    assert.equal(3000, #rows)
    for i = 1, 3000 do
      assert.equal(all[i], rows[i].id)
    end
  end)
end)
