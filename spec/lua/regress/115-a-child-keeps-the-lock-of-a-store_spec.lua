-- A process that forks while another of its threads has a store's file locked gives
-- the child the lock, too: it stayed for as long as the child lived.
local helper = require "spec.support.helper"
local programs = require "spec.support.programs"

describe("the lock of a store's file", function()
  it("is let go of by who had it, whatever was forked meanwhile", function()
    local path = helper.folder() .. "/store"
    local status, output = helper.run(helper.command(programs.fork() .. ([[
      local core = require "ccaas.core"
      local vault = assert(core.vault(%q, true))
      local pid = child(function() core.poll(-1, 60) end)
      print(select(2, core.vault(%q, true)))
      vault:close()
      print(core.vault(%q, true) and "free")
      os.execute("kill -KILL " .. ("%%d"):format(pid))
      forker.wait(pid)
    ]]):format(path, path, path)))
    assert.equal("busy\nfree\n", output)
    assert.equal(0, status)
  end)
end)
