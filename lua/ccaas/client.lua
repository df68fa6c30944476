--- A client's methods, made from the vendor's description.

local core = require "ccaas.core"
local errors = require "ccaas.error"
local json = require "ccaas.json"
local misuse = require "ccaas.misuse"
local options = require "ccaas.options"
local query = require "ccaas.query"
local streams = require "ccaas.stream"
local uri = require "ccaas.uri"

local clients = {}

-- The user's client object leads to its inner side, which no user sees.
local inner = setmetatable({}, { __mode = "k" })

local function side(client, where)
  local own = inner[client]
  if not own then
    misuse.raise("%s: call it with a colon, on a client of ccaas.new", where)
  elseif own.closed then
    misuse.raise("%s: the client is closed", where)
  end
  return own
end

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

-- Checks for the options that a method takes.
local function checks_of(vendor, method)
  local known = {
    deadline = options.checks.seconds,
    timeout = options.checks.seconds,
    retries = options.limits.retries,
    tenant = vendor.tenant_header and options.checks.text or nil,
  }
  for _, name in ipairs(method.takes) do
    local kind = vendor.parameters[name][2]
    known[name] = kind == "text" and options.checks.text
      or kind == "flag" and options.checks.flag
      or options.checks.any
  end
  if method.gives == "stream" then
    known.page = options.limits.page
    known.size = options.whole(1, vendor.paging.most)
    known.limit = options.limits.limit
    known.concurrency = options.limits.concurrency
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
  if method.needs then
    misuse.raise("%s: needs option `%s`", where, table.concat(method.needs, "` or `"))
  end
end

