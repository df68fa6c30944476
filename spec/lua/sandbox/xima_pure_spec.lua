-- The sandbox's pure files that the Xima half brought: source, time, documents.

local documents = require "ccaas.sandbox.documents"
local source = require "ccaas.sandbox.source"
local time = require "ccaas.sandbox.time"

-- A source of these pieces.
local function of(...)
  local list, i = { ... }, 0
  return function()
    i = i + 1
    return list[i]
  end
end

-- All that a source gives; it must end, and then stay so.
local function all(from)
  local list = {}
  for bytes in from do
    list[#list + 1] = bytes
  end
  assert.is_nil(from())
  return list
end

local function whole(from)
  return table.concat(all(from))
end

describe("source", function()
  it("cuts after so many bytes", function()
    for n, text in pairs { [0] = "", [1] = "a", [3] = "abc", [4] = "abcd",
      [6] = "abcdef", [9] = "abcdef" } do
      assert.equal(text, whole(source.cut(of("abc", "", "def"), n)))
    end
  end)

  it("gives pieces of a size, none of them longer", function()
    assert.same({ "abc", "de", "fgh", "i" },
      all(source.pieces(of("abcde", "", "fghi"), 3)))
    assert.same({}, all(source.pieces(of(), 3)))
  end)

  it("turns one bit over, wherever that byte comes", function()
    for n, text in pairs { [0] = "`bcdef", [2] = "abbdef", [3] = "abceef",
      [5] = "abcdeg", [6] = "abcdef" } do
      assert.equal(text, whole(source.flip(of("abc", "", "def"), n)))
      assert.equal(text, source.flipped("abcdef", n))
    end
  end)

  it("frames chunks, none of them empty but the last", function()
    assert.equal("3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n",
      whole(source.chunked(of("abc", "", "", "0123456789", ""))))
    assert.equal("0\r\n\r\n", whole(source.chunked(of())))
    assert.equal("0\r\n\r\n", whole(source.chunked(of("", ""))))
  end)

  it("compresses, with what is left at the end", function()
    local kept = ""
    local function compress(bytes)
      kept = kept .. (bytes or "")
      local out = bytes and "" or "<" .. kept .. ">"
      return out
    end
    assert.same({ "<abcd>" }, all(source.compressed(of("ab", "cd"), compress)))
  end)
end)

describe("time", function()
  it("reads moments with their offset", function()
    for text, seconds in pairs {
      ["1970-01-01T00:00:00Z"] = 0, ["2026-06-30T00:00:00Z"] = 1782777600,
      ["2026-06-29T18:00:00-06:00"] = 1782777600,
      ["2026-06-30T05:45:00+05:45"] = 1782777600,
      ["2026-06-30T02:00:00+0200"] = 1782777600,
      ["2000-02-29T12:00:00.5Z"] = 951825600.5,
      ["2024-02-29T00:00:00Z"] = 1709164800,
      ["1969-12-31T23:59:59Z"] = -1, ["2026-12-31T23:59:59Z"] = 1798761599,
    } do
      assert.equal(seconds, time.parse(text), text)
    end
  end)

  it("refuses what is not a time", function()
    for _, text in ipairs { "", "now", "1782777600", "2026-06-30",
      "2026-06-30T00:00:00", "2026-06-30 00:00:00Z", "2026-06-31T00:00:00Z",
      "2025-02-29T00:00:00Z", "2026-00-10T00:00:00Z", "2026-13-01T00:00:00Z",
      "2026-06-00T00:00:00Z", "2026-06-30T24:00:00Z", "2026-06-30T00:60:00Z",
      "2026-06-30T00:00:00 06:00", "2026-06-30T00:00:00+6" } do
      assert.is_nil(time.parse(text), text)
    end
  end)

  it("writes what it reads", function()
    assert.equal("2026-06-29T18:00:00.250-06:00", time.format(1782777600.25))
    for _, seconds in ipairs { 0, 951825600.5, 1782777600.125 } do
      assert.equal(seconds, time.parse(time.format(seconds)))
    end
  end)
end)

describe("documents", function()
  it("escape texts in HTML and PDF", function()
    assert.equal("&lt;a b=&quot;1&quot;&gt; &amp;",
      documents.escape('<a b="1"> &'))
    assert.is_truthy(documents.pdf({ "a(b)\\é" }):find("(a\\(b\\)\\\\?) Tj", 1,
      true))
  end)
end)
