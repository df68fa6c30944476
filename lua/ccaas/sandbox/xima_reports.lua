--- The historical reports of the Xima API, in their five formats.  Lives in the
-- sandbox's Lua state.

local cjson = require "ccaas.cjson"
local letters = require "ccaas.text"
local documents = require "ccaas.sandbox.documents"
local json = require "ccaas.sandbox.json"
local params = require "ccaas.sandbox.xima_params"
local people = require "ccaas.sandbox.xima_people"

---@class ccaas.sandbox.reports
local reports = {}
reports.__index = reports

-- So many agents a report has when it is not told which.
local DEFAULT_ROWS = 20

-- So many different requests are remembered.
local MAX_ASKED = 10000

-- `exact` is beyond what a double can hold.
local columns = {
  { key = "agent", title = "Agent", type = "TEXT" },
  { key = "calls", title = "Calls", type = "COUNT" },
  { key = "talkTime", title = "Talk Time (ms)", type = "DURATION" },
  { key = "lastCall", title = "Last Call", type = "TIMESTAMP" },
  { key = "exact", title = "Exact", type = "COUNT" },
}

local EXACT = "9007199254740993"

---@param config table
---@param world ccaas.sandbox.world
---@param native table
---@return ccaas.sandbox.reports
function reports.new(config, world, native)
  return setmetatable({
    config = config, world = world, native = native, asked = {}, count = 0,
  }, reports)
end

-- --- what was asked ----------------------------------------------------------

local function includes(list, wanted)
  for _, item in ipairs(list) do
    if item == wanted then
      return true
    end
  end
  return false
end