-- The method's address with its ids put in.
local function fill_path(where, base, path, ids)
  local count, longest = 0, ""
  local address = base .. path:gsub("{(%w+)}", function(what)
    count = count + 1
    local id = options.id(where, what .. " id", ids[count])
    longest = #id > #longest and id or longest
    return uri.encode(id)
  end)
  if not query.has_room(address) then
    misuse.raise("%s: an id of %d bytes is too long for a request", where, #longest)
  end
  return address
end

local function headers_of(own, tenant)
  local headers = { "Accept: " .. own.vendor.accept }
  tenant = tenant or own.tenant
  if tenant then
    headers[#headers + 1] = own.vendor.tenant_header .. ": " .. tenant
  end
  return headers
end

-- The part of a plan that every call has.
local function base_plan(own, opts)
  return {
    method = "GET",
    idempotent = true,
    headers = headers_of(own, opts.tenant),
    retries = opts.retries or own.retries,
    timeout = opts.timeout or own.timeout,
    deadline = opts.deadline or own.deadline,
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

local gives = {}

function gives.stream(own, name, method, plan, opts)
  local paging = own.vendor.paging
  plan.body, plan.unique, plan.paged = "array", true, true
  plan.page_name, plan.size_name, plan.page_headers = paging.page, paging.size, paging.headers
  plan.page, plan.size = opts.page or 0, opts.size or paging.most
  plan.limit = opts.limit
  plan.concurrency = opts.concurrency or own.concurrency
  plan.totals = method.totals
  if plan.page > 0 and #plan.urls > 1 then
    misuse.raise("%s: option `page` does not go with so many ids: they need %d requests", name, #plan.urls)
  end
  return streams.new(own, plan, name)
end

function gives.row(own, name, _, plan)
  plan.body = "array_or_one"
  local row, err, status, _, count = streams.run(own, plan, name)
  if err then
    return nil, err
  elseif count ~= 1 then
    return nil, errors.new({
      code = count == 0 and "not_found" or "protocol",
      message = string.format("one row was asked for, the answer has %d", count),
      status = status,
    }, own.provider)
  end
  return row
end

-- A list of { key, value } becomes a map, as the decoder does it for streams.
-- False: an entry is none.
local function to_map(row, shape)
  local entries = row[shape.map]
  if type(entries) == "table" and #entries > 0 then
    local map = {}
    for _, entry in ipairs(entries) do
      local key = type(entry) == "table" and entry[shape.map_key]
      if type(key) ~= "string" then
        return false
      end
      map[key] = entry[shape.map_value]
    end
    row[shape.map] = map
  end
  return true
end

-- Renames a part's members and brings its rows into their one form.  False: an
-- item is not what it should be.
local function arrange(own, part, items)
  for _, item in ipairs(items) do
    if type(item) ~= "table" then
      return false
    end
    for wire, ours in pairs(part.rename or {}) do
      if item[wire] ~= nil then
        item[ours], item[wire] = item[wire], nil
      end
    end
    local inside = part.rows_in and item[part.rows_in]
    if part.rows and not to_map(item, own.vendor.methods.agents.shape)
      or type(inside) == "table" and not arrange(own, { rows = true }, inside) then
      return false
    end
  end
  return true
end

function gives.document(own, name, method, plan)
  plan.body = "json"
  local document, err, status = streams.run(own, plan, name)
  if err then
    return nil, err
  end
  local result = {}
  for part_name, part in pairs(method.parts) do
    local items = type(document) == "table" and document[part_name]
    if type(items) ~= "table" or not arrange(own, part, items) then
      return nil, errors.new({
        code = "protocol",
        message = string.format("the answer has no list %q of the form expected", part_name),
        status = status,
      }, own.provider)
    end
    result[part_name] = items
  end
  return result
end

-- Makes one method of the description: its ids come first, then its options.
local function make_method(vendor, name, method)
  local known = checks_of(vendor, method)
  local ids = select(2, method.path:gsub("{", ""))
  return function(self, ...)
    local own = side(self, name)
    local given = { ... }
    local opts = options.check(name, given[ids + 1], known)
    check_needs(name, method, opts)
    local plan = base_plan(own, opts)
    local address = fill_path(name, own.base_url, method.path, given)
    plan.urls = query.addresses(name, address, vendor.parameters, method.takes, opts)
    plan.shape = shape_of(own, method)
    return gives[method.gives](own, name, method, plan, opts)
  end
end

-- -- client:request ----------------------------------------------------------

local request_checks = {
  method = options.checks.text,
  path = options.checks.text,
  query = options.checks.any,
  headers = options.checks.any,
  body = options.checks.any,
  idempotent = options.checks.flag,
  tenant = options.checks.text,
  deadline = options.checks.seconds,
  timeout = options.checks.seconds,
  retries = options.limits.retries,
}

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
    misuse.raise("request: option `query` must be a table or a string")
  end
  local names, list = {}, {}
  for name in pairs(given) do
    if type(name) ~= "string" then
      misuse.raise("request: option `query` must have names as its keys, not a %s", type(name))
    end
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local values = given[name]
    for _, value in ipairs(type(values) == "table" and values or { values }) do
      local kind = type(value)
      if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
        misuse.raise("request: a %s cannot stand in option `query`, as %q has one", kind, name)
      end
      list[#list + 1] = { name, tostring(value) }
    end
  end
  return #list > 0 and "?" .. uri.query(list) or ""
end

local function request_headers(headers, given)
  if given ~= nil and type(given) ~= "table" then
    misuse.raise("request: option `headers` must be a table")
  end
  local own = {}
  for name, value in pairs(given or {}) do
    if type(name) ~= "string" or not name:match("^[%w!#$%%&'*+%-.^_`|~]+$") then
      misuse.raise("request: %q is no name for a header", tostring(name))
    elseif reserved[name:lower()] then
      misuse.raise("request: header %s is set by the library itself", name)
    elseif type(value) ~= "string" and type(value) ~= "number" or tostring(value):find("[%z\1-\8\10-\31\127]") then
      misuse.raise("request: the value of header %s is no text without control characters", name)
    end
    own[name:lower()] = name .. ": " .. value
  end
  for _, line in ipairs(headers) do
    local name = line:match("^[^:]+"):lower()
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
    misuse.raise("request: option `path` must begin with a slash and stay below the base address,"
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

-- The way to anything that has no method of its own.
local function request(self, given)
  local own = side(self, "request")
  local opts = options.check("request", given, request_checks)
  if not opts.path then
    misuse.raise("request: needs option `path`")
  end
  local plan = base_plan(own, opts)
  plan.method = (opts.method or "GET"):upper()
  if not plan.method:match("^%u+$") then
    misuse.raise("request: %q is no method", opts.method)
  end
  plan.urls = { own.base_url .. request_path(opts.path) .. request_query(opts.query) }
  plan.idempotent = opts.idempotent or plan.method == "GET" or plan.method == "HEAD"
  plan.body = "whole"
  if type(opts.body) == "table" then
    local text, reason = json.encode(opts.body)
    if not text then
      misuse.raise("request: option `body` cannot be sent as JSON: %s", reason)
    end
    plan.content = text
    plan.headers[#plan.headers + 1] = "Content-Type: application/json"
  elseif opts.body ~= nil then
    if type(opts.body) ~= "string" then
      misuse.raise("request: option `body` must be a string or a table")
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

-- -- The client ---------------------------------------------------------------

-- The methods of a vendor, made once.
local made = {}

local function methods_of(vendor)
  if not made[vendor.name] then
    local methods = { request = request }
    for name, method in pairs(vendor.methods) do
      methods[name] = make_method(vendor, name, method)
    end
    function methods:close()
      local own = inner[self]
      if not own then
        misuse.raise("close: call it with a colon, on a client of ccaas.new")
      elseif not own.closed then
        own.closed = true
        own.core:close()
      end
    end
    made[vendor.name] = {
      __index = methods,
      __name = "ccaas.Client",
      __close = methods.close,
      __tostring = function(self)
        local own = inner[self]
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
  inner[client] = own
  return client
end

return clients
