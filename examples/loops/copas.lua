-- Two walks in the loop of copas.  Debian's copas is for Lua 5.1, so for LuaJIT.
--
--   luajit examples/loops/copas.lua     (against the sandbox)
local copas = require "copas" -- before anything that loads socket.http
local ccaas = require "ccaas"
local sandbox = require("ccaas.sandbox").start { agents = 500, queues = 50, delay = 0.05 }

local x8 = ccaas.new(sandbox:options("8x8", { loop = "copas" }))
local open = 2

local function count(name, stream)
  copas.addthread(function()
    local rows = 0
    for _ in stream do
      rows = rows + 1
    end
    print(("%d %s"):format(rows, name))
    open = open - 1
  end)
end

count("queues", x8:queues { size = 10 })
count("agents", x8:agents { summary = true, size = 100 })
while open > 0 do
  copas.step()
end
sandbox:stop()
