-- client:subscribe: sockets that are lost, opened again, or refused.
local core = require "ccaas.core"
local server = require "spec.support.server"
local subscription = require "spec.support.subscription"

local subscribe, opened, take = subscription.subscribe, subscription.opened, subscription.take
local assert_quiet, push = subscription.assert_quiet, subscription.push
local wait_for, asked = subscription.wait_for, subscription.asked
local VALUES, SOCKET = subscription.VALUES, subscription.SOCKET

describe("a subscription", function()
  local sandbox, client

  local function start(options, overrides) sandbox, client = subscription.start(options, overrides) end
  after_each(subscription.stop)

  describe("whose socket is lost", function()
    it("tells it at once, then the opening, the gap and the current values", function()
      start()
      local stream = subscribe { snapshot = true }
      take(stream, "open")
      local count = #sandbox:state { id = "101" }
      for _ = 1, count do
        take(stream, "update")
      end
      sandbox:drop_sockets()
      local down = take(stream, "down")
      assert.equal("network", down.reason)
      assert.equal("network", down.error.code)
      local open = take(stream, "open")
      local gap = take(stream, "gap")
      -- From when the server was last heard of.
      assert.is_true(gap.from <= down.at and gap.from > down.at - 60, gap.from - down.at)
      assert.equal(open.at, gap.to)
      assert.equal("network", gap.reason)
      for _ = 1, count do
        assert.is_true(take(stream, "update").snapshot)
      end
      assert_quiet(stream)
      local info = stream:info()
      assert.same({ 1, 2, 1, 2 }, { info.lost, info.opened, info.gaps, info.snapshots })
    end)

    it("has given what came before", function()
      start()
      local stream = opened()
      for i = 1, 5 do
        push(i)
      end
      wait_for(function() return stream:info().waiting == 5 end)
      sandbox:drop_sockets()
      for i = 1, 5 do
        assert.equal(tostring(i), tostring(take(stream, "update").value))
      end
      take(stream, "down")
    end)

    it("says how the server closed it", function()
      start()
      local stream = opened()
      sandbox:drop_sockets { code = 1001, reason = "going away" }
      local down = take(stream, "down")
      assert.matches("1001: going away", down.error.message, 1, true)
      take(stream, "open")
      take(stream, "gap")
    end)

    it("asks a tenant without current values once", function()
      start { values = false }
      local stream = subscribe { snapshot = true }
      take(stream, "open")
      push(1)
      take(stream, "update")
      sandbox:drop_sockets()
      take(stream, "down")
      take(stream, "open")
      take(stream, "gap")
      push(2)
      take(stream, "update")
      assert.equal(1, asked(VALUES))
      -- So do other subscriptions of the client.
      local other = subscribe { snapshot = true }
      take(other, "open")
      assert_quiet(other)
      assert.equal(1, asked(VALUES))
    end)

    it("says why there are no current values, and goes on", function()
      start()
      sandbox:fault { path = "/realtime/metrics/values", status = 500 }
      local stream = subscribe { snapshot = true, retries = 0 }
      take(stream, "open")
      local message = take(stream, "message")
      assert.equal("server", message.error.code)
      assert.equal("", message.raw)
      push(1)
      take(stream, "update")
    end)

    it("tells it at once also while the current values are asked for", function()
      start()
      local stream = subscribe { snapshot = true }
      sandbox:fault { path = "/realtime/metrics/values", hang = true }
      take(stream, "open")
      wait_for(function()
        stream:next(0)
        return asked(VALUES) == 1
      end)
      push(1)
      wait_for(function() return stream:info().waiting == 1 end)
      sandbox:drop_sockets()
      take(stream, "update")
      take(stream, "down")
      take(stream, "open")
      take(stream, "gap")
      assert.is_true(take(stream, "update").snapshot)
      assert.equal(2, asked(VALUES))
    end)

    it("is opened again as often as needed, and tells down once", function()
      start()
      local stream = opened()
      sandbox:fault { path = SOCKET, status = 503, times = 2 }
      sandbox:fault { path = SOCKET, reset = true }
      sandbox:drop_sockets()
      take(stream, "down")
      local open = take(stream, "open")
      assert.equal(4, open.attempt)
      take(stream, "gap")
    end)

    it("gives up after so many attempts in a row", function()
      for most = 0, 2 do
        start()
        local stream = opened { max_reconnects = most }
        local before = asked(SOCKET)
        sandbox:live { refuse = 503 }
        sandbox:drop_sockets()
        if most > 0 then
          take(stream, "down")
        end
        local event, err = stream:next(30)
        assert.is_nil(event)
        assert.equal(most > 0 and "server" or "network", err.code)
        assert.equal(before + most, asked(SOCKET))
        assert.equal(err, select(2, stream:next()))
        client:close()
        sandbox:stop()
      end
    end)

    it("tells on_event of its socket, and no secret", function()
      local told, TOKEN = {}, "sandbox-xima-token"
      start(nil, { on_event = function(event)
        if event.type == "socket" then
          told[#told + 1] = event
        end
      end })
      local stream = opened()
      sandbox:fault { path = SOCKET, status = 503, headers = { ["Retry-After"] = 0 } }
      sandbox:drop_sockets()
      take(stream, "down")
      take(stream, "open")
      take(stream, "gap")
      assert_quiet(stream) -- events are told by whoever waits next
      local seen = {}
      for i, event in ipairs(told) do
        seen[i] = { event.reason, event.attempt, event.code, event.status }
        assert.equal("GET", event.method)
        assert.equal(SOCKET, event.url:sub(-#SOCKET))
        for _, value in pairs(event) do
          assert.is_nil(tostring(value):find(TOKEN, 1, true))
        end
      end
      assert.same({ { "open", 1 }, { "lost", nil, "network" }, { "refused", 1, "server", 503 }, { "open", 2 } }, seen)
    end)

    it("waits as long as the server asks", function()
      start()
      local stream = opened()
      sandbox:fault { path = SOCKET, status = 503, headers = { ["Retry-After"] = "1" } }
      sandbox:drop_sockets()
      take(stream, "down")
      take(stream, "open")
      local at = {}
      for _, request in ipairs(sandbox:requests()) do
        at[#at + 1] = request.at
      end
      assert.equal(3, #at)
      assert.is_true(at[3] - at[2] >= 0.99, at[3] - at[2])
    end)
  end)

  describe("that the server tells to come back much later", function()
    local DAY = { ["Retry-After"] = "86400" }

    -- It was down, and nobody was told until when.
    it("tells down, even if it is down already, and waits", function()
      start()
      local stream = opened()
      sandbox:fault { path = SOCKET, status = 503, headers = DAY, times = 9 }
      sandbox:drop_sockets()
      assert.is_nil(take(stream, "down").error.retry_after)
      local down = take(stream, "down")
      assert.same({ "server", 503, 86400 }, { down.reason, down.error.status, down.error.retry_after })
      assert_quiet(stream)
      assert.is_true(stream:timeout() > 86000, stream:timeout())
      assert.equal(2, asked(SOCKET))
      stream:close()
      assert.equal("cancelled", select(2, stream:next()).code)
    end)

    it("goes on when that time is over, whatever max_retry_after is", function()
      start()
      sandbox:fault { path = SOCKET, status = 429, headers = { ["Retry-After"] = "1" }, times = 2 }
      local stream = subscribe { max_retry_after = 0 }
      for _ = 1, 2 do
        assert.equal(1, take(stream, "down").error.retry_after)
      end
      assert.equal(3, take(stream, "open").attempt)
    end)

    it("does so if it has no token, too", function()
      local s = server.start(nil, function() return server.answer("", { status = 503, headers = DAY }) end)
      local tokenless = { core.client { token_url = s.url .. "/token", key = "k", secret = "s", retries = 4,
        timeout = 30, connect_timeout = 10, dialect = { messages = {}, codes = {}, references = {}, throttles = {} } } }
      local live = core.subscription(tokenless[1], { url = s.url:gsub("^http", "ws"), silence = 60, queue = 1024,
        max_retry_after = 120, pause_first = 1, pause_most = 30, max_message = 2 ^ 24,
        paths = { "a", "b", "c", "d", "e", "f" } })
      local event, state
      s:serve(function()
        event, state = live:take()
        return state ~= "wait"
      end)
      assert.same({ "down", 86400 }, { state, event.error.retry_after })
      assert.equal("wait", select(2, live:take()))
      assert.is_true(live:timeout() > 86000)
      live:close()
    end)

    -- Updates wait for the current values, and so did they for that.
    it("by the request for the current values tells that it has none", function()
      start()
      sandbox:fault { path = VALUES, status = 503, headers = DAY }
      local stream = subscribe { snapshot = true, deadline = 1e6 }
      take(stream, "open")
      assert.equal(86400, take(stream, "message").error.retry_after)
      push(1)
      take(stream, "update")
    end)
  end)

  describe("that is refused", function()
    local codes = { [400] = "bad_request", [401] = "auth", [403] = "forbidden", [404] = "not_found" }
    for status, code in pairs(codes) do
      it(("with %d ends with error %s"):format(status, code), function()
        start()
        sandbox:live { refuse = status }
        local event, err = subscribe():next(30)
        assert.is_nil(event)
        assert.equal(code, err.code)
        assert.equal(status, err.status)
        assert.is_false(err.retryable)
        assert.equal(1, asked(SOCKET))
      end)
    end

    it("asks a token function once more", function()
      local reasons = {}
      start({}, { token = function(reason)
        reasons[#reasons + 1] = reason
        return #reasons == 2 and "sandbox-xima-token" or "old"
      end })
      local stream = subscribe()
      assert.equal(2, take(stream, "open").attempt)
      assert.same({ "start", "refused" }, reasons)
      sandbox:set { xima_token = "third" }
      sandbox:drop_sockets()
      take(stream, "down")
      local event, err = stream:next(30)
      assert.is_nil(event)
      assert.equal("auth", err.code)
      assert.same({ "start", "refused", "refused" }, reasons)
    end)

    it("is down, and tries again, if no server listens", function()
      start()
      sandbox:stop()
      local stream = subscribe { max_reconnects = 3 }
      local down = take(stream, "down")
      assert.equal("connect", down.reason)
      local _, err = stream:next(30)
      assert.equal("connect", err.code)
    end)

    it("tells no gap before it was open once", function()
      start()
      sandbox:fault { path = SOCKET, status = 503 }
      local stream = subscribe()
      take(stream, "down")
      assert.equal(2, take(stream, "open").attempt)
      push(1)
      take(stream, "update")
      assert.equal(0, stream:info().gaps)
    end)
  end)
end)
