--- Historical reports: what is asked for, and whether what arrives is that.

local download = require "ccaas.download"
local formats = require "ccaas.format"
local json = require "ccaas.json"
local options = require "ccaas.options"
local streams = require "ccaas.stream"
local times = require "ccaas.times"
local usage_error = require "ccaas.usage_error"

local report = {}

report.options = {
  format = options.checks.text,
  from = options.checks.time,
  to = options.checks.time,
  agents = options.checks.any,
  parameters = options.checks.any,
  file = options.checks.text,
  sink = options.checks.call,
  progress = options.checks.call,
}

--- The words of its methods: a format's Accept header, and its kind in ccaas.format.
report.words = { formats = { map = { fields = { accept = "string", is = "string" } } } }

local function timeframe(name, opts)
  if opts.from == nil or opts.to == nil then
    usage_error.raise("%s: options `from` and `to` must be given together", name)
  end
  options.check_period(name, opts)
  local from, from_offset = times.parse(opts.from)
  local to, to_offset = times.parse(opts.to)
  return {
    name = "Report Timeframe",
    value = {
      type = "REPORT_TIMEFRAME",
      formatted = times.label(opts.from, opts.to),
      start = times.format(from, from_offset),
      ["end"] = times.format(to, to_offset),
    },
  }
end

local function row_filter(name, agents)
  local users = {}
  if type(agents) ~= "table" then
    usage_error.raise("%s: option `agents` must be a list of \"Name(extension)\"", name)
  end
  for i, agent in ipairs(options.list(name, "agents", agents)) do
    users[i] = { key = agent }
  end
  return { name = "Rows (Agent)", value = { type = "PBX_USERS", pbxUsers = json.list(users) } }
end

local function is_list(value)
  local count = 0
  for _ in pairs(type(value) == "table" and value or {}) do
    count = count + 1
  end
  return type(value) == "table" and count == #value
end

-- The body, encoded once: its bytes are the same on every attempt.
local function encode(name, format, opts)
  local parameters = {}
  if opts.from ~= nil or opts.to ~= nil then
    parameters[1] = timeframe(name, opts)
  end
  if opts.agents ~= nil then
    parameters[#parameters + 1] = row_filter(name, opts.agents)
  end
  if not is_list(opts.parameters or {}) then
    usage_error.raise("%s: option `parameters` must be a list of { name, value }", name)
  end
  for _, parameter in ipairs(opts.parameters or {}) do
    parameters[#parameters + 1] = parameter
  end
  local written, reason = json.encode { format = format, parameters = json.list(parameters) }
  if not written then
    usage_error.raise("%s: option `parameters` cannot be sent as JSON: %s", name, reason)
  end
  return written
end

-- An id that the vendor does not know is told by its name.
local function named(own, id, err)
  if err and err.code == "not_found" then
    err.message = string.format('no report "%s": %s', own.core:show(id), err.message)
  end
  return err
end

--- A report: a table for JSON, else bytes, a file, or pieces for a sink.
function report.result(own, name, method, plan, opts, id)
  local format = opts.format or "JSON"
  local kind = method.formats[format]
  if not kind then
    usage_error.raise("%s: unknown format %q%s", name, format, usage_error.hint(format, method.formats))
  end
  plan.method, plan.patient = "POST", true
  plan.content = encode(name, format, opts)
  plan.headers[1] = "Accept: " .. kind.accept
  if format == "JSON" and not opts.file and not opts.sink then
    plan.body = "json"
    local document, err = streams.run(own, plan, name)
    return document, named(own, id, err)
  end
  plan.body = "chunks"
  plan.format = kind.is == "json" and "json" or nil
  local place, err = download.place(own, name, opts)
  if not place then
    return nil, err
  end
  local given
  given, err = download.pull(own, name, plan, place, function() return formats.check(format, kind.is) end, opts)
  return given, named(own, id, err)
end

return report
