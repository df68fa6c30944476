-- The sandbox's pure files: wire, json, http, metrics.

local cjson = require "cjson"
local http = require "ccaas.sandbox.http"
local json = require "ccaas.sandbox.json"
local metrics = require "ccaas.sandbox.metrics"
local wire = require "ccaas.sandbox.wire"

describe("wire", function()
  local function there_and_back(value)
    return wire.unpack(wire.pack(value))
  end

  it("keeps values of every kind", function()
    for _, value in ipairs { true, false, 0, -7, 1719570000000, 0.1, 1e300,
      math.huge, "", "a\0;:{}\r\n\255" } do
      assert.equal(value, there_and_back(value))
    end
    assert.is_nil(there_and_back(nil))
    local value = { 1, "two", { three = { false } }, [-1] = {}, [0.5] = "x" }
    assert.same(value, there_and_back(value))
  end)

  it("keeps integers and fractions apart", function()
    if math.type then
      assert.equal("integer", math.type(there_and_back(3)))
      assert.equal("float", math.type(there_and_back(3.0)))
    end
  end)

  it("takes large tables", function()
    local value = {}
    for i = 1, 100000 do
      value[i] = { id = i, name = "n" .. i }
    end
    local back = there_and_back(value)
    assert.equal(100000, #back)
    assert.same({ id = 99999, name = "n99999" }, back[99999])
  end)

  it("refuses what cannot be passed", function()
    assert.has_error(function()
      wire.pack { print }
    end, "cannot pass a function to the sandbox")
    assert.is_false(pcall(wire.pack, 0 / 0))
    assert.is_false(pcall(wire.pack, -math.huge))
  end)
end)

describe("json", function()
  it("writes strings that a parser reads back", function()
    for _, text in ipairs { "", 'a"b\\c/d', "\0\1\31\127\n\r\t", "é€😀\u{10FFFF}",
      "\u{7FF}\u{800}\u{FFFF}" } do
      assert.equal(text, cjson.decode("[" .. json.quote(text) .. "]")[1])
      local ascii = json.quote_ascii(text)
      assert.is_nil(ascii:find("[\128-\255]"))
      assert.equal(text, cjson.decode("[" .. ascii .. "]")[1])
    end
  end)

  it("escapes beyond the basic plane by surrogate pairs", function()
    assert.equal('"\\uD83D\\uDE00"', json.quote_ascii("😀"))
    assert.equal('"\\u00e9\\/"', json.quote_ascii("é/"))
  end)
end)

describe("http", function()
  it("reads a request's head", function()
    local request = http.parse("GET /a%2Fb//c?x=1&x=2&y HTTP/1.1\r\n"
      .. "A: 1\r\nB:  two \r\na: 3\r\n\r\n", "")
    assert.equal("/a/b//c", request.path)
    assert.equal("/a%2Fb//c", request.raw_path)
    assert.same({ "a/b", "", "c" }, request.segments)
    assert.same({ x = { "1", "2" }, y = "" }, request.query)
    assert.same({ a = "1, 3", b = "two" }, request.headers)
    assert.is_true(request.keep)
  end)

  it("knows when a connection is to be kept", function()
    local function kept(version, header)
      return http.parse("GET / HTTP/" .. version .. "\r\n" .. header
        .. "\r\n\r\n", "").keep
    end
    assert.is_true(kept("1.1", "X: y"))
    assert.is_false(kept("1.1", "Connection: Close"))
    assert.is_false(kept("1.0", "X: y"))
    assert.is_true(kept("1.0", "Connection: keep-alive"))
  end)

  it("takes a target with scheme and host for what follows them", function()
    local request = http.parse("GET http://h:1/p?q=1 HTTP/1.1\r\n\r\n", "")
    assert.equal("/p", request.path)
    assert.equal("http://h:1/p?q=1", request.target)
  end)

  it("refuses what is not a request", function()
    for _, head in ipairs { "", "\r\n\r\n", "GET /\r\n\r\n",
      "get / HTTP/1.1\r\n\r\n", "GET / HTTP/2.0\r\n\r\n",
      "GET /a b HTTP/1.1\r\n\r\n" } do
      assert.is_nil(http.parse(head, ""))
    end
  end)

  it("sets headers whatever their case", function()
    local headers = { { "X-Page", "1" }, { "x-PAGE", "2" }, { "A", "b" } }
    http.set(headers, "x-page", 3)
    assert.same({ { "A", "b" }, { "x-page", "3" } }, headers)
    http.set(headers, "a", false)
    assert.same({ { "x-page", "3" } }, headers)
  end)
end)

describe("metrics", function()
  it("has as many names as are documented, each once", function()
    local counts = { queues = 101, groups = 7, agents_in_queue = 140,
      agents = 144 }
    for endpoint, count in pairs(counts) do
      local seen, names = {}, metrics[endpoint]
      assert.equal(count, #names)
      for _, name in ipairs(names) do
        assert.is_nil(seen[name])
        assert.is_truthy(name:find("^%w+%.[%w-]+"))
        seen[name] = true
      end
    end
  end)
end)
