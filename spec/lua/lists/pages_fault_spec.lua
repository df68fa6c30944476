-- Lists that come in pages: a server that contradicts itself in mid-walk, and
-- answers that are cut short.
local pages = require "spec.support.pages"
local server = require "spec.support.server"
local ccaas = require "ccaas"

local unpack = table.unpack or unpack -- luacheck: ignore
local list, ids, span, serving, pages_asked = pages.list, pages.ids, pages.span, pages.serving, pages.asked

describe("pages", function()
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
      it("do not have a number in " .. name .. " are error protocol", function()
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

    -- Two headers of one name were read as the first of them, and "3, 3", which a
    -- proxy makes of them, as no number.
    local joined = { ["X-Page"] = "0, 0", ["X-Page-Size"] = "10,10", ["X-Total-Pages"] = "3, 3",
      ["X-Total-Elements"] = "30, 30, 30" }
    for name, value in pairs(joined) do
      local one = value:match("%d+")

      it("repeat " .. name .. " are fine where all are the same", function()
        for _, headers in ipairs { { [name] = value }, { [name] = one, [name:lower()] = one } } do
          local given, err = walk(headers)
          assert.is_nil(err)
          assert.equal(span(1, 30), given)
        end
      end)

      it("repeat " .. name .. " with another number are error protocol", function()
        for _, headers in ipairs { { [name] = one .. ", 7" }, { [name] = one, [name:lower()] = "7" },
          { [name] = "7", [name:lower()] = one } } do
          local given, err = walk(headers)
          assert.equal("", given)
          assert.equal("protocol", err.code)
          assert.matches("two different", err.message, 1, true)
        end
      end)
    end

    it("change the size between pages are error protocol, after the rows before", function()
      local given, err = walk({ ["X-Page-Size"] = 5, ["X-Total-Pages"] = 6 }, 1)
      assert.equal(span(1, 10), given)
      assert.equal("protocol", err.code)
      assert.matches("page size", err.message, 1, true)
    end)

    it("name another page in the middle of a walk are error protocol", function()
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

    it("announce more pages for ever, and bring nothing new, are error protocol", function()
      local rows = list(10)
      local client, s = serving(rows, function(_, _, page)
        local all = (page + 2) * 10
        return server.page { rows = rows, page = page, size = 10, total = all }
      end)
      local given, err = client:queues { size = 10 }:all()
      assert.is_nil(given)
      assert.equal("protocol", err.code)
      assert.is_true(#s.requests <= 105, #s.requests)
    end)

    -- Such a walk went on without end: all these pages were announced.
    it("announce 2^31 pages, all with the same rows, are error protocol", function()
      local rows = list(10)
      local client, s = serving(rows, function(_, _, page)
        return server.page { rows = rows, page = page, size = 10, total = 2 ^ 31 * 10,
          headers = { ["X-Total-Pages"] = "2147483648", ["X-Total-Elements"] = "21474836480" } }
      end)
      local given, err = client:queues { size = 10 }:all()
      assert.is_nil(given)
      assert.equal("protocol", err.code)
      assert.matches("100 pages in a row", err.message, 1, true)
      assert.is_true(#s.requests <= 105, #s.requests)
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
end)

-- A page that was cut short and asked for again counted the rows that it had
-- in common with an earlier page once for each attempt.
describe("a page that is asked for again", function()
  it("counts a row that had moved to it once", function()
    local rows, cut = {}, false
    for i, id in ipairs { 1, 2, 3, 4, 3, 4, 5, 6 } do
      rows[i] = server.row(tostring(id))
    end
    local s = server.start(function(request, conn)
      local bytes = server.cut(request, rows)
      if request.query.page == "1" and not cut then
        cut = true
        conn:send(bytes:sub(1, -3))
        conn:hold(nil, 0.05)
        conn:close()
        return ""
      end
      return bytes
    end)
    local stream, given = ccaas.new(s:options()):queues { size = 4 }, {}
    for row in stream do
      given[#given + 1] = row.id
    end
    assert.equal("1 2 3 4 5 6", table.concat(given, " "))
    assert.is_true(cut)
    assert.equal(2, stream:info().duplicates)
    assert.equal(2, stream:info().missing)
  end)
end)

-- A list whose items were no objects was handed out as rows all the same, and
-- the script failed on the first field that it looked at.
describe("an item that is no object", function()
  for _, item in ipairs { "1", "null", "true", '"text"', "[]", '[{"id":"2"}]' } do
    it(item .. " is the error protocol, after the rows before it", function()
      local s = server.start(function(request)
        if request.query.page then
          return server.page { rows = { server.row "1", item } }
        end
        return server.answer("[" .. item .. "]")
      end)
      local client = ccaas.new(s:options())
      local stream = client:queues()
      assert.are.equal("1", assert(stream:next()).id)
      local row, err = stream:next()
      assert.is_nil(row)
      assert.are.equal("protocol", err.code)
      assert.are.equal(("malformed JSON at byte %d of the answer: a row is not an object")
        :format(#server.row "1" + 2), err.message)
      row, err = client:queue "1"
      assert.is_nil(row)
      assert.are.equal("protocol", err.code)
    end)
  end
end)

-- A list of a million million rows without one never ended.
describe("a list of a million million rows that has none", function()
  it("ends with an error", function()
    local s = server.start(function(request)
      local page = request.target:match("[?&]page=(%d+)")
      return server.answer("[]", { headers = { ["X-Page"] = page, ["X-Page-Size"] = "1000",
        ["X-Total-Pages"] = "1000000000", ["X-Total-Elements"] = "1000000000000" } })
    end)
    local client = ccaas.new(s:options { deadline = 60 })
    local rows, err = client:queues():all()
    assert.is_nil(rows)
    assert.equal("protocol", err.code)
    assert.is_true(#s.requests < 200, #s.requests)
  end)
end)
