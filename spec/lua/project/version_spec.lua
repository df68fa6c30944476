-- One version number, in a header of C; the others are compared to it.
local helper = require "spec.support.helper"

-- Was: `luarocks make --pack-binary-rock` made an empty rock; its lists cannot be
-- patterns.
describe("the rockspec", function()
  local rockspec = {}
  setup(function()
    local chunk = assert((loadstring or load)(helper.read "ccaas-scm-1.rockspec")) -- luacheck: ignore
    if rawget(_G, "setfenv") then
      setfenv(chunk, rockspec) -- luacheck: ignore
    else
      chunk = load(helper.read "ccaas-scm-1.rockspec", "rockspec", "t", rockspec) -- luacheck: ignore
    end
    chunk()
  end)

  it("lists every Lua file, under its module's name, and nothing else", function()
    local found = {}
    local _, output = helper.run("cd " .. helper.quote(helper.top) .. " && find lua -name '*.lua'")
    for path in output:gmatch "%S+" do
      found[path:match("^lua/(.*)%.lua$"):gsub("/", ".")] = path
    end
    assert.same(found, rockspec.build.install.lua)
  end)

  -- Was: a URL that looked like a real one.
  it("has a URL that is marked as a placeholder and leads nowhere", function()
    assert.equal("git+https://placeholder.invalid/ccaas.git", rockspec.source.url)
    assert.is_truthy(helper.read("ccaas-scm-1.rockspec"):find("\n  -- PLACEHOLDER: ", 1, true))
  end)

  it("lists the modules that CMake builds", function()
    local count = select(2, helper.read("CMakeLists.txt"):gsub("\nlua_module%(", ""))
    local listed = 0
    for name, path in pairs(rockspec.build.install.lib) do
      listed = listed + 1
      assert.equal("build.luarocks/" .. name:gsub("%.", "/") .. ".so", path)
    end
    assert.equal(count, listed)
  end)
end)

describe("the version", function()
  local version

  -- In one place only: what tools/release sets.
  it("stands in one header", function()
    local _, output = helper.run("cd " .. helper.quote(helper.top) .. " && grep -rh '#define CCAAS_VERSION ' src")
    version = output:match '^#define CCAAS_VERSION "(%d+%.%d+%.%d+)"\n$'
    assert.is_string(version, output)
  end)

  it("is what the module says", function()
    assert.equal(version, require("ccaas")._VERSION)
  end)

  -- As https://keepachangelog.com has it.  Was: a first part without a date.
  it("heads the changelog, below what is unreleased; each version is dated", function()
    local headings = {}
    for heading in helper.read("CHANGELOG.md"):gmatch "\n## ([^\n]+)" do
      headings[#headings + 1] = heading
    end
    assert.equal("[Unreleased]", table.remove(headings, 1))
    assert.equal("[" .. version .. "]", headings[1]:match "^%S+")
    local dates = {}
    for i, heading in ipairs(headings) do
      dates[i] = assert(heading:match "^%[%d+%.%d+%.%d+%] %- (20%d%d%-[01]%d%-[0-3]%d)$", heading)
      assert.is_true(i == 1 or dates[i] < dates[i - 1], heading)
    end
  end)

  it("names the kinds of change as Keep a Changelog does", function()
    for kind in helper.read("CHANGELOG.md"):gmatch "\n### ([^\n]+)" do
      assert.is_truthy(("Added Changed Deprecated Removed Fixed Security"):find(kind, 1, true), kind)
    end
  end)

  it("is not repeated in the build", function()
    assert.is_nil(helper.read("CMakeLists.txt"):find(version, 1, true))
    assert.is_nil(helper.read("ccaas-scm-1.rockspec"):find(version, 1, true))
    assert.is_nil(helper.read("README.md"):find(version, 1, true))
  end)

  it("goes out as the user agent", function()
    local sandbox = helper.sandbox{ agents = 10, queues = 1 }
    local client = require("ccaas").new(sandbox:options("8x8"))
    assert(client:queues():all())
    client:close()
    local requests = sandbox:requests()
    assert.is_true(#requests >= 2)
    for _, request in ipairs(requests) do
      assert.equal("ccaas/" .. version, request.headers["user-agent"])
    end
  end)
end)
