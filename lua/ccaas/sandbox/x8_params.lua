--- What the 8x8 API's requests take, and the service's way to refuse them.
-- Pure.

local json = require "ccaas.sandbox.json"
local metric_names = require "ccaas.sandbox.metrics"

local params = {}

local MAX_SIZE, DEFAULT_SIZE = 1000, 100

--- Throws an answer: so every check is one line.
---@param status integer
---@param message string
function params.refuse(status, message)
  error({ status = status, body = '{"message":' .. json.quote(message) .. "}" },
    0)
end

--- Throws a 400.
---@param message string without its "Bad request: "
function params.bad_request(message)
  params.refuse(400, "Bad request: " .. message)
end

local function single(query, name)
  local value = query[name]
  if type(value) == "table" then
    return value[#value]
  end
  return value
end

--- Several values: the name repeated, a comma list, or both.
---@return string[]? nil when the parameter is not there
function params.list_of(query, name)
  local value = query[name]
  if value == nil then
    return nil
  end
  local list = {}
  for _, text in ipairs(type(value) == "table" and value or { value }) do
    for item in text:gmatch("[^,]+") do
      list[#list + 1] = item
    end
  end
  return list
end

local function whole_number(query, name, default, least)
  local text = single(query, name)
  if text == nil then
    return default
  end
  local n = text:find("^%-?%d+$") and tonumber(text)
  if not n then
    params.bad_request(("Field '%s' must be an integer"):format(name))
  elseif least and n < least then
    params.bad_request(("Field '%s' must be greater than or equal to %d")
      :format(name, least))
  end
  return n
end

---@return integer page
---@return integer size
function params.page_and_size(query)
  local page = whole_number(query, "page", 0)
  local size = whole_number(query, "size", DEFAULT_SIZE, 1)
  if size > MAX_SIZE then
    params.bad_request("Field 'size' must be less than or equal to " .. MAX_SIZE)
  end
  return page, size
end

---@return boolean
function params.flag(query, name)
  local text = single(query, name)
  if text ~= nil and text ~= "true" and text ~= "false" then
    params.bad_request(("Field '%s' must be a boolean"):format(name))
  end
  return text == "true"
end

--- Refuses what cannot be a time zone.
function params.check_timezone(query)
  local zone = single(query, "timezone")
  if zone and not (zone == "UTC" or zone:find("^[A-Za-z][A-Za-z0-9_+-]*/[A-Za-z0-9_+/-]+$")) then
    params.bad_request("Field 'timezone' must be a valid time zone")
  end
end

--- The asked metrics that exist, in the order asked; all when none is asked.
---@return string[]
function params.metrics(query, endpoint)
  local asked = params.list_of(query, "metrics")
  local all = metric_names[endpoint]
  if not asked then
    return all
  end
  local known, chosen = {}, {}
  for _, name in ipairs(all) do
    known[name] = true
  end
  for _, name in ipairs(asked) do
    if known[name] then
      chosen[#chosen + 1] = name
    end
  end
  return chosen
end


return params
