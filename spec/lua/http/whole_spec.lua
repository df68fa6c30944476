-- Whether an answer is whole: by TLS's word, by its format, by its headers.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"

local function entries(folder)
  local _, output = helper.run("ls -A " .. helper.quote(folder))
  return output
end

-- A connection that ended without a close_notify counted as a whole body.
describe("a body over TLS that lasts until the connection ends", function()
  local folder, process, base, ogg

  local function body(name, bytes, head)
    local file = assert(io.open(folder .. "/" .. name, "wb"))
    file:write("HTTP/1.1 200 OK\r\nConnection: close\r\n" .. (head or "") .. "\r\n" .. bytes)
    file:close()
  end

  setup(function()
    folder = helper.folder()
    local status, output = helper.run(("cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
      .. " -keyout key.pem -out certificate.pem -days 2 -subj /CN=spec -addext subjectAltName=IP:127.0.0.1"
      .. " 2>&1"):format(folder))
    assert(status == 0, output)
    process = assert(io.popen("exec python3 spec/support/tls_end.py " .. folder, "w"))
    status, output = helper.run(("for i in $(seq 1000); do [ -e %s/port ] && break; sleep 0.02; done; cat %s/port")
      :format(folder, folder))
    assert(status == 0, output)
    base = "https://127.0.0.1:" .. output
    local sandbox = helper.sandbox { agents = 3 }
    local vendor = ccaas.new(sandbox:options("xima", { audio_interval = 0 }))
    local row = assert(vendor:recordings { from = "2025-06-30", to = "2026-06-30" }:next())
    ogg = assert(vendor:audio(row))
    vendor:close()
  end)

  teardown(function() process:close() end)

  local function client()
    return ccaas.new { provider = "xima", host = "spec", base_url = base, token = "T", audio_interval = 0,
      ca_file = folder .. "/certificate.pem", retries = 0 }
  end

  local function last_page(bytes)
    local at = 1
    while bytes:find("OggS", at + 1, true) do
      at = bytes:find("OggS", at + 1, true)
    end
    return at
  end

  -- Reads the body by each call that can have it: an error's code, or "whole".
  local function read(name, way, call)
    local one = client()
    local got, err = call(one, name .. "-" .. way)
    one:close()
    if err then
      assert.is_nil(got)
      return err.code, err
    end
    return "whole"
  end

  local function request(one, name) return one:request { path = "/" .. name } end
  local function head(one, name) return one:request { path = "/" .. name, method = "HEAD" } end
  local function audio(one, name) return one:audio { recordingKey = name, tenantName = "t" } end
  local function report(format, place)
    return function(one, name)
      local path = place and helper.folder()
      local got, err = one:historic_data(name, { format = format, file = path and path .. "/r" })
      if path then
        assert.equal(err and "" or "r\n", entries(path))
      end
      return got, err
    end
  end

  -- Was, since libcurl 8.14: an OpenSSL error, and error network for what its format
  -- proves whole.
  it("is the error network without a close_notify, and whole with one", function()
    body("text", "a,b\r\n1,2\r\n")
    body("nothing", "")
    body("number", "17")
    body("cut", '{"a":[1,2')
    for name, calls in pairs {
      text = { request, report("CSV"), report("CSV", true) },
      nothing = { request },
      number = { request, report("JSON"), report("JSON", true) },
      cut = { request },
    } do
      for _, call in ipairs(calls) do
        local code, err = read(name, "rude", call)
        assert.equal("network", code, name)
        assert.is_true(err.retryable)
        assert.matches("close_notify", err.message, 1, true)
        assert.equal("whole", (read(name, "clean", call)))
      end
    end
  end)

  it("is complete if its format proves its end", function()
    body("json", '{"a":[1,2]}\n')
    body("list", '[{"recordingKey":"1"}]')
    body("ogg", ogg)
    body("half", ogg:sub(1, last_page(ogg) - 1))
    for _, call in ipairs { request, report("JSON"), report("JSON", true) } do
      assert.equal("whole", (read("json", "rude", call)))
    end
    assert.equal("whole", (read("ogg", "rude", audio)))
    assert.equal("network", (read("half", "rude", audio)))
    assert.equal("whole", (read("half", "clean", audio)))
  end)

  it("does not apply to an answer with a length, chunks, or no body", function()
    body("long", "a,b\r\n1,2\r\n", "Content-Length: 10\r\n")
    body("chunked", "5\r\na,b\r\n\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n")
    body("head", "")
    assert.equal("whole", (read("long", "rude", request)))
    assert.equal("whole", (read("chunked", "rude", request)))
    assert.equal("whole", (read("head", "rude", head)))
  end)
end)

