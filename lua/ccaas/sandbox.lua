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

--- Makes something go wrong.  Which requests: `path` (below the API's base, for
-- Xima below its version, as "/recordings"; or the whole path; a `*` at its end
-- stands for anything; without it every request), `method`, `page`; the first
-- `after` of them are spared, then `times` of them (1) are struck.  What happens
-- to them:
--
-- - `status`, `body`, `headers`: this answer.  A status alone is answered as
--   the part of the vendor that would say it says it (for 8x8 `dialect`
--   "gateway", "service" or "token" decides; `code` and `message` go into it).
--   `headers` alone replace those of the usual answer (false removes one): a
--   wrong Content-Type, or with a `status` of 302 the Location.
-- - `login`: a login page, with status 200, whatever was asked for.
-- - `flip = n`: the lowest bit of the body's byte n (from 0) is turned over.
-- - `reset`: the connection is reset.  `hang`: never an answer.
-- - `truncate = n`: the connection ends after n bytes of the body, in good
--   order or, with `reset`, by a reset.  With `clean` the answer is well framed
--   and only its body ends early.
-- - `drip = seconds`: the body comes in pieces (ten, or of `piece` bytes) with
--   so long a pause before each.  `delay = seconds`: before the first byte.
-- - `gzip` (if the client takes it), `chunked`: how the body is coded (a list of
--   recordings always comes in chunks).
-- - `set`: what `set` takes, done just before the answer is made.
---@param fault table
function handle:fault(fault)
  check.options(fault, check.fault_options, "fault", 2)
  if fault.set then
    check.options(fault.set, check.set_options, "fault: set", 2)
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
-- `chunked`, `one`, `empty` and `token_life`, as `start` has them; and of
-- Xima's:
--
-- - `recordings`: more of them follow the last one in time, the others stay.
-- - `xima_token`: the new token; the old one is answered with 401.
-- - `audio_version`: another number gives all audio files other bytes and other
--   ETags.
-- - `forbidden`, `report_delay`, `xls`, `values` (true or false), `pending`,
--   `list`, `audio_size`, `audio_interval`, `egress_cap`, `ranges`, `errors`,
--   `strict`, `subscription`, `handshake`, as `start` has them.
---@param changes table
function handle:set(changes)
  check.options(changes, check.set_options, "set", 2)
  command(self, "set", changes)
end

--- Makes every token that was given out an expired one.
function handle:expire_tokens()
  command(self, "expire_tokens")
end

-- --- websockets --------------------------------------------------------------

--- Tells the subscribers of the metric `id` that `category` has the `value` (a
-- string, number or boolean, or { json = text }) now: metric_values answers it
-- from here on.  `kind` is the metric's own unless given; the value's field is
-- called like it, in lower case.  `at`, text that is sent as it is or epoch
-- seconds, is later than all before unless given; an update older than the one
-- that is known is told, but changes no state.
--
-- Instead of an update, to the subscribers of `id`, to one `socket` or to all:
-- `raw`, any text as a message (with `binary` as a binary one), or `wire`,
-- bytes that are put on the connection without a frame.
---@param what table
---@return integer sockets to how many
function handle:push(what)
  check.options(what, check.push_options, "push", 2)
  local count = command(self, "push", what)
  return count
end

--- Changes how websockets behave, those that are there and those to come (or,
-- with `socket`, one that is there).  What is not given stays as it is.
--
-- - `rate`: the day plays so many updates a second (true 5, false or 0 none).
-- - `mute`: connections are accepted, then nothing is written and no ping
--   answered, as if the peer were gone; what is pushed meanwhile waits.
-- - `refuse`: new ones are refused with this status; false ends that.  (A
--   `fault` with `path = "/realtime-metric-subscription"` has headers too.)
-- - `fragments`: every message comes in so many frames.
-- - `pong`: pings are answered so many seconds later, "late" (5) or "never".
-- - `pings`: seconds between pings of the sandbox's own; 0 none.
-- - `buffer`: so many bytes may wait for a slow reader (1 MiB), besides those
--   in the kernel; one who lets more wait is dropped without a close frame.
-- - `flood`: so many updates of the metric `id` ("101"), made once, are written
--   to each of its sockets as fast as they are taken; they have one moment, and
--   what is true after the last one is the state at once.  0 ends a flood.
-- - `beat`: each socket gets so many updates a second of its first metric's
--   category "Beat", whose value is the moment of sending in microseconds since
--   the epoch: to measure how long they take.  They change no state.
---@param manners table
---@return integer? sockets how many are flooded
function handle:live(manners)
  check.options(manners, check.live_options, "live", 2)
  local count = command(self, "live", manners)
  return count
