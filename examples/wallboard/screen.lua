-- A terminal, written to line by line: colours, sizes, and how many columns a
-- text takes.  A line is a list of spans { text, style }; `draw` writes a whole
-- picture at once, from the top left, so that nothing flickers or scrolls.

local screen = {}
screen.__index = screen

local styles = { bold = "1", dim = "2", red = "1;31", yellow = "33", green = "32", alarm = "1;37;41" }

-- -- Width -----------------------------------------------------------------------

-- First and last code points, in order: those that take no column (marks on the
-- letter before, joiners) ...
local none = {
  0x300, 0x36F, 0x483, 0x489, 0x591, 0x5BD, 0x5BF, 0x5BF, 0x5C1, 0x5C2, 0x5C4, 0x5C5, 0x5C7, 0x5C7, 0x610, 0x61A,
  0x64B, 0x65F, 0x670, 0x670, 0x6D6, 0x6DC, 0x6DF, 0x6E4, 0x6E7, 0x6E8, 0x6EA, 0x6ED, 0x900, 0x902, 0x93A, 0x93A,
  0x93C, 0x93C, 0x941, 0x948, 0x94D, 0x94D, 0x951, 0x957, 0x962, 0x963, 0x981, 0x981, 0x9BC, 0x9BC, 0x9C1, 0x9C4,
  0x9CD, 0x9CD, 0xBC0, 0xBC0, 0xBCD, 0xBCD, 0xE31, 0xE31, 0xE34, 0xE3A, 0xE47, 0xE4E, 0x1160, 0x11FF, 0x1AB0, 0x1AFF,
  0x1DC0, 0x1DFF, 0x200B, 0x200F, 0x202A, 0x202E, 0x2060, 0x206F, 0x20D0, 0x20FF, 0x302A, 0x302D, 0x3099, 0x309A,
  0xFE00, 0xFE0F, 0xFE20, 0xFE2F, 0xFEFF, 0xFEFF, 0xE0001, 0xE01EF,
}
-- ... and those that take two.
local two = {
  0x1100, 0x115F, 0x231A, 0x231B, 0x23E9, 0x23EC, 0x23F0, 0x23F0, 0x23F3, 0x23F3, 0x25FD, 0x25FE, 0x2614, 0x2615,
  0x2648, 0x2653, 0x267F, 0x267F, 0x2693, 0x2693, 0x26A1, 0x26A1, 0x26AA, 0x26AB, 0x26BD, 0x26BE, 0x26C4, 0x26C5,
  0x26CE, 0x26CE, 0x26D4, 0x26D4, 0x26EA, 0x26EA, 0x26F2, 0x26F3, 0x26F5, 0x26F5, 0x26FA, 0x26FA, 0x26FD, 0x26FD,
  0x2705, 0x2705, 0x270A, 0x270B, 0x2728, 0x2728, 0x274C, 0x274C, 0x274E, 0x274E, 0x2753, 0x2755, 0x2757, 0x2757,
  0x2795, 0x2797, 0x27B0, 0x27B0, 0x27BF, 0x27BF, 0x2B1B, 0x2B1C, 0x2B50, 0x2B50, 0x2B55, 0x2B55, 0x2E80, 0x303E,
  0x3041, 0xA4CF, 0xA960, 0xA97C, 0xAC00, 0xD7A3, 0xF900, 0xFAFF, 0xFE10, 0xFE19, 0xFE30, 0xFE6F, 0xFF01, 0xFF60,
  0xFFE0, 0xFFE6, 0x16FE0, 0x18AFF, 0x1B000, 0x1B2FF, 0x1F004, 0x1F004, 0x1F0CF, 0x1F0CF, 0x1F18E, 0x1F18E,
  0x1F191, 0x1F19A, 0x1F200, 0x1F320, 0x1F32D, 0x1F335, 0x1F337, 0x1F37C, 0x1F37E, 0x1F393, 0x1F3A0, 0x1F3CA,
  0x1F3CF, 0x1F3D3, 0x1F3E0, 0x1F3F0, 0x1F3F4, 0x1F3F4, 0x1F3F8, 0x1F43E, 0x1F440, 0x1F440, 0x1F442, 0x1F4FC,
  0x1F4FF, 0x1F53D, 0x1F54B, 0x1F54E, 0x1F550, 0x1F567, 0x1F57A, 0x1F57A, 0x1F595, 0x1F596, 0x1F5A4, 0x1F5A4,
  0x1F5FB, 0x1F64F, 0x1F680, 0x1F6C5, 0x1F6CC, 0x1F6CC, 0x1F6D0, 0x1F6D2, 0x1F6D5, 0x1F6DF, 0x1F6EB, 0x1F6EC,
  0x1F6F4, 0x1F6FC, 0x1F7E0, 0x1F7EB, 0x1F90C, 0x1F93A, 0x1F93C, 0x1F945, 0x1F947, 0x1F9FF, 0x1FA70, 0x1FAFF,
  0x20000, 0x3FFFD,
}

