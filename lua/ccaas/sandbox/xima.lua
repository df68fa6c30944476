--- The Xima API, played: who may use it, where things are, and how it says no.
-- Lives in the sandbox's Lua state.

local audio = require "ccaas.sandbox.xima_audio"
local live = require "ccaas.sandbox.xima_live"
local metrics = require "ccaas.sandbox.xima_metrics"
local params = require "ccaas.sandbox.xima_params"
local people = require "ccaas.sandbox.xima_people"
local recordings = require "ccaas.sandbox.xima_recordings"
local reports = require "ccaas.sandbox.xima_reports"

---@class ccaas.sandbox.xima
local xima = {}
xima.__index = xima

---@param config table
---@param world ccaas.sandbox.world
---@param native table
function xima.new(config, world, native)
  local list = recordings.new(config, world, native)
  local values = metrics.new(config, world, native)
  return setmetatable({
    config = config, world = world, refusals = 0, recordings = list,
    audio = audio.new(config, list, native),
    metrics = values, live = live.new(config, values, native),
    reports = reports.new(config, world, native),
  }, xima)
end

--- Where a request's path is in this API.
---@return string? below the path below the API's version, raw; nil: another's
---@return string[]? segments decoded, the version first
function xima.locate(_, request)
  local below = request.raw_path:match("^/rest/api/v%d+(/.*)$")
  if not below then
    return nil
  end
  local segments = {}
  for i = 3, #request.segments do
    segments[#segments + 1] = request.segments[i]
  end
  return below, segments
end

local function refusal(self, status, message)
  self.refusals = self.refusals + 1
  return params.error_answer(self.config.errors, self.refusals - 1, status,
    message)
end

--- The error that the API says: for faults.
---@param fault table
---@return table answer
function xima:error_answer(fault)
  if fault.status < 400 and fault.status ~= 202 then
    return { status = fault.status, headers = {}, body = "" }
  end
  return refusal(self, fault.status, fault.message)
end

-- --- endpoints ---------------------------------------------------------------

-- By their segments; "?" is any one.
local routes = {}

routes["v1/historic-data/?"] = { method = "POST",
  answer = function(self, request, id)
    return self.reports:answer(request, id)
  end }

routes["v1/realtime/metrics"] = { method = "GET",
  answer = function(self, request)
    return self.metrics:answer_definitions(request)
  end }

routes["v1/realtime/metrics/values"] = { method = "GET",
  answer = function(self, request)
    return self.metrics:answer_values(request)
  end }

routes["v1/realtime-metric-subscription"] = { method = "GET", socket = true,
  answer = function(self, request)
    return self.live:answer(request)
  end }

routes["v2/recordings"] = { method = "GET",
  answer = function(self, request)
    return self.recordings:answer(request)
  end }

routes["v2/recordings/?/?/audio"] = { method = "GET", type = "audio/ogg",
  answer = function(self, request, tenant, key)
    return self.audio:answer(request, tenant, key)
  end }

routes["v1/agents"] = { method = "GET", answer = people.agents }
routes["v1/skills"] = { method = "GET", answer = people.skills }

-- The route of a path, and what stands at its two "?".
local function find_route(segments)
  local shape = segments[1] .. "/" .. (segments[2] or "")
  if shape == "v1/historic-data" and #segments == 3 then
    return routes["v1/historic-data/?"], segments[3]
  elseif shape == "v2/recordings" and #segments == 5
    and segments[5] == "audio" then
    return routes["v2/recordings/?/?/audio"], segments[3], segments[4]
  end
  return routes[table.concat(segments, "/")]
end

local function check_token(self, request)
  local token = (request.headers.authorization or "")
    :match("^[Bb]earer%s+(%S+)$")
  if token ~= self.config.xima_token then
    params.refuse(401)
  end
end

-- A subscription's token is in its address.
local function serve(self, request, segments)
  local route, first, second = find_route(segments)
  if not (route and route.socket) then
    check_token(self, request)
  end
  if not route then
    params.refuse(404)
  elseif request.method ~= route.method
    and not (request.method == "HEAD" and route.method == "GET"
      and not route.socket) then
    params.refuse(405, nil, { { "Allow", route.method } })
  end
  local type = request.headers["content-type"] or ""
  if self.config.strict and not route.socket
    and type:match("^[^;%s]*") ~= (route.type or "application/json") then
    params.refuse(415)
  end
  return route.answer(self, request, first, second)
end

--- Answers a request.
---@param request ccaas.sandbox.request
---@param _ string what `locate` gave
---@param segments string[]
---@return table answer { status, headers, body or source }
function xima:answer(request, _, segments)
  local done, answer = pcall(serve, self, request, segments)
  if done then
    return answer
  elseif type(answer) ~= "table" or not answer.refused then
    error(answer, 0)
  end
  local refused = refusal(self, answer.refused, answer.message)
  for _, header in ipairs(answer.headers or {}) do
    table.insert(refused.headers, header)
  end
  return refused
end

return xima
