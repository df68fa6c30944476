--- Xima CCaaS data APIs, as data: addresses, parameters, where the records are.
---
--- Source: the vendor's API pages on historic data, realtime metrics,
--- recordings, agents and skills.

local agent_name = require "ccaas.vendor.xima.agent_name"

---@type ccaas.Vendor
return {
  name = "xima",
  address = { host = "https://%s", example = "acme.xima.cloud" },
  auth = { kind = "bearer" },
  options = {
    host = { check = "text" },
    token = { check = "token_or_function", needed = true },
    audio_interval = { check = "pause", keep = true },
  },
  accept = "application/json",
  -- The vendor's pages require it of every request, where Accept is meant.
  content_type = "application/json",
  dialect = {
    messages = { "message", "error.message", "error", "errorMessage", "detail", "title" },
    codes = { "code", "errorCode", "error.code" },
    references = { "requestId", "traceId" },
    throttles = {},
  },
  results = {
    report = "ccaas.vendor.xima.report",
    values = "ccaas.vendor.xima.values",
    subscription = "ccaas.vendor.xima.subscribe",
    audio = "ccaas.vendor.xima.audio",
  },
  programs = { archive = "ccaas.vendor.xima.archive" },
  parameters = {
    ids = { "id", "repeated" },
    from = { "startTime", "time" },
    to = { "endTime", "time" },
  },
  methods = {
    historic_data = {
      path = "/rest/api/v1/historic-data/{report}",
      takes = {},
      result = "report",
      -- What is asked for, and what kind of document that is: see ccaas.format.
      formats = {
        JSON = { accept = "application/json", is = "json" },
        CSV = { accept = "text/csv", is = "csv" },
        HTML = { accept = "text/html", is = "html" },
        XLS = { accept = "application/vnd.ms-excel", is = "spreadsheet" },
        PDF = { accept = "application/pdf", is = "pdf" },
      },
    },
    metrics = {
      path = "/rest/api/v1/realtime/metrics",
      takes = { "ids" },
      result = "items",
      shape = {
        rename = {
          { "metricId", "id" }, { "metricName", "name" },
          { "categoryType", "category" }, { "categorySelection", "selection" },
        },
      },
    },
    metric_values = {
      path = "/rest/api/v1/realtime/metrics/values",
      first = "ids",
      takes = { "ids" },
      result = "values",
    },
    subscribe = {
      path = "/rest/api/v1/realtime-metric-subscription",
      first = "ids",
      takes = { "ids" },
      result = "subscription",
      -- The handshake has no place for a header of one's own in a browser, so
      -- the vendor wants the token in the address.
      token_name = "auth_token",
      -- Closing codes that are not the standard's, and mean a token that is
      -- refused.  The vendor names none: these are usual.
      refusals = { 4001, 4003, 4401, 4403 },
      -- Metric, category, kind, value, since when, and all about the value.
      paths = {
        "key.metricId", "key.categoryValue", "value.type", "value.count", "value.lastUpdateTime", "value",
      },
      snapshot = "metric_values",
    },
    recordings = {
      path = "/rest/api/v2/recordings",
      takes = { "from", "to" },
      needs_all = { "from", "to" },
      result = "rows",
      shape = { identity = { "recordingKey", "tenantName" } },
    },
    audio = {
      path = "/rest/api/v2/recordings/{tenant}/{recording}/audio",
      row_of = "recordings",
      fields = { "tenantName", "recordingKey" },
      size = "size",
      accept = "audio/ogg",
      content_type = "audio/ogg",
      takes = {},
      result = "audio",
      pace = { seconds = 3, by = "tenantName", option = "audio_interval" },
    },
    agents = {
      path = "/rest/api/v1/agents",
      takes = {},
      result = "rows",
      key = "agents",
      each = agent_name.add,
    },
    skills = { path = "/rest/api/v1/skills", takes = {}, result = "rows", key = "skills" },
  },
}
