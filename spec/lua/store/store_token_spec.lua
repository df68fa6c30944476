-- A token in a store: asked for once by all who share it, kept as long as it
-- lives, and not believed where it cannot be true.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local socket = require "socket"
local store = require "spec.support.store"

local memory, start, token = store.memory, store.start, store.token
local client_of, reasons, side_by_side = store.client_of, store.reasons, store.side_by_side
local KEY, SECRET = store.KEY, store.SECRET

describe("a token in a store", function()
  it("is asked for, kept and let go with as many arguments as are said", function()
    local shared, s = memory(), start()
    local counts = { get = 1, set = 3, add = 3, delete = 1 }
    assert(client_of(s, shared:view(function(name, ...)
      assert.equal(counts[name], select("#", ...))
    end)):queue("1"))
    assert.equal(5, #shared.calls - 1)
  end)

  it("is used by others, which request none", function()
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

  it("is asked for once by eight of twenty calls each", function()
    local shared, s = memory(), start()
    local clients = {}
    for i = 1, 8 do
      clients[i] = client_of(s, shared:view())
    end
    -- More would need descriptors that select() of the spec's server cannot have.
    assert.equal(160, side_by_side(s, clients, 20))
    assert.equal(1, s.tokens)
  end)

  it("is asked for once also where every function of the store yields", function()
    local shared, s = memory(), start()
    local clients = {}
    for i = 1, 8 do
      clients[i] = client_of(s, shared:view(function()
        local pipe = require("ccaas.core").waitset()
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

  it("has a key and a value that reveal nothing of the credentials", function()
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

  it("is a different one for other credentials", function()
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
    assert(one:queue("1"))
    local from = socket.gettime()
    assert(other:queue("1"))
    assert.equal(1, s.tokens)
    s:serve(function() return socket.gettime() > from + 2.01 end)
    assert.equal(4, side_by_side(s, { one, other }, 2))
    assert.equal(2, s.tokens)
  end)

  it("is not used if it is expired, foreign, damaged, or could not be sent", function()
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

  it("does not concern clients whose token is given", function()
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
