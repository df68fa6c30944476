-- How the wallboard looks: makes a picture (lines of spans, see screen.lua) of
-- the model's data.

local screen = require "wallboard.screen"

local function clock(milliseconds)
  local seconds = math.floor(milliseconds / 1000)
  return ("%d:%02d"):format(math.floor(seconds / 60), seconds % 60)
end

local function percent(part)
  return ("%.1f %%"):format(part * 100)
end

local function whole(number)
  return ("%.0f"):format(number)
end

-- The columns of a queue: from `warn` on a figure is yellow, from `alarm` on red.
local columns = {
  { title = "waiting", field = "waiting", format = whole, warn = 3, alarm = 6 },
  { title = "handling", field = "handling", format = whole },
  { title = "longest", field = "longest", format = clock, warn = 30e3, alarm = 90e3 },
  { title = "lost", field = "lost", format = percent, warn = 0.05, alarm = 0.10 },
}

local COLUMN = 10 -- how wide each is

local function style_of(column, number)
  if column.alarm and number >= column.alarm then
    return "alarm"
  elseif column.warn and number >= column.warn then
    return "yellow"
  end
end

local function add_feeds(picture, board)
  for _, feed in ipairs(board.feeds) do
    local text, style = "live", "green"
    if feed.since then
      text = ("STALE since %s (%s)"):format(os.date("%H:%M:%S", math.floor(feed.since)), feed.reason or "?")
      style = "alarm"
    elseif feed.reason then
      text, style = ("live, but the current values could not be had (%s)"):format(feed.reason), "yellow"
    elseif not feed.known then
      text, style = "no values yet", "yellow"
    end
    picture[#picture + 1] = { { screen.fit(feed.name, 12) }, { text, style } }
  end
end

-- The columns that have a figure.
local function used_columns(queues)
  local used = {}
  for _, column in ipairs(columns) do
    for _, row in ipairs(queues) do
      if row[column.field] ~= nil then
        used[#used + 1] = column
        break
      end
    end
  end
  return used
end

-- A stale row has a `~` before it.
local function mark(stale)
  return { stale and "~ " or "  ", stale and "red" or nil }
end

-- The vendor of a row, if there are several.
local function origin(board, feed)
  for _, other in ipairs(board.feeds) do
    if other.provider ~= board.feeds[1].provider then
      return screen.fit(feed and feed.provider or "", 6)
    end
  end
  return ""
end

local function queue_line(from, row, used, name_width)
  local dim = row.stale and "dim" or nil
  local line = { mark(row.stale), { from, "dim" }, { screen.fit(row.name, name_width), dim } }
  for _, column in ipairs(used) do
    local number = tonumber(row[column.field])
    local text = number and column.format(number) or "-"
    line[#line + 1] = { (" "):rep(COLUMN - #text) }
    line[#line + 1] = { text, dim or number and style_of(column, number) or nil }
  end
  return line
end

local function add_queues(picture, board, width, lines)
  local queues = board:list_queues()
  local used = used_columns(queues)
  local from = origin(board)
  local name_width = math.max(8, math.min(40, width - 2 - #from - COLUMN * #used))
  local heading = "  " .. from .. screen.fit(("QUEUES (%d)"):format(#queues), name_width)
  for _, column in ipairs(used) do
    heading = heading .. screen.fit(column.title, COLUMN, true)
  end
  picture[#picture + 1] = { { heading, "bold" } }
  local shown = #queues <= lines and #queues or math.max(0, lines - 1)
  for i = 1, shown do
    picture[#picture + 1] = queue_line(origin(board, queues[i].feed), queues[i], used, name_width)
  end
  if shown < #queues then
    picture[#picture + 1] = { { ("  … and %d more"):format(#queues - shown), "dim" } }
  end
end

local function add_agents(picture, statuses, width)
  local count = 0
  for _, group in ipairs(statuses) do
    count = count + #group
  end
  picture[#picture + 1] = { { ("  AGENTS (%d)"):format(count), "bold" } }
  for _, group in ipairs(statuses) do
    local names, stale = {}, false
    for i, row in ipairs(group) do
      stale = stale or row.stale
      names[i] = i <= width and row.name or nil -- more do not fit into a line
    end
    picture[#picture + 1] = {
      mark(stale), { ("%6d  "):format(#group), stale and "dim" or nil },
      { screen.fit(group.status, 16) .. "  " }, { table.concat(names, ", "), "dim" },
    }
  end
end

--- The picture of a board, for a screen of this size.
---@param board table see model.lua
---@param width integer
---@param lines number
---@param now number epoch seconds
---@return table[] picture
return function(board, width, lines, now)
  local picture = { { { "WALLBOARD", "bold" }, { os.date("  %Y-%m-%d %H:%M:%S", math.floor(now)) } } }
  add_feeds(picture, board)
  picture[#picture + 1] = {}
  local statuses = board:list_statuses()
  add_queues(picture, board, width, lines - #picture - 1 - (#statuses + 2))
  picture[#picture + 1] = {}
  add_agents(picture, statuses, width)
  return picture
end
