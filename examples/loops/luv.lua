-- Two walks in luv's loop, and a timer that ticks in the meantime.  Code that waits
-- has to run in a coroutine.
--
--   lua5.4 examples/loops/luv.lua     (against the sandbox)
local ccaas = require "ccaas"
local luv = require "luv"
local sandbox = require("ccaas.sandbox").start { agents = 500, queues = 50, delay = 0.05 }

local x8 = ccaas.new(sandbox:options("8x8", { loop = "luv" }))
local ticks, open, timer = 0, 2, luv.new_timer()
timer:start(10, 10, function() ticks = ticks + 1 end)

local function count(name, stream)
  coroutine.wrap(function()
    local rows = 0
    for _ in stream do
      rows = rows + 1
    end
    print(("%d %s"):format(rows, name))
    open = open - 1
    if open == 0 then
      timer:close()
    end
  end)()
end

count("queues", x8:queues { size = 10 })
count("agents", x8:agents { summary = true, size = 100 })
luv.run()
print(("%d ticks"):format(ticks))
sandbox:stop()
