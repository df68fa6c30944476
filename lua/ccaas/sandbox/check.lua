--- What the sandbox's functions take, and how they say that something is not
-- among it.  Pure.

local nearest = require("ccaas.usage_error").nearest

local check = {}

local function suggestion(name, known)
  local meant = nearest(name, known)
  return meant and (" (did you mean '%s'?)"):format(meant) or ""
end

--- Raises an error.
---@param level integer whose line it names: 1 is the caller's
---@param ... any a format and its values
function check.fails(level, ...)
  error(string.format(...), level + 1)
end

-- Each kind of option says what is wrong with a value, or gives nothing.
local kinds = {}

function kinds.count(value)
  if type(value) ~= "number" or value < 0 or value % 1 ~= 0
    or value > 1e7 then
    return "must be a whole number, 0 to 10,000,000"
  end
end

function kinds.port(value)
  if kinds.count(value) or value > 65535 then
    return "must be a port"
  end
end

function kinds.seconds(value)
  if type(value) ~= "number" or not (value >= 0 and value < math.huge) then
    return "must be seconds"
  end
end

function kinds.times(value)
  if type(value) ~= "number" or value ~= value or value <= 0 then
    return "must be a number above 0"
  end
end

function kinds.integer(value)
  if type(value) ~= "number" or value % 1 ~= 0 or math.abs(value) > 2 ^ 31 then
    return "must be an integer"
  end
end

function kinds.status(value)
  if kinds.count(value) or value < 200 or value > 599 then
    return "must be a status, 200 to 599"
  end
end

function kinds.boolean(value)
  if type(value) ~= "boolean" then
    return "must be true or false"
  end
end

function kinds.string(value)
  if type(value) ~= "string" then
    return "must be a string"
  end
end

function kinds.table(value)
  if type(value) ~= "table" then
    return "must be a table"
  end
end

--- A number of bytes that may be endless.
function kinds.bytes(value)
  if type(value) ~= "number" or value ~= value or value < 0 then
    return "must be a number of bytes"
  end
end

function kinds.audio_size(value)
  if type(value) ~= "number" or value % 1 ~= 0 or value < 127
    or value > 1e8 then
    return "must be a whole number, 127 to 100,000,000"
  end
end

function kinds.list(value)
  if type(value) ~= "table" or #value == 0 and next(value) ~= nil then
    return "must be a list"
  end
  for _, item in ipairs(value) do
    if type(item) ~= "string" then
      return "must be a list of strings"
    end
  end
end

--- 8x8 metrics' values, or whether Xima metrics have any.
function kinds.values(value)
  if type(value) ~= "table" and type(value) ~= "boolean" then
    return "must be a table, true or false"
  end
end

function kinds.tenants(value)
  if type(value) ~= "table" or type(value[1]) ~= "string" then
    return "must be a list of names"
  end
end

--- What plays by itself: a rate, or whether it does.
function kinds.rate(value)
  if type(value) ~= "boolean" and kinds.seconds(value) then
    return "must be updates a second, true or false"
  end
end

--- How pings are answered.
function kinds.pong(value)
  if value ~= "late" and value ~= "never" and kinds.seconds(value) then
    return 'must be seconds, "late" or "never"'
  end
end

--- A message, or whether there is one.
function kinds.message(value)
  if type(value) ~= "string" and type(value) ~= "boolean" then
    return "must be a string, true or false"
  end
end

--- A status that refuses, or false.
function kinds.refusal(value)
  if value ~= false and (kinds.status(value) or value < 400) then
    return "must be a status, 400 to 599, or false"
  end
end

--- Names of kinds by the ids of metrics.
function kinds.kinds(value)
  if type(value) ~= "table" then
    return "must be a table"
  end
  for id, kind in pairs(value) do
    if type(id) ~= "string" or type(kind) ~= "string" or kind == "" then
      return "must have kinds by ids"
    end
  end
end

function kinds.fragments(value)
  if kinds.count(value) or value < 1 or value > 1000 then
    return "must be a whole number, 1 to 1,000"
  end
end

function kinds.flood(value)
  if type(value) ~= "number" or value % 1 ~= 0 or value < 0 or value > 1e15 then
    return "must be a whole number"
  end
end

--- A close code that may be sent.
function kinds.code(value)
  if kinds.count(value) or value < 1000 or value > 4999 then
    return "must be a close code, 1000 to 4999"
  end
end

--- A moment, as it is written or as epoch seconds.
function kinds.moment(value)
  if type(value) ~= "string" and kinds.seconds(value) then
    return "must be a string or epoch seconds"
  end
end

--- What a metric may be worth.
function kinds.value(value)
  local is = type(value)
  if is ~= "string" and is ~= "boolean" and is ~= "number"
    and not (is == "table" and type(value.json) == "string") then
    return "must be a string, a number, a boolean or { json = text }"
  elseif is == "number"
    and (value ~= value or math.abs(value) == math.huge) then
    return "must be a finite number"
  end
