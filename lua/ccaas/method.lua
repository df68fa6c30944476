--- From a method's description to the function that users call: its checks, its
--- address, its plan.

local internals = require "ccaas.internals"
local options = require "ccaas.options"
local query = require "ccaas.query"
local uri = require "ccaas.uri"
local usage_error = require "ccaas.usage_error"
local vendors = require "ccaas.vendor"

local methods = {}

-- Checks for the options that a method takes.
local function checks_of(vendor, method, kind)
  local known = {
    deadline = options.checks.seconds,
    timeout = options.checks.seconds,
    retries = options.limits.retries,
    max_retry_after = options.checks.pause,
    tenant = vendor.tenant_header and options.checks.text or nil,
  }
  for _, name in ipairs(method.takes) do
    known[name] = options.checks[vendor.parameters[name][2]] or options.checks.any
  end
  known[method.first or false] = nil -- it is an argument
  local more = kind.options or {}
  for name, check in pairs(type(more) == "function" and more(vendor) or more) do
    known[name] = check
  end
  return known
end

-- A method needs one of some options, where its description says so.
local function check_needs(where, method, opts)
  for _, name in ipairs(method.needs or {}) do
    if opts[name] then
      return
    end
  end
  for _, name in ipairs(method.needs_all or {}) do
    if opts[name] == nil then
      usage_error.raise("%s: needs options `%s`", where, table.concat(method.needs_all, "` and `"))
    end
  end
  if method.needs then
    usage_error.raise("%s: needs option `%s`", where, table.concat(method.needs, "` or `"))
  end
end

-- The method's address with its ids put in.
local function fill_path(where, base, path, ids)
  local count, longest = 0, ""
  local address = base .. path:gsub("{([a-z]+)}", function(what)
    count = count + 1
    local id = options.id(where, what .. " id", ids[count])
    longest = #id > #longest and id or longest
    return uri.encode(id)
  end)
  if not query.has_room(address) then
    usage_error.raise("%s: an id of %d bytes is too long for a request", where, #longest)
  end
  return address
end

local function headers_of(own, method, tenant)
  local headers = { "Accept: " .. (method.accept or own.vendor.accept) }
  local content_type = method.content_type or own.vendor.content_type
  if content_type then
    headers[2] = "Content-Type: " .. content_type
  end
  tenant = tenant or own.tenant
  if tenant then
    headers[#headers + 1] = own.vendor.tenant_header .. ": " .. tenant
  end
  return headers
end

--- The part of a plan that every call has.
---@param own table a client's internals
---@param method table its description
---@param opts table options that were checked
---@return table plan
function methods.plan(own, method, opts)
  local deadline = opts.deadline or own.deadline
  return {
    method = "GET",
    idempotent = true,
    headers = headers_of(own, method, opts.tenant),
    retries = opts.retries or own.retries,
    timeout = opts.timeout or own.timeout,
    deadline = deadline,
    -- What has a deadline waits as long as the server says, up to that.
    max_retry_after = not deadline and (opts.max_retry_after or own.max_retry_after) or nil,
    max_record = own.max_record,
    max_body = own.max_body,
  }
end

local function shape_of(own, method)
  local shape = { keep_null = own.keep_null }
  for name, value in pairs(method.shape or {}) do
    shape[name] = value
  end
  return shape
end

-- What comes before the options: ids for the path, a row that has them, or a
-- list that is an option on the wire.  Gives the ids and the options.
local function arguments(name, method, known, ids, given)
  if method.fields then
    local row = given[1]
    if type(row) ~= "table" then
      usage_error.raise("%s: expected a row that `%s` gave, not a %s", name, method.row_of, type(row))
    end
    local opts = options.check(name, given[2], known)
    local values = {}
    for i, field in ipairs(method.fields) do
      values[i] = row[field]
      if values[i] == nil then
        usage_error.raise("%s: the row has no `%s`: pass a row that `%s` gave", name, field, method.row_of)
      end
    end
    return values, opts
  end
  local opts = options.check(name, given[(method.first and 1 or ids) + 1], known)
  if method.first then
    local copy = { [method.first] = given[1] }
    local empty = type(given[1]) == "table" and next(given[1]) == nil
    if given[1] == nil or empty then
      usage_error.raise("%s: needs a list of %s%s", name, method.first, empty and ", not an empty list" or "")
    end
    for option, value in pairs(opts) do
      copy[option] = value
    end
    opts = copy
  end
  return given, opts
end

--- Makes one method of the description: its ids come first, then its options.
---@param vendor ccaas.Vendor
---@param name string
---@param method ccaas.VendorMethod
---@param more? table<string, function> checks of more options, which are the caller's
---@return function
function methods.make(vendor, name, method, more)
  local kind = vendors.kind_of(vendor, method.result)
  local known = checks_of(vendor, method, kind)
  for option, check in pairs(more or {}) do
    known[option] = check
  end
  local ids = select(2, method.path:gsub("{", ""))
  return function(self, ...)
    local own = internals.of(self, name)
    local given = { ... }
    local values, opts = arguments(name, method, known, ids, given)
    check_needs(name, method, opts)
    local plan = methods.plan(own, method, opts)
    local address = fill_path(name, own.base_url, method.path, values)
    plan.urls = query.addresses(name, address, vendor.parameters, method.takes, opts)
    plan.shape = shape_of(own, method)
    return kind.result(own, name, method, plan, opts, given[1])
  end
end

return methods
