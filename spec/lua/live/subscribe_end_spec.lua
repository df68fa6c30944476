-- client:subscribe: how a subscription ends.
local ccaas = require "ccaas"
local subscription = require "spec.support.subscription"

local subscribe, opened = subscription.subscribe, subscription.opened
local take, wait_for = subscription.take, subscription.wait_for

describe("a subscription", function()
  local sandbox, client

  local function start(options, overrides) sandbox, client = subscription.start(options, overrides) end
  after_each(subscription.stop)

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
end)
