--- The kinds of results that a method may have: a stream of rows, one row, a
--- document.  Each takes the client's internals, the method's name and description, a plan
--- with its addresses, and the options.

local download = require "ccaas.download"
local errors = require "ccaas.error"
local names = require "ccaas.names"
local options = require "ccaas.options"
local report = require "ccaas.report"
local streams = require "ccaas.stream"
local subscribe = require "ccaas.subscribe"
local usage_error = require "ccaas.usage_error"
local values = require "ccaas.values"

local results = {}

--- The options of a kind that its methods take beside those of their own.
results.options = {
  rows = { limit = options.limits.limit },
  report = report.options,
  audio = download.options,
  subscription = subscribe.options,
}

results.report = report.result
results.audio = download.result
results.subscription = subscribe.result

---@class ccaas.ListOptions the options of lists; of those for the request, a list takes what its endpoint has
---@field metrics? string[]|string
---@field queue_ids? string[]|string
---@field agent_ids? string[]|string
---@field group_ids? string[]|string
---@field timezone? string
---@field summary? boolean ids and names alone
---@field totals? boolean a totals row as well: see info().totals
---@field page? integer where to start, from 0
---@field size? integer rows a page, 1 to 1000; 1000
---@field limit? integer stop after so many rows
---@field concurrency? integer pages fetched side by side, 1 to 64
---@field verify? boolean walk the list until two passes in a row are clean and the second brings nothing new
---@field tenant? string
---@field deadline? number seconds
---@field timeout? number seconds
---@field retries? integer

--- A stream of rows that come in pages.
function results.stream(own, name, method, plan, opts)
  local paging = own.vendor.paging
  plan.body, plan.unique, plan.paged = "array", true, true
  plan.page_name, plan.size_name, plan.page_headers = paging.page, paging.size, paging.headers
  plan.page, plan.size = opts.page or 0, opts.size or paging.most
  plan.limit, plan.verify = opts.limit, opts.verify
  plan.concurrency = opts.concurrency or own.concurrency
  plan.totals = method.totals
  if plan.page > 0 and #plan.urls > 1 then
    usage_error.raise("%s: option `page` cannot be used with so many ids: they need %d requests", name, #plan.urls)
  end
  return streams.new(own, plan, name)
end

function results.row(own, name, _, plan)
  plan.body = "array_or_one"
  local row, err, status, _, count = streams.run(own, plan, name)
  if err then
    return nil, err
  elseif count ~= 1 then
    return nil, errors.new({
      code = count == 0 and "not_found" or "protocol",
      message = string.format("one row was requested, but the answer has %d", count),
      status = status,
    }, own.provider)
  end
  return row
end

-- A list of { key, value } becomes a map, as the decoder does it for streams.
-- False: an entry is none.
local function to_map(row, shape)
  local entries = row[shape.map]
  if type(entries) == "table" and #entries > 0 then
    local map = {}
    for _, entry in ipairs(entries) do
      local key = type(entry) == "table" and entry[shape.map_key]
      if type(key) ~= "string" then
        return false
      end
      map[key] = entry[shape.map_value]
    end
    row[shape.map] = map
  end
  return true
end

-- Renames a part's members and brings its rows into their one form.  False: an
-- item is not what it should be.
local function arrange(own, part, items)
  for _, item in ipairs(items) do
    if type(item) ~= "table" then
      return false
    end
    for wire, ours in pairs(part.rename or {}) do
      if item[wire] ~= nil then
        item[ours], item[wire] = item[wire], nil
      end
    end
    local inside = part.rows_in and item[part.rows_in]
    if part.rows and not to_map(item, own.vendor.methods.agents.shape)
      or type(inside) == "table" and not arrange(own, { rows = true }, inside) then
      return false
    end
  end
  return true
end

function results.document(own, name, method, plan)
  plan.body = "json"
  local document, err, status = streams.run(own, plan, name)
  if err then
    return nil, err
  end
  local result = {}
  for part_name, part in pairs(method.parts) do
    local items = type(document) == "table" and document[part_name]
    if type(items) ~= "table" or not arrange(own, part, items) then
      return nil, errors.new({
        code = "protocol",
        message = string.format("the answer has no list %q in the expected form", part_name),
        status = status,
      }, own.provider)
    end
    result[part_name] = items
  end
  return result
end

-- An agent's name and extension, from the one text that the vendor has.
local function split_names(field)
  return function(row)
    if type(row) == "table" then
      row.name, row.extension = names.split(row[field])
    end
    return row
  end
end

--- A stream of rows that come in one answer.
function results.rows(own, name, method, plan, opts)
  if opts.from then
    options.check_period(name, opts, true)
  end
  plan.body, plan.key = "array_or_key", method.key
  plan.counted, plan.limit = true, opts.limit
  return streams.new(own, plan, name, method.name_in and split_names(method.name_in))
end

--- A list of all items.
function results.items(own, name, method, plan)
  plan.body, plan.key = "array_or_key", method.key
  return streams.new(own, plan, name):all()
end

--- Current values, and what is not ready yet.
function results.values(own, name, _, plan)
  plan.body = "json"
  local documents, err = streams.new(own, plan, name):all()
  if not documents then
    return nil, err
  end
  return values.collect(documents, own.provider)
end

return results
