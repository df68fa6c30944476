-- A coroutine that was given up inside of a token function was never collected
-- (the client held it), and its question was nobody else's: all who waited for
-- the token waited for ever.
local ccaas = require "ccaas"
local server = require "spec.support.server"

describe("a coroutine that is given up in a token function", function()
  it("leaves the question to the next one", function()
    local s = server.start(function() return server.answer "[]" end)
    local asked = 0
    local client = ccaas.new(s:options { provider = "xima", key = false, secret = false, token_url = false,
      token = function()
        asked = asked + 1
        if asked == 1 then
          coroutine.yield "in the function"
        end
        return "T"
      end })
    local stuck = coroutine.create(function() client:skills():next() end)
    assert.equal("in the function", select(2, coroutine.resume(stuck)))
    stuck = nil
    collectgarbage()
    collectgarbage()
    assert.same({}, client:skills { deadline = 10 }:all())
    assert.equal(2, asked)
    assert.is_nil(stuck)
  end)
end)
