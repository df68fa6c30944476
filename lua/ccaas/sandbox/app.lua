--- The sandbox's inside: what decides every answer, and obeys the script's
-- commands.  Loaded by C into a Lua state of its own, on the sandbox's thread.

local faults = require "ccaas.sandbox.faults"
local http = require "ccaas.sandbox.http"
local wire = require "ccaas.sandbox.wire"
local world = require "ccaas.sandbox.world"
local x8 = require "ccaas.sandbox.x8"
local xima = require "ccaas.sandbox.xima"

local app = {}
app.__index = app

-- As long a request line as the vendor's gateway takes.
local MAX_REQUEST_LINE = 8192

-- So many requests are remembered, and at most twice as many kept.
local LOG_SIZE = 10000

-- What `set` may change besides numbers of rows.
local settings = {
  delay = true, gzip = true, chunked = true, one = true, empty = true,
  token_life = true, recordings = true, xima_token = true, forbidden = true,
  report_delay = true, xls = true, pending = true, list = true, errors = true,
  audio_interval = true, audio_size = true, audio_version = true,
  egress_cap = true, ranges = true, strict = true, subscription = true,
  handshake = true,
}

function app:set(changes)
  for name, value in pairs(changes) do
    if settings[name] then
      self.config[name] = value
    elseif self.world.kinds[name] then
      self.world:resize(name, value, changes.insert, changes.remove)
    end
  end
  if type(changes.values) == "table" then
    self.world:override(changes.values)
  elseif changes.values ~= nil then
    self.config.values = changes.values
  end
  self.world.tick = changes.tick or self.world.tick
  self.world:changed()
end

local function log(self, request)
  self.log[#self.log + 1] = request
  if #self.log == 2 * LOG_SIZE then
    local kept = {}
    for i = LOG_SIZE + 1, #self.log do
      kept[#kept + 1] = self.log[i]
    end
    self.log = kept
  end
end

local function refusal(status, message)
  return { status = status, body = message,
    headers = { { "Content-Type", "text/plain" } } }
end

-- The vendor that a request is for.
local function find_vendor(self, request)
  for _, vendor in ipairs(self.vendors) do
    local below, segments = vendor:locate(request)
    if below then
      return vendor, below, segments
    end
  end
end

local LOGIN = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>"
  .. '<form method="post" action="/login"><input name="user">'
  .. '<input name="password" type="password"></form></body></html>\n'

local function decide(self, request, fault, vendor, below, segments)
  if fault.login then
    return { status = 200, body = LOGIN,
      headers = { { "Content-Type", "text/html;charset=UTF-8" } } }
  elseif fault.status or fault.body then
    local status = fault.status or 200
    if fault.body then
      return { status = status, headers = {}, body = fault.body }
    end
    return (vendor or self.vendors[1]):error_answer({ status = status,
      dialect = fault.dialect, code = fault.code, message = fault.message },
      below or request.raw_path)
  elseif not vendor then
    return refusal(404, "Not found: " .. request.raw_path .. "\n")
  end
  return vendor:answer(request, below, segments)
end

local function answer(self, head, body, problem)
  local request = http.parse(head, body)
  local status = tonumber(problem) or not request and 400
    or #head:match("^[^\r]*") > MAX_REQUEST_LINE and 414
  if status then
    return faults.transmit(refusal(status, "The request cannot be read\n"),
      { method = "GET", headers = {}, keep = false }, {}, {})
  end
  request.at = self.native.now()
  log(self, request)
  local vendor, below, segments = find_vendor(self, request)
  local fault = self.faults:take(request, below) or {}
  if fault.set then
    self:set(fault.set)
  end
  if fault.hang then
    return { hang = true }
  elseif fault.reset and not fault.truncate then
    return { ending = "reset", delay = fault.delay }
  end
  self.world:set_time(request.at)
  local decided = decide(self, request, fault, vendor, below, segments)
  request.status = decided.status
  return faults.transmit(decided, request, fault, self.config, self.native)
end

-- --- commands ----------------------------------------------------------------

local commands = {}

function commands.set(self, changes)
  self:set(changes)
end

function commands.fault(self, fault)
  self.faults:add(fault)
end

function commands.clear_faults(self)
  self.faults:clear()
end

function commands.expire_tokens(self)
  for _, vendor in ipairs(self.vendors) do
    if vendor.expire_tokens then
      vendor:expire_tokens()
    end
  end
end

local logged = {
  "method", "target", "path", "query", "headers", "body", "at", "status",
}

function commands.requests(self)
  local list = {}
  for i, request in ipairs(self.log) do
    local entry = {}
    for _, field in ipairs(logged) do
      entry[field] = request[field]
    end
    list[i] = entry
  end
  return list
end

function commands.clear_requests(self)
  self.log = {}
end

-- What is done with the websockets.
for _, name in ipairs { "push", "live", "drop_sockets", "sockets", "pushed",
  "state" } do
  commands[name] = function(self, argument)
    return self.live[name](self.live, argument or {})
  end
end

-- --- what C calls ------------------------------------------------------------

--- Makes a sandbox's inside.
---@param config string a packed table of start's options
---@param native table what native.c has
---@return { handle: function, command: function, tick: function }
function app.new(config, native)
  config = wire.unpack(config)
  local self = setmetatable({
    config = config, native = native, faults = faults.new(), log = {},
    world = world.new(config),
  }, app)
  local second = xima.new(config, self.world, native)
  self.vendors = { x8.new(config, self.world, native), second }
  self.live = second.live
  return {
    handle = function(head, body, problem)
      local done, out = xpcall(function()
        return answer(self, head, body, problem)
      end, debug.traceback)
      if done then
        return out
      end
      return faults.transmit(refusal(500, "sandbox: " .. tostring(out)),
        { method = "GET", headers = {}, keep = false }, {}, {})
    end,
    command = function(bytes)
      local command = wire.unpack(bytes)
      return wire.pack(commands[command.name](self, command.argument))
    end,
    tick = function()
      self.live:tick()
    end,
  }
end

return app
