-- examples/wallboard.lua: run as a program on a pseudo-terminal (by script, of
-- util-linux), against a sandbox of this process; what it writes is read by a
-- small terminal.  Its parts are looked at by themselves, too.
local ccaas = require "ccaas"
local cjson = require "cjson"
local core = require "ccaas.core"
local helper = require "spec.helper"
local lfs = require "lfs"

package.path = package.path .. ";" .. helper.top .. "/examples/?.lua"
local model = require "wallboard.model"
local screen = require "wallboard.screen"
local picture_of = require "wallboard.view"

local PATIENCE = 60 -- seconds for what must come

-- -- A terminal --------------------------------------------------------------------

local Terminal = {}
Terminal.__index = Terminal

-- What the bytes make of a screen of this size.
local function terminal(bytes, columns, lines)
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

-- The shell words that run it.
local function command(environment, arguments)
  local clean = "env -u " .. secrets:gsub(" ", " -u ")
  return ("cd %s && %s %s %s"):format(helper.quote(helper.top), clean, environment or "",
    helper.command(("arg = { %s } dofile 'examples/wallboard.lua'"):format(words(arguments))))
end

local function credentials(sandbox, provider)
  if provider == "8x8" then
    local options = sandbox:options("8x8")
    return ("X8_KEY=%s X8_SECRET=%s X8_TENANT=%s"):format(options.key, options.secret, options.tenant)
  end
  return "XIMA_TOKEN=" .. sandbox:options("xima").token
end

local Board = {}
Board.__index = Board

local function exists(path)
  return lfs.attributes(path) ~= nil
end

local boards = {}

