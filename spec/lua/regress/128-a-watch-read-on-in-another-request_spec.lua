-- A watch kept its place in a coroutine.  In nginx that belongs to the request that
-- made it: another one that read on brought the worker down.  (There:
-- spec/openresty/readers_spec.lua.)
local ccaas = require "ccaas"
local helper = require "spec.support.helper"

describe("a watch", function()
  it("makes no coroutine of its own", function()
    local sandbox = helper.sandbox { queues = 3, agents = 1 }
    local client = ccaas.new(sandbox:options "8x8")
    local watch = client:watch("queues", { metrics = { "handling.rt" } })
    local create, wrap = coroutine.create, coroutine.wrap
    local function refused() error("a coroutine was made", 2) end
    coroutine.create, coroutine.wrap = refused, refused -- luacheck: ignore
    local fine, problem = pcall(function()
      for _ = 1, 3 do
        assert.is_true(assert(watch:next(20)).snapshot)
      end
    end)
    coroutine.create, coroutine.wrap = create, wrap -- luacheck: ignore
    assert(fine, problem)
    client:close()
  end)
end)
