--- The audio of the Xima API's recordings, with its limits: one request in
-- three seconds, and so many bytes, per tenant.  Lives in the sandbox's Lua
-- state.

local params = require "ccaas.sandbox.xima_params"

---@class ccaas.sandbox.audio
local audio = {}
audio.__index = audio

-- Files that were made lately are kept, up to so many bytes.
local MAX_CACHE = 16 * 1024 * 1024

---@param config table
---@param recordings ccaas.sandbox.recordings
---@param native table
---@return ccaas.sandbox.audio
function audio.new(config, recordings, native)
  return setmetatable({
    config = config, recordings = recordings, native = native, tenants = {},
    cache = {}, cache_size = 0,
  }, audio)
end

-- What is known of a tenant: when it asked last, and the bytes it was given.
local function tenant_state(self, name)
  for _, known in ipairs(self.config.xima_tenants) do
    if known == name then
      self.tenants[name] = self.tenants[name] or { asked_at = -math.huge, given = 0 }
      return self.tenants[name]
    end
  end
  params.refuse(404, "No such tenant")
end

local function check_limits(self, tenant)
  local now = self.native.monotonic()
  local wait = tenant.asked_at + self.config.audio_interval - now
  if tenant.given >= self.config.egress_cap then
    params.refuse(509, "The tenant's download limit is exceeded")
  elseif wait > 0 then
    local seconds = math.ceil(wait)
    params.refuse(429, "One request in " .. self.config.audio_interval
      .. " seconds", { { "Retry-After", ("%d"):format(seconds) } })
  end
  tenant.asked_at = now
end

local function file_of(self, recording)
  local name = ("%s\n%d\n%d"):format(recording.key, self.config.audio_version,
    self.recordings.seed)
  local bytes = self.cache[name]
  if not bytes or #bytes ~= recording.size then
    bytes = self.native.ogg(name, recording.size)
    if self.cache_size + #bytes > MAX_CACHE then
      self.cache, self.cache_size = {}, 0
    end
    self.cache[name], self.cache_size = bytes, self.cache_size + #bytes
  end
  return bytes, ('"%x-%d"'):format(self.native.hash(name), #bytes)
end

-- The first and last byte that a Range header asks for, from 0; nil for one
-- that is not understood, false for one that cannot be had.
local function range_of(text, size)
  local first, last = (text or ""):match("^%s*bytes%s*=%s*(%d*)%-(%d*)%s*$")
  first, last = tonumber(first), tonumber(last)
  if not first and not last then
    return nil
  elseif first and last and first > last then
    return nil
  elseif not first then
    first, last = math.max(0, size - last), size - 1
  end
  last = math.min(last or size - 1, size - 1)
  if first > last then
    return false
  end
  return first, last
end

local function part(self, request, bytes, tag)
  local answer = { status = 200, body = bytes,
    headers = { { "Content-Type", "audio/ogg" } } }
  if not self.config.ranges then
    return answer
  end
  local headers = answer.headers
  headers[2], headers[3] = { "ETag", tag }, { "Accept-Ranges", "bytes" }
  local condition = request.headers["if-range"]
  local first, last = range_of(request.headers.range, #bytes)
  if first == nil or condition and condition ~= tag then
    return answer
  elseif not first then
    params.refuse(416, nil, { { "Content-Range", "bytes */" .. #bytes } })
  end
  headers[4] = { "Content-Range",
    ("bytes %d-%d/%d"):format(first, last, #bytes) }
  answer.status, answer.body = 206, bytes:sub(first + 1, last + 1)
  return answer
end

--- Answers a request for the audio of a recording.
---@param request ccaas.sandbox.request
---@param tenant_name string
---@param key string
---@return table answer
function audio:answer(request, tenant_name, key)
  local tenant = tenant_state(self, tenant_name)
  check_limits(self, tenant)
  local recording = self.recordings:find(key)
  if not recording or recording.tenant ~= tenant_name then
    params.refuse(404, "No such recording")
  end
  local bytes, tag = file_of(self, recording)
  local answer = part(self, request, bytes, tag)
  if request.method ~= "HEAD" then
    tenant.given = tenant.given + #answer.body
  end
  return answer
end

return audio
