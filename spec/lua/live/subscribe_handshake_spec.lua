-- client:subscribe: servers that answer the handshake, or send frames, in ways of
-- their own.  Each is taken, or is a clear error in bounded time and memory.
local ccaas = require "ccaas"
local server = require "spec.support.server"
local subscription = require "spec.support.subscription"
local internals = require "ccaas.internals"
local websocket = require "spec.support.websocket"
local helper = require "spec.support.helper"

local take, fails = subscription.take, subscription.fails

local client

-- A subscription, to be tried once, to a server that answers so: bytes, or a function
-- that gives or sends them.
local function subscribe(answer, settings)
  local s
  s = server.start(function(request, conn)
    local bytes = answer
    if type(answer) == "function" then
      bytes = answer(request, conn)
    end
    if bytes then
      conn:send(bytes)
    end
    websocket.until_gone(conn)
  end)
  local given = { provider = "xima", token = "T0KEN", base_url = s.url, loop = s.loop, connect_timeout = 20 }
  for name, value in pairs(settings or {}) do
    given[name] = value
  end
  client = ccaas.new(given)
  internals.tune(client, { pause_first = 0.01, pause_most = 0.02 })
  return client:subscribe({ "101" }, { snapshot = false, max_reconnects = 0, silence = 20 }), s
end

after_each(function()
  if client then
    client:close()
    client = nil
  end
end)

-- -- The handshake -------------------------------------------------------------

local function shaken(change)
  return function(request)
    local text = websocket.handshake(request)
    return change(text) .. websocket.update(7)
  end
end

local function with(lines)
  return function(request) return websocket.handshake(request, lines) .. websocket.update(7) end
end

describe("a handshake is accepted", function()
  local EARLY = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
  local cases = {
    -- It was refused "with status 103".
    ["after a 103"] = shaken(function(text) return EARLY .. text end),
    ["after a 100 and many others"] = shaken(function(text)
      return "HTTP/1.1 100 Continue\r\n\r\n" .. EARLY:rep(1000) .. text
    end),
    ["that comes byte by byte, after a 102"] = function(request, conn)
      conn:drip("HTTP/1.1 102 Processing\r\n\r\n" .. websocket.handshake(request) .. websocket.update(7), 1)
    end,
    -- More than 16 KiB, and more than some hundred known headers, made "no websocket".
    ["with a header of 100 kB"] = with("X-Large: " .. ("x"):rep(100000) .. "\r\n"),
    ["with 250 kB of headers"] = with(("X-Large: " .. ("x"):rep(989) .. "\r\n"):rep(250)),
    ["with a thousand cookies"] = with(("Set-Cookie: a=b\r\n"):rep(1000)),
    ["in another case, with other words"] = shaken(function(text)
      return (text:gsub("Upgrade: websocket", "uPGRADE: WebSocket")
        :gsub("Connection: Upgrade", "connection: keep-alive, upgrade"))
    end),
    ["with bare line feeds"] = shaken(function(text) return (text:gsub("\r\n", "\n")) end),
  }
  for name, answer in pairs(cases) do
    it(name, function()
      local live = subscribe(answer)
      take(live, "open")
      assert.equal(7, take(live, "update").value)
    end)
  end
end)

