-- Lists that change while they are walked, and are walked again: which rows come,
-- what is asked for, and what is told at the end.
local pages = require "spec.support.pages"
local server = require "spec.support.server"
local ccaas = require "ccaas"

local list, ids, span, serving = pages.list, pages.ids, pages.span, pages.serving

describe("a list that is walked again", function()
  -- The pages that were asked for, in the order in which they were.
  local function order(s)
    local numbers = {}
    for i, request in ipairs(s.requests) do
      numbers[i] = request.query.page
    end
    return table.concat(numbers, " ")
  end

  -- What is known at the end: passes, clean, missing, duplicates.
  local function verdict(stream)
    local info = stream:info()
    return { info.passes, info.clean, info.missing, info.duplicates }
  end

  -- A client, its server and the warnings that it gives, of a list that
  -- `changes[n]` changes before the nth request is answered.
  local function changing(rows, changes, options)
    local count, warnings = 0, {}
    options = options or {}
    options.on_event = function(event)
      if event.type == "warning" then
        warnings[#warnings + 1] = event
      end
    end
    local client, s = serving(rows, function()
      count = count + 1
      if changes[count] then
        changes[count](rows)
      end
    end, options)
    return client, s, warnings
  end

  local function removing(place)
    return function(rows) table.remove(rows, place or 1) end
  end

  -- The total that is named is one more than there are rows.
  local function one_too_high(request, rows)
    local page, size = tonumber(request.query.page), tonumber(request.query.size)
    local part = {}
    for i = page * size + 1, math.min(#rows, (page + 1) * size) do
      part[#part + 1] = rows[i]
    end
    return server.page { rows = part, page = page, size = size, total = #rows + 1 }
  end

  -- Row 3 moved from page 1 to page 0 when page 0 was read, and was lost; nothing
  -- was missing, for the total said 5.
  it("gives the row that slid over a page's border, after the others", function()
    local client, s, warnings = changing(list(6), { [2] = removing() })
    local stream = client:queues { size = 2, concurrency = 1 }
    assert.equal("1 2 4 5 6 3", ids(stream:all()))
    assert.equal("0 1 2 2 1 0", order(s))
    assert.same({ 2, true, 0, 0 }, verdict(stream))
    assert.equal(6, stream:info().rows)
    assert.equal(5, stream:info().total)
    assert.same({}, warnings)
  end)

  it("is not walked again if it does not change, and costs no extra request", function()
    local client, s, warnings = changing(list(6), {})
    local stream = client:queues { size = 2, concurrency = 8 }
    assert.equal(span(1, 6), ids(stream:all()))
    assert.equal(3, #s.requests)
    assert.same({ 1, true, 0, 0 }, verdict(stream))
    assert.same({}, warnings)
  end)

  it("goes backward, then forward, and ends after three", function()
    local client, s, warnings = changing(list(9), { [2] = removing(), [5] = removing(), [8] = removing() })
    local stream = client:queues { size = 3, concurrency = 1 }
    assert.equal("1 2 3 5 6 7 8 9 4", ids(stream:all()))
    assert.equal("0 1 2 2 1 0 0 1", order(s))
    assert.same({ 3, false, 0, 1 }, verdict(stream)) -- going backward, a row may come again
    assert.is_nil(stream:next())
    assert.equal(1, #warnings)
    assert.same({ "warning", "unclean", "GET", s.url .. "/queues" },
      { warnings[1].type, warnings[1].reason, warnings[1].method, warnings[1].url })
  end)

  it("asks for one page at a time, however many at once the first time", function()
    local under_way, most, removed = 0, {}, false
    local rows = list(41)
    local client, s
    client, s = serving(rows, function(_, conn)
      local pass = #s.requests <= 14 and 1 or 2
      under_way = under_way + 1
      most[pass] = math.max(most[pass] or 0, under_way)
      conn:hold(nil, 0.005)
      under_way = under_way - 1
      if #s.requests > 10 and not removed then
        removed = true
        table.remove(rows, 1)
      end
    end)
    local stream = client:queues { size = 3, concurrency = 8 }
    assert.equal(41, #assert(stream:all()))
    assert.equal(2, stream:info().passes)
    assert.is_true(most[1] > 1 and most[1] <= 8, most[1])
    assert.equal(1, most[2])
  end)

  for _, verify in ipairs { false, true } do
    it(("twice where the total is always one too high%s"):format(verify and ", with verify" or ""), function()
      local client, s, warnings = changing({}, {})
      s.handler = function(request) return one_too_high(request, list(5)) end
      local stream = client:queues { size = 2, concurrency = 1, verify = verify }
      assert.equal(span(1, 5), ids(stream:all()))
      assert.equal("0 1 2 2 1 0", order(s))
      assert.same({ 2, false, 1, 0 }, verdict(stream))
      assert.equal(1, #warnings)
    end)
  end

  it("has a row once that comes twice every time, and is not clean", function()
    local rows = list(6)
    rows[4] = rows[3]
    local client, _, warnings = changing(rows, {})
    local stream = client:queues { size = 3 }
    assert.equal("1 2 3 5 6", ids(stream:all()))
    assert.same({ 2, false, 1, 1 }, verdict(stream))
    assert.equal(1, #warnings)
  end)

  it("has rows without identity no more often than before", function()
    local client, s = changing({}, {})
    s.handler = function(request)
      return one_too_high(request, { server.row("1"), '{"name":"a"}', '{"name":"b"}' })
    end
    local rows = assert(client:queues { size = 2 }:all())
    assert.same({ "Row 1", "a", "b" }, { rows[1].name, rows[2].name, rows[3].name })
    assert.equal(3, #rows)
  end)

  it("begins again where it began", function()
    local client, s = changing(list(10), { [2] = removing() })
    local stream = client:queues { page = 2, size = 2, concurrency = 1 }
    assert.equal("5 6 8 9 10 7", ids(stream:all()))
    assert.equal("2 3 4 4 3 2", order(s))
    assert.same({ 2, true, 0, 0 }, verdict(stream))
  end)

  it("has all of 101 pages", function()
    local changes = {}
    for n = 20, 180, 20 do
      changes[n] = removing(1 + n % 7)
    end
    local rows = list(505)
    local there = {}
    local client, s = changing(rows, changes)
    local given, stream = {}, client:queues { size = 5, concurrency = 8 }
    for row in stream do
      assert.is_nil(given[row.id])
      given[row.id] = true
    end
    for _, row in ipairs(rows) do
      there[row:match('"id":"(%d+)"')] = true
    end
    for id in pairs(there) do
      assert.is_true(given[id], id)
    end
    assert.equal(496, #rows)
    assert.is_true(#s.requests <= 303)
  end)

  it("ends during the second pass once all wanted rows are there", function()
    local client, s, warnings = changing(list(6), { [2] = removing() })
    local stream = client:queues { size = 2, concurrency = 1, limit = 6 }
    assert.equal("1 2 4 5 6 3", ids(stream:all()))
    assert.equal("0 1 2 2 1 0", order(s))
    assert.same({ 2, nil, nil, 0 }, verdict(stream))
    assert.same({}, warnings)
  end)

  it("is not walked again if a limit or a close ended the walk", function()
    local client, s, warnings = changing(list(6), { [2] = removing() })
    local stream = client:queues { size = 2, concurrency = 1, limit = 5 }
    assert.equal("1 2 4 5 6", ids(stream:all()))
    assert.equal("0 1 2", order(s))
    assert.same({ 1, nil, nil, 0 }, verdict(stream))
    stream = client:queues { size = 2 }
    assert(stream:next())
    stream:close()
    assert.is_nil(stream:info().clean)
    assert.same({}, warnings)
  end)

  describe("ends with the error of a later pass, after its rows", function()
    -- The rows and the error of a walk whose second pass is answered by `answer`.
    local function walk(answer, options)
      local rows = list(6)
      local client, s
      client, s = serving(rows, function(_, conn)
        if #s.requests == 2 then
          table.remove(rows, 1)
        elseif #s.requests == 5 then
          return answer(conn)
        end
      end, { retries = 0 })
      options = options or {}
      options.size, options.concurrency = 2, 1
      local stream, given = client:queues(options), {}
      for _ = 1, 100 do
        local row, err = stream:next()
        if not row then
          assert.is_nil(stream:info().clean)
          return ids(given), err, s
        end
        given[#given + 1] = row
      end
    end

    it("when it is refused", function()
      local given, err, s = walk(function() return server.answer("no", { status = 403 }) end)
      assert.equal("1 2 4 5 6", given)
      assert.equal("forbidden", err.code)
      assert.equal("0 1 2 2 1", order(s))
    end)

    it("when its headers contradict each other", function()
      local given, err = walk(function() return server.page { rows = {}, page = 1, size = 2, total = 5, pages = 7 } end)
      assert.equal("1 2 4 5 6", given)
      assert.equal("protocol", err.code)
    end)

    -- Each answer named one page fewer: the walk asked for 2^30 of them.
    it("when the end recedes from page to page", function()
      local count = 0
      local s
      s = server.start(function(request)
        local page = tonumber(request.query.page)
        count = count + 1
        assert(count < 200, "it goes on and on")
        if page == 0 then
          return server.page { rows = { server.row("1") }, size = 1, total = count == 1 and 2 or 1073741824 }
        end
        return server.answer(('{"message":"Bad request: Field \'page\' must be less than the total number of pages, '
          .. 'which is %d for this request"}'):format(page), { status = 400 })
      end)
      local rows, err = ccaas.new(s:options { retries = 0 }):queues({ size = 1 }):all()
      assert.is_nil(rows)
      assert.equal("protocol", err.code)
      assert.matches("^100 pages in a row", err.message)
      assert.equal(103, count)
    end)

    it("when the connection is lost", function()
      local given, err = walk(function(conn)
        conn:send("HTTP/1.1 200 OK\r\nX-Pa")
        conn:reset()
        return ""
      end)
      assert.equal("1 2 4 5 6", given)
      assert.equal("network", err.code)
    end)

    it("when the deadline passes", function()
      local given, err = walk(function(conn) return conn:hold() and "" or "" end, { deadline = 1 })
      assert.equal("1 2 4 5 6", given)
      assert.equal("timeout", err.code)
      assert.matches("deadline", err.message, 1, true)
    end)
  end)

  it("asks again for a page of a later pass that was cut short", function()
    local rows = list(6)
    local client, s
    client, s = serving(rows, function(request, conn)
      if #s.requests == 2 then
        table.remove(rows, 1)
      elseif #s.requests == 6 then
        local bytes = server.cut(request, rows)
        conn:send(bytes:sub(1, -3)) -- its first row is whole
        conn:hold(nil, 0.02)
        conn:close()
        return ""
      end
    end)
    local stream = client:queues { size = 2, concurrency = 1 }
    assert.equal("1 2 4 5 6 3", ids(stream:all()))
    assert.equal("0 1 2 2 1 0 0", order(s))
    assert.same({ 2, true, 0, 0 }, verdict(stream))
  end)

  it("gives pages of a later pass by pages() only where they have new rows", function()
    local client = changing(list(6), { [2] = removing() })
    local stream, seen = client:queues { size = 2, concurrency = 1 }, {}
    for page in stream:pages() do
      seen[#seen + 1] = ("%d: %s"):format(page.number, ids(page.rows))
    end
    assert.same({ "0: 1 2", "1: 4 5", "2: 6", "0: 3" }, seen)
    assert.equal(6, stream:info().pages)
  end)

  it("keeps the totals rows of the first pass alone", function()
    local rows = list(4)
    local client, s
    client, s = serving(rows, function(request)
      if #s.requests == 2 then
        table.remove(rows, 1)
      end
      local bytes = server.cut(request, rows)
      return server.page {
        rows = { bytes:match("\r\n\r\n%[(.*)%]$"), '{"id":null,"name":"totals","metrics":[]}' },
        page = tonumber(request.query.page), size = 2, total = #rows,
      }
    end)
    local stream = client:queues { size = 2, concurrency = 1, totals = true }
    assert.equal("1 2 4 3", ids(stream:all()))
    assert.same({ { metrics = {} }, { metrics = {} } }, stream:info().totals)
  end)

  describe("with verify", function()
    it("is walked twice if it does not change", function()
      local client, s = changing(list(5), {})
      local stream = client:queues { size = 2, verify = true, concurrency = 1 }
      assert.equal(span(1, 5), ids(stream:all()))
      assert.equal("0 1 2 2 1 0", order(s))
      assert.same({ 2, true, 0, 0 }, verdict(stream))
    end)

    -- One pass cannot tell: all totals are 4.
    it("has the row that a removal and an addition hid", function()
      for _, verify in ipairs { false, true } do
        local client = changing(list(4), { [2] = function(rows)
          table.remove(rows, 1)
          rows[4] = server.row("5")
        end })
        local stream = client:queues { size = 2, concurrency = 1, verify = verify }
        assert.equal(verify and "1 2 4 5 3" or "1 2 4 5", ids(stream:all()))
        assert.same({ verify and 3 or 1, true, 0, 0 }, verdict(stream))
      end
    end)

    it("ends after four, and is not clean without two running", function()
      local add = function(rows) rows[#rows + 1] = server.row(tostring(#rows + 1)) end
      local client, s, warnings = changing(list(2), { [2] = add, [4] = add, [7] = add })
      local stream = client:queues { size = 2, concurrency = 1, verify = true }
      assert.equal("1 2 3 4", ids(stream:all()))
      assert.same({ 4, false, 1, 0 }, verdict(stream))
      assert.equal("0 0 1 0 1 1 0", order(s))
      assert.equal(1, #warnings)
    end)

    it("of an empty one asks twice", function()
      local client, s = changing({}, {})
      local stream = client:queues { verify = true }
      assert.same({}, stream:all())
      assert.equal("0 0", order(s))
      assert.same({ 2, true, 0, 0 }, verdict(stream))
    end)

    it("is a boolean, and an option of lists only", function()
      local client = ccaas.new { provider = "8x8", key = "k", secret = "s" }
      for _, call in ipairs {
        function() client:queues { verify = "yes" } end,
        function() client:agents { summary = true, verify = 1 } end,
        function() client:queue("101", { verify = true }) end,
        function() client:agents_in_queue_groups { verify = true } end,
        function() client:watch("queues", { verify = 1 }) end,
      } do
        local ok, message = pcall(call)
        assert.is_false(ok)
        assert.matches("pages_pass_spec.lua:%d+: .*`verify`", message)
      end
    end)
  end)

  -- Lists of ids that need several requests: parts of 1,300 ids, some.
  describe("in parts", function()
    local all = {}
    for i = 1, 5000 do
      all[i] = tostring(i)
    end

    -- `answer(part, page, rows)` may give other bytes; parts count from 1.
    local function walk(answer, options)
      local parts, count, warnings = {}, 0, {}
      local s = server.start(function(request)
        local key = request.query["agent-ids"]
        if not parts[key] then
          count = count + 1
          parts[key] = count
        end
        local rows = {}
        for id in key:gmatch("%d+") do
          rows[#rows + 1] = server.row(id)
        end
        return answer(parts[key], request, rows) or server.cut(request, rows)
      end)
      local client = ccaas.new(s:options { on_event = function(event)
        warnings[#warnings + 1] = event.type == "warning" and event or nil
      end })
      options = options or {}
      options.metrics, options.agent_ids = "m", all
      local stream = client:agents(options)
      return assert(stream:all()), stream, warnings, count, s
    end

    it("each of them is by itself", function()
      local asked, length = {}, nil
      local rows, stream, warnings, count, s = walk(function(part, request, rows)
        asked[part] = (asked[part] or 0) + 1
        length = part == 2 and math.ceil(#rows / tonumber(request.query.size)) or length
        return part == 2 and one_too_high(request, rows) or nil
      end)
      assert.equal(span(1, 5000), ids(rows))
      assert.is_true(count > 3)
      assert.equal(2 * length, asked[2])
      -- It is walked again when all were walked once: then their places are free.
      local last = s.requests[#s.requests].query["agent-ids"]
      assert.equal(last, s.requests[#s.requests - length + 1].query["agent-ids"])
      assert.same({ 2, false, 1, 0 }, verdict(stream))
      assert.equal(1, #warnings)
    end)

    it("more than one of them that is not clean give one warning", function()
      local _, stream, warnings, count = walk(function(_, request, rows) return one_too_high(request, rows) end,
        { concurrency = 1 })
      assert.same({ 2, false, count, 0 }, verdict(stream))
      assert.equal(1, #warnings)
    end)

    it("a row of two of them comes once, is no duplicate and is not missing", function()
      local rows, stream = walk(function(_, request, rows)
        rows[#rows + 1] = server.row("7000")
        return server.cut(request, rows)
      end)
      assert.equal(5001, #rows)
      assert.same({ 1, true, 0, 0 }, verdict(stream))
    end)

    -- The set of rows has marks for seven passes.
    it("are told apart after seven passes, too", function()
      local rows, stream, _, count = walk(function(_, request, rows)
        rows[#rows + 1] = server.row("7000")
        return one_too_high(request, rows)
      end, { verify = true })
      assert.is_true(count * 2 > 7)
      assert.equal(5001, #rows)
      assert.same({ 2, false, count, 0 }, verdict(stream))
    end)
  end)

  -- The same as spec/c/page_sim_test.c, over sockets: a change before each answer
  -- or two.
  for _, kind in ipairs { "removed", "added" } do
    it(("misses no row while rows are %s without end"):format(kind), function()
      for seed = 1, 40 do
        local state = seed * 7919
        local function roll(n)
          state = (state * 16807) % 2147483647
          return state % n + 1
        end
        local rows, next_id = list(seed % 12 + 1), 100
        local first = {}
        for i, row in ipairs(rows) do
          first[i] = row
        end
        local client = serving(rows, function()
          if roll(3) == 1 and kind == "removed" and #rows > 0 then
            table.remove(rows, roll(#rows))
          elseif roll(3) == 1 and kind == "added" then
            next_id = next_id + 1
            table.insert(rows, roll(#rows + 1), server.row(tostring(next_id)))
          end
        end)
        local given = {}
        for row in client:queues { size = seed % 4 + 2, concurrency = seed % 2 == 0 and 8 or 1 } do
          assert.is_nil(given[row.id])
          given[row.id] = true
        end
        local there = {}
        for _, row in ipairs(rows) do
          there[row] = true
        end
        for i, row in ipairs(first) do
          assert.is_true(not there[row] or given[tostring(i)], ("seed %d, row %d"):format(seed, i))
        end
        client:close()
      end
    end)
  end
end)
