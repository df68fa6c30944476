-- The lease by which one of those who share a store asks for their token.
local server = require "spec.support.server"
local socket = require "socket"
local store = require "spec.support.store"

local memory, start, row, token = store.memory, store.start, store.row, store.token
local client_of, side_by_side = store.client_of, store.side_by_side

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

  it("whose holder died delays others by its seconds only", function()
    local shared, s = memory(), start()
    assert(client_of(s, shared:view()):queue("1"))
    local key = shared:token()
    shared.data[key] = nil
    local from = socket.gettime()
    assert(shared:view().add(key:gsub("token", "token-lease"), "a dead one", 1))
    shared.calls = {}
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

  it("that was acquired for a call that is gone is released", function()
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
