-- The bodies of answers: coded, malformed, cut short, too large.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local mime = require "mime"
local server = require "spec.support.server"

local function gzip(text)
  local path = helper.folder() .. "/text"
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  local status, output = helper.run("gzip -9 -c " .. path .. " | base64 -w 0")
  assert(status == 0, output)
  return (mime.unb64(output))
end

local function coded(body, coding, headers)
  local given = { ["Content-Encoding"] = coding }
  for name, value in pairs(headers or {}) do
    given[name] = value
  end
  return server.answer(body, { headers = given })
end

local function chunked(body, size)
  local chunks = {}
  for at = 1, #body, size do
    local part = body:sub(at, at + size - 1)
    chunks[#chunks + 1] = ("%x;name=value\r\n%s\r\n"):format(#part, part)
  end
  return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Total-Pages: 1\r\nX-Total-Elements: 3\r\n\r\n"
    .. table.concat(chunks) .. "0\r\nX-Trailer: yes\r\n\r\n"
end

local three = "[" .. table.concat({ server.row "1", server.row "2", server.row "3" }, ",") .. "]"
local one_page = { ["X-Total-Pages"] = 1, ["X-Total-Elements"] = 3 }

-- Reads a stream to its end: the ids, and the error.
local function ids(stream)
  local list = {}
  while true do
    local row, err = stream:next()
    if not row then
      return table.concat(list, " "), err
    end
    list[#list + 1] = row.id
  end
end

local function client_of(answer, options)
  local s = server.start(type(answer) == "function" and answer or function() return answer end)
  return ccaas.new(s:options(options or { retries = 0 })), s
end

describe("a compressed answer", function()
  it("is asked for, and gives the same rows", function()
    local plain = helper.sandbox { agents = 300, queues = 20, groups = 3 }
    local packed = helper.sandbox { agents = 300, queues = 20, groups = 3, gzip = true }
    local function rows(sandbox)
      return assert(ccaas.new(sandbox:options("8x8")):agents({ metrics = "status.rt", size = 50 }):all())
    end
    assert.are.same(rows(plain), rows(packed))
    assert.is_truthy(packed:requests()[2].headers["accept-encoding"]:find("gzip", 1, true))
  end)

  it("is read byte by byte as well as at once", function()
    local answer = coded(gzip(three), "gzip", one_page)
    local client = client_of(function(_, conn) conn:drip(answer, 1) end)
    assert.are.equal("1 2 3", ids(client:queues()))
    assert.are.equal("1 2 3", ids(client_of(answer):queues()))
  end)

  it("is read in chunks, too", function()
    local body = gzip(three)
    local answer = chunked(body, 7):gsub("\r\n", "\r\nContent-Encoding: gzip\r\n", 1)
    assert.are.equal("1 2 3", ids(client_of(answer):queues()))
  end)

  it("is unpacked for client:request as well", function()
    local answer = assert(client_of(coded(gzip "some text", "gzip")):request { path = "/x" })
    assert.are.equal("some text", answer.body)
  end)

  it("that is not compressed is error protocol at once", function()
    for _, answer in ipairs { coded(three, "gzip", one_page), coded(three, "no-such-coding", one_page) } do
      local client, s = client_of(answer, {})
      local seen, err = ids(client:queues())
      assert.are.equal("", seen)
      assert.are.equal("protocol", err.code)
      assert.are.equal(1, #s.requests)
    end
  end)

  it("that is cut short is requested again", function()
    local body = gzip(three)
    local s
    s = server.start(function()
      return #s.requests == 1 and coded(body:sub(1, -20), "gzip", one_page) or coded(body, "gzip", one_page)
    end)
    assert.are.equal("1 2 3", ids(ccaas.new(s:options()):queues()))
    assert.are.equal(2, #s.requests)
  end)
end)

describe("an answer in chunks", function()
  for _, size in ipairs { 1, 10, 1000 } do
    it(("of %d bytes is read"):format(size), function()
      assert.are.equal("1 2 3", ids(client_of(chunked(three, size)):queues()))
    end)
  end

  it("without its last chunk was cut short", function()
    local s
    s = server.start(function(_, conn)
      if #s.requests > 1 then
        return chunked(three, 10)
      end
      conn:send((chunked(three, 10):gsub("0\r\nX%-Trailer.*$", "")))
      conn:close()
    end)
    assert.are.equal("1 2 3", ids(ccaas.new(s:options()):queues()))
    assert.are.equal(2, #s.requests)
  end)
end)

describe("an answer without a length", function()
  local heads = "HTTP/1.1 200 OK\r\nX-Total-Pages: 1\r\nX-Total-Elements: 3\r\n\r\n"

  it("is complete if its JSON is", function()
    local client = client_of(function(_, conn)
      conn:send(heads .. three)
      conn:close()
    end)
    assert.are.equal("1 2 3", ids(client:queues()))
  end)

  it("is requested again if its JSON is not complete", function()
    local s
    s = server.start(function(_, conn)
      conn:send(heads .. (#s.requests == 1 and three:sub(1, -30) or three))
      conn:close()
    end)
    assert.are.equal("1 2 3", ids(ccaas.new(s:options()):queues()))
    assert.are.equal(2, #s.requests)
  end)
end)

describe("malformed JSON", function()
  -- What stands behind two whole rows; the byte behind them that is wrong.
  local cases = {
    { ",nope]", 2 },
    { ",]", 1 },
    { " {", 1 },
    { "]]", 1 },
    { "]x", 1 },
    { ',{"id":"3",}]', 11 },
    { ',{"id" "3"}]', 7 },
    { ',{"id":03}]', 8 },
    { ',{"id":"\t"}]', 8 },
    { ',{"id":"\255"}]', 8 },
    { [[,{"id":"\x"}]', 8 }]], 9 },
    { ",<html>]", 1 },
    { ",{id:3}]", 2 },
    { ",NaN]", 1 },
  }
  for _, case in ipairs(cases) do
    it(("%q is the error protocol at its byte, after the rows that were whole"):format(case[1]), function()
      local good = "[" .. server.row "1" .. "," .. server.row "2"
      local client, s = client_of(server.answer(good .. case[1], { headers = one_page }), {})
      local seen, err = ids(client:queues())
      assert.are.equal("1 2", seen)
      assert.are.equal("protocol", err.code)
      assert.are.equal(200, err.status)
      assert.is_false(err.retryable)
      assert.are.equal(tostring(#good + case[2]), err.message:match("^malformed JSON at byte (%d+) of the answer: "))
      assert.are.equal(1, #s.requests)
    end)
  end

  it("in the second page is found after the rows before it", function()
    local rows = {}
    for i = 1, 6 do
      rows[i] = server.row(tostring(i))
    end
    rows[5] = '{"id":"5","name":oops}'
    local client = client_of(function(request) return server.cut(request, rows) end)
    local seen, err = ids(client:queues { size = 2 })
    assert.are.equal("1 2 3 4", seen)
    assert.are.equal("protocol", err.code)
    assert.is_truthy(err.message:find("byte 18 ", 1, true), err.message)
  end)

  local documents = { "<html><body>Hello</body></html>", "hello", "null", "42", '"text"', "\239\187\191" .. three }
  for _, body in ipairs(documents) do
    it(("%q is no list and no row"):format(body:sub(1, 10)), function()
      local client, s = client_of(server.answer(body, { headers = one_page }), {})
      local seen, err = ids(client:queues())
      assert.are.equal("", seen)
      assert.are.equal("protocol", err.code)
      assert.are.equal("protocol", select(2, client:queue("1")).code)
      assert.are.equal("protocol", select(2, client:agents_in_queue_groups()).code)
      assert.are.equal(3, #s.requests)
    end)
  end

  for _, body in ipairs { "[1,2]", "[null]", '["a"]', "[[]]", "[true]" } do
    it(("of the right kind but %s holds no row"):format(body), function()
      local client = client_of(server.answer(body, { headers = one_page }))
      local seen, err = ids(client:queues())
      assert.are.equal("", seen)
      assert.are.equal("protocol", err.code)
      assert.are.equal("protocol", select(2, client:queue("1")).code)
    end)
  end

  it("of HTML says so where pages are to be counted, too", function()
    local client, s = client_of(server.answer "<html>Sign in</html>", {})
    local _, err = client:queues():next()
    assert.are.equal("protocol", err.code)
    assert.are.equal(1, #s.requests)
  end)
end)

describe("an answer that is cut short", function()
  local sandbox = helper.sandbox { agents = 60, queues = 10, groups = 3 }
  local client = ccaas.new(sandbox:options("8x8"))
  local at_once = { ["Retry-After"] = "0" }

  local function walk(options)
    local seen, count = {}, 0
    options = options or {}
    options.metrics = "status.rt"
    local stream = client:agents(options)
    for agent in stream do
      assert.is_nil(seen[agent.id], agent.id)
      seen[agent.id] = true
      count = count + 1
    end
    return count, stream:info()
  end

  local whole = #assert(client:request { path = "/agents", query = { metrics = "status.rt", size = 1000 } }).body
  local ways = {
    ["with its framing whole"] = { clean = true },
    ["by an end in good order"] = {},
    ["by a reset"] = { reset = true },
    ["compressed"] = { clean = true, gzip = true },
    ["in chunks"] = { chunked = true },
  }
  for name, way in pairs(ways) do
    it(name .. " is asked for again and gives no row twice", function()
      for _, at in ipairs { 0, 1, 2, 100, math.floor(whole / 2), whole - 2, whole - 1 } do
        local fault = { path = "/agents", truncate = at, headers = at_once }
        for option, value in pairs(way) do
          fault[option] = value
        end
        sandbox:clear_requests()
        sandbox:fault(fault)
        local count, info = walk { size = 1000 }
        assert.are.equal(60, count)
        assert.are.equal(60, info.rows)
        assert.are.equal(0, info.duplicates)
        assert.are.equal(0, info.missing)
        assert.are.equal(2, #sandbox:requests())
      end
    end)
  end

  it("in many pages gives no row twice", function()
    sandbox:fault { path = "/agents", truncate = 500, clean = true, headers = at_once, times = 5 }
    local count, info = walk { size = 10, concurrency = 3 }
    assert.are.equal(60, count)
    assert.are.equal(0, info.duplicates)
  end)

  it("after its totals gives those once", function()
    local bytes = server.page { rows = { server.row "1", '{"id":null,"name":"totals","metrics":[]}' }, total = 1 }
    local s
    s = server.start(function(_, conn)
      if #s.requests > 1 then
        return bytes
      end
      conn:send((bytes:gsub("%]$", " ")))
      conn:close()
    end)
    local stream = ccaas.new(s:options()):queues { totals = true }
    assert.are.equal("1", (ids(stream)))
    assert.are.equal(1, #stream:info().totals)
  end)

  it("every time is the error network, after the rows that were whole", function()
    local bytes = server.page { rows = { server.row "1", server.row "2", server.row "3" } }
    local answer = function(_, conn)
      conn:send(bytes:sub(1, -10))
      conn:close()
    end
    local seen, err = ids(client_of(answer):queues())
    assert.are.equal("1 2", seen)
    assert.are.equal("network", err.code)
    assert.is_true(err.retryable)
  end)

  it("is requested again if it is one document or bytes, too", function()
    local s
    s = server.start(function(request, conn)
      local body = request.path == "/agents-in-queue-groups" and '{"agents":[],"queues":[]}' or server.row "1"
      local bytes = server.answer(body)
      if #s.requests % 2 == 0 then
        return bytes
      end
      conn:send(bytes:sub(1, -5))
      conn:close()
    end)
    local own = ccaas.new(s:options())
    assert.are.same({ agents = {}, queues = {} }, assert(own:agents_in_queue_groups()))
    assert.are.equal("1", assert(own:queue("1")).id)
    assert.are.equal(server.row "1", assert(own:request { path = "/x" }).body)
    assert.are.equal(6, #s.requests)
  end)

  it("with complete framing is requested again if it is one document", function()
    local s
    s = server.start(function()
      return server.answer(#s.requests == 1 and '{"agents":[],' or '{"agents":[],"queues":[]}',
        { headers = { ["Retry-After"] = 0 } })
    end)
    assert(ccaas.new(s:options()):agents_in_queue_groups())
    assert.are.equal(2, #s.requests)
  end)
end)

-- A row of so many bytes.
local function row_of(id, bytes)
  local rest = bytes - #server.row(id, '[{"key":"k","value":""}]')
  return server.row(id, '[{"key":"k","value":"' .. ("x"):rep(rest) .. '"}]')
end

describe("the option max_record", function()
  local MiB = 1024 * 1024

  local function read(bytes, options)
    local rows = { server.row "1", row_of("2", bytes), server.row "3" }
    assert(#rows[2] == bytes)
    options.retries = 0
    return ids(client_of(server.page { rows = rows }, options):queues())
  end

  it("by default lets 16 MiB pass", function()
    assert.are.equal("1 2 3", (read(16 * MiB, {})))
  end)

  it("by default ends the stream with too_large past that, after the rows before", function()
    local seen, err = read(16 * MiB + 1, {})
    assert.are.equal("1", seen)
    assert.are.equal("too_large", err.code)
    assert.are.equal(200, err.status)
    assert.is_false(err.retryable)
    assert.are.equal("a record is larger than max_record (16777216 bytes)", err.message)
  end)

  it("lets a record of exactly so many bytes pass", function()
    assert.are.equal("1 2 3", (read(1000, { max_record = 1000 })))
  end)

  it("lets none pass that is a byte larger", function()
    local seen, err = read(1001, { max_record = 1000 })
    assert.are.equal("1", seen)
    assert.are.equal("too_large", err.code)
  end)

  it("can be lifted", function()
    assert.are.equal("1 2 3", (read(17 * MiB, { max_record = 32 * MiB })))
  end)

  it("counts the bytes of each record, not of their sum", function()
    local rows = {}
    for i = 1, 100 do
      rows[i] = row_of(tostring(i), 900)
    end
    local client = client_of(server.page { rows = rows }, { max_record = 1000, retries = 0 })
    assert.are.equal(100, #assert(client:queues():all()))
  end)

  it("counts them unpacked", function()
    local answer = coded(gzip("[" .. row_of("1", 5000) .. "]"), "gzip", one_page)
    assert.is_true(#answer < 1000)
    assert.are.equal("too_large", select(2, ids(client_of(answer, { max_record = 4999 }):queues())).code)
    assert.are.equal("1", (ids(client_of(answer, { max_record = 5000 }):queues())))
  end)

  it("holds for one row, too", function()
    local client = client_of(server.answer(row_of("1", 1001)), { max_record = 1000 })
    assert.are.equal("too_large", select(2, client:queue("1")).code)
  end)
end)

describe("the option max_body", function()
  local function read(bytes, options)
    return client_of(server.answer(("x"):rep(bytes)), options):request { path = "/x" }
  end

  it("by default lets many MiB pass", function()
    assert.are.equal(20 * 1024 * 1024, #assert(read(20 * 1024 * 1024, {})).body)
  end)

  it("lets a body of exactly so many bytes pass", function()
    assert.are.equal(1000, #assert(read(1000, { max_body = 1000 })).body)
  end)

  it("lets none pass that is a byte larger", function()
    local answer, err = read(1001, { max_body = 1000 })
    assert.is_nil(answer)
    assert.are.equal("too_large", err.code)
    assert.are.equal("the answer is larger than max_body (1000 bytes)", err.message)
    assert.is_false(err.retryable)
    assert.are.equal(1, #err.attempts)
  end)

  it("holds for a document, too", function()
    local body = '{"agents":[],"queues":[]}'
    assert(client_of(server.answer(body), { max_body = #body }):agents_in_queue_groups())
    local _, err = client_of(server.answer(body), { max_body = #body - 1 }):agents_in_queue_groups()
    assert.are.equal("too_large", err.code)
  end)

  it("does not apply to what is never held as a whole", function()
    local rows = {}
    for i = 1, 100 do
      rows[i] = row_of(tostring(i), 900)
    end
    local client = client_of(server.page { rows = rows }, { max_body = 1000, retries = 0 })
    assert.are.equal(100, #assert(client:queues():all()))
  end)
end)

-- A gigabyte of one letter behind a head, in a megabyte: a short packed text
-- whose middle, a run of one byte, is made longer.
local function bomb(head)
  local small = gzip(head .. ("a"):rep(3000000))
  local middle = math.floor(#small / 2)
  local letter = small:sub(middle, middle)
  assert(small:sub(middle - 100, middle + 100) == letter:rep(201))
  return small:sub(1, middle) .. letter:rep(1040000) .. small:sub(middle + 1)
end

describe("a bomb of a gigabyte packed into a megabyte", function()
  -- A process of its own meets it; gives the error's code and the bytes of
  -- memory that it took at its peak beyond what it had.
  local function meet(answer, call)
    local s = server.start(function(request)
      return request.path == "/warm" and server.answer "{}" or answer
    end)
    local out = helper.folder() .. "/out"
    local script = ([[
      local ccaas = require "ccaas"
      local function memory(name)
        for line in io.lines "/proc/self/status" do
          local kilobytes = line:match("^" .. name .. ":%%s+(%%d+)")
          if kilobytes then return tonumber(kilobytes) * 1024 end
        end
      end
      local client = ccaas.new { provider = "8x8", key = "key", secret = "secret", base_url = %q,
        token_url = %q, retries = 0, max_body = 32 * 1024 * 1024 }
      assert(client:request { path = "/warm" })
      local before = memory "VmRSS"
      local _, err = %s
      print(err and err.code, memory "VmHWM" - before)
    ]]):format(s.url, s.url .. "/token", call)
    assert(helper.run("(" .. helper.command(script) .. "; echo over) >" .. out .. " 2>&1 &") == 0)
    s:serve(function() return helper.read(out):find("over\n$") end)
    local code, bytes = helper.read(out):match("^(%S+)%s+(%S+)\nover\n$")
    assert.is_truthy(code, helper.read(out))
    return code, tonumber(bytes)
  end

  it("is too_large for max_body, in bounded memory", function()
    local code, bytes = meet(coded(bomb "", "gzip"), 'client:request { path = "/x" }')
    assert.are.equal("too_large", code)
    assert.is_true(bytes < 150e6, bytes)
  end)

  it("is too_large for max_record, in bounded memory", function()
    local code, bytes = meet(coded(bomb '[{"id":"', "gzip", one_page), "client:queues():next()")
    assert.are.equal("too_large", code)
    assert.is_true(bytes < 150e6, bytes)
  end)

  it("is not kept if it is an error's body", function()
    local answer = server.answer(bomb "", { status = 400, headers = { ["Content-Encoding"] = "gzip" } })
    local code, bytes = meet(answer, 'client:request { path = "/x" }')
    assert.are.equal("bad_request", code)
    assert.is_true(bytes < 150e6, bytes)
  end)

  it("is not a token", function()
    local s = server.start(nil, function() return coded(bomb '{"access_token":"', "gzip") end)
    local _, err = ccaas.new(s:options { retries = 0 }):queue("1")
    assert.are.equal("protocol", err.code)
  end)
end)
