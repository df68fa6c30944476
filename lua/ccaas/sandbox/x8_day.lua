--- The day that plays in the Xima API's metrics, as 8x8 sees it: the same
-- callers in the same queues, by the names of its own metrics.  Lives in the
-- sandbox's Lua state.

local people = require "ccaas.sandbox.xima_people"

---@class ccaas.sandbox.x8_day
local x8_day = {}
x8_day.__index = x8_day

local statuses = {
  Idle = "Available", Ringing = "Offering", Talking = "Handling",
  ["Do Not Disturb"] = "On Break", ["Logged Out"] = "Logged Out",
}

-- By the id of Xima's metric.
local metrics = {
  ["104"] = { "agents", "status.rt" },
  ["105"] = { "queues", "interactionsWaitInQueue.rt" },
  ["106"] = { "queues", "interactionsLongestWaitInQueue.rt" },
  ["107"] = { "queues", "abandonedPercentage.today" },
}
local HANDLING = "interactionsHandling.rt"

---@param world ccaas.sandbox.world
---@return ccaas.sandbox.x8_day
function x8_day.new(world)
  local self = setmetatable({ world = world, agents = {}, queues = {} }, x8_day)
  for _, index in ipairs(world:rows("agents")) do
    self.agents[people.agent(index)] = world:id("agents", index)
  end
  for _, index in ipairs(world:rows("queues")) do
    self.queues[people.skill(index)] = world:id("queues", index)
  end
  return self
end

local function put(self, kind, name, metric, value)
  local id = self[kind][name]
  if id then
    self.world:play(kind, id, metric, value)
  end
end

--- Something changed.
---@param change table as xima_day.lua gives it
function x8_day:follow(change)
  local metric = metrics[change.metric.id]
  if metric then
    put(self, metric[1], change.category, metric[2],
      statuses[change.value] or change.value)
  end
  if change.handling then
    put(self, "queues", change.skill, HANDLING, change.handling)
  end
end

return x8_day