end

--- Ends websockets: all, one `socket`, or those of the metric `id`.  Without a
-- `code` the connection just ends, with `reset` by a reset; with one it says
-- goodbye (and `reason`) first, and waits 2 s at most for the answer.
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

--- What was said, by the ids of metrics: how many `updates` there were, and how
-- many messages were given to sockets (`sent`), floods and beats included.
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

--- Starts a sandbox on 127.0.0.1 alone.  Options (and what they are when not given):
--
-- - `agents` 5000, `queues` 250, `groups` 30, `recordings` 20000, `seed` 1: the
--   world; the same seed gives the same one.
-- - `address` "127.0.0.1", or "::1"; `port` 0 (any free one), `tls` false, `delay` 0 (seconds before each
--   answer), `gzip`, `chunked` (false): how it answers.
-- - `key`, `secret`, `tenants` { "acme" } (with several, requests must say
--   which), `token_life` 1799 seconds.
-- - `one` "object" or "array": the form of single rows (else each endpoint has
--   its own); `empty` "400" or "200": how an empty list is answered.
-- - `odd_ids`: every tenth id has characters that must be encoded.
-- - `refresh`: metrics change every so many seconds (else never).
--
-- And of the Xima API, whose agents are as many, and whose skills are as many
-- as queues:
--
-- - `xima_token` "sandbox-xima-token"; `xima_tenants` { "acme" }, to which the
--   recordings belong in turn.
-- - `reports` { "1001", "1002", "1003" }: the ids of those that there are;
--   `forbidden` {}: ids of reports and metrics that are answered with 403.
--   Metrics are 101 to 109 and K0FLAEB6.
-- - `report_delay` 0: so many times a report is answered with 202 until it is
--   ready, for the same bytes; other bytes begin anew.  `xls` "ole" or "zip":
--   which kind of spreadsheet.
-- - `values` true: whether metrics have values (else 404); `pending` {}: ids of
--   metrics whose values are not ready.
-- - `list` "bare" or "key": arrays of recordings, agents, skills and metrics
--   stand alone or under a key (else as each is documented).
-- - `recordings`: up to 10,000,000, in order of time, spread evenly over the 365
--   days before 2026-06-30T00:00:00Z.  A list goes from startTime on and ends
--   before endTime; it is made while it is read, as fast as its reader takes it.
-- - `odd_keys`: every tenth recording's key has slashes, NUL, `../`, 300
--   characters and the like.
-- - `audio_size`: every audio file's bytes (else 300 to 300,299);
--   `audio_version` 1.
-- - `audio_interval` 3 seconds between two requests for audio of a tenant, else
--   429; 0 lifts it.  `egress_cap`: so many bytes of audio a tenant may have
--   (else no end); past it 509.
-- - `ranges` false: whether audio has an ETag and takes Range and If-Range.
-- - `errors` "json", "text", "empty", or "mixed", one after the other: what the
--   bodies of errors are.
-- - `strict` false: whether a Content-Type is required of every request, as the
--   documents say (415); reports require it anyway.
--
-- And of its websockets:
--
-- - `subscription` true: whether there are any (else 404).
-- - `live`: updates a second of a plausible day that plays by itself (true 5):
--   calls arrive, wait, are rung through, handled or given up, agents change
--   status.  It begins with all counts at 0, and its clock, which starts at
--   2026-06-30T00:00:00Z, goes as fast as there are updates.  The same seed
--   gives the same day.  What metrics are worth follows what was pushed; `tick`
--   and `refresh` change only what never was, and are not pushed.  8x8's queues
--   and agents (the first 20 of each) tell the same day by their metrics
--   interactionsWaitInQueue.rt, interactionsHandling.rt,
--   interactionsLongestWaitInQueue.rt, abandonedPercentage.today and status.rt.
-- - `handshake`: a message that comes first on each socket (true, or its text).
-- - `kinds`: other kinds for metrics, { ["101"] = "TEXT" }.
-- - `flood`: so many updates for each new socket of the metric `flood_id`
--   ("101").
-- - `mute`, `refuse`, `fragments`, `pong`, `pings`, `buffer`, `beat`: as `live`
--   has them.
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
