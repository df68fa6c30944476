-- `next(math.huge)` had the loop wait for so many seconds, which luv's and copas's
-- timers do not take; and a watch could have such an interval.
local ccaas = require "ccaas"
local core = require "ccaas.core"
local helper = require "spec.support.helper"

describe("waiting for math.huge seconds", function()
  local sandbox, client

  setup(function()
    sandbox = helper.sandbox { queues = 2, agents = 1, groups = 1 }
    client = ccaas.new(sandbox:options("8x8", { loop = { wait = function(fd, seconds)
      assert(not seconds or seconds < math.huge, "the loop is to wait for ever by a number")
      return core.poll(fd, seconds)
    end } }))
  end)
  teardown(function() client:close() end)

  it("is waiting without a time, for rows", function()
    assert.is_string(assert(client:queues():next(math.huge)).id)
  end)

  it("is so for events, too", function()
    local merged = ccaas.merge(client:queues())
    assert.is_string(assert(merged:next(math.huge)).id)
    merged:close()
  end)

  it("is no interval of a watch", function()
    local ok, message = pcall(client.watch, client, "queues", { interval = math.huge, metrics = { "handling.rt" } })
    assert.is_false(ok)
    assert.is_truthy(tostring(message):find("interval", 1, true))
  end)
end)
