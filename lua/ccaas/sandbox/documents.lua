--- Small valid files in the binary formats of reports: PDF, and spreadsheets
-- old (an OLE compound file) and new (a zip).  Pure.

local documents = {}

local function little(n, bytes)
  local out = {}
  for i = 1, bytes do
    out[i] = string.char(n % 256)
    n = math.floor(n / 256)
  end
  return table.concat(out)
end

-- --- PDF ---------------------------------------------------------------------

-- A PDF's own fonts know no Unicode.
local function pdf_text(text)
  return (text:gsub("[\128-\255]+", "?"):gsub("[\\()]", "\\%0"))
end

--- A PDF of one page.
---@param lines string[]
---@return string
function documents.pdf(lines)
  local text = {}
  for i, line in ipairs(lines) do
    text[i] = "(" .. pdf_text(line) .. ") Tj T*"
  end
  local page = "BT /F1 10 Tf 14 TL 50 750 Td\n" .. table.concat(text, "\n")
    .. "\nET"
  local objects = {
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
      .. "/Resources << /Font << /F1 5 0 R >> >> >>",
    ("<< /Length %d >>\nstream\n%s\nendstream"):format(#page, page),
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
  }
  -- The comment of bytes above 127 says that the file is binary.
  local out, entries = "%PDF-1.4\n%\226\227\207\211\n", {}
  for i, object in ipairs(objects) do
    entries[i] = ("%010d 00000 n \n"):format(#out)
    out = out .. ("%d 0 obj\n%s\nendobj\n"):format(i, object)
  end
  return out .. ("xref\n0 %d\n0000000000 65535 f \n%strailer\n"
    .. "<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"):format(
    #objects + 1, table.concat(entries), #objects + 1, #out)
end

-- --- XLS: a workbook's records in a compound file ----------------------------

local function record(kind, bytes)
  return little(kind, 2) .. little(#bytes, 2) .. bytes
end

local function utf16(text)
  return (text:gsub(".", "%0\0"))
end

-- Text as the workbook has it, in Latin letters.
local function label(row, column, text)
  text = text:gsub("[\128-\255]+", "?"):sub(1, 8000)
  return record(0x0204, little(row, 2) .. little(column, 2) .. little(0, 2)
    .. little(#text, 2) .. "\0" .. text)
end

local function begin_of(kind)
  return record(0x0809, little(0x0600, 2) .. little(kind, 2)
    .. little(0x0DBB, 2) .. little(0x07CC, 2) .. little(0, 4) .. little(6, 4))
end

local END = record(0x000A, "")

local function workbook(rows)
  local cells = {}
  for i, row in ipairs(rows) do
    for k, text in ipairs(row) do
      cells[#cells + 1] = label(i - 1, k - 1, tostring(text))
    end
  end
  local sheet = begin_of(0x0010) .. table.concat(cells) .. END
  local function head(at)
    return begin_of(0x0005) .. record(0x0042, little(1200, 2))
      .. record(0x0085, little(at, 4) .. little(0, 2) .. "\6\0Report") .. END
  end
  return head(#head(0)) .. sheet
end

local SECTOR = 512
-- So many sectors of FAT the header can name.
local HEADER_TABLES = 109
local END_OF_CHAIN, FREE, FAT, NONE =
  0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFF

local function entry(name, kind, child, start, size)
  local wide = utf16(name .. "\0")
  return wide .. ("\0"):rep(64 - #wide) .. little(#wide, 2)
    .. string.char(kind, 1) .. little(NONE, 4) .. little(NONE, 4)
    .. little(child, 4) .. ("\0"):rep(36) .. little(start, 4) .. little(size, 4)
    .. little(0, 4)
end

--- An old spreadsheet.  Of texts, only their ASCII letters are kept.
---@param rows table[] lists of texts and numbers
---@return string
function documents.xls(rows)
  local stream = workbook(rows)
  -- Below 4096 bytes a stream would have to live elsewhere.
  local size = math.max(4096, math.ceil(#stream / SECTOR) * SECTOR)
  stream = stream .. ("\0"):rep(size - #stream)
  local sectors = size / SECTOR
  -- Sectors of FAT, one of directory, then the stream.
  local tables = math.ceil((sectors + 1) / (SECTOR / 4 - 1))
  assert(tables <= HEADER_TABLES, "too large a report")
  local fat, places = {}, {}
  for i = 1, HEADER_TABLES do
    places[i] = little(i <= tables and i - 1 or FREE, 4)
  end
  for i = 1, tables do
    fat[i] = little(FAT, 4)
  end
  fat[tables + 1] = little(END_OF_CHAIN, 4)
  for i = 1, sectors do
    fat[#fat + 1] = little(i < sectors and tables + i + 1 or END_OF_CHAIN, 4)
  end
  for i = #fat + 1, tables * SECTOR / 4 do
    fat[i] = little(FREE, 4)
  end
  local header = "\208\207\17\224\161\177\26\225" .. ("\0"):rep(16)
    .. little(0x3E, 2) .. little(3, 2) .. little(0xFFFE, 2) .. little(9, 2)
    .. little(6, 2) .. ("\0"):rep(6) .. little(0, 4) .. little(tables, 4)
    .. little(tables, 4) .. little(0, 4) .. little(4096, 4)
    .. little(END_OF_CHAIN, 4) .. little(0, 4) .. little(END_OF_CHAIN, 4)
    .. little(0, 4) .. table.concat(places)
  local directory = entry("Root Entry", 5, 1, END_OF_CHAIN, 0)
    .. entry("Workbook", 2, NONE, tables + 1, size) .. ("\0"):rep(SECTOR - 256)
  return header .. table.concat(fat) .. directory .. stream
end

-- --- XLSX: files in a zip, uncompressed --------------------------------------

local function zip(files, crc32)
  local out, central, at = {}, {}, 0
  for i, file in ipairs(files) do
    local name, bytes = file[1], file[2]
    local common = little(20, 2) .. little(0, 2) .. little(0, 2)
      .. little(0, 2) .. little(0x5CDE, 2) .. little(crc32(bytes), 4)
      .. little(#bytes, 4) .. little(#bytes, 4) .. little(#name, 2)
      .. little(0, 2)
    out[i] = "PK\3\4" .. common .. name .. bytes
    central[i] = "PK\1\2" .. little(20, 2) .. common .. ("\0"):rep(10)
      .. little(at, 4) .. name
    at = at + #out[i]
  end
  local directory = table.concat(central)
  return table.concat(out) .. directory .. "PK\5\6" .. little(0, 4)
    .. little(#files, 2):rep(2) .. little(#directory, 4) .. little(at, 4)
    .. little(0, 2)
end

local escapes = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;",
  ['"'] = "&quot;" }

--- Text inside of XML or HTML.
---@param text string
---@return string
function documents.escape(text)
  return (tostring(text):gsub('[&<>"]', escapes))
end

local XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
local OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/"
local PACKAGE = "http://schemas.openxmlformats.org/package/2006/"
local SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
local TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml."

local function relation(kind, target)
  return XML .. ('<Relationships xmlns="%srelationships"><Relationship '
    .. 'Id="rId1" Type="%srelationships/%s" Target="%s"/></Relationships>')
    :format(PACKAGE, OFFICE, kind, target)
end

local function sheet_of(rows)
  local out = {}
  for i, row in ipairs(rows) do
    local cells = {}
    for k, value in ipairs(row) do
      cells[k] = type(value) == "number" and ("<c><v>%.0f</v></c>")
        :format(value) or ('<c t="inlineStr"><is><t>%s</t></is></c>')
        :format(documents.escape(value))
    end
    out[i] = "<row>" .. table.concat(cells) .. "</row>"
  end
  return XML .. ('<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>')
    :format(SHEET, table.concat(out))
end

--- A new spreadsheet.
---@param rows table[] lists of texts and numbers
---@param crc32 fun(bytes: string): number
---@return string
function documents.xlsx(rows, crc32)
  return zip({
    { "[Content_Types].xml", XML .. ('<Types xmlns="%scontent-types">'
      .. '<Default Extension="rels" ContentType="application/vnd.'
      .. 'openxmlformats-package.relationships+xml"/>'
      .. '<Override PartName="/xl/workbook.xml" ContentType='
      .. '"%ssheet.main+xml"/><Override PartName="/xl/sheet1.xml" '
      .. 'ContentType="%sworksheet+xml"/></Types>')
      :format(PACKAGE, TYPE, TYPE) },
    { "_rels/.rels", relation("officeDocument", "xl/workbook.xml") },
    { "xl/workbook.xml", XML .. ('<workbook xmlns="%s" xmlns:r='
      .. '"%srelationships"><sheets><sheet name="Report" sheetId="1" '
      .. 'r:id="rId1"/></sheets></workbook>'):format(SHEET, OFFICE) },
    { "xl/_rels/workbook.xml.rels", relation("worksheet", "sheet1.xml") },
    { "xl/sheet1.xml", sheet_of(rows) },
  }, crc32)
end

return documents
