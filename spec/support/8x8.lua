-- What the specs of the 8x8 methods share: a sandbox and a client of it, and what
-- is expected of them, which comes from the same sandbox by client:request and
-- lua-cjson.
local assert = require "luassert"
local ccaas = require "ccaas"
local cjson = require "cjson"
local helper = require "spec.support.helper"

local x8 = {}

x8.METRICS = { "status.rt", "loggedInTime.today", "activeQueues.rt", "accepted.today" }

local sandbox, client

--- A sandbox and a client of it, of which the functions below speak.
---@return table sandbox
---@return ccaas.Client
function x8.world()
  sandbox = helper.sandbox {
    agents = 60, queues = 20, groups = 6, tenants = { "acme", "globex" },
  }
  client = ccaas.new(sandbox:options("8x8"))
  return sandbox, client
end

--- What the sandbox answers there, decoded.
function x8.wire(path, query)
  return cjson.decode(assert(client:request { path = path, query = query }).body)
end

--- The newest request of the API.
function x8.asked()
  local list = sandbox:requests()
  return list[#list]
end

--- A row of the wire in the one form that rows have, nulls left out.
function x8.plain(row, null)
  local made = {
    id = row.id, name = row.name, group_id = row.groupId, group_name = row.groupName,
  }
  if row.metrics then
    made.metrics = {}
    for index, given in pairs(row.metrics) do
      local key, value = index, given
      if type(key) == "number" then
        key, value = value.key, value.value
      end
      if value ~= cjson.null or null then
        made.metrics[key] = value
      end
    end
  end
  return made
end

--- The same of a list.
function x8.plain_list(list, null)
  local made = {}
  for i, row in ipairs(list) do
    made[i] = x8.plain(row, null)
  end
  return made
end

return x8
