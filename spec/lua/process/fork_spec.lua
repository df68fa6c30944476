-- A guest in the host's process: processes that fork.
local helper = require "spec.support.helper"
local programs = require "spec.support.programs"

local succeeds = programs.succeeds

local plain, tls
setup(function()
  plain, tls = programs.sandboxes()
end)

describe("a process that forks", function()
  for _, case in ipairs { { "plain", function() return plain end }, { "TLS", function() return tls end } } do
    it("may use a client in parent and child that was made before, unused (" .. case[1] .. ")", function()
      succeeds(case[2](), programs.fork() .. [[
        local client = ccaas.new(options)
        local pids = {}
        for i = 1, 4 do
          pids[i] = child(function()
            assert(#assert(client:queues():all()) == 20)
          end)
        end
        assert(#assert(client:queues():all()) == 20)
        for _, pid in ipairs(pids) do
          assert(forker.wait(pid) == 0)
        end
        assert(#assert(client:queues():all()) == 20)
      ]])
    end)

    it("may use a client in parent and child that was used before (" .. case[1] .. ")", function()
      succeeds(case[2](), programs.fork() .. [[
        local client = ccaas.new(options)
        local stream = client:groups()
        assert(stream:next())
        local pids = {}
        for i = 1, 4 do
          pids[i] = child(function()
            for _ = 1, 3 do
              assert(#assert(client:queues():all()) == 20)
            end
            client:close()
          end, i % 2 == 0 and os.exit or nil)
        end
        for _ = 1, 3 do
          assert(#assert(client:queues():all()) == 20)
        end
        for _, pid in ipairs(pids) do
          assert(forker.wait(pid) == 0)
        end
        assert(#assert(stream:all()) == 199)
      ]])
    end)
  end

  for _, case in ipairs { { "plain", function() return plain end }, { "TLS", function() return tls end } } do
    it("may subscribe in parent and child (" .. case[1] .. ")", function()
      succeeds(case[2](), programs.fork() .. [[
        local client = ccaas.new(xima)
        local unread = client:subscribe { "102" }
        local stream = client:subscribe { "101" }
        assert(stream:next().type == "open")
        local pids = {}
        for i = 1, 4 do
          pids[i] = child(function()
            -- What had come already may be told twice, but nobody waits.
            local event, err
            repeat
              event, err = stream:next()
            until not event
            assert(err.code == "cancelled", tostring(err))
            stream:close()
            assert(unread:next().type == "open")
            local own = client:subscribe({ "101" }, { snapshot = i > 2 })
            assert(own:next().type == "open")
            assert(own:next().type == "update")
          end, i % 2 == 0 and os.exit or nil)
        end
        for _, pid in ipairs(pids) do
          assert(forker.wait(pid) == 0)
        end
        for _ = 1, 5 do
          assert(stream:next().type == "update")
        end
      ]])
    end)
  end

  it("gives an error in the child, not a stall, for a stream that was being read", function()
    succeeds(tls, programs.fork() .. [[
      local client = ccaas.new(options)
      local stream = client:groups()
      assert(stream:next())
      local pid = child(function()
        local rows, err = stream:all()
        assert(rows and #rows == 199 or err and err.code == "cancelled", tostring(err))
        stream:close()
        assert(client:queue("101"))
      end)
      assert(forker.wait(pid) == 0)
      assert(#assert(stream:all()) == 199)
    ]], 20)
  end)

  it("does not stall in the child if a token was being requested", function()
    succeeds(tls, programs.fork() .. [[
      options.token_url = options.token_url:gsub("/oauth/v2/token", "/slow-token")
      local client = ccaas.new(options)
      local stream = client:queues()
      assert(not stream:next(1))
      local pid = child(function()
        local row, err = client:queue("101", { deadline = 10 })
        assert(not row and err.code == "auth", tostring(err))
      end)
      assert(forker.wait(pid) == 0)
      local _, err = stream:next(0.01)
      assert(err.code == "timeout" and err.message:find("goes on"), tostring(err))
    ]], 20)
  end)

  it("in the child takes the token that the parent requests, by a store", function()
    local own = helper.sandbox { queues = 20 }
    own:fault { path = "/oauth/v2/token", delay = 1 } -- the child is there before the token
    local given = {}
    for name, value in pairs(own:options "8x8") do
      given[#given + 1] = ("%s = %q"):format(name, value)
    end
    local output = succeeds(("{ %s }"):format(table.concat(given, ", ")), programs.fork() .. ([[
      options.store = ccaas.store.file(%q)
      local reasons = {}
      options.on_event = function(event)
        if event.type == "token" then
          reasons[#reasons + 1] = event.reason
        end
      end
      local client = ccaas.new(options)
      local stream = client:queues()
      stream:next(0) -- the lease is ours, and the request is under way
      local pid = child(function()
        reasons = {}
        assert(#assert(client:queues():all()) == 20)
        assert(table.concat(reasons, "|") == "shared", table.concat(reasons, "|"))
      end)
      assert(#assert(stream:all()) == 20)
      assert(forker.wait(pid) == 0)
      print(table.concat(reasons, "|"))
    ]]):format(helper.folder() .. "/store"))
    assert.equal("granted\n", output)
  end)

  it("ends in the child as it should, with the parent's streams open", function()
    succeeds(tls, programs.fork() .. [[
      local client = ccaas.new(options)
      local stream = client:groups()
      assert(stream:next())
      for _, leave in ipairs { forker.leave, os.exit, function(status) os.exit(status, true) end } do
        local pid = child(function() end, leave)
        assert(forker.wait(pid) == 0)
        pid = child(function() assert(client:queue("101")) end, leave)
        assert(forker.wait(pid) == 0)
      end
      assert(#assert(stream:all()) == 199)
    ]], 20)
  end)
end)

-- In a forked child what somebody had in the parent was had for ever: the place for
-- a download of audio, or the asking of the token function.
describe("a process that forks", function()
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

-- What nginx's master had said of itself while it read its configuration, that
-- nothing of it goes into a worker, the worker took for its own when the master had
-- sent nothing yet: when it forked in its turn, its calls were ended.
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
