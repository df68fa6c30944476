-- client:subscribe: what the server means by closing the websocket.  A raw server of
-- the spec's own, so that it is not libwebsockets that talks to itself.
local ccaas = require "ccaas"
local server = require "spec.support.server"
local subscription = require "spec.support.subscription"
local internals = require "ccaas.internals"
local websocket = require "spec.support.websocket"

local take, fails = subscription.take, subscription.fails

local client

-- A subscription to a server that does so with its nth connection, and the server.
local function subscribe(serve, opts, token)
  local s
  s = server.start(function(request, conn)
    conn:send(websocket.handshake(request))
    serve(conn, #s.requests)
    websocket.until_gone(conn)
  end)
  client = ccaas.new { provider = "xima", token = token or "T0KEN", base_url = s.url, loop = s.loop }
  internals.tune(client, { pause_first = 0.01, pause_most = 0.02 })
  local given = { snapshot = false }
  for name, value in pairs(opts or {}) do
    given[name] = value
  end
  return client:subscribe({ "101" }, given), s
end

-- A token function, and the reasons for which it was asked.
local function asked()
  local reasons = {}
  return function(reason)
    reasons[#reasons + 1] = reason
    return "token-" .. #reasons
  end, reasons
end

after_each(function()
  if client then
    client:close()
    client = nil
  end
end)

describe("a websocket that the server closes", function()
  -- It was opened again for ever, with the token that was refused.
  for _, code in ipairs { 1008, 3000, 3003, 4001, 4003, 4401, 4403 } do
    it(("with %d refuses a token: a string ends at once"):format(code), function()
      local live, s = subscribe(function(conn) conn:send(websocket.close(code, "T0KEN is no good")) end)
      take(live, "open")
      local err = fails(live, "auth")
      assert.is_false(err.retryable)
      assert.matches("refuses the token", err.message, 1, true)
      assert.is_nil(tostring(err):find("T0KEN", 1, true))
      assert.equal(1, #s.requests)
    end)

    it(("with %d has a token function asked once more"):format(code), function()
      local token, reasons = asked()
      local live, s = subscribe(function(conn) conn:send(websocket.close(code)) end, nil, token)
      take(live, "open")
      assert.equal("auth", take(live, "down").reason)
      take(live, "open")
      take(live, "gap")
      fails(live, "auth")
      assert.same({ "start", "refused" }, reasons)
      assert.equal("token-2", s.requests[2].query.auth_token)
    end)
  end

  it("counts such closes again from zero after a message", function()
    local token, reasons = asked()
    local live = subscribe(function(conn, n)
      conn:send((n <= 3 and websocket.update(n) or "") .. websocket.close(4401))
    end, nil, token)
    for n = 1, 3 do
      take(live, "open")
      if n > 1 then
        take(live, "gap")
      end
      take(live, "update")
      take(live, "down")
    end
    take(live, "open")
    take(live, "gap")
    fails(live, "auth")
    assert.same({ "start", "refused", "refused", "refused" }, reasons)
  end)

  -- The token that it had at the start was used for ever.
  it("three times before any message calls the token function once more, and goes on", function()
    local token, reasons = asked()
    local live, s = subscribe(function(conn, n)
      if n % 2 == 0 then
        conn:send(websocket.close(1001))
      end
      conn:close()
    end, { max_reconnects = 8 }, token)
    local event, err
    repeat
      event, err = live:next(30)
    until not event
    assert.equal("network", err.code, tostring(err))
    assert.same({ "start", "refused" }, reasons)
    assert.equal(9, #s.requests)
    assert.equal("token-1", s.requests[3].query.auth_token)
    assert.equal("token-2", s.requests[4].query.auth_token)
  end)

  -- Each opening counted as a success: max_reconnects never ended it.
  it("before any message counts for max_reconnects", function()
    local live, s = subscribe(function(conn) conn:send(websocket.close(1011, "no")) end, { max_reconnects = 2 })
    for n = 1, 3 do
      take(live, "open")
      if n > 1 then
        take(live, "gap")
      end
      if n < 3 then
        take(live, "down")
      end
    end
    fails(live, "network")
    assert.equal(3, #s.requests)
  end)

  it("after a message is a loss like any other", function()
    local live = subscribe(function(conn, n)
      conn:send(websocket.update(n) .. websocket.close(1011))
    end, { max_reconnects = 1 })
    for n = 1, 5 do
      take(live, "open")
      if n > 1 then
        take(live, "gap")
      end
      assert.equal(n, take(live, "update").value)
      assert.equal("network", take(live, "down").reason)
    end
  end)

  -- Some were told as 1002, a fault of the protocol.
  for code, name in pairs { [1012] = "restarts", [1013] = "is busy", [1014] = "has a bad gateway",
    [1002] = "is broken", [2999] = "is odd", [5000] = "is odder" } do
    it(("with %d is told with that code"):format(code), function()
      local live = subscribe(function(conn, n)
        conn:send(n == 1 and websocket.update(1) .. websocket.close(code, name) or "")
      end)
      take(live, "open")
      take(live, "update")
      local down = take(live, "down")
      assert.equal("network", down.reason)
      assert.equal(("the server closed the websocket (%d: %s)"):format(code, name), down.error.message)
      take(live, "open")
    end)
  end

  it("without a code is reported as such", function()
    local live = subscribe(function(conn, n) conn:send(n == 1 and websocket.close() or "") end)
    take(live, "open")
    assert.equal("the server closed the websocket (no code)", take(live, "down").error.message)
  end)
end)
