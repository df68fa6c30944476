--- What the metrics' values look like.  Each metric has a pool of JSON values
-- from which rows take theirs, so that a large answer is only put together.
-- Pure.

local letters = require "ccaas.text"
local json = require "ccaas.sandbox.json"

local values = {}

-- A prime: rows step through a pool without a pattern of its own.
local POOL_SIZE = 97
local MODULUS = 2147483647

local function hash(text)
  local h = 7
  for i = 1, #text do
    h = (h * 31 + text:byte(i)) % MODULUS
  end
  return h
end

--- Numbers 0 <= n < limit, always the same for the same text.
local function generator(text)
  local state = hash(text) + 1
  return function(limit)
    state = state * 16807 % MODULUS
    return state % limit
  end
end

local statuses = {
  "Available", "Busy", "On Break", "Working Offline", "Wrap Up", "Logged Out",
  "Offering", "Handling",
}
local codes = { "Lunch", "Réunion", "Training", "研修", "" }
local channels = { "phone", "chat", "email", "vmail", "social" }
local directions = { "inbound", "outbound", "internal" }

local kinds = {}

function kinds.count(random)
  return ("%d"):format(random(250))
end

--- Milliseconds.
function kinds.duration(random)
  return ("%d"):format(random(86400) * 1000 + random(1000))
end

function kinds.fraction(random)
  return letters.number(random(10001) / 10000)
end

function kinds.time(random)
  return ('"2026-06-%02dT%02d:%02d:%02d.%03dZ"'):format(1 + random(28),
    random(24), random(60), random(60), random(1000))
end

function kinds.status(random)
  return json.quote(statuses[1 + random(#statuses)])
end

function kinds.code(random)
  return json.quote(codes[1 + random(#codes)])
end

--- A number that came as a string.
function kinds.number_string(random)
  return ('"%d"'):format(random(100))
end

local function active(list)
  return function(random)
    local items = {}
    for i = 1, random(4) do
      local n = random(#list) + 1
      items[i] = ('{"id":"%d","name":%s,"count":%d}'):format(100 + n,
        json.quote(list[n]), 1 + random(3))
    end
    return "[" .. table.concat(items, ",") .. "]"
  end
end

kinds.queues = active {
  "Appointments", "Réclamations", "客户服务", 'The "Red"',
}
kinds.channels = active(channels)
kinds.directions = active(directions)

local by_stem = {
  activeQueues = "queues", activeChannels = "channels",
  activeDirections = "directions", lastLogin = "time", lastLogout = "time",
  lastStatusChange = "time", lastStatusCodeChange = "time", status = "status",
  line1Status = "status", line2Status = "status", statusCode = "code",
  slaTimeThreshold = "number_string", slaPercentageTarget = "number_string",
}

local function kind_of(metric)
  local stem = metric:match("^[^.]*")
  if by_stem[stem] then
    return by_stem[stem]
  elseif stem:find("Percentage", 1, true) then
    return "fraction"
  elseif stem:find("[tT]ime") or stem:find("longest", 1, true)
    or stem:find("Longest", 1, true) then
    return "duration"
  end
  return "count"
end

-- Some rows have no value, and some numbers are long or come as strings.
local function one_value(kind, random)
  local odd = random(60)
  if odd == 0 and kind ~= "count" then
    return "null"
  elseif odd == 1 and kind == "duration" then
    return ("%d"):format(1719570000000 + random(1000000))
  elseif odd == 2 and (kind == "duration" or kind == "fraction") then
    return '"' .. kinds[kind](random) .. '"'
  end
  return kinds[kind](random)
end

---@class ccaas.sandbox.pool
---@field [integer] string JSON values
---@field multiplier integer
---@field offset integer

--- The values of one metric.
---@param metric string
---@param salt string what they depend on
---@return ccaas.sandbox.pool
function values.pool(metric, salt)
  local random = generator(salt)
  local kind = kind_of(metric)
  local pool = {
    multiplier = 1 + random(POOL_SIZE - 1), offset = random(POOL_SIZE),
  }
  for i = 1, POOL_SIZE do
    pool[i] = one_value(kind, random)
  end
  return pool
end

--- Which of a pool's values a row has.
---@param pool ccaas.sandbox.pool
---@param index integer the row
---@return integer
function values.position(pool, index)
  return (index * pool.multiplier + pool.offset) % POOL_SIZE + 1
end

--- JSON of a value that a script gave.
---@param value string|number|boolean|table a table { json = text } is raw text
---@return string
function values.encode(value)
  if type(value) == "table" then
    return value.json
  elseif type(value) == "string" then
    return json.quote(value)
  elseif type(value) == "number" then
    return letters.number(value)
  end
  return tostring(value)
end

return values
