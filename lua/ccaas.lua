--- A client for contact-center data APIs.
---
---     local ccaas = require "ccaas"
---     local x8 = ccaas.new{ provider = "8x8", region = "us", key = K, secret = S }
---     for queue in x8:queues() do print(queue.name) end

local core = require "ccaas.core"
local cjson = require "ccaas.cjson"
local clients = require "ccaas.client"
local loop = require "ccaas.loop"
local merge = require "ccaas.merge"
local usage_error = require "ccaas.usage_error"
local options = require "ccaas.options"
local stores = require "ccaas.store"
local uri = require "ccaas.uri"

---@class ccaas
---@field _VERSION string
---@field store { file: (fun(path: string): ccaas.Store), shared_dict: (fun(name: string): ccaas.Store) } shared tokens
---@field null any stands for JSON's null where one is kept; the same as lua-cjson's
local ccaas = {
  _VERSION = core.version,
  null = cjson.null,
  store = { file = stores.file, shared_dict = stores.shared_dict },
}

local vendors = { ["8x8"] = true, xima = true }

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

-- What each kind of credentials adds.
local by_auth = {
  client_credentials = {
    key = checks.key,
    secret = checks.secret,
    tenant = checks.text,
    region = checks.text,
    version = checks.text,
    token_url = checks.url,
  },
  bearer = {
    host = checks.text,
    audio_interval = checks.pause,
    token = function(where, name, value)
      if type(value) ~= "function" then
        checks.token(where, name, value)
      end
    end,
  },
}

local needed = { client_credentials = { "key", "secret" }, bearer = { "token" } }

local function load_vendor(given)
  local name = given.provider
  if name == nil then
    usage_error.raise("ccaas.new: needs option `provider`: \"8x8\" or \"xima\"")
  elseif type(name) ~= "string" or not vendors[name] then
    usage_error.raise("ccaas.new: unknown provider %q%s", tostring(name), usage_error.hint(name, vendors))
  end
  return require("ccaas.provider." .. name)
end

-- The address of a vendor whose customers have a host each.
local function host_url(vendor, given)
  if given.base_url then
    return (given.base_url:gsub("/+$", ""))
  elseif given.host == nil then
    usage_error.raise("ccaas.new: needs option `host` (with %s), like \"acme.xima.cloud\"", vendor.name)
  end
  local url = vendor.base_url:format(given.host)
  if given.host:find("[/?#@%s]") or not uri.parse(url) then
    usage_error.raise("ccaas.new: option `host` is not a host name: %q", given.host)
  end
  return url
end

local function base_url(vendor, given)
  if type(vendor.base_url) == "string" then
    return host_url(vendor, given)
  end
  local region = given.region or vendor.region
  local version = given.version or vendor.version
  if not vendor.base_url[region] then
    usage_error.raise("ccaas.new: unknown region %q%s", region, usage_error.hint(region, vendor.base_url))
  elseif not version:match("^v%d+$") then
    usage_error.raise("ccaas.new: option `version` must be like \"v5\", not %q", version)
  end
  return (given.base_url or vendor.base_url[region]:format(version)):gsub("/+$", "")
end

---@class ccaas.Options
---@field provider "8x8"|"xima"
---@field host? string xima: the customer's own
---@field token? string|fun(reason: string): string xima: asked again after a 401
---@field key? string
---@field secret? string
---@field audio_interval? number xima: seconds between two downloads of audio; 3
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
  local vendor = load_vendor(given)
  local known = {}
  for _, set in ipairs { common, by_auth[vendor.auth.kind] } do
    for name, check in pairs(set) do
      known[name] = check
    end
  end
  options.check("ccaas.new", given, known)
  for _, name in ipairs(needed[vendor.auth.kind]) do
    if given[name] == nil then
      usage_error.raise("ccaas.new: needs option `%s` (with %s)", name, vendor.name)
    end
  end
  if given.null ~= nil and given.null ~= ccaas.null then
    usage_error.raise("ccaas.new: option `null` must be ccaas.null or left out")
  end
  local wait, pause, await, begin = loop.find(given.loop)
  return clients.new(vendor, {
    base_url = base_url(vendor, given),
    token_url = given.token_url or vendor.auth.token_url,
    token = given.token,
    audio_interval = given.audio_interval,
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
