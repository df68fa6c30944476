-- examples/wallboard.lua: run as a program on a pseudo-terminal (by script, of
-- util-linux), against a sandbox of this process.
local ccaas = require "ccaas"
local core = require "ccaas.core"
local helper = require "spec.support.helper"
local lfs = require "lfs"
local wallboard = require "spec.support.wallboard"

local terminal, command, credentials = wallboard.terminal, wallboard.command, wallboard.credentials
local shows_state = wallboard.shows_state

local PATIENCE = 60 -- seconds for what must come

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
