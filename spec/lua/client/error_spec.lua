-- What an error says, and what it must never say.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local mime = require "mime"

local function status(code, body, headers)
  return server.answer(body or "", { status = code, headers = headers })
end

local function failing(answer, options, call)
  local s = server.start(function() return answer end)
  local client = ccaas.new(s:options(options or { retries = 0 }))
  local given, err = (call or client.queue)(client, "1")
  assert.is_nil(given)
  return err, s
end

describe("an error", function()
  it("has the fields of the contract", function()
    local err, s = failing(status(500, '{"message":"It broke","errors":["a"],"referenceId":"ref-7"}',
      { ["Retry-After"] = 3 }))
    assert.are.equal("server", err.code)
    assert.are.equal("It broke", err.message)
    assert.are.equal(500, err.status)
    assert.are.equal("8x8", err.provider)
    assert.are.equal("GET", err.method)
    assert.are.equal(s.url .. "/queues/1", err.url)
    assert.are.equal("ref-7", err.request_id)
    assert.is_true(err.retryable)
    assert.are.equal(3, err.retry_after)
    assert.are.equal(1, #err.attempts)
    assert.are.equal('{"message":"It broke","errors":["a"],"referenceId":"ref-7"}', err.body)
    local known = { code = 1, message = 1, status = 1, provider = 1, method = 1, url = 1, request_id = 1,
      retryable = 1, retry_after = 1, attempts = 1, body = 1 }
    for field in pairs(err) do
      assert.is_truthy(known[field], field)
    end
  end)

  it("names the failure by the header of the gateway where the body does not", function()
    for _, header in ipairs { "X-Request-Id", "X-Correlation-ID" } do
      assert.are.equal("abc-1", failing(status(404, "", { [header] = "abc-1" })).request_id)
    end
    assert.is_nil(failing(status(404)).request_id)
  end)

  it("prints on one line, with what is needed to act", function()
    local err, s = failing(status(400, '{"message":"Bad\\nrequest:\\tno"}'))
    assert.are.equal("8x8: bad_request: Bad\\nrequest:\\tno (GET " .. s.url .. "/queues/1) status 400", tostring(err))
    err = failing(status(503, "", { ["Retry-After"] = 0 }), { retries = 2 })
    assert.is_truthy(tostring(err):find("3 attempts", 1, true))
    assert.is_nil(tostring(err):find("%c"))
  end)

  it("has no query in its url, whatever the failure", function()
    local function hung(_, conn) conn:hold() end
    local function cut(_, conn)
      conn:send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[")
      conn:close()
    end
    local function malformed() return server.answer("[{]") end
    for _, handler in ipairs { hung, cut, malformed, function() return status(404) end } do
      local s = server.start(handler)
      local client = ccaas.new(s:options { retries = 0, timeout = 1 })
      local _, err = client:agents({ metrics = "status.rt", agent_ids = "7" }):next()
      assert.are.equal(s.url .. "/agents", err.url)
      assert.is_nil(tostring(err):find("?", 1, true))
      _, err = client:request { path = "/x", query = { auth_token = "abc" } }
      if err then
        assert.are.equal(s.url .. "/x", err.url)
      end
    end
  end)

  it("shows the first 512 bytes of an answer's body as they are", function()
    local err = failing(status(400, ("0123456789abcde\n"):rep(100)))
    assert.are.equal(("0123456789abcde\n"):rep(32), err.body)
    assert.is_nil(failing(status(400, "")).body)
  end)

  it("keeps the words of a body that have no secret in them", function()
    local body = '{"fault":{"faultstring":"Invalid access token","detail":{"errorcode":"oauth.v2.InvalidAccessToken"}}}'
    assert.are.equal(body, failing(status(400, body)).body)
  end)

  it("is the same object each time", function()
    local s = server.start(function() return status(404) end)
    local stream = ccaas.new(s:options()):queues()
    local _, first = stream:next()
    local _, second = stream:next()
    local _, third = stream:all()
    assert.are.equal(first, second)
    assert.are.equal(first, third)
  end)

  it("is what a loop raises", function()
    local s = server.start(function() return status(404) end)
    local client = ccaas.new(s:options())
    local function walk(make)
      for _ in make(client:queues()) do end -- luacheck: ignore 542
    end
    for _, make in ipairs {
      function(stream) return stream end,
      function(stream) return stream:each() end,
      function(stream) return stream:pages() end,
    } do
      local fine, err = pcall(walk, make)
      assert.is_false(fine)
      assert.are.equal("not_found", err.code)
    end
  end)

  it("for a closed stream or client is cancelled", function()
    local s = server.start(function() return server.page { rows = {} } end)
    local client = ccaas.new(s:options())
    local stream, other = client:queues(), client:queues()
    stream:close()
    stream:close()
    local _, err = stream:next()
    assert.are.equal("cancelled", err.code)
    client:close()
    _, err = other:next()
    assert.are.equal("cancelled", err.code)
    assert.are.equal("8x8", err.provider)
  end)

  it("comes even if the answer with the refusal never ends", function()
    local s = server.start(function(_, conn)
      conn:send("HTTP/1.1 400 No\r\nContent-Type: text/plain\r\n\r\n")
      while conn:send(("no "):rep(1000)) do end -- luacheck: ignore 542
    end)
    local _, err = ccaas.new(s:options()):queue("1")
    assert.are.equal("bad_request", err.code)
    assert.are.equal(400, err.status)
  end)
end)

describe("no secret", function()
  local KEY, SECRET, TOKEN = "k3y/with+odd=chars", 's3cr"et\\with /odd&<chars>', "t0k/en+with==odd.chars-_~"

  local function percent(text, plus)
    return (text:gsub("[^%w]", function(c)
      return plus and c == " " and "+" or ("%%%02X"):format(c:byte())
    end))
  end

  local function all_percent(text)
    return (text:gsub(".", function(c) return ("%%%02x"):format(c:byte()) end))
  end

  local function json(text)
    return (text:gsub('[/"\\]', "\\%0"))
  end

  local function unicode(text)
    return (text:gsub("[^%w]", function(c) return ("\\u%04x"):format(c:byte()) end))
  end

  local function html(text)
    return (text:gsub('[&<>"]', { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
  end

  local function numeric(text)
    return (text:gsub("[^%w]", function(c) return ("&#%d;"):format(c:byte()) end))
  end

  local base64 = mime.b64

  local function url_base64(text)
    return (base64(text):gsub("[+/=]", { ["+"] = "-", ["/"] = "_", ["="] = "" }))
  end

  local function hex(text)
    return (text:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
  end

  local function base32(text)
    local out, bits, value = {}, 0, 0
    for i = 1, #text do
      value, bits = value * 256 + text:byte(i), bits + 8
      while bits >= 5 do
        bits = bits - 5
        local digit = math.floor(value / 2 ^ bits)
        value = value % 2 ^ bits
        out[#out + 1] = ("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"):sub(digit + 1, digit + 1)
      end
    end
    return table.concat(out)
  end

  local secrets = { KEY, SECRET, TOKEN, "Bearer " .. TOKEN, KEY .. ":" .. SECRET }
  local codings = {
    ["as they are"] = function(text) return text end,
    ["percent-encoded"] = percent,
    ["as a form"] = function(text) return percent(text, true) end,
    ["percent-encoded to the last letter"] = all_percent,
    ["escaped as JSON"] = json,
    ["escaped as JSON by code"] = unicode,
    ["escaped as HTML"] = html,
    ["escaped as HTML by code"] = numeric,
    ["in base64"] = base64,
    ["in base64 for addresses"] = url_base64,
    ["in base64 behind one byte"] = function(text) return base64("x" .. text) end,
    ["in base64 between others"] = function(text) return base64("xy" .. text .. "z") end,
    ["in base64, percent-encoded"] = function(text) return percent(base64(text)) end,
    ["in base64, escaped as JSON"] = function(text) return json(base64(text)) end,
    ["in base64, escaped as JSON by code"] = function(text) return unicode(base64(text)) end,
    ["in upper case"] = string.upper,
    -- These went through.
    ["percent-encoded twice"] = function(text) return percent(percent(text)) end,
    ["as JSON in JSON"] = function(text) return json(json(text)) end,
    ["in hexadecimal"] = hex,
    ["in base32"] = base32,
    ["in base32 behind three bytes"] = function(text) return base32("xyz" .. text .. "z") end,
  }
  local names = {}
  for name in pairs(codings) do
    names[#names + 1] = name
  end
  table.sort(names)

  -- Everything that the error or the event shows.
  local function spell(value, out)
    out = out or {}
    if type(value) == "table" then
      for name, item in pairs(value) do
        out[#out + 1] = tostring(name)
        spell(item, out)
      end
    end
    out[#out + 1] = tostring(value)
    return out
  end

  -- Pieces of a coded secret that would help to guess it: any eight bytes.
  local function assert_silent(shown, coding)
    local text = table.concat(spell(shown), "\n"):lower()
    for _, secret in ipairs { KEY, SECRET, TOKEN } do
      for _, form in ipairs { secret, coding(secret) } do
        form = form:lower():gsub("=+$", ""):gsub("\\u003d", ""):gsub("%%3d$", ""):gsub("%%3d$", "")
        for at = 1, #form - 9 do
          local piece = form:sub(at, at + 9)
          if text:find(piece, 1, true) then
            error(("%q shows %q of %q"):format(text, piece, form))
          end
        end
      end
    end
  end

  local function token_of(answer)
    return answer or function()
      return server.answer(('{"access_token":"%s","expires_in":1799}'):format(TOKEN))
    end
  end

  local function client_of(handler, token, options)
    local s = server.start(handler, token_of(token))
    local heard = {}
    local given = { key = KEY, secret = SECRET, retries = 0,
      on_event = function(event) heard[#heard + 1] = event end }
    for name, value in pairs(options or {}) do
      given[name] = value
    end
    return ccaas.new(s:options(given)), heard
  end

  -- The answers in which a server could say what it was told.
  local echoes = {
    ["in a body"] = function(text) return status(400, "You sent " .. text .. " to us") end,
    ["as a whole body"] = function(text) return status(400, text) end,
    ["in a message"] = function(text)
      return status(403, '{"message":"Refused: ' .. text:gsub('[%c"]', "\\%0") .. '"}')
    end,
    ["in a gateway's fault"] = function(text)
      return status(500, '{"fault":{"faultstring":"' .. text .. '","detail":{"errorcode":"' .. text .. '"}}}')
    end,
    ["as a reference"] = function(text) return status(500, '{"message":"x","referenceId":"' .. text .. '"}') end,
    ["as a header's request id"] = function(text) return status(404, "", { ["X-Request-Id"] = text }) end,
    ["in other headers"] = function(text)
      return status(404, "", { ["WWW-Authenticate"] = text, ["Retry-After"] = text, ["Content-Type"] = text })
    end,
    ["at the end of a long message"] = function(text)
      return status(400, '{"message":"' .. ("x"):rep(430) .. text .. '"}')
    end,
    ["across the 512th byte"] = function(text) return status(400, ("x"):rep(500) .. text) end,
    ["at the end of a long request id"] = function(text)
      return status(404, "", { ["X-Request-Id"] = ("x"):rep(80) .. text })
    end,
  }
  local places = {}
  for name in pairs(echoes) do
    places[#places + 1] = name
  end
  table.sort(places)

  for _, name in ipairs(names) do
    it("leaks from answers that echo them " .. name, function()
      local coding, echo, text = codings[name], nil, nil
      local client, heard = client_of(function() return echo(text) end)
      for _, secret in ipairs(secrets) do
        text = coding(secret)
        for _, place in ipairs(places) do
          echo = echoes[place]
          local _, err = client:queue("1")
          assert.is_truthy(err.status)
          assert_silent(err, coding)
        end
      end
      assert_silent(heard, coding)
    end)

    it("leaks from a token endpoint that echoes them " .. name, function()
      local coding = codings[name]
      for _, secret in ipairs { SECRET, KEY .. ":" .. SECRET } do
        for _, place in ipairs { "in a body", "in a message", "as a header's request id" } do
          local client, heard = client_of(nil, function() return echoes[place](coding(secret)) end)
          local _, err = client:queue("1")
          assert.is_truthy(err.status)
          assert_silent(err, coding)
          assert_silent(heard, coding)
        end
      end
    end)
  end

  local function as_it_is(text) return text end

  it("leaks from a failure that the deadline ends", function()
    local client = client_of(function(request, conn)
      if not request.path:find("again") then
        request.path = "again"
        return status(503, '{"message":"' .. TOKEN .. '"}', { ["X-Request-Id"] = TOKEN, ["Retry-After"] = 0 })
      end
      conn:hold()
    end, nil, { retries = 50, deadline = 0.4 })
    local _, err = client:queue("1")
    assert_silent(err, as_it_is)
  end)

  it("leaks from a failure before malformed JSON", function()
    local asked = 0
    local client = client_of(function()
      asked = asked + 1
      if asked == 1 then
        return status(503, TOKEN, { ["X-Request-Id"] = TOKEN, ["Retry-After"] = 0 })
      end
      return server.page { rows = { "{" .. TOKEN .. "}" } }
    end, nil, { retries = 1 })
    local _, err = client:queues():next()
    assert.are.equal("protocol", err.code)
    assert_silent(err, as_it_is)
  end)

  it("leaks from a late answer that echoes the token before", function()
    local given, err = 0, nil
    local s = server.start(function(request, conn)
      if request.path == "/slow" then
        conn:hold(function() return given == 2 end)
        return status(400, TOKEN)
      end
      return given == 1 and status(401) or server.answer(server.row "1")
    end, function()
      given = given + 1
      return server.answer(('{"access_token":"%s"}'):format(given == 1 and TOKEN or "another"))
    end)
    local client = ccaas.new(s:options())
    s:run(
      function() err = select(2, client:request { path = "/slow" }) end,
      function() assert(client:queue("1")) end
    )
    assert.are.equal("***", err.body)
    assert_silent(err, as_it_is)
  end)

  it("leaks from tostring of a client or a stream", function()
    local client = client_of()
    assert_silent({ client, client:queues() }, as_it_is)
    client:close()
    assert_silent(client, as_it_is)
  end)

  it("leaks from a usage error", function()
    for _, given in ipairs {
      { provider = "8x8", key = KEY .. "\n", secret = SECRET },
      { provider = "8x8", key = KEY, secret = SECRET .. "\r\n" },
      { provider = "8x8", key = KEY, secret = { SECRET } },
      { provider = "8x8", key = KEY, secrett = SECRET },
      { provider = "8x8", key = KEY, secret = SECRET, base_url = "https://" .. KEY .. ":" .. SECRET .. "@host/" },
      { provider = "8x8", key = KEY, secret = SECRET, token_url = "https://h/?key=" .. TOKEN },
    } do
      local fine, message = pcall(ccaas.new, given)
      assert.is_false(fine)
      assert_silent(message, as_it_is)
    end
    local client = client_of()
    for _, headers in ipairs { { Authorization = "Bearer " .. TOKEN }, { ["X-Key"] = KEY .. "\r\n" } } do
      local fine, message = pcall(client.request, client, { path = "/x", headers = headers })
      assert.is_false(fine)
      assert_silent(message, as_it_is)
    end
  end)

  it("is in the output of a walk over the sandbox", function()
    local sandbox = helper.sandbox { agents = 5, queues = 5, groups = 2, key = KEY, secret = SECRET }
    local heard = {}
    local client = ccaas.new(sandbox:options("8x8", { on_event = function(event) heard[#heard + 1] = event end }))
    assert.are.equal(5, #assert(client:queues():all()))
    assert.is_true(#heard > 3)
    local token = sandbox:requests()[2].headers.authorization:match("Bearer (%S+)")
    assert.is_nil(table.concat(spell(heard), "\n"):find(token, 1, true))
    assert_silent(heard, as_it_is)
  end)
end)

-- An error came out as `8x8: ok: nil`; whatever makes one, scripts get a reason.
describe("an error without a reason", function()
  it("gets a code and a message", function()
    local errors = require "ccaas.error"
    local err = errors.new({}, "8x8")
    assert.equal("io", err.code)
    assert.equal("8x8: io: it failed for an unknown reason: please report it", tostring(err))
  end)
end)

-- A failure carried the body and the number of an attempt before it.
describe("a failure", function()
  it("carries nothing of the attempt before it", function()
    local answers = { function()
      return server.answer('{"message":"busy","referenceId":"REF-1"}',
        { status = 503, headers = { ["Retry-After"] = "0" } })
    end, function(_, conn) conn:reset() end }
    local at = 0
    local s = server.start(function(request, conn)
      at = at + 1
      return (answers[at] or answers[2])(request, conn)
    end)
    local client = ccaas.new(s:options { retries = 1 })
    local _, err = client:queue("101")
    assert.equal("network", err.code)
    assert.is_nil(err.body)
    assert.is_nil(err.request_id)
    assert.equal(2, #err.attempts)
  end)
end)
