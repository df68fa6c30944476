--- 8x8 Contact Center realtime metrics, as data: addresses, parameters, where
--- the records are, how errors read.
---
--- Sources: the vendor's developer pages on OAuth for the Contact Center APIs,
--- on realtime metrics (v5) and on multitenancy.

local rows = {
  map = "metrics",
  map_key = "key",
  map_value = "value",
  rename = { { "groupId", "group_id" }, { "groupName", "group_name" } },
  identity = { "id", "groupId" },
}

---@class ccaas.ListOptions the options of lists; of those for the request, a list takes what its endpoint has
---@field metrics? string[]|string
---@field queue_ids? string[]|string
---@field agent_ids? string[]|string
---@field group_ids? string[]|string
---@field timezone? string
---@field summary? boolean ids and names alone
---@field totals? boolean a totals row as well: see info().totals
---@field page? integer where to start, from 0
---@field size? integer rows a page, 1 to 1000; 1000
---@field limit? integer stop after so many rows
---@field concurrency? integer pages fetched side by side, 1 to 64
---@field verify? boolean walk the list until two passes in a row are clean and the second brings nothing new
---@field tenant? string
---@field deadline? number seconds
---@field timeout? number seconds
---@field retries? integer

-- A list of rows, paged; and one row.
local function list(fields)
  fields.result, fields.shape, fields.totals = "stream", rows, "totals"
  return fields
end

local function one(fields)
  fields.result, fields.shape = "row", rows
  return fields
end

---@type ccaas.Vendor
return {
  name = "8x8",
  address = {
    regions = {
      us = "https://api.8x8.com/analytics/cc/%s/realtime-metrics",
      eu = "https://api.8x8.com/eu/analytics/cc/%s/realtime-metrics",
      au = "https://api.8x8.com/au/analytics/cc/%s/realtime-metrics",
      ca = "https://api.8x8.com/ca/analytics/cc/%s/realtime-metrics",
    },
    region = "us",
    version = "v5",
  },
  auth = { kind = "client_credentials", token_url = "https://api.8x8.com/oauth/v2/token" },
  options = {
    key = { check = "key", needed = true },
    secret = { check = "secret", needed = true },
    tenant = { check = "text" },
    region = { check = "text" },
    version = { check = "text" },
    token_url = { check = "url" },
  },
  tenant_header = "X-Tenant-Info",
  accept = "application/json",
  dialect = {
    messages = { "fault.faultstring", "message", "Error" },
    codes = { "fault.detail.errorcode", "ErrorCode" },
    references = { "referenceId" },
    throttles = { "policies.ratelimit." },
    past_end = "less than the total number of pages, which is",
  },
  paging = {
    kind = "page_number",
    page = "page",
    size = "size",
    most = 1000,
    headers = { "x-page", "x-page-size", "x-total-pages", "x-total-elements" },
  },
  programs = { watch = "ccaas.vendor.8x8.watch" },
  parameters = {
    metrics = { "metrics", "names" },
    queue_ids = { "queue-ids", "ids" },
    agent_ids = { "agent-ids", "ids" },
    group_ids = { "group-ids", "ids" },
    timezone = { "timezone", "text" },
    summary = { "summary", "flag" },
    totals = { "includeTotals", "flag" },
    enabled_agents = { "showEnabledAgents", "flag" },
  },
  methods = {
    queues = list { path = "/queues", takes = { "metrics", "queue_ids", "summary", "timezone", "totals" } },
    queue = one { path = "/queues/{queue}", takes = { "metrics", "timezone" } },
    queue_agents = list {
      path = "/queues/{queue}/agents",
      takes = { "metrics", "agent_ids", "summary", "timezone", "totals" },
    },
    queue_agent = one { path = "/queues/{queue}/agents/{agent}", takes = { "metrics", "timezone" } },
    agents = list {
      path = "/agents",
      takes = { "metrics", "agent_ids", "group_ids", "summary", "timezone", "totals" },
      needs = { "metrics", "summary" },
    },
    groups = list { path = "/groups", takes = { "metrics", "group_ids", "summary", "timezone" } },
    group = one { path = "/groups/{group}", takes = { "metrics", "timezone" } },
    group_agents = list {
      path = "/groups/{group}/agents",
      takes = { "metrics", "agent_ids", "summary", "timezone", "totals" },
    },
    group_agent = one { path = "/groups/{group}/agents/{agent}", takes = { "metrics", "timezone" } },
    agents_in_queue_groups = {
      path = "/agents-in-queue-groups",
      takes = { "metrics", "queue_ids", "timezone", "enabled_agents" },
      result = "document",
      -- The parts of the document: lists of rows, and what members are called.
      parts = {
        agents = { shape = rows },
        queues = {
          rename = { queueId = "id", assignedAgents = "assigned_agents", agentMetrics = "agents" },
          inner = { member = "agents", shape = rows },
        },
      },
    },
  },
}
