-- The sandbox's websockets: who may have one, what is pushed, and the state behind
-- it.

local cjson = require "cjson"
local live = require "spec.support.websocket_client"
local plain = live.plain

local start, open, ask, target, values = live.start, live.open, live.ask, live.target, live.values

describe("a subscription of the sandbox", function()
  after_each(live.stop_all)

  describe("opens", function()
    it("with the handshake of RFC 6455", function()
      local sb = start()
      local headers = open(sb).answer.headers
      assert.equal(live.ACCEPT, headers["sec-websocket-accept"])
      assert.equal("websocket", headers.upgrade:lower())
      assert.equal("upgrade", headers.connection:lower())
      assert.is_nil(headers["content-length"])
      assert.is_nil(headers["sec-websocket-protocol"])
      assert.equal(101, sb:requests()[1].status)
    end)

    it("for several metrics, each once", function()
      local sb = start()
      local client = open(sb, { "101", "105", "101" })
      assert.same({ "101", "105" }, sb:sockets()[1].ids)
      assert.equal(1, sb:push { id = "101", category = "A", value = 1 })
      assert.equal(1, client:update().value)
      assert.equal(0, client:ping())
    end)

    it("through TLS", function()
      local sb = start { tls = true }
      local client = open(sb)
      sb:push { id = "101", category = "A", value = 1 }
      assert.equal("A", client:update().category)
      client:close()
    end)

    it("with handshake details first, if it is to", function()
      local sb = start { handshake = true }
      local details = cjson.decode(open(sb, { "101", "102" }):message().text)
      assert.same({ "101", "102" }, details.handshake.metricIds)
      sb:set { handshake = "hello" }
      local client = open(sb)
      sb:push { id = "101", category = "A", value = 1 }
      assert.equal("hello", client:message().text)
      assert.equal(1, client:update().value)
      sb:set { handshake = false }
      assert.equal(0, open(sb):ping())
    end)

    it("late when answers are", function()
      local sb = start { delay = 0.05 }
      local client
      assert.is_true(plain.seconds(function() client = open(sb) end) >= 0.05)
      sb:push { id = "101", category = "A", value = 1 }
      assert.equal(1, client:update().value)
    end)
  end)

  describe("is refused", function()
    it("with 400 for a malformed query", function()
      local sb = start { errors = "json" }
      for _, query in ipairs { "?auth_token=" .. live.TOKEN,
        "?id=&auth_token=" .. live.TOKEN,
        "?id=101&id=&auth_token=" .. live.TOKEN,
        "?id=10%1&auth_token=" .. live.TOKEN,
        "?id=101%&auth_token=" .. live.TOKEN } do
        assert.equal(400, ask(sb, live.PATH .. query).status, query)
      end
      assert.equal(400, ask(sb, target("101"),
        { ["Sec-WebSocket-Key"] = "short" }).status)
      assert.equal(400, ask(sb, target("101"),
        { ["Sec-WebSocket-Key"] = ("A"):rep(24) }).status)
      assert.same({}, sb:sockets())
    end)

    it("with 401 for a token that is wrong, or no longer valid", function()
      local sb = start()
      assert.equal(401, ask(sb, target("101", "wrong")).status)
      assert.equal(401, ask(sb, live.PATH .. "?id=101").status)
      assert.equal(401, ask(sb, live.PATH .. "?id=101",
        { Authorization = "Bearer " .. live.TOKEN }).status)
      local client = open(sb)
      sb:set { xima_token = "next" }
      assert.equal(401, ask(sb, target("101")).status)
      assert.equal(101, ask(sb, target("101", "next")).status)
      assert.equal(0, client:ping())
    end)

    it("with 403 for metrics that are missing or not yours", function()
      local sb = start { forbidden = { "102" } }
      assert.equal(403, ask(sb, target { "101", "102" }).status)
      assert.equal(403, ask(sb, target { "101", "999" }).status)
      assert.equal(101, ask(sb, target { "101", "103" }).status)
    end)

    it("with 404 where there are none, 405 and 426 to others", function()
      local sb = start { subscription = false }
      assert.equal(404, ask(sb, target("101")).status)
      sb:set { subscription = true }
      assert.equal(101, ask(sb, target("101")).status)
      for _, method in ipairs { "POST", "HEAD" } do
        assert.equal(405, plain.ask(sb, method, target("101"),
          live.headers()).status)
      end
      for header, value in pairs { Upgrade = false, Connection = "close",
        ["Sec-WebSocket-Version"] = "8" } do
        local answer = ask(sb, target("101"), { [header] = value })
        assert.equal(426, answer.status)
        assert.equal("websocket", answer.headers.upgrade)
      end
    end)

    it("by a fault, with Retry-After, and by status", function()
      local sb = start()
      sb:fault { path = "/realtime-metric-subscription", status = 503,
        headers = { ["Retry-After"] = "7" } }
      local answer = ask(sb, target("101"))
      assert.equal(503, answer.status)
      assert.equal("7", answer.headers["retry-after"])
      assert.equal(101, ask(sb, target("101")).status)
      sb:live { refuse = 500 }
      assert.equal(500, ask(sb, target("101")).status)
      sb:live { refuse = false }
      assert.equal(101, ask(sb, target("101")).status)
      assert.equal(502, ask(start { refuse = 502 }, target("101")).status)
      sb:fault { path = "/realtime-metric-subscription", reset = true }
      assert.is_nil(ask(sb, target("101")))
      sb:fault { path = "/realtime-metric-subscription", truncate = 0 }
      local conn = plain.connect(sb)
      conn:send(plain.request_text("GET", target("101"), live.headers()))
      assert.equal(101, plain.read_head(conn).status)
      assert.equal("closed", select(2, conn:receive(1)))
      conn:close()
      sb:fault { path = "/realtime-metric-subscription",
        headers = { ["Sec-WebSocket-Accept"] = "wrong" } }
      assert.equal("wrong",
        ask(sb, target("101")).headers["sec-websocket-accept"])
    end)

    it("and the connection can be used again", function()
      local sb = start()
      local conn = plain.connect(sb)
      for _, status in ipairs { 401, 403, 101 } do
        conn:send(plain.request_text("GET", target(
          status == 403 and "999" or "101", status == 401 and "no" or nil),
          live.headers()))
        assert.equal(status, plain.read_answer(conn).status)
      end
      conn:close()
    end)
  end)

  describe("tells", function()
    it("an update in its documented form, to its subscribers", function()
      local sb = start()
      local first, second, other = open(sb, { "105", "101" }), open(sb),
        open(sb, "102")
      assert.equal(2, sb:push { id = "101", category = "Alice(481)", value = 15,
        at = "2029-10-01T10:17:56.496-06:00" })
      for _, client in ipairs { first, second } do
        local _, message = client:update()
        assert.equal('{"key":{"metricId":"101","categoryValue":"Alice(481)"},'
          .. '"value":{"lastUpdateTime":"2029-10-01T10:17:56.496-06:00",'
          .. '"count":15,"type":"COUNT"}}', message.text)
        assert.equal(live.TEXT, message.opcode)
      end
      assert.equal(0, other:ping())
      assert.equal(0, sb:push { id = "109", category = "x", value = 1 })
      local pushed = sb:pushed()
      assert.same({ updates = 1, sent = 2 }, pushed["101"])
      assert.same({ updates = 0, sent = 0 }, pushed["102"])
      assert.same({ updates = 1, sent = 0 }, pushed["109"])
    end)

    it("each update with a later time than the one before", function()
      local sb = start()
      local client = open(sb)
      local before = ""
      for i = 1, 50 do
        if i == 20 then
          sb:push { id = "101", category = "A", value = i, at = 1900000000.5 }
        elseif i == 30 then
          sb:push { id = "101", category = "A", value = i,
            at = "2031-01-01T00:00:00.9995-06:00" }
        else
          sb:push { id = "101", category = "A", value = i }
        end
        local update = client:update()
        assert.is_true(update.at > before, update.at)
        before = update.at
      end
    end)

    it("values of other kinds", function()
      local sb = start { kinds = { ["101"] = "SENTIMENT" } }
      local client = open(sb, { "101", "102" })
      local cases = {
        { { kind = "TEXT", value = 'a "b"\n\\ é' }, "TEXT", 'a "b"\n\\ é' },
        { { value = 0.25 }, "SENTIMENT", 0.25 },
        { { kind = "FLAG", value = false }, "FLAG", false },
        { { kind = "BIG", value = 1719570000000 }, "BIG", 1719570000000 },
        { { kind = "NESTED", value = { json = '{"a":[1,null]}' } }, "NESTED",
          { a = { 1, cjson.null } } },
        { { kind = "NOTHING", value = { json = "null" } }, "NOTHING",
          cjson.null },
      }
      for _, case in ipairs(cases) do
        case[1].id, case[1].category = "101", "A"
        sb:push(case[1])
        local update, message = client:update()
        assert.equal(case[2], update.kind)
        assert.same(case[3], update.value)
        assert.is_nil(message.text:find("%d[eE]%+?%d"))
      end
    end)

    it("messages that are no updates, and bytes that are no frames", function()
      local sb = start()
      local client, other = open(sb), open(sb, "102")
      assert.equal(2, sb:push { raw = "{broken" })
      assert.equal(1, sb:push { raw = "\0\255", binary = true, id = "101" })
      assert.equal(1, sb:push { raw = "you", socket = 2 })
      assert.equal(1, sb:push { id = "101", wire = "\129\2ok" })
      local message = client:message()
      assert.equal("{broken", message.text)
      assert.equal(live.TEXT, message.opcode)
      message = client:message()
      assert.equal("\0\255", message.text)
      assert.equal(live.BINARY, message.opcode)
      assert.equal("ok", client:message().text)
      assert.equal("{broken", other:message().text)
      assert.equal("you", other:message().text)
    end)

    it("messages of every length, and in fragments", function()
      local sb = start()
      local client = open(sb)
      for _, fragments in ipairs { 1, 3, 100 } do
        sb:live { fragments = fragments }
        for _, size in ipairs { 0, 1, 125, 126, 65535, 65536, 3000000 } do
          local text = ("é"):rep(math.floor(size / 2)) .. ("x"):rep(size % 2)
          sb:push { raw = text }
          local message = client:message()
          assert.is_true(message.text == text)
          assert.equal(fragments, message.frames)
        end
      end
    end)

    it("no client that has gone", function()
      local sb = start()
      local stays, goes = open(sb), open(sb)
      goes:close()
      live.wait_for(function() return #sb:sockets() == 1 end, "its end")
      assert.equal(1, sb:push { id = "101", category = "A", value = 1 })
      assert.equal(1, stays:update().value)
    end)
  end)

  describe("has a state", function()
    it("that is what was pushed", function()
      local sb = start { agents = 3 }
      local before = values(sb, "101")
      assert.is_number(before["Front Desk"])
      sb:push { id = "101", category = "Front Desk", value = 1000 }
      sb:push { id = "101", category = "Alice", value = 7 }
      sb:push { id = "101", category = "Alice", value = 8 }
      local after = values(sb, "101")
      assert.equal(1000, after["Front Desk"])
      assert.equal(8, after.Alice)
      assert.equal(before["John Spector(104)"], after["John Spector(104)"])
      sb:push { id = "102", category = "Alice", kind = "TEXT", value = "é" }
      assert.equal("é", values(sb, "102").Alice)
      local found
      for _, item in ipairs(sb:state { id = "102" }) do
        assert.equal("102", item.id)
        found = item.category == "Alice" and item or found
      end
      assert.same({ id = "102", category = "Alice", kind = "TEXT",
        value = '"é"', at = found.at }, found)
    end)

    it("that an older update does not change", function()
      local sb = start { agents = 3 }
      local client = open(sb)
      local old = "2019-10-01T10:17:56.496-06:00"
      sb:push { id = "101", category = "New", value = 1, at = old }
      sb:push { id = "101", category = "New", value = 2,
        at = "2019-10-01T16:17:56.495Z" }
      assert.equal(1, values(sb, "101").New)
      sb:push { id = "101", category = "New", value = 3, at = old }
      assert.equal(3, values(sb, "101").New)
      local front = values(sb, "101")["Front Desk"]
      sb:push { id = "101", category = "Front Desk", value = -1, at = old }
      assert.equal(front, values(sb, "101")["Front Desk"])
      for _, value in ipairs { 1, 2, 3, -1 } do
        assert.equal(value, client:update().value)
      end
    end)
  end)

  it("does not outlive its sandbox, nor leave a descriptor", function()
    local before, threads = nil, plain.count_threads()
    for round = 1, 3 do
      local sb = start { tls = round == 2, live = 1000, pings = 0.01 }
      local clients = {}
      for i = 1, 20 do
        clients[i] = open(sb, { "101", "105" })
      end
      sb:live { mute = true, socket = 3 }
      sb:live { pong = "late" }
      clients[1]:send(live.PING, "x")
      clients[2]:close()
      sb:live { flood = 1e9 }
      sb:stop()
      for i, client in ipairs(clients) do
        if i ~= 2 then
          local bytes, err
          repeat
            bytes, err = client.conn:receive(4096)
          until not bytes
          assert.not_equal("timeout", err)
          client:close()
        end
      end
      assert.has_error(function() sb:push { raw = "x" } end)
      collectgarbage()
      collectgarbage()
      before = before or plain.count_files("fd")
      assert.equal(before, plain.count_files("fd"))
      assert.equal(threads, plain.count_threads())
    end
  end)

  it("raises for unknown options, at the caller's line", function()
    local sb = start()
    for _, case in ipairs {
      { "push", { id = "101", categorie = "x", value = 1 }, "'category'" },
      { "push", { id = "999", category = "x", value = 1 }, "'999'" },
      { "push", { id = "101", value = 1 }, "category" },
      { "push", { id = "101", category = "x" }, "value" },
      { "push", { id = "101", category = "x", value = {} }, "'value'" },
      { "push", { id = "101", category = "x", value = 0 / 0 }, "'value'" },
      { "live", { mut = true }, "'mute'" },
      { "live", { fragments = 0 }, "'fragments'" },
      { "live", { pong = "soon" }, "'pong'" },
      { "live", { refuse = 200 }, "'refuse'" },
      { "live", { flood = 1, id = "999" }, "'999'" },
      { "drop_sockets", { code = 7 }, "'code'" },
      { "drop_sockets", { cod = 1000 }, "'code'" },
      { "state", { ids = "101" }, "'id'" },
    } do
      local done, err = pcall(function() sb[case[1]](sb, case[2]) end)
      assert.is_false(done)
      assert.is_truthy(err:find("live_spec.lua:%d+: "), err)
      assert.is_truthy(err:find(case[3], 1, true), err)
    end
    assert.has_error(function() start { live = "x" } end)
    assert.has_error(function() start { kinds = { "x" } } end)
  end)
end)
