--- Writes the JSON strings of the sandbox's answers.  Everything else in them
-- is put together by those who know its shape.  Pure.

local json = {}

local escapes = {
  ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r",
  ["\t"] = "\\t",
}

local function escape(c)
  return escapes[c] or string.format("\\u%04x", c:byte())
end

--- A JSON string, its characters as they are.
---@param text string
---@return string
function json.quote(text)
  return '"' .. text:gsub('[%z\1-\31\127"\\]', escape) .. '"'
end

local function code_point(c)
  local a, b, d, e = c:byte(1, 4)
  if e then
    return ((a - 0xF0) * 64 + b - 0x80) * 4096 + (d - 0x80) * 64 + e - 0x80
  elseif d then
    return ((a - 0xE0) * 64 + b - 0x80) * 64 + d - 0x80
  end
  return (a - 0xC0) * 64 + b - 0x80
end

local function unicode_escape(c)
  local point = code_point(c)
  if point < 0x10000 then
    return string.format("\\u%04x", point)
  end
  point = point - 0x10000
  return string.format("\\u%04X\\u%04X", 0xD800 + math.floor(point / 1024),
    0xDC00 + point % 1024)
end

--- A JSON string in ASCII: what is not, as \u escapes and surrogate pairs,
-- and the slash escaped, as some writers do.
---@param text string UTF-8
---@return string
function json.quote_ascii(text)
  return (json.quote(text)
    :gsub("[\194-\244][\128-\191]+", unicode_escape)
    :gsub("/", "\\/"))
end

return json
