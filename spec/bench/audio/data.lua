-- Writes the audio that the benchmark's server gives out: `lua5.4 data.lua
-- <folder> <files> <bytes>`.  Each is an Ogg stream of pages of 4 KB and a
-- rest, with their checksums; no two are alike.

local folder, files, size = arg[1], tonumber(arg[2]), tonumber(arg[3])
local HEADER, SEGMENTS = 27, 16

local crc_of = {}
for byte = 0, 255 do
  local crc = byte << 24
  for _ = 1, 8 do
    crc = crc << 1 ~ (crc & 0x80000000 ~= 0 and 0x04c11db7 or 0)
  end
  crc_of[byte] = crc & 0xffffffff
end

--- The page's checksum, in which that field itself counts as zero.
local function checksum(page)
  local crc = 0
  for at = 1, #page, 64 do
    for _, byte in ipairs{ page:byte(at, at + 63) } do
      crc = (crc << 8 & 0xffffffff) ~ crc_of[crc >> 24 ~ byte]
    end
  end
  return crc
end

--- One page with so many bytes of content, cut out of `noise`.
local function make_page(serial, number, last, content)
  local table_of = ("\255"):rep(#content // 255)
    .. string.char(#content % 255)
  local flags = (number == 0 and 2 or 0) + (last and 4 or 0)
  local head = ("<c4BBi8I4I4"):pack("OggS", 0, flags, number * 960, serial,
    number)
  local tail = ("B"):pack(#table_of) .. table_of .. content
  local crc = checksum(head .. "\0\0\0\0" .. tail)
  return head .. ("<I4"):pack(crc) .. tail
end

local noise = {}
local state = 20240601
for i = 1, size do
  state = (state * 1103515245 + 12345) % 2147483648
  noise[i] = string.char(state >> 16 & 255)
end
noise = table.concat(noise)

--- The rest's page: its table grows with its content.
local function rest_of(bytes)
  local content = bytes - HEADER - 1
  while HEADER + content // 255 + 1 + content > bytes do
    content = content - 1
  end
  return content
end

local most = SEGMENTS * 255 - 1
local whole = HEADER + SEGMENTS + most
for file = 1, files do
  local pages, left, number = {}, size, 0
  while left > 0 do
    local last = left <= whole
    local length = last and rest_of(left) or most
    -- No page may be left that has no room for its header.
    if not last and left - whole < HEADER + 1 then length = most - 255 end
    local at = 1 + (file * 7919 + number * 104729) % (size - length)
    pages[#pages + 1] = make_page(file, number, last,
      noise:sub(at, at + length - 1))
    left, number = left - #pages[#pages], number + 1
    if last then break end
  end
  local out = assert(io.open(("%s/%04d/audio"):format(folder, file), "wb"))
  assert(out:write(table.concat(pages)))
  assert(out:close())
end
