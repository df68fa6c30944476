-- The pace of audio in a store: one download at a time for all who share it.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local socket = require "socket"
local store = require "spec.support.store"

local memory = store.memory

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
    sandbox:fault { path = "/recordings/*", delay = 6 }
    assert(client:audio(list[1]))
    local held = 0
    for _, life in ipairs(shared.lives) do
      assert.equal(shared.lives[1].value, life.value)
      held = held + 1
    end
    assert.is_true(held >= 2, held)
  end)
end)
