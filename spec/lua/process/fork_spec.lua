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

  it("has an error in the child, not a stall, for a stream that was under way", function()
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

  it("has no stall in the child when a token was being asked for", function()
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

  it("takes the token that the parent asks for, in the child, by a store", function()
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
