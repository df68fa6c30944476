-- A websocket's server side, byte for byte, for specs that want it to go wrong.
-- It stands on spec.server: a handler answers the handshake and sends frames.
--
--    local s = server.start(function(request, conn)
--      conn:send(websocket.handshake(request) .. websocket.frame(1, "text"))
--      websocket.until_gone(conn)
--    end)
local mime = require "mime"

local websocket = {}

-- -- SHA-1, for Sec-WebSocket-Accept -------------------------------------------

-- The operators of 5.4 are no syntax of LuaJIT, which has functions for them.
local bits = rawget(_G, "jit") and require "bit" or assert(load [[
  local function whole(n) return n & 0xffffffff end
  return {
    band = function(a, b) return a & b end, bor = function(a, b) return a | b end,
    bxor = function(a, b) return a ~ b end, bnot = function(a) return whole(~a) end,
    rol = function(a, n) a = whole(a) return whole(a << n | a >> 32 - n) end,
  }]])()

local function word(number)
  number = number % 2 ^ 32
  local text = ""
  for _ = 1, 4 do
    text = string.char(number % 256) .. text
    number = math.floor(number / 256)
  end
  return text
end

local function round(i, b, c, d)
  if i < 20 then
    return bits.bor(bits.band(b, c), bits.band(bits.bnot(b), d)), 0x5a827999
  elseif i < 40 then
    return bits.bxor(bits.bxor(b, c), d), 0x6ed9eba1
  elseif i < 60 then
    return bits.bor(bits.bor(bits.band(b, c), bits.band(b, d)), bits.band(c, d)), 0x8f1bbcdc
  end
  return bits.bxor(bits.bxor(b, c), d), 0xca62c1d6
end

local function sha1(text)
  local h = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 }
  local padded = text .. "\128" .. ("\0"):rep((55 - #text) % 64) .. word(0) .. word(#text * 8)
  for from = 1, #padded, 64 do
    local w = {}
    for i = 0, 15 do
      local p, q, r, s = padded:byte(from + i * 4, from + i * 4 + 3)
      w[i] = ((p * 256 + q) * 256 + r) * 256 + s
    end
    for i = 16, 79 do
      w[i] = bits.rol(bits.bxor(bits.bxor(w[i - 3], w[i - 8]), bits.bxor(w[i - 14], w[i - 16])), 1)
    end
    local a, b, c, d, e = h[1], h[2], h[3], h[4], h[5]
    for i = 0, 79 do
      local f, k = round(i, b, c, d)
      local sum = (bits.rol(a, 5) + f + e + k + w[i]) % 2 ^ 32
      a, b, c, d, e = sum - sum % 1, a, bits.rol(b, 30), c, d
      a = math.floor(a)
    end
    for i, value in ipairs { a, b, c, d, e } do
      h[i] = math.floor((h[i] + value) % 2 ^ 32)
    end
  end
  return word(h[1]) .. word(h[2]) .. word(h[3]) .. word(h[4]) .. word(h[5])
end

-- -- Bytes ---------------------------------------------------------------------

--- The value of Sec-WebSocket-Accept for a request.
---@param request table
---@return string
function websocket.accept(request)
  return (mime.b64(sha1(request.headers["sec-websocket-key"] .. "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")))
end

--- The bytes of the 101.
---@param request table
---@param more? string header lines, each with its CRLF
---@return string
function websocket.handshake(request, more)
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
    .. websocket.accept(request) .. "\r\n" .. (more or "") .. "\r\n"
end

--- The bytes of a frame.
---@param opcode integer 1 text, 2 binary, 8 close, 9 ping
---@param payload? string
---@param given? { more?: boolean, first?: integer, length?: string } not the last of its message; another first
--- byte; another length, in bytes
---@return string
function websocket.frame(opcode, payload, given)
  payload, given = payload or "", given or {}
  local length = given.length or #payload < 126 and string.char(#payload)
    or "\126" .. string.char(math.floor(#payload / 256), #payload % 256)
  return string.char(given.first or opcode + (given.more and 0 or 128)) .. length .. payload
end

--- The bytes of a closing frame.
---@param code? integer
---@param reason? string
---@return string
function websocket.close(code, reason)
  return websocket.frame(8, code and string.char(math.floor(code / 256), code % 256) .. (reason or "") or "")
end

--- An update that the subscription understands.
function websocket.update(value)
  return websocket.frame(1, ('{"key":{"metricId":"101","categoryValue":"A"},"value":{"type":"COUNT","count":%d}}')
    :format(value))
end

--- Waits until the client hangs up.
function websocket.until_gone(conn)
  conn:hold(function()
    conn.input = ""
    return false
  end)
end

return websocket
