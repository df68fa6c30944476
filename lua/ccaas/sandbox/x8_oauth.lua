--- Who may use the 8x8 API, played: its tokens, and the three dialects in
-- which its parts say no.  Lives in the sandbox's Lua state.

local http = require "ccaas.sandbox.http"
local json = require "ccaas.sandbox.json"

---@class ccaas.sandbox.oauth
local oauth = {}
oauth.__index = oauth

oauth.PATH = "/oauth/v2/token"

function oauth.new(config, native)
  return setmetatable({
    config = config, native = native, tokens = {}, given = 0,
  }, oauth)
end

-- --- dialects ----------------------------------------------------------------

local JSON = { "Content-Type", "application/json" }
local PROBLEM = { "Content-Type", "application/problem+json" }

local function token_error(status, code, message)
  return { status = status, headers = { PROBLEM },
    body = ('{"ErrorCode":%s,"Error":%s}')
      :format(json.quote(code), json.quote(message)) }
end

local function gateway_error(status, code, message)
  return { status = status, headers = { JSON },
    body = ('{"fault":{"faultstring":%s,"detail":{"errorcode":%s}}}')
      :format(json.quote(message), json.quote(code)) }
end

local SPIKE = "policies.ratelimit.SpikeArrestViolation"

local gateway_codes = {
  [401] = "oauth.v2.InvalidAccessToken", [403] = "oauth.v2.InsufficientScope",
  [429] = SPIKE, [502] = "messaging.adaptors.http.flow.BadGateway",
  [503] = "messaging.adaptors.http.flow.ServiceUnavailable",
  [504] = "messaging.adaptors.http.flow.GatewayTimeout",
}

local gateway_messages = {
  ["oauth.v2.InvalidAccessToken"] = "Invalid access token",
  ["keymanagement.service.access_token_expired"] = "Access Token expired",
  [SPIKE] = "Spike arrest violation. Allowed rate : MessageRate{"
    .. "messagesPerPeriod=10, periodInMicroseconds=1000000, "
    .. "maxBurstMessageCount=1.0}",
  ["policies.ratelimit.QuotaViolation"] = "Rate limit quota violation. Quota "
    .. "limit exceeded. Identifier : _default",
  ["messaging.adaptors.http.flow.BadGateway"] = "Bad Gateway",
  ["messaging.adaptors.http.flow.ServiceUnavailable"] =
    "The Service is temporarily unavailable",
  ["messaging.adaptors.http.flow.GatewayTimeout"] = "Gateway Timeout",
}

local dialects = {}

function dialects.gateway(fault)
  local code = fault.code or gateway_codes[fault.status]
    or "messaging.runtime.RouteFailed"
  return gateway_error(fault.status, code,
    fault.message or gateway_messages[code] or "Execution failed")
end

function dialects.token(fault)
  return token_error(fault.status, fault.code or "invalid_client",
    fault.message or "ClientId is Invalid")
end

function dialects.service(fault)
  local message = json.quote(fault.message
    or (fault.status == 400 and "Bad request: refused")
    or ("Refused with status " .. fault.status))
  local body = '{"message":' .. message
  if fault.status >= 500 then
    body = body .. ',"errors":["internal"],"referenceId":"ref-0001"'
  end
  return { status = fault.status, headers = { JSON }, body = body .. "}" }
end

local function dialect_of(fault, path)
  if fault.status == 401 or fault.status == 429 or fault.status >= 500 then
    if path == oauth.PATH and fault.status == 401 then
      return "token"
    end
    return "gateway"
  end
  return path == oauth.PATH and "token" or "service"
end

--- The answer of a fault with a status and no body of its own.
---@param fault table status, dialect, code, message
---@param path string
function oauth.error_answer(fault, path)
  if fault.status < 400 then
    return { status = fault.status, headers = {}, body = "" }
  end
  return dialects[fault.dialect or dialect_of(fault, path)](fault)
end

-- --- tokens ------------------------------------------------------------------

local function from_base64(text)
  local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    .. "0123456789+/"
  local bits, count, out = 0, 0, {}
  for c in text:gmatch("[^=%s]") do
    local digit = alphabet:find(c, 1, true)
    if not digit then
      return nil
    end
    bits, count = bits * 64 + digit - 1, count + 6
    if count >= 8 then
      count = count - 8
      local unit = 2 ^ count
      out[#out + 1] = string.char(math.floor(bits / unit))
      bits = bits % unit
    end
  end
  return table.concat(out)
end

local function new_token(self)
  local token = {}
  local seed = math.floor(self.config.seed)
  local state = (seed * 7919 + self.given * 104729) % 2147483646 + 1
  local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    .. "0123456789"
  for i = 1, 28 do
    state = state * 16807 % 2147483647
    local n = math.floor(state / 64) % #alphabet + 1
    token[i] = alphabet:sub(n, n)
  end
  return table.concat(token)
end

local function give_token(self)
  self.given = self.given + 1
  local token = new_token(self)
  local life = self.config.token_life
  self.tokens[token] = self.native.monotonic() + life
  local fields = {
    '"refresh_token_expires_in":"0"', '"token_type":"BearerToken"',
    '"api_product_list":"[analytics-v2]"',
    '"api_product_list_json":["analytics-v2"]', '"status":"approved"',
    ('"issued_at":"%d"'):format(math.floor(self.native.now() * 1000)),
    ('"expires_in":"%d"'):format(math.floor(life)),
    '"client_id":' .. json.quote(self.config.key),
    '"access_token":' .. json.quote(token),
  }
  return { status = 200, headers = { JSON },
    body = "{" .. table.concat(fields, ",") .. "}" }
end

--- Answers a request to the token endpoint.
function oauth:answer(request)
  if request.method ~= "POST" then
    return token_error(405, "invalid_request", "Only POST is allowed")
  end
  local type = request.headers["content-type"] or ""
  if not type:find("^application/x%-www%-form%-urlencoded") then
    return token_error(400, "invalid_request", "Content-Type is not a form's")
  end
  local grant = http.form(request.body).grant_type
  if grant ~= "client_credentials" then
    return token_error(400, "invalid_request",
      "Unsupported grant type : " .. tostring(grant))
  end
  local basic = (request.headers.authorization or "")
    :match("^[Bb]asic%s+(%S+)$")
  local expected = self.config.key .. ":" .. self.config.secret
  if not basic or from_base64(basic) ~= expected then
    return token_error(401, "invalid_client", "ClientId is Invalid")
  end
  return give_token(self)
end

--- Checks the token of a request.
---@return table? answer what is answered to one that may not
function oauth:check(request)
  local token = (request.headers.authorization or "")
    :match("^[Bb]earer%s+(%S+)$")
  local expires = token and self.tokens[token]
  if not expires then
    return dialects.gateway { status = 401 }
  elseif expires <= self.native.monotonic() then
    return dialects.gateway { status = 401,
      code = "keymanagement.service.access_token_expired" }
  end
end

function oauth:expire_tokens()
  for token in pairs(self.tokens) do
    self.tokens[token] = 0
  end
end

return oauth
