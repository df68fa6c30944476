-- The examples, run as they are, each in a process of its own.
local helper = require "spec.support.helper"

-- Runs an example; its arguments are words for Lua: '"--sandbox", "folder"'.
local function example(name, arguments)
  local script = ("arg = { %s } dofile(%q)"):format(arguments or "", "examples/" .. name)
  return helper.run(("cd %s && %s"):format(helper.quote(helper.top), helper.command(script)))
end

describe("examples/quickstart.lua", function()
  local status, output

  setup(function()
    status, output = example("quickstart.lua")
  end)

  it("ends well", function()
    assert.equal(0, status, output)
  end)

  it("prints ten queues with their counts", function()
    local queues = output:match("^(waiting +handling +QUEUE.-)\n\n")
    assert.is_truthy(queues, output)
    local rows = 0
    for line in queues:gmatch("\n([^\n]+)") do
      if line:find("^ *[%d,-]+ +[%d,-]+  %S") then
        rows = rows + 1
      end
    end
    assert.equal(10, rows, output)
    assert.is_truthy(queues:find("... 250 queues in all", 1, true), output)
  end)

  it("prints ten agents with their status", function()
    local agents = output:match("\n(status +AGENT.-)\n\n")
    assert.is_truthy(agents, output)
    local rows = 0
    for line in agents:gmatch("\n([^\n]+)") do
      if line:find("^[%a-][%a ]*  +%S") then
        rows = rows + 1
      end
    end
    assert.equal(10, rows, output)
  end)

  it("counts every agent, and says how long it took", function()
    local queues, agents, pages, seconds =
      output:match("\n(%S+) queues and (%S+) agents %((%d+) pages%) in (%d+%.%d+) seconds\n$")
    assert.same({ "250", "5,000", "5" }, { queues, agents, pages }, output)
    assert.is_true(tonumber(seconds) > 0, output)
  end)
end)

describe("examples/archive.lua", function()
  it("fetches every recording of a period, and none of them again", function()
    local folder = helper.folder()
    local arguments = ('"--sandbox", %q'):format(folder)
    local status, output = example("archive.lua", arguments)
    assert.equal(0, status, output)
    local fetched = output:match("\n(%d+) files fetched, 0 already there, [%d.]+ MB, 0 failed\n$")
    assert.is_truthy(fetched, output)
    assert.is_true(tonumber(fetched) > 1, output)
    local _, kept = helper.run("find " .. helper.quote(folder) .. " -type f -size +1k -name '*.ogg' | wc -l")
    assert.equal(fetched, kept:match("%d+"))

    status, output = example("archive.lua", arguments)
    assert.equal(0, status, output)
    assert.equal(fetched, output:match("\n0 files fetched, (%d+) already there, "), output)
  end)

  it("says how it is used", function()
    local status, output = example("archive.lua")
    assert.equal(2, status)
    assert.is_truthy(output:find("^usage: "), output)
  end)
end)

describe("examples/loops", function()
  for _, name in ipairs { "cqueues", "luv", "copas" } do
    -- Debian has copas for Lua 5.1 only.
    if name ~= "copas" or rawget(_G, "jit") then
      it("walks two lists side by side in " .. name, function()
        local status, output = example("loops/" .. name .. ".lua")
        assert.equal(0, status, output)
        assert.truthy(output:find("50 queues\n", 1, true), output)
        assert.truthy(output:find("500 agents\n", 1, true), output)
      end)
    end
  end
end)

describe("the examples", function()
  it("are each named in a spec", function()
    local _, specs = helper.run(
      "cd " .. helper.quote(helper.top) .. "/spec && cat */*_spec.lua lua/*/*_spec.lua")
    local _, names = helper.run("cd " .. helper.quote(helper.top) .. "/examples && ls *.lua loops/*.lua")
    for file in names:gmatch("%S+%.lua") do
      local name = file:gsub("^loops/%a+%.lua$", "loops")
      assert.is_truthy(specs:find("examples/" .. name, 1, true), name .. " is in no spec")
    end
  end)
end)
