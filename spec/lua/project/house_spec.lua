-- How the source tree is built: rooms without circles, pure files, prefixes,
-- names, lengths.  What is known to be otherwise stands in the lists below; a
-- list only gets shorter, and an entry that is not true any more fails, too.
local lfs = require "lfs"

local helper = require "spec.support.helper"
local house = require "spec.support.house"
local Tree = require "spec.support.tree"

local build = os.getenv("CCAAS_BUILD") or helper.top .. "/build/lua54"

-- All files of these rooms are pure, and so is each file that says so.
local pure_rooms = { "json", "ogg", "policy" }

local known = {
  room_circles = {},
  call_circles = {},
  unit_circles = {},
  cmake = {},
  lua_circles = {},
  impure = {
    ["src/json/number.c newlocale"] = "the C locale's decimal point, whatever the host's is",
    ["src/json/number.c pthread_once"] = "the same",
    ["src/json/number.c strtod"] = "the same",
    ["src/json/number.c strtod_l"] = "the same",
    ["src/sandbox/ogg.c pthread_once"] = "a table that is always the same",
  },
  libraries = {},
  prefixes = {},
  twins = {
    ["description.lua"] = "one for each vendor",
    ["engine.c"] = "the thread of libcurl, and that of libwebsockets",
    ["json.lua"] = "the sandbox writes what the client reads",
    ["names.lua"] = "the sandbox writes what the client reads",
    ["ogg.c"] = "the sandbox writes what the client reads",
    ["socket.c"] = "both ends of a websocket",
    ["values.lua"] = "the sandbox writes what the client reads",
  },
  long_files = {},
}

local tree = Tree.new(helper.top, build)

describe("the source tree", function()
  local function it_has(title, check)
    it(title, function()
      assert.same({}, house.differ(house[check](tree, pure_rooms), known[check]))
    end)
  end

  it_has("has rooms whose includes form no circle", "room_circles")
  it_has("has rooms whose calls form no circle", "call_circles")
  it_has("has C files whose includes form no circle", "unit_circles")
  it_has("has rooms that see what they include, without a circle", "cmake")
  it_has("has Lua modules that require one another without a circle", "lua_circles")
  it_has("has pure files that call no clock, thread, socket or random number", "impure")
  it_has("calls a library from its own room alone", "libraries")
  it_has("has one prefix for public names and one for internal ones", "prefixes")
  it_has("has no two files of one name without a reason", "twins")
  it_has("has no file that is too long", "long_files")
end)

