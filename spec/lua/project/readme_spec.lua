-- README.md and the pages of docs: every Lua block runs, from top to bottom of its
-- page, against the sandbox, and every link leads somewhere.
--
-- A block finds `ccaas`, the credentials K, S and T, the clients `x8` and `xima` as
-- docs/clients.md makes them, and everything that the blocks before it on its page
-- set at their outermost level.  `ccaas.new` checks the options as they stand, then
-- goes to the sandbox with them.  A block that uses `ngx` is only compiled, and so is a
-- block that needs a library which this Lua lacks.
local helper = require "spec.support.helper"
local docs = require "spec.support.docs"
local ccaas = require "ccaas"
local lfs = require "lfs"

local DEADLINE = 5 -- seconds for a call

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
  return source:find("subscribe", 1, true) or source:find("watch(", 1, true)
    or source:find("merge", 1, true)
end

local clients_source = docs.blocks("docs/clients.md")[1].source

describe("the documents' blocks:", function()
  local new = ccaas.new
  local folder = lfs.currentdir()

  setup(function()
    local sandbox = helper.sandbox{ agents = 100, queues = 10, groups = 3, recordings = 50, audio_interval = 0 }
    ccaas.new = function(options)
      if options.base_url then
        return new(options)
      end
      new(options):close()
      local redirected = { deadline = DEADLINE }
      for name, value in pairs(options) do
        redirected[name] = value
      end
      for name, value in pairs(sandbox:options(options.provider)) do
        redirected[name] = value
      end
      return new(redirected)
    end
    lfs.chdir(helper.folder())
  end)

  teardown(function()
    ccaas.new = new
    lfs.chdir(folder)
  end)

  local enough = {}

  -- Runs a block; one that reads events without an end is over when it printed three
  -- times.
  local function run(source, name, environment)
    if not environment.x8 and not name:find "README" then
      compile(publish(clients_source), "=docs/clients.md", environment)()
    end
    local prints, endless = 0, is_endless(source)
    function environment.print()
      prints = prints + 1
      if endless and prints == 3 then
        error(enough)
      end
    end
    local ok, err = pcall(assert(compile(publish(source), name, environment)))
    assert.is_true(ok or err == enough, tostring(err))
  end

  for _, page in ipairs(docs.for_users()) do
    describe(page, function()
      local environment = setmetatable({
        ccaas = ccaas, K = "key", S = "secret", T = "token",
        io = setmetatable({ write = function() end }, { __index = io }),
      }, { __index = _G })

      for _, block in ipairs(docs.blocks(page)) do
        it("has a block at line " .. block.line .. " that runs", function()
          local name = ("=%s, block at line %d"):format(page, block.line)
          assert(compile(block.source, name, environment))
          if runs_here(block.source) then
            run(block.source, name, environment)
          end
        end)
      end
    end)
  end

  it("are there", function()
    assert.is_true(#docs.blocks("README.md") > 0)
  end)
end)

describe("README.md", function()
  local readme = helper.read("README.md")

  it("is short", function()
    assert.is_true(select(2, readme:gsub("\n", "")) <= 180)
  end)

  it("gives the commands to try it and to test it", function()
    for _, command in ipairs{ "sh examples/quickstart.sh", "sh spec/run.sh" } do
      assert.is_truthy(readme:find(command, 1, true), command)
    end
  end)

  it("links to each page of docs, and so does their index", function()
    for _, from in ipairs{ "README.md", "docs/README.md" } do
      local linked = { ["README.md"] = true, ["docs/README.md"] = true }
      for _, to in ipairs(docs.links(from)) do
        linked[to.path or ""] = true
      end
      for _, page in ipairs(docs.for_users()) do
        assert.is_true(linked[page] or false, from .. " does not link to " .. page)
      end
    end
  end)
end)

describe("the links of", function()
  for _, page in ipairs(docs.all()) do
    it(page .. " lead to files and headings that are there", function()
      assert.same({}, docs.dead_links(page))
    end)
  end

  it("a page with dead ones are found", function()
    local folder = helper.folder()
    local file = assert(io.open(folder .. "/x.md", "w"))
    file:write("# One heading, `two`\n[a](x.md#one-heading-two) [b](#three) [c](y.md) [d](https://example.org)\n"
      .. "[e](../x.md) `[f](z.md)`\n\n    [g](z.md)\n\n```lua\n-- [h](z.md)\n```\n")
    file:close()
    assert.same({ "#three: no such heading", "y.md: no such file", "../x.md: no such file" },
      docs.dead_links("x.md", folder))
  end)
end)

describe("CONTRIBUTING.md", function()
  local text = helper.read("CONTRIBUTING.md")

  local function write(path, source)
    local file = assert(io.open(path, "w"))
    file:write(source)
    file:close()
  end

  local function run(command)
    local status, output = helper.run(("cd %s && %s"):format(helper.quote(helper.top), command))
    assert.equal(0, status, output)
    return output
  end

  it("names each folder of src", function()
    local _, files = helper.run("cd " .. helper.quote(helper.top) .. " && ls src/*/*.c")
    assert.is_truthy(files:find "src/json/")
    for folder in files:gmatch "(src/[^/\n]+)/" do
      assert.is_truthy(text:find("`" .. folder .. "`", 1, true), folder)
    end
  end)

  it("has a C spec that builds and runs", function()
    local folder = helper.folder()
    write(folder .. "/x_test.c", text:match("\n```c\n(.-)```"))
    local output = run(("cc -std=c11 -Wall -Wextra -D_GNU_SOURCE -Ispec/c -Isrc/policy -Isrc -Isrc/base %s/x_test.c "
      .. "src/policy/retry.c -lm -o %s/x_test && %s/x_test"):format(folder, folder, folder))
    assert.is_truthy(output:find("2 passed, 0 failed", 1, true), output)
  end)

  it("has a Lua spec that runs", function()
    local path = helper.folder() .. "/x_spec.lua"
    write(path, docs.blocks("CONTRIBUTING.md")[1].source)
    local output = run("CCAAS_LIMIT=60 sh spec/one.sh " .. path)
    assert.is_truthy(output:find("1 passed, 0 failed", 1, true), output)
  end)
end)

-- The documents' loop over a subscription formatted a gap's times by %d, which
-- Lua 5.4 refuses: they have fractions.
describe("the documents' loop over a subscription", function()
  it("prints every event of it", function()
    local source
    for block in helper.read("docs/live.md"):gmatch("\n```lua\n(.-)```") do
      source = source or block:find(":subscribe(", 1, true) and block
    end
    local events = {
      { type = "open", at = 1782777600.25, attempt = 1 },
      { type = "update", metric_id = "101", category = "A", kind = "COUNT", value = 1 },
      { type = "down", at = 1782777601.25, reason = "network" },
      { type = "gap", at = 1782777602.5, from = 1782777601.25, to = 1782777602.5, reason = "network" },
    }
    local printed, at = {}, 0
    local environment = setmetatable({
      xima = { subscribe = function()
        return function()
          at = at + 1
          return events[at]
        end
      end },
      print = function(...)
        printed[#printed + 1] = table.concat({ ... }, " ")
      end,
    }, { __index = _G })
    local chunk
    if rawget(_G, "setfenv") then
      chunk = setfenv(assert(loadstring(source)), environment) -- luacheck: ignore
    else
      chunk = assert(load(source, "docs/live.md", "t", environment)) -- luacheck: ignore
    end
    chunk()
    assert.same({ "101 A 1", "stale since now: network" }, { printed[1], printed[2] })
    assert.is_truthy(printed[3]:find("from 178277760%d to 178277760%d"), printed[3])
  end)
end)
