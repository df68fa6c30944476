-- Of two coroutines that read one stream of events one waits, and the other takes
-- what comes by `next`: with it went the ring that was for both, and the one that
-- waited was told of nothing any more.
local helper = require "spec.support.helper"
local ccaas = require "ccaas"
local cqueues = require "cqueues"

describe("a coroutine that waits for events", function()
  it("gets what is left when another one took its part", function()
    local sandbox = helper.sandbox { queues = 4, agents = 5, groups = 2 }
    local client = ccaas.new(sandbox:options("8x8", { loop = "cqueues" }))
    local stream = client:queues { size = 4 }
    local merged, loop, waits, row = ccaas.merge(stream), cqueues.new(), false, nil
    sandbox:fault { path = "/queues", delay = 0.2 }
    loop:wrap(function()
      waits = true
      row = merged:next()
    end)
    loop:wrap(function()
      repeat
        cqueues.poll(0)
      until waits
      local mine
      repeat -- without giving way: the other one sleeps
        mine = merged:next(0)
      until mine
    end)
    assert(loop:loop(10))
    assert.is_table(row)
    client:close()
  end)
end)
