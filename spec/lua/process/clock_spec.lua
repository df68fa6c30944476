-- A guest in the host's process: a wall clock that is set while things are under way,
-- and a process that is stopped for a while.  Only what is told to people has the wall
-- clock's time; whatever waits or ends goes by one that nobody sets.
local helper = require "spec.support.helper"

describe("a wall clock that is set by an hour, to and fro", function()
  local preload, step

  setup(function()
    local folder = helper.folder()
    local source = assert(io.open(folder .. "/clock.c", "w"))
    source:write(([[
      #define _GNU_SOURCE
      #include <fcntl.h>
      #include <stdlib.h>
      #include <sys/syscall.h>
      #include <sys/time.h>
      #include <time.h>
      #include <unistd.h>
      /* The file says by how many seconds the clock was set. */
      static long step(void)
      {
          char text[32] = {0};
          int fd = open(%q, O_RDONLY | O_CLOEXEC);
          if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
              text[0] = 0;
          if (fd >= 0)
              close(fd);
          return atol(text);
      }
      int clock_gettime(clockid_t clock, struct timespec *now)
      {
          int result = (int)syscall(SYS_clock_gettime, clock, now);
          if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
              now->tv_sec += step();
          return result;
      }
      int gettimeofday(struct timeval *restrict now, void *restrict zone)
      {
          struct timespec time;
          (void)zone;
          clock_gettime(CLOCK_REALTIME, &time);
          now->tv_sec = time.tv_sec;
          now->tv_usec = time.tv_nsec / 1000;
          return 0;
      }
      time_t time(time_t *to)
      {
          struct timespec now;
          clock_gettime(CLOCK_REALTIME, &now);
          if (to)
              *to = now.tv_sec;
          return now.tv_sec;
      }
    ]]):format(folder .. "/step"))
    source:close()
    local status, output = helper.run(("cc -shared -fPIC -o %s/clock.so %s/clock.c"):format(folder, folder))
    assert(status == 0, output)
    preload = ("ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS:-} LD_PRELOAD=%s/clock.so timeout -s KILL 60 ")
      :format(folder)
    step = folder .. "/step"
  end)

  -- Runs a script whose loop sets the clock at every wait.
  local function succeeds(script)
    local status, output = helper.run(preload .. helper.command(([[
      local ccaas, core = require "ccaas", require "ccaas.core"
      local sandbox = require("ccaas.sandbox").start { agents = 20, queues = 5, groups = 2, recordings = 4,
        audio_interval = 0, audio_size = 1000 }
      local steps, waits = { 3600, -3600, 0, -7200 }, 0
      local function set(seconds)
        local file = assert(io.open(%q, "w"))
        file:write(("%%d"):format(seconds))
        file:close()
      end
      local loop = { wait = function(fd, seconds)
        waits = waits + 1
        set(steps[waits %% #steps + 1])
        return core.poll(fd, seconds)
      end }
      local function client_of(vendor, overrides)
        overrides = overrides or {}
        overrides.loop = loop
        return ccaas.new(sandbox:options(vendor, overrides))
      end
      local function lasts(least, most, f)
        local began = core.now()
        f()
        local seconds = core.now() - began
        assert(seconds >= least and seconds < most, seconds)
      end
      local function asked(path)
        local count = 0
        for _, request in ipairs(sandbox:requests()) do
          count = count + (request.path:find(path, 1, true) and 1 or 0)
        end
        return count
      end
      set(0)
      local before = os.time()
      set(3600)
      assert(os.time() - before >= 3600, "the clock is not set")
    ]]):format(step) .. script .. " sandbox:stop()"))
    assert(status == 0, output)
  end

  it("changes no time-out, deadline or pause", function()
    succeeds [[
      local client = client_of "8x8"
      lasts(0.3, 10, function()
        sandbox:fault { path = "/queues/101", hang = true }
        local _, err = client:queue("101", { timeout = 0.3, retries = 0 })
        assert(err.code == "timeout", tostring(err))
      end)
      lasts(0.3, 10, function()
        sandbox:fault { path = "/queues/101", hang = true }
        local _, err = client:queue("101", { deadline = 0.3 })
        assert(err.code == "timeout", tostring(err))
      end)
      for _, date in ipairs { false, true } do
        local theirs, form = math.floor(core.wall()), "!%a, %d %b %Y %H:%M:%S GMT"
        sandbox:fault { path = "/queues/101", status = 503, headers = {
          ["Retry-After"] = date and os.date(form, theirs + 1) or "1", Date = date and os.date(form, theirs) or nil } }
        lasts(0.99, 10, function()
          assert(client:queue("101"))
        end)
      end
      lasts(0.2, 10, function()
        sandbox:fault { path = "/queues", hang = true }
        local _, err = client:queues():next(0.2)
        assert(err.code == "timeout", tostring(err))
      end)
    ]]
  end)

  it("ends no token, in this state or in a store", function()
    succeeds [[
      local client = client_of "8x8"
      for _ = 1, 20 do
        assert(client:queue("101"))
      end
      assert(asked "/oauth/v2/token" == 1, asked "/oauth/v2/token")
      local path = os.tmpname()
      os.remove(path)
      local shared = client_of("8x8", { store = ccaas.store.file(path) })
      for _ = 1, 20 do
        assert(shared:queue("101"))
      end
      assert(asked "/oauth/v2/token" == 2, asked "/oauth/v2/token")
      os.remove(path)
    ]]
  end)

  it("loses no subscription, and keeps the pace of an archive", function()
    succeeds [[
      local client = client_of("xima", { audio_interval = 0.3 })
      local live = client:subscribe({ "101" }, { snapshot = false, silence = 0.6 })
      assert(live:next(10).type == "open")
      for i = 1, 4 do
        assert(not live:next(0.3))
        sandbox:push { id = "101", category = "A", value = i }
        local event = assert(live:next(10))
        assert(event.type == "update", event.type)
      end
      live:close()
      local dir = os.tmpname()
      os.remove(dir)
      assert(os.execute("mkdir " .. dir))
      lasts(0.9, 20, function()
        local result = assert(client:archive { from = "2025-06-30", to = "2026-06-30", dir = dir })
        assert(result.files == 4, result.files)
      end)
      os.execute("rm -rf " .. dir)
    ]]
  end)
end)

describe("a process that is stopped for longer than its time-out", function()
  it("takes what came in the meantime, and goes on", function()
    local folder = helper.folder()
    local command = helper.command(([[
      local ccaas, core = require "ccaas", require "ccaas.core"
      local options = assert(loadfile(%q))()
      local client = ccaas.new(options.x8)
      assert(client:queue("101"))
      local stream = client:queues { timeout = 0.5, retries = 0 }
      assert(stream:next())
      local xima = ccaas.new(options.xima)
      local live = xima:subscribe({ "101" }, { snapshot = false, silence = 0.5 })
      assert(live:next(10).type == "open")
      local ready = io.open(%q, "w")
      ready:write("now")
      ready:close()
      while not io.open(%q) do
        core.poll(-1, 0.01)
      end
      assert(#assert(stream:all()) == 4)
      local row, err = client:queue("101", { timeout = 0.5, retries = 0 })
      assert(row, tostring(err))
      local event = assert(live:next(10))
      assert(event.type == "update" and event.value == 7, event.type)
      os.exit(0)
    ]]):format(folder .. "/options", folder .. "/ready", folder .. "/go"))
    local sandbox = helper.sandbox { agents = 20, queues = 5, groups = 2 }
    local function source(vendor)
      local list = {}
      for name, value in pairs(sandbox:options(vendor)) do
        list[#list + 1] = ("%s = %q"):format(name, value)
      end
      return table.concat(list, ", ")
    end
    local file = assert(io.open(folder .. "/options", "w"))
    file:write(("return { x8 = { %s }, xima = { %s } }"):format(source "8x8", source "xima"))
    file:close()
    helper.run(("( timeout -s KILL 60 sh -c 'echo $$ >%s/pid; exec \"$@\"' - env %s"
      .. " >%s/said 2>&1; echo $? >%s/status ) >/dev/null 2>&1 &"):format(folder,
      command:gsub("^env ", ""), folder, folder))
    local function wait_for(name)
      local status, output = helper.run(("i=0; while [ ! -s %s/%s ] && [ $i -lt 600 ]; do sleep 0.05; i=$((i + 1));"
        .. " done; cat %s/%s"):format(folder, name, folder, name))
      assert.equal(0, status, output)
      return output
    end
    local child = wait_for("pid"):match("%d+")
    wait_for "ready"
    helper.run("kill -STOP " .. child)
    assert(sandbox:push { id = "101", category = "A", value = 7 })
    helper.run("sleep 1.2") -- longer than each of its time-outs
    helper.run("kill -CONT " .. child .. "; touch " .. folder .. "/go")
    local status = wait_for("status"):match("%d+")
    assert.equal("0", status, helper.read(folder .. "/said"))
  end)
end)
