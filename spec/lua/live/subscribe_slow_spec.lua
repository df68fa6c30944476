-- client:subscribe: what a reader gets who is slower than the server.
local subscription = require "spec.support.subscription"

local opened, take = subscription.opened, subscription.take
local assert_quiet, push, wait_for = subscription.assert_quiet, subscription.push, subscription.wait_for

describe("a subscription", function()
  local sandbox

  local function start(options) sandbox = subscription.start(options) end
  after_each(subscription.stop)

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

    it("never replaces a message that is not an update", function()
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

    it("gets the final values after a flood", function()
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
end)
