--- A plausible day of a contact centre, as changes of the Xima API's metrics:
-- callers arrive, wait, are rung through, talk or give up; chats come and go;
-- agents take breaks and go home.  It has a clock of its own and runs as far as
-- it is asked; the same seed gives the same day.  Lives in the sandbox's Lua
-- state.

local people = require "ccaas.sandbox.xima_people"

---@class ccaas.sandbox.xima_day
---@field opening table[] changes: what everything is before the first caller
local day = {}
day.__index = day

-- Seconds, on average.
local RING, TALK, PATIENCE, BREAK, SHIFT, CHAT = 6, 180, 90, 300, 7200, 240
-- How often the longest waits are told while somebody waits.
local LOOK = 10
-- How many of the agents the callers keep busy.
local LOAD = 0.85

-- --- chance and time ---------------------------------------------------------

-- Park and Miller's generator: the same in every Lua.
local function chance(self)
  self.random = self.random * 16807 % 2147483647
  return self.random / 2147483647
end

local function around(self, mean)
  return -mean * math.log(1 - chance(self) * 0.999999)
end

-- What happens later, as a heap: the sooner the higher.
local function later(self, seconds, what, ...)
  local heap = self.plan
  self.order = self.order + 1
  local entry = { ... }
  entry.at, entry.order, entry.what = self.now + seconds, self.order, what
  local i = #heap + 1
  while i > 1 do
    local parent = math.floor(i / 2)
    if heap[parent].at <= entry.at then
      break
    end
    heap[i], i = heap[parent], parent
  end
  heap[i] = entry
end

local function before(a, b)
  return a.at < b.at or a.at == b.at and a.order < b.order
end

local function take_soonest(heap)
  local top, last = heap[1], table.remove(heap)
  if #heap > 0 then
    local i = 1
    while true do
      local child = 2 * i
      if child < #heap and before(heap[child + 1], heap[child]) then
        child = child + 1
      end
      if child > #heap or not before(heap[child], last) then
        break
      end
      heap[i], i = heap[child], child
    end
    heap[i] = last
  end
  return top
end

-- --- telling -----------------------------------------------------------------

-- By the names of xima_metrics.lua.
local ids = {
  presented = "101", answered = "102", talk = "103", state = "104",
  queued = "105", longest = "106", abandoned = "107", chats = "108",
  vip = "109", missed = "K0FLAEB6",
}