-- Starts it on a pseudo-terminal.
local function start(environment, arguments, columns, lines)
  local folder = helper.folder()
  local self = setmetatable({ folder = folder, columns = columns or 100, lines = lines or 40 }, Board)
  local file = assert(io.open(folder .. "/run", "w"))
  file:write(("stty cols %d rows %d; tty > %s/tty\n"):format(self.columns, self.lines, folder))
  file:write(("sh -c %s\n"):format(helper.quote(("echo $$ > %s/pid; "):format(folder)
    .. command(environment, arguments):gsub("&& env", "&& exec env"))))
  file:write(("echo $? > %s/status.new; mv %s/status.new %s/status\n"):format(folder, folder, folder))
  file:close()
  helper.run(("script -qfec 'sh %s/run' /dev/null </dev/null >%s/out 2>&1 &"):format(folder, folder))
  boards[#boards + 1] = self
  return self
end

function Board:screen()
  return terminal(exists(self.folder .. "/out") and helper.read(self.folder .. "/out") or "", self.columns, self.lines)
end

-- Waits until what is on the screen satisfies.
function Board:wait(satisfies, what)
  local ends = core.now() + PATIENCE
  local now
  repeat
    now = self:screen()
    local result = satisfies(now)
    if result then
      return result, now
    end
    core.poll(-1, 0.02)
  until core.now() > ends
  error(("waited in vain for %s; the screen was:\n%s"):format(what or "the screen", now:text()), 2)
end

function Board:wait_for(text)
  return self:wait(function(now) return now:find(text) end, text)
end

-- The number in a file of its folder, once it is there.
function Board:number(name)
  local ends = core.now() + PATIENCE
  local path = self.folder .. "/" .. name
  while not (exists(path) and helper.read(path):find("\n")) do
    assert(core.now() < ends, "waited in vain for its " .. name)
    core.poll(-1, 0.02)
  end
  return tonumber(helper.read(path):match("%d+"))
end

-- Its exit status.
function Board:status()
  return self:number("status")
end

function Board:signal(name)
  return helper.run(("kill -%s %d"):format(name, self:number("pid")))
end

function Board:stop()
  self:number("pid")
  if not exists(self.folder .. "/status") then
    self:signal("KILL")
    self:status()
  end
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

local function shows_state(now, sandbox)
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

describe("the wallboard on a terminal", function()
  local sandbox

  after_each(function()
    while #boards > 0 do
      table.remove(boards):stop()
    end
    if sandbox then
      sandbox:stop()
    end
  end)

  local function begin(options, arguments, environment, columns, lines)
    sandbox = helper.sandbox(options)
    local given = { "--url", sandbox.url, "--provider", "xima" }
    for i, argument in ipairs(arguments or {}) do
      given[4 + i] = argument
    end
    return start(credentials(sandbox, "xima") .. " " .. (environment or ""), given, columns, lines)
  end

  it("shows what Xima's metrics are, and follows them", function()
    local board = begin { agents = 18, queues = 9, live = 500 }
    board:wait(function(now) return now.frames > 2 end)
    sandbox:live { rate = 0 }
    board:wait(function(now) return shows_state(now, sandbox) end, "the state")
    sandbox:push { id = "105", category = "Appointments", value = 4711 }
    sandbox:push { id = "104", category = "Front Desk", value = "Away" }
    board:wait_for("4711")
    board:wait_for("     1  Away              Front Desk")
    board:wait(function(now) return shows_state(now, sandbox) and now:find("xima        live") end, "the new state")
  end)

  it("shows what 8x8 answers, and follows it", function()
    sandbox = helper.sandbox { agents = 12, queues = 6 }
    local board = start(credentials(sandbox, "8x8"), { "--url", sandbox.url })
    local client = ccaas.new(sandbox:options("8x8"))
    local function as_answered(now)
      local seen = 0
      for queue in client:queues { metrics = { "interactionsWaitInQueue.rt", "interactionsHandling.rt" } } do
        local line = now:find(queue.name)
        local waiting, handling = (line or ""):gsub("^[~ ] " .. queue.name:gsub("%p", "%%%0"), ""):match("(%d+) +(%d+)")
        seen = seen + (tonumber(waiting) == queue.metrics["interactionsWaitInQueue.rt"]
          and tonumber(handling) == queue.metrics["interactionsHandling.rt"] and 1 or 0)
      end
      local statuses = {}
      for agent in client:agents { metrics = { "status.rt" } } do
        local status = agent.metrics["status.rt"]
        if status then -- a watch says nothing of a row without values
          statuses[status] = (statuses[status] or 0) + 1
        end
      end
      for status, count in pairs(statuses) do
        seen = seen + (now:text():find(("%6d  %s "):format(count, status), 1, true) and 0 or -100)
      end
      return seen == 6
    end
    board:wait(as_answered, "the answer")
    sandbox:set { queues = 5, values = { queues = { ["101"] = { ["interactionsWaitInQueue.rt"] = 1234 } },
      agents = { ["100001"] = { ["status.rt"] = "Juggling" } } } }
    board:wait_for("1234")
    board:wait_for("     1  Juggling          Ada Lovelace")
    board:wait_for("QUEUES (5)")
    client:close()
  end)

  it("shows both vendors on one board, in a sandbox of its own without credentials", function()
    local board = start()
    board:wait_for("QUEUES (24)")
    board:wait_for("AGENTS (40)")
    board:wait(function(now)
      local line = now:find("8x8   Appointments")
      return line and line:find("%d+ +%d+ +%d+:%d%d") and now:find("xima  Appointments")
    end, "a queue of both")
    board:signal("INT")
    assert.equal(130, board:status())
  end)

  it("colours what is above its threshold, and only that", function()
    local board = begin { agents = 2, queues = 3, live = true }
    sandbox:live { rate = 0 }
    sandbox:push { id = "105", category = "Appointments", value = 2 }
    sandbox:push { id = "105", category = "Réclamations", value = 3 }
    sandbox:push { id = "105", category = "Kundenservice Süd", value = 66 }
    sandbox:push { id = "106", category = "Appointments", value = 90000 }
    -- A screen may be read while a picture is being drawn.
    local _, now = board:wait(function(now)
      for _, text in ipairs { "66", "1:30", "3      0:00", "2      1:30", "live" } do
        if not now:find(text) then
          return false
        end
      end
      return true
    end, "the figures")
    assert.equal("1;37;41", select(2, now:find("66")))
    assert.equal("1;37;41", select(2, now:find("1:30")))
    assert.equal("33", select(2, now:find("3      0:00")))
    assert.equal("", select(2, now:find("2      1:30")))
    assert.equal("32", select(2, now:find("live")))
  end)

  it("has no colours with NO_COLOR, and has them with --colour", function()
    local board = begin({ agents = 2, queues = 3 }, nil, "NO_COLOR=1")
    local function is_drawn(now) return now:find("QUEUES (3)") and now:find("xima        live") end
    assert.is_nil(select(2, board:wait(is_drawn)).coloured)
    board = begin({ agents = 2, queues = 3 }, { "--colour" }, "NO_COLOR=1")
    assert.is_true(select(2, board:wait(is_drawn)).coloured)
  end)

  it("marks what is stale while a socket is lost, and takes the mark back", function()
    local board = begin { agents = 3, queues = 3, live = true }
    sandbox:live { rate = 0 }
    board:wait_for("  Appointments")
    local before = os.time()
    sandbox:live { refuse = 503 }
    sandbox:drop_sockets()
    local STALE = "^xima +STALE since (%d%d):(%d%d):(%d%d) %(%l+%)$"
    local line = board:wait(function(now)
      local found = now:find("STALE since ")
      return found and found:find(STALE) and found
    end, "the mark")
    local hours, mins, secs = line:match(STALE)
    local told = os.date("*t", before)
    local since = (tonumber(hours) - told.hour) * 3600 + (tonumber(mins) - told.min) * 60 + tonumber(secs) - told.sec
    assert.is_true(since % 86400 >= 0 and since % 86400 <= PATIENCE, line)
    board:wait_for("~ Appointments")
    board:wait_for("~      ")
    sandbox:push { id = "105", category = "Appointments", value = 777 }
    sandbox:live { refuse = false }
    board:wait_for("777")
    board:wait(function(now) return not now:text():find("STALE", 1, true) and not now:text():find("~", 1, true) end,
      "the end of the mark")
    board:wait_for("xima        live")
  end)

  it("marks what is stale while polls fail, and takes the mark back", function()
    sandbox = helper.sandbox { agents = 3, queues = 3 }
    local board = start(credentials(sandbox, "8x8"), { "--url", sandbox.url })
    board:wait_for("  Appointments")
    sandbox:fault { path = "/queues", status = 503, times = 1e6 }
    board:wait_for("~ Appointments")
    board:wait(function(now) return now:find("8x8 queues  STALE since ") and now:find("8x8 agents  live") end,
      "one feed that is stale")
    sandbox:clear_faults()
    board:wait_for("  Appointments")
    board:wait(function(later) return not later:text():find("STALE", 1, true) end, "the end of the mark")
  end)

  it("ends on Ctrl-C with the cursor shown and the screen given back", function()
    local board = begin { agents = 3, queues = 3, live = 100 }
    local _, now = board:wait_for("QUEUES (3)")
    assert.is_false(now.cursor)
    assert.is_true(now.other)
    board:signal("INT")
    assert.equal(130, board:status())
    now = board:screen()
    assert.is_true(now.cursor)
    assert.is_false(now.other)
  end)

  it("gives the screen back when every feed has ended, and says why without a secret", function()
    sandbox = helper.sandbox { agents = 3, queues = 3 }
    local board = start("X8_KEY=some-key X8_SECRET=wrong-secret", { "--url", sandbox.url })
    assert.equal(1, board:status())
    local now = board:screen()
    assert.is_true(now.cursor)
    assert.is_false(now.other)
    local said = helper.read(board.folder .. "/out")
    assert.is_truthy(said:find("8x8: auth", 1, true), said)
    assert.is_nil(said:find("secret", 1, true))
  end)

  it("draws at most some four pictures a second, however much happens", function()
    local from = core.now()
    local board = begin { agents = 18, queues = 9, live = 2000 }
    local frames = board:wait(function(now) return now.frames > 20 and now.frames end)
    assert.is_true(frames <= 4 * (core.now() - from) + 1, frames)
    sandbox:live { rate = 0 }
    board:wait(function(now) return shows_state(now, sandbox) end, "the state")
  end)

  it("fits the terminal, also when that is resized", function()
    local board = begin({ agents = 20, queues = 30, live = 50 }, nil, nil, 90, 40)
    board:wait_for("Sales & Returns, 24x7")
    local line = helper.read(board.folder .. "/tty"):match("%S+")
    board.columns, board.lines = 48, 14
    local before = #helper.read(board.folder .. "/out")
    assert.equal(0, (helper.run(("stty -F %s cols 48 rows 14"):format(line))))
    -- From here on a picture that is too large makes the terminal fail; one that
    -- was being drawn may be the old size still.
    local function after()
      local bytes = helper.read(board.folder .. "/out"):sub(before + 1)
      local second = select(2, bytes:find("\27%[1;1H.-\27%[1;1H"))
      return second and bytes:sub(second - 5)
    end
    board.screen = function(self)
      return terminal("\27[?1049h" .. (after() or ""), self.columns, self.lines)
    end
    board:wait(function(now) return now:find("… and ") and now:find("QUEUES (20)") end, "a smaller picture")
  end)
end)

describe("the wallboard without a terminal", function()
  local sandbox

  setup(function()
    sandbox = helper.sandbox { agents = 20, queues = 9, live = true }
    sandbox:live { rate = 0 }
  end)

  local function run(arguments, environment)
    local given = { "--url", sandbox.url }
    for i, argument in ipairs(arguments) do
      given[2 + i] = argument
    end
    return helper.run(command((environment or "") .. " " .. credentials(sandbox, "xima"), given))
  end

  it("writes one plain picture with --once, with the values in it", function()
    local status, output = run { "--once" }
    assert.equal(0, status, output)
    assert.is_nil(output:find("\27", 1, true))
    local _, pictures = output:gsub("WALLBOARD", "")
    assert.equal(1, pictures)
    local now = terminal(output, 80, 60)
    assert.is_true(shows_state(now, sandbox), output)
  end)

  it("writes as many as --frames says", function()
    local status, output = run { "--frames", "3" }
    assert.equal(0, status, output)
    local _, pictures = output:gsub("WALLBOARD", "")
    assert.equal(3, pictures)
    assert.is_nil(output:find("\27", 1, true))
  end)

  it("has colours if asked to, and the width that COLUMNS says", function()
    local _, output = run({ "--once", "--colour" }, "NO_COLOR=1 COLUMNS=44")
    assert.is_truthy(output:find("\27[32mlive\27[0m", 1, true))
    for line in output:gsub("\27%[[%d;]*m", ""):gmatch("[^\n]+") do
      assert.is_true(select(2, screen.cut(line, 1000)) <= 44, line)
    end
  end)

  it("marks a vendor that cannot be reached", function()
    local board = helper.sandbox {}
    local url = board.url
    board:stop()
    local status, output = helper.run(command("X8_KEY=k X8_SECRET=s", { "--once", "--url", url }))
    assert.equal(0, status, output)
    assert.is_truthy(output:find("8x8 queues  STALE since %d%d:%d%d:%d%d %(connect%)"), output)
  end)

  it("says which metrics there are, where none of those that it shows is", function()
    sandbox:fault { path = "/realtime/metrics", body = '[{"metricId":"7","metricName":"Tea","categoryType":"AGENT"}]' }
    local status, output = run { "--once" }
    assert.equal(1, status)
    assert.equal("xima: has none of the metrics that are shown, but Tea\n", output)
  end)

  it("gives the reason why there is nothing to show, without the token", function()
    sandbox:fault { path = "/realtime-metric-subscription", status = 403 }
    local status, output = run { "--frames", "1000" }
    assert.equal(1, status)
    assert.is_truthy(output:find("xima: forbidden: ", 1, true), output)
    assert.is_nil(output:find(sandbox:options("xima").token, 1, true))
  end)

  it("says how it is used", function()
    for _, arguments in ipairs { { "--frames" }, { "--frames", "x" }, { "--provider", "9x9" }, { "now" } } do
      local status, output = run(arguments)
      assert.equal(2, status, output)
      assert.is_truthy(output:find("^usage: "), output)
    end
  end)
end)

describe("the wallboard's model", function()
  local board, polled, pushed

  before_each(function()
    board, polled, pushed = model.new(), {}, {}
    board:add(polled, { name = "8x8 queues", provider = "8x8", polled = true,
      fields = { ["waiting.rt"] = { "queues", "waiting" } } })
    board:add(pushed, { name = "xima", provider = "xima",
      fields = { ["105"] = { "queues", "waiting" }, ["106"] = { "queues", "longest" },
        ["104"] = { "agents", "status" } } })
  end)

  local function poll(event)
    board:put(event, polled, 5000)
  end

  local function push(event)
    board:put(event, pushed, 5000)
  end

  local function queues()
    local list = {}
    for i, row in ipairs(board:list_queues()) do
      list[i] = { row.name, row.waiting, row.stale }
    end
    return list
  end

  it("has the newest value of each queue, the longest queue first", function()
    poll { type = "update", id = "1", name = "A", metric = "waiting.rt", value = 1, snapshot = true }
    poll { type = "update", id = "2", name = "B", metric = "waiting.rt", value = 2, snapshot = true }
    push { type = "update", metric_id = "105", category = "A", kind = "COUNT", value = 3 }
    poll { type = "update", id = "1", name = "A", metric = "waiting.rt", value = "9", previous = 1 }
    poll { type = "update", id = "1", name = "A", metric = "another.rt", value = 5 }
    assert.same({ { "A", "9" }, { "A", 3 }, { "B", 2 } }, queues())
    poll { type = "update", id = "1", name = "A", metric = "waiting.rt", previous = 9 }
    assert.same({ { "A", 3 }, { "B", 2 }, { "A" } }, queues())
  end)

  it("takes the value out of what the vendor says of a kind that is no count", function()
    push { type = "update", metric_id = "106", category = "A", kind = "DURATION",
      value = { type = "DURATION", duration = 8000, lastUpdateTime = "2026-06-30T00:00:00Z" } }
    assert.equal(8000, board:list_queues()[1].longest)
  end)

  it("forgets a row that is removed", function()
    poll { type = "update", id = "1", name = "A", metric = "waiting.rt", value = 1 }
    push { type = "update", metric_id = "105", category = "1", kind = "COUNT", value = 3 }
    poll { type = "removed", id = "1", name = "A" }
    assert.same({ { "1", 3 } }, queues())
  end)

  it("keeps since when a feed is stale, until it is back", function()
    poll { type = "update", id = "1", name = "A", metric = "waiting.rt", value = 1 }
    push { type = "update", metric_id = "105", category = "B", kind = "COUNT", value = 0 }
    poll { type = "down", at = 100, reason = "server" }
    poll { type = "down", at = 105, reason = "timeout" }
    assert.same({ { "A", 1, true }, { "B", 0 } }, queues())
    assert.same({ 100, "timeout" }, { board.feeds[1].since, board.feeds[1].reason })
    assert.is_nil(board.feeds[2].since)
    poll { type = "gap", from = 95, to = 110, reason = "polls failed" }
    assert.is_nil(board.feeds[1].since)
    assert.same({ { "A", 1 }, { "B", 0 } }, queues())
  end)

  it("believes a row of a socket again when its value has come", function()
    push { type = "update", metric_id = "105", category = "A", kind = "COUNT", value = 2 }
    push { type = "update", metric_id = "105", category = "B", kind = "COUNT", value = 1 }
    push { type = "down", at = 100.5, reason = "network" }
    push { type = "open", at = 101.5, attempt = 2 }
    push { type = "gap", from = 100.5, to = 101.5, reason = "network" }
    assert.is_nil(board.feeds[2].since)
    assert.same({ { "A", 2, true }, { "B", 1, true } }, queues())
    push { type = "update", metric_id = "105", category = "A", kind = "COUNT", value = 2, snapshot = true }
    assert.same({ { "A", 2 }, { "B", 1, true } }, queues())
  end)

  it("counts a feed that has ended as stale from then on", function()
    poll { type = "error", error = { code = "auth" } }
    assert.same({ 5000, "auth" }, { board.feeds[1].since, board.feeds[1].reason })
  end)

  it("is ready when every feed has told its values or its trouble", function()
    assert.is_false(board:ready())
    poll { type = "update", id = "1", name = "A", metric = "waiting.rt", value = 1 }
    push { type = "open", at = 1, attempt = 1 }
    assert.is_false(board:ready())
    push { type = "message", raw = "{}" }
    assert.is_false(board:ready())
    push { type = "message", raw = "", error = { code = "server" } }
    assert.is_true(board:ready())
    assert.equal("server", board.feeds[2].reason)
  end)

  it("counts the agents of each status", function()
    for name, status in pairs { Ann = "Idle", Bob = "Talking", Cid = "Idle" } do
      push { type = "update", metric_id = "104", category = name, kind = "TEXT", value = { text = status } }
    end
    local statuses = board:list_statuses()
    assert.same({ "Idle", 2, "Talking", 1 }, { statuses[1].status, #statuses[1], statuses[2].status, #statuses[2] })
  end)

  it("makes a picture that is no higher than it may be, and says what it leaves out", function()
    for i = 1, 50 do
      poll { type = "update", id = tostring(i), name = "Q" .. i, metric = "waiting.rt", value = i }
    end
    for lines = 9, 60 do
      local picture = picture_of(board, 80, lines, 5000)
      assert.is_true(#picture <= lines, lines .. ": " .. #picture)
      local text = {}
      for i, line in ipairs(picture) do
        for _, span in ipairs(line) do
          text[#text + 1] = span[1]
        end
        text[#text + 1] = i .. "\n"
      end
      text = table.concat(text)
      local _, shown = text:gsub("Q%d+ ", "")
      assert.equal(50, shown + (tonumber(text:match("and (%d+) more")) or 0))
    end
  end)
end)

describe("the wallboard's screen", function()
  local texts = { "plain", "Zoë Ångström", "山田 太郎", "김민준", "अनिता शर्मा", "สมชาย ใจดี", "Ngô Thị Hương",
    "שירה כהן", "عمر الفاروق", "VIP ⭐ 🎧", "Emoji 😀 💻", "e\204\129", "ＡＢ", "…", "" }

  it("counts columns as the C library does", function()
    local names = dofile(helper.top .. "/lua/ccaas/sandbox/names.lua")
    for _, list in pairs(names) do
      for _, name in ipairs(list) do
        texts[#texts + 1] = name
      end
    end
    for _, text in ipairs(texts) do
      local _, output = helper.run("printf %s " .. helper.quote(text) .. " | LC_ALL=C.UTF-8 wc -L")
      assert.equal(tonumber(output:match("%d+")), select(2, screen.cut(text, 1000)), text)
    end
  end)

  it("cuts between characters, to exactly so many columns", function()
    assert.equal("山田…", (screen.cut("山田 太郎", 5)))
    assert.equal("山… ", screen.fit("山田 太郎", 4))
    assert.equal("山田", (screen.cut("山田", 4)))
    assert.equal("e\204\129e\204\129…", (screen.cut("e\204\129e\204\129e\204\129e", 3)))
    assert.equal("", (screen.cut("abc", 0)))
    assert.equal("…", (screen.cut("山", 1)))
    assert.equal("   ab", screen.fit("ab", 5, true))
    for _, text in ipairs(texts) do
      for columns = 0, 20 do
        local _, width = screen.cut(text, columns)
        assert.is_true(width <= columns)
        assert.equal(columns, select(2, screen.cut(screen.fit(text, columns), 1000)), text)
      end
    end
  end)

  it("lets no control character of a name through", function()
    assert.equal("a?[2Jb??", (screen.cut("a\27[2Jb\n\194\155", 80)))
  end)
end)
