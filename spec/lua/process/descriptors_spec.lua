-- A guest in the host's process: few descriptors are left, or those that there
-- are must not be inherited.
local helper = require "spec.support.helper"
local programs = require "spec.support.programs"
local ccaas = require "ccaas"
local lfs = require "lfs"

local plain, tls
setup(function()
  plain, tls = programs.sandboxes()
end)

-- Lua source: takes all descriptors but so many, and gives them back.
local SHORT = [[
  local held = {}
  local function take_all_but(left)
    while true do
      local file = io.open("/dev/null")
      if not file then
        break
      end
      held[#held + 1] = file
    end
    for _ = 1, left do
      table.remove(held):close()
    end
  end
  local function give_back()
    while #held > 0 do
      table.remove(held):close()
    end
  end
]]

-- Runs the script for each number of descriptors that are left, some side by
-- side: `left` is that number.  All must succeed.
local function with_few(lefts, options, script)
  local folder = helper.folder()
  local words = {}
  for i, left in ipairs(lefts) do
    words[i] = ("( ulimit -n 64; timeout -s KILL 15 %s; echo status $? ) > %s/%d 2>&1 &%s"):format(
      programs.command(options, ("local left = %d\n"):format(left) .. SHORT .. script), folder, left,
      i % 3 == 0 and " wait" or "")
  end
  helper.run(table.concat(words, "\n") .. "\nwait")
  for _, left in ipairs(lefts) do
    assert.equal("status 0\n", helper.read(folder .. "/" .. left), left .. " descriptors were left")
  end
end

describe("with few descriptors left", function()
  -- With 1 and 2 of them libuv aborted the process; with 4 and 7 the engine ran and
  -- could not be woken, so that nothing came of any subscription and the process
  -- did not end.
  it("the first subscription is error io, and works once they are there", function()
    with_few({ 0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 14, 20 }, plain, [[
      local client = ccaas.new(xima)
      take_all_but(left)
      local stream = client:subscribe({ "101" }, { snapshot = false })
      local event, err = stream:next(8)
      if event then
        assert(left >= 8 and event.type == "open", tostring(event.error))
      else
        assert(err.code == "io" and err.message:find("ulimit", 1, true), tostring(err))
      end
      stream:close()
      give_back()
      event, err = client:subscribe({ "101" }, { snapshot = false }):next(8)
      assert(event and event.type == "open", tostring(err or event.error))
    ]])
  end)

  -- With 3 of them it was error connect.  libcurl 8.14 makes do with 3.
  it("the first call is error io, and works once they are there", function()
    for _, options in ipairs { plain, tls } do
      with_few({ 0, 1, 2, 3, 4, 5, 6, 9 }, options, [[
        local client = ccaas.new(options)
        take_all_but(left)
        local row, err = client:queue("101", { retries = 0 })
        assert(row or err.code == "io", tostring(err))
        assert(row == nil or left >= 3)
        give_back()
        row, err = client:queue("101")
        assert(row, tostring(err))
      ]])
    end
  end)

  it("a look-up is error io, and works once they are there", function()
    with_few({ 3, 4, 5, 6, 12 }, plain, [[
      local client = ccaas.new(options)
      assert(client:queue("101"))
      local live = ccaas.new(xima)
      assert(live:subscribe({ "101" }, { snapshot = false }):next(8).type == "open")
      client:close()
      local function named(given)
        local copy = {}
        for name, value in pairs(given) do
          copy[name] = value
        end
        copy.base_url, copy.host = "https://name.invalid", given.host and "name.invalid"
        return ccaas.new(copy)
      end
      local other, far = named(options), named(xima)
      take_all_but(0)
      local row, err = other:queue("101")
      assert(not row and err.code == "io", tostring(err))
      row, err = far:subscribe({ "101" }, { snapshot = false }):next(8)
      assert(not row and err.code == "io", tostring(err))
      give_back()
      row, err = other:queue("101")
      assert(not row and err.code == "dns", tostring(err))
      row, err = far:subscribe({ "101" }, { snapshot = false, max_reconnects = 0 }):next(8)
      assert(not row and err.code == "dns", tostring(err))
    ]])
  end)

  -- It ended the subscription, which may have been open for days.
  it("a subscription that was open is down with error io, and goes on once they are there", function()
    programs.succeeds(plain, [[
      local raise = io.popen("read line; exec prlimit --pid $PPID --nofile=256:256", "w")
      local sb = require("ccaas.sandbox").start { agents = 1 }
      local refused = false
      local client = ccaas.new(sb:options("xima", { on_event = function(event)
        refused = refused or event.reason == "refused" and event.code == "io"
      end }))
      local stream = client:subscribe({ "101" }, { snapshot = false })
      assert(stream:next(8).type == "open")
      assert(os.execute("prlimit --pid $PPID --nofile=3:256"))
      sb:drop_sockets()
      assert(stream:next(8).type == "down")
      while not refused do
        local event, err = stream:next(0.05)
        assert(not event and err.code == "timeout", tostring(err))
      end
      raise:write("now\n")
      raise:close()
      assert(stream:next(20).type == "open")
    ]])
  end)

  it("a sandbox says so, and starts once they are there", function()
    with_few({ 0, 1, 2, 3, 4, 5, 8 }, plain, [[
      local sandbox = require "ccaas.sandbox"
      take_all_but(left)
      local done, given = pcall(sandbox.start, { agents = 1 })
      if done then
        assert(#given:requests() == 0)
        given:stop()
      end
      give_back()
      local sb = sandbox.start { agents = 1 }
      assert(#sb:requests() == 0)
      sb:stop()
    ]])
  end)
end)

-- A call that was over kept its wake descriptor until it was collected; LuaJIT,
-- which collects by memory alone, ran out of descriptors after 1,000 calls.
describe("calls that are over", function()
  local function descriptors()
    local count = 0
    for _ in lfs.dir("/proc/self/fd") do
      count = count + 1
    end
    return count
  end

  local sandbox = helper.sandbox { agents = 5, queues = 5, groups = 2 }
  local client = ccaas.new(sandbox:options("8x8", { retries = 0 }))

  local function leave_nothing(call)
    call()
    collectgarbage()
    collectgarbage("stop")
    local before = descriptors()
    for _ = 1, 20 do
      call()
    end
    local after = descriptors()
    collectgarbage("restart")
    -- A connection or two may be on its way out; a leak is one for each call.
    assert.is_true(after - before < 10, after - before)
  end

  it("with one row keep no descriptor", function()
    leave_nothing(function() assert(client:request { path = "/queues" }) end)
  end)

  it("with many rows keep none", function()
    leave_nothing(function()
      for _ in client:queues { size = 2, concurrency = 1 } do end -- luacheck: ignore 542
    end)
  end)

  it("with a limit keep none", function()
    leave_nothing(function() assert.are.equal(3, #client:queues({ limit = 3 }):all()) end)
  end)

  it("with an error keep none", function()
    leave_nothing(function() assert.are.equal("not_found", select(2, client:queue("none")).code) end)
  end)
end)

-- libcurl then came without the descriptor that wakes its thread: no request of
-- the process was ever answered again, and its end hung.
describe("a process that is out of descriptors at its first request", function()
  it("gets an error that says so, and goes on when there are some again", function()
    local sandbox = helper.sandbox { agents = 3, queues = 3 }
    local options = sandbox:options("8x8")
    local status, output = helper.run("ulimit -n 40; " .. helper.command(([[
      local ccaas = require "ccaas"
      local client = ccaas.new { provider = "8x8", key = %q, secret = %q, tenant = %q, base_url = %q, token_url = %q,
        retries = 0, deadline = 20 }
      local files = {}
      local file
      repeat
        file = io.open("/dev/null")
        files[#files + 1] = file
      until not file
      local row, err = client:queue("101")
      print(row, err and err.code)
      for _, one in ipairs(files) do
        one:close()
      end
      print(assert(client:queue("101")).id)
    ]]):format(options.key, options.secret, options.tenant, options.base_url, options.token_url)))
    assert.equal("nil\tio\n101\n", output)
    assert.equal(0, status)
  end)
end)
