--- How the Xima API refuses.  What its error bodies look like is not
-- documented: they are JSON, text or nothing.  Pure.

local json = require "ccaas.sandbox.json"

local params = {}

local TEXT = { "Content-Type", "text/plain;charset=UTF-8" }
local JSON = { "Content-Type", "application/json" }

local messages = {
  [202] = "The report is being prepared, try again later",
  [400] = "Bad Request", [401] = "Unauthorized", [403] = "Forbidden",
  [404] = "Not Found", [405] = "Method Not Allowed",
  [415] = "Unsupported Media Type", [416] = "Range Not Satisfiable",
  [429] = "Too Many Requests", [509] = "Bandwidth Limit Exceeded",
}

local forms = {}

function forms.json(status, message)
  return { status = status, headers = { JSON }, body =
    ('{"status":%d,"message":%s}'):format(status, json.quote(message)) }
end

function forms.text(status, message)
  return { status = status, headers = { TEXT }, body = message .. "\n" }
end

function forms.empty(status)
  return { status = status, headers = {}, body = "" }
end

-- The order in which they come when they take turns.
local turns = { "json", "text", "empty" }

--- A refusal in one of the three forms.
---@param form "json"|"text"|"empty"|"mixed"
---@param turn integer which form "mixed" is, this time
---@param status integer
---@param message? string
---@return table answer
function params.error_answer(form, turn, status, message)
  if form == "mixed" then
    form = turns[turn % #turns + 1]
  end
  return forms[form](status,
    message or messages[status] or "Refused with status " .. status)
end

--- Throws a refusal: so every check is one line.
---@param status integer
---@param message? string
---@param headers? table list of { name, value }, added to the answer's
function params.refuse(status, message, headers)
  error({ refused = status, message = message, headers = headers }, 0)
end

--- All values of a parameter that may be repeated.
---@return string[]? nil when it is not there
function params.list_of(query, name)
  local value = query[name]
  if type(value) == "string" then
    return { value }
  end
  return value
end

--- The one value of a parameter that must be there.
---@return string
function params.required(query, name)
  local list = params.list_of(query, name)
  if not list or list[1] == "" then
    params.refuse(400, "Required parameter '" .. name .. "' is not present")
  end
  return list[1]
end

--- An array of rows that are JSON already, bare or under a key.
---@param name string the key
---@param items string[]
---@param keyed boolean
---@return table answer
function params.array(name, items, keyed)
  local body = "[" .. table.concat(items, ",") .. "]"
  if keyed then
    body = "{" .. json.quote(name) .. ":" .. body .. "}"
  end
  return { status = 200, headers = { JSON }, body = body }
end

return params
