-- LuaJIT's traces kept streams that were left early: each stream was read by a
-- function of its own, and a trace holds the functions that it was made with.
local server = require "spec.support.server"
local ccaas = require "ccaas"

describe("streams that are left early in a hot loop", function()
  it("are cancelled once they are collected", function()
    local rows, held, ended = {}, 0, 0
    for i = 1, 120 do
      rows[i] = server.row(tostring(i))
    end
    local s = server.start(function(request, conn)
      if request.query.page == "0" then
        return server.cut(request, rows)
      end
      held = held + 1
      conn:hold()
      ended = ended + 1
    end)
    local client = ccaas.new(s:options())
    local function start(count)
      local stream = client:queues { size = 100, concurrency = 2 }
      for _ = 1, 20 do
        assert(stream:next())
      end
      for _ in stream do
        count = count - 1
        if count < 1 then
          break
        end
      end
    end
    for i = 1, 30 do
      start(30 + i)
    end
    s:serve(function()
      collectgarbage()
      return held > 0 and held == ended
    end)
  end)
end)
