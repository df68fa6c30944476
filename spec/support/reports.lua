-- What the specs of historical reports share.
local helper = require "spec.support.helper"
local server = require "spec.support.server"

local reports = {}

reports.OLE, reports.ZIP = "\208\207\17\224\161\177\26\225", "PK\3\4"
reports.FORMATS = { "JSON", "CSV", "HTML", "XLS", "PDF" }
reports.ACCEPT = {
  JSON = "application/json", CSV = "text/csv", HTML = "text/html",
  XLS = "application/vnd.ms-excel", PDF = "application/pdf",
}
--- The first bytes of each format as the sandbox writes it.
reports.STARTS = {
  JSON = '{"reportId":', CSV = "Agent,Calls", HTML = "<!DOCTYPE html>", XLS = reports.OLE, PDF = "%PDF-",
}
reports.LOGIN = "<!DOCTYPE html><html><body><form>Sign in</form></body></html>"

--- An answer that is JSON.
function reports.json(text, headers)
  headers = headers or {}
  headers["Content-Type"] = headers["Content-Type"] or "application/json"
  return server.answer(text, { headers = headers })
end

--- What is in a folder, in order.
function reports.entries(folder)
  local _, output = helper.run("ls -A " .. helper.quote(folder))
  return output
end

return reports
