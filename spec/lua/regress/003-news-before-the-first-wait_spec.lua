-- News that came after a stream had said "wait" but before its descriptor was
-- first asked for made nothing readable: the reader slept for ever.
local ccaas = require "ccaas"
local core = require "ccaas.core"
local helper = require "spec.support.helper"

describe("a descriptor that is asked for late", function()
  it("is readable when there has been news", function()
    local sandbox = helper.sandbox { agents = 5, queues = 5, groups = 2 }
    local stream = ccaas.new(sandbox:options "8x8"):queues()
    assert.are.equal("timeout", select(2, stream:next(0)).code)
    repeat
      local asked = sandbox:requests()[1]
    until asked and asked.status == 200
    local other = ccaas.new(sandbox:options("8x8", { secret = "wrong" }))
    assert.are.equal("auth", select(2, other:queue("1")).code) -- by now the news is here
    assert.is_true(core.poll(stream:pollfd(), 5))
    assert.are.equal(5, #assert(stream:all()))
  end)
end)
