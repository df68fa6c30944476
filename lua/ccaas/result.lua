--- The kinds of results that methods of all vendors may have: a stream of rows,
--- one row, a document.
---
--- A kind is `{ result, options?, words? }`.  `result` takes the client's internals,
--- the method's name and description, a plan with its addresses, the options, and
--- the first argument.  `options` are checks of the options that its methods take
--- beside their own, or a function that gives them for a vendor; `words` are those
--- of its methods' descriptions, as fields of ccaas.vendor's schema.

local errors = require "ccaas.error"
local options = require "ccaas.options"
local streams = require "ccaas.stream"
local usage_error = require "ccaas.usage_error"

local results = { stream = {}, row = {}, document = {}, rows = {}, items = {} }

function results.stream.options(vendor)
  return {
    page = options.limits.page,
    size = options.whole(1, vendor.paging.most),
    limit = options.limits.limit,
    concurrency = options.limits.concurrency,
    verify = options.checks.flag,
  }
end

--- A stream of rows that come in pages.
function results.stream.result(own, name, method, plan, opts)
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

--- One row.
function results.row.result(own, name, _, plan)
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
local function arrange(part, items)
  for _, item in ipairs(items) do
    if type(item) ~= "table" then
      return false
    end
    for wire, ours in pairs(part.rename or {}) do
      if item[wire] ~= nil then
        item[ours], item[wire] = item[wire], nil
      end
    end
    local inside = part.inner and item[part.inner.member]
    if part.shape and not to_map(item, part.shape)
      or type(inside) == "table" and not arrange(part.inner, inside) then
      return false
    end
  end
  return true
end

--- A document: its parts, each a list of rows.
function results.document.result(own, name, method, plan)
  plan.body = "json"
  local document, err, status = streams.run(own, plan, name)
  if err then
    return nil, err
  end
  local result = {}
  for part_name, part in pairs(method.parts) do
    local items = type(document) == "table" and document[part_name]
    if type(items) ~= "table" or not arrange(part, items) then
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

results.rows.options = { limit = options.limits.limit }

--- A stream of rows that come in one answer.
function results.rows.result(own, name, method, plan, opts)
  if opts.from then
    options.check_period(name, opts, true)
  end
  plan.body, plan.key = "array_or_key", method.key
  plan.counted, plan.limit = true, opts.limit
  return streams.new(own, plan, name, method.each)
end

--- A list of all items.
function results.items.result(own, name, method, plan)
  plan.body, plan.key = "array_or_key", method.key
  return streams.new(own, plan, name):all()
end

return results
