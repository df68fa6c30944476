--- A client for contact-center data APIs.
---
---     local ccaas = require "ccaas"
---     local client = ccaas.new { provider = NAME, key = K, secret = S }
---     for queue in client:queues() do print(queue.name) end

local core = require "ccaas.core"
local cjson = require "ccaas.cjson"
local clients = require "ccaas.client"
local loop = require "ccaas.loop"
local merge = require "ccaas.merge"
local usage_error = require "ccaas.usage_error"
local options = require "ccaas.options"
local stores = require "ccaas.store"
local uri = require "ccaas.uri"
local vendors = require "ccaas.vendor"

---@class ccaas
---@field _VERSION string
---@field store { file: (fun(path: string): ccaas.Store), shared_dict: (fun(name: string): ccaas.Store) } shared tokens
---@field null any stands for JSON's null where one is kept; the same as lua-cjson's
local ccaas = {
  _VERSION = core.version,
  null = cjson.null,
  store = { file = stores.file, shared_dict = stores.shared_dict },
}

local checks = options.checks
local common = {
  provider = checks.any,
  base_url = checks.url,
  timeout = checks.seconds,
  connect_timeout = checks.seconds,
  deadline = checks.seconds,
  retries = options.limits.retries,
  max_retry_after = checks.pause,
  concurrency = options.limits.concurrency,
  max_record = options.limits.max_record,
  max_body = options.limits.max_body,
  ca_file = checks.file,
  proxy = checks.proxy,
  user_agent = checks.text,
  null = checks.any,
  on_event = checks.call,
  loop = checks.any,
  store = stores.check,
}

-- The address of a vendor whose customers have a host each.
local function host_url(address, given)
  if given.host == nil then
    usage_error.raise("ccaas.new: needs option `host` (with %s), like \"%s\"", given.provider, address.example)
  end
  local url = address.host:format(given.host)
  if given.host:find("[/?#@%s]") or not uri.parse(url) then
    usage_error.raise("ccaas.new: option `host` is not a host name: %q", given.host)
  end
  return url
end

local function region_url(address, given)
  local region = given.region or address.region
  local version = given.version or address.version
  if not address.regions[region] then
    usage_error.raise("ccaas.new: unknown region %q%s", region, usage_error.hint(region, address.regions))
  elseif not version:match("^v%d+$") then
    usage_error.raise("ccaas.new: option `version` must be like \"v5\", not %q", version)
  end
  return address.regions[region]:format(version)
end

local function base_url(address, given)
  local url = address.regions and region_url(address, given) or given.base_url
    or address.host and host_url(address, given) or address.url
  return ((given.base_url or url):gsub("/+$", ""))
end

-- Checks the options: those of all vendors, and those that this one adds.
local function check_options(vendor, given)
  local known = {}
  for name, check in pairs(common) do
    known[name] = check
  end
  for name, option in pairs(vendor.options) do
    known[name] = checks[option.check]
  end
  options.check("ccaas.new", given, known)
  local needed = {}
  for name, option in pairs(vendor.options) do
    needed[#needed + 1] = option.needed and given[name] == nil and name or nil
  end
  table.sort(needed)
  if needed[1] then
    usage_error.raise("ccaas.new: needs option `%s` (with %s)", needed[1], vendor.name)
  end
  if given.null ~= nil and given.null ~= ccaas.null then
    usage_error.raise("ccaas.new: option `null` must be ccaas.null or left out")
  end
end

---@class ccaas.Options
---@field provider ccaas.Provider
---@field host? string the customer's own
---@field token? string|fun(reason: string): string asked again after a 401
---@field key? string
---@field secret? string
---@field audio_interval? number seconds between two downloads of audio; 3
---@field tenant? string
---@field region? "us"|"eu"|"au"|"ca"
---@field version? string
---@field token_url? string
---@field base_url? string
---@field timeout? number seconds without a byte from the server; 30
---@field connect_timeout? number seconds; 10
---@field deadline? number seconds for a whole call; none
---@field retries? integer attempts after the first; 4
---@field max_retry_after? number seconds; a longer Retry-After is an error at once, where there is no deadline; 120
---@field concurrency? integer pages fetched side by side; 4
---@field max_record? integer bytes; 16 MiB
---@field max_body? integer bytes; 256 MiB
---@field ca_file? string
---@field proxy? string
---@field user_agent? string
---@field null? any `ccaas.null` keeps nulls
---@field on_event? fun(event: table)
---@field store? ccaas.Store where tokens and paces are shared; this Lua state
---@field loop? "blocking"|"openresty"|"cqueues"|"luv"|"copas"|ccaas.Loop

--- A client.  Opens no socket and starts no thread: the first request does.
--- Wrong options raise at the caller's line.
---@param given ccaas.Options
---@return ccaas.Client
function ccaas.new(given)
  if type(given) ~= "table" then
    usage_error.raise("ccaas.new: expected a table of options, got a %s", type(given))
  end
  local vendor = vendors.find(given.provider)
  check_options(vendor, given)
  local wait, pause, await, begin = loop.find(given.loop)
  return clients.new(vendor, {
    given = given,
    base_url = base_url(vendor.address, given),
    token_url = given.token_url or vendor.auth.token_url,
    token = given.token,
    key = given.key,
    secret = given.secret,
    tenant = given.tenant,
    timeout = given.timeout or 30,
    connect_timeout = given.connect_timeout or 10,
    deadline = given.deadline,
    retries = given.retries or 4,
    max_retry_after = given.max_retry_after or 120,
    concurrency = given.concurrency or 4,
    max_record = given.max_record or 16 * 1024 * 1024,
    max_body = given.max_body or 256 * 1024 * 1024,
    ca_file = given.ca_file,
    proxy = given.proxy,
    user_agent = given.user_agent or "ccaas/" .. core.version,
    null = given.null,
    on_event = given.on_event,
    store = given.store,
    wait = wait,
    pause = pause,
    await = await,
    begin = begin,
  })
end

--- One stream of (item, stream) from many, as they come, fair.  A source that
--- fails gives `{ type = "error", error = err }, stream` and the others go on;
--- the merge ends when all have ended.  Closing it closes all.
---@param ... ccaas.Stream|ccaas.Events
---@return ccaas.Events
function ccaas.merge(...)
  return merge(...)
end

return ccaas
