-- Starts nginx, as spec/openresty/fetch.sh has unpacked it, with the module
-- that the spec itself runs with; it is ended with the spec file.
--
--    local n = nginx.start {
--      locations = { ["/queues"] = { content = [[ngx.say(#client:queues():all())]] } },
--      init = …, init_worker = …, main = …, http = …, server = …, workers = 1,
--      path = …, environment = …,
--    }
--    local status, body = n:get "/queues"
--
-- Every piece of Lua has `ccaas`, `options` (those of the sandbox that was given
-- as `sandbox`), and `client`, which is made with init_by_lua.
local helper = require "spec.support.helper"
local socket = require "socket"
local unix = require "socket.unix"

local nginx = {}
local methods = {}
methods.__index = methods

local unpacked = helper.top .. "/build/nginx"

local function serialize(value)
  if type(value) ~= "table" then
    return type(value) == "string" and ("%q"):format(value) or tostring(value)
  end
  local parts = {}
  for name, item in pairs(value) do
    parts[#parts + 1] = ("[%s] = %s"):format(serialize(name), serialize(item))
  end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

local function location(path, phases)
  local lines = {}
  for _, phase in ipairs { "set", "rewrite", "access", "content", "header_filter", "body_filter", "log" } do
    if type(phases) == "table" and phases[phase] then
      lines[#lines + 1] = ("      %s_by_lua_block {\n%s\n      }"):format(phase, phases[phase])
    end
  end
  if type(phases) == "string" then
    lines[1] = phases
  elseif phases.also then
    table.insert(lines, 1, phases.also)
  end
  return ("    location = %s {\n%s\n    }"):format(path, table.concat(lines, "\n"))
end

local CONF = [[
daemon off;
worker_processes @workers@;
pid @folder@/nginx.pid;
error_log @folder@/error.log @level@;
load_module @unpacked@/usr/lib/nginx/modules/ndk_http_module.so;
load_module @unpacked@/usr/lib/nginx/modules/ngx_http_lua_module.so;
@main@
events { worker_connections @connections@; }
http {
  access_log off;
  client_body_temp_path @folder@/body;
  proxy_temp_path @folder@/proxy;
  fastcgi_temp_path @folder@/fastcgi;
  uwsgi_temp_path @folder@/uwsgi;
  scgi_temp_path @folder@/scgi;
  lua_package_path "@path@;@unpacked@/usr/share/lua/5.1/?.lua;;";
  lua_package_cpath "@cpath@;/usr/lib/@machine@/lua/5.1/?.so;;";
  @http@
  init_by_lua_block {
    ccaas = require "ccaas"
    options = @options@
    client = ccaas.new(options)
    @init@
  }
  @init_worker@
  server {
    listen unix:@folder@/http;
    @server@
    location = /trivial { return 200 "trivial"; }
@locations@
  }
}
]]

-- A process that has ended and is not yet buried does not run.
local function runs(pid)
  local file = io.open("/proc/" .. pid .. "/stat")
  local state = file and (file:read("*a") or ""):match("%) (%a)")
  if file then
    file:close()
  end
  return state ~= nil and state ~= "Z"
end
nginx.runs = runs

local function wait_until(what, condition)
  local ends = socket.gettime() + 30
  while true do
    local value = condition()
    if value then
      return value
    end
    assert(socket.gettime() < ends, what .. " did not happen")
    socket.sleep(0.01)
  end
end
nginx.wait_until = wait_until

local function connect(self, timeout)
  local one = unix.stream and unix.stream() or unix()
  one:settimeout(timeout)
  if not one:connect(self.folder .. "/http") then
    one:close()
    return nil
  end
  return one
end

--- Sends a request; gives its connection.
function methods:open(path)
  local one = assert(connect(self, 30))
  assert(one:send("GET " .. path .. " HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"))
  return one
end

--- The whole answer on a connection: status and body.
function methods.read(_, one)
  local answer, reason, partly = one:receive("*a")
  one:close()
  answer = answer or assert(partly ~= "" and partly, reason)
  local head, body = answer:match("^(.-)\r\n\r\n(.*)$")
  if head:lower():find("transfer-encoding: chunked", 1, true) then
    local pieces, at = {}, 1
    while true do
      local size, first = body:match("^(%x+)\r\n()", at)
      if not size or tonumber(size, 16) == 0 then
        break
      end
      at = first + tonumber(size, 16) + 2
      pieces[#pieces + 1] = body:sub(first, at - 3)
    end
    body = table.concat(pieces)
  end
  return tonumber(head:match("^HTTP/1.1 (%d+)")), body, head
end

--- Status and body of a path.
function methods:get(path)
  return self:read(self:open(path))
end

--- The body of a path that must answer 200.
function methods:body(path)
  local status, body = self:get(path)
  assert(status == 200, path .. ": " .. status .. "\n" .. body .. "\n" .. self:errors())
  return (body:gsub("\n$", ""))
end

--- What nginx has logged.
function methods:errors()
  return helper.read(self.folder .. "/" .. self.log)
end

--- Raises what nginx has logged if a line of it is a warning or worse.
function methods:assert_quiet()
  local said = self:errors()
  assert(not said:find("%[[ecaw]%l+%]"), said)
end

--- The workers' process ids.
function methods:workers()
  local _, output = helper.run("cat /proc/" .. self.pid .. "/task/" .. self.pid .. "/children")
  local pids = {}
  for pid in output:gmatch("%d+") do
    pids[#pids + 1] = tonumber(pid)
  end
  return pids
end

--- How many entries there are below /proc/PID of all workers: "fd" or "task".
function methods:count(what)
  local count = 0
  for _, pid in ipairs(self:workers()) do
    local _, output = helper.run("ls /proc/" .. pid .. "/" .. what .. " | wc -l")
    count = count + assert(tonumber(output))
  end
  return count
end

--- Loads the configuration anew; gives the ids of the workers before.
function methods:reload()
  local before = self:workers()
  assert(helper.run("kill -HUP " .. self.pid) == 0)
  return before
end

--- Ends it; all its processes must go.
function methods:stop(signal)
  if not self.stopped then
    self.stopped = true
    local pids = self:workers()
    helper.run(("kill -%s %d"):format(signal or "TERM", self.pid))
    wait_until("nginx's end", function() return not runs(self.pid) end)
    for _, pid in ipairs(pids) do
      helper.run("kill -KILL " .. pid .. " 2>/dev/null")
    end
  end
end

local function multiarch()
  local _, machine = helper.run("gcc -print-multiarch")
  return machine:match("%S+")
end

--- Starts nginx by a command and waits until it listens on `http` in its folder.
---@param given { folder: string, log: string, at?: string, command: string, environment?: table<string, string> }
---@return table
function nginx.run(given)
  local self = setmetatable({ folder = given.folder, log = given.log }, methods)
  local machine = multiarch()
  local environment = { ("LD_LIBRARY_PATH=%s/usr/lib/%s:%s/lib/%s"):format(unpacked, machine, unpacked, machine),
    ("PATH=%s/usr/sbin:\"$PATH\""):format(unpacked) }
  for name, value in pairs(given.environment or {}) do
    environment[#environment + 1] = name .. "=" .. helper.quote(value)
  end
  local _, output = helper.run(("env -u LUA_PATH -u LUA_CPATH %s sh -c %s >%s/output 2>&1 & echo $!"):format(
    table.concat(environment, " "),
    helper.quote(("cd %s && exec %s"):format(given.at or ".", given.command)), self.folder))
  self.pid = assert(tonumber(output), output)
  helper.at_end(function() self:stop() end)
  wait_until("nginx's start", function()
    if not runs(self.pid) then
      error(helper.read(self.folder .. "/output"), 0)
    end
    local one = connect(self, 1)
    if one then
      one:close()
    end
    return one
  end)
  return self
end

--- Starts nginx with a configuration of pieces.
---@param given table
---@return table
function nginx.start(given)
  local folder = helper.folder()
  local _, user = helper.run("id -u")
  local _, limit = helper.run("ulimit -n") -- nginx warns of more connections than that
  local places = {}
  for path, phases in pairs(given.locations or {}) do
    places[#places + 1] = location(path, phases)
  end
  local values = {
    folder = folder, unpacked = unpacked, machine = multiarch(),
    workers = given.workers or 1, connections = given.connections or math.min(4096, tonumber(limit) or 4096),
    level = given.level or "notice",
    main = (given.main or "") .. (tonumber(user) == 0 and "\nuser root;" or ""),
    http = given.http or "", server = given.server or "", init = given.init or "",
    init_worker = given.init_worker and "init_worker_by_lua_block {\n" .. given.init_worker .. "\n}" or "",
    locations = table.concat(places, "\n"),
    path = (given.path and given.path .. ";" or "") .. helper.top .. "/lua/?.lua;" .. helper.top .. "/?.lua",
    cpath = os.getenv("CCAAS_BUILD") .. "/?.so",
    options = serialize(given.options or given.sandbox:options("8x8")),
  }
  local conf = assert(io.open(folder .. "/nginx.conf", "w"))
  conf:write((CONF:gsub("@([%l_]+)@", values)))
  conf:close()
  return nginx.run { folder = folder, log = "error.log", environment = given.environment,
    command = ("nginx -p %s -c %s/nginx.conf -e %s/error.log"):format(folder, folder, folder) }
end

return nginx