-- Its first byte was looked at, no more: cut, or with a page behind it, it was
-- success.
describe("a report in JSON for a file or a sink", function()
  local function each(body, check)
    local folder = helper.folder()
    local given = {}
    local function sink(piece) given[#given + 1] = piece end
    for _, opts in ipairs { { file = folder .. "/r.json" }, { sink = sink } } do
      local client, s = server.xima(function()
        return server.answer(body, { headers = { ["Retry-After"] = 0, ["Content-Type"] = "application/json" } })
      end, { retries = 1 })
      local got, err = client:historic_data("1", opts)
      check(got, err, #s.requests)
      assert.equal(got and "r.json\n" or "", opts.file and entries(folder) or got and "r.json\n" or "")
    end
    return table.concat(given)
  end

  it("that is cut short is requested again, and is then error network", function()
    for _, body in ipairs { "{", '{"rows":[1,2,', '{"rows":[]', "[[1],[2]", '"text', " ", "tru" } do
      each(body, function(got, err, requests)
        assert.is_nil(got)
        assert.equal("network", err.code, body)
        assert.equal(2, requests)
      end)
    end
  end)

  it("that is not JSON is the error protocol, with the byte", function()
    for body, at in pairs {
      ["{}<html>Sign in</html>"] = 2, ["{} {}"] = 3, ['{"a":01}'] = 6, ['{"a":"\255"}'] = 6, ["[1,]"] = 3,
      ['["\\ud800"]'] = 8, ["<!DOCTYPE html><html></html>"] = 0, ["\239\187\191{}"] = 0,
    } do
      local given = each(body, function(got, err, requests)
        assert.is_nil(got)
        assert.equal("protocol", err.code, tostring(err))
        assert.matches("^malformed JSON at byte " .. at .. " of the answer", err.message)
        assert.equal(1, requests)
      end)
      assert.equal("", given)
    end
  end)

  it("is given byte for byte if it is valid", function()
    for _, body in ipairs { "{}", ' \r\n[1,{"a":[null,"\\u00e9é"]}]\n ', "17", '"x"', "false" } do
      assert.equal(body, each(body, function(got, err)
        assert.is_nil(err)
        assert.equal(#body, got.bytes)
      end))
    end
  end)
end)

describe("an answer without a body instead of JSON", function()
  local pages = { ["X-Total-Pages"] = 1, ["X-Total-Elements"] = 3, ["Retry-After"] = 0 }

  local function calls_of(status)
    local s = server.start(function() return server.answer("", { status = status, headers = pages }) end)
    local client = ccaas.new(s:options { retries = 1 })
    return s, {
      function() return client:queues():next() end,
      function() return client:queue "1" end,
      function() return client:agents_in_queue_groups() end,
    }
  end

  -- It was told as "the answer was cut short".
  it("with a status that has no body is error protocol at once", function()
    for _, status in ipairs { 204, 205 } do
      local s, calls = calls_of(status)
      for i, call in ipairs(calls) do
        local got, err = call()
        assert.is_nil(got)
        assert.equal("protocol", err.code)
        assert.equal(status, err.status)
        assert.matches(status .. ", which has no content", err.message, 1, true)
        assert.equal(i, #s.requests)
      end
    end
  end)

  it("with a status that allows one is called empty", function()
    local _, calls = calls_of(200)
    for _, call in ipairs(calls) do
      local got, err = call()
      assert.is_nil(got)
      assert.equal("network", err.code)
      assert.matches("the answer is empty", err.message, 1, true)
    end
  end)
end)

describe("headers without end", function()
  local function meet(send)
    local client, s = server.xima(function(_, _, conn) send(conn) end, { deadline = 60 })
    local got, err = client:request { path = "/x" }
    assert.is_nil(got)
    assert.equal("too_large", err.code, tostring(err))
    assert.is_false(err.retryable)
    assert.equal(1, #s.requests)
  end

  local function repeated(conn, line)
    local many = line:rep(math.ceil(64000 / #line))
    while conn:send(many) and conn:hold(nil, 0) do end
  end

  -- They were the errors memory and network, and trailers had no limit at all.
  it("are too_large, be they one line, many lines, trailers or answers", function()
    local ok, chunked = "HTTP/1.1 200 OK\r\n", "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n"
    meet(function(conn) conn:send(ok .. "X: " .. ("x"):rep(120000) .. "\r\n\r\n") end)
    meet(function(conn) conn:send(ok) repeated(conn, "X: " .. ("y"):rep(40) .. "\r\n") end)
    meet(function(conn) conn:send(ok) repeated(conn, "X: " .. ("y"):rep(50000) .. "\r\n") end)
    meet(function(conn) conn:send(ok .. "X: y\r\n") repeated(conn, " " .. ("more of it"):rep(9) .. "\r\n") end)
    meet(function(conn) repeated(conn, "HTTP/1.1 100 Continue\r\nX: " .. ("y"):rep(200) .. "\r\n\r\n") end)
    meet(function(conn) conn:send(ok .. chunked) repeated(conn, "X-Trailer: " .. ("y"):rep(40) .. "\r\n") end)
    meet(function(conn) conn:send(ok .. chunked .. "X: " .. ("x"):rep(120000) .. "\r\n\r\n") end)
  end)

  it("end at 256 KiB, and below that they are read", function()
    local client = server.xima(function()
      return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" .. ("X: " .. ("y"):rep(50000) .. "\r\n"):rep(5) .. "\r\nok"
    end)
    assert.equal("ok", assert(client:request { path = "/x" }).body)
  end)
end)

-- An answer whose connection ended within its headers was taken for a whole
-- one with status 0, and was not asked for again.
describe("an answer that ends within its headers", function()
  for _, bytes in ipairs { "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Le",
    "HTTP/1.1 200 OK\r\nX-Page: 0\r\n" } do
    it(("after %d bytes is asked for again"):format(#bytes), function()
      local s
      s = server.start(function(_, conn)
        if #s.requests == 1 then
          conn:send(bytes)
          return conn:close()
        end
        return server.page { rows = { server.row "1" } }
      end)
      assert.are.equal(1, #assert(ccaas.new(s:options()):queues():all()))
      assert.are.equal(2, #s.requests)
    end)
  end
end)
