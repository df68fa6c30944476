--- The contact centre that the sandbox plays: its agents, queues and groups,
-- who belongs where, and what every metric's value is.  The same seed gives
-- the same world.  Lives in the sandbox's Lua state.

local json = require "ccaas.sandbox.json"
local names = require "ccaas.sandbox.names"
local values = require "ccaas.sandbox.values"

---@class ccaas.sandbox.world
---@field version integer grows with every change
---@field played integer grows with every value that the day sets
local world = {}
world.__index = world

local first_id = { agents = 100000, queues = 100, groups = 500 }
local name_list = {
  agents = names.people, queues = names.queues, groups = names.groups,
}

---@param config table
---@return ccaas.sandbox.world
function world.new(config)
  local self = setmetatable({
    seed = math.floor(config.seed), odd_ids = config.odd_ids, refresh = config.refresh,
    tick = 0, version = 0, played = 0, kinds = {}, overrides = {}, pools = {},
    indices = {}, members = {},
  }, world)
  for kind in pairs(first_id) do
    -- math.floor: 5e3 is a count too, and must not make ids like "105000.0".
    local rows, count = {}, math.floor(config[kind])
    for i = 1, count do
      rows[i] = i
    end
    -- `founded` is what memberships are reckoned with, so that a later change
    -- of one number moves nobody else.
    self.kinds[kind] = {
      rows = rows, last = count, founded = math.max(count, 1),
    }
  end
  return self
end

--- Something changed: what was derived is forgotten.
function world:changed()
  self.version = self.version + 1
  self.pools, self.indices, self.members = {}, {}, {}
end

--- Gives a kind so many rows.  New ones are new individuals.
---@param kind string
---@param count integer
---@param insert? "front"|"end" where new rows come
---@param remove? "front"|"end" where rows go
function world:resize(kind, count, insert, remove)
  local state = self.kinds[kind]
  local rows = state.rows
  if count > #rows and insert == "front" then
    local grown = {}
    for i = 1, count - #rows do
      grown[i] = state.last + i
    end
    state.last = state.last + #grown
    for _, index in ipairs(rows) do
      grown[#grown + 1] = index
    end
    state.rows = grown
  elseif count > #rows then
    for _ = 1, count - #rows do
      state.last = state.last + 1
      rows[#rows + 1] = state.last
    end
  elseif remove == "front" then
    local kept = {}
    for i = #rows - count + 1, #rows do
      kept[#kept + 1] = rows[i]
    end
    state.rows = kept
  else
    for i = #rows, count + 1, -1 do
      rows[i] = nil
    end
  end
  self:changed()
end

--- Which moment is played; with `refresh` it follows the clock.
---@param now number seconds
function world:set_time(now)
  local tick = self.refresh and math.floor(now / self.refresh)
  if tick and tick ~= self.clock_tick then
    self.clock_tick = tick
    self:changed()
  end
end

---@return string
function world:id(kind, index)
  local id = tostring(first_id[kind] + index)
  if self.odd_ids and index % 10 == 7 then
    id = id .. "/ &+%?#é"
  end
  return id
end

--- The index of the row with that id, or nil.
---@return integer?
function world:find(kind, id)
  local indices = self.indices[kind]
  if not indices then
    indices = {}
    for _, index in ipairs(self.kinds[kind].rows) do
      indices[self:id(kind, index)] = index
    end
    self.indices[kind] = indices
  end
  return indices[id]
end

--- The indices of a kind's rows, in order.
---@return integer[]
function world:rows(kind)
  return self.kinds[kind].rows
end

---@return string JSON text
function world.name(_, kind, index)
  local list = name_list[kind]
  local name = list[(index - 1) % #list + 1]
  if index > #list then
    name = name .. " " .. index
  end
  return index % 5 == 3 and json.quote_ascii(name) or json.quote(name)
end

--- The group of an agent.
---@return integer? index, nil when there are no groups
function world:group_of(agent)
  local groups = self.kinds.groups
  return (agent - 1) % groups.founded + 1
end

local function add_member(members, index, agent)
  local list = members[index]
  if not list then
    list = {}
    members[index] = list
  end
  if list[#list] ~= agent then
    list[#list + 1] = agent
  end
end

local function find_members(self, kind)
  local members = {}
  local queues = self.kinds.queues.founded
  for _, agent in ipairs(self:rows("agents")) do
    if kind == "groups" then
      add_member(members, self:group_of(agent), agent)
    else
      for turn = 0, 2 do
        add_member(members, (agent * 7 + turn * 31) % queues + 1, agent)
      end
    end
  end
  return members
end

--- The agents of a queue or group.
---@param kind "queues"|"groups"
---@param index integer
---@return integer[]
function world:members_of(kind, index)
  local members = self.members[kind]
  if not members then
    members = find_members(self, kind)
    self.members[kind] = members
  end
  return members[(index - 1) % self.kinds[kind].founded + 1] or {}
end

--- The values of a metric.
---@param salt string what they depend on besides: the tenant
function world:pool(metric, salt)
  local key = salt .. "\n" .. metric
  local pool = self.pools[key]
  if not pool then
    local moment = self.tick + (self.clock_tick or 0)
    pool = values.pool(metric, key .. "\n" .. self.seed .. "\n" .. moment)
    self.pools[key] = pool
  end
  return pool
end

--- Sets values: overrides[kind][id][metric].
function world:override(overrides)
  for kind, by_id in pairs(overrides) do
    self.overrides[kind] = self.overrides[kind] or {}
    for id, by_metric in pairs(by_id) do
      local known = self.overrides[kind][id] or {}
      self.overrides[kind][id] = known
      for metric, value in pairs(by_metric) do
        known[metric] = values.encode(value)
      end
    end
  end
  self:changed()
end

--- Sets one value, as the day goes on: nothing that was derived depends on it.
function world:play(kind, id, metric, value)
  local by_id = self.overrides[kind] or {}
  self.overrides[kind] = by_id
  by_id[id] = by_id[id] or {}
  by_id[id][metric] = values.encode(value)
  self.played = self.played + 1
end

return world
