-- A guest in the host's process: descriptors and threads.
local helper = require "spec.support.helper"
local programs = require "spec.support.programs"

local succeeds, COUNT = programs.succeeds, programs.COUNT

local plain, tls
setup(function()
  plain, tls = programs.sandboxes()
end)

describe("descriptors", function()
  for _, case in ipairs { { "without TLS", function() return plain end }, { "with TLS", function() return tls end } } do
    it("are as many after 200 calls as before them, " .. case[1], function()
      succeeds(case[2](), COUNT .. [[
        -- A trace keeps some of the streams that it was recorded with.
        if rawget(_G, "jit") then
          jit.off()
        end
        local function calls(times)
          local client = ccaas.new(options)
          for i = 1, times do
            if i % 4 == 0 then
              local stream = client:groups()
              assert(stream:next())
              if i % 8 == 0 then stream:close() end
              stream = nil
              collectgarbage()
            elseif i % 4 == 1 then
              assert(not client:queue("none"))
            elseif i % 4 == 2 then
              assert(not client:queue("101", { deadline = 1e-6 }))
            else
              assert(client:queue("101"))
            end
          end
          client:close()
          collectgarbage()
          collectgarbage()
        end
        -- The thread and its own descriptors stay, and connections that idle:
        -- a few more or less, but a call in four that kept one would be 50.
        calls(40)
        local before = count("fd")
        calls(200)
        local after = count("fd")
        assert(after <= before + 10, before .. " before, " .. after .. " after")
      ]])
    end)
  end

  it("are none before the first request", function()
    succeeds(tls, COUNT .. [[
      local before = count("fd")
      local client = ccaas.new(options)
      local stream = client:groups()
      local after = count("fd")
      assert(after == before, before .. " before, " .. after .. " after")
      client:close()
    ]])
  end)

  it("are as many after 100 subscriptions as before them", function()
    for _, options in ipairs { plain, tls } do
      succeeds(options, COUNT .. [[
        if rawget(_G, "jit") then
          jit.off()
        end
        local function subscriptions(times)
          local client = ccaas.new(xima)
          for i = 1, times do
            local stream = client:subscribe({ "101" }, { snapshot = i % 4 == 0 })
            assert(stream:next().type == "open")
            if i % 2 == 0 then
              stream:close()
            end
            stream = nil
            collectgarbage()
          end
          client:close()
          collectgarbage()
          collectgarbage()
        end
        subscriptions(20)
        local before, after = count("fd"), nil
        subscriptions(100)
        -- Those that were closed last say goodbye to the server first.
        local ends = os.time() + 10
        repeat
          after = count("fd")
        until after <= before + 5 or os.time() > ends
        assert(after <= before + 5, before .. " before, " .. after .. " after")
      ]])
    end
  end)

  it("of connections are not inherited by programs that the host starts", function()
    succeeds(tls, [[
      -- The connections among the descriptors of a program that is started here.
      local function inherited()
        local pipe = io.popen("ls -l /proc/self/fd; cat /proc/net/tcp")
        local text = pipe:read("*a")
        pipe:close()
        local count = 0
        for inode in text:gmatch("socket:%[(%d+)%]") do
          if text:match("local_address.*"):find("%f[%d]" .. inode .. "%f[%D]") then
            count = count + 1
          end
        end
        return count, text
      end
      local before = inherited()
      local client = ccaas.new(options)
      local stream = client:groups()
      assert(stream:next())
      local live = ccaas.new(xima):subscribe { "101" }
      assert(live:next())
      local after, text = inherited()
      assert(after == before, text)
    ]])
  end)
end)

describe("descriptors of all kinds", function()
  -- The archive's files, the sandbox's listener, what wakes libwebsockets, and the
  -- netlink socket that it has since 4.2 were.
  it("are not inherited by programs that the host starts, but for libcurl's wake-up pair", function()
    local folder = helper.folder()
    succeeds(plain, ([[
      local folder = %q
      -- What a program that is started here has open, by what it is.
      local function inherited()
        local pipe = io.popen("ls -l /proc/self/fd; cat /proc/net/unix")
        local text = pipe:read("*a")
        pipe:close()
        local found = {}
        for what in text:gmatch("%%d %%-> (%%S+)") do
          found[what] = true
        end
        return found, text
      end
      local before = inherited()
      local sb = require("ccaas.sandbox").start { agents = 1, recordings = 20, audio_size = 300 }
      local client = ccaas.new(sb:options("xima", { audio_interval = 0 }))
      assert(client:subscribe({ "101" }, { snapshot = false }):next(8).type == "open")
      local looked = 0
      local function look()
        looked = looked + 1
        local pair = 0
        local after, text = inherited()
        for what in pairs(after) do
          local inode = what:match("^socket:%%[(%%d+)%%]$")
          if inode and text:match("RefCount.*"):find(" " .. inode .. "\n", 1, true) then
            pair = pair + 1
          else
            assert(before[what] or what:find("^pipe:") or what:find("^/proc/"), what .. " is inherited\n" .. text)
          end
        end
        assert(pair <= 2, text)
      end
      assert(client:archive { from = 0, to = 2e9, dir = folder, on_file = function()
        if looked == 0 then
          look()
        end
      end })
      assert(looked == 1)
    ]]):format(folder))
  end)
end)

describe("threads", function()
  it("are none before the first request, and few after it", function()
    succeeds(tls, COUNT .. [[
      local alone = count("task")
      local client = ccaas.new(options)
      local stream = client:groups()
      assert(count("task") == alone)
      assert(stream:next())
      local busy = count("task")
      assert(busy > alone and busy <= alone + 2, busy)
      for _ = 1, 20 do
        assert(ccaas.new(options):queue("101"))
      end
      assert(count("task") <= alone + 2)
    ]])
  end)

  it("do not spin while a stream is stalled", function()
    for _, options in ipairs { plain, tls } do
      succeeds(options, [[
        local client = ccaas.new(options)
        assert(client:queue("101"))
        local before = os.clock()
        assert(not client:agents_in_queue_groups { deadline = 0.6 })
        assert(os.clock() - before < 0.2, os.clock() - before)
      ]])
    end
  end)

  it("do not spin while a subscription has no messages", function()
    for _, options in ipairs { plain, tls } do
      succeeds(options, [[
        local client = ccaas.new(xima)
        local stream = client:subscribe({ "K0FLAEB6" }, { snapshot = false })
        assert(stream:next().type == "open")
        while stream:next(0.1) do end
        local before = os.clock()
        stream:next(0.5)
        assert(os.clock() - before < 0.2, os.clock() - before)
        client:close()
        before = os.clock()
        os.execute("sleep 0.3")
        assert(os.clock() - before < 0.1, os.clock() - before)
      ]])
    end
  end)

  it("do not spin while nothing runs, or a stream is not read", function()
    succeeds(plain, [[
      local client = ccaas.new(options)
      local stream = client:agents { summary = true }
      assert(stream:next())
      local before = os.clock()
      os.execute("sleep 0.5")
      assert(os.clock() - before < 0.2, os.clock() - before)
    ]])
  end)
end)
