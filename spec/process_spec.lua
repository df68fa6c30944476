-- A guest in the host's process: what a program that uses the module keeps as
-- it was, and how it ends.  All of it is seen from outside, in interpreters of
-- their own; the sandbox that they talk to is a process too.
local ccaas = require "ccaas"
local helper = require "spec.helper"
local lfs = require "lfs"

-- A sandbox in a process of its own, which ends when its standard input does.
-- Gives Lua source of the options of a client.
local function sandbox_process(start, overrides)
  local fifo = helper.folder() .. "/in"
  assert(helper.run("mkfifo " .. fifo) == 0)
  local pipe = io.popen(helper.command(([[
    local sb = require("ccaas.sandbox").start(%s)
    sb:fault { path = "/groups", drip = 0.02, times = 1e6 }
    sb:fault { path = "/agents-in-queue-groups", hang = true, times = 1e6 }
    if sb.ca_file then
      sb:fault { path = "/slow-token", hang = true }
      sb:fault { path = "/slow-token", times = 1e6, body = '{"access_token":"none"}' }
    end
    for name, value in pairs(sb:options("8x8")) do
      io.write(name, " = ", ("%%q"):format(value), ", ")
    end
    io.write("retries = 0, ", %q, "\n")
    io.flush()
    io.read("*a")
    sb:stop()
  ]]):format(start, overrides or "")) .. " < " .. fifo)
  local input = io.open(fifo, "w")
  helper.at_end(function()
    input:close()
    pipe:close()
  end)
  return "{" .. assert(pipe:read("*l"), "the sandbox did not start") .. "}"
end

local plain, tls
setup(function()
  plain = sandbox_process "{ agents = 200, queues = 20, groups = 200 }"
  tls = sandbox_process "{ agents = 200, queues = 20, groups = 200, tls = true }"
end)

-- Runs a script, to which `options` are the sandbox's, and `seconds` all that
-- it may take.  Gives its status and what it wrote.
local function run(options, script, seconds, around)
  local command = helper.command("local options = " .. options .. "\nlocal ccaas = require 'ccaas'\n" .. script)
  return helper.run((around or "%s"):gsub("%%s", function()
    return ("timeout -s KILL %d %s"):format(seconds or 60, command)
  end))
end

local function succeeds(options, script, seconds, around)
  local status, output = run(options, script, seconds, around)
  assert.equal(0, status, output)
  return output
end

-- -- The end ------------------------------------------------------------------

describe("a script that ends in mid-stream", function()
  -- Some rows of one stream are read, another has not begun, a third hangs.
  local middle = [[
    local client = ccaas.new(options)
    local stream, other = client:groups(), client:agents { summary = true, size = 10 }
    assert(stream:next())
    assert(other:next())
    assert(not client:agents_in_queue_groups { deadline = 0.02 })
    local third = client:queues { size = 1 }
    third:next(0)
  ]]

  -- Runs the script so many times; each must give this status, within 5 s.
  local function all_give(times, status, options, ending)
    local command = helper.command("local options = " .. options .. "\nlocal ccaas = require 'ccaas'\n"
      .. middle .. ending)
    local file = helper.folder() .. "/script"
    local out = assert(io.open(file, "w"))
    out:write("exec timeout -s KILL 30 " .. command .. "\n")
    out:close()
    local _, output = helper.run(([[
      one() { sh %s >/dev/null 2>&1; echo $?; }
      i=0
      while [ $i -lt %d ]; do one & one; wait; i=$((i + 2)); done
    ]]):format(file, times))
    local counts = {}
    for given in output:gmatch("%d+") do
      counts[tonumber(given)] = (counts[tonumber(given)] or 0) + 1
    end
    assert.same({ [status] = times }, counts)
  end

  it("by os.exit keeps its status, 100 times over TLS", function()
    all_give(100, 7, tls, "os.exit(7)")
  end)

  it("by os.exit with its state closed keeps its status, over TLS", function()
    all_give(20, 7, tls, "os.exit(7, true)")
  end)

  it("by its own end gives 0, over TLS", function()
    all_give(20, 0, tls, "")
  end)

  it("by an error gives 1, over TLS", function()
    all_give(20, 1, tls, "error('no more')")
  end)

  it("keeps its status without TLS too", function()
    all_give(10, 7, plain, "os.exit(7)")
    all_give(10, 7, plain, "os.exit(7, true)")
    all_give(10, 0, plain, "")
    all_give(10, 1, plain, "error('no more')")
  end)

  it("ends at once, whatever is under way", function()
    for _, ending in ipairs { "os.exit(0)", "os.exit(0, true)", "" } do
      local output = succeeds(tls, middle .. [[
        local file = io.open("/proc/uptime")
        print(file:read("*n"))
        file:close()
      ]] .. ending, 20, "%s; cut -d' ' -f1 /proc/uptime")
      local before, after = output:match("^([%d.]+)\n([%d.]+)\n")
      assert.is_true(tonumber(after) - tonumber(before) < 3, output)
    end
  end)

  it("by a signal dies of that signal", function()
    local status = run(tls, middle .. [[
      local file = io.open("/proc/self/stat")
      os.execute("kill -TERM " .. file:read("*n"))
      os.execute("sleep 5")
    ]])
    assert.is_true(status == 128 + 15 or status == 15, tostring(status))
  end)
end)