local function tell(self, name, category, value)
  local changes = self.changes
  changes[#changes + 1] = { metric = self.metrics.by_id[ids[name]],
    category = category, value = value, at = self.now }
  return changes[#changes]
end

-- With a skill: one more of its callers is talked with then, or one less.
local function set_state(self, agent, state, skill, talks)
  agent.state = state
  local change = tell(self, "state", agent.name, state)
  if skill then
    skill.handling = skill.handling + talks
    change.skill, change.handling = skill.name, skill.handling
  end
end

local function count(self, agent, name)
  agent[name] = agent[name] + 1
  tell(self, name, agent.name, agent[name])
end

local function longest_wait(self, skill)
  local first = skill.waiting[1]
  return first and math.floor((self.now - first.since) * 1000) or 0
end

local function tell_queue(self, skill)
  tell(self, "queued", skill.name, #skill.waiting)
  tell(self, "longest", skill.name, longest_wait(self, skill))
end

-- --- what happens ------------------------------------------------------------

local happenings = {}

local function idle_agent(self)
  local idle = {}
  for _, agent in ipairs(self.agents) do
    if agent.state == "Idle" then
      idle[#idle + 1] = agent
    end
  end
  return idle[math.floor(chance(self) * #idle) + 1]
end

local function ring(self, skill, caller)
  local agent = idle_agent(self)
  if agent then
    caller.rung = agent
    set_state(self, agent, "Ringing")
    count(self, agent, "presented")
    later(self, math.min(20, 1 + around(self, RING)),
      chance(self) < 0.93 and "answer" or "miss", agent, skill, caller)
  end
end

-- Somebody waits whom nobody rings yet, and somebody may be idle.
local function distribute(self)
  for _, skill in ipairs(self.skills) do
    for _, caller in ipairs(skill.waiting) do
      if not caller.rung then
        ring(self, skill, caller)
      end
    end
  end
end

local function leave_queue(self, skill, caller)
  for i, other in ipairs(skill.waiting) do
    if other == caller then
      table.remove(skill.waiting, i)
      tell_queue(self, skill)
      return true
    end
  end
  return false
end

function happenings.arrive(self)
  local skill = self.skills[math.floor(chance(self) ^ 2 * #self.skills) + 1]
  local caller = { since = self.now }
  skill.callers = skill.callers + 1
  table.insert(skill.waiting, caller)
  tell_queue(self, skill)
  if chance(self) < 0.1 then
    skill.vip = skill.vip + 1
    tell(self, "vip", skill.name, skill.vip)
  end
  later(self, 20 + around(self, PATIENCE), "give_up", skill, caller)
  later(self, around(self, TALK / (LOAD * math.max(1, #self.agents))), "arrive")
  distribute(self)
end

function happenings.give_up(self, skill, caller)
  if not caller.rung and leave_queue(self, skill, caller) then
    skill.lost = skill.lost + 1
    tell(self, "abandoned", skill.name,
      math.floor(skill.lost / skill.callers * 10000 + 0.5) / 10000)
  end
end

function happenings.answer(self, agent, skill, caller)
  leave_queue(self, skill, caller)
  count(self, agent, "answered")
  set_state(self, agent, "Talking", skill, 1)
  later(self, 15 + around(self, TALK), "hang_up", agent, self.now, skill)
end

function happenings.miss(self, agent, _, caller)
  caller.rung = nil
  count(self, agent, "missed")
  set_state(self, agent, "Do Not Disturb")
  later(self, around(self, BREAK), "come_back", agent)
  distribute(self)
end

function happenings.hang_up(self, agent, since, skill)
  agent.talk = agent.talk + math.floor((self.now - since) * 1000)
  tell(self, "talk", agent.name, agent.talk)
  local draw = chance(self)
  set_state(self, agent, draw < 0.02 and "Logged Out"
    or draw < 0.08 and "Do Not Disturb" or "Idle", skill, -1)
  if agent.state ~= "Idle" then
    later(self, around(self, draw < 0.02 and SHIFT or BREAK), "come_back",
      agent)
  end
  distribute(self)
end

function happenings.come_back(self, agent)
  set_state(self, agent, "Idle")
  distribute(self)
end

function happenings.chat(self)
  local skill = self.skills[math.floor(chance(self) * #self.skills) + 1]
  skill.chats = skill.chats + 1
  tell(self, "chats", skill.name, skill.chats)
  later(self, around(self, CHAT), "chat_ends", skill)
  later(self, around(self, CHAT / 3), "chat")
end

function happenings.chat_ends(self, skill)
  skill.chats = skill.chats - 1
  tell(self, "chats", skill.name, skill.chats)
end

function happenings.look(self)
  for _, skill in ipairs(self.skills) do
    if skill.waiting[1] then
      tell(self, "longest", skill.name, longest_wait(self, skill))
    end
  end
  later(self, LOOK, "look")
end

-- --- the day -----------------------------------------------------------------

-- What everything is before the first caller.
local function open_doors(self)
  for i, agent in ipairs(self.agents) do
    for _, name in ipairs { "presented", "answered", "talk", "missed" } do
      agent[name] = 0
      tell(self, name, agent.name, 0)
    end
    set_state(self, agent, i % 9 == 8 and "Logged Out" or "Idle")
    if agent.state ~= "Idle" then
      later(self, around(self, SHIFT), "come_back", agent)
    end
  end
  for _, skill in ipairs(self.skills) do
    skill.waiting, skill.callers, skill.lost = {}, 0, 0
    skill.chats, skill.vip, skill.handling = 0, 0, 0
    tell_queue(self, skill)
    for _, name in ipairs { "abandoned", "chats", "vip" } do
      local change = tell(self, name, skill.name, 0)
      change.skill, change.handling = skill.name, 0
    end
  end
end

local function named(list)
  local out = {}
  for i, name in ipairs(list) do
    out[i] = { name = name }
  end
  return out
end

--- A day of those agents and skills that the metrics have.
---@param config table its seed
---@param metrics ccaas.sandbox.xima_metrics
---@param from number when it begins, epoch seconds
---@return ccaas.sandbox.xima_day
function day.new(config, metrics, from)
  local self = setmetatable({
    metrics = metrics, now = from, order = 0, plan = {}, changes = {}, at = 1,
    random = math.floor(config.seed) % 2147483646 + 1,
    agents = named(metrics:categories(metrics.by_id[ids.state])),
    skills = named(metrics:categories(metrics.by_id[ids.queued])),
  }, day)
  if #self.skills == 0 then
    self.skills = named { people.skill(1) }
  end
  for _ = 1, 3 do
    chance(self)
  end
  open_doors(self)
  self.opening, self.changes = self.changes, {}
  later(self, 1, "arrive")
  later(self, 5, "chat")
  later(self, LOOK, "look")
  return self
end

--- The next change: { metric, category, value, at }, and where a call begins or
-- ends { skill, handling }: how many of the skill are talked with then.
---@return table
function day:next()
  while self.at > #self.changes do
    self.changes, self.at = {}, 1
    local entry = take_soonest(self.plan)
    self.now = entry.at
    happenings[entry.what](self, entry[1], entry[2], entry[3])
  end
  self.at = self.at + 1
  return self.changes[self.at - 1]
end

return day