end

local function one_of(...)
  local allowed, text = {}, {}
  for i, value in ipairs { ... } do
    allowed[value], text[i] = true, '"' .. value .. '"'
  end
  return function(value)
    if not allowed[value] then
      return "must be one of " .. table.concat(text, ", ")
    end
  end
end

--- Raises an error for an option that is not known, or that has a wrong value.
---@param options table
---@param known table<string, fun(value: any): string?>
---@param what string whose options they are
---@param level integer whose line is named: 1 is the caller's
function check.options(options, known, what, level)
  if type(options) ~= "table" then
    check.fails(level + 1, "%s: a table expected, got %s", what, type(options))
  end
  for name, value in pairs(options) do
    local kind = known[name]
    if not kind then
      check.fails(level + 1, "%s: unknown option '%s'%s", what, tostring(name),
        suggestion(tostring(name), known))
    end
    local problem = kind(value)
    if problem then
      check.fails(level + 1, "%s: '%s' %s", what, name, problem)
    end
  end
end

local ends = one_of("front", "end")
local empties = one_of("400", "200")
local ones = one_of("object", "array")

local lists = one_of("bare", "key")
local errors = one_of("json", "text", "empty", "mixed")
local sheets = one_of("ole", "zip")
local addresses = one_of("127.0.0.1", "::1")

check.start_options = {
  agents = kinds.count, queues = kinds.count, groups = kinds.count,
  recordings = kinds.count, seed = kinds.integer, delay = kinds.seconds,
  tls = kinds.boolean, address = addresses, port = kinds.port, key = kinds.string,
  secret = kinds.string, tenants = kinds.tenants, token_life = kinds.seconds,
  one = ones, empty = empties, gzip = kinds.boolean, chunked = kinds.boolean,
  odd_ids = kinds.boolean, refresh = kinds.seconds, xima_token = kinds.string,
  xima_tenants = kinds.tenants, reports = kinds.list, forbidden = kinds.list,
  report_delay = kinds.count, xls = sheets, values = kinds.boolean,
  pending = kinds.list, list = lists, odd_keys = kinds.boolean,
  audio_size = kinds.audio_size, audio_version = kinds.count,
  audio_interval = kinds.seconds, egress_cap = kinds.bytes,
  ranges = kinds.boolean, errors = errors, strict = kinds.boolean,
  subscription = kinds.boolean, handshake = kinds.message, live = kinds.rate,
  kinds = kinds.kinds, flood = kinds.flood, flood_id = kinds.string,
  mute = kinds.boolean, refuse = kinds.refusal, fragments = kinds.fragments,
  pong = kinds.pong, pings = kinds.seconds, buffer = kinds.count,
  beat = kinds.seconds,
}

check.set_options = {
  agents = kinds.count, queues = kinds.count, groups = kinds.count,
  recordings = kinds.count, insert = ends, remove = ends, tick = kinds.count,
  values = kinds.values, delay = kinds.seconds, gzip = kinds.boolean,
  chunked = kinds.boolean, one = ones, empty = empties,
  token_life = kinds.seconds, xima_token = kinds.string,
  forbidden = kinds.list, report_delay = kinds.count, xls = sheets,
  pending = kinds.list, list = lists, audio_size = kinds.audio_size,
  audio_version = kinds.count, audio_interval = kinds.seconds,
  egress_cap = kinds.bytes, ranges = kinds.boolean, errors = errors,
  strict = kinds.boolean, subscription = kinds.boolean,
  handshake = kinds.message,
}

check.push_options = {
  id = kinds.string, category = kinds.string, value = kinds.value,
  kind = kinds.string, at = kinds.moment, raw = kinds.string,
  binary = kinds.boolean, wire = kinds.string, socket = kinds.count,
}

check.live_options = {
  rate = kinds.rate, mute = kinds.boolean, refuse = kinds.refusal,
  fragments = kinds.fragments, pong = kinds.pong, pings = kinds.seconds,
  buffer = kinds.count, beat = kinds.seconds, flood = kinds.flood,
  id = kinds.string, socket = kinds.count,
}

check.drop_options = {
  code = kinds.code, reason = kinds.string, reset = kinds.boolean,
  id = kinds.string, socket = kinds.count,
}

check.state_options = { id = kinds.string }

check.fault_options = {
  path = kinds.string, method = kinds.string, page = kinds.count,
  after = kinds.count, times = kinds.times, status = kinds.status,
  body = kinds.string, headers = kinds.table, reset = kinds.boolean,
  hang = kinds.boolean, truncate = kinds.count, clean = kinds.boolean,
  drip = kinds.seconds, piece = kinds.times, delay = kinds.seconds,
  gzip = kinds.boolean, chunked = kinds.boolean,
  dialect = one_of("gateway", "service", "token"), code = kinds.string,
  message = kinds.string, set = kinds.table, flip = kinds.count,
  login = kinds.boolean,
}

return check
