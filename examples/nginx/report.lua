-- content_by_lua_file: a report, /report?id=1001&format=CSV, passed on to the
-- browser as it arrives, as fast as the browser takes it.
local clients = require "clients"

local types = { CSV = "text/csv", PDF = "application/pdf", XLS = "application/vnd.ms-excel" }
local id, format = ngx.var.arg_id, ngx.var.arg_format or "CSV"
if not id or not types[format] then
  return ngx.exit(400)
end

local report, err = clients.xima:historic_data(id, { format = format, deadline = 300, sink = function(piece)
  if not ngx.headers_sent then
    ngx.header.content_type = types[format]
    ngx.header.content_disposition = ('attachment; filename="report.%s"'):format(format:lower())
  end
  assert(ngx.print(piece))
  assert(ngx.flush(true)) -- waits for the browser; the vendor waits, too
end })

if not report then
  ngx.log(ngx.ERR, tostring(err))
  -- Half a report is useless: end the connection instead.
  return ngx.exit(ngx.headers_sent and ngx.ERROR or err.code == "not_found" and 404 or 502)
end
