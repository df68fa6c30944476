-- A store in a file: what it keeps, whom it trusts, and that it never waits for
-- a lock.
local ccaas = require "ccaas"
local core = require "ccaas.core"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local socket = require "socket"
local programs = require "spec.support.programs"

local function new()
  local path = helper.folder() .. "/tokens"
  return ccaas.store.file(path), path
end

local function mode(path)
  return (select(2, helper.run("stat -c %a " .. helper.quote(path))):match("%d+"))
end

local function write(path, bytes)
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  assert(helper.run("chmod 600 " .. helper.quote(path)) == 0)
end

-- A file of these bytes.
local function spill(bytes)
  local path = helper.folder() .. "/bytes"
  write(path, bytes)
  return path
end

local function entries(folder)
  return select(2, helper.run("ls -A " .. helper.quote(folder)))
end

describe("a store in a file", function()
  it("keeps values of any bytes under their keys", function()
    local store = new()
    local values = { a = "1", b = "", ["with space"] = "with\nline\r\nends", n = "\0\1\255", long = ("x"):rep(60000) }
    for key, value in pairs(values) do
      assert(store.set(key, value, 60))
    end
    for key, value in pairs(values) do
      assert.equal(value, store.get(key))
    end
    assert.is_nil(store.get("c"))
    assert(store.set("a", "2", 60))
    assert.equal("2", store.get("a"))
  end)

  it("adds a missing entry, for one caller only", function()
    local store = new()
    assert.is_true(store.add("k", "mine", 60))
    local added, reason = store.add("k", "yours", 60)
    assert.is_false(added)
    assert.is_nil(reason)
    assert.equal("mine", store.get("k"))
    assert.is_true(store.delete("k"))
    assert.is_true(store.delete("k"))
    assert.is_nil(store.get("k"))
    assert.is_true(store.add("k", "yours", 60))
  end)

  it("forgets expired entries", function()
    local store, path = new()
    assert(store.set("short", "v", 0.05))
    assert(store.set("long", "v", 60))
    socket.sleep(0.06)
    assert.is_nil(store.get("short"))
    assert.is_true(store.add("short", "w", 0.05))
    socket.sleep(0.06)
    assert(store.set("other", "v", 60))
    assert.is_nil(helper.read(path):find("short", 1, true))
    assert.equal("v", store.get("long"))
  end)

  it("is there with its first entry, mode 0600 whatever the umask is, and leaves nothing else behind", function()
    local folder = helper.folder()
    local status, output = helper.run("umask 0; " .. helper.command(([[
      local store = require("ccaas").store.file(%q)
      assert(store.get("k") == nil)
      assert(not io.open(%q))
      assert(store.set("k", "v", 60))
      assert(store.add("l", "v", 60))
    ]]):format(folder .. "/tokens", folder .. "/tokens")))
    assert.equal(0, status, output)
    assert.equal("600", mode(folder .. "/tokens"))
    assert.equal("tokens\n", entries(folder))
  end)

  it("is one for all who name it", function()
    local store, path = new()
    assert(store.set("k", "v", 60))
    local status, output = helper.run(helper.command(([[
      local store = require("ccaas").store.file(%q)
      assert(store.get("k") == "v")
      assert(store.add("k", "w", 60) == false)
      assert(store.delete("k"))
    ]]):format(path)))
    assert.equal(0, status, output)
    assert.is_nil(store.get("k"))
  end)

  it("loses no entry of many who write at once", function()
    local store, path = new()
    local children = {}
    for i = 1, 6 do
      children[i] = io.popen(helper.command(([[
        local store = require("ccaas").store.file(%q)
        for n = 1, 30 do
          assert(store.set("key-%d-" .. n, "v", 60))
          print(store.add("common-" .. n, "v%d", 60))
        end
      ]]):format(path, i, i)) .. " 2>&1")
    end
    local added = 0
    for _, child in ipairs(children) do
      local output = child:read("*a")
      child:close()
      assert.equal(30, select(2, output:gsub("%f[%w]%a+\n", "")), output)
      added = added + select(2, output:gsub("true", ""))
    end
    assert.equal(30, added)
    for i = 1, 6 do
      for n = 1, 30 do
        assert.equal("v", store.get(("key-%d-%d"):format(i, n)))
      end
    end
  end)

  it("counts a file that is foreign or damaged as empty, and replaces it", function()
    local store, path = new()
    assert(store.set("k", "value", 60))
    local good = helper.read(path)
    local bad = { "", "something else\n", good .. "x", good:gsub("ccaas store 1", "ccaas store 2"),
      good:gsub("\n1 5 ", "\n1 4 "), good:gsub("\n1 5 ", "\n1 999999999999999999999 "), ("\0"):rep(100),
      good .. ("y"):rep(2 * 1024 * 1024) }
    for cut = 1, #good - 1 do
      bad[#bad + 1] = good:sub(1, cut)
    end
    for _, bytes in ipairs(bad) do
      write(path, bytes)
      local value, reason = store.get("k")
      assert.is_nil(value)
      assert.is_nil(reason)
      assert.is_true(store.add("k", "again", 60))
      assert.equal("again", store.get("k"))
    end
  end)

  -- Their sum wrapped around on Lua 5.4, the next entry was looked for at or before
  -- this one, and a look-up went round for ever.
  it("counts a file as empty whose lengths are too large to be added", function()
    local path = helper.folder() .. "/tokens"
    local whole = {}
    local function add(key, value)
      whole[#whole + 1] = ("ccaas store 1\n%s %s 9999999999999 60000\nk value\n"):format(key, value)
    end
    for last = 0, 150 do
      add("9223372036854775807", ("9223372036854775%03d"):format(807 - last))
      add(("9223372036854775%03d"):format(807 - last), last)
    end
    for _, huge in ipairs { "4611686018427387904", "18446744073709551615", "999999999999999999999999", "1000000" } do
      add(huge, huge)
      add(huge, 0)
      add(0, huge)
    end
    write(path, "")
    local status, output = helper.run("timeout -s KILL 20 " .. helper.command(([[
      local path = %q
      local store = require("ccaas").store.file(path)
      for bytes in io.read("*a"):gmatch("(.-)%%z") do
        local file = assert(io.open(path, "wb"))
        file:write(bytes)
        file:close()
        for _, key in ipairs { "k", "" } do
          local value, reason = store.get(key)
          assert(value == nil and reason == nil, bytes)
        end
      end
      assert(store.add("k", "again", 60))
      assert(store.get("k") == "again")
    ]]):format(path)) .. " < " .. helper.quote(spill(table.concat(whole, "\0") .. "\0")))
    assert.equal(0, status, output)
  end)

  it("believes no entry that lives longer than it was given: the clock was set back", function()
    local store, path = new()
    assert(store.set("k", "value", 60))
    local bytes = helper.read(path):gsub("\n1 5 (%d+) ", function(ends)
      return ("\n1 5 %.0f "):format(tonumber(ends) + 3600000)
    end)
    write(path, bytes)
    assert.is_nil(store.get("k"))
    assert.is_true(store.add("k", "v", 60))
  end)

  it("stays small: what ends first goes first", function()
    local store, path = new()
    for i = 1, 12 do
      assert(store.set("k" .. i, ("x"):rep(60000), 100 + i))
    end
    assert.is_true(#helper.read(path) <= 512 * 1024)
    assert.is_nil(store.get("k1"))
    assert.equal(60000, #store.get("k12"))
    local done, reason = store.set("k", ("x"):rep(70000), 60)
    assert.is_nil(done)
    assert.matches("too large", reason)
  end)

  it("refuses a malformed time", function()
    local store = new()
    for _, seconds in ipairs { 0, -1, 0 / 0, "60" } do
      for _, operation in ipairs { "set", "add" } do
        local done, reason = store[operation]("k", "v", seconds)
        assert.is_nil(done)
        assert.is_string(reason)
      end
    end
    assert.is_true(store.set("k", "v", math.huge))
    assert.equal("v", store.get("k"))
  end)
end)

describe("a store's file", function()
  local function refused(words, store)
    for _, call in ipairs {
      function() return store.get("k") end,
      function() return store.set("k", "v", 60) end,
      function() return store.add("k", "v", 60) end,
      function() return store.delete("k") end,
    } do
      local value, reason = call()
      assert.is_nil(value)
      assert.matches(words, tostring(reason), 1, true)
    end
  end

  it("that others can read or write is refused, and says what to do", function()
    local store, path = new()
    assert(store.set("k", "v", 60))
    for _, bits in ipairs { "640", "604", "620", "602", "666" } do
      assert(helper.run(("chmod %s %s"):format(bits, path)) == 0)
      refused("chmod 600", store)
      assert.equal(bits, mode(path))
    end
    assert(helper.run("chmod 600 " .. path) == 0)
    assert.equal("v", store.get("k"))
  end)

  it("that is a symbolic link is not followed", function()
    local store, path = new()
    write(path .. ".target", "precious")
    assert(helper.run(("ln -s %s.target %s"):format(path, path)) == 0)
    refused("symbolic link", store)
    assert.equal("precious", helper.read(path .. ".target"))
    -- Also where nothing is there to be followed to.
    assert(helper.run(("rm %s.target"):format(path)) == 0)
    refused("symbolic link", store)
    assert.equal("tokens\n", entries(path:match("^(.*)/")))
  end)

  it("that is a directory, a pipe or a device is refused at once", function()
    local store, path = new()
    assert(helper.run("mkdir " .. path) == 0)
    refused(path, store)
    assert(helper.run(("rmdir %s && mkfifo -m 600 %s"):format(path, path)) == 0)
    refused("not a regular file", store)
    refused("not a regular file", ccaas.store.file("/dev/null"))
  end)

  it("in a directory that is missing is told of when it is written", function()
    local store = ccaas.store.file(helper.folder() .. "/none/tokens")
    local value, reason = store.get("k")
    assert.is_nil(value)
    assert.is_nil(reason)
    value, reason = store.set("k", "v", 60)
    assert.is_nil(value)
    assert.matches("no such directory", reason)
  end)

  it("of another user is refused", function()
    local folder = helper.folder()
    -- Only root may make one; anybody else has some at hand.
    local path = folder .. "/tokens"
    write(path, "")
    if helper.run("chown 12345 " .. path) ~= 0 then
      path = "/etc/passwd"
    end
    refused("another user", ccaas.store.file(path))
  end)

  it("that cannot grow fails, and stays what it was", function()
    local folder = helper.folder()
    local path = folder .. "/tokens"
    local script = helper.command(([[
      local store = require("ccaas").store.file(%q)
      assert(store.set("k", "v", 60))
      local done, reason
      for i = 1, 8 do
        done, reason = store.set("big" .. i, ("x"):rep(20000), 60)
        if not done then break end
      end
      assert(not done)
      assert(store.get("k") == "v")
      print(reason)
    ]]):format(path))
    local mount = ("mount -t tmpfs -o size=64k,mode=777 none %s"):format(folder)
    local words, command = "larger than a file may be", "ulimit -f 40; trap '' XFSZ; " .. script
    for _, alone in ipairs { "unshare -m", "unshare -Urm" } do
      if helper.run(("%s sh -c %s"):format(alone, helper.quote(mount))) == 0 then
        words = "no space left on the device"
        command = ("%s sh -c %s"):format(alone, helper.quote(mount .. "; " .. script))
        break
      end
    end
    local status, output = helper.run(command)
    assert.equal(0, status, output)
    assert.matches(words, output, 1, true)
  end)

  it("whose lock another process keeps is waited for in the loop, for seconds only", function()
    local _, path = new()
    local store = ccaas.store.file(path)
    assert(store.set("k", "v", 60))
    local vault = assert(core.private_file(path, true))
    local pauses = 0
    local from = socket.gettime()
    local done, reason = store.add("l", "v", 60, function(seconds)
      assert.is_true(seconds > 0 and seconds <= 0.02)
      pauses = pauses + 1
      socket.sleep(seconds)
    end)
    local took = socket.gettime() - from
    assert.is_nil(done)
    assert.matches("another process has held its lock", reason)
    assert.is_true(took > 2.9 and took < 20, took)
    assert.is_true(pauses > 50, pauses)
    assert.equal("v", store.get("k")) -- reading needs none
    local count = 0
    done = store.add("l", "v", 60, function()
      count = count + 1
      vault:close()
    end)
    assert.is_true(done)
    assert.equal(1, count)
  end)

  it("whose lock is kept lets the client's other coroutines go on", function()
    local _, path = new()
    local s = server.start(function() return server.answer(server.row("1")) end)
    local reasons = {}
    local client = ccaas.new(s:options { store = ccaas.store.file(path), on_event = function(event)
      reasons[#reasons + 1] = event.type == "token" and event.reason or nil
    end })
    local vault = assert(core.private_file(path, true))
    local idle = core.waitset()
    s:run(
      function() assert(client:queue("1")) end,
      function()
        idle:arm()
        s.loop.wait(idle:fd(), 0.2)
        assert.equal(0, s.tokens)
        vault:close()
      end
    )
    assert.equal(1, s.tokens)
    assert.equal("granted", table.concat(reasons, "|"))
  end)

  it("is unlocked by the end of the process that had the lock", function()
    local store, path = new()
    assert(store.set("k", "v", 60))
    local pipe = io.popen(helper.command(([[
      local vault = assert(require("ccaas.core").private_file(%q, true))
      print "locked"
      io.flush()
      os.execute("kill -9 $PPID")
    ]]):format(path)))
    assert.equal("locked", pipe:read("*l"))
    pipe:close()
    assert.is_true(store.add("l", "v", 60))
  end)

  it("is locked as it is, not as it was: whoever locked one that was replaced has nothing", function()
    local store, path = new()
    assert(store.set("k", "v", 60))
    local vault = assert(core.private_file(path, true))
    assert.same({ nil, "busy" }, { core.private_file(path, true) })
    assert(vault:replace(helper.read(path)))
    -- The new file's lock is free, the old one's is worth nothing.
    local other = assert(core.private_file(path, true))
    vault:close()
    assert.same({ nil, "busy" }, { core.private_file(path, true) })
    other:close()
    assert(core.private_file(path, true)):close()
  end)
end)

-- A process that forks while another of its threads has a store's file locked gives
-- the child the lock, too: it stayed for as long as the child lived.
describe("the lock of a store's file", function()
  it("is released by its holder, whatever was forked in the meantime", function()
    local path = helper.folder() .. "/store"
    local status, output = helper.run(helper.command(programs.fork() .. ([[
      local core = require "ccaas.core"
      local vault = assert(core.private_file(%q, true))
      local pid = child(function() core.poll(-1, 60) end)
      print(select(2, core.private_file(%q, true)))
      vault:close()
      print(core.private_file(%q, true) and "free")
      os.execute("kill -KILL " .. ("%%d"):format(pid))
      forker.wait(pid)
    ]]):format(path, path, path)))
    assert.equal("busy\nfree\n", output)
    assert.equal(0, status)
  end)
end)
