-- Ogg pages, looked at as they pass; what is told from what is in
-- spec/c/ogg_test.c.
local core = require "ccaas.core"

-- The checksum of RFC 3533, bit by bit, in arithmetic that every Lua has.
local function checksum(bytes)
  local polynomial, crc = {}, {}
  for i = 0, 31 do
    polynomial[i] = math.floor(0x04c11db7 / 2 ^ i) % 2
    crc[i] = 0
  end
  for at = 1, #bytes do
    for bit = 7, 0, -1 do
      local top = (crc[31] + math.floor(bytes:byte(at) / 2 ^ bit)) % 2
      for i = 31, 1, -1 do
        crc[i] = (crc[i - 1] + top * polynomial[i]) % 2
      end
      crc[0] = top
    end
  end
  local text = {}
  for byte = 0, 3 do
    local value = 0
    for bit = 0, 7 do
      value = value + crc[8 * byte + bit] * 2 ^ bit
    end
    text[byte + 1] = string.char(value)
  end
  return table.concat(text)
end

local function page(number, flags, body)
  local head = "OggS\0" .. string.char(flags) .. ("\0"):rep(8) .. "\7\0\0\0" .. string.char(number) .. "\0\0\0"
  local rest = "\1" .. string.char(#body) .. body
  return head .. checksum(head .. "\0\0\0\0" .. rest) .. rest
end

local FILE = page(0, 2, "the first page") .. page(1, 0, ("x"):rep(200)) .. page(2, 4, "")

local function refuses(words, offset, done, reason, at)
  assert.is_nil(done)
  assert.is_truthy(reason:find(words, 1, true), reason)
  assert.equal(offset, at)
end

describe("a body of Ogg pages", function()
  it("is whole in any cuts", function()
    for piece = 1, #FILE do
      local ogg = core.ogg()
      for at = 1, #FILE, piece do
        assert.is_true(ogg:feed(FILE:sub(at, at + piece - 1)))
      end
      assert.is_true(ogg:finish())
      assert.is_true(ogg:finish())
    end
  end)

  it("is reported as damaged, with the place, from then on", function()
    local ogg = core.ogg()
    refuses("a page is damaged", 42, ogg:feed((FILE:gsub("xxxx$", "xxxy"):gsub("x", "y", 1))))
    refuses("a page is damaged", 42, ogg:feed(FILE))
    refuses("a page is damaged", 42, ogg:finish())
  end)

  it("is reported when it is cut short, empty or something else", function()
    local ogg = core.ogg()
    assert.is_true(ogg:feed(FILE:sub(1, -2)))
    refuses("the last page is cut short", #FILE - 1, ogg:finish())
    refuses("there is no Ogg page in it", 0, core.ogg():finish())
    refuses("no Ogg page begins here", 0, core.ogg():feed("<html>"))
  end)

  it("takes no more bytes when it is finished", function()
    local ogg = core.ogg()
    ogg:feed(FILE)
    ogg:finish()
    assert.has_error(function() ogg:feed(FILE) end)
    assert.has_error(function() core.ogg():feed() end)
    assert.has_error(function() ogg.feed(io.stdout, "") end)
  end)
end)
