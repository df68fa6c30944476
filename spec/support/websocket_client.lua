--- A plain websocket client for the sandbox's specs: LuaSocket and RFC 6455,
-- which shows every frame as it is.

local cjson = require "cjson"

local plain = require "spec.support.http_client"

local live = { start = plain.start, stop_all = plain.stop_all, plain = plain }

live.PATH = "/rest/api/v1/realtime-metric-subscription"
live.TOKEN = "sandbox-xima-token"

-- The RFC's own example.
live.KEY = "dGhlIHNhbXBsZSBub25jZQ=="
live.ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

live.TEXT, live.BINARY, live.CLOSE, live.PING, live.PONG = 1, 2, 8, 9, 10

---@class live.client
local client = {}
client.__index = client

--- The target of a subscription to metrics, "101" or { "101", "105" }.
function live.target(ids, token)
  local parts = {}
  for _, id in ipairs(type(ids) == "table" and ids or { ids }) do
    parts[#parts + 1] = "id=" .. id
  end
  parts[#parts + 1] = "auth_token=" .. (token or live.TOKEN)
  return live.PATH .. "?" .. table.concat(parts, "&")
end

local usual = {
  Upgrade = "websocket", Connection = "keep-alive, Upgrade",
  ["Sec-WebSocket-Key"] = live.KEY, ["Sec-WebSocket-Version"] = "13",
}

--- The headers that ask for a websocket; false leaves one out.
function live.headers(changes)
  local headers = {}
  for _, list in ipairs { usual, changes or {} } do
    for name, value in pairs(list) do
      headers[name] = value or nil
    end
  end
  return headers
end

--- Asks for a websocket and gives the answer, whatever it is.
function live.ask(sb, target, changes)
  return plain.ask(sb, "GET", target, live.headers(changes))
end

--- Opens one; `answer` in the client is the answer's head.
---@return live.client
function live.open(sb, ids)
  local conn = plain.connect(sb)
  conn:send(plain.request_text("GET", live.target(ids or "101"),
    live.headers()))
  local answer = assert(plain.read_head(conn))
  assert(answer.status == 101, "status " .. tostring(answer.status))
  return setmetatable({ conn = conn, answer = answer }, client)
end

local function number_of(bytes)
  local n = 0
  for i = 1, #bytes do
    n = n * 256 + bytes:byte(i)
  end
  return n
end

--- The next frame: { opcode, last, text }; or nil, err.
function client:frame()
  local head, err = self.conn:receive(2)
  if not head then
    return nil, err
  end
  local first, second = head:byte(1, 2)
  assert(second < 128, "a server masks nothing")
  assert(first % 128 < 16, "no extension was agreed on")
  local size = second
  if size > 125 then
    size = number_of(assert(self.conn:receive(size == 126 and 2 or 8)))
    assert(size > 125)
  end
  return { opcode = first % 16, last = first >= 128,
    text = size == 0 and "" or assert(self.conn:receive(size)) }
end

--- The next message, put together: { opcode, text, frames }; or nil, err.
-- Control frames come in between.
function client:message()
  if self.waiting and #self.waiting > 0 then
    return table.remove(self.waiting, 1)
  end
  local parts, opcode = {}, nil
  while true do
    local frame, err = self:frame()
    if not frame then
      return nil, err
    elseif frame.opcode >= 8 then
      assert(frame.last and #frame.text <= 125)
      return { opcode = frame.opcode, text = frame.text, frames = 1 }
    end
    assert((frame.opcode == 0) == (opcode ~= nil), "a fragment out of place")
    opcode = opcode or frame.opcode
    parts[#parts + 1] = frame.text
    if frame.last then
      return { opcode = opcode, text = table.concat(parts), frames = #parts }
    end
  end
end

--- Reads an update: its metric, category, value, kind and time; and its bytes.
function client:update()
  local message = assert(self:message())
  return live.read(message.text), message
end

--- An update as a flat table.
function live.read(text)
  local json = require("cjson").decode(text)
  local kind = json.value.type
  return { id = json.key.metricId, category = json.key.categoryValue,
    kind = kind, value = json.value[kind:lower()],
    at = json.value.lastUpdateTime }
end

--- The code and the reason of a close frame.
function live.close_of(message)
  assert(message.opcode == live.CLOSE, "opcode " .. message.opcode)
  if message.text == "" then
    return nil
  end
  return number_of(message.text:sub(1, 2)), message.text:sub(3)
end

-- One byte xor another, for both Luas.
local function xor(a, b)
  local result, bit = 0, 1
  while a > 0 or b > 0 do
    if a % 2 ~= b % 2 then
      result = result + bit
    end
    a, b, bit = math.floor(a / 2), math.floor(b / 2), bit * 2
  end
  return result
end

local MASK = { 0x37, 0xfa, 0x21, 0x3d }

--- A client's frame.  `how`: last = false, rsv = n, mask = false, and size,
-- when it is to say another one.
function live.frame_text(opcode, text, how)
  how = how or {}
  local size = how.size or #text
  local masked = how.mask ~= false
  local out = { string.char((how.last == false and 0 or 128)
    + (how.rsv or 0) * 16 + opcode) }
  local flag = masked and 128 or 0
  if size < 126 then
    out[2] = string.char(flag + size)
  elseif size < 65536 then
    out[2] = string.char(flag + 126, math.floor(size / 256), size % 256)
  else
    out[2] = string.char(flag + 127, 0, 0, 0, 0, math.floor(size / 2 ^ 24),
      math.floor(size / 65536) % 256, math.floor(size / 256) % 256, size % 256)
  end
  if not masked then
    return table.concat(out) .. text
  end
  out[3] = string.char(MASK[1], MASK[2], MASK[3], MASK[4])
  for i = 1, #text do
    out[3 + i] = string.char(xor(text:byte(i), MASK[(i - 1) % 4 + 1]))
  end
  return table.concat(out)
end

--- Sends a frame.
function client:send(opcode, text, how)
  self.conn:send(live.frame_text(opcode, text or "", how))
end

--- A ping and its answer: what was sent before has come when it has.  Gives how
-- many messages came first; `message` gives them afterwards.
function client:ping()
  self:send(live.PING, "?")
  local kept = {}
  while true do
    local message = assert(self:message())
    if message.opcode == live.PONG then
      self.waiting = kept
      return #kept
    end
    kept[#kept + 1] = message
  end
end

--- Whether the connection is at its end.
function client:ended()
  local _, err = self.conn:receive(1)
  return err == "closed"
end

function client:close()
  self.conn:close()
end

--- What metric_values answers: value by category.
function live.values(sb, id)
  local answer = plain.ask(sb, "GET", "/rest/api/v1/realtime/metrics/values?id="
    .. id, { Authorization = "Bearer " .. live.TOKEN })
  local list = {}
  for _, result in ipairs(cjson.decode(answer.body).results) do
    local update = live.read(cjson.encode(result))
    list[update.category] = update.value
  end
  return list
end

--- Waits until `f` says yes.
function live.wait_for(f, what)
  local socket = require "socket"
  local from = socket.gettime()
  repeat
    local value = f()
    if value then
      return value
    end
    socket.select(nil, nil, 0.005)
  until socket.gettime() - from > 10
  error("waited in vain: " .. (what or ""), 2)
end

return live
