-- Compressed answers: a body is whole, or it is an error.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local mime = require "mime"
local server = require "spec.support.server"
local socket = require "socket"

-- Makes bytes by Python, in one process for all: an expression for each name, in
-- which `text` is CSV.
local PYTHON = [[
import base64, gzip, sys, zlib
text = open(sys.argv[1], 'rb').read()
def raw(bytes):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(bytes) + packer.flush()
def blanks(count):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = packer.compress(b'[') + packer.flush(zlib.Z_FULL_FLUSH)
    return head + b'HERE' + packer.compress(b' ' * count) + packer.flush(zlib.Z_FULL_FLUSH)
for name, expression in (line.rstrip('\n').split('\t') for line in sys.stdin):
    print(name + '\t' + base64.b64encode(eval(expression)).decode())
]]

local function packed(text, expressions)
  local folder = helper.folder()
  local function write(name, bytes)
    local file = assert(io.open(folder .. name, "wb"))
    file:write(bytes)
    file:close()
  end
  local list = {}
  for name, expression in pairs(expressions) do
    list[#list + 1] = name .. "\t" .. expression .. "\n"
  end
  write("/text", text)
  write("/list", table.concat(list))
  local status, output = helper.run(("python3 -c %s %s/text <%s/list"):format(helper.quote(PYTHON), folder, folder))
  assert(status == 0, output)
  local made = {}
  for name, bytes in output:gmatch("([^\t\n]+)\t([^\n]*)\n") do
    made[name] = mime.unb64(bytes)
  end
  return made
end

-- Several kinds of lines, so that half of it compressed is about half of it.
local lines = {}
for i = 1, 3000 do
  lines[i] = ("%d,Agent %d,%d"):format(i, i * 7919 % 1000, i * 104729 % 99991)
end
local CSV = table.concat(lines, "\r\n")

local FORMS = {
  ["gzip"] = { "gzip", "gzip.compress(text)" },
  ["x-gzip"] = { "X-GZip", "gzip.compress(text)" },
  ["several members"] = { "gzip", "b''.join(gzip.compress(text[i:i + 9999]) for i in range(0, len(text), 9999))" },
  ["members that are empty"] = { "gzip", "gzip.compress(b'') + gzip.compress(text) + gzip.compress(b'')" },
  ["deflate with zlib's header"] = { "deflate", "zlib.compress(text)" },
  ["deflate without it"] = { "deflate", "raw(text)" },
}

local bytes_of
setup(function()
  local expressions = {
    twice = "gzip.compress(gzip.compress(text))",
    refusal = [[gzip.compress(b'{"message":"no such thing"}')]],
    token = [[gzip.compress(b'{"access_token":"T0KEN","expires_in":"1799"}')]],
    blanks = "blanks(16000000)",
  }
  for name, form in pairs(FORMS) do
    expressions[name] = form[2]
    expressions["short " .. name] = form[2]:gsub("text", "text[:20]")
  end
  bytes_of = packed(CSV, expressions)
end)

local function answer(body, coding, given)
  given = given or {}
  given["Content-Encoding"], given["Content-Type"] = coding, given["Content-Type"] or "text/csv"
  given["Retry-After"] = 0
  return server.answer(body, { headers = given, status = given.status })
end

-- What each way to read a body makes of the answers: bytes, or nil and an error.
local readers = {
  ["client:request"] = function(client)
    local got, err = client:request { path = "/x" }
    return got and got.body, err
  end,
  ["a report in memory"] = function(client) return client:historic_data("1", { format = "CSV" }) end,
  ["a report's file"] = function(client)
    local folder = helper.folder()
    local got, err = client:historic_data("1", { format = "CSV", file = folder .. "/r.csv" })
    local _, names = helper.run("ls -A " .. helper.quote(folder))
    assert.equal(got and "r.csv\n" or "", names)
    return got and helper.read(folder .. "/r.csv"), err
  end,
}

describe("a compressed answer", function()
  for name, form in pairs(FORMS) do
    it("(" .. name .. ") is read whole, at once and byte by byte", function()
      for _, read in pairs(readers) do
        local client = server.xima(function() return answer(bytes_of[name], form[1]) end)
        assert.equal(CSV, (assert(read(client))))
      end
      local client = server.xima(function(_, _, conn) conn:drip(answer(bytes_of["short " .. name], form[1]), 1) end)
      assert.equal(CSV:sub(1, 20), assert(client:request { path = "/x" }).body)
    end)

    -- Half of a compressed body with whole framing was given as success, and
    -- renamed into place.
    it("(" .. name .. ") that is cut is asked for again, and else the error network", function()
      local whole = bytes_of[name]
      for what, read in pairs(readers) do
        local client, s = server.xima(function(_, n)
          return answer(n == 1 and whole:sub(1, math.floor(#whole / 2)) or whole, form[1])
        end)
        assert.equal(CSV, (assert(read(client))), what)
        assert.equal(2, #s.requests)
      end
      for _, less in ipairs { 1, 2, #whole - 1 } do
        local client = server.xima(function() return answer(whole:sub(1, -1 - less), form[1]) end, { retries = 0 })
        for what, read in pairs(readers) do
          local got, err = read(client)
          assert.is_nil(got, what)
          assert.equal("network", err.code)
          assert.is_true(err.retryable)
        end
      end
    end)
  end

  it("that is cut ends a call with a sink by the error", function()
    local whole = bytes_of.gzip
    local client = server.xima(function() return answer(whole:sub(1, -9), "gzip") end, { retries = 0 })
    local size = 0
    local got, err = client:historic_data("1", { format = "CSV", sink = function(piece) size = size + #piece end })
    assert.is_nil(got)
    assert.equal("network", err.code)
    assert.is_true(size > 0)
  end)

  -- They were the retryable error network, "failed writing to disk".
  it("that is not valid is error protocol at once", function()
    local whole = bytes_of.gzip
    local middle = math.floor(#whole / 2)
    local cases = {
      ["with a wrong checksum"] = { whole:sub(1, -9) .. "\1\2\3\4" .. whole:sub(-4), "gzip" },
      ["with a wrong length"] = { whole:sub(1, -5) .. "\1\2\3\4", "gzip" },
      ["with a wrong checksum of zlib's"] = { bytes_of["deflate with zlib's header"]:sub(1, -5) .. "\1\2\3\4",
        "deflate" },
      ["damaged"] = { whole:sub(1, middle) .. ("\255"):rep(40) .. whole:sub(middle + 41), "gzip" },
      ["with bytes behind it"] = { whole .. "x", "gzip" },
      ["with zeros behind it"] = { whole .. ("\0"):rep(512), "gzip" },
      ["with bytes behind zlib's"] = { bytes_of["deflate with zlib's header"] .. "\0", "deflate" },
      ["with bytes behind a bare stream"] = { bytes_of["deflate without it"] .. "\0", "deflate" },
      ["twice compressed"] = { bytes_of.twice, "gzip, gzip" },
      ["by a coding not asked for"] = { whole, "br" },
      ["by a coding that is none"] = { whole, "no-such" },
      ["that is not compressed"] = { CSV, "gzip" },
      ["that is not compressed, either"] = { "", "deflate", CSV },
    }
    for name, case in pairs(cases) do
      local client, s = server.xima(function() return answer(case[3] or case[1], case[2]) end)
      for _, read in pairs(readers) do
        local got, err = read(client)
        assert.is_nil(got, name)
        assert.equal("protocol", err.code, name .. ": " .. tostring(err))
        assert.is_false(err.retryable)
        assert.is_nil(err.message:find("disk", 1, true), err.message)
      end
      assert.equal(3, #s.requests)
    end
  end)

  it("twice, in two headers, or in a header of two lines, is protocol as well", function()
    local head = "HTTP/1.1 200 OK\r\nContent-Length: " .. #bytes_of.gzip .. "\r\n"
    for lines_of, code in pairs {
      ["Content-Encoding: gzip\r\nContent-Encoding: deflate\r\n"] = "protocol",
      ["Content-Encoding:\r\n br\r\n"] = "protocol",
      ["Transfer-Encoding: gzip\r\n"] = "protocol",
      ["Content-Encoding:\r\n\tgzip\r\n"] = false,
      ["Content-Encoding: identity,, GZIP ,\r\n"] = false,
    } do
      local client = server.xima(function(_, _, conn)
        conn:send(head .. lines_of .. "\r\n" .. bytes_of.gzip)
        conn:close()
      end, { retries = 0 })
      local got, err = client:request { path = "/x" }
      assert.equal(code, err and err.code or false, lines_of .. tostring(err))
      assert.equal(not code and CSV or nil, got and got.body)
    end
  end)

  -- A part of a file is of the bytes as they are sent.
  it("is not requested, and not accepted, if a part of a body is requested", function()
    local client, s = server.xima(function() return answer(bytes_of.gzip, "gzip") end)
    local got, err = client:audio({ recordingKey = "k", tenantName = "t" })
    assert.is_nil(got)
    assert.equal("protocol", err.code)
    assert.matches("not requested", err.message, 1, true)
    assert.equal("identity", s.requests[1].headers["accept-encoding"])
    assert(server.xima(function() return answer(CSV, "identity") end):request { path = "/x" })
    client:request { path = "/x" }
    assert.equal("gzip, deflate", s.requests[#s.requests].headers["accept-encoding"])
  end)

  it("without a byte is empty, whatever its coding", function()
    for _, coding in ipairs { "gzip", "deflate", "br", "gzip, br" } do
      local client = server.xima(function(request)
        if request.method == "HEAD" then
          return "HTTP/1.1 200 OK\r\nContent-Encoding: " .. coding .. "\r\nContent-Length: 99\r\n\r\n"
        elseif request.path == "/moved" then
          return answer("gone there", coding, { status = 302, Location = "/204" })
        end
        local status = tonumber(request.path:match("%d+"))
        return answer("", coding, { status = status, ["Content-Length"] = status == 200 and 0 or false })
      end, { retries = 0 })
      assert.equal("", assert(client:request { path = "/200" }).body)
      assert.equal("", assert(client:request { path = "/204" }).body)
      assert.equal(204, assert(client:request { path = "/moved" }).status)
      assert.equal("", assert(client:request { path = "/x", method = "HEAD" }).body)
      assert.equal(304, select(2, client:request { path = "/304" }).status)
    end
  end)

  it("that is bad does not hide the status of a refusal", function()
    local whole = bytes_of.refusal
    local bad = { whole:sub(1, -5), whole:sub(1, 12), whole .. "x", "not compressed", whole }
    for status, code in pairs { [403] = "forbidden", [404] = "not_found", [400] = "bad_request", [429] = "rate_limited",
      [501] = "server" } do
      for i, body in ipairs(bad) do
        for _, coding in ipairs { "gzip", "br" } do
          local client, s = server.xima(function() return answer(body, coding, { status = status }) end,
            { retries = 0 })
          local _, err = client:request { path = "/x" }
          assert.equal(code, err.code, tostring(err))
          assert.equal(status, err.status)
          assert.equal(1, #s.requests)
          if i == #bad and coding == "gzip" then
            assert.equal("no such thing", err.message)
          end
        end
      end
    end
  end)

  it("that breaks off does not hide it, either", function()
    local client, s = server.xima(function(_, _, conn)
      conn:send("HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n{\"mess")
      conn:close()
    end)
    local _, err = client:request { path = "/x" }
    assert.equal("not_found", err.code)
    assert.equal(1, #s.requests)
  end)

  it("of a token request that is cut short is requested again", function()
    local whole = bytes_of.token
    local s
    s = server.start(function() return server.page { rows = { server.row "1" } } end, function()
      return answer(s.tokens == 1 and whole:sub(1, -9) or whole, "gzip")
    end)
    assert(ccaas.new(s:options()):queue "1")
    assert.equal(2, s.tokens)
  end)
end)

-- A gzip stream of a head and then white space without end: `next` gave up, and
-- nobody else of the engine got anything until the last byte was unpacked.
-- Of two lengths libcurl takes one, of "3, 9" the first, and of one that no number
-- holds none: half a body was given as the whole.
describe("an answer whose length", function()
  local function lengths(head, body)
    local s = server.start(function(request, conn)
      conn:send("HTTP/1.1 " .. head .. "\r\n\r\n" .. (request.method == "HEAD" and "" or body))
      conn:close()
    end)
    return ccaas.new(s:options { retries = 0 }), s
  end

  for _, head in ipairs {
    "Content-Length: 99999999999999999999999",
    "Content-Length: 3, 9",
    "Content-Length: 9\r\nContent-Length: 3",
    "Content-Length: 3x",
  } do
    it(("is %q is the error protocol"):format(head:gsub("\r\n", ", ")), function()
      local client, s = lengths("200 OK\r\n" .. head, "one")
      assert.equal("protocol", select(2, client:request { path = "/x" }).code)
      assert.equal(1, #s.requests)
      assert.equal(404, select(2, lengths("404 No\r\n" .. head, "one"):request { path = "/x" }).status)
    end)
  end

  it("is too large for a number is no empty answer, either", function()
    local client = lengths("200 OK\r\nContent-Length: 99999999999999999999999", "")
    assert.equal("protocol", select(2, client:request { path = "/x" }).code)
    assert.equal(200, assert(client:request { method = "HEAD", path = "/x" }).status)
  end)

  it("is told twice is whole", function()
    for _, head in ipairs { "3, 3", "3\r\nContent-Length: 03", "3\t" } do
      local client = lengths("200 OK\r\nContent-Length: " .. head, "one")
      assert.equal("one", assert(client:request { path = "/x" }).body)
    end
  end)
end)

describe("white space without end in a few bytes", function()
  local start, round

  setup(function()
    start, round = bytes_of.blanks:match("^(.-)HERE(.*)$")
  end)

  local function endless(conn)
    conn:send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nX-Total-Pages: 1\r\nX-Total-Elements: 1\r\n"
      .. "Content-Type: text/html\r\n\r\n" .. start)
    while conn:send(round) and conn:hold(nil, 0) do end
  end

  local function server_of()
    return server.start(function(request, conn)
      if request.path == "/queues" or request.path:find("historic", 1, true) then
        return endless(conn)
      end
      return server.answer("{}")
    end)
  end

  it("between records is too_large, as much as in one", function()
    local s = server_of()
    local client = ccaas.new(s:options { retries = 0, max_record = 20 * 1024 * 1024 })
    local row, err = client:queues():next()
    assert.is_nil(row)
    assert.equal("too_large", err.code, tostring(err))
    assert.matches("between", err.message, 1, true)
  end)

  it("lets other transfers run, and a deadline and a close take effect", function()
    local s = server_of()
    local options = { retries = 0, max_record = 2 ^ 52, deadline = 1.5 }
    local client, other = ccaas.new(s:options(options)), ccaas.new(s:options { retries = 0 })
    local over, longest, answers = false, 0, 0
    s:run(function()
      local from = socket.gettime()
      local _, err = client:queues():next()
      assert.equal("timeout", err.code)
      assert.is_true(socket.gettime() - from < 5)
      over = true
    end, function()
      while not over do
        local from = socket.gettime()
        assert(other:request { path = "/x" })
        answers, longest = answers + 1, math.max(longest, socket.gettime() - from)
      end
    end)
    assert.is_true(answers > 10, answers)
    assert.is_true(longest < 1, longest)
  end)

  it("holds up no exit of a process", function()
    local s = server_of()
    local out = helper.folder() .. "/out"
    local script = ([[
      local ccaas = require "ccaas"
      local client = ccaas.new { provider = "8x8", key = "key", secret = "secret", base_url = %q,
        token_url = %q, retries = 0, max_record = 2 ^ 52 }
      local _, err = client:queues():next(0.5)
      print(err.code)
    ]]):format(s.url, s.url .. "/token")
    local from = socket.gettime()
    assert(helper.run("(" .. helper.command(script) .. "; echo over) >" .. out .. " 2>&1 &") == 0)
    s:serve(function() return helper.read(out):find("over\n$") end)
    assert.equal("timeout\nover\n", helper.read(out))
    assert.is_true(socket.gettime() - from < 8)
  end)
end)
