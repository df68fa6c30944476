--- Plays the vendors on your own machine: an HTTP server inside the process,
-- on a thread of its own, for tests and for trying things out.
--
--    local sandbox = require "ccaas.sandbox"
--    local sb = sandbox.start{ agents = 5000, seed = 1 }
--    local client = ccaas.new(sb:options("8x8"))
--    sb:fault{ path = "/queues", status = 503, times = 2 }
--    sb:stop()
--
-- A sandbox ends with stop(), with its handle, or with the process.

local server = require "ccaas.sandbox.server"
local wire = require "ccaas.sandbox.wire"

local sandbox = {}

-- --- checking what is given --------------------------------------------------

local function distance(a, b)
  local row = {}
  for j = 0, #b do
    row[j] = j
  end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      local least = math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
      diagonal, row[j] = row[j], least
    end
  end
  return row[#b]
end

local function suggestion(name, known)
  local best, least
  for other in pairs(known) do
    local d = distance(name, other)
    if d <= 3 and (not least or d < least or d == least and other < best) then
      best, least = other, d
    end
  end
  return best and (" (did you mean '%s'?)"):format(best) or ""
end

local function fails(level, ...)
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

function kinds.tenants(value)
  if type(value) ~= "table" or type(value[1]) ~= "string" then
    return "must be a list of names"
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

local function check(options, known, what, level)
  if type(options) ~= "table" then
    fails(level + 1, "%s: a table expected, got %s", what, type(options))
  end
  for name, value in pairs(options) do
    local kind = known[name]
    if not kind then
      fails(level + 1, "%s: unknown option '%s'%s", what, tostring(name),
        suggestion(tostring(name), known))
    end
    local problem = kind(value)
    if problem then
      fails(level + 1, "%s: '%s' %s", what, name, problem)
    end
  end
end

local ends = one_of("front", "end")
local empties = one_of("400", "200")
local ones = one_of("object", "array")

local start_options = {
  agents = kinds.count, queues = kinds.count, groups = kinds.count,
  recordings = kinds.count, seed = kinds.integer, delay = kinds.seconds,
  tls = kinds.boolean, port = kinds.port, key = kinds.string,
  secret = kinds.string, tenants = kinds.tenants, token_life = kinds.seconds,
  one = ones, empty = empties, gzip = kinds.boolean, chunked = kinds.boolean,
  odd_ids = kinds.boolean, refresh = kinds.seconds,
}

local defaults = {
  agents = 5000, queues = 250, groups = 30, recordings = 20000, seed = 1,
  delay = 0, tls = false, port = 0, key = "sandbox-key",
  secret = "sandbox-secret", token_life = 1799, empty = "400",
}

local set_options = {
  agents = kinds.count, queues = kinds.count, groups = kinds.count,
  insert = ends, remove = ends, tick = kinds.count, values = kinds.table,
  delay = kinds.seconds, gzip = kinds.boolean, chunked = kinds.boolean,
  one = ones, empty = empties, token_life = kinds.seconds,
}

local fault_options = {
  path = kinds.string, method = kinds.string, page = kinds.count,
  after = kinds.count, times = kinds.times, status = kinds.status,
  body = kinds.string, headers = kinds.table, reset = kinds.boolean,
  hang = kinds.boolean, truncate = kinds.count, clean = kinds.boolean,
  drip = kinds.seconds, piece = kinds.times, delay = kinds.seconds,
  gzip = kinds.boolean, chunked = kinds.boolean,
  dialect = one_of("gateway", "service", "token"), code = kinds.string,
  message = kinds.string, set = kinds.table,
}

-- --- the handle --------------------------------------------------------------

---@class ccaas.sandbox
---@field port integer
---@field url string "http://127.0.0.1:PORT", or https
---@field ca_file? string with tls: the CA that signed its certificate
local handle = {}

local handles = setmetatable({}, { __mode = "k" })

local function command(self, name, argument)
  local bytes, message =
    handles[self].server:command(wire.pack { name = name, argument = argument })
  if not bytes then
    error(message, 3)
  end
  return wire.unpack(bytes)
end

local vendors = {}

vendors["8x8"] = function(self, state, overrides)
  local region = overrides.region
  local prefix = region and region ~= "us" and "/" .. region or ""
  return {
    provider = "8x8", key = state.config.key, secret = state.config.secret,
    tenant = state.config.tenants[1], ca_file = self.ca_file,
    base_url = self.url .. prefix .. "/analytics/cc/v5/realtime-metrics",
    token_url = self.url .. "/oauth/v2/token",
  }
end

--- The options with which `ccaas.new` makes a client of this sandbox.
---@param provider "8x8"
---@param overrides? table options of your own, put over these
---@return table
function handle:options(provider, overrides)
  local vendor = vendors[provider]
  if not vendor then
    fails(2, "sandbox: it does not play '%s'", tostring(provider))
  end
  local options = vendor(self, handles[self], overrides or {})
  for name, value in pairs(overrides or {}) do
    options[name] = value
  end
  return options
end

--- Makes something go wrong.  Which requests: `path` (below the API's base, or
-- the whole path; a `*` at its end stands for anything; without it every
-- request), `method`, `page`; the first `after` of them are spared, then
-- `times` of them (1) are struck.  What happens to them:
--
-- - `status`, `body`, `headers`: this answer.  A status alone is answered as
--   the part of the vendor that would say it says it (`dialect` "gateway",
--   "service" or "token" decides; `code` and `message` go into it).  `headers`
--   alone replace those of the usual answer (false removes one).
-- - `reset`: the connection is reset.  `hang`: never an answer.
-- - `truncate = n`: the connection ends after n bytes of the body, in good
--   order or, with `reset`, by a reset.  With `clean` the answer is well framed
--   and only its body ends early.
-- - `drip = seconds`: the body comes in pieces (ten, or of `piece` bytes) with
--   so long a pause before each.  `delay = seconds`: before the first byte.
-- - `gzip` (if the client takes it), `chunked`: how the body is coded.
-- - `set`: what `set` takes, done just before the answer is made.
---@param fault table
function handle:fault(fault)
  check(fault, fault_options, "fault", 2)
  if fault.set then
    check(fault.set, set_options, "fault: set", 2)
  end
  command(self, "fault", fault)
end

--- Takes all faults back.
function handle:clear_faults()
  command(self, "clear_faults")
end

--- Changes the world while it runs: the number of `agents`, `queues`, `groups`
-- (new rows are new individuals; they come and go at the end of the list, or
-- at its `insert` and `remove` = "front", so that the others move to other
-- pages); `tick`, the moment: another number gives all metrics other values;
-- `values`, single ones: { queues = { ["101"] = { ["handling.rt"] = 7 } } } (a
-- table { json = "null" } as value is JSON text).  Also `delay`, `gzip`,
-- `chunked`, `one`, `empty` and `token_life`, as `start` has them.
---@param changes table
function handle:set(changes)
  check(changes, set_options, "set", 2)
  command(self, "set", changes)
end

--- Makes every token that was given out an expired one.
function handle:expire_tokens()
  command(self, "expire_tokens")
end

---@class ccaas.sandbox.request_seen
---@field method string
---@field target string the request target as it was on the wire
---@field path string percent-decoded, without the query
---@field query table<string, string|string[]> a list where a name came again
---@field headers table<string, string> names in lower case
---@field body string
---@field at number when, epoch seconds
---@field status? integer what was answered, if anything

--- What it was asked, oldest first: at least the last 10,000 requests.
---@return ccaas.sandbox.request_seen[]
function handle:requests()
  local list = command(self, "requests")
  return list
end

--- Forgets what it was asked.
function handle:clear_requests()
  command(self, "clear_requests")
end

--- Serves until the process gets SIGINT (Ctrl-C) or SIGTERM, or, where its
-- standard input is a pipe, until that ends.  For programs that only serve; a
-- running sandbox needs nobody to wait for it.
function handle:wait()
  handles[self].server:wait()
end

--- Ends it: the port is closed, the thread is gone.  Safe to call twice.
function handle:stop()
  handles[self].server:stop()
end

local meta = { __index = handle, __name = "ccaas.sandbox" }

function meta.__close(self)
  self:stop()
end

function meta.__tostring(self)
  return "ccaas.sandbox (" .. self.url .. ")"
end

--- Starts a sandbox on 127.0.0.1.  Options (and what they are when not given):
--
-- - `agents` 5000, `queues` 250, `groups` 30, `recordings` 20000, `seed` 1: the
--   world; the same seed gives the same one.
-- - `port` 0 (any free one), `tls` false, `delay` 0 (seconds before each
--   answer), `gzip`, `chunked` (false): how it answers.
-- - `key`, `secret`, `tenants` { "acme" } (with several, requests must say
--   which), `token_life` 1799 seconds.
-- - `one` "object" or "array": the form of single rows (else each endpoint has
--   its own); `empty` "400" or "200": how an empty list is answered.
-- - `odd_ids`: every tenth id has characters that must be encoded.
-- - `refresh`: metrics change every so many seconds (else never).
---@param options? table
---@return ccaas.sandbox
function sandbox.start(options)
  options = options or {}
  check(options, start_options, "sandbox.start", 2)
  local config = { tenants = { "acme" } }
  for name, value in pairs(defaults) do
    config[name] = value
  end
  for name, value in pairs(options) do
    config[name] = value
  end
  local running, message = server.start(package.path, package.cpath,
    "ccaas.sandbox.app", wire.pack(config), config.port, config.tls)
  if not running then
    error("sandbox.start: " .. message, 2)
  end
  local self = setmetatable({
    port = running:port(), ca_file = running:ca_file(),
  }, meta)
  self.url = (config.tls and "https" or "http") .. "://127.0.0.1:" .. self.port
  handles[self] = { server = running, config = config }
  return self
end

return sandbox
