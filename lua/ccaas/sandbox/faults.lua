--- What goes wrong on purpose: which fault a request meets, and what the
-- fault does to its answer.  Lives in the sandbox's Lua state.

local letters = require "ccaas.text"
local http = require "ccaas.sandbox.http"
local source = require "ccaas.sandbox.source"

---@class ccaas.sandbox.faults
local faults = {}
faults.__index = faults

function faults.new()
  return setmetatable({ list = {} }, faults)
end

---@param fault table
function faults:add(fault)
  fault.times = fault.times or 1
  fault.after = fault.after or 0
  self.list[#self.list + 1] = fault
end

function faults:clear()
  self.list = {}
end

local function path_matches(wanted, path)
  if wanted:sub(-1) == "*" then
    return path:sub(1, #wanted - 1) == wanted:sub(1, -2)
  end
  return path == wanted
end

local function matches(fault, request, below)
  if fault.path then
    local found = path_matches(fault.path, request.raw_path)
      or path_matches(fault.path, request.path)
      or below and (path_matches(fault.path, below)
        or path_matches(fault.path, http.decode(below)))
    if not found then
      return false
    end
  end
  if fault.method and fault.method ~= request.method then
    return false
  end
  return not fault.page or (tonumber(request.query.page) or 0) == fault.page
end

--- The fault that a request meets; it is counted.
---@param request ccaas.sandbox.request
---@param below? string its path below the API's base
---@return table?
function faults:take(request, below)
  for i, fault in ipairs(self.list) do
    if matches(fault, request, below) then
      if fault.after > 0 then
        fault.after = fault.after - 1
      else
        fault.times = fault.times - 1
        if fault.times <= 0 then
          table.remove(self.list, i)
        end
        return fault
      end
    end
  end
end

local GZIP_MARK = "gzip"

local function wants_gzip(request)
  return letters.lower(request.headers["accept-encoding"] or "")
    :find(GZIP_MARK, 1, true) ~= nil
end

-- An answer that is kept for the next time keeps its compressed body too.
local function compress(answer, body, gzip)
  if body ~= answer.body then
    return gzip(body)
  end
  answer.gzipped = answer.gzipped or gzip(body)
  return answer.gzipped
end

local CHUNK_SIZE = 16 * 1024
local PIECES = 10

-- A body that is made while it is sent: always in chunks.
local function transmit_stream(out, from, headers, fault, compressor)
  http.set(headers, "Transfer-Encoding", "chunked")
  if fault.flip then
    from = source.flip(from, fault.flip)
  end
  if fault.truncate and fault.clean then
    from = source.cut(from, fault.truncate)
  end
  if compressor then
    http.set(headers, "Content-Encoding", "gzip")
    from = source.compressed(from, compressor())
  end
  from = source.chunked(from)
  if fault.truncate and not fault.clean then
    from = source.cut(from, fault.truncate)
  end
  if fault.drip then
    from = source.pieces(from, fault.piece or CHUNK_SIZE)
  end
  out.more = from
end

-- A body that is there.
local function transmit_body(out, answer, headers, body, fault, chunked)
  if chunked then
    body = http.chunked(body, CHUNK_SIZE)
    http.set(headers, "Transfer-Encoding", "chunked")
  elseif answer.status ~= 204 and answer.status ~= 101 then
    http.set(headers, "Content-Length", #body)
  end
  if fault.truncate and not fault.clean then
    body = body:sub(1, fault.truncate)
  end
  if fault.drip then
    out.piece = fault.piece or math.max(1, math.ceil(#body / PIECES))
  end
  out.body = body
end

-- The body as it is before it is framed, and its headers.
local function prepare_body(answer, headers, fault, gzip)
  local body = answer.body
  if not http.get(headers, "Content-Type") and body ~= "" then
    http.set(headers, "Content-Type", "application/json")
  end
  if fault.truncate and fault.clean then
    body = body:sub(1, fault.truncate)
  end
  if fault.flip then
    body = source.flipped(body, fault.flip)
  end
  if gzip and body ~= "" then
    body = compress(answer, body, gzip)
    http.set(headers, "Content-Encoding", "gzip")
  end
  return body
end

--- Turns an answer into what is sent.
---@param answer table { status, headers, body }, or with `source`, which gives
-- the body in pieces, instead of `body`; with `socket`, what the connection is
-- from then on; not changed
---@param request ccaas.sandbox.request
---@param fault table the fault, {} for none
---@param config table the sandbox's own delay, gzip and chunked
---@param native table gzip(body), gzip_stream()
---@return table out what C sends
function faults.transmit(answer, request, fault, config, native)
  local headers = {}
  for i, header in ipairs(answer.headers or {}) do
    headers[i] = header
  end
  local out = {
    delay = fault.delay or config.delay, pause = fault.drip,
    ending = fault.truncate and not fault.clean
      and (fault.reset and "reset" or "close") or nil,
  }
  local gzipped = (fault.gzip or config.gzip) and wants_gzip(request)
  if answer.source then
    transmit_stream(out, answer.source, headers, fault,
      gzipped and native.gzip_stream)
  else
    local body = prepare_body(answer, headers, fault, gzipped and native.gzip)
    transmit_body(out, answer, headers, body, fault,
      fault.chunked or config.chunked)
  end
  if not request.keep then
    out.ending = out.ending or "close"
    http.set(headers, "Connection", "close")
  end
  for name, value in pairs(fault.headers or {}) do
    http.set(headers, name, value)
  end
  if request.method == "HEAD" then
    out.body, out.more = "", nil
  end
  out.socket = answer.socket
  out.head = http.head(answer.status, headers)
  return out
end

return faults
