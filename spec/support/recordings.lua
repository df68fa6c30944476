-- Lists of recordings, for the specs of servers that answer with them.
local recordings = {}

recordings.YEAR = { from = "2025-06-30T00:00:00Z", to = "2026-06-30T00:00:00Z" }

--- The year, and more.
function recordings.year(more)
  local opts = { from = recordings.YEAR.from, to = recordings.YEAR.to }
  for name, value in pairs(more or {}) do
    opts[name] = value
  end
  return opts
end

function recordings.row(i)
  return ('{"recordingKey":"K%s","tenantName":"acme","startTime":1782777600000,"size":%d}'):format(i, 100)
end

function recordings.rows(n)
  local list = {}
  for i = 1, n do
    list[i] = recordings.row(i)
  end
  return list
end

function recordings.list_of(items)
  return "[" .. table.concat(items, ",") .. "]"
end

--- The answer's head without its length: the body comes in chunks.  Where it is
--- cut the next attempt need not wait.
recordings.CHUNKED = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nRetry-After: 0\r\n"
  .. "Transfer-Encoding: chunked\r\n\r\n"

function recordings.chunk(bytes)
  return ("%x\r\n%s\r\n"):format(#bytes, bytes)
end

function recordings.keys_of(list)
  local keys = {}
  for i, one in ipairs(list) do
    keys[i] = one.recordingKey
  end
  return keys
end

return recordings
