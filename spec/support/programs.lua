-- Programs that use the module, in interpreters of their own: what spec/lua/process
-- has them do, and what they may expect.  The sandbox that they talk to is a
-- process too.
local helper = require "spec.support.helper"

local programs = {}

-- A sandbox in a process of its own, which ends when its standard input does.
-- Gives Lua source of the options of clients.
local function sandbox_process(start)
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
    for _, vendor in ipairs { "8x8", "xima" } do
      for name, value in pairs(sb:options(vendor)) do
        io.write(name, " = ", ("%%q"):format(value), ", ")
      end
      io.write("retries = 0\n")
    end
    io.flush()
    io.read("*a")
    sb:stop()
  ]]):format(start)) .. " < " .. fifo)
  local input = io.open(fifo, "w")
  helper.at_end(function()
    input:close()
    pipe:close()
  end)
  local x8 = assert(pipe:read("*l"), "the sandbox did not start")
  return "{ " .. x8 .. ", xima = { " .. assert(pipe:read("*l")) .. " } }"
end

--- Two sandboxes that answer until this spec file has ended: Lua source of the
--- options of an 8x8 client, whose field `xima` has those of a Xima client.
---@return string plain
---@return string tls
function programs.sandboxes()
  local world = "agents = 200, queues = 20, groups = 200, live = 20, audio_interval = 0"
  return sandbox_process("{ " .. world .. " }"), sandbox_process("{ " .. world .. ", tls = true }")
end

local PRELUDE = [[
  local options = %s
  local xima = options.xima
  options.xima = nil
  local ccaas = require "ccaas"
]]

--- The shell words that run a script, to which `options` and `xima` are the
--- sandbox's.
---@param options string
---@param script string
---@return string
function programs.command(options, script)
  return helper.command(PRELUDE:format(options) .. script)
end

--- Runs it; `seconds` is all that it may take, `around` what stands around it
--- in the shell.  Gives its status and what it wrote.
---@param options string
---@param script string
---@param seconds? integer
---@param around? string
---@return integer status
---@return string output
function programs.run(options, script, seconds, around)
  local command = programs.command(options, script)
  return helper.run((around or "%s"):gsub("%%s", function()
    return ("timeout -s KILL %d %s"):format(seconds or 60, command)
  end))
end

--- Runs it, and it must succeed: what it wrote.
---@param options string
---@param script string
---@param seconds? integer
---@param around? string
---@return string output
function programs.succeeds(options, script, seconds, around)
  local status, output = programs.run(options, script, seconds, around)
  assert(status == 0, output)
  return output
end

--- Lua source of a function `work`: work of all kinds, good and bad, up to the
--- client's close.
programs.WORK = [[
  local function work()
    local client = ccaas.new(options)
    assert(#assert(client:queues():all()) == 20)
    assert(client:queue("101"))
    local stream = client:groups()
    assert(stream:next())
    assert(not client:agents_in_queue_groups { timeout = 0.05 })
    assert(not client:queue("none"))
    client:close()
    client = ccaas.new(xima)
    stream = client:subscribe { "101", "102" }
    assert(stream:next().type == "open")
    assert(stream:next().type == "update")
    local refused = {}
    for name, value in pairs(xima) do
      refused[name] = value
    end
    refused.token = "wrong"
    assert(not ccaas.new(refused):subscribe({ "101" }):next())
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

--- Lua source of a function `count`: how many entries a folder of /proc/self has.
programs.COUNT = [[
  local function count(what)
    local n = 0
    collectgarbage()
    for name in require("lfs").dir("/proc/self/" .. what) do
      n = n + (name:find("^%d+$") and 1 or 0)
    end
    return n
  end
]]

--- Lua source of `forker` (fork, wait, leave) and of a function `child` that runs
--- another one in a child.
---@return string
function programs.fork()
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
  return ("package.cpath = %q .. package.cpath\n"):format(folder .. "/?.so;") .. [[
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
end

return programs
