-- Two coroutines read the same stream of events. One slept; the other took its
-- ring, and a function of the user's that it called raised: nobody looked again,
-- and the sleeper slept on.
local ccaas = require "ccaas"
local core = require "ccaas.core"
local events = require "ccaas.events"
local side = require "ccaas.side"

describe("a reader that sleeps", function()
  it("is woken when another one ends by what the user's function raises", function()
    local client = ccaas.new { provider = "xima", base_url = "http://127.0.0.1:1", token = "token",
      loop = { wait = function(fd) coroutine.yield(fd) end } }
    local raises, nothing = false, function() end
    local stream = events.new(side.of(client), {
      waitset = core.waitset(), due = nothing, join = nothing, leave = nothing, close = nothing,
      try = function()
        if raises then
          error("the user's", 0)
        end
        return nil, "wait"
      end,
    }, "raising")
    local sleeper = coroutine.create(function() return stream:next() end)
    local _, fd = assert(coroutine.resume(sleeper))
    assert.is_false(core.poll(fd, 0))
    raises = true
    local ok, message = pcall(stream.next, stream, 0)
    assert.is_false(ok)
    assert.equal("the user's", message)
    assert.is_true(core.poll(fd, 0))
    raises = false
    assert.is_true(coroutine.resume(sleeper))
    assert.equal("suspended", coroutine.status(sleeper))
    assert.is_false(core.poll(fd, 0))
    client:close()
  end)
end)
