-- client:subscribe with a server that is not ours: Debian's python3-websockets.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local internals = require "ccaas.internals"

local PATIENCE = 30 -- seconds until a test gives up; never waited for in vain

local base, tls_base, ca_file
local clients, count = {}, 0

setup(function()
  local path = helper.folder() .. "/own"
  local status, output = helper.run(("openssl req -x509 -newkey rsa:2048 -nodes -keyout %s.key -out %s.pem"
    .. " -subj /CN=here -addext subjectAltName=IP:127.0.0.1"):format(path, path))
  assert(status == 0, output)
  ca_file = path .. ".pem"
  local pipe = assert(io.popen(("exec /usr/bin/python3 %s/spec/support/websocket_server.py %s.pem %s.key")
    :format(helper.top, path, path)))
  helper.at_end(function() pipe:close() end)
  local plain, tls = (pipe:read("*l") or ""):match("^(%d+) (%d+)$")
  assert(plain, "the server does not serve")
  base, tls_base = "http://127.0.0.1:" .. plain, "https://127.0.0.1:" .. tls
end)

after_each(function()
  for _, client in ipairs(clients) do
    client:close()
  end
  clients = {}
end)

-- A stream of what the server does by that name, and the test's own name.
local function subscribe(doing, opts, settings)
  count = count + 1
  local all = { provider = "xima", token = "a token", timeout = 5 }
  for name, value in pairs(settings or {}) do
    all[name] = value
  end
  all.base_url = ("%s/t%d/%s"):format(all.base_url or base, count, doing)
  local client = ccaas.new(all)
  internals.tune(client, { pause_first = 0.02, pause_most = 0.1 })
  clients[#clients + 1] = client
  local given = { snapshot = false }
  for name, value in pairs(opts or {}) do
    given[name] = value
  end
  return client:subscribe({ "101" }, given), "t" .. count
end

local function next_of(live, kind)
  local event, err = live:next(PATIENCE)
  assert.is_table(event, tostring(err))
  assert.equal(kind, event.type, tostring(event.error or event.raw))
  return event
end

local function fails(live, code)
  local event, err = live:next(PATIENCE)
  assert.is_nil(event)
  assert.equal(code, err.code, tostring(err))
  return err
end

-- It was lost, for that reason, and is opened again; gives the down event.
local function recovers(live, reason)
  local down = next_of(live, "down")
  assert.equal(reason, down.reason, tostring(down.error))
  assert.equal(reason, down.error.code)
  assert.is_true(down.error.retryable)
  local open = next_of(live, "open")
  local gap = next_of(live, "gap")
  assert.equal(reason, gap.reason)
  assert.is_true(gap.from <= down.at and down.at <= gap.to)
  assert.equal(open.at, gap.to)
  assert.equal(102, next_of(live, "update").value)
  return down, gap
end

-- The codes by which the connections of that test ended, as the server saw it.
local function codes_of(name)
  local live = subscribe("code/" .. name)
  next_of(live, "open")
  return next_of(live, "message").raw
end

describe("a subscription to a server of another kind", function()
  it("puts fragments together, with pings between them", function()
    local live = subscribe("fragments")
    next_of(live, "open")
    local event = next_of(live, "update")
    assert.equal("\195\188", event.metric_id)
    assert.equal(7, event.value)
  end)

  it("offers no compression, and gets none", function()
    local live = subscribe("offers")
    next_of(live, "open")
    assert.equal("[]", next_of(live, "message").raw)
  end)

  it("does not accept a compressed frame as text", function()
    local live = subscribe("unasked")
    next_of(live, "open")
    local down = next_of(live, "down")
    assert.is_truthy(down.reason == "protocol" or down.reason == "network", down.reason)
    next_of(live, "open")
  end)

  it("answers pings", function()
    local live = subscribe("ping")
    next_of(live, "open")
    assert.equal(1, next_of(live, "update").value)
  end)

  it("gives binary messages as it gives others", function()
    local live = subscribe("binary")
    next_of(live, "open")
    assert.equal(8, next_of(live, "update").value)
    local event = next_of(live, "message")
    assert.equal("\0\255", event.raw)
    assert.is_true(event.binary)
  end)

  for _, case in ipairs { { 1000, "" }, { 1001, "going away" }, { 1003, "not that" }, { 1011, "oh, no" },
    { 4000, "so long, caf\195\169" },
    -- A terminal obeyed the reason.
    { 4002, "\27[31mno\r\n\194\155\226\128\168", "\\x1b[31mno\\r\\n\\u{9b}\\u{2028}" } } do
    local code, reason, shown = case[1], case[2], case[3] or case[2]
    it(("tells that it was closed with %d, and goes on"):format(code), function()
      local live, name = subscribe(("close/%d-%s"):format(code, reason:gsub("[^%w]", function(c)
        return ("%%%02X"):format(c:byte())
      end)))
      next_of(live, "open")
      assert.equal(1, next_of(live, "update").value)
      local down = recovers(live, "network")
      assert.equal("the server closed the websocket (" .. code .. (reason ~= "" and ": " .. shown or "") .. ")",
        down.error.message)
      live:close()
      assert.equal(code .. " 1000", codes_of(name))
    end)
  end

  it("tells that the connection was lost, and since when, and goes on", function()
    local live = subscribe("vanish")
    next_of(live, "open")
    next_of(live, "update")
    local heard = os.time() + 1.1 -- whole seconds, and its clock may be a little behind
    local _, gap = recovers(live, "network")
    assert.is_true(gap.from <= heard)
  end)

  it("stays for as long as its pings are answered", function()
    local live = subscribe("quiet", { silence = 4 })
    next_of(live, "open")
    assert.equal(4, next_of(live, "update").value)
    assert.equal(0, live:info().lost)
  end)

  for _, doing in ipairs { "deaf", "late" } do
    it("is lost when they are not: " .. doing, function()
      local live = subscribe(doing, { silence = 0.5 })
      local open = next_of(live, "open")
      local down = next_of(live, "down")
      assert.equal("timeout", down.reason)
      assert.is_true(down.at - open.at >= 0.45)
      next_of(live, "open")
      local gap = next_of(live, "gap")
      assert.is_true(gap.from <= down.at - 0.45)
    end)
  end

  it("hangs up on text that is not UTF-8, and goes on", function()
    local live, name = subscribe("latin")
    next_of(live, "open")
    assert.equal(1, next_of(live, "update").value)
    recovers(live, "protocol")
    live:close()
    assert.equal("1007 1000", codes_of(name))
  end)

  it("ends with a message that is larger than max_record", function()
    local live, name = subscribe("large/100000", nil, { max_record = 65536 })
    next_of(live, "open")
    assert.equal(1, next_of(live, "update").value)
    local err = fails(live, "too_large")
    assert.is_truthy(err.message:find("65536", 1, true), err.message)
    assert.is_false(err.retryable)
    fails(live, "too_large")
    assert.equal("1009", codes_of(name))
  end)

  it("accepts one of exactly that size", function()
    local live = subscribe("large/60000", nil, { max_record = 65536 })
    next_of(live, "open")
    assert.equal(1, next_of(live, "update").value)
    assert.equal(60000, #next_of(live, "update").raw:match("x+"))
  end)

  for status, code in pairs { [400] = "bad_request", [401] = "auth", [403] = "forbidden", [404] = "not_found",
    [302] = "protocol" } do
    it("ends when it is refused with " .. status, function()
      local live = subscribe("status/" .. status)
      local err = fails(live, code)
      assert.equal(status, err.status)
      assert.is_false(err.retryable)
      assert.is_nil(tostring(err):find("a%%20token"))
      assert.is_nil(err.url:find("token", 1, true))
    end)
  end

  it("waits when it is refused with 503, for as long as the server asks", function()
    local live = subscribe("status/503")
    local down = next_of(live, "down")
    assert.equal("server", down.reason)
    assert.equal(503, down.error.status)
    assert.equal(1, down.error.retry_after)
    local open = next_of(live, "open")
    assert.equal(2, open.attempt)
    assert.is_true(open.at - down.at >= 0.95)
    assert.equal(102, next_of(live, "update").value)
  end)

  it("ends after as many attempts as it may make", function()
    local live = subscribe("status/503", { max_reconnects = 0 })
    assert.equal(503, fails(live, "server").status)
  end)

  it("asks for another token, once", function()
    local reasons = {}
    local function token(why)
      reasons[#reasons + 1] = why
      return "token-" .. #reasons
    end
    local live = subscribe("token/token-2", nil, { token = token })
    next_of(live, "open")
    assert.same({ "start", "refused" }, reasons)
    local other = subscribe("token/token-9", nil, { token = token })
    assert.equal(401, fails(other, "auth").status)
    assert.equal(4, #reasons)
  end)

  it("keeps the newest of each metric for a slow reader", function()
    local live = subscribe("flood/20000", { queue = 4 })
    next_of(live, "open")
    local last, messages = {}, 0
    local event = live:next(PATIENCE)
    while event.type == "update" do
      assert.is_true(event.value > (last[event.metric_id] or -1))
      last[event.metric_id], messages = event.value, messages + 1
      event = live:next(PATIENCE)
    end
    assert.same({ ["0"] = 19998, ["1"] = 19999, ["2"] = 19997 }, last)
    assert.equal(20000, messages + live:info().conflated)
  end)

  it("gives all of them with overflow = block", function()
    local live = subscribe("flood/5000", { queue = 4, overflow = "block" })
    next_of(live, "open")
    for number = 0, 4999 do
      assert.equal(number, next_of(live, "update").value)
    end
    next_of(live, "message")
    assert.equal(0, live:info().conflated)
  end)

  for _, what in ipairs { "client", "stream" } do
    it("may be closed by a finaliser while an update is decoded: the " .. what, function()
      for round = 1, 5 do
        local live = subscribe("flood/3000", { overflow = "block" })
        next_of(live, "open")
        local client, closed = clients[#clients], false
        local guard = helper.with_finaliser(function()
          closed = true;
          (what == "client" and client or live):close()
        end)
        assert.is_truthy(guard)
        guard = nil -- luacheck: ignore
        local updates = 0
        local event, err
        repeat
          event, err = live:next(PATIENCE)
          updates = updates + (event and event.type == "update" and 1 or 0)
          if round % 2 == 0 then
            collectgarbage("step", 1)
          end
        until not event or event.type == "message"
        if not event then
          assert.is_true(closed)
          assert.equal("cancelled", err.code)
        else
          assert.equal(3000, updates)
        end
      end
    end)
  end

  it("works over TLS, with a server that it trusts", function()
    local live = subscribe("fragments", nil, { base_url = tls_base, ca_file = ca_file })
    next_of(live, "open")
    assert.equal(7, next_of(live, "update").value)
    local stranger = subscribe("fragments", nil, { base_url = tls_base })
    assert.is_false(fails(stranger, "tls").retryable)
  end)

  it("goes on without current values if the tenant has none", function()
    local live = subscribe("ping", { snapshot = true, retries = 0 })
    next_of(live, "open")
    local event = next_of(live, "message")
    assert.is_truthy(event.error)
    assert.equal(1, next_of(live, "update").value)
  end)
end)
