-- A store that fails: no call fails with it, and it is told of.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local socket = require "socket"
local store = require "spec.support.store"

local memory, start, row, token = store.memory, store.start, store.row, store.token
local client_of, reasons = store.client_of, store.reasons

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

  it("is reported without the values that it was given", function()
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

  it("is reported on one line", function()
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

  it("that calls its own client gets a usage error", function()
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
