-- examples/wallboard.lua: run as a program that writes into a pipe, against a
-- sandbox of this process.
local helper = require "spec.support.helper"
local wallboard = require "spec.support.wallboard"

local terminal, command, credentials = wallboard.terminal, wallboard.command, wallboard.credentials
local shows_state, screen = wallboard.shows_state, wallboard.screen

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

  it("lists the metrics that exist if none of its own is among them", function()
    sandbox:fault { path = "/realtime/metrics", body = '[{"metricId":"7","metricName":"Tea","categoryType":"AGENT"}]' }
    local status, output = run { "--once" }
    assert.equal(1, status)
    assert.equal("xima: has none of the metrics of this wallboard; it has Tea\n", output)
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
