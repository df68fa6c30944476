-- A file that appears whole or not at all, as Lua sees it; what a disk and the
-- system may do to it is in spec/c/file_test.c.
local core = require "ccaas.core"
local helper = require "spec.support.helper"
local lfs = require "lfs"
local ccaas = require "ccaas"

local function entries(folder)
  local found = {}
  for name in lfs.dir(folder) do
    if name ~= "." and name ~= ".." then
      found[#found + 1] = name
    end
  end
  table.sort(found)
  return found
end

local function refuses(words, done, reason)
  assert.is_nil(done)
  assert.is_truthy(reason:find(words, 1, true), reason)
  assert.is_nil(reason:find("\n"), reason)
end

describe("a file", function()
  it("appears when it is committed, with all that was written", function()
    local folder = helper.folder()
    local path = folder .. "/place"
    local file = assert(core.atomic_file(path))
    assert.is_true(file:write("one\0 "))
    assert.is_true(file:write(""))
    assert.is_true(file:write(("x"):rep(1e6)))
    assert.equal(1000005, file:size())
    assert.is_nil(io.open(path))
    assert.is_true(file:commit())
    assert.equal("one\0 " .. ("x"):rep(1e6), helper.read(path))
    assert.same({ "place" }, entries(folder))
  end)

  it("has a hidden name until then, which tells what it is", function()
    local folder = helper.folder()
    local file = assert(core.atomic_file(folder .. "/place"))
    local found = entries(folder)
    assert.equal(1, #found)
    assert.is_truthy(found[1]:find("^%.ccaas%-%x+%.part$"), found[1])
    file:abort()
    assert.same({}, entries(folder))
  end)

  it("may be started after its place is chosen", function()
    local folder = helper.folder()
    local file = assert(core.atomic_file(folder .. "/place", "later"))
    assert.same({}, entries(folder))
    refuses("the file is closed", file:write("x"))
    assert.is_true(file:begin())
    assert.equal(1, #entries(folder))
    assert.is_true(file:write("late"))
    refuses("the file is closed", file:begin())
    file:abort()
    file = assert(core.atomic_file(folder .. "/place", "later"))
    assert.is_true(file:begin())
    assert.is_true(file:write("late"))
    assert.is_true(file:commit())
    assert.equal("late", helper.read(folder .. "/place"))
    core.atomic_file(folder .. "/other", "later"):abort()
    assert.same({ "place" }, entries(folder))
    refuses("no such directory", core.atomic_file(folder .. "/none/place", "later"))
  end)

  it("leaves an older file unchanged until then", function()
    local path = helper.folder() .. "/place"
    local file = assert(core.atomic_file(path))
    file:write("old")
    assert.is_true(file:commit())
    file = assert(core.atomic_file(path))
    file:write("new")
    assert.equal("old", helper.read(path))
    file:abort()
    assert.equal("old", helper.read(path))
    file = assert(core.atomic_file(path))
    file:write("new")
    assert.is_true(file:commit())
    assert.equal("new", helper.read(path))
  end)

  it("can be restarted, from its beginning or from a length", function()
    local path = helper.folder() .. "/place"
    local file = assert(core.atomic_file(path))
    file:write("lost")
    assert.is_true(file:restart())
    assert.equal(0, file:size())
    file:write("one two")
    assert.is_true(file:restart(4))
    file:write("three")
    assert.is_true(file:commit())
    assert.equal("one three", helper.read(path))
    file = assert(core.atomic_file(path))
    refuses("not that long", file:restart(1))
    file:abort()
  end)

  it("is gone when it is collected before", function()
    local folder = helper.folder()
    for _ = 1, 10 do
      assert(core.atomic_file(folder .. "/place")):write("lost")
    end
    collectgarbage()
    collectgarbage()
    assert.same({}, entries(folder))
  end)

  it("is gone when its state is closed before", function()
    local folder = helper.folder()
    local status, output = helper.run(helper.command(([[
      local file = assert(require("ccaas.core").atomic_file(%q))
      assert(file:write("lost"))
    ]]):format(folder .. "/place")))
    assert.equal(0, status, output)
    assert.same({}, entries(folder))
  end)

  if not rawget(_G, "jit") then
    it("is gone when its scope is left before", function()
      local folder = helper.folder()
      local file = assert(load([[
        local core, path = ...
        local file <close> = assert(core.atomic_file(path))
        file:write("lost")
        return file
      ]]))(core, folder .. "/place")
      assert.same({}, entries(folder))
      refuses("closed", file:write("x"))
    end)
  end

  it("says so when it is closed", function()
    local path = helper.folder() .. "/place"
    local file = assert(core.atomic_file(path))
    assert.equal("ccaas.core.atomic_file (" .. path .. ")", tostring(file))
    file:write("kept")
    assert.is_true(file:commit())
    assert.equal("ccaas.core.atomic_file (closed)", tostring(file))
    refuses("the file is closed", file:write("x"))
    refuses("the file is closed", file:restart())
    refuses("the file is closed", file:commit())
    assert.equal(0, file:size())
    file:abort()
    file:abort()
    assert.equal("kept", helper.read(path))
  end)

  it("takes no path with a NUL, no number of bytes below 0 and no other object", function()
    local folder = helper.folder()
    local file = assert(core.atomic_file(folder .. "/place"))
    assert.has_error(function() core.atomic_file(folder .. "/a\0b") end)
    assert.has_error(function() core.atomic_file() end)
    assert.has_error(function() core.atomic_file {} end)
    assert.has_error(function() file:write() end)
    assert.has_error(function() file:restart(-1) end)
    assert.has_error(function() file:restart(0 / 0) end)
    assert.has_error(function() file:restart(1e30) end)
    assert.has_error(function() file.write(io.stdout, "x") end)
    file:abort()
    assert.same({}, entries(folder))
  end)
end)

describe("a file that cannot be written", function()
  it("is refused with a message that says what to do", function()
    local folder = helper.folder()
    refuses("no such directory: create it first", core.atomic_file(folder .. "/none/place"))
    refuses("it is a directory: name a file in it", core.atomic_file(folder))
    refuses("the name is too long", core.atomic_file(folder .. "/" .. ("n"):rep(256)))
    refuses("not a regular file", core.atomic_file("/dev/null"))
    local _, reason = core.atomic_file(folder .. "/none/place")
    assert.is_truthy(reason:find(folder .. "/none/place", 1, true), reason)
    assert.same({}, entries(folder))
  end)
end)

-- What a process does that writes 100,000 bytes into a folder where there is no
-- room for them.
local OVERFLOW = [[
  local core = require "ccaas.core"
  local folder, words = %q, %q
  local path = folder .. "/place"
  local small = assert(core.atomic_file(path))
  assert(small:write("old"))
  assert(small:commit())
  local file = assert(core.atomic_file(path))
  local done, reason
  for _ = 1, 100 do
    done, reason = file:write(("x"):rep(1000))
    if not done then
      break
    end
  end
  assert(not done and reason:find(words, 1, true) and reason:find(path, 1, true), tostring(reason))
  assert(file:size() > 0 and file:size() < 100000)
  done, reason = file:commit()
  assert(not done and reason:find(words, 1, true), tostring(reason))
  assert(io.open(path):read("*a") == "old")
  local file = assert(core.atomic_file(path))
  assert(file:write(("y"):rep(5000)) and file:restart() and file:write("new") and file:commit())
  assert(io.open(path):read("*a") == "new")
  local pipe = io.popen("ls -A " .. folder)
  assert(pipe:read("*a") == "place\n")
  pipe:close()
]]

describe("a file that outgrows", function()
  -- `before`: shell words that make the room small, for a process that ends
  -- with the test.
  local function overflows(folder, words, before, shell)
    local status, output = helper.run(("%s -c %s"):format(shell or "sh",
      helper.quote(before .. " && exec " .. helper.command(OVERFLOW:format(folder, words)))))
    assert.equal(0, status, output)
  end

  it("its process's limit is an error, and leaves nothing", function()
    -- 512 or 1024 bytes each, by the shell.
    overflows(helper.folder(), "larger than a file may be", "ulimit -f 60 && trap '' XFSZ")
  end)

  it("its disk is an error, and leaves nothing", function()
    local folder = helper.folder()
    local mount = ("mount -t tmpfs -o size=64k,mode=777 none %s"):format(folder)
    for _, alone in ipairs { "unshare -m", "unshare -Urm" } do
      if helper.run(("%s sh -c %s"):format(alone, helper.quote(mount))) == 0 then
        return overflows(folder, "no space left on the device: free some", mount, alone .. " sh")
      end
    end
    -- No file system of our own may be mounted here.  The largest file that the
    -- process may write is the nearest thing to a full disk that is left.
    overflows(folder, "larger than a file may be", "ulimit -f 40 && trap '' XFSZ")
  end)
end)

describe("a sweep", function()
  it("removes what a killed process has left, and nothing else", function()
    local folder = helper.folder()
    local status = helper.run(helper.command(([[
      local file = assert(require("ccaas.core").atomic_file(%q))
      assert(file:write("half"))
      os.execute("kill -9 $PPID")
    ]]):format(folder .. "/place")))
    assert.equal(137, status)
    assert.equal(1, #entries(folder))
    local file = assert(core.atomic_file(folder .. "/other"))
    file:write("whole")
    assert.equal(2, #entries(folder))
    assert.equal(1, core.sweep(folder))
    assert.equal(1, #entries(folder))
    assert.equal(0, core.sweep(folder))
    assert.is_true(file:commit())
    assert.equal(0, core.sweep(folder))
    assert.same({ "other" }, entries(folder))
    assert.equal("whole", helper.read(folder .. "/other"))
  end)

  it("says when there is no such folder", function()
    refuses("no such directory", core.sweep(helper.folder() .. "/none"))
    assert.has_error(function() core.sweep("a\0b") end)
  end)
end)

describe("a digest", function()
  it("is the SHA-256 that the system's tools give", function()
    for _, text in ipairs { "", "abc", ("0123456789"):rep(1000) } do
      local _, output = helper.run("printf %s " .. helper.quote(text) .. " | sha256sum")
      assert.equal(output:match("^%x+"), core.sha256(text))
    end
    assert.has_error(function() core.sha256() end)
  end)
end)

-- A file that could not be opened gave nil and nothing beside it, so that a
-- script saw neither a file nor an error.
describe("a file that cannot be made", function()
  it("is the error io", function()
    local sandbox = helper.sandbox { recordings = 1, agents = 2 }
    local client = ccaas.new(sandbox:options("xima"))
    local path = helper.folder() .. "/none/file"
    local recording = assert(client:recordings { from = "2025-06-30", to = "2026-06-30" }:next())
    for _, call in ipairs {
      function() return client:audio(recording, { file = path }) end,
      function() return client:historic_data("1001", { format = "PDF", file = path }) end,
    } do
      local file, err = call()
      assert.is_nil(file)
      assert.are.equal("io", err.code)
      assert.is_truthy(err.message:find(path, 1, true))
    end
  end)
end)
