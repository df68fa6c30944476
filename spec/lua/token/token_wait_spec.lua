-- Calls that wait for one token together: each of them waits by its own
-- `retries`, `timeout` and `deadline`, and leaves with the error of an attempt.
local ccaas = require "ccaas"
local core = require "ccaas.core"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local socket = require "socket"
local store = require "spec.support.store"

local at_once, row = server.at_once, store.row

local function failing(status, after, text)
  return server.answer(text or '{"fault":{"faultstring":"Down for the night"}}',
    { status = status, headers = { ["Retry-After"] = after } })
end

-- An error that says what happened.
local function check_error(err)
  assert.is_table(err)
  assert.not_equal("ok", err.code)
  assert.is_string(err.message)
  assert.not_equal("", err.message)
  assert.is_true(#err.attempts >= 1)
end

-- It was `8x8: ok: nil`: the next call cleared the error that others were to get.
describe("calls that wait together for a token that cannot be obtained", function()
  local function many(s, options, count)
    local client, codes = ccaas.new(s:options(options)), {}
    at_once(s, 10, function()
      for i = 1, count do
        local given, err = client:queue(tostring(i))
        assert.is_nil(given)
        check_error(err)
        codes[err.code] = (codes[err.code] or 0) + 1
      end
    end)
    return codes
  end

  it("all get the error where the endpoint answers 404", function()
    local s = server.start(row, function() return failing(404) end)
    assert.same({ not_found = 200 }, many(s, {}, 20))
  end)

  it("all get the error where it refuses connections", function()
    local s = server.start(row)
    local closed = assert(socket.bind("127.0.0.1", 0))
    local port = select(2, closed:getsockname())
    closed:close()
    assert.same({ connect = 50 }, many(s, { token_url = "http://127.0.0.1:" .. port .. "/token", retries = 0 }, 5))
  end)

  it("all get the error where it fails TLS", function()
    local s, tls = server.start(row), helper.sandbox { tls = true }
    assert.same({ tls = 200 }, many(s, { token_url = tls:options("8x8").token_url }, 20))
  end)

  it("all get the error where a function gives none", function()
    local client, s = server.xima(function() return server.answer "[]" end, { token = function() return nil end })
    at_once(s, 10, function()
      for _ = 1, 20 do
        local given, err = client:agents():all()
        assert.is_nil(given)
        assert.equal("auth", err.code)
        assert.equal("the token function returned no usable token", err.message)
      end
    end)
  end)
end)

describe("a call's own `retries`", function()
  -- Calls with these retries, all at once: the attempts that each one's error has.
  local function attempts_of(s, calls)
    local counts = {}
    at_once(s, #calls, function(i)
      local client = ccaas.new(s:options(calls[i].client))
      local given, err = client:queue("1", calls[i].call)
      if given then
        counts[i] = "row"
        return
      end
      check_error(err)
      assert.equal("server", err.code)
      assert.is_true(err.retryable)
      counts[i] = #err.attempts
    end)
    return counts
  end

  it("bound its wait, whatever other clients of the key have", function()
    local s = server.start(row, function() return failing(503, 0) end)
    assert.same({ 4, 1, 3 }, attempts_of(s, {
      { client = { retries = 3 } }, { client = { retries = 0 } }, { client = { retries = 2 } } }))
    assert.equal(4, s.tokens)
  end)

  it("bound it as an option of the method, too", function()
    local s = server.start(row, function() return failing(503, 0) end)
    assert.same({ 1, 4, 2 }, attempts_of(s, {
      { client = { retries = 3 }, call = { retries = 0 } }, { client = { retries = 0 }, call = { retries = 3 } },
      { call = { retries = 1 } } }))
    assert.equal(4, s.tokens)
  end)

  it("let the others go on to the token", function()
    local s
    s = server.start(row, function()
      return s.tokens < 3 and failing(503, 0) or store.token "T1"
    end)
    assert.same({ 1, "row", 2 }, attempts_of(s, {
      { client = { retries = 0 } }, { client = { retries = 4 } }, { client = { retries = 1 } } }))
    assert.equal(3, s.tokens)
  end)

  it("count from when it began to wait", function()
    local s, late
    s = server.start(row, function(_, conn)
      if s.tokens == 2 then
        conn:hold(function() return late end)
      end
      return failing(503, 0)
    end)
    local client, counts = ccaas.new(s:options { retries = 2 }), {}
    local function call(name)
      local _, err = client:queue("1")
      counts[name] = #err.attempts
    end
    s:run(function() call "early" end, function()
      local idle = core.waitset()
      idle:arm()
      repeat s.loop.wait(idle:fd(), 0.01) until s.tokens == 2
      idle:close()
      late = true
      call "late"
    end)
    assert.same({ early = 3, late = 3 }, counts)
    assert.equal(4, s.tokens)
  end)

  it("bound the wait of a subscription, which tries again after a pause", function()
    local s = server.start(row, function() return failing(503, 0) end)
    local client = core.client { token_url = s.url .. "/token", key = "key", secret = "secret", retries = 1,
      timeout = 30, connect_timeout = 10, dialect = { messages = {}, codes = {}, references = {}, throttles = {} } }
    local live = core.subscription(client, { url = s.url:gsub("^http", "ws") .. "/live",
      paths = { "metric", "category", "kind", "value", "updated", "whole" },
      silence = 60, reconnects = 1, pause_first = 0.01, pause_most = 0.01, queue = 1024,
      max_message = 2 ^ 24 })
    local other, waitset, kinds = ccaas.new(s:options { retries = 5 }), core.waitset(), {}
    local count
    waitset:add(live, true, -1)
    s:run(function()
      local event, state
      repeat
        waitset:arm()
        event, state = live:take()
        if state == "wait" then
          s.loop.wait(waitset:fd(), live:timeout())
        elseif state == "down" then
          check_error(event.error)
          kinds[#kinds + 1] = event.error.code .. #event.error.attempts
        end
        waitset:disarm()
      until state == "error"
    end, function()
      count = #select(2, other:queue("1")).attempts
    end)
    local err = live:error()
    check_error(err)
    assert.equal("server", err.code)
    assert.equal("the server answered 503", err.message)
    assert.same({ "server2" }, kinds)
    assert.equal(6, count)
    live:close()
    waitset:close()
  end)
end)

describe("a call's own time", function()
  it("ends its wait at once where the next attempt comes past its deadline", function()
    local s
    s = server.start(row, function()
      return s.tokens == 1 and failing(503, 1) or store.token "T1"
    end)
    local client, got = ccaas.new(s:options()), nil
    s:run(function() got = assert(client:queue("1")) end, function()
      local from = socket.gettime()
      local _, err = client:queue("1", { deadline = 0.5 })
      assert.equal("server", err.code)
      assert.equal(503, err.status)
      assert.equal(1, err.retry_after)
      assert.is_true(socket.gettime() - from < 0.5)
      -- One who comes in between is told so as well.
      _, err = client:queue("1", { deadline = 0.1 })
      assert.equal("server", err.code)
      assert.equal(1, #err.attempts)
    end)
    assert.equal("1", got.id)
    assert.equal(2, s.tokens)
  end)

  it("without a byte is its own `timeout`, while others wait on", function()
    local answer
    local s = server.start(row, function(_, conn)
      conn:hold(function() return answer end)
      return store.token "T1"
    end)
    local client, got = ccaas.new(s:options()), nil
    s:run(function() got = assert(client:queue("1", { timeout = 20 })) end, function()
      local from = socket.gettime()
      local _, err = client:queue("1", { timeout = 0.2, retries = 1 })
      assert.equal("timeout", err.code)
      assert.equal("no byte from the server for 0.2 s", err.message)
      assert.is_true(err.retryable)
      assert.is_true(socket.gettime() - from < 5)
      answer = true
    end)
    assert.equal("1", got.id)
    assert.equal(1, s.tokens)
  end)

  it("is not cut short by the `timeout` of one who asked before", function()
    local s
    s = server.start(row, function(_, conn)
      if s.tokens == 1 then
        conn:hold() -- for ever
      end
      return store.token "T1"
    end)
    local client, got = ccaas.new(s:options()), nil
    s:run(function()
      local _, err = client:queue("1", { timeout = 0.5, retries = 0 })
      assert.equal("timeout", err.code)
    end, function()
      got = assert(client:queue("1", { timeout = 20, retries = 0 }))
    end)
    assert.equal("1", got.id)
    assert.equal(2, s.tokens)
  end)

  it("if over for all waiting calls ends the request, and another one follows", function()
    local s
    s = server.start(row, function(_, conn)
      if s.tokens == 1 then
        conn:hold()
      end
      return store.token "T1"
    end)
    local client = ccaas.new(s:options())
    local left = client:queues { timeout = 20 }
    assert.equal("timeout", select(2, left:next(0.05)).code)
    s:run(function()
      assert.equal("1", assert(client:queue("1", { timeout = 0.3, retries = 1 })).id)
    end, function()
      s:serve(function() return s.tokens == 1 end)
      left:close()
    end)
    assert.equal(2, s.tokens)
  end)
end)

describe("those who share a store", function()
  it("wait by their own `retries`, whichever of them requests", function()
    local shared, s = store.memory(), nil
    s = server.start(row, function(_, conn)
      conn:hold(nil, 0.4)
      return s.tokens < 3 and failing(503, 0) or store.token "T1"
    end)
    local results = {}
    local function call(name, retries)
      return function()
        local client = store.client_of(s, shared:view(), { retries = retries })
        local given, err = client:queue("1")
        if err then
          check_error(err)
          assert.equal("server", err.code)
          assert.equal("Down for the night", err.message)
          assert.equal(0, err.retry_after)
        end
        results[name] = given and given.id or #err.attempts
      end
    end
    s:run(call("one", 4), call("none", 0), call("none, too", 0))
    assert.same({ one = "1", none = 1, ["none, too"] = 1 }, results)
    assert.equal(3, s.tokens)
  end)

  it("go on if the process that requested has given up", function()
    local shared, s = store.memory(), nil
    s = server.start(row, function(_, conn)
      conn:hold(nil, 0.3)
      return s.tokens < 3 and failing(503) or store.token "T1"
    end)
    local results = {}
    s:run(function()
      local client = store.client_of(s, shared:view(), { retries = 0 })
      results[1] = select(2, client:queue("1")).code
    end, function()
      local client = store.client_of(s, shared:view(), { retries = 4 })
      results[2] = assert(client:queue("2")).id
    end)
    assert.same({ "server", "2" }, results)
    assert.equal(3, s.tokens)
  end)
end)
