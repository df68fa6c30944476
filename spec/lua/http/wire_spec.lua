-- What is on the wire: every byte of the requests, as a plain listening socket
-- gets them.
local ccaas = require "ccaas"
local server = require "spec.support.server"

-- Ids with what has a meaning of its own in requests, and how they must go.
local odd = {
  { "a b", "a%20b" },
  { "a/b", "a%2Fb" },
  { "a&b=c", "a%26b%3Dc" },
  { "a?b", "a%3Fb" },
  { "a#b", "a%23b" },
  { "a%b", "a%25b" },
  { "a%2fb", "a%252fb" },
  { "a\r\nX-Evil: 1\r\n\r\nGET /evil HTTP/1.1", "a%0D%0AX-Evil%3A%201%0D%0A%0D%0AGET%20%2Fevil%20HTTP%2F1.1" },
  { "a\nb", "a%0Ab" },
  { "a\0b", "a%00b" },
  { "a;b", "a%3Bb" },
  { "../a", "..%2Fa" },
  { "...", "..." },
  { "..;", "..%3B" },
  { "a\\b", "a%5Cb" },
  { "a+b", "a%2Bb" },
  { "a\"b'c", "a%22b%27c" },
  { "<a>", "%3Ca%3E" },
  { "{a}", "%7Ba%7D" },
  { "a:b@c", "a%3Ab%40c" },
  { "Zoë", "Zo%C3%AB" },
  { "\255\254\127\1", "%FF%FE%7F%01" },
  { "%s%d%%", "%25s%25d%25%25" },
  { "-._~", "-._~" },
}

