--- The websockets of the Xima API: who may subscribe, what they are told, and
-- what goes wrong with them on purpose.  What is pushed becomes the state that
-- the metrics' values are read from.  Lives in the sandbox's Lua state.

local letters = require "ccaas.text"
local day = require "ccaas.sandbox.xima_day"
local json = require "ccaas.sandbox.json"
local metrics = require "ccaas.sandbox.xima_metrics"
local params = require "ccaas.sandbox.xima_params"
local time = require "ccaas.sandbox.time"
local x8_day = require "ccaas.sandbox.x8_day"

---@class ccaas.sandbox.xima_live
local live = {}
live.__index = live

-- Updates a second of a day that is only switched on.
local DAY_RATE = 5

-- How late a late pong is, in seconds.
local LATE_PONG = 5

-- A tick plays as many updates as are due, at most so often.
local TICK = 0.01

-- So many bytes of messages does a flood prepare.
local FLOOD_SIZE = 128 * 1024

local BINARY = 2

local HANDSHAKE = '{"handshake":{"session":"4f2c9a10","protocolVersion":1,'
  .. '"metricIds":[%s]}}'

---@param config table
---@param values ccaas.sandbox.xima_metrics
---@param native table
---@return ccaas.sandbox.xima_live
function live.new(config, values, native)
  local self = setmetatable({
    config = config, metrics = values, native = native,
    sockets_api = native.live, clock = metrics.noon * 1000, counts = {}, due = 0,
  }, live)
  if config.live then
    self:live { rate = config.live == true and DAY_RATE or config.live }
  end
  local manners = {}
  for _, name in ipairs { "mute", "pong", "pings", "fragments", "buffer",
    "refuse", "beat" } do
    manners[name] = config[name]
  end
  self:live(manners)
  return self
end

-- --- subscribing -------------------------------------------------------------

local function has_word(list, word)
  for item in letters.lower(list or ""):gmatch("[^,%s]+") do
    if item == word then
      return true
    end
  end
  return false
end

-- The Sec-WebSocket-Accept of a request that asks for a websocket.
local function check_upgrade(request, native)
  local headers = request.headers
  if not has_word(headers.upgrade, "websocket")
    or not has_word(headers.connection, "upgrade") then
    params.refuse(426, "Only as a websocket",
      { { "Upgrade", "websocket" }, { "Connection", "Upgrade" } })
  elseif headers["sec-websocket-version"] ~= "13" then
    params.refuse(426, "Only version 13",
      { { "Sec-WebSocket-Version", "13" }, { "Upgrade", "websocket" },
        { "Connection", "Upgrade" } })
  end
  local accept = native.accept(headers["sec-websocket-key"] or "")
  if not accept then
    params.refuse(400, "Bad Sec-WebSocket-Key")
  end
  return accept
end

