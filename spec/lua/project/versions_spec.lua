-- Each Lua that is promised beside those of the other specs: Lua 5.1, 5.2 and 5.3
-- load the module, walk a list and read a subscription, and walk a list in each
-- event loop that there is for them.  What knows no Lua is taken as it was built.
-- Lua 5.5 does the same where it and a lua-cjson for it are installed.
local helper = require "spec.support.helper"

local build = os.getenv "CCAAS_BUILD"

local function run(command)
  local status, output = helper.run(command)
  assert.equal(0, status, output)
  return output
end

local PRELUDE = [[
  local ccaas, sandbox = require "ccaas", require "ccaas.sandbox"
  local sb = sandbox.start { agents = 20, queues = 7, seed = 1 }
  local function options(vendor, loop)
    local given = sb:options(vendor)
    given.loop = loop
    return given
  end
  local count = 0
]]

local WALK = PRELUDE .. [[
  for queue in ccaas.new(options "8x8"):queues { size = 2 } do
    assert(queue.name)
    count = count + 1
  end
  io.write(_VERSION, " ", count)
]]

local SUBSCRIPTION = PRELUDE .. [[
  sb:push { id = "101", category = "Today", value = 5 }
  local live = ccaas.new(options "xima"):subscribe { "101" }
  for event in live do
    count = count + 1
    if event.type ~= "open" then
      break
    end
  end
  live:close()
  io.write(_VERSION, " ", count)
]]

-- %s: what reads one stream in a coroutine of the loop.
local LOOPS = {
  cqueues = [[
    local controller = require("cqueues").new()
    controller:wrap(work)
    assert(controller:loop())
  ]],
  luv = [[
    coroutine.wrap(work)()
    require("luv").run()
  ]],
  copas = [[
    local copas = require "copas"
    copas.addthread(work)
    while count < 8 do
      copas.step()
    end
  ]],
}

local LOOP = PRELUDE .. [[
  local client, failure = ccaas.new(options("8x8", "LOOP")), nil
  local function work()
    local stream = client:queues { size = 2 }
    local row, err = stream:next()
    while row do
      count = count + 1
      row, err = stream:next()
    end
    assert(not err, tostring(err))
    -- Was: the first two of these, too, "attempt to yield across ... boundary".
    assert(client:queue "101")
    assert(#client:queues():all() == 7)
    assert(ccaas.new(options("xima", "LOOP")):historic_data("1001", { format = "CSV", from = 0, to = 60,
      sink = function() end }))
    local fine, message = pcall(function() for _ in client:queues() do end end)
    failure = not fine and tostring(message) or "none"
    count = count + 1
  end
  RUN
  io.write(_VERSION, " ", count, " ", failure)
]]

local versions = { "5.1", "5.2", "5.3" }
if helper.run("lua5.5 -e 'require [[cjson]]'") == 0 then
  versions[#versions + 1] = "5.5"
end

for _, version in ipairs(versions) do
  describe("Lua " .. version, function()
    local folder, interpreter = nil, "lua" .. version

    local function compile(room, objects, output)
      run(([[cd %s && gcc -O1 -shared -fPIC -fvisibility=hidden -D_GNU_SOURCE \
        -Isrc -Isrc/base -Isrc/wake -Isrc/files -Isrc/json -Isrc/ogg \
        $(pkg-config --cflags %s libwebsockets openssl zlib) src/%s/*.c %s -o %s \
        $(pkg-config --libs libcurl libwebsockets libuv openssl zlib) -lpthread -lm -Wl,-z,nodelete]]):format(
        helper.quote(helper.top), interpreter, room, objects, output))
    end

    setup(function()
      folder = helper.folder()
      run(("mkdir -p %s/ccaas/sandbox && ninja -C %s ccaas_c"):format(folder, helper.quote(build)))
      compile("binding", helper.quote(build) .. "/libccaas_c.a", folder .. "/ccaas/core.so")
      compile("sandbox", "src/base/descriptor.c", folder .. "/ccaas/sandbox/server.so")
    end)

    local function say(script)
      return run(("%s LUA_PATH=%s LUA_CPATH=%s %s -e %s"):format(
        "env $(env | sed -n 's/^\\(LUA_C*PATH_5_.\\)=.*/-u \\1/p')",
        helper.quote(helper.top .. "/lua/?.lua;;"), helper.quote(folder .. "/?.so;;"),
        interpreter, helper.quote(script)))
    end

    it("walks a list", function() assert.equal("Lua " .. version .. " 7", say(WALK)) end)

    it("reads a subscription", function()
      assert.equal("Lua " .. version .. " 2", say(SUBSCRIPTION))
    end)

    local loops = 0
    for name, how in pairs(LOOPS) do
      if helper.run(interpreter .. " -e " .. helper.quote("require '" .. name .. "'")) == 0 then
        loops = loops + 1
        it("walks a list in " .. name, function()
          local said = say((LOOP:gsub("LOOP", name):gsub("RUN", how)))
          local count, failure = said:match "^Lua 5%.%d (%d+) (.*)$"
          assert.equal("8", count, said)
          -- Was: "attempt to yield across metamethod/C-call boundary".
          local expected = version == "5.1" and "Lua 5.1 cannot yield in a `for`" or "none"
          assert.is_truthy(failure:find(expected, 1, true), said)
        end)
      end
    end

    if version ~= "5.5" then
      it("has event loops to try", function() assert.is_true(loops > 0) end)
    end
  end)
end

-- Was: "attempt to assign to const variable" on Lua 5.5, where the first variable of
-- a `for` is a constant.  Lua 5.4 finds it, too, once that is a local marked as such.
it("no Lua file assigns to the control variable of a `for`", function()
  local loops = 0
  local function constant(line)
    return not line:find "^%s*%-%-" and line:gsub("%f[%w_]for ([%a_][%w_]*)(.-) do%f[^%w_]", function(name, rest)
      if rest:find "^ =" or rest:find "^[%w_, ]* in " then
        loops = loops + 1
        return ("for given_%s%s do local %s <const> = given_%s;"):format(name, rest, name, name)
      end
    end)
  end
  local _, files = helper.run("cd " .. helper.quote(helper.top) .. " && find lua examples spec -name '*.lua'")
  for path in files:gmatch "%S+" do
    assert(load(helper.read(path):gsub("[^\n]+", constant), "@" .. path))
  end
  assert.is_true(loops > 1000)
end)
