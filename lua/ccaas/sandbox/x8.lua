--- The 8x8 real-time API, played: its endpoints, what they take, and what they
-- refuse.  Lives in the sandbox's Lua state.

local json = require "ccaas.sandbox.json"
local oauth = require "ccaas.sandbox.x8_oauth"
local params = require "ccaas.sandbox.x8_params"
local rows = require "ccaas.sandbox.rows"

local bad_request, refuse = params.bad_request, params.refuse
local list_of = params.list_of

---@class ccaas.sandbox.x8
local x8 = {}
x8.__index = x8

local MAX_CACHE = 256 * 1024 * 1024
local singular = { queues = "queue", groups = "group", agents = "agent" }

---@param config table
---@param world ccaas.sandbox.world
---@param native table
function x8.new(config, world, native)
  return setmetatable({
    config = config, world = world, oauth = oauth.new(config, native),
    cache = {}, cache_size = 0,
  }, x8)
end

--- Where a request's path is in this API.
---@return string? below the path below the base, raw; nil: another's
---@return string[]? segments decoded
function x8.locate(_, request)
  if request.raw_path == oauth.PATH then
    return oauth.PATH, {}
  end
  local rest, count = request.raw_path:gsub("^/[a-z][a-z]/", "/", 1)
  local below = rest:match("^/analytics/cc/v%d+/realtime%-metrics(/.*)$")
  if not below then
    return nil
  end
  local segments = {}
  for i = 5 + count, #request.segments do
    segments[#segments + 1] = request.segments[i]
  end
  return below, segments
end

--- The error that whoever would say it says: for faults.
---@param fault table
---@param path string where it was asked
---@return table answer
function x8.error_answer(_, fault, path)
  return oauth.error_answer(fault, path)
end

-- --- rows --------------------------------------------------------------------

-- Those of the indices that the ids name; an unknown id fails the request.
local function filter(world, kind, indices, ids)
  if not ids then
    return indices
  end
  local present, wanted = {}, {}
  for _, index in ipairs(indices) do
    present[index] = true
  end
  for _, id in ipairs(ids) do
    local index = world:find(kind, id)
    if not index or not present[index] then
      bad_request(("%s with id %s does not exist")
        :format(singular[kind], id))
    end
    wanted[index] = true
  end
  local kept = {}
  for _, index in ipairs(indices) do
    if wanted[index] then
      kept[#kept + 1] = index
    end
  end
  return kept
end

local function find(world, kind, id)
  local index = world:find(kind, id)
  if not index then
    refuse(404, ("Not found: %s with id %s does not exist")
      :format(singular[kind], id))
  end
  return index
end

-- The indices of one page, and its four headers.
function x8:cut(indices, query)
  local page, size = params.page_and_size(query)
  local pages = math.ceil(#indices / size)
  if page < 0 or page >= pages then
    local empty = #indices == 0 and page == 0 and self.config.empty == "200"
    if not empty then
      bad_request(("Field 'page' must be greater than or equal to 0 and less "
        .. "than the total number of pages, which is %d for this request")
        :format(pages))
    end
  end
  local cut = {}
  for i = page * size + 1, math.min((page + 1) * size, #indices) do
    cut[#cut + 1] = indices[i]
  end
  return cut, {
    { "X-Page-Size", ("%d"):format(size) }, { "X-Page", ("%d"):format(page) },
    { "X-Total-Pages", ("%d"):format(pages) },
    { "X-Total-Elements", ("%d"):format(#indices) },
  }
end

local function build_all(indices, build)
  local parts = {}
  for i, index in ipairs(indices) do
    parts[i] = build(index)
  end
  return parts
end

-- One page of a list.  `list` says of what: kind, endpoint (of metric names),
-- indices, filters, metrics_required, with_group, totals.
function x8:list(request, list)
  local query, world, kind = request.query, self.world, list.kind
  params.check_timezone(query)
  local summary = params.flag(query, "summary")
  local totals = list.totals and params.flag(query, "includeTotals")
  local indices = list.indices
  if not summary then
    if list.metrics_required and not list_of(query, "metrics") then
      bad_request("Field 'metrics' must not be empty")
    end
    indices = filter(world, kind, indices, list_of(query, list.ids))
    indices = self:in_groups(indices, list.group_ids
      and list_of(query, list.group_ids))
  end
  local cut, headers = self:cut(indices, query)
  local metrics = params.metrics(query, list.endpoint)
  local build = summary and rows.summary(world, kind, list.with_group)
    or rows.builder(world, kind, metrics, request.tenant)
  local parts = build_all(cut, build)
  if totals and not summary then
    parts[#parts + 1] = rows.totals(world, kind, metrics, request.tenant, cut)
  end
  return { status = 200, headers = headers,
    body = "[" .. table.concat(parts, ",") .. "]" }
end

-- Those of the agents that are in one of the groups.
function x8:in_groups(agents, ids)
  if not ids then
    return agents
  end
  local wanted, kept = {}, {}
  for _, id in ipairs(ids) do
    local group = self.world:find("groups", id)
    if not group then
      bad_request(("group with id %s does not exist"):format(id))
    end
    for _, agent in ipairs(self.world:members_of("groups", group)) do
      wanted[agent] = true
    end
  end
  for _, agent in ipairs(agents) do
    if wanted[agent] then
      kept[#kept + 1] = agent
    end
  end
  return kept
end

-- One row; whether as an object or as an array of one, the documents disagree.
function x8:one(request, kind, index, endpoint, form)
  params.check_timezone(request.query)
  local metrics = params.metrics(request.query, endpoint)
  local row = rows.builder(self.world, kind, metrics, request.tenant)(index)
  if (self.config.one or form) == "array" then
    row = "[" .. row .. "]"
  end
  return { status = 200, headers = {}, body = row }
end

-- --- endpoints ---------------------------------------------------------------

local endpoints = {}

function endpoints.queues(self, request)
  return self:list(request, { kind = "queues", endpoint = "queues",
    indices = self.world:rows("queues"), ids = "queue-ids", totals = true })
end

function endpoints.groups(self, request)
  return self:list(request, { kind = "groups", endpoint = "groups",
    indices = self.world:rows("groups"), ids = "group-ids" })
end

function endpoints.agents(self, request)
  return self:list(request, { kind = "agents", endpoint = "agents",
    indices = self.world:rows("agents"), ids = "agent-ids",
    group_ids = "group-ids", totals = true, with_group = true,
    metrics_required = true })
end

endpoints["queues/?"] = function(self, request, id)
  return self:one(request, "queues", find(self.world, "queues", id), "queues",
    "array")
end

endpoints["groups/?"] = function(self, request, id)
  return self:one(request, "groups", find(self.world, "groups", id), "groups",
    "object")
end

local member_endpoint = { queues = "agents_in_queue", groups = "agents" }

local function members(kind)
  return function(self, request, id)
    local index = find(self.world, kind, id)
    return self:list(request, { kind = "agents", ids = "agent-ids",
      endpoint = member_endpoint[kind], totals = true,
      indices = self.world:members_of(kind, index) })
  end
end

local function member(kind, form)
  return function(self, request, id, agent_id)
    local agent = find(self.world, "agents", agent_id)
    for _, other in ipairs(self.world:members_of(kind,
      find(self.world, kind, id))) do
      if other == agent then
        return self:one(request, "agents", agent, member_endpoint[kind], form)
      end
    end
    refuse(404, ("Not found: agent with id %s is not in %s %s")
      :format(agent_id, singular[kind], id))
  end
end

endpoints["queues/?/agents"] = members("queues")
endpoints["groups/?/agents"] = members("groups")
endpoints["queues/?/agents/?"] = member("queues", "object")
endpoints["groups/?/agents/?"] = member("groups", "array")

-- A third of the agents and a fifth of the queues had nothing to do today.
local function was_active(kind, index)
  return index % (kind == "agents" and 3 or 5) ~= 0
end

local function split_metrics(metrics)
  local of_queue, of_agent = {}, {}
  for _, name in ipairs(metrics) do
    local list = name:find("%.inQueue$") and of_queue or of_agent
    list[#list + 1] = name
  end
  return of_queue, of_agent
end

local function queue_entry(self, queue, all_agents, build, seen)
  local ids, entries = {}, {}
  for _, agent in ipairs(self.world:members_of("queues", queue)) do
    if all_agents or was_active("agents", agent) then
      seen[agent] = true
      ids[#ids + 1] = json.quote(self.world:id("agents", agent))
      entries[#entries + 1] = build(agent)
    end
  end
  return ('{"queueId":%s,"assignedAgents":[%s],"agentMetrics":[%s]}'):format(
    json.quote(self.world:id("queues", queue)), table.concat(ids, ","),
    table.concat(entries, ","))
end

endpoints["agents-in-queue-groups"] = function(self, request)
  local query, world = request.query, self.world
  params.check_timezone(query)
  local all_agents = params.flag(query, "showEnabledAgents")
  local queues = filter(world, "queues", world:rows("queues"),
    list_of(query, "queue-ids"))
  local of_queue, of_agent =
    split_metrics(params.metrics(query, "agents_in_queue"))
  local build = rows.builder(world, "agents", of_queue, request.tenant, "map")
  local seen, parts, agents = {}, {}, {}
  for _, queue in ipairs(queues) do
    if was_active("queues", queue) then
      parts[#parts + 1] = queue_entry(self, queue, all_agents, build, seen)
    end
  end
  build = rows.builder(world, "agents", of_agent, request.tenant, "map")
  for _, agent in ipairs(world:rows("agents")) do
    if seen[agent] then
      agents[#agents + 1] = build(agent)
    end
  end
  return { status = 200, headers = {}, body = '{"agents":['
    .. table.concat(agents, ",") .. '],"queues":['
    .. table.concat(parts, ",") .. "]}" }
end

-- --- requests ----------------------------------------------------------------

-- queues/101/agents -> "queues/?/agents", "101"
local function route(segments)
  local shape = {}
  for i, segment in ipairs(segments) do
    shape[i] = i % 2 == 1 and segment or "?"
  end
  return table.concat(shape, "/"), segments[2], segments[4]
end

local function check_tenant(self, request)
  local tenants = self.config.tenants
  local tenant = request.headers["x-tenant-info"]
  if tenant == nil and #tenants > 1 then
    bad_request("X-Tenant-Info header is missing.")
  end
  for _, known in ipairs(tenants) do
    if tenant == nil or tenant == known then
      return known
    end
  end
  bad_request("Invalid value for X-Tenant-Info header.")
end

local function serve(self, request, segments)
  if request.method ~= "GET" and request.method ~= "HEAD" then
    refuse(405, "Request method '" .. request.method .. "' not supported")
  end
  request.tenant = check_tenant(self, request)
  local shape, id, other_id = route(segments)
  local endpoint = endpoints[shape]
  if not endpoint then
    refuse(404, "Not found: no such resource")
  end
  return endpoint(self, request, id, other_id)
end

-- Until the world changes, the same question has the same answer.
local function cache_key(self, request)
  local version = self.world.version + self.world.played -- both only grow
  if self.cache_version ~= version or self.cache_size > MAX_CACHE then
    self.cache, self.cache_size = {}, 0
    self.cache_version = version
  end
  return (request.headers["x-tenant-info"] or "") .. "\n" .. request.method
    .. " " .. request.target
end

local function keep(self, key, answer)
  self.cache[key] = answer
  self.cache_size = self.cache_size + #answer.body
end

--- Answers a request.
---@param request ccaas.sandbox.request
---@param below string what `locate` gave
---@param segments string[]
---@return table answer { status, headers, body }
function x8:answer(request, below, segments)
  if below == oauth.PATH then
    return self.oauth:answer(request)
  end
  local refused = self.oauth:check(request)
  if refused then
    return refused
  end
  local key = cache_key(self, request)
  local known = self.cache[key]
  if known then
    return known
  end
  local done, answer = pcall(serve, self, request, segments)
  if not done and not (type(answer) == "table" and answer.status) then
    error(answer, 0)
  end
  if done then
    keep(self, key, answer)
  end
  return answer
end

--- Makes every token that was given out an expired one.
function x8:expire_tokens()
  self.oauth:expire_tokens()
end

return x8
