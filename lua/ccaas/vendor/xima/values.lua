--- Metric values as the vendor answers with them, as events have them.

local errors = require "ccaas.error"
local streams = require "ccaas.stream"
local text = require "ccaas.text"

local values = {}

-- A pushed or asked value, as all events have it; nil: it is none.  The value of
-- a kind that has no count is passed on whole.
local function to_update(item)
  local key, value = type(item) == "table" and item.key, type(item) == "table" and item.value
  if type(key) ~= "table" or type(value) ~= "table" then
    return nil
  end
  return {
    type = "update",
    metric_id = key.metricId,
    category = key.categoryValue,
    kind = value.type,
    value = value.count == nil and value or value.count,
    updated_at = value.lastUpdateTime,
    snapshot = true,
  }
end

-- Adds an answer's values; what else it has as a list are ids that are pending.
-- False: a value is none.
local function add_values(result, document)
  for member, list in pairs(document) do
    if type(list) == "table" then
      for _, item in ipairs(list) do
        if member == "results" then
          local update = to_update(item)
          if not update then
            return false
          end
          result.values[#result.values + 1] = update
        else
          result.pending[#result.pending + 1] = text.of(item)
        end
      end
    end
  end
  return true
end

-- A table with numbers for its keys only, or none.
local function is_list(value)
  return type(value) == "table" and (next(value) == nil or #value > 0)
end

--- The values of one or more answers, and the ids that have none yet.
---@param documents table[] the answers
---@param provider string
---@return { values: table[], pending: string[] }|nil
---@return ccaas.Error|nil
function values.collect(documents, provider)
  local result = { values = {}, pending = {} }
  for _, document in ipairs(documents) do
    if type(document) ~= "table" or not is_list(document.results) or not add_values(result, document) then
      return nil, errors.new({ code = "protocol", message = 'the answer has no list "results" in the expected form' },
        provider)
    end
  end
  return result
end

--- Current values, and what is not ready yet.
function values.result(own, name, _, plan)
  plan.body = "json"
  local documents, err = streams.new(own, plan, name):all()
  if not documents then
    return nil, err
  end
  return values.collect(documents, own.provider)
end

return values
