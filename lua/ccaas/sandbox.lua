--- A fake server for both vendors, for tests and for trying things out: an HTTP
-- server inside the process, on a thread of its own.
--
--    local sandbox = require "ccaas.sandbox"
--    local sb = sandbox.start{ agents = 5000, seed = 1 }
--    local client = ccaas.new(sb:options("8x8"))
--    sb:fault{ path = "/queues", status = 503, times = 2 }
--    sb:stop()
--
-- A sandbox ends with stop(), with its handle, or with the process.
-- docs/sandbox.md describes all options, faults and changes.

require "ccaas.core" -- first: it refuses a process whose OpenSSL threads cannot use
local check = require "ccaas.sandbox.check"
local server = require "ccaas.sandbox.server"
local wire = require "ccaas.sandbox.wire"

local sandbox = {}

local defaults = {
  agents = 5000, queues = 250, groups = 30, recordings = 20000, seed = 1,
  delay = 0, tls = false, port = 0, key = "sandbox-key",
  secret = "sandbox-secret", tenants = { "acme" }, token_life = 1799,
  empty = "400", xima_token = "sandbox-xima-token", xima_tenants = { "acme" },
  reports = { "1001", "1002", "1003" }, forbidden = {}, report_delay = 0,
  xls = "ole", values = true, pending = {}, audio_version = 1,
  audio_interval = 3, egress_cap = math.huge, errors = "mixed",
  subscription = true, kinds = {}, flood_id = "101", address = "127.0.0.1",
}

-- --- the handle --------------------------------------------------------------

---@class ccaas.sandbox
---@field port integer
---@field url string "http://127.0.0.1:PORT", or https; "http://[::1]:PORT"
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

function vendors.xima(self, state)
  return {
    provider = "xima", host = self.url:match("//(.*)"), base_url = self.url,
    token = state.config.xima_token, ca_file = self.ca_file,
  }
end

--- The options with which `ccaas.new` makes a client of this sandbox.
---@param provider "8x8"|"xima"
---@param overrides? table options of your own, put over these
---@return table
function handle:options(provider, overrides)
  local vendor = vendors[provider]
  if not vendor then
    check.fails(2, "sandbox: unknown provider '%s' (known: 8x8, xima)", tostring(provider))
  end
  local options = vendor(self, handles[self], overrides or {})
  for name, value in pairs(overrides or {}) do
    options[name] = value
  end
  return options
end

--- Makes requests fail.  `path`, `method`, `page`, `after` and `times` say which;
-- the other options say how: `status`, `reset`, `hang`, `truncate`, `drip` ...
---@param fault table
function handle:fault(fault)
  check.options(fault, check.fault_options, "fault", 2)
  if fault.set then
    check.options(fault.set, check.set_options, "fault: set", 2)
  end
  command(self, "fault", fault)
end

--- Removes all faults.
function handle:clear_faults()
  command(self, "clear_faults")
end

--- Changes the world while it runs: how many `agents`, `queues`, `groups` and
-- `recordings` there are, metrics' `values`, and how it answers.
---@param changes table
function handle:set(changes)
  check.options(changes, check.set_options, "set", 2)
  command(self, "set", changes)
end

--- Makes every token invalid that was given out.
function handle:expire_tokens()
  command(self, "expire_tokens")
end

-- --- websockets --------------------------------------------------------------

--- Sends the subscribers of the metric `id` a new `value` of a `category`, which
-- `metric_values` answers from then on; or, instead of an update, any text (`raw`)
-- or bytes (`wire`).
---@param what table
---@return integer sockets how many got it
function handle:push(what)
  check.options(what, check.push_options, "push", 2)
  local count = command(self, "push", what)
  return count
end

--- Changes how websockets behave: those that are there and those to come, or, with
-- `socket`, one that is there.  What is not given stays as it is.
---@param manners table
---@return integer? sockets how many are flooded
function handle:live(manners)
  check.options(manners, check.live_options, "live", 2)
  local count = command(self, "live", manners)
  return count
end

--- Ends websockets: all, one `socket`, or those of the metric `id`.  With a `code`
-- (and a `reason`) it sends a close frame first, and waits 2 s at most for the
-- answer; with `reset` it resets the connection.
---@param how? table
---@return integer sockets how many
function handle:drop_sockets(how)
  check.options(how or {}, check.drop_options, "drop_sockets", 2)
  local count = command(self, "drop_sockets", how)
  return count
end

---@class ccaas.sandbox.socket
---@field id integer its number, from 1
---@field ids string[] the metrics
---@field connected_at number epoch seconds
---@field sent integer messages given to it
---@field received integer messages that it sent us
---@field pings integer that it sent us
---@field pongs integer that it sent us
---@field waiting integer bytes that wait for it
---@field flood integer messages of a flood that are still to come

--- The websockets that are open, oldest first.
---@return ccaas.sandbox.socket[]
function handle:sockets()
  local list = command(self, "sockets")
  return list
end

--- What was pushed, by the ids of metrics: how many `updates` there were, and how
-- many messages were sent to websockets (`sent`), floods and beats included.
---@return table<string, { updates: integer, sent: integer }>
function handle:pushed()
  local list = command(self, "pushed")
  return list
end

---@class ccaas.sandbox.value
---@field id string the metric
---@field category string
---@field kind string
---@field value string JSON
---@field at string

--- All values as metric_values would answer them, or those of one metric.
---@param of? { id?: string }
---@return ccaas.sandbox.value[]
function handle:state(of)
  check.options(of or {}, check.state_options, "state", 2)
  local list = command(self, "state", of)
  return list
end

-- --- the rest ----------------------------------------------------------------

---@class ccaas.sandbox.request_seen
---@field method string
---@field target string the request target as it was on the wire
---@field path string percent-decoded, without the query
---@field query table<string, string|string[]> a list where a name came again
---@field headers table<string, string> names in lower case
---@field body string
---@field at number when, epoch seconds
---@field status? integer what was answered, if anything

--- The requests that it got, oldest first: the last 10,000 at least.
---@return ccaas.sandbox.request_seen[]
function handle:requests()
  local list = command(self, "requests")
  return list
end

--- Forgets the requests that it got.
function handle:clear_requests()
  command(self, "clear_requests")
end

--- Serves until the process gets SIGINT (Ctrl-C) or SIGTERM, or, if its standard
-- input is a pipe, until that ends.  For programs that only serve: a running
-- sandbox does not need it.
function handle:wait()
  handles[self].server:wait()
end

--- Closes the port and ends the thread.  Safe to call twice.
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

--- Starts a sandbox, on 127.0.0.1 alone unless `address` is "::1".  The same `seed`
-- gives the same world.
---@param options? table
---@return ccaas.sandbox
function sandbox.start(options)
  options = options or {}
  check.options(options, check.start_options, "sandbox.start", 2)
  local config = {}
  for name, value in pairs(defaults) do
    config[name] = value
  end
  for name, value in pairs(options) do
    config[name] = value
  end
  local running, message = server.start(package.path, package.cpath,
    "ccaas.sandbox.app", wire.pack(config), config.port, config.tls, config.address)
  if not running then
    error("sandbox.start: " .. message, 2)
  end
  local self = setmetatable({
    port = running:port(), ca_file = running:ca_file(),
  }, meta)
  self.url = ("%s://%s:%d"):format(config.tls and "https" or "http",
    config.address == "::1" and "[::1]" or config.address, self.port)
  handles[self] = { server = running, config = config }
  return self
end

return sandbox
