--- What the specs of the sandbox's Xima half share.

local cjson = require "cjson"
local plain = require "spec.support.http_client"

local xima = { start = plain.start, stop_all = plain.stop_all,
  connect = plain.connect, plain = plain }

xima.API = "/rest/api"
xima.TOKEN = "sandbox-xima-token"

--- The whole year of the recordings.
xima.YEAR = "startTime=2025-06-30T00:00:00Z&endTime=2026-06-30T00:00:00Z"

--- Text as a part of a path or a query.
function xima.encode(text)
  return (text:gsub("[^%w]", function(c)
    return ("%%%02X"):format(c:byte())
  end))
end

local function with_json(answer)
  if answer and answer.body and not answer.cut then
    local decoded, json = pcall(cjson.decode, answer.body)
    answer.json = decoded and json or nil
  end
  return answer
end

--- The headers that a request has unless told otherwise.
function xima.headers(headers)
  local all = { Authorization = "Bearer " .. xima.TOKEN,
    ["Content-Type"] = "application/json" }
  for name, value in pairs(headers or {}) do
    all[name] = value or nil
  end
  return all
end

--- Asks; `json` in the answer is its body, decoded.
function xima.get(sb, path, headers)
  return with_json(plain.ask(sb, "GET", xima.API .. path,
    xima.headers(headers)))
end

--- Asks for a report.
function xima.report(sb, id, body, headers)
  if type(body) == "table" then
    body = cjson.encode(body)
  end
  return with_json(plain.ask(sb, "POST", xima.API .. "/v1/historic-data/" .. id,
    xima.headers(headers), body))
end

--- All recordings, or those of another query.
function xima.recordings(sb, query)
  local answer = xima.get(sb, "/v2/recordings?" .. (query or xima.YEAR))
  return answer.json, answer
end

--- The audio of a row.
function xima.audio(sb, row, headers)
  return xima.get(sb, ("/v2/recordings/%s/%s/audio"):format(
    xima.encode(row.tenantName), xima.encode(row.recordingKey)), headers)
end

-- --- Ogg ---------------------------------------------------------------------

-- 32-bit arithmetic for both Luas, on tables made once.
local crc_table, xor_table = {}, {}
for a = 0, 255 do
  xor_table[a] = {}
  for b = 0, 255 do
    local result, bit, x, y = 0, 1, a, b
    while bit < 256 do
      if x % 2 ~= y % 2 then
        result = result + bit
      end
      x, y, bit = math.floor(x / 2), math.floor(y / 2), bit * 2
    end
    xor_table[a][b] = result
  end
end

-- A checksum as its four bytes, the most significant first.
local function shifted(crc, entry)
  return { xor_table[crc[2]][entry[1]], xor_table[crc[3]][entry[2]],
    xor_table[crc[4]][entry[3]], entry[4] }
end

for b = 0, 255 do
  local crc = { b, 0, 0, 0 }
  for _ = 1, 8 do
    local carry = crc[1] >= 128
    for i = 1, 4 do
      crc[i] = crc[i] * 2 % 256 + (i < 4 and crc[i + 1] >= 128 and 1 or 0)
    end
    if carry then
      local polynomial = { 0x04, 0xc1, 0x1d, 0xb7 }
      for i = 1, 4 do
        crc[i] = xor_table[crc[i]][polynomial[i]]
      end
    end
  end
  crc_table[b] = crc
end

local function checksum(bytes)
  local crc = { 0, 0, 0, 0 }
  for i = 1, #bytes do
    crc = shifted(crc, crc_table[xor_table[crc[1]][bytes:byte(i)]])
  end
  return string.char(crc[4], crc[3], crc[2], crc[1])
end

--- The pages of an Ogg file: { flags, sequence, size }; or nil and what is
-- wrong with it.
function xima.pages(bytes)
  local pages, at = {}, 1
  while at <= #bytes do
    if bytes:sub(at, at + 4) ~= "OggS\0" then
      return nil, "no page at " .. at
    end
    local count = bytes:byte(at + 26) or 0
    local size = 27 + count
    for i = 1, count do
      size = size + (bytes:byte(at + 26 + i) or 0)
    end
    local page = bytes:sub(at, at + size - 1)
    if #page < size then
      return nil, "cut short"
    end
    local blank = page:sub(1, 22) .. "\0\0\0\0" .. page:sub(27)
    if checksum(blank) ~= page:sub(23, 26) then
      return nil, "wrong checksum of page " .. #pages
    end
    pages[#pages + 1] = { flags = page:byte(6), size = size,
      sequence = page:byte(19) + 256 * page:byte(20) }
    at = at + size
  end
  return pages
end

return xima