-- A copy of the tree with a fault in it, for each check.
describe("a fault in the source tree", function()
  local copy, objects

  setup(function()
    copy = helper.folder()
    objects = copy .. "/build/CMakeFiles"
    local command = ([[cd %s && mkdir -p %s && cp -r CMakeLists.txt src lua spec examples %s && cd %s/CMakeFiles &&
      find . -path '*.dir/src/*' -name '*.c.o' -exec cp --parents -t %s {} +]]):format(helper.quote(helper.top),
        helper.quote(objects), helper.quote(copy), helper.quote(build), helper.quote(objects))
    assert.equal(0, (helper.run(command)))
  end)

  local function write(path, text)
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
  end

  --- Compiles the new .c files among these.
  local function compile(paths)
    for _, path in ipairs(paths) do
      local room = path:match("^src/(.*)/[^/]*%.c$")
      if room then
        local object = ("%s/%s.dir/%s.o"):format(objects, room, path)
        local command = ("cd %s && cc -c -o %s %s"):format(copy, object, path)
        assert.same({ 0, "" }, { helper.run(command) })
      end
    end
  end

  --- What a check finds more when each of these files ends in this text.
  local function finds(check, faults)
    local before = house[check](tree, pure_rooms)
    local old = {}
    for path, text in pairs(faults) do
      local whole = copy .. "/" .. path
      helper.run("mkdir -p " .. whole:match("^(.*)/"))
      old[path] = lfs.attributes(whole) and helper.read(whole)
      write(whole, (old[path] or "") .. text)
    end
    compile(Tree.keys(faults))
    local done, after = pcall(house[check], Tree.new(copy, copy .. "/build"), pure_rooms)
    for path in pairs(faults) do
      if old[path] then
        write(copy .. "/" .. path, old[path])
      else
        os.remove(copy .. "/" .. path)
      end
    end
    assert(done, after)
    return house.differ(after, before)
  end

  it("is rooms that include one another", function()
    assert.same({ "a circle: json -> ogg -> json", "a circle: ogg -> json -> ogg" }, finds("room_circles", {
      ["CMakeLists.txt"] = "room(json ogg)\nroom(ogg json)\n",
      ["src/json/planted.h"] = '#include "ogg.h"\n',
      ["src/ogg/planted_ogg.h"] = '#  include  "scan.h" /* spaces */\n',
    }))
  end)

  it("is not an include in a comment", function()
    assert.same({}, finds("room_circles", {
      ["src/json/planted.h"] = '/* #include "ogg.h" */\n// #include "ogg.h"\n',
      ["src/ogg/planted_ogg.h"] = '/*\n#include "scan.h"\n*/\n',
    }))
  end)

  it("is rooms that call one another and do not include it", function()
    assert.same({ "a circle: json -> ogg -> json", "a circle: ogg -> json -> ogg" }, finds("call_circles", {
      ["src/json/planted.c"] = "void cc_a(void); void cc_b(void);\nvoid cc_a(void) { cc_b(); }\n",
      ["src/ogg/planted.c"] = "void cc_a(void); void cc_b(void);\nvoid cc_b(void) { cc_a(); }\n",
    }))
  end)

  it("is files that include one another, by their headers or not", function()
    assert.same({
      "a circle: json/one -> json/two -> json/three -> json/one",
      "a circle: json/three -> json/one -> json/two -> json/three",
      "a circle: json/two -> json/three -> json/one -> json/two",
    }, finds("unit_circles", {
      ["src/json/one.h"] = "int cc_one(void);\n",
      ["src/json/one.c"] = '#include "one.h"\n#include "two.h"\nint cc_one(void) { return 1; }\n',
      ["src/json/two.h"] = '#include "three.h"\n',
      ["src/json/three_own.h"] = '#include "one.h"\n',
      ["src/json/three.h"] = "",
    }))
  end)

  it("is a list of CMake with a circle, with what is not used, or without a room", function()
    assert.same({
      "a circle: json -> ogg -> json",
      "room(json) may see ogg and includes nothing of it",
      "src/new is not a room of CMakeLists.txt",
      "a circle: ogg -> json -> ogg",
      "room(ogg) may see json and includes nothing of it",
    }, finds("cmake", {
      ["CMakeLists.txt"] = "room(json core\n  ogg)\nroom(ogg json) # room(new)\n",
      ["src/new/a.h"] = "",
    }))
  end)

  it("is Lua modules that require one another", function()
    assert.same({ "a circle: ccaas.one -> ccaas.two -> ccaas.one", "a circle: ccaas.two -> ccaas.one -> ccaas.two" },
      finds("lua_circles", {
        ["lua/ccaas/one.lua"] = 'local two = require "ccaas.two"\n',
        ["lua/ccaas/two.lua"] = "-- require 'ccaas.three'\nreturn function() return require('ccaas.one') end\n",
        ["lua/ccaas/three.lua"] = 'require "ccaas.one"\n',
      }))
  end)

  it("is a pure file that calls a clock, a thread, a socket or a random number", function()
    assert.same({
      "src/json/planted.c is pure and calls rand",
      "src/json/planted.c is pure and calls time",
      "src/ogg/planted.c is pure and calls pthread_create",
      "src/ogg/planted.c is pure and calls socket",
    }, finds("impure", {
      ["src/json/planted.c"] = [[
        #include <stdlib.h>
        #include <time.h>
        long cc_a(void) { return rand() + (long)time(NULL); }
      ]],
      ["src/ogg/planted.c"] = [[
        #include <pthread.h>
        #include <sys/socket.h>
        int cc_b(void *(*f)(void *)) { pthread_t t; return pthread_create(&t, NULL, f, NULL) + socket(1, 1, 0); }
      ]],
    }))
  end)

  it("is a file that says it is pure and reaches a clock through another", function()
    assert.same({ "src/binding/one.c is pure and calls clock (in src/binding/two.c)" }, finds("impure", {
      ["src/binding/one.c"] = "/* Sums.  PURE. */\n"
        .. "long cc_b(void);\nlong cc_a(void);\nlong cc_a(void) { return cc_b(); }\n",
      ["src/binding/two.c"] = "#include <time.h>\nlong cc_b(void);\nlong cc_b(void) { return clock(); }\n",
    }))
  end)

  it("is a library that is called from another room", function()
    assert.same({
      "src/json/planted.c calls curl_easy_init, and libcurl is for src/http alone",
      "src/json/planted.c calls luaL_error, and Lua is for src/binding, src/sandbox alone",
    }, finds("libraries", {
      ["src/json/planted.c"] = "void curl_easy_init(void); void luaL_error(void);\n"
        .. "void cc_a(void) { curl_easy_init(); luaL_error(); }\n",
    }))
  end)

  it("is an internal name with the public prefix, or with none", function()
    assert.same({
      "src/json/planted.c: CCAAS_PLANTED is not of a public header: write CC_",
      "src/json/planted.c: ccaas_planted is not of a public header: write cc_",
      "src/json/planted.c: ccaas_quiet is not of a public header: write cc_",
      "src/json/planted.c: the symbol planted has no prefix: write cc_",
    }, finds("prefixes", {
      ["src/json/planted.c"] = [[
        #define CCAAS_PLANTED "ccaas_text" /* ccaas_comment */
        int ccaas_planted(void) { return 1; }
        static int ccaas_quiet(void) { return 1; }
        int planted(void) { return ccaas_quiet(); }
      ]],
    }))
  end)

  it("is a public name with the internal prefix", function()
    local _, output = helper.run("find " .. helper.quote(copy .. "/src") .. " -name ccaas.h")
    local header = output:match("(src/[^\n]*ccaas%.h)\n")
    assert.same({ header .. " is public, and cc_planted has the internal prefix" }, finds("prefixes", {
      [header] = "void ccaas_planted(int cc_planted);\n",
    }))
  end)

  it("is a second file of one name", function()
    assert.same({ "files of one name: src/http/scan.h, src/json/scan.h" }, finds("twins", {
      ["src/http/scan.h"] = "",
      ["src/binding/split.h"] = "",
    }))
  end)

  it("is a file that is too long", function()
    assert.same({ "lua/ccaas/long.lua has 501 lines; 500 is the most" }, finds("long_files", {
      ["lua/ccaas/long.lua"] = ("\n"):rep(501),
      ["lua/ccaas/full.lua"] = ("\n"):rep(500),
    }))
  end)

  it("is an entry of a list that is not true any more", function()
    assert.same({ "a is new", "c is not true any more: take it off the list" },
      house.differ({ a = "a is new", b = "b is old" }, { b = true, c = true }))
  end)
end)

