-- client:subscribe: values as they change, over real websockets of the sandbox.
local helper = require "spec.helper"
local ccaas = require "ccaas"
local side = require "ccaas.side"

local VALUES = "/rest/api/v1/realtime/metrics/values"
local SOCKET = "/realtime-metric-subscription"

describe("a subscription", function()
  local sandbox, client

  local function start(options, overrides)
    options = options or {}
    options.agents, options.queues, options.groups = options.agents or 4, 3, 2
    sandbox = helper.sandbox(options)
    client = ccaas.new(sandbox:options("xima", overrides))
    side.of(client).pauses = { first = 0.01, most = 0.05 }
  end

  local function subscribe(opts, ids)
    opts = opts or {}
    if opts.snapshot == nil then
      opts.snapshot = false
    end
    return client:subscribe(ids or { "101" }, opts)
  end

  -- The next event, which must be of that type.
  local function take(stream, kind)
    local event, err = stream:next(30)
    assert(event, tostring(err))
    assert.equal(kind, event.type)
    return event
  end

  local function opened(opts, ids)
    local stream = subscribe(opts, ids)
    take(stream, "open")
    return stream
  end

  -- Nothing more is there now.
  local function assert_quiet(stream)
    local event, err = stream:next(0)
    assert.is_nil(event)
    assert.equal("timeout", err.code)
  end

  local function push(value, category, at)
    return sandbox:push { id = "101", category = category or "A", value = value, at = at }
  end

  local function wait_for(condition)
    local ends = os.time() + 30
    while not condition() do
      assert(os.time() < ends, "what the spec waits for did not happen")
    end
  end

  -- How many requests there were for that path.
  local function asked(path)
    local count = 0
    for _, request in ipairs(sandbox:requests()) do
      count = count + (request.path:sub(-#path) == path and 1 or 0)
    end
    return count
  end

  after_each(function()
    if client then
      client:close()
      sandbox:stop()
      client = nil
    end
  end)

  describe("gives", function()
    it("nothing, and opens nothing, before it is read", function()
      start()
      local stream = subscribe()
      assert.equal("ccaas.Events (subscribe)", tostring(stream))
      assert.same({}, sandbox:requests())
      stream:close()
      assert.same({}, sandbox:requests())
    end)

    it("the opening, then what is pushed", function()
      start()
      local stream = subscribe({}, { "101", "102" })
      local open = take(stream, "open")
      assert.equal(1, open.attempt)
      assert.is_true(math.abs(open.at - os.time()) < 60)
      assert.same({ "101", "102" }, sandbox:sockets()[1].ids)
      assert.equal(1, push(7, 'Alice "A" Zoë\\'))
      local update = take(stream, "update")
      assert.equal("101", update.metric_id)
      assert.equal('Alice "A" Zoë\\', update.category)
      assert.equal("COUNT", update.kind)
      assert.equal("7", tostring(update.value))
      assert.matches("^%d%d%d%d%-%d%d%-%d%dT", update.updated_at)
      assert.is_nil(update.snapshot)
      local raw = require("cjson").decode(update.raw)
      assert.equal("101", raw.key.metricId)
      assert.equal(7, raw.value.count)
      assert_quiet(stream)
      stream:close()
    end)

    it("the current values after the opening", function()
      start()
      local stream = subscribe({ snapshot = true }, { "101", "103" })
      take(stream, "open")
      local state = {}
      for _, id in ipairs { "101", "103" } do
        for _, value in ipairs(sandbox:state { id = id }) do
          state[id .. value.category] = value
        end
      end
      while next(state) do
        local update = take(stream, "update")
        local key = update.metric_id .. update.category
        assert.is_true(update.snapshot)
        assert.equal(state[key].at, update.updated_at)
        assert.equal(state[key].kind, update.kind)
        state[key] = nil
      end
      assert_quiet(stream)
      assert.equal(1, stream:info().snapshots)
    end)

    it("all of a value whose kind has no count", function()
      start { kinds = { ["101"] = "TEXT" } }
      local stream = opened()
      sandbox:push { id = "101", category = "A", value = "busy" }
      local update = take(stream, "update")
      assert.equal("TEXT", update.kind)
      assert.equal("busy", update.value.text)
      assert.equal("TEXT", update.value.type)
    end)

    it("what is no update as it came, and goes on", function()
      start { handshake = "handshake details" }
      local stream = opened()
      local message = take(stream, "message")
      assert.equal("handshake details", message.raw)
      assert.equal("protocol", message.error.code)
      assert.matches("at byte 0", message.error.message)
      for _, raw in ipairs { '{"key":{"metricId":"101"},"value":7}', '{"value":{"count":1}}', "[]", "7", "{}",
        '{"key":{"metricId":101},"value":{}}' } do
        sandbox:push { id = "101", raw = raw }
        message = take(stream, "message")
        assert.equal(raw, message.raw)
        assert.is_nil(message.error)
      end
      sandbox:push { id = "101", raw = '{"key":{"metricId":"101","categoryValue":"A"},"value":{"count":1}' }
      assert.equal("protocol", take(stream, "message").error.code)
      sandbox:push { id = "101", raw = "\0\255", binary = true }
      message = take(stream, "message")
      assert.equal("\0\255", message.raw)
      assert.is_true(message.binary)
      push(1)
      take(stream, "update")
    end)

    it("messages that come in pieces whole", function()
      start { fragments = 7 }
      local stream = opened()
      push(123456789)
      assert.equal("123456789", tostring(take(stream, "update").value))
    end)

    it("nothing that is older than what it gave", function()
      start()
      local stream = opened()
      push(1, "A", 1782777600)
      push(2, "B", 1782777500)
      push(3, "A", 1782777599.5)
      push(4, "A", 1782777600)
      local values = {}
      for i = 1, 3 do
        values[i] = tostring(take(stream, "update").value)
      end
      assert.same({ "1", "2", "4" }, values)
      assert_quiet(stream)
      assert.equal(1, stream:info().stale)
    end)

    it("nothing that is older than a current value", function()
      start()
      push(5, "A")
      local at = sandbox:state { id = "101" }
      local stream = subscribe { snapshot = true }
      take(stream, "open")
      for _ = 1, #at do
        take(stream, "update")
      end
      push(4, "A", 1000000000)
      push(6, "A")
      assert.equal("6", tostring(take(stream, "update").value))
      assert.equal(1, stream:info().stale)
    end)
  end)

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

    it("is opened again as often as it takes, and is down once", function()
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

    it("is down, and tried again, where nobody listens", function()
      start()
      sandbox:stop()
      local stream = subscribe { max_reconnects = 3 }
      local down = take(stream, "down")
      assert.equal("connect", down.reason)
      local _, err = stream:next(30)
      assert.equal("connect", err.code)
    end)

    it("has no gap to tell before it was open once", function()
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

  describe("whose reader is slow", function()
    it("keeps the newest of each metric and category, and counts the others", function()
      start()
      local stream = opened { queue = 2 }
      for i = 1, 100 do
        push(i, i % 2 == 0 and "even" or "odd")
      end
      wait_for(function()
        local info = stream:info()
        return info.waiting + info.conflated == 100
      end)
      assert.equal(98, stream:info().conflated)
      local newest = {}
      for _ = 1, 2 do
        local update = take(stream, "update")
        newest[update.category] = tostring(update.value)
      end
      assert.same({ odd = "99", even = "100" }, newest)
      assert_quiet(stream)
    end)

    it("keeps the newer one also when it came first", function()
      start()
      local stream = opened { queue = 1 }
      push(2, "A", 1782777600)
      push(1, "A", 1782777599)
      push(3, "A", 1782777601)
      wait_for(function()
        local info = stream:info()
        return info.stale + info.conflated == 2
      end)
      assert.equal("3", tostring(take(stream, "update").value))
      assert.equal(1, stream:info().stale)
    end)

    it("loses no other metric or category", function()
      start()
      local stream = opened { queue = 2 }
      for i = 1, 50 do
        push(i, "category " .. i)
      end
      for i = 1, 50 do
        assert.equal("category " .. i, take(stream, "update").category)
      end
      assert.equal(0, stream:info().conflated)
    end)

    it("never replaces what is no update", function()
      start()
      local stream = opened { queue = 1 }
      for i = 1, 5 do
        sandbox:push { id = "101", raw = "[" .. i .. "]" }
      end
      for i = 1, 5 do
        assert.equal("[" .. i .. "]", take(stream, "message").raw)
      end
    end)

    it("makes the server wait with overflow = block, and gets all", function()
      start { buffer = 10000000 }
      local stream = opened { queue = 2, overflow = "block" }
      sandbox:live { flood = 20000 }
      local last
      for _ = 1, 20000 do
        last = take(stream, "update")
      end
      assert_quiet(stream)
      local info = stream:info()
      assert.equal(0, info.conflated)
      assert.equal(20000, info.messages)
      assert.is_truthy(last.value)
    end)

    it("gets what is true at the end of a flood", function()
      start { buffer = 10000000 }
      local stream = opened { queue = 4 }
      sandbox:live { flood = 20000 }
      wait_for(function() return stream:info().conflated > 0 or stream:info().waiting >= 4 end)
      local model, count = {}, 0
      repeat
        local event = stream:next(2)
        if event then
          model[event.category] = event.value
          count = count + 1
        end
      until not event
      local info = stream:info()
      assert.equal(20000, info.conflated + count + info.stale)
      for _, value in ipairs(sandbox:state { id = "101" }) do
        if model[value.category] then
          assert.equal(value.value, tostring(model[value.category]))
        end
      end
    end)
  end)

  describe("ends", function()
    it("when it is closed", function()
      start()
      local stream = opened()
      stream:close()
      stream:close()
      local event, err = stream:next()
      assert.is_nil(event)
      assert.equal("cancelled", err.code)
      assert.has_error(function() stream() end)
      wait_for(function() return #sandbox:sockets() == 0 end)
    end)

    it("with its client", function()
      start()
      local stream = opened()
      client:close()
      assert.equal("cancelled", select(2, stream:next()).code)
      wait_for(function() return #sandbox:sockets() == 0 end)
    end)

    it("when its loop is left, on Lua 5.4", function()
      start()
      for event in subscribe():each() do -- luacheck: ignore
        assert.equal("open", event.type)
        break
      end
      if _VERSION == "Lua 5.1" then
        collectgarbage()
        collectgarbage()
      end
      wait_for(function() return #sandbox:sockets() == 0 end)
    end)

    it("when it is collected", function()
      start()
      opened()
      -- Local variables of a call may linger in the stack for a while.
      wait_for(function()
        collectgarbage()
        return #sandbox:sockets() == 0
      end)
    end)

    it("at its deadline", function()
      start()
      local stream = opened { deadline = 1 }
      local event, err = stream:next(30)
      assert.is_nil(event)
      assert.equal("timeout", err.code)
      assert.matches("deadline", err.message)
    end)

    it("with too large a message", function()
      start({}, { max_record = 1000 })
      local stream = opened()
      sandbox:push { id = "101", raw = '"' .. ("x"):rep(998) .. '"' }
      assert.equal(1000, #take(stream, "message").raw)
      sandbox:push { id = "101", raw = '"' .. ("x"):rep(999) .. '"' }
      local event, err = stream:next(30)
      assert.is_nil(event)
      assert.equal("too_large", err.code)
    end)

    it("when it is closed by another coroutine while it waits", function()
      start()
      local waiting
      local ready = function(fd, seconds)
        waiting = true
        while not require("ccaas.core").poll(fd, 0) do
          coroutine.yield()
        end
        return seconds == nil or seconds > 0
      end
      local other = ccaas.new(sandbox:options("xima", { loop = { wait = ready } }))
      local stream = other:subscribe({ "101" }, { snapshot = false })
      local event, err
      local reader = coroutine.create(function()
        repeat
          event, err = stream:next()
        until not event
      end)
      local function turn()
        assert(coroutine.resume(reader))
      end
      wait_for(function()
        turn()
        return event and waiting
      end)
      turn()
      stream:close()
      wait_for(function()
        turn()
        return coroutine.status(reader) == "dead"
      end)
      assert.equal("cancelled", err.code)
      other:close()
    end)
  end)

  it("is merged with others", function()
    start()
    local one, other = subscribe(nil, { "101" }), subscribe({ snapshot = true }, { "102" })
    local agents = client:agents()
    local merged = ccaas.merge(one, other, agents)
    local seen, updates = {}, 0
    repeat
      local item, stream = merged:next(30)
      seen[stream] = (seen[stream] or 0) + 1
      updates = updates + (stream == other and item.type == "update" and 1 or 0)
    until seen[one] and updates == #sandbox:state { id = "102" } and seen[agents] == 4
    push(1)
    local item, stream = merged:next(30)
    assert.equal(one, stream)
    assert.equal("update", item.type)
    merged:close()
    wait_for(function() return #sandbox:sockets() == 0 end)
  end)

  it("goes by TLS, verified", function()
    start { tls = true }
    local stream = opened()
    push(1)
    take(stream, "update")
    local options = sandbox:options("xima")
    options.ca_file = nil
    local stranger = ccaas.new(options)
    local _, err = stranger:subscribe({ "101" }):next(30)
    assert.equal("tls", err.code)
    stranger:close()
  end)

  it("shows the token to nobody but the server", function()
    local token = "a b&c=d%2B+/é?#"
    local said = {}
    start({ xima_token = token }, { on_event = function(event)
      for name, value in pairs(event) do
        said[#said + 1] = name .. "=" .. tostring(value)
      end
    end })
    local stream = opened()
    assert.equal(token, sandbox:requests()[1].query.auth_token)
    sandbox:live { refuse = 403 }
    sandbox:drop_sockets { code = 4000, reason = token }
    local down = take(stream, "down")
    local _, err = stream:next(30)
    assert.equal("forbidden", err.code)
    assert.matches("/realtime%-metric%-subscription$", err.url)
    for _, text in ipairs { tostring(down.error), tostring(err), tostring(stream), tostring(client),
      table.concat(said, "\n") } do
      assert.is_nil(text:find("a b&c", 1, true), text)
      assert.is_nil(text:find("a%20b", 1, true), text)
      assert.is_nil(text:find("auth_token", 1, true), text)
    end
    local text = table.concat(said, "\n")
    assert.is_truthy(text:find("type=socket", 1, true), text)
    assert.is_truthy(text:find("reason=open", 1, true), text)
    assert.is_truthy(text:find("reason=lost", 1, true), text)
    assert.is_truthy(text:find("reason=refused", 1, true), text)
  end)

  it("raises what is misuse at the caller's line", function()
    start()
    local function raises(message, ...)
      local arguments = { ... }
      local unpack = table.unpack or unpack -- luacheck: ignore
      local ok, raised = pcall(function() client:subscribe(unpack(arguments, 1, 2)) end)
      assert.is_false(ok)
      assert.matches("subscribe_spec.lua:%d+: ", raised)
      assert.is_truthy(raised:find(message, 1, true), raised)
    end
    raises("needs a list of ids")
    raises("ids", {})
    raises('option `overflow` must be "latest" or "block"', { "101" }, { overflow = "drop" })
    raises("option `queue` must be a whole number from 1 to 65536", { "101" }, { queue = 0 })
    raises("option `queue` must be a whole number from 1 to 65536", { "101" }, { queue = 65537 })
    raises("option `silence` must be a number of seconds above 0", { "101" }, { silence = 0 })
    raises("option `max_reconnects` must be a whole number from 0 on", { "101" }, { max_reconnects = -1 })
    raises([[did you mean "overflow"?]], { "101" }, { overflaw = "latest" })
    local many = {}
    for i = 1, 3000 do
      many[i] = ("%d"):format(100000 + i)
    end
    raises("too many ids for one websocket", many)
  end)
end)
