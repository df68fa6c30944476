--- The agents and skills of the Xima API.  Lives in the sandbox's Lua state.

local json = require "ccaas.sandbox.json"
local names = require "ccaas.sandbox.names"
local params = require "ccaas.sandbox.xima_params"

local people = {}

-- Who comes first: with parentheses of his own, and without an extension.
local first = { "Alan (Al) Jones(271)", "John Spector(104)", "Front Desk" }

local function numbered(list, index)
  local name = list[(index - 1) % #list + 1]
  return index > #list and name .. " " .. index or name
end

--- An agent as the API names it: `Name(extension)`, for some without one.
---@param index integer
---@return string
function people.agent(index)
  if first[index] then
    return first[index]
  end
  local name = numbered(names.people, index - #first)
  return index % 11 == 0 and name or ("%s(%d)"):format(name, 1000 + index)
end

---@param index integer
---@return string
function people.skill(index)
  return numbered(names.queues, index)
end

local function agent_row(index)
  local email = index % 7 == 0 and "null"
    or ('"agent%d@example.com"'):format(index)
  return ('{"agent":%s,"type":"%s","email":%s}'):format(
    json.quote(people.agent(index)), index % 3 == 0 and "XIMA" or "UC", email)
end

local function skill_row(index)
  return ('{"id":%d,"name":%s}'):format(100 + index,
    json.quote(people.skill(index)))
end

local function rows_of(indices, row)
  local rows = {}
  for i, index in ipairs(indices) do
    rows[i] = row(index)
  end
  return rows
end

--- Answers a request for the agents.
function people.agents(api)
  return params.array("agents", rows_of(api.world:rows("agents"), agent_row),
    api.config.list ~= "bare")
end

--- Answers a request for the skills: there are as many as queues.
function people.skills(api)
  return params.array("skills", rows_of(api.world:rows("queues"), skill_row),
    api.config.list ~= "bare")
end

return people