local function check_parameters(list)
  if list == nil or list == cjson.null then
    return {}
  elseif type(list) ~= "table" or (next(list) ~= nil and #list == 0) then
    params.refuse(400, "'parameters' is not an array")
  end
  for _, parameter in ipairs(list) do
    if type(parameter) ~= "table" or type(parameter.name) ~= "string"
      or parameter.value == nil then
      params.refuse(400, "A parameter has a name and a value")
    end
  end
  return list
end

local function value_of(list, name, field, kind)
  for _, parameter in ipairs(list) do
    local value = parameter.value
    if parameter.name == name then
      if type(value) ~= "table" or value.type ~= kind
        or type(value[field]) ~= "table" and type(value[field]) ~= "string" then
        params.refuse(400, "Parameter '" .. name .. "' has the wrong form")
      end
      return value
    end
  end
end

local function read(request)
  local decoded, asked = pcall(cjson.decode, request.body)
  if not decoded or type(asked) ~= "table" then
    params.refuse(400, "The body is not a JSON object")
  end
  return asked, check_parameters(asked.parameters)
end

-- --- contents ----------------------------------------------------------------

local function agent_names(self, list)
  local names = {}
  local rows = value_of(list, "Rows (Agent)", "pbxUsers", "PBX_USERS")
  if rows then
    for i, user in ipairs(rows.pbxUsers) do
      if type(user) ~= "table" or type(user.key) ~= "string" then
        params.refuse(400, "A user has a key")
      end
      names[i] = user.key
    end
    return names
  end
  for i, index in ipairs(self.world:rows("agents")) do
    if i > DEFAULT_ROWS then
      break
    end
    names[i] = people.agent(index)
  end
  return names
end

-- Rows of a text and numbers, the last a number that is text to be exact.
local function table_of(self, report, names)
  local rows = {}
  for i, name in ipairs(names) do
    local chance = self.native.hash(("%d\n%s\n%s"):format(self.config.seed,
      report.id, name))
    rows[i] = { name, chance % 500, chance % 36000000,
      1782777600000 - chance % 86400000, EXACT }
  end
  return rows
end

local formats = {}

local function cell(value)
  return type(value) == "number" and ("%.0f"):format(value) or value
end

function formats.JSON(report, rows)
  local heads, items = {}, {}
  for i, column in ipairs(columns) do
    heads[i] = ('{"key":"%s","title":"%s","type":"%s"}'):format(column.key,
      column.title, column.type)
  end
  for i, row in ipairs(rows) do
    local cells = {}
    for k, column in ipairs(columns) do
      cells[k] = ('"%s":%s'):format(column.key,
        k == 1 and json.quote(row[1]) or cell(row[k]))
    end
    items[i] = "{" .. table.concat(cells, ",") .. "}"
  end
  return ('{"reportId":%s,"executionId":%s,"title":%s,"timeframe":%s,'
    .. '"columns":[%s],"rows":[%s],"summary":null}'):format(
    json.quote(report.id), cell(report.execution), json.quote(report.title),
    report.timeframe, table.concat(heads, ","), table.concat(items, ",")),
    "application/json"
end

-- The titles and the rows, as text.
local function lines_of(rows)
  local lines = { {} }
  for i, column in ipairs(columns) do
    lines[1][i] = column.title
  end
  for i, row in ipairs(rows) do
    lines[i + 1] = row
  end
  return lines
end

function formats.CSV(_, rows)
  local out = {}
  for i, line in ipairs(lines_of(rows)) do
    local cells = {}
    for k, value in ipairs(line) do
      local text = cell(value)
      cells[k] = text:find('[",\r\n]') and '"' .. text:gsub('"', '""') .. '"'
        or text
    end
    out[i] = table.concat(cells, ",") .. "\r\n"
  end
  return table.concat(out), "text/csv;charset=UTF-8"
end

function formats.HTML(report, rows)
  local out = {}
  for i, line in ipairs(lines_of(rows)) do
    local cells = {}
    for k, value in ipairs(line) do
      cells[k] = "<td>" .. documents.escape(cell(value)) .. "</td>"
    end
    out[i] = "<tr>" .. table.concat(cells) .. "</tr>\n"
  end
  local title = documents.escape(report.title)
  return ("<!DOCTYPE html>\n<html><head><meta charset=\"UTF-8\"><title>%s"
    .. "</title></head><body><h1>%s</h1>\n<table>\n%s</table></body></html>\n")
    :format(title, title, table.concat(out)), "text/html;charset=UTF-8"
end

function formats.XLS(report, rows)
  if report.xls == "zip" then
    return documents.xlsx(lines_of(rows), report.crc32), "application/vnd."
      .. "openxmlformats-officedocument.spreadsheetml.sheet"
  end
  local lines = {}
  for i, line in ipairs(lines_of(rows)) do
    lines[i] = {}
    for k, value in ipairs(line) do
      lines[i][k] = cell(value)
    end
  end
  return documents.xls(lines), "application/vnd.ms-excel"
end

function formats.PDF(report, rows)
  local lines = { report.title, "" }
  for _, line in ipairs(lines_of(rows)) do
    local cells = {}
    for k, value in ipairs(line) do
      cells[k] = cell(value)
    end
    lines[#lines + 1] = table.concat(cells, "   ")
  end
  return documents.pdf(lines), "application/pdf"
end

-- --- answers -----------------------------------------------------------------

-- True until these very bytes were asked for often enough.
local function must_wait(self, id, body)
  local key = id .. "\n" .. body
  if not self.asked[key] and self.count >= MAX_ASKED then
    self.asked, self.count = {}, 0
  end
  local times = self.asked[key]
  if not times then
    times, self.count = 0, self.count + 1
  end
  self.asked[key] = times + 1
  return times < self.config.report_delay
end

--- Answers a request for a report.
---@param request ccaas.sandbox.request
---@param id string
---@return table answer
function reports:answer(request, id)
  local config = self.config
  if includes(config.forbidden, id) then
    params.refuse(403, "No access to report " .. id)
  elseif not includes(config.reports, id) then
    params.refuse(404, "No such report: " .. id)
  end
  local type = request.headers["content-type"] or ""
  if not letters.lower(type):find("^application/json") then
    params.refuse(415)
  end
  local asked, list = read(request)
  local format = formats[asked.format]
  if not format then
    params.refuse(400, "Unknown format: " .. tostring(asked.format))
  end
  local timeframe = value_of(list, "Report Timeframe", "start",
    "REPORT_TIMEFRAME")
  local names = agent_names(self, list)
  if must_wait(self, id, request.body) then
    params.refuse(202)
  end
  local body, content_type = format({
    id = id, title = "Agent Summary (" .. id .. ")", xls = config.xls,
    crc32 = self.native.crc32, execution = self.native.hash(request.body),
    timeframe = timeframe and cjson.encode(timeframe) or "null",
  }, table_of(self, { id = id }, names))
  return { status = 200, headers = { { "Content-Type", content_type } },
    body = body }
end

return reports
