--- The query of a call, in as many pieces as its lists of ids need: no request
--- line is ever too long for a server.

local options = require "ccaas.options"
local text = require "ccaas.text"
local times = require "ccaas.times"
local uri = require "ccaas.uri"
local usage_error = require "ccaas.usage_error"

local query = {}

--- The longest request line that is sent, in bytes, page and size included.
query.LINE = 8000

local AROUND = #"GET  HTTP/1.1\r\n" + #"&page=9999999999&size=1000"

--- Has this address room for a query, page and size?
---@param address string scheme, host and path
---@return boolean
function query.has_room(address)
  return #address + AROUND + 2 < query.LINE
end

-- What one item of a list adds to the query: a comma list, or the name
-- repeated where the vendor wants that or an item has a comma itself.
local function pieces(name, items, kind)
  local encoded, separator = {}, kind == "repeated" and "&" .. name .. "=" or ","
  for i, item in ipairs(items) do
    encoded[i] = uri.encode(item)
    if item:find(",", 1, true) then
      separator = "&" .. name .. "="
    end
  end
  return encoded, separator
end

--- The kinds of values that a parameter may have: a comma list that stays whole,
--- a comma list that may be split over several requests, the same with the name
--- repeated for each item, and one value.
query.kinds = { names = true, ids = true, repeated = true, text = true, flag = true, time = true }

-- The queries of one list, each at most `room` bytes.
local function cut(where, name, items, kind, room)
  local encoded, separator = pieces(name, items, kind)
  local head = name .. "="
  local queries, joined = {}, nil
  for i, item in ipairs(encoded) do
    if #head + #item > room then
      usage_error.raise("%s: an id of %d bytes is too long for a request", where, #items[i])
    end
    if joined and #joined + #separator + #item <= room then
      joined = joined .. separator .. item
    else
      queries[#queries + 1] = joined
      joined = head .. item
    end
  end
  queries[#queries + 1] = joined
  return queries
end

-- All parameters but the lists of ids, and those lists.
local function collect(where, parameters, takes, opts)
  local fixed, lists = {}, {}
  for _, option in ipairs(takes) do
    local value, wire, kind = opts[option], parameters[option][1], parameters[option][2]
    if value == nil or value == false then -- luacheck: ignore 542
      -- left out
    elseif kind == "ids" or kind == "repeated" or kind == "names" then
      local items = options.list(where, option, value)
      if #items == 0 then
        usage_error.raise("%s: option `%s` is an empty list: leave it out to ask for all", where, option)
      elseif kind ~= "names" then
        lists[#lists + 1] = { wire, items, kind }
      else
        local encoded, separator = pieces(wire, items)
        fixed[#fixed + 1] = wire .. "=" .. table.concat(encoded, separator)
      end
    elseif kind == "time" then
      fixed[#fixed + 1] = wire .. "=" .. uri.encode(times.format(times.parse(value)))
    else
      fixed[#fixed + 1] = wire .. "=" .. uri.encode(text.of(value))
    end
  end
  return table.concat(fixed, "&"), lists
end

--- The addresses of a call: one, or more where its lists have to be split
--- (every list of the one with every list of the other, then).
---@param where string the method's name, for messages
---@param address string scheme, host and path
---@param parameters table<string, string[]> { option = { name on the wire, kind } }
---@param takes string[] the options that count here, in order
---@param opts table
---@return string[]
function query.addresses(where, address, parameters, takes, opts)
  local fixed, lists = collect(where, parameters, takes, opts)
  local room = query.LINE - AROUND - #address - #fixed - 2
  if room < 1 then
    usage_error.raise("%s: too many metrics (or too long a timezone) for one request: ask for fewer", where)
  end
  local queries = { fixed }
  for _, list in ipairs(lists) do
    local parts = cut(where, list[1], list[2], list[3], math.floor(room / #lists) - 1)
    local joined = {}
    for _, before in ipairs(queries) do
      for _, part in ipairs(parts) do
        joined[#joined + 1] = before == "" and part or before .. "&" .. part
      end
    end
    queries = joined
  end
  local addresses = {}
  for i, part in ipairs(queries) do
    addresses[i] = part == "" and address or address .. "?" .. part
  end
  return addresses
end

return query