-- The pages that explain the code are of use only while they are true.
describe("docs/internals", function()
  local sources = {}
  for _, path in ipairs(tree:files("src", "c h")) do
    sources[#sources + 1] = tree:text(path)
  end
  sources = table.concat(sources, "\n")

  local function page(name)
    return helper.read(helper.top .. "/docs/internals/" .. name)
  end

  it("says who sees whom as CMake has it", function()
    local said, real = {}, {}
    for room, others in page("overview.md"):match("| room | sees |\n(.-)\n\n"):gmatch("| `([%w_/]+)` |([^|\n]*)|") do
      said[room] = {}
      for other in others:gmatch("`([%w_/]+)`") do
        table.insert(said[room], other)
      end
      table.sort(said[room])
    end
    local rooms = tree:rooms()
    for room, others in pairs(rooms) do
      real[room] = {}
      for _, other in ipairs(others) do
        if rooms[other] then
          table.insert(real[room], other)
        end
      end
      table.sort(real[room])
    end
    assert.same(real, said)
  end)

  it("names functions and files that exist", function()
    local missing, count = {}, 0
    local pages = { "overview.md", "walks.md", "store-protocol.md", "fork-and-exit.md", "waking-nginx.md" }
    for _, name in ipairs(pages) do
      for word in page(name):gmatch("`([%w_/.]+)`") do
        local exists = true
        if word:find("^ccaas_") or word:find("^cc_") or word:find("^CCA?A?S?_[%u_]+$") then
          exists = sources:find("%f[%w_]" .. word .. "%f[^%w_]")
        elseif word:find("^[%w_]+/[%w_/]+%.[ch]$") then
          exists = tree:text("src/" .. word) or tree:text(word)
        end
        count = count + 1
        if not exists then
          missing[#missing + 1] = name .. ": " .. word
        end
      end
    end
    assert.same({}, missing)
    assert.is_true(count > 100)
  end)
end)