-- -- What belongs to the host ---------------------------------------------------

-- Work of all kinds, good and bad, up to the client's close.
local WORK = [[
  local function work()
    local client = ccaas.new(options)
    assert(#assert(client:queues():all()) == 20)
    assert(client:queue("101"))
    local stream = client:groups()
    assert(stream:next())
    assert(not client:agents_in_queue_groups { timeout = 0.05 })
    assert(not client:queue("none"))
    client:close()
    local bad = {}
    for name, value in pairs(options) do
      bad[name] = value
    end
    bad.secret = "wrong"
    client = ccaas.new(bad)
    assert(not client:queue("101"))
    client:close()
    bad.base_url, bad.token_url = "https://127.0.0.1:1", "https://127.0.0.1:1"
    client = ccaas.new(bad)
    assert(not client:queue("101"))
    client:close()
    collectgarbage()
    collectgarbage()
  end
  local function read(path)
    local file = assert(io.open(path))
    local text = file:read("*a")
    file:close()
    return text
  end
]]

describe("a program that uses a client", function()
  it("has the same signal dispositions and mask before, meanwhile and after", function()
    for _, options in ipairs { plain, tls } do
      local output = succeeds(options, WORK .. [[
        -- Without 32 and 33, which are the C library's own.
        local function mask(status, name)
          local high, low = status:match(name .. ":%s*(%x%x%x%x%x%x%x%x)(%x%x%x%x%x%x%x%x)")
          high, low = tonumber(high, 16), tonumber(low, 16)
          return ("%x %x"):format(high - high % 2, low % 2 ^ 31)
        end
        local function signals()
          local status = read("/proc/self/status")
          return mask(status, "SigBlk"), mask(status, "SigIgn"), mask(status, "SigCgt")
        end
        local function check(what, blocked, ignored, caught)
          local b, i, c = signals()
          assert(b == blocked and i == ignored and c == caught,
            table.concat({ what, blocked, b, ignored, i, caught, c }, " "))
        end
        local blocked, ignored, caught = signals()
        local client = ccaas.new(options)
        local stream = client:groups()
        assert(stream:next())
        check("meanwhile", blocked, ignored, caught)
        work()
        check("after", blocked, ignored, caught)
        client:close()
        check("closed", blocked, ignored, caught)
        print("fine")
      ]])
      assert.equal("fine\n", output)
    end
  end)

  it("gets every signal itself: the client's threads block them all", function()
    succeeds(tls, WORK .. [[
      local client = ccaas.new(options)
      local stream = client:groups()
      assert(stream:next())
      local file = io.open("/proc/self/stat")
      local pid, others = file:read("*n"), 0
      file:close()
      for task in io.popen("ls /proc/" .. string.format("%d", pid) .. "/task"):lines() do
        if tonumber(task) ~= pid then
          local mask = read("/proc/self/task/" .. task .. "/status"):match("SigBlk:%s*(%x+)")
          -- The C library keeps 32 and 33 for itself, SIGKILL and SIGSTOP cannot be blocked.
          assert(mask:sub(-8):lower() == "7ffbfeff" or mask:sub(-8):lower() == "fffbfeff", mask)
          others = others + 1
        end
      end
      assert(others >= 1)
    ]])
  end)

  it("survives a connection that the server has closed, with SIGPIPE as it was", function()
    succeeds(tls, [[
      options.retries = 2
      local client = ccaas.new(options)
      for _ = 1, 5 do
        assert(client:queue("101"))
        collectgarbage()
      end
    ]])
  end)

  it("has its locale, environment, umask and working directory as they were", function()
    succeeds(tls, WORK .. [[
      local function state()
        local pipe = io.popen("env | grep -v '^_=' | sort; umask; pwd")
        local text = pipe:read("*a")
        pipe:close()
        return text .. os.setlocale(nil)
      end
      local before = state()
      work()
      assert(state() == before, before .. "\n--\n" .. state())
    ]], nil, "umask 0137; FOO=bar %s")
  end)

  it("decodes numbers the same in a locale with a decimal comma", function()
    succeeds(plain, [[
      local client = ccaas.new(options)
      local names = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE" }
      for _, name in ipairs(names) do
        os.setlocale(name)
      end
      local row = assert(client:queue("101"))
      for _, value in pairs(row.metrics) do
        assert(type(value) ~= "number" or value == value)
      end
    ]])
  end)

  it("finds nothing printed, whatever goes wrong", function()
    assert.equal("", succeeds(plain, WORK .. "work()"))
    assert.equal("", succeeds(tls, WORK .. "work()"))
    assert.equal("", succeeds(tls, [[
      options.ca_file = nil
      local client = ccaas.new(options)
      local row, err = client:queue("101")
      assert(not row and err.code == "tls", tostring(err))
    ]]))
  end)
end)

-- -- Descriptors and threads ---------------------------------------------------

local COUNT = [[
  local function count(what)
    local n = 0
    collectgarbage()
    for name in require("lfs").dir("/proc/self/" .. what) do
      n = n + (name:find("^%d+$") and 1 or 0)
    end
    return n
  end
]]

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
      local after, text = inherited()
      assert(after == before, text)
    ]])
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

  it("do not go round while a stream is stalled", function()
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

  it("do not go round while nothing is under way, or a stream is not read", function()
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

-- -- States --------------------------------------------------------------------

-- luv's threads have each a Lua state of their own, closed at their end.
local THREADS = COUNT .. [[
  local luv = require "luv"
  local function in_state(text, ...)
    return assert(luv.new_thread(function(path, cpath, text, ...)
      package.path, package.cpath = path, cpath
      local chunk = assert((loadstring or load)(text))
      chunk(...)
    end, package.path, package.cpath, text, ...))
  end
  local given = {}
  for name, value in pairs(options) do
    given[#given + 1] = ("%s = " .. (type(value) == "number" and "%d" or "%q")):format(name, value)
  end
  local OPTIONS = "{" .. table.concat(given, ", ") .. "}"
  local CALL = "local ccaas = require 'ccaas' local client = ccaas.new(" .. OPTIONS .. [=[)
    for _ = 1, 5 do
      assert(#assert(client:queues():all()) == 20)
    end
    local stream = client:groups()
    assert(stream:next())
    local file = io.open((...), "a")
    file:write("done\n")
    file:close()
  ]=]
  local function done(path)
    local file = io.open(path)
    local text = file and file:read("*a") or ""
    if file then file:close() end
    return select(2, text:gsub("\n", ""))
  end
]]

describe("a Lua state that is closed", function()
  it("leaves no thread and no descriptor, in mid-stream", function()
    local path = helper.folder() .. "/done"
    succeeds(tls, ("local path = %q\n"):format(path) .. THREADS .. [[
      in_state(CALL, path):join()
      assert(done(path) == 1)
      local tasks, files = count("task"), count("fd")
      for i = 2, 6 do
        in_state(CALL, path):join()
        assert(done(path) == i)
        assert(count("task") == tasks)
      end
      local now, tries = count("fd"), 0
      while now > files and tries < 50 do
        now, tries = count("fd"), tries + 1
      end
      assert(now <= files, now .. " not " .. files)
    ]])
  end)

  it("leaves the module where it is: no thread runs unmapped code", function()
    local path = helper.folder() .. "/done"
    local text = ([[
      local path, options = %q, %s
      %s
      local function mapped()
        local file = io.open("/proc/self/maps")
        local text = file:read("*a")
        file:close()
        return text:find("/ccaas/core.so", 1, true) ~= nil
      end
      assert(not mapped())
      in_state(CALL, path):join()
      assert(done(path) == 1)
      assert(mapped())
    ]]):format(path, plain, THREADS)
    local status, output = helper.run(helper.command(text))
    assert.equal(0, status, output)
  end)

  it("leaves others alone that run beside it", function()
    local path = helper.folder() .. "/done"
    succeeds(tls, ("local path = %q\n"):format(path) .. THREADS .. [[
      local client = ccaas.new(options)
      local stream = client:groups()
      assert(stream:next())
      local threads = {}
      for i = 1, 4 do
        threads[i] = in_state(CALL, path)
      end
      assert(#assert(client:queues():all()) == 20)
      for _, thread in ipairs(threads) do
        thread:join()
      end
      assert(done(path) == 4)
      assert(#assert(stream:all()) == 199)
    ]])
  end)
end)

-- -- Names that take long to look up ---------------------------------------------

describe("a name look-up that hangs", function()
  local preload, limits

  setup(function()
    local folder = helper.folder()
    local source = assert(io.open(folder .. "/slow.c", "w"))
    source:write [[
      #define _GNU_SOURCE
      #include <dlfcn.h>
      #include <netdb.h>
      #include <string.h>
      #include <unistd.h>
      int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found)
      {
          int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
              (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(RTLD_NEXT,
                                                                                              "getaddrinfo");
          if (name && strstr(name, "slow.test"))
              sleep(20);
          if (name && strstr(name, "never.test"))
              return EAI_NONAME;
          return next(name, service, hints, found);
      }
    ]]
    source:close()
    local status, output = helper.run(("cc -shared -fPIC -o %s/slow.so %s/slow.c -ldl"):format(folder, folder))
    assert(status == 0, output)
    preload = folder .. "/slow.so"
    limits = ("ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS:-} LD_PRELOAD=%s %%s"):format(preload)
  end)

  local SLOW = [[
    local slow = {}
    for name, value in pairs(options) do
      slow[name] = value
    end
    slow.base_url = "https://slow.test:1"
    local now = require("ccaas.core").now
    local began = now()
    local function soon(what)
      assert(now() - began < 6, what .. " took " .. now() - began)
    end
  ]]

  it("delays no other transfer", function()
    succeeds(plain, SLOW .. [[
      local other, client = ccaas.new(slow), ccaas.new(options)
      local stream = other:queues()
      assert(not stream:next(0.05))
      for _ = 1, 20 do
        assert(client:queue("101"))
      end
      stream:close()
      for _ = 1, 20 do
        assert(client:queue("101"))
      end
      soon "all of it"
    ]], 15, limits)
  end)

  it("delays no deadline and no time-out", function()
    succeeds(plain, SLOW .. [[
      local client = ccaas.new(slow)
      local row, err = client:queue("101", { deadline = 0.2 })
      assert(not row and err.code == "timeout", tostring(err))
      row, err = client:queue("101", { timeout = 0.2 })
      assert(not row and err.code == "timeout", tostring(err))
      slow.connect_timeout = 0.2
      row, err = ccaas.new(slow):queue("101")
      assert(not row and (err.code == "timeout" or err.code == "dns"), tostring(err))
      soon "all of it"
    ]], 15, limits)
  end)

  it("of the token's host delays no deadline", function()
    succeeds(plain, SLOW .. [[
      slow.base_url, slow.token_url = options.base_url, "https://slow.test:1"
      local row, err = ccaas.new(slow):queue("101", { deadline = 0.2 })
      assert(not row and err.code == "timeout", tostring(err))
      soon "all of it"
    ]], 15, limits)
  end)

  it("delays no close and no exit", function()
    for _, ending in ipairs { "", "os.exit(0)", "os.exit(0, true)" } do
      succeeds(plain, SLOW .. [[
        local client = ccaas.new(slow)
        local stream = client:queues()
        assert(not stream:next(0.05))
        if options.close then
          client:close()
        end
        soon "close"
      ]] .. ending, 8, limits)
    end
  end)

  it("that ends without an address is error dns", function()
    succeeds(plain, SLOW .. [[
      slow.base_url = "https://never.test:1"
      local row, err = ccaas.new(slow):queue("101")
      assert(not row and err.code == "dns" and err.retryable, tostring(err))
    ]], 15, limits)
  end)
end)

-- -- Fork ------------------------------------------------------------------------

local maps = helper.read("/proc/self/maps")

-- ThreadSanitizer cannot watch a child that starts threads again.
if not maps:find("libtsan", 1, true) then describe("a process that forks", function()
  local FORK

  setup(function()
    local folder = helper.folder()
    local source = assert(io.open(folder .. "/forker.c", "w"))
    -- What Lua 5.4 and LuaJIT have in common of their C interface.
    source:write [[
      #include <sys/wait.h>
      #include <unistd.h>
      struct lua_State;
      void lua_pushnumber(struct lua_State *, double);
      double luaL_checknumber(struct lua_State *, int);
      void lua_pushcclosure(struct lua_State *, int (*)(struct lua_State *), int);
      void lua_createtable(struct lua_State *, int, int);
      void lua_setfield(struct lua_State *, int, const char *);
      static int do_fork(struct lua_State *L) { lua_pushnumber(L, fork()); return 1; }
      static int do_leave(struct lua_State *L) { _exit((int)luaL_checknumber(L, 1)); }
      static int do_wait(struct lua_State *L)
      {
          int status = 0;
          waitpid((pid_t)luaL_checknumber(L, 1), &status, 0);
          lua_pushnumber(L, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
          return 1;
      }
      int luaopen_forker(struct lua_State *L)
      {
          lua_createtable(L, 0, 3);
          lua_pushcclosure(L, do_fork, 0);
          lua_setfield(L, -2, "fork");
          lua_pushcclosure(L, do_wait, 0);
          lua_setfield(L, -2, "wait");
          lua_pushcclosure(L, do_leave, 0);
          lua_setfield(L, -2, "leave");
          return 1;
      }
    ]]
    source:close()
    local status, output = helper.run(("cc -shared -fPIC -o %s/forker.so %s/forker.c"):format(folder, folder))
    assert(status == 0, output)
    FORK = ("package.cpath = %q .. package.cpath\n"):format(folder .. "/?.so;") .. [[
      local forker = require "forker"
      -- Runs f in a child; gives what it ended with.
      local function child(f, leave)
        local pid = forker.fork()
        if pid == 0 then
          local ok, err = xpcall(f, debug.traceback)
          if not ok then
            io.stderr:write(tostring(err), "\n")
          end
          (leave or forker.leave)(ok and 0 or 1)
        end
        return pid
      end
    ]]
  end)

  for _, case in ipairs { { "plain", function() return plain end }, { "TLS", function() return tls end } } do
    it("may use a client in parent and child that was made before, unused (" .. case[1] .. ")", function()
      succeeds(case[2](), FORK .. [[
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
      succeeds(case[2](), FORK .. [[
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

  it("has an error in the child, not a stall, for a stream that was under way", function()
    succeeds(tls, FORK .. [[
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
    succeeds(tls, FORK .. [[
      options.token_url = options.token_url:gsub("/oauth/v2/token", "/slow-token")
      local client = ccaas.new(options)
      local stream = client:queues()
      assert(not stream:next(0.2))
      local pid = child(function()
        local row, err = client:queue("101", { deadline = 10 })
        assert(not row and err.code == "auth", tostring(err))
      end)
      assert(forker.wait(pid) == 0)
      local _, err = stream:next(0.01)
      assert(err.code == "timeout" and err.message:find("goes on"), tostring(err))
    ]], 20)
  end)

  it("ends in the child as it should, with the parent's streams open", function()
    succeeds(tls, FORK .. [[
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
end) end

it("is left by this spec's own process as it was", function()
  local path = "/proc/self/task"
  local before = 0
  for name in lfs.dir(path) do
    before = before + (name:match("^%d+$") and 1 or 0)
  end
  local client = ccaas.new { provider = "8x8", key = "k", secret = "s", base_url = "http://127.0.0.1:9" }
  client:queues():close()
  client:close()
  local after = 0
  for name in lfs.dir(path) do
    after = after + (name:match("^%d+$") and 1 or 0)
  end
  assert.equal(before, after)
end)
