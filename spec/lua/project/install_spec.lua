-- The rock with Debian's packages alone: made by the README's line, and packed in
-- one tree and installed in another; and what is said when a package is missing.
local helper = require "spec.support.helper"

-- A copy of what the rock is made of: nothing is built in the repository.  As in a
-- checkout, the second rock is built over the first one's objects.
local sources

setup(function()
  sources = helper.folder()
  local status, output = helper.run(("cd %s && cp -r *.rockspec CMakeLists.txt src lua tools examples %s"):format(
    helper.quote(helper.top), helper.quote(sources)))
  assert.equal(0, status, output)
end)

local function lua_files()
  local _, output = helper.run("cd " .. helper.quote(helper.top) .. "/lua && find . -name '*.lua'")
  return output:gmatch("%./(%S+)")
end

-- The README's line that builds; `packed`: what a release does instead.
local line = assert(helper.read("README.md"):match "\n    (LUAROCKS_CONFIG=%S+ luarocks [^\n]* make)\n")

local INSTALL = {
  made = [[%s]],
  packed = [[%s --pack-binary-rock
    export LUAROCKS_CONFIG=examples/debian-luarocks.lua
    luarocks --lua-version %s --tree lua_modules install ./ccaas-scm-1.*.rock]],
}

for _, case in ipairs{
  { version = "5.4", interpreter = "lua5.4", how = "packed" },
  { version = "5.1", interpreter = "luajit", how = "made" },
} do
  describe("the rock for Lua " .. case.version, function()
    local tree
    local folder = "/share/lua/" .. case.version
    local c_folder = "/lib/lua/" .. case.version

    -- Runs a script in / with nothing but the tree's paths added.
    local function run(script)
      return helper.run(("cd / && LUA_PATH=%s LUA_CPATH=%s %s -e %s"):format(
        helper.quote(tree .. folder .. "/?.lua;" .. tree .. folder .. "/?/init.lua;;"),
        helper.quote(tree .. c_folder .. "/?.so;;"), case.interpreter, helper.quote(script)))
    end

    setup(function()
      tree = sources .. "/lua_modules"
      local command = line:gsub("%-%-lua%-version %S+", "--lua-version " .. case.version)
      local status, output = helper.run(("cd %s && rm -rf lua_modules *.rock && export HOME=%s "
        .. "CMAKE_BUILD_PARALLEL_LEVEL=2 && set -e\n%s"):format(helper.quote(sources), helper.quote(sources),
        INSTALL[case.how]:format(command, case.version)))
      assert.equal(0, status, output)
    end)

    teardown(function()
      -- Was: what CMake had installed itself was left.
      local status, output = helper.run(("cd %s && export HOME=%s LUAROCKS_CONFIG=examples/debian-luarocks.lua && "
        .. "luarocks --lua-version %s --tree lua_modules remove ccaas"):format(helper.quote(sources),
        helper.quote(sources), case.version))
      assert.equal(0, status, output)
      local _, left = helper.run(("find %s -type f ! -name manifest"):format(helper.quote(tree)))
      assert.equal("", left)
    end)

    it("has every Lua file", function()
      local files = 0
      for name in lua_files() do
        files = files + 1
        assert.equal(helper.read("lua/" .. name), helper.read(tree .. folder .. "/" .. name))
      end
      assert.is_true(files > 1)
    end)

    it("loads on " .. case.interpreter .. " in any folder", function()
      local status, output = run[[
        local ccaas = require "ccaas"
        print(ccaas._VERSION, package.searchpath("ccaas", package.path),
          package.searchpath("ccaas.core", package.cpath))]]
      assert.equal(0, status, output)
      local version, lua_file, c_file = output:match("^(%S+)\t(%S+)\t(%S+)\n$")
      assert.equal(require("ccaas")._VERSION, version)
      assert.equal(tree .. folder .. "/ccaas.lua", lua_file)
      assert.equal(tree .. c_folder .. "/ccaas/core.so", c_file)
    end)

    it("reads from its own sandbox", function()
      local status, output = run[[
        local sandbox = require("ccaas.sandbox").start{ agents = 20, queues = 3 }
        local client = require("ccaas").new(sandbox:options("8x8"))
        print(#assert(client:queues():all()))
        client:close()
        sandbox:stop()]]
      assert.same({ 0, "3\n" }, { status, output })
    end)
  end)
end

describe("the build of the rock", function()
  -- Runs it with nothing on the path but a shell's tools and `present`.
  local function build(present, headers)
    local folder = helper.folder()
    for name in (present .. " sh dirname"):gmatch "%S+" do
      assert.equal(0, (helper.run(("ln -s $(command -v %s) %s/%s"):format(name, folder, name))))
    end
    local status, output = helper.run(("cd %s && PATH=%s PKG_CONFIG_LIBDIR=/nowhere PKG_CONFIG_PATH= "
      .. "sh tools/build-rock %s"):format(helper.quote(sources), folder, headers))
    assert.equal(1, status, output)
    return output
  end

  -- Was: a missing make or CMake was told as a failure of CMake or LuaRocks.
  it("names everything that is missing, with the command that installs it", function()
    assert.equal("ccaas cannot be built, missing: a C compiler, CMake, make, pkg-config, Lua 5.3's headers, "
      .. "libcurl >= 7.87, libwebsockets >= 4.1, libuv, openssl >= 1.1.1, zlib\nOn Debian: apt-get install gcc "
      .. "libc6-dev cmake make pkg-config liblua5.3-dev libcurl4-openssl-dev libwebsockets-dev libuv1-dev libssl-dev "
      .. "zlib1g-dev\n", build("", "/nowhere/lua5.3"))
    local said = build("gcc cmake make pkg-config", "/nowhere/luajit-2.1")
    assert.is_truthy(said:find("missing: LuaJIT's headers, libcurl", 1, true), said)
    assert.is_truthy(said:find("apt-get install libluajit-5.1-dev libcurl4-openssl-dev", 1, true), said)
  end)
end)

describe("a LuaJIT in a folder of its own", function()
  it("is what LuaRocks builds for, by the words of docs/install.md", function()
    local page = helper.read "docs/install.md"
    local words = assert(page:match "`(%-%-lua%-version 5%.1 %-%-lua%-dir) /usr/local/openresty/")
    local folder, copy = helper.folder(), helper.folder()
    local status, output = helper.run(([[
      cd %s && mkdir -p bin include && ln -s "$(command -v luajit)" bin/ && ln -s /usr/include/luajit-2.1 include/ &&
      cd %s && cp -r %s/* . && echo 'echo "headers: $1"; exit 1' >tools/build-rock &&
      LUAROCKS_CONFIG=examples/debian-luarocks.lua HOME=$PWD luarocks %s %s --tree lua_modules make]]):format(
      helper.quote(folder), helper.quote(copy), helper.quote(sources), words, helper.quote(folder)))
    assert.equal(1, status, output)
    assert.is_truthy(output:find("headers: " .. folder .. "/include/luajit-2.1\n", 1, true), output)
  end)
end)

it("without lua-cjson says how to install it", function()
  local status, output = helper.run(helper.command [[
    package.path = package.path:gsub(";;", ";")
    table.insert(package.loaders or package.searchers, 2, function(name)
      if name == "cjson" then
        error("module 'cjson' not found: no such file", 0)
      end
    end)
    package.loaded.cjson = nil
    io.write(select(2, pcall(require, "ccaas")))]])
  assert.equal(0, status, output)
  assert.is_truthy(output:match "^ccaas needs lua%-cjson[^\n]*: apt%-get install lua%-cjson[^\n]*$", output)
end)

describe("a machine without", function()
  -- Runs CMake where pkg-config knows only the modules named in `present`
  -- (name to version), and gives what it said on one line.
  local function configure(present, options)
    local known = helper.folder()
    for name, version in pairs(present) do
      local file = assert(io.open(known .. "/" .. name .. ".pc", "w"))
      file:write(("Name: %s\nDescription: %s\nVersion: %s\n"):format(name, name, version))
      file:close()
    end
    local status, output = helper.run((
      "PKG_CONFIG_PATH= PKG_CONFIG_LIBDIR=%s cmake -S %s -B %s %s"):format(
      helper.quote(known), helper.quote(sources), helper.quote(known .. "/build"), options or ""))
    assert.is_true(status ~= 0, output)
    return (output:gsub("%s+", " "))
  end

  local function says(package, output)
    assert.is_truthy(output:find("apt-get install " .. package .. ")", 1, true), output)
  end

  -- In the order in which CMake looks for them.
  local all = {
    { "libcurl", "7.88.1", "libcurl4-openssl-dev" },
    { "libwebsockets", "4.1.6", "libwebsockets-dev" },
    { "libuv", "1.44.2", "libuv1-dev" },
    { "openssl", "3.0.0", "libssl-dev" },
    { "zlib", "1.2.13", "zlib1g-dev" },
  }
  local present = {}
  for _, module in ipairs(all) do
    local name, version, package = module[1], module[2], module[3]
    local before = {}
    for known, its_version in pairs(present) do
      before[known] = its_version
    end
    it(name .. " is told which package has it", function()
      says(package, configure(before))
    end)
    present[name] = version
  end

  it("a libcurl that is new enough is told so", function()
    local output = configure{ libcurl = "7.64.0" }
    says("libcurl4-openssl-dev", output)
    assert.is_truthy(output:find("libcurl>=7.87", 1, true), output)
  end)

  it("Lua's headers is told which package has them", function()
    says("liblua5.4-dev", configure(present))
    says("libluajit-5.1-dev", configure(present, "-DCCAAS_LUA=luajit"))
    says("liblua5.2-dev", configure(present, "-DCCAAS_LUA=lua5.2"))
    says("liblua5.3-dev", configure(present, "-DCCAAS_LUA=lua5.3"))
    says("liblua5.1-0-dev", configure(present, "-DCCAAS_LUA=lua5.1"))
    says("liblua5.5-dev", configure(present, "-DCCAAS_LUA=lua5.5"))
    local output = configure(present, "-DLUA_INCDIR=/nowhere")
    assert.is_truthy(output:find("no lua.h in /nowhere", 1, true), output)
    assert.is_truthy(output:find("apt-get install liblua5.4-dev", 1, true), output)
  end)
end)

-- A user without sudo was told "sudo: not found".
describe("a user without sudo", function()
  it("is told what an administrator has to install", function()
    local folder = helper.folder()
    for name, text in pairs{ id = "echo 1000", sudo = "exit 1" } do
      local file = assert(io.open(folder .. "/" .. name, "w"))
      file:write("#!/bin/sh\n" .. text .. "\n")
      file:close()
      assert.equal(0, (helper.run("chmod +x " .. helper.quote(folder .. "/" .. name))))
    end
    local status, output = helper.run(("PATH=%s:$PATH sh .ci/packages dpkg no-such-package also-none"):format(
      helper.quote(folder)))
    assert.equal(1, status)
    assert.equal("ask an administrator for: apt-get install no-such-package also-none\n", output)
  end)
end)
