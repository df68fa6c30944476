-- The first numbers: queues, agents and their status, read from the sandbox,
-- a fake server in this process.  `sh examples/quickstart.sh` installs what this
-- needs and runs it.
local ccaas = require "ccaas"
local sandbox = require("ccaas.sandbox").start{ agents = 5000, queues = 250 }

-- For the real service: provider = "8x8" with region, key, secret and tenant.
local began
local x8 = ccaas.new(sandbox:options("8x8", {
  on_event = function(event)
    began = began or event.at
  end,
}))

-- 5000 as "5,000"; a metric without data is absent.
local function count(value)
  if not value then
    return "-"
  end
  local digits = ("%d"):format(value):reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (digits:gsub("^,", ""))
end

local waiting, handling = "interactionsWaitInQueue.rt", "interactionsHandling.rt"
local queues = 0
print("waiting  handling  QUEUE")
for queue in x8:queues{ metrics = { waiting, handling } } do
  queues = queues + 1
  if queues <= 10 then
    print(("%7s  %8s  %s"):format(
      count(queue.metrics[waiting]), count(queue.metrics[handling]), queue.name))
  end
end
print(("... %s queues in all\n"):format(count(queues)))

local agents = 0
local stream = x8:agents{ metrics = { "status.rt" } }
print("status             AGENT")
for agent in stream do
  agents = agents + 1
  if agents <= 10 then
    print(("%-17s  %s"):format(agent.metrics["status.rt"] or "-", agent.name))
  end
end
print(("... %s agents in all\n"):format(count(agents)))

local info = stream:info()
x8:close()
sandbox:stop()
print(("%s queues and %s agents (%d pages) in %.2f seconds"):format(
  count(queues), count(agents), info.pages, info.last_at - began))
