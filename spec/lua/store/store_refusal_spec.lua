-- A token in a store that the API refuses, and one that cannot be had: one of
-- all who share the store finds it out.
local server = require "spec.support.server"
local socket = require "socket"
local store = require "spec.support.store"

local unpack = table.unpack or unpack
local memory, start, row, token, refusal = store.memory, store.start, store.row, store.token, store.refusal
local client_of, side_by_side = store.client_of, store.side_by_side

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

  it("is not requested without end: the second 401 is error auth", function()
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

describe("a token endpoint that fails", function()
  it("fails all waiting calls after one round of attempts; a later call tries again", function()
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
