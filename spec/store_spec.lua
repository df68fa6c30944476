-- What is asked of a store, and what becomes of its answers.  Each `view` of a
-- memory is a store of its own for the clients, as another process has it.
local ccaas = require "ccaas"
local helper = require "spec.helper"
local server = require "spec.server"
local socket = require "socket"

local unpack = table.unpack or unpack

local KEY, SECRET = "the key of the API", "the secret of the API"

-- A memory that stores share: what it holds, and what it was asked.
local function memory()
  local shared = { data = {}, calls = {}, lives = {} }
  local function live(key)
    local entry = shared.data[key]
    return entry and entry.ends > socket.gettime() and entry or nil
  end
  local function put(key, value, seconds)
    assert(type(key) == "string" and type(value) == "string" and seconds > 0)
    shared.data[key] = { value = value, ends = socket.gettime() + seconds, seconds = seconds }
    shared.lives[#shared.lives + 1] = { key = key, value = value, seconds = seconds }
    return true
  end
  -- `before(name, key, value)` is called first, and may yield, raise or give
  -- what the function then gives.
  function shared.view(_, before)
    local function wrap(name, f)
      return function(...)
        shared.calls[#shared.calls + 1] = name
        local instead = before and { before(name, ...) } or {}
        if instead[1] ~= nil or instead[2] ~= nil then
          return unpack(instead, 1, 2)
        end
        return f(...)
      end
    end
    return {
      get = wrap("get", function(key)
        local entry = live(key)
        return entry and entry.value
      end),
      set = wrap("set", put),
      add = wrap("add", function(key, value, seconds)
        if live(key) then
          return false
        end
        return put(key, value, seconds)
      end),
      delete = wrap("delete", function(key) shared.data[key] = nil end),
    }
  end
  -- The token's key and value, where there is one.
  function shared.token()
    for key, entry in pairs(shared.data) do
      if key:find("^ccaas:token:") then
        return key, entry.value
      end
    end
  end
  return shared
end

local function row(request)
  return server.answer(server.row(request.path:match("[^/]+$")))
end

local function token(name, more)
  return server.answer(('{"access_token":"%s"%s}'):format(name, more or ',"expires_in":"1799"'))
end

local function refusal()
  return server.answer('{"fault":{"faultstring":"Access Token expired"}}', { status = 401 })
end

-- Tokens T1, T2 ... of which the API takes `good` only, if that is given.
local function start(good, more)
  local s
  s = server.start(function(request)
    if good and request.headers.authorization ~= "Bearer " .. good then
      return refusal()
    end
    return row(request)
  end, function() return token("T" .. s.tokens, more) end)
  return s
end

-- A client; what happens to its token and its store is kept in `events`.
local function client_of(s, store, overrides)
  local events = {}
  local options = { key = KEY, secret = SECRET, store = store, on_event = function(event)
    if event.type == "token" or event.type == "wait" then
      events[#events + 1] = event
    end
  end }
  for name, value in pairs(overrides or {}) do
    options[name] = value
  end
  return ccaas.new(s:options(options)), events
end

local function reasons(events)
  local list = {}
  for i, event in ipairs(events) do
    list[i] = event.reason
  end
  return table.concat(list, "|")
end

local function side_by_side(s, clients, count)
  local calls, got = {}, 0
  for i = 1, count do
    for _, client in ipairs(clients) do
      calls[#calls + 1] = function()
        assert.equal(tostring(i), assert(client:queue(tostring(i))).id)
        got = got + 1
      end
    end
  end
  s:run(unpack(calls))
  return got
end

describe("a token in a store", function()
  it("is asked for, kept and let go with as many arguments as are said", function()
    local shared, s = memory(), start()
    local counts = { get = 1, set = 3, add = 3, delete = 1 }
    assert(client_of(s, shared:view(function(name, ...)
      assert.equal(counts[name], select("#", ...))
    end)):queue("1"))
    assert.equal(5, #shared.calls - 1)
  end)

  it("is taken by others, who ask for none", function()
    local shared, s = memory(), start()
    local one, ones = client_of(s, shared:view())
    local other, others = client_of(s, shared:view())
    assert(one:queue("1"))
    assert(other:queue("2"))
    assert(other:queue("3"))
    assert.equal(1, s.tokens)
    assert.equal("Bearer T1", s.requests[3].headers.authorization)
    assert.equal("granted", reasons(ones))
    assert.equal("shared", reasons(others))
  end)

  it("is asked for once by eight of fifty calls each", function()
    local shared, s = memory(), start()
    local clients = {}
    for i = 1, 8 do
      clients[i] = client_of(s, shared:view())
    end
    assert.equal(400, side_by_side(s, clients, 50))
    assert.equal(1, s.tokens)
  end)

  it("is asked for once also where every function of the store yields", function()
    local shared, s = memory(), start()
    local clients = {}
    for i = 1, 8 do
      clients[i] = client_of(s, shared:view(function()
        local pipe = require("ccaas.core").gather()
        pipe:arm()
        s.loop.wait(pipe:fd(), 0.002)
        pipe:close()
      end))
    end
    assert.equal(80, side_by_side(s, clients, 10))
    assert.equal(1, s.tokens)
  end)

  it("is asked of the store once by each, however many calls it has", function()
    local shared, s = memory(), start()
    assert(client_of(s, shared:view()):queue("1"))
    shared.calls = {}
    local client = client_of(s, shared:view())
    assert.equal(20, side_by_side(s, { client }, 20))
    assert.same({ "get" }, shared.calls)
  end)

  it("stays there as long as it lives, without its lease", function()
    local shared, s = memory(), start()
    assert(client_of(s, shared:view()):queue("1"))
    local key, value = shared:token()
    assert.matches("^ccaas:token:%x+$", key)
    assert.equal(64, #key:match("%x+$"))
    assert.matches(" T1$", value)
    local count = 0
    for name, entry in pairs(shared.data) do
      count = count + 1
      assert.equal(key, name)
      assert.is_true(entry.seconds > 1790 and entry.seconds <= 1799, entry.seconds)
    end
    assert.equal(1, count)
    assert.is_true(shared.lives[1].seconds <= 5) -- the lease
  end)

  it("is under a key, and with a value, that tell nothing of the credentials", function()
    local shared, s = memory(), start()
    assert(client_of(s, shared:view()):queue("1"))
    for _, life in ipairs(shared.lives) do
      for _, text in ipairs { life.key, life.value } do
        for _, secret in ipairs { KEY, SECRET, "/token" } do
          assert.is_nil(text:find(secret, 1, true), text)
        end
      end
    end
  end)

  it("is another one for other credentials", function()
    local shared, s = memory(), start()
    local view = shared:view()
    assert(client_of(s, view):queue("1"))
    assert(client_of(s, view, { secret = "another" }):queue("1"))
    assert(client_of(s, view, { key = "another" }):queue("1"))
    assert.equal(3, s.tokens)
  end)

  it("is renewed by one of all when a tenth of its life is left", function()
    local shared, s = memory(), start(nil, ',"expires_in":"2"')
    local one, other = client_of(s, shared:view()), client_of(s, shared:view())
    local from = socket.gettime()
    assert(one:queue("1"))
    assert(other:queue("1"))
    assert.equal(1, s.tokens)
    s:serve(function() return socket.gettime() > from + 2.01 end)
    assert.equal(4, side_by_side(s, { one, other }, 2))
    assert.equal(2, s.tokens)
  end)

  it("is not believed when it is over, foreign, damaged, or could not be sent", function()
    local now = math.floor(socket.gettime())
    for _, value in ipairs {
      ("ccaas1 ok 0 %d000 1799000 OLD"):format(now - 1),
      ("ccaas1 ok 0 %d000 1799000 BAD\r\nX-Evil: 1"):format(now + 1000),
      ("ccaas1 ok 0 %d000 1799000 "):format(now + 1000),
      ("ccaas1 ok 0 %d000 0 TOKEN"):format(now + 1000),
      ("ccaas1 ok 0 %d000 1799000"):format(now + 1000),
      ("ccaas1 server 503 %d000 2000 down"):format(now + 1000), -- nobody was waiting
      "ccaas1 ok", "nothing of ours", "", "ccaas1 ok 0 x y TOKEN", ("x"):rep(100000),
    } do
      local shared, s = memory(), start()
      assert(client_of(s, shared:view()):queue("1"))
      local key = shared:token()
      shared.data[key].value = value
      local client = client_of(s, shared:view())
      assert(client:queue("2"))
      assert.equal("Bearer T2", s.requests[2].headers.authorization, value)
      assert.matches(" T2$", shared.data[key].value)
    end
  end)

  it("that is far ahead of its time is used, whatever the other machine's clock says", function()
    local shared, s = memory(), start()
    assert(client_of(s, shared:view()):queue("1"))
    local key = shared:token()
    shared.data[key].value = "ccaas1 ok 0 4000000000000 1799000 FAR"
    assert(client_of(s, shared:view()):queue("2"))
    assert.equal("Bearer FAR", s.requests[2].headers.authorization)
    assert.equal(1, s.tokens)
  end)

  it("is no business of clients whose token is given", function()
    local shared = memory()
    local sandbox = helper.sandbox { recordings = 5, audio_interval = 0 }
    local function calls(given)
      local client = ccaas.new(sandbox:options("xima", { token = given, store = shared:view(), audio_interval = 0 }))
      assert(client:skills():all())
      return client
    end
    calls(sandbox:options("xima").token)
    local client = calls(function() return sandbox:options("xima").token end)
    assert.same({}, shared.calls)
    -- Its pace is.
    local list = assert(client:recordings { from = "2025-06-30", to = "2026-06-30" }:all())
    assert(client:audio(list[1]))
    assert.same({ "get", "add", "get", "delete" }, shared.calls)
    assert.same({}, shared.data)
  end)

  it("serves watching and merging, too", function()
    local shared, s = memory()
    s = server.start(function() return server.page { rows = { server.row("1"), server.row("2") } } end,
      function() return token("T" .. s.tokens) end)
    local one, other = client_of(s, shared:view()), client_of(s, shared:view())
    local merged = ccaas.merge(one:queues(), other:queues(), (client_of(s, shared:view())):watch("queues"))
    for _ = 1, 4 do
      assert(merged:next(20))
    end
    merged:close()
    assert.equal(1, s.tokens)
  end)

  it("is asked for anew by the next one when its coroutine dies in the store", function()
    local shared, s = memory(), start()
    local stuck = coroutine.create(function()
      local client = client_of(s, shared:view(function(name)
        if name == "add" then
          coroutine.yield("in the store")
        end
      end))
      client:queue("1")
    end)
    assert.equal("in the store", select(2, coroutine.resume(stuck)))
    stuck = nil
    collectgarbage()
    collectgarbage()
    assert(client_of(s, shared:view()):queue("2"))
    assert.equal(1, s.tokens)
    assert.is_nil(stuck)
  end)

  it("is asked for by another call of the client when the coroutine of one dies in the store", function()
    local shared, s = memory(), start()
    local dying = true
    local client = client_of(s, shared:view(function()
      if dying then
        dying = false
        coroutine.yield("in the store")
      end
    end))
    local stuck = coroutine.create(function() client:queue("1") end)
    assert.equal("in the store", select(2, coroutine.resume(stuck)))
    stuck = nil
    collectgarbage()
    collectgarbage()
    local from = socket.gettime()
    assert(client:queue("2"))
    assert.is_true(socket.gettime() - from < 4)
    assert.is_nil(stuck)
  end)
end)

describe("a lease", function()
  it("is held for as long as the request takes", function()
    local shared, s = memory()
    s = server.start(row, function(_, conn)
      conn:hold(nil, 6)
      return token("T" .. s.tokens)
    end)
    local one, other = client_of(s, shared:view()), client_of(s, shared:view())
    assert.equal(2, side_by_side(s, { one, other }, 1))
    assert.equal(1, s.tokens)
    local held, owner = 0, nil
    for _, life in ipairs(shared.lives) do
      if life.key:find("lease", 1, true) then
        assert.is_true(life.seconds <= 5)
        owner = owner or life.value
        held = held + (life.value == owner and 1 or 0)
      end
    end
    assert.is_true(held >= 3, held) -- added, and set anew every third of its time
  end)

  it("that somebody died with delays others by its seconds only", function()
    local shared, s = memory(), start()
    assert(client_of(s, shared:view()):queue("1"))
    local key = shared:token()
    shared.data[key] = nil
    assert(shared:view().add(key:gsub("token", "token-lease"), "a dead one", 1))
    shared.calls = {}
    local from = socket.gettime()
    assert(client_of(s, shared:view()):queue("2"))
    local seconds = socket.gettime() - from
    assert.is_true(seconds > 0.9 and seconds < 10, seconds)
    assert.equal(2, s.tokens)
    -- Looking again takes its time.
    assert.is_true(#shared.calls < 2 * 1 / 0.05 + 10, #shared.calls)
  end)

  it("that others have leaves deadlines and next(seconds) as they are", function()
    local shared, s = memory(), start()
    assert(client_of(s, shared:view()):queue("1"))
    local key = shared:token()
    shared.data[key] = nil
    assert(shared:view().add(key:gsub("token", "token-lease"), "another", 60))
    local client = client_of(s, shared:view())
    local from = socket.gettime()
    local _, err = client:queue("2", { deadline = 0.3 })
    assert.equal("timeout", err.code)
    local stream = client:queues()
    _, err = stream:next(0.3)
    assert.equal("timeout", err.code)
    assert.is_true(socket.gettime() - from < 5)
    stream:close()
    shared.data = {}
    assert(client:queue("3"))
  end)

  it("that was got for one who is gone is given back", function()
    local shared, s, stream = memory(), start(), nil
    local client = client_of(s, shared:view(function(name)
      if name == "add" and stream then
        stream:close()
        stream = nil
      end
    end))
    stream = client:queues()
    assert.equal("cancelled", select(2, stream:next()).code)
    assert(client_of(s, shared:view()):queue("1"))
    assert.is_true(s.tokens == 1, s.tokens)
  end)
end)

describe("a pace in a store", function()
  local PERIOD = { from = "2025-06-30", to = "2026-06-30" }

  local function xima(shared, interval, before)
    local sandbox = helper.sandbox { recordings = 5, audio_interval = 0 }
    local client = ccaas.new(sandbox:options("xima", { store = shared:view(before), audio_interval = interval,
      retries = 0 }))
    return sandbox, client, assert(client:recordings(PERIOD):all())
  end

  it("is under a key that does not name the tenant, and runs out when the next one may start", function()
    local shared = memory()
    local _, client, list = xima(shared, 60)
    assert(client:audio(list[1]))
    local count = 0
    for key, entry in pairs(shared.data) do
      count = count + 1
      assert.matches("^ccaas:pace:%x+$", key)
      assert.equal(64, #key:match("%x+$"))
      local left = entry.ends - socket.gettime()
      assert.is_true(left > 50 and left <= 60, left)
    end
    assert.equal(1, count)
    assert.is_true(shared.lives[1].seconds == 60) -- inside, it is no shorter than the pace
  end)

  it("makes room at once where a download fails", function()
    local shared = memory()
    local sandbox, client, list = xima(shared, 0)
    for _, fault in ipairs { { flip = 150 }, { status = 404 }, { truncate = 100 } } do
      fault.path = "/recordings/*"
      sandbox:fault(fault)
      assert(not client:audio(list[1]))
      assert.same({}, shared.data)
    end
    assert(client:audio(list[1]))
  end)

  it("makes room for the next call where a function of the user's raised", function()
    local shared = memory()
    local _, client, list = xima(shared, 0)
    assert.is_false((pcall(client.audio, client, list[1], { sink = function() error "mine" end })))
    local from = socket.gettime()
    assert(client:audio(list[2], { deadline = 30 }))
    assert.is_true(socket.gettime() - from < 5)
    assert.same({}, shared.data)
  end)

  it("waits while another one is inside, within the deadline", function()
    local shared = memory()
    local sandbox, client, list = xima(shared, 0)
    assert(client:audio(list[1]))
    local key = shared.lives[#shared.lives].key
    local from = socket.gettime()
    assert(shared:view().add(key, "another", 2))
    local _, err = client:audio(list[2], { deadline = 0.1 })
    assert.equal("timeout", err.code)
    assert(client:audio(list[2]))
    assert.is_true(socket.gettime() - from > 1.9)
    local audio = 0
    for _, request in ipairs(sandbox:requests()) do
      audio = audio + (request.path:find("/audio$") and 1 or 0)
    end
    assert.equal(2, audio)
  end)

  it("is held for as long as a download takes", function()
    local shared = memory()
    local sandbox, client, list = xima(shared, 0)
    sandbox:fault { path = "/recordings/*", delay = 4 }
    assert(client:audio(list[1]))
    local held = 0
    for _, life in ipairs(shared.lives) do
      assert.equal(shared.lives[1].value, life.value)
      held = held + 1
    end
    assert.is_true(held >= 2, held)
  end)
end)

describe("a token of a store that the API refuses", function()
  it("is renewed once, by one of all", function()
    local shared, s = memory(), start("T2")
    local clients = {}
    for i = 1, 4 do
      clients[i] = client_of(s, shared:view(), { retries = 0 })
    end
    assert.equal(40, side_by_side(s, clients, 10))
    assert.equal(2, s.tokens)
  end)

  it("is replaced by the one that is there by now, if that is another", function()
    local shared, s = memory(), start()
    local one, other = client_of(s, shared:view()), client_of(s, shared:view())
    assert(one:queue("1"))
    assert(other:queue("1"))
    s.handler = function(request)
      return request.headers.authorization == "Bearer T2" and row(request) or refusal()
    end
    assert(one:queue("2"))
    assert.equal(2, s.tokens)
    assert(other:queue("2"))
    assert.equal(2, s.tokens)
  end)

  it("is taken out while a new one is asked for", function()
    local shared, s = memory()
    local held
    s = server.start(function(request)
      return request.headers.authorization == "Bearer T2" and row(request) or refusal()
    end, function()
      held = select(2, shared:token())
      return token("T" .. s.tokens)
    end)
    assert(client_of(s, shared:view()):queue("1"))
    assert.equal(2, s.tokens)
    assert.is_nil(held)
  end)

  it("is not asked for without end: the second 401 is the error auth", function()
    local shared, s = memory(), start("none")
    local _, err = client_of(s, shared:view()):queue("1")
    assert.equal("auth", err.code)
    assert.equal(2, s.tokens)
  end)
end)

describe("wrong credentials", function()
  local function wrong()
    return server.start(row, function()
      return server.answer('{"ErrorCode":"invalid_client","Error":"ClientId is Invalid"}', { status = 401 })
    end)
  end

  it("make one token request, however many try", function()
    local shared, s = memory(), wrong()
    local calls, failed = {}, 0
    for _ = 1, 8 do
      local client = client_of(s, shared:view())
      for i = 1, 5 do
        calls[#calls + 1] = function()
          local _, err = client:queue(tostring(i))
          assert.equal("auth", err.code)
          assert.equal(401, err.status)
          assert.equal("ClientId is Invalid (invalid_client)", err.message)
          assert.equal(s.url .. "/token", err.url)
          assert.equal("POST", err.method)
          assert.is_false(err.retryable)
          failed = failed + 1
        end
      end
    end
    s:run(unpack(calls))
    assert.equal(40, failed)
    assert.equal(1, s.tokens)
  end)

  it("are remembered for five seconds at most", function()
    local shared, s = memory(), wrong()
    assert(not client_of(s, shared:view()):queue("1"))
    local key = shared:token()
    assert.is_true(shared.data[key].seconds <= 5)
    -- Also where a store forgets to forget, or a clock is wrong.
    shared.data[key].value = shared.data[key].value:gsub("^(%S+ %S+ %S+) %S+ %S+", "%1 4000000000000 9999999000")
    shared.data[key].ends = math.huge
    local client = client_of(s, shared:view())
    assert(not client:queue("1"))
    local from = socket.gettime()
    assert.equal(1, s.tokens)
    shared.data = {}
    s.token = function() return token "T2" end
    s:serve(function() return socket.gettime() > from + 5.1 end)
    assert(client:queue("2"))
  end)
end)

describe("a token endpoint in trouble", function()
  it("fails all who waited by one round of attempts; who comes later tries anew", function()
    local shared = memory()
    local s = server.start(row, function(_, conn)
      conn:hold(nil, 0.3)
      return server.answer('{"fault":{"faultstring":"Down for the night"}}', { status = 503 })
    end)
    local calls, failed = {}, 0
    for _ = 1, 6 do
      local client = client_of(s, shared:view(), { retries = 0 })
      calls[#calls + 1] = function()
        local _, err = client:queue("1")
        assert.equal("server", err.code)
        assert.equal(503, err.status)
        assert.equal("Down for the night", err.message)
        assert.is_true(err.retryable)
        failed = failed + 1
      end
    end
    s:run(unpack(calls))
    assert.equal(6, failed)
    assert.equal(1, s.tokens)
    assert(not client_of(s, shared:view(), { retries = 0 }):queue("1"))
    assert.equal(2, s.tokens)
  end)
end)

describe("a store that fails", function()
  local SAID = "the disk is full"
  local ways = {
    ["gives nil and a reason"] = function() return nil, SAID end,
    ["raises"] = function() error(SAID, 0) end,
    ["raises an object"] = function() error(setmetatable({}, { __tostring = function() return SAID end })) end,
  }

  for way, fail in pairs(ways) do
    for _, operation in ipairs { "get", "add", "set", "delete" } do
      it(("loses no call, and is told of, where %s %s"):format(operation, way), function()
        local shared, s = memory(), start()
        local client, events = client_of(s, shared:view(function(name)
          if name == operation then
            return fail()
          end
        end))
        for i = 1, 3 do
          assert(client:queue(tostring(i)))
        end
        assert.equal(1, s.tokens)
        assert.matches("store: " .. SAID, reasons(events), 1, true)
        for _, event in ipairs(events) do
          assert.equal("token", event.type)
          if event.reason:find("store", 1, true) then
            assert.equal("io", event.code)
          end
        end
      end)
    end
  end

  it("is told of without what it was given", function()
    for _, operation in ipairs { "get", "add", "set", "delete" } do
      local shared, s = memory(), server.start(row, function() return token "a-token-of-some-length" end)
      local client, events = client_of(s, shared:view(function(name, key, value)
        if name == operation then
          return nil, ("cannot do %s with %s = %s"):format(name, key, tostring(value))
        end
      end))
      assert(client:queue("1"))
      local told = reasons(events)
      assert.matches("cannot do " .. operation, told, 1, true)
      assert.is_nil(told:find("of-some-length", 1, true), told)
    end
  end)

  it("says nothing that breaks a line", function()
    local shared, s = memory(), start()
    local client, events = client_of(s, shared:view(function() return nil, "one\r\ntwo\0three" end))
    assert(client:queue("1"))
    assert.is_nil(reasons(events):find("%c"))
  end)

  it("by never answering holds the others up for seconds only", function()
    local shared, s = memory(), start()
    local client, events = client_of(s, shared:view(function()
      while true do
        coroutine.yield("for ever")
      end
    end))
    local stuck = coroutine.create(function() client:queue("1") end)
    assert.equal("for ever", select(2, coroutine.resume(stuck)))
    local from = socket.gettime()
    assert(client:queue("2", { deadline = 30 }))
    local seconds = socket.gettime() - from
    assert.is_true(seconds > 4 and seconds < 20, seconds)
    assert.matches("store: it did not answer within 5 s", reasons(events), 1, true)
    assert.is_not_nil(stuck)
  end)

  it("by calling the client that asks it is told so", function()
    local shared, s, client = memory(), start(), nil
    local events
    client, events = client_of(s, shared:view(function() client:queue("1") end))
    assert(client:queue("2"))
    assert.matches("store: .*must not call the client that asks it", reasons(events))
  end)

  it("keeps no audio back, whose pace is kept here", function()
    local sandbox = helper.sandbox { recordings = 5, audio_interval = 0.2 }
    local told = {}
    local client = ccaas.new(sandbox:options("xima", { audio_interval = 0.2, store = memory():view(function()
      return nil, "it is down"
    end), on_event = function(event)
      if event.type == "wait" then
        told[#told + 1] = event.reason
      end
    end }))
    local list = assert(client:recordings { from = "2025-06-30", to = "2026-06-30" }:all())
    assert(client:audio(list[1]))
    assert(client:audio(list[2]))
    local before
    for _, request in ipairs(sandbox:requests()) do
      if request.path:find("/audio$") then
        assert.equal(200, request.status)
        assert.is_true(not before or request.at - before > 0.195)
        before = request.at
      end
    end
    assert.matches("store: it is down", table.concat(told, "|"), 1, true)
  end)

  it("says no as clients of Redis say it: by 0, or a null of their own", function()
    local null = require("cjson").null
    for _, no in ipairs { 0, null, false } do
      local shared, s = memory(), start()
      local busy = true
      local view = shared:view()
      local client, events = client_of(s, {
        get = function(key)
          local value = view.get(key)
          return value == nil and null or value
        end,
        add = function(...)
          local was = busy
          busy = false
          if was then
            return no
          end
          return view.add(...) and "OK"
        end,
        set = function(...) return view.set(...) and "OK" end,
        delete = function(...)
          view.delete(...)
          return 1
        end,
      })
      assert(client:queue("1"))
      assert.equal("granted", reasons(events))
      assert.same({ "get", "add", "get", "set", "delete" }, (function()
        local calls = {}
        for _, name in ipairs(shared.calls) do
          if #calls > 0 or name == "get" then
            calls[#calls + 1] = name
          end
        end
        table.remove(calls, 1) -- the look before it was told no
        table.remove(calls, 3) -- whether the lease is ours, before it is let go
        return calls
      end)())
    end
  end)
end)

describe("the option store", function()
  local FUNCTIONS = { get = print, set = print, add = print, delete = print }

  local function raises(words, store)
    local ok, message = pcall(function()
      ccaas.new { provider = "8x8", key = "k", secret = "s", store = store }
    end)
    assert.is_false(ok)
    assert.matches("^[^\n]*store_spec.lua:%d+: ccaas.new: option `store` ", message)
    assert.is_truthy(message:find(words, 1, true), message)
  end

  it("is a table of four functions", function()
    raises("ccaas.store.file(path)", "/tmp/x")
    raises("not a function", print)
    for name in pairs(FUNCTIONS) do
      local lacking = {}
      for other, f in pairs(FUNCTIONS) do
        lacking[other] = other ~= name and f or nil
      end
      raises("lacks the function `" .. name .. "`", lacking)
      lacking[name] = "no function"
      raises("lacks the function `" .. name .. "`", lacking)
    end
    ccaas.new { provider = "8x8", key = "k", secret = "s", store = FUNCTIONS }:close()
  end)

  it("of this library has a name", function()
    for _, kind in ipairs { "file", "shared_dict" } do
      for _, name in ipairs { "", 7, "a\0b", {} } do
        local ok, message = pcall(function() ccaas.store[kind](name) end)
        assert.is_false(ok)
        assert.matches("^[^\n]*store_spec.lua:%d+: store." .. kind .. ": expected ", message)
      end
    end
    assert.equal(ccaas.store.file("/tmp/one"), ccaas.store.file("/tmp/one"))
    assert.not_equal(ccaas.store.file("/tmp/one"), ccaas.store.file("/tmp/other"))
  end)
end)