-- The ids that are asked for, each once.
local function asked_ids(request)
  local query = request.target:match("%?(.*)$") or ""
  if query:gsub("%%%x%x", ""):find("%", 1, true) then
    params.refuse(400, "Bad query")
  end
  params.required(request.query, "id")
  local ids, seen = {}, {}
  for _, id in ipairs(params.list_of(request.query, "id")) do
    if id == "" then
      params.refuse(400, "Empty id")
    elseif not seen[id] then
      ids[#ids + 1], seen[id] = id, true
    end
  end
  return ids
end

local function quoted(list)
  local out = {}
  for i, item in ipairs(list) do
    out[i] = json.quote(item)
  end
  return table.concat(out, ",")
end

--- Answers a request for a subscription: with a websocket, or by refusing.
---@param request ccaas.sandbox.request
---@return table answer
function live:answer(request)
  if self.config.subscription == false then
    params.refuse(404)
  elseif self.refusal then
    params.refuse(self.refusal)
  elseif request.query.auth_token ~= self.config.xima_token then
    params.refuse(401)
  end
  local ids = asked_ids(request)
  self.metrics:select(ids, 403)
  local accept = check_upgrade(request, self.sockets_api)
  local socket = self.sockets_api.prepare(ids)
  local handshake = self.config.handshake
  if handshake then
    self.sockets_api.send(socket, handshake == true
      and HANDSHAKE:format(quoted(ids)) or handshake)
  end
  if self.config.flood then
    for _, id in ipairs(ids) do
      if id == self.config.flood_id then
        self:flood(socket, id, self.config.flood)
      end
    end
  end
  return { status = 101, socket = socket, body = "", headers = {
    { "Upgrade", "websocket" }, { "Connection", "Upgrade" },
    { "Sec-WebSocket-Accept", accept },
  } }
end

-- --- pushing -----------------------------------------------------------------

local function encode(value)
  if type(value) == "table" then
    return value.json
  elseif type(value) == "string" then
    return json.quote(value)
  elseif type(value) == "number" and value % 1 == 0
    and (math.type and math.type(value) == "integer"
      or math.abs(value) < 2 ^ 53) then
    return ("%d"):format(value)
  elseif type(value) == "number" then
    return letters.number(value)
  end
  return tostring(value)
end

-- Moves the clock (whole milliseconds) to that moment, unless it is later.
local function follow(self, seconds)
  self.clock = math.max(self.clock, math.floor(seconds * 1000 + 0.5))
end

-- When an update is that does not say it: later than all before.
function live:moment(at)
  if at then
    local seconds = type(at) == "number" and at or time.parse(at)
    follow(self, seconds or 0)
    return type(at) == "number" and time.format(at) or at
  end
  self.clock = self.clock + 1
  return time.format(self.clock / 1000)
end

local function metric_of(self, id)
  local metric = self.metrics.by_id[id]
  if not metric then
    error("push: no metric '" .. tostring(id) .. "'", 0)
  end
  return metric
end

-- Tells the subscribers of a metric a value, and keeps it.
local function update(self, metric, category, reading)
  self.metrics:put(metric, category, reading)
  self.counts[metric.id] = (self.counts[metric.id] or 0) + 1
  return self.sockets_api.send(metric.id,
    metrics.write(metric.id, category, reading))
end

--- See sandbox.lua, like the other commands.
---@return integer to how many sockets
function live:push(options)
  local target = options.socket or options.id
  if options.wire then
    return self.sockets_api.send(target, options.wire, 0)
  elseif options.raw then
    return self.sockets_api.send(target, options.raw,
      options.binary and BINARY or nil)
  end
  local metric = metric_of(self, options.id)
  if options.value == nil or not options.category then
    error("push: a category and a value are needed", 0)
  end
  return update(self, metric, options.category, {
    kind = options.kind or metric.unit, value = encode(options.value),
    at = self:moment(options.at),
  })
end

--- How many updates of each metric there were, and how many messages of it were
-- sent.
function live:pushed()
  local list = {}
  for id, count in pairs(self.sockets_api.sent()) do
    list[id] = { updates = 0, sent = count }
  end
  for id, count in pairs(self.counts) do
    list[id] = list[id] or { sent = 0 }
    list[id].updates = count
  end
  return list
end

--- All values of all metrics, or of the metric `id`, as they are now.
function live:state(options)
  local list = {}
  for _, metric in ipairs(self.metrics.list) do
    if options.id == nil or options.id == metric.id then
      for _, category in ipairs(self.metrics:categories(metric)) do
        local reading = self.metrics:reading(metric, category)
        list[#list + 1] = { id = metric.id, category = category,
          kind = reading.kind, value = reading.value, at = reading.at }
      end
    end
  end
  return list
end

-- --- floods ------------------------------------------------------------------

-- The messages of a flood: the categories in turn, all of one moment, so that
-- none is older than another.
local function flood_messages(self, metric, at)
  local messages, readings, size = {}, {}, 0
  local categories = self.metrics:categories(metric)
  if #categories == 0 then
    categories = { "Flood" }
  end
  repeat
    local i = #messages + 1
    local category = categories[(i - 1) % #categories + 1]
    readings[i] = { kind = "COUNT", value = tostring(i), at = at,
      category = category }
    messages[i] = metrics.write(metric.id, category, readings[i])
    size = size + #messages[i]
  until size > FLOOD_SIZE
  return messages, readings
end

--- Makes the target write `count` messages as fast as they are taken; what is
-- true in the end is the state at once.
---@return integer to how many sockets
function live:flood(target, id, count)
  local metric = metric_of(self, id)
  local messages, readings = flood_messages(self, metric, self:moment())
  for i = math.max(1, count - #messages + 1), count do
    local reading = readings[(i - 1) % #messages + 1]
    self.metrics:put(metric, reading.category, reading)
  end
  return self.sockets_api.flood(target, id, messages, count)
end

-- --- manners -----------------------------------------------------------------

local pongs = { late = LATE_PONG, never = -1 }

--- Changes how sockets behave, and what plays by itself.
function live:live(options)
  local flooded
  if options.rate ~= nil then
    self:play(options.rate == true and DAY_RATE or options.rate or 0)
  end
  if options.refuse ~= nil then
    self.refusal = options.refuse or nil
  end
  self.sockets_api.behave(options.socket, {
    mute = options.mute, pong = pongs[options.pong] or options.pong,
    pings = options.pings, fragments = options.fragments,
    buffer = options.buffer, beat = options.beat,
  })
  if options.flood then
    local id = options.id or self.config.flood_id
    flooded = self:flood(options.socket or id, id, options.flood)
  end
  return flooded
end

--- Ends sockets: all, one, or those of a metric.
---@return integer how many
function live:drop_sockets(options)
  return self.sockets_api.drop(options.socket or options.id, options.code,
    options.reason, options.reset)
end

---@return table[] in the order in which they came
function live:sockets()
  local list = self.sockets_api.sockets()
  table.sort(list, function(a, b)
    return a.id < b.id
  end)
  return list
end

-- --- the day -----------------------------------------------------------------

local function play_change(self, change)
  follow(self, change.at)
  update(self, change.metric, change.category, {
    kind = change.metric.unit, value = encode(change.value),
    at = self:moment(),
  })
  self.x8_day:follow(change)
end

--- Plays so many updates a second; 0: none.  How a day begins is told at once.
function live:play(rate)
  self.rate, self.due, self.ticked = rate, 0, self.native.monotonic()
  if rate > 0 and not self.day then
    self.day = day.new(self.config, self.metrics, self.clock / 1000)
    self.x8_day = x8_day.new(self.metrics.world)
    for _, change in ipairs(self.day.opening) do
      play_change(self, change)
    end
  end
  self.sockets_api.wake_after(rate > 0 and 0 or -1)
end

--- Plays what is due of the day.
function live:tick()
  if not self.rate or self.rate <= 0 then
    return
  end
  local now = self.native.monotonic()
  self.due = self.due + (now - self.ticked) * self.rate
  self.ticked = now
  while self.due >= 1 do
    self.due = self.due - 1
    play_change(self, self.day:next())
  end
  self.sockets_api.wake_after(math.max(TICK, (1 - self.due) / self.rate))
end

return live