-- A server that answers every path with one row (or what `answer` makes), its
-- client, and the newest request.
local function start(overrides, answer)
  local s = server.start(function(request)
    return answer and answer(request) or server.page { rows = { server.row("1") } }
  end)
  s.url = s.url .. "/analytics/cc/v5/realtime-metrics"
  local given = { retries = 0, tenant = "acme", token_url = s.url:match("^http://[^/]+") .. "/token" }
  for name, value in pairs(overrides or {}) do
    given[name] = value
  end
  local client = ccaas.new(s:options(given))
  return s, client, function()
    return s.requests[#s.requests]
  end
end

-- The lines of a request's head, the first one apart.
local function head_of(request)
  local line, rest = request.raw:match("^(.-)\r\n(.-)\r\n\r\n")
  local lines = {}
  for text in (rest .. "\r\n"):gmatch("(.-)\r\n") do
    lines[#lines + 1] = text
  end
  return line, lines
end

describe("a request line", function()
  local s, client, newest
  setup(function() s, client, newest = start() end)
  teardown(function() client:close() end)

  local BELOW = "/analytics/cc/v5/realtime-metrics"

  it("has an id of any bytes in its path, percent-encoded", function()
    for _, pair in ipairs(odd) do
      assert(client:queue(pair[1]))
      assert.equal("GET " .. BELOW .. "/queues/" .. pair[2] .. " HTTP/1.1", newest().line)
    end
  end)

  it("has each of two ids in its own place", function()
    assert(client:group_agent("a/agents/b", "c%d"))
    assert.equal("GET " .. BELOW .. "/groups/a%2Fagents%2Fb/agents/c%25d HTTP/1.1", newest().line)
    assert(client:queue_agent("{agent}", "{queue}"))
    assert.equal("GET " .. BELOW .. "/queues/%7Bagent%7D/agents/%7Bqueue%7D HTTP/1.1", newest().line)
    assert(client:queue_agent("%1", "%0"))
    assert.equal("GET " .. BELOW .. "/queues/%251/agents/%250 HTTP/1.1", newest().line)
  end)

  it("has ids of any bytes in its query, percent-encoded", function()
    for _, pair in ipairs(odd) do
      assert(client:queues({ queue_ids = { pair[1] } }):all())
      assert.equal("GET " .. BELOW .. "/queues?queue-ids=" .. pair[2] .. "&page=0&size=1000 HTTP/1.1", newest().line)
    end
  end)

  it("has a comma between ids, and none for one that has a comma itself", function()
    assert(client:queues({ queue_ids = { "1", "2" } }):all())
    assert.equal("GET " .. BELOW .. "/queues?queue-ids=1,2&page=0&size=1000 HTTP/1.1", newest().line)
    assert(client:queues({ queue_ids = "1, 2,1" }):all())
    assert.equal("GET " .. BELOW .. "/queues?queue-ids=1,2&page=0&size=1000 HTTP/1.1", newest().line)
    assert(client:queues({ queue_ids = { "1,2", "3" } }):all())
    assert.equal("GET " .. BELOW .. "/queues?queue-ids=1%2C2&queue-ids=3&page=0&size=1000 HTTP/1.1", newest().line)
  end)

  it("has metrics and a timezone of any bytes, percent-encoded", function()
    for _, pair in ipairs(odd) do
      assert(client:queues({ metrics = { "x", pair[1] }, timezone = "A&b=" .. ("+1/#"):rep(2) }):all())
      assert.equal("GET " .. BELOW .. "/queues?metrics=x," .. pair[2]
        .. "&timezone=A%26b%3D%2B1%2F%23%2B1%2F%23&page=0&size=1000 HTTP/1.1", newest().line)
    end
  end)

  it("has flags only where they are set", function()
    assert(client:queues({ summary = true, totals = false }):all())
    assert.equal("GET " .. BELOW .. "/queues?summary=true&page=0&size=1000 HTTP/1.1", newest().line)
    assert(client:queues({ size = 7, page = 0 }):all())
    assert.equal("GET " .. BELOW .. "/queues?page=0&size=7 HTTP/1.1", newest().line)
  end)

  it("never has more than 8,000 bytes, however many ids there are", function()
    local ids = {}
    for i = 1, 3000 do
      ids[i] = ("id/%d"):format(i)
    end
    local before = #s.requests
    assert(client:queues({ queue_ids = ids }):all())
    local seen = {}
    for i = before + 1, #s.requests do
      assert.is_true(#s.requests[i].line <= 8000)
      for id in s.requests[i].query["queue-ids"]:gmatch("[^,]+") do
        assert.is_nil(seen[id])
        seen[id] = true
      end
    end
    for _, id in ipairs(ids) do
      assert.is_true(seen[id])
    end
    assert.is_true(#s.requests - before <= 5)
  end)

  it("of client:request has its path, and nothing raw that could end it", function()
    for path, sent in pairs {
      ["/a b"] = "/a%20b", ["/é"] = "/%C3%A9", ["/a;b"] = "/a;b", ["/"] = "/",
      ["/a%20b"] = "/a%20b", ["/a%0d%0ab"] = "/a%0d%0ab", ["/100%"] = "/100%25", ["/%zz"] = "/%25zz",
      ["//evil.com/x"] = "//evil.com/x", ["/\"<>\\^`{|}"] = "/%22%3C%3E%5C%5E%60%7B%7C%7D",
    } do
      assert(client:request { path = path })
      assert.equal("GET " .. BELOW .. sent .. " HTTP/1.1", newest().line)
    end
    local before = #s.requests
    for _, path in ipairs { "/a\r\nX-Evil: 1", "/a\n", "/a\0", "/a\127" } do
      assert.has_error(function() client:request { path = path } end)
    end
    assert.equal(before, #s.requests)
  end)

  it("of client:request has its query, names and values encoded", function()
    for _, pair in ipairs(odd) do
      assert(client:request { path = "/x", query = { [pair[1]] = pair[1] } })
      assert.equal("GET " .. BELOW .. "/x?" .. pair[2] .. "=" .. pair[2] .. " HTTP/1.1", newest().line)
    end
    assert(client:request { path = "/x", query = { b = { 1, "2" }, a = true } })
    assert.equal("GET " .. BELOW .. "/x?a=true&b=1&b=2 HTTP/1.1", newest().line)
    assert(client:request { path = "/x", query = {} })
    assert.equal("GET " .. BELOW .. "/x HTTP/1.1", newest().line)
  end)

  it("of client:request takes a query as text, and nothing raw that could end it", function()
    assert(client:request { path = "/x", query = "a=1&b=%20&c" })
    assert.equal("GET " .. BELOW .. "/x?a=1&b=%20&c HTTP/1.1", newest().line)
    assert(client:request { path = "/x", query = "a= \r\nX-Evil: 1\0#\"é%" })
    assert.equal("GET " .. BELOW .. "/x?a=%20%0D%0AX-Evil:%201%00%23%22%C3%A9%25 HTTP/1.1", newest().line)
  end)

  it("uses one connection for all of this", function()
    assert.is_true(s.accepted <= 4 + 1)
    for _, request in ipairs(s.requests) do
      assert.is_nil(request.headers["x-evil"])
    end
  end)
end)

describe("a request's headers", function()
  it("are these, and no others", function()
    local _, client, newest = start()
    assert(client:queue("101"))
    local _, lines = head_of(newest())
    local names = {}
    for i, line in ipairs(lines) do
      names[i] = line:match("^[^:]+")
    end
    table.sort(names)
    assert.same({ "Accept", "Accept-Encoding", "Authorization", "Host", "User-Agent", "X-Tenant-Info" }, names)
    local headers = newest().headers
    assert.equal("application/json", headers.accept)
    assert.equal("ccaas/" .. ccaas._VERSION, headers["user-agent"])
    assert.equal("acme", headers["x-tenant-info"])
    assert.equal("Bearer T0KEN", headers.authorization)
    assert.equal("127.0.0.1", headers.host:match("^([%d.]+):%d+$"))
    assert.is_truthy(headers["accept-encoding"]:find("gzip"))
    client:close()
  end)

  it("have no tenant where none is given, and the call's where it has its own", function()
    local s, client, newest = start()
    local bare = ccaas.new(s:options { token_url = s.url:match("^http://[^/]+") .. "/token" })
    assert(bare:queue("101"))
    assert.is_nil(newest().headers["x-tenant-info"])
    assert(client:queue("101", { tenant = "other tenant; é" }))
    assert.equal("other tenant; é", newest().headers["x-tenant-info"])
    assert(client:request { path = "/", tenant = "third" })
    assert.equal("third", newest().headers["x-tenant-info"])
    assert(client:queue("101"))
    assert.equal("acme", newest().headers["x-tenant-info"])
    bare:close()
    client:close()
  end)

  it("have the client's own user agent", function()
    local _, client, newest = start { user_agent = "wallboard/2 (ops@example.com)" }
    assert(client:queue("101"))
    assert.equal("wallboard/2 (ops@example.com)", newest().headers["user-agent"])
    client:close()
  end)

  it("of client:request are added, and take the place of the library's", function()
    local _, client, newest = start()
    assert(client:request { path = "/", headers = { ["X-Own"] = "a: b, c", accept = "text/csv", ["X-Number"] = 5 } })
    local headers = newest().headers
    assert.equal("a: b, c", headers["x-own"])
    assert.equal("5", headers["x-number"])
    assert.equal("text/csv", headers.accept)
    assert.equal("acme", headers["x-tenant-info"])
    local _, lines = head_of(newest())
    assert.equal(8, #lines)
    client:close()
  end)

  it("of client:request may have an empty value", function()
    local _, client, newest = start()
    assert(client:request { path = "/", headers = { ["X-Empty"] = "" } })
    assert.is_truthy(newest().raw:find("\r\nX%-Empty: ?\r\n"))
    client:close()
  end)
end)

describe("a request's body", function()
  it("is JSON for a table, with its type and length", function()
    local _, client, newest = start()
    assert(client:request { method = "POST", path = "/x", body = { name = "é", list = { 1, 2 } } })
    local request = newest()
    assert.equal("POST", request.method)
    assert.equal("application/json", request.headers["content-type"])
    assert.equal(tostring(#request.body), request.headers["content-length"])
    assert.same({ name = "é", list = { 1, 2 } }, require("cjson").decode(request.body))
    assert.is_nil(request.headers.expect)
    assert.is_nil(request.headers["transfer-encoding"])
    client:close()
  end)

  it("is a string's own bytes, with no type but the caller's", function()
    local _, client, newest = start()
    local bytes = "a\0b\r\n\r\nGET /evil HTTP/1.1\r\n\r\n" .. ("x"):rep(5000) .. "\255"
    assert(client:request { method = "PUT", path = "/x", body = bytes })
    assert.equal("PUT", newest().method)
    assert.equal(bytes, newest().body)
    assert.is_nil(newest().headers["content-type"])
    assert.is_nil(newest().headers.expect)
    assert(client:request { method = "PATCH", path = "/x", body = "a,b", headers = { ["content-type"] = "text/csv" } })
    assert.equal("PATCH", newest().method)
    assert.equal("text/csv", newest().headers["content-type"])
    client:close()
  end)

  it("is announced as empty where a POST has none", function()
    local _, client, newest = start()
    for _, method in ipairs { "POST", "PUT", "PATCH" } do
      for _, body in ipairs { false, "" } do
        assert(client:request { method = method, path = "/x", body = body or nil })
        assert.equal(method, newest().method)
        assert.equal("0", newest().headers["content-length"])
        assert.is_nil(newest().headers["content-type"])
      end
    end
    client:close()
  end)

  it("is absent from GET, HEAD and DELETE", function()
    local _, client, newest = start(nil, function(request)
      return request.method == "HEAD" and "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" or nil
    end)
    for _, method in ipairs { "GET", "HEAD", "DELETE", "OPTIONS" } do
      assert(client:request { method = method, path = "/x" })
      assert.equal(method, newest().method)
      assert.is_nil(newest().headers["content-length"])
      assert.is_nil(newest().headers["content-type"])
      assert.equal("", newest().body)
    end
    client:close()
  end)
end)

describe("the token request", function()
  it("is a form with the credentials in its Authorization, and has nothing of the calls", function()
    local asked
    local s = server.start(function()
      return server.page { rows = { server.row("1") } }
    end, function(request)
      asked = request
      return server.answer('{"access_token":"T0KEN","expires_in":"1799"}')
    end)
    local client = ccaas.new(s:options { key = "a key/é", secret = "s%c/r+t", tenant = "acme" })
    assert(client:queue("101"))
    client:close()
    assert.equal("POST /token HTTP/1.1", asked.line)
    assert.equal("grant_type=client_credentials", asked.body)
    assert.equal("application/x-www-form-urlencoded", asked.headers["content-type"])
    assert.equal("application/json", asked.headers.accept)
    assert.equal("ccaas/" .. ccaas._VERSION, asked.headers["user-agent"])
    local mime = require "mime"
    assert.equal("Basic " .. mime.b64("a key/é:s%c/r+t"), asked.headers.authorization)
    assert.is_nil(asked.headers["x-tenant-info"])
    assert.is_nil(asked.headers.expect)
  end)

  it("cannot inject a header: a token with odd bytes is refused", function()
    for _, token in ipairs { "a\\r\\nX-Evil: 1", "a b", "a\\u0000b", "a\\u00e9", "" } do
      local s = server.start(function()
        return server.page { rows = { server.row("1") } }
      end, function()
        return server.answer('{"access_token":"' .. token .. '","expires_in":"1799"}')
      end)
      local client = ccaas.new(s:options { retries = 0 })
      local row, err = client:queue("101")
      assert.is_nil(row)
      assert.equal("protocol", err.code)
      assert.equal(0, #s.requests)
      client:close()
    end
  end)
end)
