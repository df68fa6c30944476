-- The token function of a user: coroutines that are given up in it, answers that
-- come late, calls that it must not make.
local helper = require "spec.support.helper"
local ccaas = require "ccaas"
local core = require "ccaas.core"
local server = require "spec.support.server"

-- The late answer of a token function whose stream was closed was taken for the
-- next one's.
describe("the late answer of a token function", function()
  it("is not taken for the next one's, when its stream is closed", function()
    local sandbox = helper.sandbox { agents = 3 }
    local options = sandbox:options("xima")
    local good, turn = options.token, 0
    options.loop = { wait = function(fd, seconds)
      while not core.poll(fd, 0) do
        coroutine.yield()
      end
      return seconds
    end }
    options.token = function()
      turn = turn + 1
      if turn == 1 then
        coroutine.yield("asked")
        return nil
      end
      return good
    end
    local client = ccaas.new(options)
    local first, second = client:agents(), client:agents()
    local a = coroutine.create(function() return first:next() end)
    assert.equal("asked", select(2, coroutine.resume(a)))
    first:close()
    local row
    local b = coroutine.create(function() row = assert(second:next()) end)
    assert(coroutine.resume(b))
    coroutine.resume(a)
    local ends = core.now() + 20
    while not row and core.now() < ends do
      assert(coroutine.resume(b))
    end
    assert.is_string(row.name)
    client:close()
  end)
end)

-- A token function that calls the client that asks it hung.
describe("a token function", function()
  it("may not call the client that asks it", function()
    local client
    client = ccaas.new { provider = "xima", host = "x", base_url = "http://127.0.0.1:1", token = function()
      return client:agents():next()
    end }
    local ok, message = pcall(function() return client:agents():next() end)
    assert.is_false(ok)
    assert.truthy(tostring(message):find("must not call the client"), tostring(message))
  end)
end)

-- A coroutine that was given up inside of a token function was never collected
-- (the client held it), and its question was nobody else's: all who waited for
-- the token waited for ever.
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
