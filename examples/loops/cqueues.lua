-- Two walks in one cqueues loop: while one waits for the server, the other goes on.
-- The client finds a running cqueues by itself.
--
--   lua5.4 examples/loops/cqueues.lua     (against the sandbox)
local ccaas = require "ccaas"
local cqueues = require "cqueues"
local sandbox = require("ccaas.sandbox").start { agents = 500, queues = 50, delay = 0.05 }

local x8 = ccaas.new(sandbox:options "8x8")
local loop = cqueues.new()

local function count(name, stream)
  loop:wrap(function()
    local rows = 0
    for _ in stream do
      rows = rows + 1
    end
    print(("%d %s"):format(rows, name))
  end)
end

count("queues", x8:queues { size = 10 })
count("agents", x8:agents { summary = true, size = 100 })
assert(loop:loop())
sandbox:stop()
