-- What the Lua specs share: sandboxes, folders and processes that end with the
-- spec file that asked for them.  busted loads it first (.busted); a spec says
-- `local helper = require "spec.support.helper"`.
-- With CCAAS_GC=stress in the environment the collector runs all the time.
local busted = require "busted"
local lfs = require "lfs"

local helper = {}

--- The repository's folder, absolute.
helper.top = lfs.currentdir()
--- The interpreter that runs this spec.
helper.interpreter = os.getenv("LUA") or rawget(_G, "jit") and "luajit" or "lua5.4"
--- It is one of our own, with a sanitizer's runtime: everything takes longer.
helper.is_sanitized = helper.interpreter:sub(1, 1) == "/"

local cleanups = {}

--- Calls `f` when the present spec file has ended, last come first served.
---@param f fun()
function helper.at_end(f)
  cleanups[#cleanups + 1] = f
end

busted.subscribe({ "file", "end" }, function()
  while #cleanups > 0 do
    table.remove(cleanups)()
  end
  return nil, true
end)

--- Starts a sandbox; it is stopped when the spec file ends.
---@param options? table as for `ccaas.sandbox`'s `start`
---@return table sandbox
function helper.sandbox(options)
  local sandbox = assert(require("ccaas.sandbox").start(options or {}))
  helper.at_end(function() sandbox:stop() end)
  return sandbox
end

--- A word for the shell.
---@param text string
---@return string
function helper.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- Runs a shell command to its end.
---@param command string
---@return integer status its exit status
---@return string output what it wrote, standard error included
function helper.run(command)
  local pipe = assert(io.popen("( " .. command .. "\n) 2>&1; s=$?; echo; echo $s"))
  local output, status = pipe:read("*a"):match("^(.*)\n(%d+)\n$")
  pipe:close()
  return tonumber(status), output
end

--- The shell words that run `script` (Lua source) in an interpreter like this
--- one, which finds the same modules, in a process of its own.
---@param script string
---@return string command
function helper.command(script)
  return ("env -u LUA_PATH_5_4 -u LUA_CPATH_5_4 LUA_PATH=%s LUA_CPATH=%s %s -e %s"):format(
    helper.quote(package.path), helper.quote(package.cpath),
    helper.quote(helper.interpreter), helper.quote(script))
end

--- A new empty folder, removed when the spec file ends.
---@return string path
function helper.folder()
  local _, output = helper.run("mktemp -d")
  local path = assert(output:match("^(/%S+)\n$"), output)
  helper.at_end(function() helper.run("rm -rf " .. helper.quote(path)) end)
  return path
end

--- The bytes of a file.
---@param path string below the repository's folder, or absolute
---@return string
function helper.read(path)
  if path:sub(1, 1) ~= "/" then
    path = helper.top .. "/" .. path
  end
  local file = assert(io.open(path, "rb"))
  local bytes = file:read("*a")
  file:close()
  return bytes
end

--- Whether this runs below a sanitizer: its memory says nothing about ours, and
--- it may hang in a forked child (a thread that is gone held its lock).
helper.sanitized = helper.read("/proc/self/maps"):find("lib%l+san%.so") ~= nil

-- Full collections all the time, in every coroutine, four fifths of the time
-- spent on them.
local function stress_collector()
  local create, wrap = coroutine.create, coroutine.wrap
  local due = 0
  local function collect()
    local began = os.clock()
    if began >= due then
      collectgarbage()
      local ended = os.clock()
      due = ended + (ended - began) / 4
    end
  end
  local function watched(f)
    return function(...)
      debug.sethook(collect, "", 1000)
      return f(...)
    end
  end
  debug.sethook(collect, "", 1000)
  coroutine.create = function(f) return create(watched(f)) end -- luacheck: ignore
  coroutine.wrap = function(f) return wrap(watched(f)) end -- luacheck: ignore
end

if os.getenv("CCAAS_GC") == "stress" then
  stress_collector()
end

--- Calls `f` when the collector finds the value that this gives.
function helper.with_finaliser(f)
  if rawget(_G, "newproxy") then
    local proxy = newproxy(true) -- luacheck: ignore
    getmetatable(proxy).__gc = f
    return proxy
  end
  return setmetatable({}, { __gc = f })
end

--- For every count of instructions of Lua's machine, from 1 until `body` has fewer:
--- makes a thing, and interrupts `body(thing)` after so many by `closing(thing)`, as
--- the collector may by a finaliser.  Gives how many there were.
---@param make fun(): any
---@param closing fun(thing: any)
---@param body fun(thing: any, was_closed: fun(): boolean)
---@return integer
function helper.interrupt_everywhere(make, closing, body)
  if rawget(_G, "jit") then
    jit.off() -- a compiled loop has no hooks
  end
  local count = 0
  repeat
    count = count + 1
    local thing, left, closed = make(), count, false
    debug.sethook(function()
      left = left - 1
      if left == 0 then
        debug.sethook()
        closed = true
        closing(thing)
      end
    end, "", 1)
    body(thing, function() return closed end)
    debug.sethook()
  until not closed
  if rawget(_G, "jit") then
    jit.on()
  end
  return count
end

return helper
