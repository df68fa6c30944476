-- What came for a merge after a fruitless `next(0)` and before `pollfd` was told by
-- nothing: an event loop that polled it slept on.
local ccaas = require "ccaas"
local core = require "ccaas.core"
local helper = require "spec.support.helper"

describe("the descriptor of a merge", function()
  it("is readable when there was news before somebody asked for it", function()
    local sandbox = helper.sandbox { queues = 4, agents = 5, groups = 2 }
    local client = ccaas.new(sandbox:options "8x8")
    local merged, rows = ccaas.merge(client:queues(), client:groups()), 0
    while rows < 6 do
      local row, err = merged:next(0)
      if row then
        rows = rows + 1
      else
        assert.equal("timeout", err.code)
        core.poll(-1, 0.1) -- the news comes meanwhile
        assert.is_true(core.poll(merged:pollfd(), merged:timeout() or 10))
      end
    end
    merged:close()
    client:close()
  end)
end)
