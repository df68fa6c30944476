--- Checking options: what is unknown or of the wrong kind raises at the
--- caller's line.

local core = require "ccaas.core"
local text = require "ccaas.text"
local times = require "ccaas.times"
local uri = require "ccaas.uri"
local usage_error = require "ccaas.usage_error"

local options = {}

local function say(where, name, wanted, value)
  local shown = type(value) == "string" and string.format("%q", value) or text.of(value)
  usage_error.raise("%s: option `%s` must be %s, not %s", where, name, wanted, shown)
end

local checks = {}

function checks.seconds(where, name, value)
  if type(value) ~= "number" or value ~= value or value <= 0 or value > 1e9 then
    say(where, name, "a number of seconds above 0", value)
  end
end

function checks.pause(where, name, value)
  if type(value) ~= "number" or value ~= value or value < 0 or value > 1e9 then
    say(where, name, "a number of seconds, 0 or more", value)
  end
end

function checks.text(where, name, value)
  if type(value) ~= "string" or value == "" then
    say(where, name, "a string that is not empty", value)
  elseif text.has_controls(value) then
    usage_error.raise("%s: option `%s` has control characters in it", where, name)
  end
end

-- What is wrong with a secret must be said without showing it.
function checks.secret(where, name, value)
  if type(value) ~= "string" or value == "" then
    usage_error.raise("%s: option `%s` must be a string that is not empty", where, name)
  elseif text.has_controls(value) then
    usage_error.raise("%s: option `%s` has control characters in it (perhaps a line break)", where, name)
  end
end

-- As it is sent: the two of a key's credentials are put together by a colon.
function checks.key(where, name, value)
  checks.secret(where, name, value)
  if value:find(":", 1, true) then
    usage_error.raise("%s: option `%s` has a colon in it: give the key and the secret separately", where, name)
  end
end

--- Is this the value of a header, and not the token alone?
---@param value string
---@return string|nil reason
function options.token_fault(value)
  return text.lower(value):find("^%s*bearer%s") and 'begins with "Bearer ": give the token alone' or nil
end

function checks.token(where, name, value)
  checks.secret(where, name, value)
  local fault = options.token_fault(value)
  if fault then
    usage_error.raise("%s: option `%s` %s", where, name, fault)
  end
end

function checks.token_or_function(where, name, value)
  if type(value) ~= "function" then
    checks.token(where, name, value)
  end
end

--- Checks that a period's times are in order.
---@param where string
---@param opts table with `from` and `to`, which were checked
---@param may_be_empty? boolean
function options.check_period(where, opts, may_be_empty)
  local from, to = times.parse(opts.from), times.parse(opts.to)
  if from > to or from == to and not may_be_empty then
    usage_error.raise("%s: option `from` (%s) is %s `to` (%s)", where, text.of(opts.from),
      may_be_empty and "after" or "not before", text.of(opts.to))
  end
end

function checks.flag(where, name, value)
  if type(value) ~= "boolean" then
    say(where, name, "true or false", value)
  end
end

function checks.call(where, name, value)
  if type(value) ~= "function" then
    say(where, name, "a function", value)
  end
end

function checks.url(where, name, value)
  checks.text(where, name, value)
  local origin, reason = uri.parse(value)
  if not origin then
    usage_error.raise("%s: option `%s` cannot be used: %s", where, name, reason)
  elseif origin.scheme == "http" and not uri.is_loopback(origin.host) then
    usage_error.raise("%s: option `%s` is http:// to another machine, so others could read the token: use https://",
      where, name)
  end
end

local proxy_schemes = { http = true, https = true, socks4 = true, socks4a = true, socks5 = true, socks5h = true }

-- A proxy's address may hold a password: what is wrong with it is said without
-- showing it.
function checks.proxy(where, name, value)
  checks.text(where, name, value)
  local scheme, rest = value:match("^([A-Za-z0-9]+)://(.*)$")
  local host = (rest or value):gsub("/$", ""):gsub("^.*@", "")
  if not proxy_schemes[text.lower(scheme or "http")] or not uri.parse("http://" .. host) then
    usage_error.raise("%s: option `%s` must be like http://user:password@host:port", where, name)
  end
end

function checks.file(where, name, value)
  checks.text(where, name, value)
  local file, reason = core.open(value, "rb")
  if not file then
    usage_error.raise("%s: option `%s`: %s", where, name, reason)
  end
  file:close()
end

function checks.time(where, name, value)
  local seconds, reason = times.parse(value)
  if not seconds then
    usage_error.raise("%s: option `%s` is not a time: %s", where, name, reason)
  end
end

function checks.any() end

-- A whole number between two bounds.
local function whole(least, most)
  local wanted = most and string.format("a whole number from %d to %d", least, most)
    or string.format("a whole number, %d or more", least)
  return function(where, name, value)
    if type(value) ~= "number" or value % 1 ~= 0 or value < least or value > (most or 2 ^ 53) then
      say(where, name, wanted, value)
    end
  end
end

options.limits = {
  retries = whole(0, 100),
  concurrency = whole(1, 64),
  max_record = whole(1),
  max_body = whole(1),
  page = whole(0),
  limit = whole(0),
}

--- A check for `size`, from 1 to a vendor's most.
options.whole = whole
options.checks = checks

--- Checks a table of options against { name = check }; unknown names raise.
---@param where string the method's name, for the message
---@param given any
---@param known table<string, function>
---@return table # the options, never nil
function options.check(where, given, known)
  if given == nil then
    return {}
  elseif type(given) ~= "table" then
    usage_error.raise("%s: expected a table of options, got a %s", where, type(given))
  end
  local names = {}
  for name in pairs(given) do
    if not known[name] then
      usage_error.raise("%s: unknown option `%s`%s", where, text.of(name), usage_error.hint(name, known))
    end
    names[#names + 1] = name
  end
  table.sort(names) -- of several that are wrong it is always the same one
  for _, name in ipairs(names) do
    known[name](where, name, given[name])
  end
  return given
end

--- An id that goes into a path or a query: any bytes, but not empty, and not
--- one of the two names that a path gives a meaning of its own.
---@param where string
---@param what string
---@param id any
---@return string
function options.id(where, what, id)
  if type(id) ~= "string" then
    usage_error.raise("%s: %s must be a string, not a %s", where, what, type(id))
  elseif id == "" then
    usage_error.raise("%s: %s is empty", where, what)
  elseif id == "." or id == ".." then
    usage_error.raise("%s: %s is %q, which cannot be an id in a path", where, what, id)
  end
  return id
end

--- A list of ids or names: a table, or a string with commas.
---@param where string
---@param name string
---@param value any
---@return string[] # each once, in their order
function options.list(where, name, value)
  local items, seen = {}, {}
  if type(value) == "string" then
    local parts = {}
    for part in (value .. ","):gmatch("([^,]*),") do
      parts[#parts + 1] = part:match("^%s*(.-)%s*$")
    end
    value = parts
  elseif type(value) ~= "table" then
    say(where, name, "a list of strings or a string with commas", value)
  end
  local count = 0
  for key in pairs(value) do
    count = count + 1
    if type(key) ~= "number" then
      usage_error.raise("%s: option `%s` must be a list, but has a field %q", where, name, tostring(key))
    end
  end
  if count ~= #value then
    usage_error.raise("%s: option `%s` must be a list without holes", where, name)
  end
  for i = 1, #value do
    local item = options.id(where, string.format("%s[%d]", name, i), value[i])
    if not seen[item] then
      seen[item] = true
      items[#items + 1] = item
    end
  end
  return items
end

return options
