-- client:request: what it sends, and what it gives.
local ccaas = require "ccaas"
local cjson = require "cjson"
local server = require "spec.support.server"

local function client_of(answer)
  local s = server.start(function() return answer end)
  return ccaas.new(s:options { retries = 0 })
end

describe("client:request", function()
  local function echo(options)
    local s = server.start(function(request)
      return server.answer(request.body, { headers = { ["X-Echo"] = request.method } })
    end)
    return ccaas.new(s:options(options)), s
  end

  for _, method in ipairs { "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" } do
    it("sends " .. method .. " with and without a body", function()
      local client, s = echo()
      local answer = assert(client:request { method = method, path = "/a/b", body = "some bytes" })
      assert.are.equal(200, answer.status)
      assert.are.equal("some bytes", answer.body)
      assert.are.equal(method, answer.headers["x-echo"])
      answer = assert(client:request { method = method:lower(), path = "/a/b" })
      assert.are.equal("", answer.body)
      assert.are.equal(method .. " /a/b HTTP/1.1", s.requests[2].line)
    end)
  end

  it("is a GET by default", function()
    local client, s = echo()
    assert(client:request { path = "/" })
    assert.are.equal("GET / HTTP/1.1", s.requests[1].line)
  end)

  it("asks by HEAD and gives the headers", function()
    local client = client_of("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: \"x\"\r\n\r\n")
    local answer = assert(client:request { method = "HEAD", path = "/x" })
    assert.are.equal("", answer.body)
    assert.are.equal("1000", answer.headers["content-length"])
    assert.are.equal('"x"', answer.headers.etag)
  end)

  it("says how long the body is when a POST has none", function()
    local client, s = echo()
    assert(client:request { method = "POST", path = "/x" })
    assert.are.equal("0", s.requests[1].headers["content-length"])
  end)

  it("sends a query given as a table or as a string", function()
    local client, s = echo()
    assert(client:request { path = "/x", query = { b = "2 & 3", a = 1, list = { "x", "y/z" }, flag = true } })
    assert.are.equal("/x?a=1&b=2%20%26%203&flag=true&list=x&list=y%2Fz", s.requests[1].target)
    assert(client:request { path = "/x", query = "a=1&b=%20&c=d e" })
    assert.are.equal("/x?a=1&b=%20&c=d%20e", s.requests[2].target)
    assert(client:request { path = "/x", query = {} })
    assert.are.equal("/x", s.requests[3].target)
  end)

  it("encodes what a path cannot have, and keeps what is encoded", function()
    local client, s = echo()
    assert(client:request { path = "/a b/%2F/ü" })
    assert.are.equal("/a%20b/%2F/%C3%BC", s.requests[1].target)
  end)

  it("sends headers, its own and the caller's", function()
    local client, s = echo { tenant = "acme", user_agent = "spec/1" }
    assert(client:request { path = "/x", headers = { ["X-More"] = "yes", Accept = "text/csv", ["X-N"] = 7 } })
    local headers = s.requests[1].headers
    assert.are.equal("yes", headers["x-more"])
    assert.are.equal("7", headers["x-n"])
    assert.are.equal("text/csv", headers.accept)
    assert.are.equal("acme", headers["x-tenant-info"])
    assert.are.equal("spec/1", headers["user-agent"])
    assert.are.equal("Bearer T0KEN", headers.authorization)
    assert(client:request { path = "/x", tenant = "other" })
    assert.are.equal("other", s.requests[2].headers["x-tenant-info"])
    assert.are.equal("application/json", s.requests[2].headers.accept)
  end)

  it("sends a table as JSON", function()
    local client, s = echo()
    local answer = assert(client:request { method = "POST", path = "/x", body = { name = "ü", list = { 1, 2, 3 } } })
    assert.are.same({ name = "ü", list = { 1, 2, 3 } }, cjson.decode(answer.body))
    assert.are.equal("application/json", s.requests[1].headers["content-type"])
  end)

  it("sends bytes unchanged, without a content type", function()
    local bytes = {}
    for i = 0, 255 do
      bytes[#bytes + 1] = string.char(i)
    end
    bytes = table.concat(bytes):rep(300)
    local client, s = echo()
    assert.are.equal(bytes, assert(client:request { method = "PUT", path = "/x", body = bytes }).body)
    assert.is_nil(s.requests[1].headers["content-type"])
    assert(client:request { method = "PUT", path = "/x", body = "a,b", headers = { ["Content-Type"] = "text/csv" } })
    assert.are.equal("text/csv", s.requests[2].headers["content-type"])
  end)

  it("sends a body of no bytes as one", function()
    local client, s = echo()
    assert(client:request { method = "POST", path = "/x", body = "" })
    assert.are.equal("0", s.requests[1].headers["content-length"])
  end)

  it("gives any 2xx with its status, and headers by names in lower case", function()
    for _, status in ipairs { 200, 201, 202, 206, 299 } do
      local client = client_of("HTTP/1.1 " .. status .. " Fine\r\nX-UPPER: Value\r\nX-Twice: a\r\nx-twice: b\r\n"
        .. "Content-Length: 2\r\n\r\nok")
      local answer = assert(client:request { path = "/x" })
      assert.are.equal(status, answer.status)
      assert.are.equal("ok", answer.body)
      assert.are.equal("Value", answer.headers["x-upper"])
      assert.are.equal("a, b", answer.headers["x-twice"])
    end
  end)

  it("gives a 204 with an empty body", function()
    local answer = assert(client_of("HTTP/1.1 204 No Content\r\n\r\n"):request { method = "DELETE", path = "/x" })
    assert.are.equal(204, answer.status)
    assert.are.equal("", answer.body)
  end)

  it("gives HTML unchanged: it did not ask for JSON only", function()
    local answer = assert(client_of(server.answer "<html></html>"):request { path = "/x" })
    assert.are.equal("<html></html>", answer.body)
  end)

  it("passes over 1xx answers", function()
    local client = client_of("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" .. server.answer "late")
    local answer = assert(client:request { path = "/x" })
    assert.are.equal("late", answer.body)
    assert.is_nil(answer.headers.link)
  end)

  it("gives nil and the error for anything else", function()
    local answer, err = client_of(server.answer('{"message":"no"}', { status = 404 })):request { path = "/x" }
    assert.is_nil(answer)
    assert.are.equal("not_found", err.code)
    assert.are.equal("no", err.message)
  end)

  it("raises for what cannot be sent", function()
    local client, s = echo()
    for _, request in ipairs {
      {}, { path = "x" }, { path = "/../x" }, { path = "/a/./b" }, { path = "/x?a=b" }, { path = "/x#y" },
      { path = "/x", method = "GET /" }, { path = "/x", method = "" }, { path = "/x", body = 7 },
      { path = "/x", body = { print } }, { path = "/x", body = { "\255" } },
      { path = "/x", headers = { Authorization = "Basic x" } }, { path = "/x", headers = { ["X Y"] = "z" } },
      { path = "/x", headers = { X = "a\r\nY: b" } }, { path = "/x", headers = { ["Content-Length"] = "3" } },
      { path = "/x", headers = "X: y" }, { path = "/x", query = 7 }, { path = "/x", querry = {} },
    } do
      assert.is_false((pcall(client.request, client, request)), request.path)
    end
    assert.are.equal(0, #s.requests)
  end)
end)

-- Numbers of more than 14 digits were sent, and noted by the archive, with their
-- last digits gone: lua-cjson's older versions write no more.
describe("a number in a request's body", function()
  local client

  setup(function()
    local s = server.start(function(request) return server.answer(request.body) end)
    client = ccaas.new(s:options())
  end)

  -- The text of a body as the server gets it.
  local function sent(body)
    return assert(client:request { method = "POST", path = "/", body = body, idempotent = true }).body
  end

  for text, value in pairs {
    ["123456789012345"] = 123456789012345, ["-123456789012345"] = -123456789012345,
    ["4100000000123456"] = 4100000000123456, ["9007199254740991"] = 9007199254740991,
    ["99999999999999"] = 99999999999999, ["100000000000000"] = 1e14, ["0"] = 0, ["0.5"] = 0.5, ["-3"] = -3,
  } do
    it(text .. " keeps its digits", function()
      assert.equal('{"n":' .. text .. "}", sent { n = value })
    end)
  end

  for _, value in ipairs { 0.1, 1 / 3, 1780358400.123456, 1e300, -2.5e-300, 2 ^ 63, 123456789.123456789 } do
    it(("%.17g stays what it is"):format(value), function()
      assert.equal(value, tonumber(sent({ n = value }):match ":(.*)}"))
    end)
  end

  it("that JSON does not have is refused", function()
    for _, value in ipairs { 1 / 0, -1 / 0, 0 / 0 } do
      assert.error_matches(function() sent { n = value } end, "body.*JSON")
    end
  end)
end)
