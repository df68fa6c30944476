--- Puts rows of the 8x8 API together, as JSON text.  Lives in the sandbox's
-- Lua state.

local json = require "ccaas.sandbox.json"
local values = require "ccaas.sandbox.values"

local rows = {}

local forms = {
  -- A list of key and value; and a map, as agents-in-queue-groups has it.
  list = {
    item = function(metric, value)
      return '{"key":' .. json.quote(metric) .. ',"value":' .. value .. "}"
    end,
    opening = "[", closing = "]",
  },
  map = {
    item = function(metric, value)
      return json.quote(metric) .. ":" .. value
    end,
    opening = "{", closing = "}",
  },
}

-- Every value of a pool, with its key around it.
local function items_of(pool, metric, form)
  local items = pool[form]
  if not items then
    items = {}
    for i, value in ipairs(pool) do
      items[i] = form.item(metric, value)
    end
    pool[form] = items
  end
  return items
end

local function row_start(world, kind, index)
  return '{"id":' .. json.quote(world:id(kind, index))
    .. ',"name":' .. world:name(kind, index)
end

--- What makes rows with metrics.
---@param world ccaas.sandbox.world
---@param kind "agents"|"queues"|"groups"
---@param metrics string[]
---@param tenant string
---@param form_name? "list"|"map"
---@return fun(index: integer): string
function rows.builder(world, kind, metrics, tenant, form_name)
  local form = forms[form_name or "list"]
  local pools, items = {}, {}
  for i, metric in ipairs(metrics) do
    pools[i] = world:pool(metric, tenant .. "\n" .. kind)
    items[i] = items_of(pools[i], metric, form)
  end
  local overrides = world.overrides[kind]
  local position = values.position
  return function(index)
    local own = overrides and overrides[world:id(kind, index)]
    local parts = {}
    for i = 1, #pools do
      local value = own and own[metrics[i]]
      parts[i] = value and form.item(metrics[i], value)
        or items[i][position(pools[i], index)]
    end
    return row_start(world, kind, index) .. ',"metrics":' .. form.opening
      .. table.concat(parts, ",") .. form.closing .. "}"
  end
end

--- What makes summary rows.
---@param world ccaas.sandbox.world
---@param kind "agents"|"queues"|"groups"
---@param with_group? boolean
---@return fun(index: integer): string
function rows.summary(world, kind, with_group)
  return function(index)
    local row = row_start(world, kind, index)
    if with_group then
      local group = world:group_of(index)
      row = row .. ',"groupId":' .. json.quote(world:id("groups", group))
        .. ',"groupName":' .. world:name("groups", group)
    end
    return row .. "}"
  end
end

--- The row of totals of some rows: sums of what are whole numbers.
---@param world ccaas.sandbox.world
---@param kind "agents"|"queues"
---@param metrics string[]
---@param tenant string
---@param indices integer[]
---@return string
function rows.totals(world, kind, metrics, tenant, indices)
  local parts = {}
  for _, metric in ipairs(metrics) do
    local pool = world:pool(metric, tenant .. "\n" .. kind)
    local sum
    for _, index in ipairs(indices) do
      local value = pool[values.position(pool, index)]
      if value:find("^%d+$") then
        sum = (sum or 0) + tonumber(value)
      end
    end
    if sum then
      parts[#parts + 1] = forms.list.item("total." .. metric,
        ("%d"):format(sum))
    end
  end
  return '{"id":null,"name":"totals","metrics":[' .. table.concat(parts, ",")
    .. "]}"
end

return rows
