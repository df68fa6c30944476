-- Decoding allocates, so the collector may run a finaliser that closes the client
-- or the stream whose record is being decoded: its bytes were freed under it.
local helper = require "spec.support.helper"
local ccaas = require "ccaas"

describe("a finaliser that runs while a record is decoded", function()
  local sandbox

  setup(function()
    sandbox = helper.sandbox { agents = 2000, queues = 3 }
  end)

  for _, what in ipairs { "client", "stream" } do
    it("may close the " .. what, function()
      for round = 1, 10 do
        local client = ccaas.new(sandbox:options("8x8"))
        local stream = client:agents { metrics = { "status.rt", "activeQueues.rt", "timeOnStatus.rt" }, size = 500 }
        assert(stream:next())
        local closed = false
        local guard = helper.with_finaliser(function()
          closed = true;
          (what == "client" and client or stream):close()
        end)
        assert.is_truthy(guard)
        guard = nil -- luacheck: ignore
        local count = 0
        local row, err
        repeat
          row, err = stream:next()
          count = count + (row and 1 or 0)
          if round % 2 == 0 then
            collectgarbage("step", 1)
          end
        until not row
        if closed and count < 1999 then
          assert.equal("cancelled", err.code)
        end
        client:close()
      end
    end)
  end

  it("may close the client whose call is being made", function()
    for _ = 1, 50 do
      local client = ccaas.new(sandbox:options("8x8"))
      local guard = helper.with_finaliser(function() client:close() end)
      assert.is_truthy(guard)
      guard = nil -- luacheck: ignore
      for _ = 1, 200 do
        local ok, stream = pcall(client.agents, client, { metrics = { "status.rt" } })
        if not ok then
          assert.truthy(tostring(stream):find("closed"), tostring(stream))
          break
        end
      end
    end
  end)
end)
