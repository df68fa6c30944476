-- What a coroutine costs that waits for a stream: memory, descriptors and time.
-- All wait for the token, which never comes, so that nothing but the waiting is
-- counted; then their client is closed, which wakes them.
--
--   ulimit -n 4096; lua5.4 spec/bench/waiters.lua [cqueues|luv] [COUNT]
local ccaas = require "ccaas"
local core = require "ccaas.core"
local lfs = require "lfs"

local name, count = arg[1] or "cqueues", tonumber(arg[2] or 1000)

local loops = {}

function loops.cqueues(task, turn)
  local controller = require("cqueues").new()
  for _ = 1, count do
    controller:wrap(task)
  end
  controller:wrap(function()
    require("cqueues").poll(1) -- it starts them in an order of its own
    turn()
  end)
  assert(controller:loop())
end

function loops.luv(task, turn)
  local luv = require "luv"
  for _ = 1, count do
    coroutine.wrap(task)()
  end
  local timer = luv.new_timer()
  timer:start(0, 0, function()
    timer:close()
    turn()
  end)
  luv.run()
end

local function state()
  collectgarbage()
  collectgarbage()
  local file = assert(io.open "/proc/self/statm")
  local resident = tonumber(file:read("*a"):match("^%d+ (%d+)")) * 4096
  file:close()
  local descriptors = 0
  for _ in lfs.dir "/proc/self/fd" do
    descriptors = descriptors + 1
  end
  return { resident = resident, lua = collectgarbage "count" * 1024, descriptors = descriptors, at = core.now() }
end

local sandbox = require("ccaas.sandbox").start { agents = 10 }
sandbox:fault { path = "/oauth/v2/token", hang = true, times = 100 }
local client = ccaas.new(sandbox:options("8x8", { loop = name }))
client:queues():next(0)

local before, during, woken, waiting = state(), nil, 0, nil
loops[name](function()
  waiting = core.now()
  local _, err = client:queues():next(3600)
  assert(err.code == "cancelled", err)
  woken = woken + 1
end, function()
  during = state()
  client:close()
end)
local after = core.now()
assert(woken == count)

local function each(field)
  return (during[field] - before[field]) / count
end

print(("%s, %s, %d coroutines wait"):format(_VERSION, name, count))
print(("  memory       %6.2f KB each, %.2f KB of them Lua's"):format(each "resident" / 1024, each "lua" / 1024))
print(("  descriptors  %6.2f each"):format(each "descriptors"))
print(("  to wait      %6.1f us each"):format((waiting - before.at) / count * 1e6))
print(("  to be woken  %6.1f us each"):format((after - during.at) / count * 1e6))
sandbox:stop()
