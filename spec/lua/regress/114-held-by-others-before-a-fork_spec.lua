-- In a forked child what somebody had in the parent was had for ever: the place for
-- a download of audio, or the asking of the token function.
local programs = require "spec.support.programs"

describe("a process that forks", function()
  local plain
  setup(function() plain = programs.sandboxes() end)

  it("has no stall in the child while audio was coming in", function()
    programs.succeeds(plain, programs.fork() .. [[
      xima.audio_interval = 0.01
      local client = ccaas.new(xima)
      local row = assert(client:recordings({ from = 0, to = os.time(), limit = 1 }):next())
      local whole = #assert(client:audio(row))
      local sink = coroutine.wrap(function()
        assert(client:audio(row, { sink = coroutine.yield }))
        return "over"
      end)
      assert(#sink() > 0) -- it is inside
      local pid = child(function()
        assert(#assert(client:audio(row, { deadline = 10 })) == whole)
      end)
      assert(forker.wait(pid) == 0)
      repeat until sink(true) == "over"
    ]], 30)
  end)

  it("has no stall in the child while the token function was asked", function()
    programs.succeeds(plain, programs.fork() .. [[
      local token, asked = xima.token, 0
      xima.token = function()
        asked = asked + 1
        if asked == 1 then
          coroutine.yield()
        end
        return token
      end
      local client = ccaas.new(xima)
      local count
      local first = coroutine.wrap(function() count = #assert(client:skills():all()) end)
      first()
      local pid = child(function()
        assert(#assert(client:skills { deadline = 10 }:all()) > 0)
      end)
      assert(forker.wait(pid) == 0)
      first()
      assert(count > 0 and asked == 1)
    ]], 30)
  end)
end)
