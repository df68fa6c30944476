-- What goes wrong with the sandbox's websockets on purpose, and what it says to
-- a client that does not keep to RFC 6455.

local live = require "spec.support.websocket_client"
local plain = live.plain

local start, open, close_of, wait_for = live.start, live.open, live.close_of,
  live.wait_for

local function update(sb, value)
  return sb:push { id = "101", category = "A", value = value }
end

describe("a socket of the sandbox", function()
  after_each(live.stop_all)

  describe("ends", function()
    it("without a close frame", function()
      local sb = start()
      local client, other = open(sb), open(sb)
      assert.equal(2, sb:drop_sockets())
      assert.is_true(client:ended() and other:ended())
      wait_for(function() return #sb:sockets() == 0 end)
      assert.equal(0, sb:drop_sockets())
    end)

    it("by a reset", function()
      for _, tls in ipairs { false, true } do
        local sb = start { tls = tls }
        local client = open(sb)
        -- What comes after a reset cannot be sent.
        local stream = client.conn
        sb:drop_sockets { reset = true }
        stream:settimeout(10)
        local _, err = stream:receive(1)
        assert.not_equal("timeout", err)
        assert.is_nil((stream:send("x")))
      end
    end)

    it("with a code and a reason, and hears the answer", function()
      local sb = start()
      local client = open(sb)
      update(sb, 1)
      assert.equal(1, sb:drop_sockets { code = 1001, reason = "going away" })
      assert.equal(0, update(sb, 2))
      assert.equal(1, client:update().value)
      local code, reason = close_of(client:message())
      assert.equal(1001, code)
      assert.equal("going away", reason)
      client:send(live.CLOSE, "\3\233")
      assert.is_true(client:ended())
      client = open(sb)
      sb:drop_sockets { code = 1000 }
      assert.equal(1000, (close_of(client:message())))
      -- The answer never comes.
      assert.is_true(client:ended())
    end)

    it("alone, or with those of its metric", function()
      local sb = start()
      local one, two, three = open(sb), open(sb, "102"), open(sb, "102")
      assert.equal(1, sb:drop_sockets { socket = 2 })
      assert.is_true(two:ended())
      assert.equal(1, sb:drop_sockets { id = "102", code = 4000 })
      assert.equal(4000, (close_of(three:message())))
      assert.equal(0, one:ping())
      assert.equal(1, sb:sockets()[1].id)
    end)

    it("when its reader leaves too much unread", function()
      local sb = start { buffer = 100000 }
      local client, reader = open(sb), open(sb, "102")
      local text = ("x"):rep(50000)
      wait_for(function()
        return sb:push { id = "101", raw = text } == 0
      end, "the buffer's end")
      assert.equal(1, sb:push { raw = "still" })
      assert.equal("still", reader:message().text)
      wait_for(function() return #sb:sockets() == 1 end)
      local whole, err = 0, nil
      while not err do
        local done, message = pcall(client.message, client)
        err = not (done and message)
        whole = whole + (err and 0 or 1)
      end
      assert.is_true(whole < sb:pushed()["101"].sent)
    end)

    it("as its client says goodbye", function()
      local sb = start()
      local client = open(sb)
      client:send(live.CLOSE, "\15\160bye")
      assert.equal(4000, (close_of(client:message())))
      assert.is_true(client:ended())
      client = open(sb)
      client:send(live.CLOSE)
      assert.is_nil((close_of(client:message())))
      assert.is_true(client:ended())
      wait_for(function() return #sb:sockets() == 0 end)
    end)
  end)

  describe("is silent", function()
    it("when mute, and says all of it afterwards", function()
      local sb = start { mute = true, handshake = "hello" }
      local client = open(sb)
      client:send(live.PING, "1")
      assert.equal(1, update(sb, 1))
      assert.equal(1, update(sb, 2))
      client.conn:settimeout(0.05)
      assert.is_nil((client:frame()))
      client.conn:settimeout(10)
      assert.equal(1, sb:sockets()[1].pings)
      sb:live { mute = false }
      assert.equal("hello", client:message().text)
      assert.equal(1, client:update().value)
      assert.equal(2, client:update().value)
      assert.equal(0, client:ping())
    end)

    it("one alone", function()
      local sb = start()
      local one, two = open(sb), open(sb)
      sb:live { mute = true, socket = 1 }
      update(sb, 1)
      assert.equal(1, two:update().value)
      one.conn:settimeout(0.02)
      assert.is_nil((one:frame()))
      local third = open(sb)
      assert.equal(0, third:ping())
      sb:drop_sockets { code = 1000, socket = 1 }
      one.conn:settimeout(10)
      assert.is_true(one:ended())
    end)
  end)

  describe("answers pings", function()
    it("with what was in them", function()
      local sb = start { fragments = 3 }
      local client = open(sb)
      for _, text in ipairs { "", "x", ("y"):rep(125) } do
        client:send(live.PING, text)
        local message = client:message()
        assert.equal(live.PONG, message.opcode)
        assert.equal(text, message.text)
      end
      assert.equal(3, sb:sockets()[1].pings)
    end)

    it("late or never", function()
      local sb = start { pong = "never" }
      local client = open(sb)
      client:send(live.PING, "1")
      update(sb, 1)
      assert.equal(1, client:update().value)
      sb:live { pong = 0.1 }
      assert.is_true(plain.seconds(function()
        assert.equal(0, client:ping())
      end) >= 0.09)
      sb:live { pong = "late" }
      client:send(live.PING, "2")
      client.conn:settimeout(0.2)
      assert.is_nil((client:frame()))
      sb:live { pong = 0 }
      client.conn:settimeout(10)
      client:send(live.PING, "3")
      assert.equal("3", client:message().text)
    end)

    it("and sends its own", function()
      local sb = start { pings = 0.02 }
      local client = open(sb)
      for _ = 1, 3 do
        local message = client:message()
        assert.equal(live.PING, message.opcode)
        client:send(live.PONG, message.text)
      end
      wait_for(function() return sb:sockets()[1].pongs == 3 end, "pongs")
      sb:live { pings = 0 }
      client:send(live.TEXT, "hello")
      wait_for(function() return sb:sockets()[1].received == 1 end)
    end)
  end)

  describe("is flooded", function()
    it("with so many messages, whose end is the state", function()
      local sb = start { agents = 5 }
      local client, other = open(sb), open(sb, "102")
      for _, count in ipairs { 1, 3, 5000 } do
        assert.equal(1, sb:live { flood = count })
        local model = {}
        for _ = 1, count do
          local said = client:update()
          model[said.category] = { value = said.value, at = said.at }
        end
        assert.equal(0, client:ping())
        local state, seen = {}, 0
        for _, item in ipairs(sb:state { id = "101" }) do
          state[item.category] = { value = tonumber(item.value), at = item.at }
        end
        for category, item in pairs(model) do
          assert.same(item, state[category])
          seen = seen + 1
        end
        assert.equal(math.min(count, 5), seen)
      end
      assert.equal(5004, sb:pushed()["101"].sent)
      assert.equal(5004, sb:sockets()[1].sent)
      assert.equal(0, other:ping())
      assert.equal(1, sb:live { flood = 2, id = "102" })
      assert.equal("102", other:update().id)
    end)

    it("at its reader's pace, and hears others meanwhile", function()
      local sb = start { fragments = 2 }
      local client = open(sb)
      sb:live { flood = 1e9 }
      wait_for(function()
        local left = sb:sockets()[1].flood
        return left < 1e9 and left == sb:sockets()[1].flood
      end)
      assert.is_true(sb:sockets()[1].flood > 9e8)
      assert.equal(1, update(sb, -1))
      local count = 0
      repeat
        local said, message = client:update()
        assert.equal(2, message.frames)
        count = count + 1
      until said.value == -1
      sb:live { flood = 0 }
      local sent = sb:pushed()["101"].sent
      while count < sent do
        client:update()
        count = count + 1
      end
      assert.equal(0, client:ping())
    end)

    it("from the start", function()
      local sb = start { flood = 100, flood_id = "105" }
      local client, other = open(sb, { "101", "105" }), open(sb)
      for _ = 1, 100 do
        assert.equal("105", client:update().id)
      end
      assert.equal(0, client:ping())
      assert.equal(0, other:ping())
    end)
  end)

  it("beats, and says when", function()
    local sb = start()
    local before = sb:state()
    local client, other = open(sb, { "105", "101" }), open(sb)
    sb:live { beat = 200 }
    local first, last
    for _ = 1, 300 do
      local said = client:update()
      assert.equal("105", said.id)
      assert.equal("Beat", said.category)
      assert.is_true(not last or said.value >= last)
      first, last = first or said.value, said.value
    end
    -- 299 pauses of 5 ms, some of which it may have had to catch up with.
    assert.is_true(last - first > 20000, last - first)
    assert.is_true(math.abs(last / 1e6 - os.time()) < 5)
    assert.equal("101", other:update().id)
    sb:live { beat = 0 }
    local count = sb:sockets()[1].sent
    for _ = 301, count do
      client:update()
    end
    assert.equal(0, client:ping())
    assert.same(before, sb:state())
  end)

  describe("refuses", function()
    local TEXT, BINARY, CLOSE, PING = live.TEXT, live.BINARY, live.CLOSE,
      live.PING

    -- Frames, and the close code that they earn.
    local cases = {
      { "a frame without a mask", 1002, { TEXT, "x", { mask = false } } },
      { "a bit that nobody agreed on", 1002, { TEXT, "x", { rsv = 4 } } },
      { "an opcode that there is not", 1002, { 3, "x" } },
      { "a control opcode that there is not", 1002, { 11, "" } },
      { "a control frame in fragments", 1002, { PING, "x", { last = false } } },
      { "a long control frame", 1002, { PING, ("x"):rep(126) } },
      { "a fragment of nothing", 1002, { 0, "x" } },
      { "a message within another", 1002, { TEXT, "x", { last = false } },
        { TEXT, "y" } },
      { "text that is no UTF-8", 1007, { TEXT, "\255" } },
      { "text cut within a character", 1007, { TEXT, "x", { last = false } },
        { 0, "\195" } },
      { "an overlong character", 1007, { TEXT, "\192\175" } },
      { "half of a surrogate pair", 1007, { TEXT, "\237\160\128" } },
      { "a code point too high", 1007, { TEXT, "\244\144\128\128" } },
      { "a message too long", 1009, { BINARY, "", { size = 2 ^ 21 } } },
      { "fragments too long together", 1009,
        { BINARY, ("x"):rep(1000), { last = false } },
        { 0, "", { size = 2 ^ 20 - 999 } } },
      { "half a close code", 1002, { CLOSE, "\3" } },
      { "a close code that is none", 1002, { CLOSE, "\3\237" } },
      { "a close code that is reserved", 1002, { CLOSE, "\7\208" } },
      { "a reason that is no UTF-8", 1007, { CLOSE, "\3\232\255" } },
    }

    for _, case in ipairs(cases) do
      it(case[1], function()
        local sb = start()
        for _, by_byte in ipairs { false, true } do
          local client = open(sb)
          for i = 3, #case do
            local text = live.frame_text(case[i][1], case[i][2], case[i][3])
            for at = 1, #text, by_byte and #text < 20 and 1 or #text do
              client.conn:send(by_byte and #text < 20 and text:sub(at, at)
                or text)
            end
          end
          assert.equal(case[2], (close_of(client:message())))
          assert.is_true(client:ended())
        end
      end)
    end
  end)

  it("takes what RFC 6455 allows", function()
    local sb = start()
    local client = open(sb)
    local bytes = table.concat {
      live.frame_text(live.TEXT, "h\195", { last = false }),
      live.frame_text(live.PING, "in between"),
      live.frame_text(0, "", { last = false }), live.frame_text(0, "\169"),
      live.frame_text(live.BINARY, "\255\0"), live.frame_text(live.TEXT, ""),
      live.frame_text(live.PONG, "unasked"),
      live.frame_text(live.TEXT, ("x"):rep(70000)),
      live.frame_text(live.TEXT, "\240\144\128\128\244\143\191\191\238\128\128"),
    }
    client.conn:send(bytes)
    assert.equal("in between", client:message().text)
    wait_for(function() return sb:sockets()[1].received == 5 end, "messages")
    assert.equal(1, sb:sockets()[1].pongs)
    for at = 1, #bytes, 7001 do
      client.conn:send(bytes:sub(at, at + 7000))
    end
    wait_for(function() return sb:sockets()[1].received == 10 end, "messages")
    assert.equal("in between", client:message().text)
    assert.equal(0, client:ping())
  end)

  it("may have frames with its request", function()
    local sb = start()
    local conn = plain.connect(sb)
    conn:send(plain.request_text("GET", live.target("101"), live.headers())
      .. live.frame_text(live.PING, "early"))
    assert.equal(101, plain.read_head(conn).status)
    assert.equal("\138\5early", conn:receive(7))
    conn:close()
  end)

  it("is one of many", function()
    local sb = start()
    local clients = {}
    for i = 1, 200 do
      clients[i] = open(sb, i % 2 == 0 and "101" or "102")
    end
    assert.equal(100, update(sb, 1))
    assert.equal(200, sb:push { raw = "all" })
    for i, client in ipairs(clients) do
      if i % 2 == 0 then
        assert.equal(1, client:update().value)
      end
      assert.equal("all", client:message().text)
      client:close()
    end
    wait_for(function() return #sb:sockets() == 0 end)
  end)
end)
