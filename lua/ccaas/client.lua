--- Clients: made from a vendor's description and settings.

local core = require "ccaas.core"
local internals = require "ccaas.internals"
local methods = require "ccaas.method"
local request = require "ccaas.request"
local stores = require "ccaas.store"
local usage_error = require "ccaas.usage_error"

local clients = {}

---@class ccaas.Client
---@field queues fun(self: ccaas.Client, opts?: ccaas.ListOptions): ccaas.Stream
---@field queue fun(self: ccaas.Client, id: string, opts?: table): table|nil, ccaas.Error|nil
---@field queue_agents fun(self: ccaas.Client, queue: string, opts?: ccaas.ListOptions): ccaas.Stream
---@field queue_agent fun(self: ccaas.Client, queue: string, agent: string, opts?: table): table|nil, ccaas.Error|nil
---@field agents fun(self: ccaas.Client, opts?: ccaas.ListOptions): ccaas.Stream
---@field groups fun(self: ccaas.Client, opts?: ccaas.ListOptions): ccaas.Stream
---@field group fun(self: ccaas.Client, id: string, opts?: table): table|nil, ccaas.Error|nil
---@field group_agents fun(self: ccaas.Client, group: string, opts?: ccaas.ListOptions): ccaas.Stream
---@field group_agent fun(self: ccaas.Client, group: string, agent: string, opts?: table): table|nil, ccaas.Error|nil
---@field agents_in_queue_groups fun(self: ccaas.Client, opts?: table): table|nil, ccaas.Error|nil
---@field watch fun(self: ccaas.Client, what: string, opts?: ccaas.WatchOptions): ccaas.Events
---@field historic_data fun(self: ccaas.Client, report: string, opts?: table): any, ccaas.Error|nil
---@field metrics fun(self: ccaas.Client, opts?: table): table[]|nil, ccaas.Error|nil
---@field metric_values fun(self: ccaas.Client, ids: string[]|string, opts?: table): table|nil, ccaas.Error|nil
---@field subscribe fun(self: ccaas.Client, ids: string[]|string, opts?: ccaas.SubscribeOptions): ccaas.Events
---@field recordings fun(self: ccaas.Client, opts: table): ccaas.Stream
---@field audio fun(self: ccaas.Client, recording: table, opts?: table): any, ccaas.Error|nil
---@field archive fun(self: ccaas.Client, opts: ccaas.ArchiveOptions): table|nil, ccaas.Error|nil
---@field skills fun(self: ccaas.Client, opts?: table): ccaas.Stream
---@field request fun(self: ccaas.Client, given: ccaas.Request): table|nil, ccaas.Error|nil
---@field close fun(self: ccaas.Client) ends everything of this client; safe to call twice

-- Hands the events that C has kept to the user's function.
local function tell_events(own)
  if not own.on_event then
    return
  end
  local event = own.core:event()
  while event do
    own.on_event(event)
    event = own.core:event()
  end
end

-- The methods of a vendor, made once.
local made = {}

local function methods_of(vendor)
  if not made[vendor.name] then
    local own_methods = { request = request }
    for name, method in pairs(vendor.methods) do
      own_methods[name] = methods.make(vendor, name, method)
    end
    for name, module in pairs(vendor.programs or {}) do
      own_methods[name] = require(module)
    end
    function own_methods:close()
      local own = internals.peek(self)
      if not own then
        usage_error.raise("close: call it with a colon, on a client of ccaas.new")
      elseif not own.closed then
        own.closed = true
        own.core:close()
        for _, poller in pairs(own.pollers or {}) do
          poller:wake()
        end
        own.pollers = nil
      end
    end
    made[vendor.name] = {
      __index = own_methods,
      __name = "ccaas.Client",
      __close = own_methods.close,
      __tostring = function(self)
        local own = internals.peek(self)
        return string.format("ccaas.Client (%s %s%s)", vendor.name, own.base_url, own.closed and ", closed" or "")
      end,
    }
  end
  return made[vendor.name]
end

-- The options of `ccaas.new` that a vendor's own modules look up; no secrets.
local function kept_options(vendor, given)
  local kept = {}
  for name, option in pairs(vendor.options) do
    kept[name] = option.keep and given[name] or nil
  end
  return kept
end

--- Makes a client of a vendor's description and settings that were checked.
---@param vendor ccaas.Vendor
---@param settings table
---@return ccaas.Client
function clients.new(vendor, settings)
  local own = {
    vendor = vendor,
    provider = vendor.name,
    base_url = settings.base_url,
    tenant = settings.tenant,
    retries = settings.retries,
    timeout = settings.timeout,
    deadline = settings.deadline,
    max_retry_after = settings.max_retry_after,
    concurrency = settings.concurrency,
    max_record = settings.max_record,
    max_body = settings.max_body,
    keep_null = settings.null ~= nil,
    on_event = settings.on_event,
    wait = settings.wait,
    pause = settings.pause,
    await = settings.await,
    begin = settings.begin,
    find_token = type(settings.token) == "function" and settings.token or nil,
    kept = kept_options(vendor, settings.given),
    store = settings.store,
    tell_events = tell_events,
    tuning = internals.tuning,
    asking = setmetatable({}, { __mode = "k" }), -- who is in a function of the user's for C
    core = core.client {
      token_url = settings.token_url,
      key = settings.key,
      token = type(settings.token) == "string" and settings.token or nil,
      ask_token = type(settings.token) == "function",
      secret = settings.secret,
      store = stores.number(settings.store),
      ca_file = settings.ca_file,
      proxy = settings.proxy,
      user_agent = settings.user_agent,
      connect_timeout = settings.connect_timeout,
      timeout = settings.timeout,
      retries = settings.retries,
      events = settings.on_event ~= nil,
      fair = settings.pause ~= nil,
      dialect = vendor.dialect,
    },
  }
  return internals.new(own, methods_of(vendor))
end

return clients
