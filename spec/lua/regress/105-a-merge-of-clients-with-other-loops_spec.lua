-- A merge gave others a turn by its first client's loop, also where that has no
-- way to: it raised when a stream of another client was to give way.
local helper = require "spec.support.helper"
local ccaas = require "ccaas"
local core = require "ccaas.core"

describe("a merge whose first client's loop has no `pause`", function()
  it("gives all that streams with another loop have", function()
    local sandbox = helper.sandbox { queues = 2, agents = 30, groups = 1 }
    local one = ccaas.new(sandbox:options("8x8", { loop = { wait = core.poll } }))
    local other = ccaas.new(sandbox:options("8x8", { loop = { wait = core.poll, pause = function() end } }))
    local rows = 0
    for _ in ccaas.merge(one:groups(), other:agents { summary = true }) do
      rows = rows + 1
      local ends = core.now() + 0.002 -- as long as a turn may be
      repeat until core.now() >= ends
    end
    assert.equal(31, rows)
    one:close()
    other:close()
  end)
end)