local function is_in(ranges, code)
  for i = 1, #ranges, 2 do
    if code <= ranges[i + 1] then
      return code >= ranges[i]
    end
  end
  return false
end

local function decode(char)
  local first = char:byte()
  if first < 0x80 then
    return first
  end
  local code = first % 2 ^ (7 - #char)
  for i = 2, #char do
    code = code * 64 + char:byte(i) % 64
  end
  return code
end

local widths = {} -- character -> columns; -1: it is a control character

local function width_of(char)
  if not widths[char] then
    local code = decode(char)
    local control = code < 32 or code >= 127 and code < 160
    widths[char] = control and -1 or is_in(none, code) and 0 or is_in(two, code) and 2 or 1
  end
  return widths[char]
end

--- A text cut to so many columns, with a `…` at its end if something is missing.
--- Control characters become `?`.
---@param text string UTF-8
---@param columns integer
---@return string text
---@return integer width how many it takes
function screen.cut(text, columns)
  local out, width, fits, fits_width = {}, 0, 0, 0
  for found in text:gmatch("[^\128-\191][\128-\191]*") do
    local char, wide = found, width_of(found)
    if wide < 0 then
      char, wide = "?", 1
    end
    if width + wide > columns then
      return table.concat(out, "", 1, fits) .. (columns > 0 and "…" or ""), columns > 0 and fits_width + 1 or 0
    end
    out[#out + 1], width = char, width + wide
    if width < columns then
      fits, fits_width = #out, width
    end
  end
  return table.concat(out), width
end

--- A text that takes exactly so many columns.
---@param text string
---@param columns integer
---@param right? boolean put to the right
---@return string
function screen.fit(text, columns, right)
  local cut, width = screen.cut(text, columns)
  local blanks = (" "):rep(columns - width)
  return right and blanks .. cut or cut .. blanks
end

-- -- The terminal ----------------------------------------------------------------

local function is_terminal()
  local ok = os.execute("test -t 1")
  return ok == true or ok == 0
end

--- `colour`: even if stdout is not a terminal; `still`: the picture stays where it is
--- drawn.
---@param options { colour?: boolean, still?: boolean }
function screen.new(options)
  local terminal, no_color = is_terminal(), os.getenv("NO_COLOR")
  local self = setmetatable({ terminal = terminal, moves = terminal and not options.still }, screen)
  self.colour = options.colour or terminal and (no_color or "") == ""
  return self
end

--- Switches to the terminal's other screen, without a cursor.
function screen:open()
  if self.moves then
    io.stdout:write("\27[?1049h\27[?25l\27[2J")
    io.stdout:flush()
  end
end

--- Gives the screen back as it was; safe to call twice.
function screen:close()
  if self.moves then
    self.moves = false
    io.stdout:write("\27[?25h\27[?1049l")
    io.stdout:flush()
  end
end

--- Its present size; a file has no last line.
---@return integer columns
---@return integer lines
function screen:size()
  local columns, lines = tonumber(os.getenv("COLUMNS")), tonumber(os.getenv("LINES"))
  if self.terminal and not (columns and lines) then
    local pipe = io.popen("exec 2>/dev/null; stty size </dev/tty")
    local high, wide = (pipe:read("*a") or ""):match("(%d+) (%d+)")
    pipe:close()
    columns, lines = columns or tonumber(wide), lines or tonumber(high)
  end
  columns = columns and columns > 0 and columns or 80
  lines = lines and lines > 0 and lines or 24
  return columns, self.moves and lines or math.huge
end

function screen:paint(text, style)
  if self.colour and style and text ~= "" then
    return "\27[" .. styles[style] .. "m" .. text .. "\27[0m"
  end
  return text
end

--- Writes a picture: lines of spans { text, style }.
---@param picture table[]
---@param columns integer what `size` gave
---@param lines number
function screen:draw(picture, columns, lines)
  local out = {}
  for i = 1, math.min(#picture, lines) do
    local left = columns
    if self.moves then
      out[#out + 1] = ("\27[%d;1H\27[2K"):format(i)
    end
    for _, span in ipairs(picture[i]) do
      local text, width = screen.cut(span[1], left)
      out[#out + 1] = self:paint(text, span[2])
      left = left - width
    end
    out[#out + 1] = not self.moves and "\n" or nil
  end
  if self.moves and #picture < lines then
    out[#out + 1] = ("\27[%d;1H\27[J"):format(#picture + 1)
  end
  io.stdout:write(table.concat(out))
  io.stdout:flush()
end

return screen
