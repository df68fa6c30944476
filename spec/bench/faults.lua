-- All allocations of ours, and all calls that make descriptors and threads, fail one
-- after the other: see spec/support/faults.lua.  It is a spec, for spec/one.sh; started by
-- spec/bench/faults.sh.
local faults = require "spec.support.faults"
local programs = require "spec.support.programs"

local seed = tonumber(os.getenv("SEED")) or os.time()
local step = tonumber(os.getenv("STEP")) or 1
math.randomseed(seed)

describe("with seed " .. seed, function()
  local plain = programs.sandboxes()
  local kinds = {
    { "alloc", "ccaas/core.so" }, { "eventfd", "" }, { "socketpair", "" }, { "epoll_create1", "" },
    { "pthread_create", "" },
  }
  for _, scenario in ipairs { "client", "page", "store", "watch", "subscription", "report" } do
    for _, kind in ipairs(kinds) do
      it(scenario .. ": " .. kind[1], function()
        local status, output = programs.run(plain, faults.sweep(plain, scenario, kind[1], kind[2],
          math.random(step), step), 600, faults.around())
        io.stderr:write(output)
        assert.equal(0, status, output)
      end)
    end
  end
end)