describe("a handshake is refused", function()
  local NO_WEBSOCKET = "does not open a websocket: "
  local function without(what) return shaken(function(text) return (text:gsub(what .. "[^\r]*\r\n", "")) end) end
  local cases = {
    { "with a page", server.answer("<html>", { headers = { ["Content-Type"] = "text/html" } }), "protocol",
      "with status 200", 200 },
    { "with 426", server.answer("", { status = 426 }), "bad_request", "with status 426", 426 },
    { "with a redirect", server.answer("", { status = 307, headers = { Location = "/login" } }), "protocol",
      "redirects the websocket (307)", 307 },
    { "by another protocol", "SSH-2.0-OpenSSH_9.2\r\n", "protocol", "is not HTTP/1" },
    { "by binary garbage", "\21\3\1\0\2\2\40", "protocol", "is not HTTP/1" },
    { "by a status that is none", shaken(function(text) return (text:gsub("101", "10101")) end), "protocol",
      "is not HTTP/1" },
    { "without Upgrade", without("Upgrade:"), "protocol", NO_WEBSOCKET .. "it does not upgrade" },
    { "without Connection", without("Connection:"), "protocol", NO_WEBSOCKET .. "it does not upgrade" },
    { "without Sec-WebSocket-Accept", without("Sec%-WebSocket%-Accept:"), "protocol",
      NO_WEBSOCKET .. "its Sec-WebSocket-Accept" },
    { "with another's Sec-WebSocket-Accept", shaken(function(text)
      return (text:gsub("Accept: [^\r]*", "Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
    end), "protocol", NO_WEBSOCKET .. "its Sec-WebSocket-Accept" },
    { "with an extension that was not asked for", with("Sec-WebSocket-Extensions: permessage-deflate\r\n"),
      "protocol", NO_WEBSOCKET .. "it has an extension" },
    { "with a subprotocol that was not asked for", with("Sec-WebSocket-Protocol: chat\r\n"), "protocol",
      NO_WEBSOCKET .. "it has a subprotocol" },
    { "when it breaks off", function(_, conn)
      conn:send("HTTP/1.1 101 Switching")
      conn:close()
    end, "network", "lost during the handshake" },
    -- It was "protocol", or for ever, as long as it kept coming.
    { "with a header without end", function(_, conn)
      conn:send("HTTP/1.1 101 Switching Protocols\r\nX-Large: ")
      repeat until not conn:send(("x"):rep(65536))
    end, "too_large", "262144" },
    { "with headers without end", function(_, conn)
      conn:send("HTTP/1.1 101 Switching Protocols\r\n")
      repeat until not conn:send(("X: y\r\n"):rep(10000))
    end, "too_large", "262144" },
    { "with 1xx without end", function(_, conn)
      repeat until not conn:send(("HTTP/1.1 103 Early Hints\r\n\r\n"):rep(2000))
    end, "too_large", "262144" },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local live, s = subscribe(case[2])
      local err = fails(live, case[3], case[4])
      assert.equal(case[5], err.status)
      assert.equal(1, #s.requests)
    end)
  end

  it("when it never ends, by connect_timeout", function()
    local live = subscribe("HTTP/1.1 101 Switching Protocols\r\nUpgrade: web", { connect_timeout = 0.3 })
    fails(live, "timeout", "no complete answer to the handshake within 0.3 s")
  end)
end)

-- -- Frames --------------------------------------------------------------------

-- What the server saw of a close: its code.
local function closing_code(input)
  local first, length, a, b, _, _, high, low = input:byte(1, 8)
  if first ~= 0x88 or length ~= 0x82 then
    return nil
  end
  local function unmask(byte, key)
    local value = 0
    for bit = 0, 7 do
      if math.floor(byte / 2 ^ bit) % 2 ~= math.floor(key / 2 ^ bit) % 2 then
        value = value + 2 ^ bit
      end
    end
    return value
  end
  return unmask(high, a) * 256 + unmask(low, b)
end

describe("frames that break the protocol", function()
  local frame = websocket.frame
  local cases = {
    { "that are masked", "\129\130\1\2\3\4Z_", "masks a frame" },
    { "of an unknown kind", frame(3, "x"), "unknown opcode" },
    { "with bits that were not agreed on", frame(1, "x", { first = 0xC1 }), "reserved bits" },
    { "that control, in fragments", frame(9, "x", { more = true }), "is fragmented" },
    { "that control, too large", frame(9, ("x"):rep(126)), "too large" },
    { "that go on with nothing", frame(0, "x"), "belongs to no message" },
    { "within a message", frame(1, "[", { more = true }) .. frame(1, "]"), "within another" },
    { "of a length that is impossible", frame(1, "", { length = "\127\255\0\0\0\0\0\0\0" }), "impossible" },
  }
  for _, case in ipairs(cases) do
    -- They were told as a connection that was lost, and the first one was taken.
    it(case[1] .. " are error protocol", function()
      local code
      local live, s = subscribe(function(request, conn)
        conn:send(websocket.handshake(request) .. case[2])
        conn:hold(function() return #conn.input >= 8 end)
        code = closing_code(conn.input)
      end)
      take(live, "open")
      fails(live, "protocol", case[3])
      s:serve(function() return code end)
      assert.equal(1002, code)
    end)
  end

  it("are announced too large before they come", function()
    local live = subscribe(function(request)
      return websocket.handshake(request) .. websocket.frame(1, "", { length = "\127\0\0\0\1\0\0\0\0" })
    end)
    take(live, "open")
    fails(live, "too_large", tostring(16 * 1024 * 1024))
  end)

  it("are too large together", function()
    local live = subscribe(function(request, conn)
      conn:send(websocket.handshake(request) .. websocket.frame(1, "", { more = true }))
      repeat until not conn:send(websocket.frame(0, ("x"):rep(1000), { more = true }))
    end, { max_record = 10000 })
    take(live, "open")
    fails(live, "too_large", "10000")
  end)
end)

describe("frames", function()
  it("may come byte by byte, with pings between fragments", function()
    local pong
    local live, s = subscribe(function(request, conn)
      conn:send(websocket.handshake(request))
      local whole = websocket.update(7):sub(3)
      conn:drip(websocket.frame(1, whole:sub(1, 9), { more = true }) .. websocket.frame(9, "are you there")
        .. websocket.frame(0, "", { more = true }) .. websocket.frame(0, whole:sub(10)), 1)
      conn:hold(function() return #conn.input >= 6 + #"are you there" end)
      pong = conn.input
    end)
    take(live, "open")
    assert.equal(7, take(live, "update").value)
    s:serve(function() return pong end)
    assert.equal(0x8A, pong:byte(1))
    assert.equal(128 + #"are you there", pong:byte(2))
  end)

  it("after a close do not count", function()
    local live = subscribe(function(request)
      return websocket.handshake(request) .. websocket.update(1) .. websocket.close(1000, "bye") .. websocket.update(2)
    end)
    take(live, "open")
    assert.equal(1, take(live, "update").value)
    fails(live, "network", "(1000: bye)")
  end)

  it("that close are answered with their code", function()
    local code
    local live, s = subscribe(function(request, conn)
      conn:send(websocket.handshake(request) .. websocket.close(4000, "so long"))
      conn:hold(function() return #conn.input >= 8 end)
      code = closing_code(conn.input)
    end)
    take(live, "open")
    fails(live, "network", "(4000: so long)")
    s:serve(function() return code end)
    assert.equal(4000, code)
  end)

  it("that are endless pings, with no answer read, take no memory", function()
    local sent = 0
    local live, s = subscribe(function(request, conn)
      conn:send(websocket.handshake(request))
      local pings = websocket.frame(9, ("p"):rep(125)):rep(500)
      while sent < 200 and conn:send(pings) do
        sent = sent + 1
      end
      conn:send(websocket.update(9))
    end)
    take(live, "open")
    assert.equal(9, take(live, "update").value)
    assert.equal(200, sent)
    assert.is_true(#s.requests == 1)
  end)
end)

-- A server that resets the connection instead of answering the handshake was not
-- noticed until connect_timeout, and then the process crashed: libwebsockets tells
-- it by another callback than all other failures.
describe("a websocket whose handshake is reset", function()
  for _, tls in ipairs { false, true } do
    it("is down at once and tried again, " .. (tls and "with TLS" or "in clear"), function()
      local sandbox = helper.sandbox { agents = 2, tls = tls }
      client = ccaas.new(sandbox:options("xima", { connect_timeout = 600 }))
      internals.tune(client, { pause_first = 0.01, pause_most = 0.01 })
      sandbox:fault { path = "/realtime-metric-subscription", reset = true, times = 3 }
      local stream = client:subscribe({ "101" }, { snapshot = false })
      assert.equal("down", assert(stream:next(30)).type)
      local open = assert(stream:next(30))
      assert.equal("open", open.type)
      assert.equal(4, open.attempt)
      client:close()
    end)
  end
end)
