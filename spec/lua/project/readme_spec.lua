-- README.md: every Lua block runs, from top to bottom, against the sandbox.
--
-- What a block finds: `ccaas`, the credentials K, S and T, a list `ids` of
-- metrics, and all that the blocks before it set at their outermost level.
-- `ccaas.new` checks the options as they stand, then goes to the sandbox with
-- them.  Events have no end: a deadline ends the block that reads them.
-- A block that speaks of `ngx` is compiled only, as is one that needs a library
-- which this Lua lacks.
local helper = require "spec.support.helper"
local ccaas = require "ccaas"
local lfs = require "lfs"

local seconds = 5 -- the deadline of every call

local function blocks()
  local found = {}
  local number, open = 0, nil
  for text in (helper.read("README.md") .. "\n"):gmatch("(.-)\r?\n") do
    number = number + 1
    if open and text:find("^```") then
      found[#found + 1] = { line = open.line, source = table.concat(open, "\n") .. "\n" }
      open = nil
    elseif open then
      open[#open + 1] = text
    elseif text == "```lua" then
      open = { line = number + 1 }
    end
  end
  return found
end

-- Makes a block's outermost locals globals, which the next block sees.
local function publish(source)
  return (("\n" .. source)
    :gsub("\nlocal (function )", "\n%1")
    :gsub("\nlocal ([%w_, ]+=)", "\n%1")
    :sub(2))
end

local function compile(source, name, environment)
  local setenv = rawget(_G, "setfenv")
  if setenv then
    local chunk, message = loadstring(source, name) -- luacheck: ignore
    return chunk and setenv(chunk, environment), message
  end
  return load(source, name, "t", environment) -- luacheck: ignore
end

local function runs_here(source)
  if source:find("%f[%w_]ngx%f[^%w_]") then
    return false
  end
  for name in source:gmatch("require[ (]*[\"']([%w_.]+)") do
    if not name:find("^ccaas") and not pcall(require, name) then
      return false
    end
  end
  return true
end

local function is_endless(source)
  return source:find("subscribe", 1, true) or source:find("watch", 1, true)
    or source:find("merge", 1, true)
end

describe("README.md", function()
  local new = ccaas.new
  local folder = lfs.currentdir()
  local environment

  setup(function()
    local sandbox = helper.sandbox{ agents = 100, queues = 10, groups = 3, recordings = 50 }
    ccaas.new = function(options)
      if options.base_url then
        return new(options)
      end
      new(options):close()
      local redirected = { deadline = seconds }
      for name, value in pairs(options) do
        redirected[name] = value
      end
      for name, value in pairs(sandbox:options(options.provider)) do
        redirected[name] = value
      end
      return new(redirected)
    end
    environment = setmetatable({
      ccaas = ccaas, K = "key", S = "secret", T = "token", ids = { "101" },
      print = function() end,
      io = setmetatable({ write = function() end }, { __index = io }),
    }, { __index = _G })
    lfs.chdir(helper.folder())
  end)

  teardown(function()
    ccaas.new = new
    lfs.chdir(folder)
  end)

  for _, block in ipairs(blocks()) do
    it("has a block at line " .. block.line .. " that runs", function()
      local name = "=README.md, block at line " .. block.line
      assert(compile(block.source, name, environment))
      if not runs_here(block.source) then
        return
      end
      local ok, err = pcall(assert(compile(publish(block.source), name, environment)))
      if not ok and is_endless(block.source) and type(err) == "table" then
        assert.equal("timeout", err.code, tostring(err))
      else
        assert.is_true(ok, tostring(err))
      end
    end)
  end

  it("has Lua blocks", function()
    assert.is_true(#blocks() > 0)
  end)

  it("gives the commands to try it and to test it", function()
    local text = helper.read("README.md")
    for _, command in ipairs{ "sh examples/quickstart.sh", "sh spec/run.sh" } do
      assert.is_truthy(text:find(command, 1, true), command)
    end
  end)

  it("links to files that are there", function()
    local prose = helper.read("README.md"):gsub("\n```.-\n```", ""):gsub("`[^`\n]*`", "")
    for path in prose:gmatch("%]%(([%w_./-]+)[#)]") do
      assert.is_truthy(lfs.attributes(helper.top .. "/" .. path), path)
    end
  end)
end)
