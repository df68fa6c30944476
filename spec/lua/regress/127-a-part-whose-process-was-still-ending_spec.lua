-- A process that is killed holds its part for a moment longer.  An archive that was
-- started again within that moment took the part for one that somebody writes, and
-- left it behind.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local socket = require "socket"

-- Waits until the shell command succeeds.
local function wait_for(command)
  local ends = socket.gettime() + 30
  while helper.run(command) ~= 0 do
    assert(socket.gettime() < ends, command)
  end
end

describe("an archive", function()
  it("leaves no part of a process that ended while it was at work", function()
    local sandbox, folder = helper.sandbox { recordings = 3, audio_interval = 0 }, helper.folder()
    local client = ccaas.new(sandbox:options("xima", { audio_interval = 0 }))
    local _, pid = helper.run("( exec " .. helper.command(([[
      local core = require "ccaas.core"
      local file = assert(core.file(%q))
      assert(file:write("half of it"))
      core.poll(-1, 60)
    ]]):format(folder .. "/other")) .. " ) >/dev/null 2>&1 </dev/null & echo $!")
    pid = pid:match("%d+")
    wait_for("ls " .. folder .. "/.ccaas-*.part")
    local result = assert(client:archive { from = "2025-06-30", to = "2026-06-30", dir = folder, on_file = function()
      helper.run("kill -9 " .. pid)
      wait_for("! grep -qv ') [ZX] ' /proc/" .. pid .. "/stat")
    end })
    assert.equal(3, result.files)
    assert.are_not.equal(0, (helper.run("ls " .. folder .. "/.ccaas-*")))
    client:close()
  end)
end)
