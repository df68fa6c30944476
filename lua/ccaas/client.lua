--- Clients: made from a vendor's description and settings.

local core = require "ccaas.core"
local methods = require "ccaas.method"
local misuse = require "ccaas.misuse"
local request = require "ccaas.request"
local side = require "ccaas.side"

local clients = {}

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
    function own_methods:close()
      local own = side.peek(self)
      if not own then
        misuse.raise("close: call it with a colon, on a client of ccaas.new")
      elseif not own.closed then
        own.closed = true
        own.core:close()
      end
    end
    made[vendor.name] = {
      __index = own_methods,
      __name = "ccaas.Client",
      __close = own_methods.close,
      __tostring = function(self)
        local own = side.peek(self)
        return string.format("ccaas.Client (%s %s%s)", vendor.name, own.base_url, own.closed and ", closed" or "")
      end,
    }
  end
  return made[vendor.name]
end

--- Makes a client of a vendor's description and settings that were checked.
---@param vendor table
---@param settings table
---@return table
function clients.new(vendor, settings)
  local own = {
    vendor = vendor,
    provider = vendor.name,
    base_url = settings.base_url,
    tenant = settings.tenant,
    retries = settings.retries,
    timeout = settings.timeout,
    deadline = settings.deadline,
    concurrency = settings.concurrency,
    max_record = settings.max_record,
    max_body = settings.max_body,
    keep_null = settings.null ~= nil,
    on_event = settings.on_event,
    wait = settings.wait,
    tell_events = tell_events,
    core = core.client {
      token_url = settings.token_url,
      key = settings.key,
      secret = settings.secret,
      ca_file = settings.ca_file,
      proxy = settings.proxy,
      user_agent = settings.user_agent,
      connect_timeout = settings.connect_timeout,
      timeout = settings.timeout,
      retries = settings.retries,
      events = settings.on_event ~= nil,
      dialect = vendor.dialect,
    },
  }
  local client = setmetatable({}, methods_of(vendor))
  side.set(client, own)
  return client
end

return clients
