-- A guest in the host's process: Lua states that are closed, with others beside them.
local helper = require "spec.support.helper"
local programs = require "spec.support.programs"

local succeeds, COUNT = programs.succeeds, programs.COUNT

local plain, tls
setup(function()
  plain, tls = programs.sandboxes()
end)

-- The threads of cqueues have each a Lua state of their own, closed at their end.
-- (Those of luv abort the process on Debian 13, whatever they do.)
local THREADS = COUNT .. [[
  local thread = require "cqueues.thread"
  local function in_state(text, ...)
    local made, connection = assert(thread.start(function(connection, path, cpath, text, ...)
      package.path, package.cpath = path, cpath
      local chunk = assert((loadstring or load)(text))
      chunk(...)
    end, package.path, package.cpath, text, ...))
    return { join = function()
      assert(made:join())
      connection:close()
    end }
  end
  local given = {}
  for vendor, values in pairs { x8 = options, xima = xima } do
    for name, value in pairs(values) do
      given[#given + 1] = ("%s.%s = " .. (type(value) == "number" and "%d" or "%q")):format(vendor, name, value)
    end
  end
  local OPTIONS = "local x8, xima = {}, {} " .. table.concat(given, " ")
  local CALL = "local ccaas = require 'ccaas' " .. OPTIONS .. [=[
    local client = ccaas.new(x8)
    for _ = 1, 5 do
      assert(#assert(client:queues():all()) == 20)
    end
    local stream = client:groups()
    assert(stream:next())
    local live = ccaas.new(xima):subscribe { "101" }
    assert(live:next())
    local file = io.open((...), "a")
    file:write("done\n")
    file:close()
  ]=]
  local function done(path)
    local file = io.open(path)
    local text = file and file:read("*a") or ""
    if file then file:close() end
    return select(2, text:gsub("\n", ""))
  end
]]

describe("a Lua state that is closed", function()
  it("leaves no thread and no descriptor, in mid-stream", function()
    local path = helper.folder() .. "/done"
    succeeds(tls, ("local path = %q\n"):format(path) .. THREADS .. [[
      local function falls(what, most)
        local ends, now = os.time() + 10, nil
        repeat
          now = count(what)
        until now <= most or os.time() > ends
        assert(now <= most, what .. ": " .. now .. " not " .. most)
      end
      in_state(CALL, path):join()
      assert(done(path) == 1)
      local tasks, files = count("task"), count("fd")
      for i = 2, 6 do
        in_state(CALL, path):join()
        assert(done(path) == i)
        -- A thread that was joined may be listed for a moment.
        falls("task", tasks)
      end
      falls("fd", files)
    ]])
  end)

  it("leaves the module where it is: no thread runs unmapped code", function()
    local path = helper.folder() .. "/done"
    local text = ([[
      local path, options = %q, %s
      local xima = options.xima
      options.xima = nil
      %s
      local function mapped()
        local file = io.open("/proc/self/maps")
        local text = file:read("*a")
        file:close()
        return text:find("/ccaas/core.so", 1, true) ~= nil
      end
      assert(not mapped())
      in_state(CALL, path):join()
      assert(done(path) == 1)
      assert(mapped())
    ]]):format(path, plain, THREADS)
    local status, output = helper.run(helper.command(text))
    assert.equal(0, status, output)
  end)

  it("does not affect other states", function()
    local path = helper.folder() .. "/done"
    succeeds(tls, ("local path = %q\n"):format(path) .. THREADS .. [[
      local client = ccaas.new(options)
      local stream = client:groups()
      assert(stream:next())
      local threads = {}
      for i = 1, 4 do
        threads[i] = in_state(CALL, path)
      end
      assert(#assert(client:queues():all()) == 20)
      for _, thread in ipairs(threads) do
        thread:join()
      end
      assert(done(path) == 4)
      assert(#assert(stream:all()) == 199)
    ]])
  end)
end)
