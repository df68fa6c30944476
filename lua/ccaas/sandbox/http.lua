--- Reads the head of an HTTP request and writes that of an answer.  Pure.

local letters = require "ccaas.text"

local http = {}

local reasons = {
  [101] = "Switching Protocols",
  [200] = "OK", [202] = "Accepted", [204] = "No Content",
  [206] = "Partial Content", [302] = "Found", [400] = "Bad Request",
  [401] = "Unauthorized", [403] = "Forbidden", [404] = "Not Found",
  [405] = "Method Not Allowed", [411] = "Length Required",
  [413] = "Content Too Large", [414] = "URI Too Long",
  [415] = "Unsupported Media Type", [416] = "Range Not Satisfiable", [426] = "Upgrade Required",
  [429] = "Too Many Requests", [431] = "Request Header Fields Too Large",
  [500] = "Internal Server Error", [502] = "Bad Gateway",
  [503] = "Service Unavailable", [504] = "Gateway Timeout",
  [509] = "Bandwidth Limit Exceeded",
}

--- Undoes percent-encoding.
---@param text string
---@return string
function http.decode(text)
  return (text:gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

--- Names and values of a query or a form.
---@param text string as it was sent
---@return table<string, string|string[]> a list where a name came repeatedly
function http.form(text)
  local form = {}
  for pair in text:gmatch("[^&]+") do
    local name, value = pair:match("^([^=]*)=?(.*)$")
    name = http.decode((name:gsub("%+", " ")))
    value = http.decode((value:gsub("%+", " ")))
    local known = form[name]
    if known == nil then
      form[name] = value
    elseif type(known) == "table" then
      known[#known + 1] = value
    else
      form[name] = { known, value }
    end
  end
  return form
end

local function read_headers(text)
  local headers = {}
  for field, rest in text:gmatch("\r\n([^:\r\n]+):[ \t]*([^\r\n]*)") do
    local name, value = letters.lower(field), rest:gsub("[ \t]+$", "")
    headers[name] = headers[name] and headers[name] .. ", " .. value or value
  end
  return headers
end

---@class ccaas.sandbox.request
---@field method string
---@field target string as it was on the wire
---@field path string the target's path, percent-decoded
---@field raw_path string the same, as it was on the wire
---@field segments string[] of the path, each percent-decoded
---@field query table<string, string|string[]>
---@field headers table<string, string> names in lower case
---@field body string
---@field at number epoch seconds

--- Reads the head of a request.
---@param head string
---@param body string
---@return ccaas.sandbox.request? nil when it is not one
function http.parse(head, body)
  local method, target, minor, at =
    head:match("^([A-Z]+) ([^ \r\n]+) HTTP/1%.(%d)()\r\n")
  if not method then
    return nil
  end
  local origin_form = target:gsub("^https?://[^/?]*", "")
  local raw_path, query = origin_form:match("^([^?]*)%??(.*)$")
  local segments = {}
  for segment in raw_path:gmatch("/([^/]*)") do
    segments[#segments + 1] = http.decode(segment)
  end
  local headers = read_headers(head:sub(at))
  local connection = letters.lower(headers.connection or "")
  return {
    method = method, target = target, raw_path = raw_path,
    path = http.decode(raw_path), segments = segments,
    query = http.form(query), headers = headers, body = body,
    keep = connection ~= "close"
      and (minor ~= "0" or connection == "keep-alive"),
  }
end

--- Sets, replaces or (value false) removes a header.
---@param headers table list of { name, value }
---@param name string
---@param value string|false
function http.set(headers, name, value)
  for i = #headers, 1, -1 do
    if letters.lower(headers[i][1]) == letters.lower(name) then
      table.remove(headers, i)
    end
  end
  if value then
    headers[#headers + 1] = { name, letters.of(value) }
  end
end

--- The value of a header, or nil.
---@return string?
function http.get(headers, name)
  for _, header in ipairs(headers) do
    if letters.lower(header[1]) == letters.lower(name) then
      return header[2]
    end
  end
end

--- The head of an answer, up to and including its empty line.
---@param status integer
---@param headers table list of { name, value }
---@return string
function http.head(status, headers)
  local lines = {
    ("HTTP/1.1 %d %s\r\n"):format(status, reasons[status] or "Status"),
  }
  for _, header in ipairs(headers) do
    lines[#lines + 1] = header[1] .. ": " .. header[2] .. "\r\n"
  end
  lines[#lines + 1] = "\r\n"
  return table.concat(lines)
end

--- A body in chunked coding.
---@param body string
---@param size integer of a chunk
---@return string
function http.chunked(body, size)
  local chunks = {}
  for at = 1, #body, size do
    local chunk = body:sub(at, at + size - 1)
    chunks[#chunks + 1] = ("%x\r\n"):format(#chunk) .. chunk .. "\r\n"
  end
  chunks[#chunks + 1] = "0\r\n\r\n"
  return table.concat(chunks)
end

return http
