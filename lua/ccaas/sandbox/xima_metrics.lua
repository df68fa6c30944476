--- The real-time metrics of the Xima API: what they are, and their values.
-- Lives in the sandbox's Lua state.

local letters = require "ccaas.text"
local json = require "ccaas.sandbox.json"
local params = require "ccaas.sandbox.xima_params"
local people = require "ccaas.sandbox.xima_people"
local time = require "ccaas.sandbox.time"

---@class ccaas.sandbox.xima_metrics
local metrics = {}
metrics.__index = metrics

-- So many categories has a metric.
local MAX_CATEGORIES = 20

-- A metric's id is 101 and so on where none is given.
local definitions = {
  { name = "Calls Presented", category = "AGENT", unit = "COUNT" },
  { name = "Calls Answered", category = "AGENT", unit = "COUNT" },
  { name = "Talk Time", category = "AGENT", unit = "DURATION" },
  { name = "Agent State", category = "AGENT", unit = "TEXT" },
  { name = "Calls in Queue", category = "SKILL", unit = "COUNT" },
  { name = "Longest Wait", category = "SKILL", unit = "DURATION" },
  { name = "Abandon Rate", category = "SKILL", unit = "PERCENTAGE" },
  { name = "Chats in Queue", category = "SKILL", unit = "COUNT" },
  { name = 'Réponses "VIP"', category = "SKILL", unit = "COUNT" },
  { id = "K0FLAEB6", name = "Missed Calls", category = "AGENT",
    unit = "COUNT" },
}

local category_lists = { AGENT = "agents", SKILL = "queues" }
local states = { "Idle", "Talking", "Ringing", "Do Not Disturb", "Logged Out" }

-- A value of each kind, as JSON; of kinds that are not here as of COUNT.
local units = {}

function units.COUNT(chance)
  return ("%d"):format(chance % 250)
end

--- Milliseconds.
function units.DURATION(chance)
  return ("%d"):format(chance % 86400000)
end

function units.PERCENTAGE(chance)
  return letters.number(chance % 10001 / 10000)
end

