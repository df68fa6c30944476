-- What the specs of lists share: rows, their ids as one text, and a server of
-- pages.
local ccaas = require "ccaas"
local server = require "spec.support.server"

local pages = {}

--- Rows "1" ... "n" on the wire.
function pages.list(n)
  local rows = {}
  for i = 1, n do
    rows[i] = server.row(tostring(i))
  end
  return rows
end

--- The ids of rows.
function pages.ids(rows)
  local text = {}
  for i, row in ipairs(rows) do
    text[i] = row.id
  end
  return table.concat(text, " ")
end

--- The ids from first to last, as `ids` writes them.
function pages.span(first, last)
  local text = {}
  for i = first, last do
    text[#text + 1] = tostring(i)
  end
  return table.concat(text, " ")
end

--- A client, and its server, which cuts pages out of a list (or of so many rows).
--- `before` may hold an answer back, or give another one.
function pages.serving(rows, before, options)
  if type(rows) == "number" then
    rows = pages.list(rows)
  end
  local s = server.start(function(request, conn)
    return before and before(request, conn, tonumber(request.query.page))
      or not conn.gone and server.cut(request, rows)
      or nil
  end)
  return ccaas.new(s:options(options)), s
end

--- The numbers of the pages that a server was asked for, in order.
function pages.asked(s)
  local numbers = {}
  for i, request in ipairs(s.requests) do
    numbers[i] = request.query.page
  end
  table.sort(numbers, function(a, b) return tonumber(a) < tonumber(b) end)
  return table.concat(numbers, " ")
end

return pages
