-- Audio that is damaged, or cannot be written: an error, and nothing is left behind.
local downloads = require "spec.support.audio"
local helper = require "spec.support.helper"
local server = require "spec.support.server"

local start = server.xima
local recording = downloads.recording
local audio = downloads.answer
local entries = downloads.entries
local ways = downloads.ways

local sandbox, client, rows, ogg

setup(function()
  sandbox, client, rows, ogg = downloads.world()
end)

describe("audio", function()
  describe("that is damaged is the error protocol and leaves nothing behind:", function()
    local function is_refused(what, answer, words, row)
      it(what, function()
        for _, way in ipairs(ways) do
          local c, s = start(answer)
          local bytes, err = way[2](c, row and row() or recording())
          assert.is_nil(bytes)
          assert.equal("protocol", err.code)
          assert.is_truthy(err.message:find(words, 1, true), err.message)
          assert.equal(200, err.status)
          assert.equal("GET", err.method)
          assert.equal(s.url .. "/rest/api/v2/recordings/acme/K1/audio", err.url)
          assert.equal(1, #s.requests)
        end
      end)
    end

    local function flipped(offset)
      return function()
        local at = offset < 0 and #ogg + offset or offset
        local byte = ogg:byte(at + 1)
        return audio(ogg:sub(1, at) .. string.char(byte % 2 == 0 and byte + 1 or byte - 1) .. ogg:sub(at + 2))
      end
    end

    for _, offset in ipairs { 0, 4, 14, 18, 22, 26, 28, 100, 20000, -1 } do
      is_refused("a flipped bit at byte " .. offset, flipped(offset), "the audio is")
    end
    is_refused("cut short in good order", function() return audio(ogg:sub(1, -2)) end, "incomplete")
    is_refused("cut to half a header", function() return audio(ogg:sub(1, 10)) end, "incomplete")
    is_refused("nothing", function() return audio "" end, "incomplete")
    is_refused("a login page", function() return audio "<!DOCTYPE html><html></html>" end, "damaged at byte 0")
    is_refused("something behind it", function() return audio(ogg .. "\n") end, "the audio is")
    is_refused("garbage", function() return audio(("\0\255x"):rep(1000)) end, "damaged at byte 0")
    is_refused("its first half", function() return audio(ogg:sub(15000)) end, "damaged")
    is_refused("smaller than the row says", function() return audio() end,
      "the recording says", function()
        return { recordingKey = "K1", tenantName = "acme", size = #ogg + 1 }
      end)
    is_refused("larger than the row says", function() return audio() end, "the recording says", function()
      return { recordingKey = "K1", tenantName = "acme", size = #ogg - 1 }
    end)

    it("with the sandbox's own faults", function()
      for _, fault in ipairs { { flip = 150 }, { login = true }, { truncate = 200, clean = true } } do
        for _, way in ipairs(ways) do
          fault.path = "/recordings/*"
          sandbox:fault(fault)
          local bytes, err = way[2](client, rows[2])
          assert.is_nil(bytes)
          assert.equal("protocol", err.code)
        end
      end
    end)

    it("the file that was there stays", function()
      local path = helper.folder() .. "/a.ogg"
      assert(client:audio(rows[1], { file = path }))
      sandbox:fault { path = "/recordings/*", flip = 150 }
      assert.is_nil((client:audio(rows[2], { file = path })))
      assert.equal(ogg, helper.read(path))
      assert.equal("a.ogg\n", entries(path:match "^(.*)/"))
    end)
  end)

  describe("that cannot be written is the error io and leaves no litter:", function()
    local function is_refused(path, words)
      local file, err = client:audio(rows[1], { file = path })
      assert.is_nil(file)
      assert.equal("io", err.code)
      assert.matches(words, err.message)
      assert.is_truthy(err.message:find(path, 1, true), err.message)
      assert.equal("xima", err.provider)
    end

    it("a directory that is missing, before anything is asked for", function()
      local folder = helper.folder()
      sandbox:clear_requests()
      is_refused(folder .. "/none/a.ogg", "no such directory")
      is_refused(folder, "directory")
      is_refused(folder .. "/", "directory")
      assert.equal(0, #sandbox:requests())
      assert.equal("", entries(folder))
    end)

    it("no permission", function()
      local folder = helper.folder()
      helper.run("chmod 0500 " .. helper.quote(folder))
      local probe = io.open(folder .. "/probe", "w")
      if probe then
        -- The superuser may write there; in /sys nobody may make files.
        probe:close()
        local fixed = helper.read("/proc/mounts"):find(" /sys sysfs ro[, ]")
        is_refused("/sys/a.ogg", fixed and "read%-only" or "permission")
      else
        is_refused(folder .. "/a.ogg", "permission")
        assert.equal("", entries(folder))
      end
    end)

    -- Runs in a process that may not write files of more than 8 KiB.
    local function limited(path)
      return helper.run("trap '' XFSZ; ulimit -f 16; " .. helper.command(([[
        local client = require("ccaas").new { provider = "xima", base_url = %q, token = "sandbox-xima-token",
          audio_interval = 0 }
        local file, err = client:audio({ tenantName = %q, recordingKey = %q }, { file = %q })
        print(file and "written" or err.code .. ": " .. err.message)
      ]]):format(sandbox.url, rows[1].tenantName, rows[1].recordingKey, path)))
    end

    it("larger than a file may be", function()
      local folder = helper.folder()
      assert.is_true(rows[1].size > 20000)
      local status, output = limited(folder .. "/a.ogg")
      assert.equal(0, status, output)
      assert.matches("^io: .*larger than a file may be", output)
      assert.equal("", entries(folder))
    end)

    it("a full file system", function()
      local folder = helper.folder()
      if helper.run("mount -t tmpfs -o size=16k tmpfs " .. helper.quote(folder)) == 0 then
        local fine, problem = pcall(function()
          is_refused(folder .. "/a.ogg", "no space left")
          assert.equal("", entries(folder))
          -- And there is room again for one that fits.
          sandbox:set { audio_size = 9000 }
          assert.equal(9000, assert(client:audio({ tenantName = rows[1].tenantName,
            recordingKey = rows[1].recordingKey }, { file = folder .. "/a.ogg" })).bytes)
        end)
        helper.run("umount " .. helper.quote(folder))
        sandbox:set { audio_size = rows[1].size }
        assert(fine, problem)
      else
        -- No file system of our own: a limit fills it as well.
        local _, output = limited(folder .. "/a.ogg")
        assert.matches("^io: ", output)
        assert.equal("", entries(folder))
      end
    end)
  end)
end)
