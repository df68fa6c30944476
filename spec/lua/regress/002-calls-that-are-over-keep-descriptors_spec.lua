-- A call that was over kept its wake descriptor until it was collected; LuaJIT,
-- which collects by memory alone, ran out of descriptors after 1,000 calls.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local lfs = require "lfs"

local function descriptors()
  local count = 0
  for _ in lfs.dir("/proc/self/fd") do
    count = count + 1
  end
  return count
end

describe("calls that are over", function()
  local sandbox = helper.sandbox { agents = 5, queues = 5, groups = 2 }
  local client = ccaas.new(sandbox:options("8x8", { retries = 0 }))

  local function leave_nothing(call)
    call()
    collectgarbage()
    collectgarbage("stop")
    local before = descriptors()
    for _ = 1, 20 do
      call()
    end
    local after = descriptors()
    collectgarbage("restart")
    -- A connection or two may be on its way out; a leak is one for each call.
    assert.is_true(after - before < 10, after - before)
  end

  it("with one row keep no descriptor", function()
    leave_nothing(function() assert(client:request { path = "/queues" }) end)
  end)

  it("with many rows keep none", function()
    leave_nothing(function()
      for _ in client:queues { size = 2, concurrency = 1 } do end -- luacheck: ignore 542
    end)
  end)

  it("with a limit keep none", function()
    leave_nothing(function() assert.are.equal(3, #client:queues({ limit = 3 }):all()) end)
  end)

  it("with an error keep none", function()
    leave_nothing(function() assert.are.equal("not_found", select(2, client:queue("none")).code) end)
  end)
end)
