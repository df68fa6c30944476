-- What nginx's master had said of itself while it read its configuration, that
-- nothing of it goes into a worker, the worker took for its own when the master had
-- sent nothing yet: when it forked in its turn, its calls were ended.
local programs = require "spec.support.programs"

describe("a worker that forks", function()
  it("keeps its calls, whatever was said in the process before it", function()
    programs.succeeds((programs.sandboxes()), programs.fork() .. [[
      local core = require "ccaas.core"
      local client = ccaas.new(options)
      core.stay()
      local worker = child(function()
        local stream = client:groups()
        assert(stream:next())
        assert(forker.wait(child(function() end)) == 0)
        assert(#assert(stream:all()) == 199)
      end)
      assert(forker.wait(worker) == 0)
    ]], 30)
  end)
end)
