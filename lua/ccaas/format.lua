--- Is a document the one that was asked for?  Its content type is asked first,
--- then its first bytes, while it passes.  A login page is what comes instead.

local words = require "ccaas.text"

local formats = {}

local HEAD = 1024 -- bytes that are looked at; a PDF may have so much in front
local SURE = 16 -- so many tell where a page of HTML begins
local BLANK = "[ \t\r\n\f\v]"
local BINARY = { "\208\207\17\224\161\177\26\225", "pk\3\4", "%pdf-" } -- in small letters
local PAGE = { "<!doctype", "<html", "<head", "<body", "<script", "<title", "<meta", "<!--", "<?xml" }
local TABLE = { "<table", "workbook", "worksheet" }
local TAIL = 12 -- one less than the longest of them may lie before a border

-- What a content type says; nil: nothing, as text/plain and octet-stream do.
local KINDS = {
  { "html", "html" }, { "json", "json" }, { "pdf", "pdf" }, { "excel", "spreadsheet" },
  { "spreadsheet", "spreadsheet" }, { "csv", "csv" }, { "xml", "xml" },
}

local function kind_of(content_type)
  local name = words.lower(content_type):match("^[^;]*")
  for _, pair in ipairs(KINDS) do
    if name:find(pair[1], 1, true) then
      return pair[2]
    end
  end
end

local function begins(text, list)
  for _, start in ipairs(list) do
    if text:sub(1, #start) == start then
      return true
    end
  end
  return false
end

local function has(text, list)
  for _, part in ipairs(list) do
    if text:find(part, 1, true) then
      return true
    end
  end
  return false
end

-- Does each character of it seem to have two bytes, of which one is 0?
local function is_wide(text)
  local odd, even
  for i = 1, #text - 1 do
    if text:byte(i) == 0 then
      odd, even = odd or i % 2 == 1, even or i % 2 == 0
    end
  end
  return #text > 3 and (odd or even) and not (odd and even)
    and select(2, text:gsub("%z", "")) >= #text * 0.4
end

-- The head in small letters, each character one byte, without what may stand in
-- front of any text: a byte order mark and blanks.  And: it has a 0 that no text has.
local function plain(head, content_type)
  local start = head
  local wide = start:find("^\255\254") or start:find("^\254\255") or is_wide(start)
    or words.lower(content_type):find("charset%s*=%s*\"?utf%-?16")
  if wide then
    start = start:gsub("^\255\254", ""):gsub("^\254\255", ""):gsub("%z", "")
  end
  start = start:gsub("^\239\187\191", ""):gsub("^" .. BLANK .. "+", "")
  return words.lower(start), start:find("%z") ~= nil
end

-- One for each kind: true and false are final, nil asks for more of the head.
-- `last`: there is no more.
local judges = {}

function judges.csv(start, said, last, binary)
  if binary or begins(start, BINARY) or said == "html" or said == "json" or said == "xml" or said == "pdf" then
    return false
  elseif begins(start, PAGE) and (said ~= "csv" or begins(start, { "<!doctype html", "<html>", "<html " })) then
    return false -- else the first cell begins so
  end
  return (last or #start >= SURE) and true or nil
end

function judges.html(start, said, last, binary)
  if binary or begins(start, BINARY) or start:find("^{") then
    return false
  elseif start == "" then
    return not last and nil
  elseif said == "html" then
    return (last or #start >= SURE) and true or nil
  end
  return start:sub(1, 1) == "<" and (said == nil or said == "xml")
end

function judges.pdf(start, said, last)
  if start:find("%pdf-", 1, true) == 1 or said == "pdf" and start:find("%pdf-", 1, true) then
    return true
  elseif last or begins(start, PAGE) or #start >= HEAD or said ~= "pdf" and #start >= SURE then
    return false
  end
end

-- A table in HTML or XML goes by the same name as the real ones: by its content
-- type, and if there is a table in it.
function judges.spreadsheet(start, said, last)
  if begins(start, { BINARY[1], BINARY[2] }) then
    return true
  elseif start:sub(1, 1) == "<" then
    if not last and #start < SURE then
      return nil
    end
    return said == "spreadsheet" or (said == nil or said == "xml") and begins(start, { "<?xml", "<workbook" })
  elseif last or #start >= SURE then
    return false
  end
end

-- JSON is checked to the letter by C.
function judges.json() return true end

--- A check for `download.pull`.
---@param name string the format, as the caller has asked for it
---@param kind string "csv", "html", "json", "pdf" or "spreadsheet"
---@return table # feed(piece, headers), finish(bytes, headers)
function formats.check(name, kind)
  local head, tail, judged, markup, found = "", "", nil, false, false
  local function decide(last, headers)
    local content_type = headers["content-type"] or ""
    if judged == nil and (last or #head >= 4) then -- a byte order mark is whole
      local start, binary = plain(head, content_type)
      judged = judges[kind](start, kind_of(content_type), last, binary)
      markup = judged and kind == "spreadsheet" and start:sub(1, 1) == "<"
    end
    if judged ~= false and not (last and markup and not found) then
      return true
    end
    return nil, string.format("the answer is not the %s that was requested (content type %s): perhaps a login page",
      name, content_type ~= "" and content_type or "unknown")
  end
  return {
    feed = function(_, piece, headers)
      if judged == nil then
        if head == "" then -- blanks in front, however many
          piece = piece:sub(piece:find("[^ \t\r\n\f\v]") or #piece + 1)
        end
        head = head .. piece:sub(1, HEAD - #head)
      end
      local good, reason = decide(false, headers)
      if kind == "spreadsheet" and not found and (judged == nil or markup) then
        local text = tail .. words.lower((piece:gsub("%z", "")))
        found, tail = has(text, TABLE), text:sub(-TAIL)
      end
      return good, reason
    end,
    finish = function(_, bytes, headers)
      if bytes == 0 then
        return nil, "the answer is empty"
      end
      return decide(true, headers)
    end,
  }
end

return formats
