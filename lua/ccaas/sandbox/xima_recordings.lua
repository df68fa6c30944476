--- The recordings of the Xima API: a list as long as one likes, of which
-- nothing is kept; every row is reckoned from its index when it is sent.
-- Lives in the sandbox's Lua state.

local json = require "ccaas.sandbox.json"
local params = require "ccaas.sandbox.xima_params"
local people = require "ccaas.sandbox.xima_people"
local time = require "ccaas.sandbox.time"

---@class ccaas.sandbox.recordings
local recordings = {}
recordings.__index = recordings

-- The year over which their times are spread, in milliseconds: up to
-- 2026-06-30T00:00:00Z.
local LAST = 1782777600000
local FIRST = LAST - 365 * 86400 * 1000

-- So many names of agents and skills occur at most.
local MAX_NAMES = 200

local SMALLEST, SIZES = 300, 300000

-- What every tenth key has before and after its sixteen hexadecimal digits,
-- which must not become more of them.
local odd_starts = {
  "../", "/", " ", "a/b/", "\0", ("x"):rep(284), "%2e%2e%2f!", "../../../etc/",
  "Zoë \"q\" ", "C:\\", "-", "~", "con.", "?a=b&c#d+", "\r\n", ".",
}
local odd_ends = { "", "/..", ".", " ", "\0", "/", ".ogg", "" }

local function inner(text)
  return json.quote(text):sub(2, -2)
end

-- One text in ten is of the list, the others are empty.
local function every_tenth(list)
  local turn = { kind = "turn" }
  for i = 1, #list * 10 do
    turn[i] = i % 10 == 8 and inner(list[(i - 8) / 10 + 1]) or ""
  end
  return turn
end

local function names_of(count, name)
  local pick = { kind = "pick" }
  for i = 1, math.min(count, MAX_NAMES) do
    pick[i] = inner(name(i))
  end
  pick[1] = pick[1] or ""
  return pick
end

-- The rows' parts; `self.parts` notes where those are that are asked for.
local function layout(self)
  local config, world = self.config, self.world
  local list, where = {}, {}
  local function add(part, name)
    list[#list + 1] = part
    if name then
      where[name] = #list
    end
  end
  local tenants = { kind = "turn" }
  for i, tenant in ipairs(config.xima_tenants) do
    tenants[i] = inner(tenant)
  end
  local size = config.audio_size
  add ',{"recordingKey":"'
  add(every_tenth(config.odd_keys and odd_starts or { "" }))
  add({ kind = "hex" }, "hex")
  add { kind = "index" }
  add(every_tenth(config.odd_keys and odd_ends or { "" }))
  add '","callKey":"'
  add { kind = "hex" }
  add { kind = "hex" }
  add '","startTime":'
  add({ kind = "number", base = FIRST - self.step, step = self.step,
    spread = self.step }, "start")
  add ',"duration":'
  add { kind = "number", base = 1000, spread = 900000 }
  add ',"size":'
  add({ kind = "number", base = size or SMALLEST,
    spread = size and 1 or SIZES }, "size")
  add ',"eventId":'
  add { kind = "number", base = 4100000000, step = 17, spread = 17 }
  add ',"recordingSystemId":'
  add { kind = "number", base = 1, spread = 3 }
  add ',"status":"'
  add { kind = "pick", "SAVED", "SAVED", "SAVED", "SAVED", "ARCHIVED" }
  add '","callingParty":"+1303555'
  add { kind = "number", base = 1000, spread = 9000 }
  add '","receivingParty":"'
  add { kind = "number", base = 100, spread = 900 }
  add '","tenantName":"'
  add(tenants, "tenant")
  add '","tagData":'
  add { kind = "pick", "null", '"account=4711;note=callback requested"', '""',
    '"account=1138;note=Caf\\u00e9 \\"Zoë\\""', '"campaign=summer"' }
  add ',"callDirection":"'
  add { kind = "pick", "INBOUND", "OUTBOUND", "INTERNAL" }
  add '","skill":"'
  add(names_of(#world:rows("queues"), people.skill))
  add '","agent":"'
  add(names_of(#world:rows("agents"), people.agent))
  add '"}'
  return list, where
end

-- The template, made anew when the world changed.
local function template(self)
  if self.version ~= self.world.version then
    local list, where = layout(self)
    self.rows, self.part = self.native.template(self.seed, list)
    self.where, self.version = where, self.world.version
  end
  return self.rows, self.part, self.where
end

---@param config table
---@param world ccaas.sandbox.world
---@param native table
---@return ccaas.sandbox.recordings
function recordings.new(config, world, native)
  -- As many as there are at the start fill the year; later ones follow them.
  local count = math.max(1, math.floor(config.recordings))
  return setmetatable({
    config = config, world = world, native = native,
    seed = math.floor(config.seed),
    step = math.floor((LAST - FIRST) / count),
  }, recordings)
end

local function start_of(self, index)
  local _, part, where = template(self)
  return tonumber(part(index, where.start))
end

-- The index of the first recording that does not start before that moment.
local function first_from(self, ms)
  local count = math.floor(self.config.recordings)
  local index = math.floor((ms - FIRST) / self.step) + 1
  index = math.max(1, math.min(index, count + 1))
  if index <= count and start_of(self, index) < ms then
    index = index + 1
  end
  return index
end

local function moment(query, name)
  local text = params.required(query, name)
  local seconds = time.parse(text)
  if not seconds then
    params.refuse(400, ("Parameter '%s' is not an ISO 8601 time with an "
      .. "offset: %s"):format(name, text))
  end
  return math.floor(seconds * 1000)
end

--- Answers a request for the list, from `startTime` on and before `endTime`.
function recordings:answer(request)
  local from, to = moment(request.query, "startTime"),
    moment(request.query, "endTime")
  if from > to then
    params.refuse(400, "startTime is after endTime")
  end
  local index, last = first_from(self, from), first_from(self, to) - 1
  local opening, closing = "[", "]"
  if self.config.list == "key" then
    opening, closing = '{"recordings":[', "]}"
  end
  local rows = template(self)
  local headers = { { "Content-Type", "application/json" } }
  return { status = 200, headers = headers, source = function()
    if index <= last then
      local bytes
      bytes, index = rows(index, last)
      if opening then
        -- Every row begins with a comma.
        bytes, opening = opening .. bytes:sub(2), nil
      end
      return bytes
    end
    local rest = closing and (opening or "") .. closing
    opening, closing = nil, nil
    return rest or nil
  end }
end

---@class ccaas.sandbox.recording
---@field key string
---@field tenant string
---@field size integer

--- The recording with that key, or nil.
---@param key string
---@return ccaas.sandbox.recording?
function recordings:find(key)
  local start, hex, digits, finish =
    key:match("^(.-)(%x%x%x%x%x%x%x%x)(%x%x%x%x%x%x%x%x)(.*)$")
  local index = digits and tonumber(digits, 16)
  if not index or index < 1 or index > self.config.recordings then
    return nil
  end
  local _, part, where = template(self)
  if part(index, where.hex) ~= hex
    or part(index, where.hex - 1) ~= inner(start)
    or part(index, where.hex + 2) ~= inner(finish) then
    return nil
  end
  local tenants = self.config.xima_tenants
  return { key = key, tenant = tenants[index % #tenants + 1],
    size = tonumber(part(index, where.size)) }
end

return recordings