function units.TEXT(chance)
  return json.quote(states[chance % #states + 1])
end

---@param config table
---@param world ccaas.sandbox.world
---@param native table
---@return ccaas.sandbox.xima_metrics
function metrics.new(config, world, native)
  local self = setmetatable({
    config = config, world = world, native = native, list = {}, by_id = {},
  }, metrics)
  for i, definition in ipairs(definitions) do
    local id = definition.id or tostring(100 + i)
    -- `pushed` and `more` are what was pushed: a reading by category, and the
    -- categories in order.
    local metric = { id = id, name = definition.name,
      category = definition.category, pushed = {}, more = {},
      unit = config.kinds[id] or definition.unit }
    self.list[i], self.by_id[metric.id] = metric, metric
  end
  return self
end

--- The names of the categories of a metric: those of the world, and others for
-- which a value was pushed.
---@return string[]
function metrics:categories(metric)
  local list, known = {}, {}
  local name = metric.category == "AGENT" and people.agent or people.skill
  for i, index in ipairs(self.world:rows(category_lists[metric.category])) do
    if i > MAX_CATEGORIES then
      break
    end
    list[i] = name(index)
    known[list[i]] = true
  end
  for _, category in ipairs(metric.more) do
    if not known[category] then
      list[#list + 1] = category
    end
  end
  return list
end

local function is_forbidden(self, id)
  for _, other in ipairs(self.config.forbidden) do
    if other == id then
      return true
    end
  end
  return false
end

--- The metrics with those ids; refuses unknown ones and those that the service
-- user was not given.
---@param ids string[]
---@param missing? integer the status for unknown ones, else 404
---@return table[]
function metrics:select(ids, missing)
  local chosen = {}
  for i, id in ipairs(ids) do
    if is_forbidden(self, id) then
      params.refuse(403, "No access to metric " .. id)
    elseif not self.by_id[id] then
      params.refuse(missing or 404, "No such metric: " .. id)
    end
    chosen[i] = self.by_id[id]
  end
  return chosen
end

-- What the service user was given.
local function allowed(self)
  local list = {}
  for _, metric in ipairs(self.list) do
    if not is_forbidden(self, metric.id) then
      list[#list + 1] = metric
    end
  end
  return list
end

--- Answers a request for the definitions, all of them or those of `id`.
function metrics:answer_definitions(request)
  local ids = params.list_of(request.query, "id")
  local items = {}
  for i, metric in ipairs(ids and self:select(ids) or allowed(self)) do
    local selection = {}
    for k, category in ipairs(self:categories(metric)) do
      selection[k] = json.quote(category)
    end
    items[i] = ('{"metricId":%s,"metricName":%s,"categoryType":"%s",'
      .. '"categorySelection":[%s]}'):format(json.quote(metric.id),
      json.quote(metric.name), metric.category, table.concat(selection, ","))
  end
  return params.array("metrics", items, self.config.list == "key")
end

---@class ccaas.sandbox.reading what a metric says of a category
---@field kind string
---@field value string JSON
---@field at string when it was updated

--- A metric's value for a category: what was pushed, else one by chance, of the
-- hour before `metrics.noon`.
---@return ccaas.sandbox.reading
function metrics:reading(metric, category)
  if metric.pushed[category] then
    return metric.pushed[category]
  end
  local moment = self.world.tick + (self.world.clock_tick or 0)
  local chance = self.native.hash(("%d\n%d\n%s\n%s"):format(
    self.config.seed, moment, metric.id, category))
  return { kind = metric.unit,
    value = (units[metric.unit] or units.COUNT)(chance),
    at = time.format(metrics.noon - chance % 3600000 / 1000) }
end

--- When values that nobody pushed end: 2026-06-30T00:00:00Z.
metrics.noon = 1782777600

--- Puts a value in the place of the one that was there, unless it is an older
-- one.
---@param metric table
---@param category string
---@param reading ccaas.sandbox.reading
function metrics:put(metric, category, reading)
  local known = metric.pushed[category]
  if not known then
    for _, other in ipairs(self:categories(metric)) do
      known = known or other == category and self:reading(metric, category)
    end
    metric.more[#metric.more + 1] = category
    metric.pushed[category] = known or nil
  end
  local at, before = time.parse(reading.at), known and time.parse(known.at)
  if at and before and at < before then
    return
  end
  metric.pushed[category] = reading
end

-- Fields are called after their kind.
local field_names = setmetatable({}, { __index = function(names, kind)
  names[kind] = json.quote(letters.lower(kind))
  return names[kind]
end })

--- A value as the API writes it, in a list or in a message.
---@param id string of the metric
---@param category string
---@param reading ccaas.sandbox.reading
---@return string JSON
function metrics.write(id, category, reading)
  return ('{"key":{"metricId":%s,"categoryValue":%s},"value":'
    .. '{"lastUpdateTime":%s,%s:%s,"type":%s}}'):format(json.quote(id),
    json.quote(category), json.quote(reading.at), field_names[reading.kind],
    reading.value, json.quote(reading.kind))
end

--- Answers a request for the values of the metrics `id`.
function metrics:answer_values(request)
  if not self.config.values then
    params.refuse(404)
  end
  params.required(request.query, "id")
  local waits, results, pending = {}, {}, {}
  for _, id in ipairs(self.config.pending) do
    waits[id] = true
  end
  local chosen = self:select(params.list_of(request.query, "id"))
  for _, metric in ipairs(chosen) do
    if waits[metric.id] then
      pending[#pending + 1] = json.quote(metric.id)
    else
      for _, category in ipairs(self:categories(metric)) do
        results[#results + 1] =
          metrics.write(metric.id, category, self:reading(metric, category))
      end
    end
  end
  return { status = 200, headers = { { "Content-Type", "application/json" } },
    body = ('{"results":[%s],"pendingMetricIds":[%s]}'):format(
      table.concat(results, ","), table.concat(pending, ",")) }
end

return metrics
