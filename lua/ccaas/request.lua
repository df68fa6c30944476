--- client:request: any request to the client's API.

local internals = require "ccaas.internals"
local json = require "ccaas.json"
local methods = require "ccaas.method"
local options = require "ccaas.options"
local streams = require "ccaas.stream"
local text = require "ccaas.text"
local uri = require "ccaas.uri"
local usage_error = require "ccaas.usage_error"

local request_checks = {
  method = options.checks.text,
  path = options.checks.text,
  query = options.checks.any,
  headers = options.checks.any,
  body = options.checks.any,
  idempotent = options.checks.flag,
  deadline = options.checks.seconds,
  timeout = options.checks.seconds,
  retries = options.limits.retries,
  max_retry_after = options.checks.pause,
}

-- Of vendors whose customers may have several tenants.
local with_tenant = { tenant = options.checks.text }
for name, check in pairs(request_checks) do
  with_tenant[name] = check
end

-- These are the library's own, or would break the framing.
local reserved = {
  authorization = true, host = true, connection = true, ["content-length"] = true,
  ["transfer-encoding"] = true, expect = true, ["accept-encoding"] = true,
}

local function request_query(given)
  if given == nil then
    return ""
  elseif type(given) == "string" then
    return "?" .. uri.encode_path(given):gsub("#", "%%23")
  elseif type(given) ~= "table" then
    usage_error.raise("request: option `query` must be a table or a string")
  end
  local names, list = {}, {}
  for name in pairs(given) do
    if type(name) ~= "string" then
      usage_error.raise("request: the keys of option `query` must be strings, not a %s", type(name))
    end
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local values = given[name]
    for _, value in ipairs(type(values) == "table" and values or { values }) do
      local kind = type(value)
      if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
        usage_error.raise("request: the value of %q in option `query` cannot be a %s", name, kind)
      end
      list[#list + 1] = { name, text.of(value) }
    end
  end
  return #list > 0 and "?" .. uri.query(list) or ""
end

local function request_headers(headers, given)
  if given ~= nil and type(given) ~= "table" then
    usage_error.raise("request: option `headers` must be a table")
  end
  local own = {}
  for name, value in pairs(given or {}) do
    if type(name) ~= "string" or not name:match("^[A-Za-z0-9!#$%%&'*+%-.^_`|~]+$") then
      usage_error.raise("request: %q is not a header name", tostring(name))
    elseif reserved[text.lower(name)] then
      usage_error.raise("request: header %s is set by the library itself", name)
    elseif type(value) ~= "string" and type(value) ~= "number" or tostring(value):find("[%z\1-\8\10-\31\127]") then
      usage_error.raise("request: the value of header %s must be text without control characters", name)
    end
    own[text.lower(name)] = name .. ": " .. text.of(value)
  end
  for _, line in ipairs(headers) do
    local name = text.lower(line:match("^[^:]+"))
    own[name] = own[name] or line
  end
  local lines = {}
  for _, line in pairs(own) do
    lines[#lines + 1] = line
  end
  table.sort(lines)
  return lines
end

local function request_path(path)
  if path:sub(1, 1) ~= "/" or uri.has_dots(path) or path:find("[?#]") then
    usage_error.raise("request: option `path` must begin with a slash and stay below the base address;"
      .. " its query goes into `query`: %q", path:match("^[^?#]*"))
  end
  return uri.encode_path(path)
end

---@class ccaas.Request
---@field method? string default "GET"
---@field path string below the client's base address
---@field query? table<string, any>|string
---@field headers? table<string, string>
---@field body? string|table a table is sent as JSON
---@field idempotent? boolean may be sent again after it was sent
---@field tenant? string
---@field deadline? number
---@field timeout? number
---@field retries? integer
---@field max_retry_after? number

--- The way to anything that has no method of its own.
---@param self table a client
---@param given ccaas.Request
---@return { status: integer, headers: table<string, string>, body: string }|nil
---@return ccaas.Error|nil
return function(self, given)
  local own = internals.of(self, "request")
  local opts = options.check("request", given, own.vendor.tenant_header and with_tenant or request_checks)
  if not opts.path then
    usage_error.raise("request: needs option `path`")
  end
  local plan = methods.plan(own, {}, opts)
  plan.method = text.upper(opts.method or "GET")
  if not plan.method:match("^[A-Z]+$") then
    usage_error.raise("request: %q is not a method", opts.method)
  end
  plan.urls = { own.base_url .. request_path(opts.path) .. request_query(opts.query) }
  plan.idempotent = opts.idempotent or plan.method == "GET" or plan.method == "HEAD"
  plan.body = "whole"
  if type(opts.body) == "table" then
    local written, reason = json.encode(opts.body)
    if not written then
      usage_error.raise("request: option `body` cannot be sent as JSON: %s", reason)
    end
    plan.content = written
    plan.headers[#plan.headers + 1] = "Content-Type: application/json"
  elseif opts.body ~= nil then
    if type(opts.body) ~= "string" then
      usage_error.raise("request: option `body` must be a string or a table")
    end
    plan.content = opts.body
  end
  plan.headers = request_headers(plan.headers, opts.headers)
  local body, err, status, headers = streams.run(own, plan, "request")
  if err then
    return nil, err
  end
  return { status = status, headers = headers, body = body or "" }
end
