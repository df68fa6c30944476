-- What the specs of examples/wallboard.lua share: its parts, the words that run it,
-- a small terminal that reads what it writes, and what Xima's metrics look like
-- there.
local cjson = require "cjson"
local helper = require "spec.support.helper"

package.path = package.path .. ";" .. helper.top .. "/examples/?.lua"
local screen = require "wallboard.screen"

local wallboard = { model = require "wallboard.model", screen = screen, view = require "wallboard.view" }

-- -- A terminal --------------------------------------------------------------------

local Terminal = {}
Terminal.__index = Terminal

--- What the bytes make of a screen of this size.
function wallboard.terminal(bytes, columns, lines)
  local self = setmetatable({ columns = columns, lines = lines, row = 1, column = 1, cells = {}, style = "",
    cursor = true, other = false, frames = 0 }, Terminal)
  local at = 1
  while at <= #bytes do
    local private, numbers, letter, stop = bytes:match("^\27%[(%??)([%d;]*)(%a)()", at)
    if letter then
      self:control(private .. letter, numbers)
    elseif bytes:byte(at) == 27 then
      break -- the rest is still to come
    else
      local char
      char, stop = bytes:match("^([^\128-\191][\128-\191]*)()", at)
      self:print(assert(char, "not UTF-8"))
    end
    at = stop
  end
  return self
end

function Terminal:control(name, numbers)
  if name == "H" then
    self.row, self.column = numbers:match("^(%d+);(%d+)$")
    self.row, self.column = tonumber(self.row), tonumber(self.column)
    assert(self.row <= self.lines, "below the last line")
    self.frames = self.frames + (self.row == 1 and 1 or 0)
  elseif name == "K" then
    assert(numbers == "2")
    self.cells[self.row] = {}
  elseif name == "J" then
    for row = self.row, self.lines do
      self.cells[row] = numbers == "2" and {} or row == self.row and self.column > 1 and self.cells[row] or {}
    end
  elseif name == "m" then
    self.style = numbers == "0" and "" or numbers
    self.coloured = true
  elseif name == "?h" or name == "?l" then
    local on = name == "?h"
    if numbers == "25" then
      self.cursor = on
    elseif numbers == "1049" then
      self.other = on
    end
  else
    error("unknown sequence " .. name)
  end
end

function Terminal:print(char)
  if char == "\n" or char == "\r" then
    self.row, self.column = self.row + (char == "\n" and 1 or 0), 1
    return
  end
  local _, width = screen.cut(char, 2)
  assert(char:byte() >= 32, "a control character")
  local line = self.cells[self.row] or {}
  self.cells[self.row] = line
  if self.other then
    assert(self.column + width - 1 <= self.columns, "beyond the edge")
  end
  line[#line + 1] = { char = char, style = self.style, column = self.column }
  self.column = self.column + width
end

function Terminal:line(row)
  local out = {}
  for i, cell in ipairs(self.cells[row] or {}) do
    out[i] = cell.char
  end
  return table.concat(out)
end

function Terminal:text()
  local out = {}
  for row = 1, self.lines do
    out[row] = self:line(row)
  end
  return table.concat(out, "\n")
end

-- The line that a text is in, and the style of the text's first character.
function Terminal:find(text)
  for row = 1, self.lines do
    local line = self:line(row)
    local at = line:find(text, 1, true)
    if at then
      local bytes = 0
      for _, cell in ipairs(self.cells[row]) do
        bytes = bytes + #cell.char
        if bytes >= at then
          return line, cell.style
        end
      end
    end
  end
end

-- -- The program -------------------------------------------------------------------

local function words(arguments)
  local out = { '[0] = "examples/wallboard.lua"' }
  for _, argument in ipairs(arguments or {}) do
    out[#out + 1] = ("%q"):format(argument)
  end
  return table.concat(out, ", ")
end

local secrets = "X8_KEY X8_SECRET X8_TENANT X8_REGION XIMA_HOST XIMA_TOKEN NO_COLOR COLUMNS LINES"

--- The shell words that run it.
function wallboard.command(environment, arguments)
  local clean = "env -u " .. secrets:gsub(" ", " -u ")
  return ("cd %s && %s %s %s"):format(helper.quote(helper.top), clean, environment or "",
    helper.command(("arg = { %s } dofile 'examples/wallboard.lua'"):format(words(arguments))))
end

--- The variables of its environment that have a sandbox's credentials.
function wallboard.credentials(sandbox, provider)
  if provider == "8x8" then
    local options = sandbox:options("8x8")
    return ("X8_KEY=%s X8_SECRET=%s X8_TENANT=%s"):format(options.key, options.secret, options.tenant)
  end
  return "XIMA_TOKEN=" .. sandbox:options("xima").token
end

-- What Xima's sandbox knows: text by queue, and agents by status.
local function state_of(sandbox)
  local queues, statuses = {}, {}
  local fields = { ["105"] = "waiting", ["106"] = "longest", ["107"] = "lost" }
  for _, value in ipairs(sandbox:state()) do
    local plain = cjson.decode("[" .. value.value .. "]")[1]
    if fields[value.id] then
      queues[value.category] = queues[value.category] or {}
      queues[value.category][fields[value.id]] = plain
    elseif value.id == "104" then
      statuses[plain] = (statuses[plain] or 0) + 1
    end
  end
  return queues, statuses
end

local function minutes(milliseconds)
  local seconds = math.floor(milliseconds / 1000)
  return ("%d:%02d"):format(math.floor(seconds / 60), seconds % 60)
end

-- Whether a line with the name ends with these figures.
local function has_figures(now, name, figures)
  for row = 1, now.lines do
    local rest = now:line(row):match("^[~ ] " .. name:gsub("%p", "%%%0") .. "  +(.*)$")
    if rest and rest:gsub(" %%", "%%"):gsub(" +", " ") == table.concat(figures, " ") then
      return true
    end
  end
end

--- Whether a screen shows what Xima's sandbox knows.
function wallboard.shows_state(now, sandbox)
  local queues, statuses = state_of(sandbox)
  for name, queue in pairs(queues) do
    if not has_figures(now, name,
      { ("%.0f"):format(queue.waiting), minutes(queue.longest), ("%.1f%%"):format(queue.lost * 100) }) then
      return false
    end
  end
  for status, count in pairs(statuses) do
    if not now:text():find(("%6d  %s "):format(count, status)) then
      return false
    end
  end
  return true
end

return wallboard
