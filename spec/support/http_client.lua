--- A plain client for the sandbox's specs, LuaSocket and what is on the wire;
-- and what else they share.

local cjson = require "cjson"
local lfs = require "lfs"
local sandbox = require "ccaas.sandbox"
local socket = require "socket"

local plain = {}

plain.API = "/analytics/cc/v5/realtime-metrics"
plain.TOKEN = "/oauth/v2/token"

local running = {}

--- Starts a sandbox that `stop_all` stops.
function plain.start(options)
  local sb = sandbox.start(options or { agents = 30, queues = 6, groups = 3 })
  running[#running + 1] = sb
  return sb
end

--- A connection, with TLS where the sandbox has it.
function plain.connect(sb)
  local conn = assert(socket.connect("127.0.0.1", sb.port))
  conn:settimeout(10)
  if sb.ca_file then
    conn = assert(require("ssl").wrap(conn, { mode = "client",
      protocol = "any", verify = "peer", cafile = sb.ca_file }))
    assert(conn:dohandshake())
  end
  return conn
end

--- An answer without its body: { status, headers }; or nil, err.
function plain.read_head(conn)
  local line, err = conn:receive("*l")
  if not line then
    return nil, err
  end
  local answer = { status = tonumber(line:match("^HTTP/1.1 (%d+) ")),
    headers = {} }
  for header in function() return (conn:receive("*l")) end do
    if header == "" then
      break
    end
    local name, value = header:match("^([^:]+): ?(.*)$")
    answer.headers[name:lower()] = value
  end
  return answer
end

local function read_chunked(conn)
  local parts = {}
  while true do
    local size = tonumber(conn:receive("*l"), 16)
    local chunk = size > 0 and assert(conn:receive(size)) or ""
    assert(conn:receive(2) == "\r\n")
    if size == 0 then
      return table.concat(parts)
    end
    parts[#parts + 1] = chunk
  end
end

--- An answer: { status, headers, body, cut }; `cut` says why the body is short.
function plain.read_answer(conn)
  local answer, err = plain.read_head(conn)
  if not answer then
    return nil, err
  end
  local size = tonumber(answer.headers["content-length"])
  if answer.headers["transfer-encoding"] then
    answer.body = read_chunked(conn)
  elseif size and size > 0 then
    local partial
    answer.body, answer.cut, partial = conn:receive(size)
    answer.body = answer.body or partial
  end
  return answer
end

--- A request as it is on the wire.
function plain.request_text(method, target, headers, body)
  local lines = { method .. " " .. target .. " HTTP/1.1", "Host: sandbox" }
  for name, value in pairs(headers or {}) do
    lines[#lines + 1] = name .. ": " .. value
  end
  if body then
    lines[#lines + 1] = "Content-Length: " .. #body
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or "")
end

--- Asks on a connection of its own.
function plain.ask(sb, method, target, headers, body)
  local conn = plain.connect(sb)
  conn:send(plain.request_text(method, target, headers, body))
  local answer, err = plain.read_answer(conn)
  conn:close()
  return answer, err
end

--- The value of an Authorization header.
function plain.basic(key, secret)
  return "Basic " .. require("mime").b64(key .. ":" .. secret)
end

--- Asks for a token, rightly unless told otherwise.
function plain.ask_token(sb, key, secret, body)
  return plain.ask(sb, "POST", plain.TOKEN, {
    Authorization = plain.basic(key or "sandbox-key",
      secret or "sandbox-secret"),
    ["Content-Type"] = "application/x-www-form-urlencoded",
  }, body or "grant_type=client_credentials")
end

local tokens = setmetatable({}, { __mode = "k" })

--- The value of an Authorization header that the sandbox takes.
function plain.bearer(sb)
  tokens[sb] = tokens[sb]
    or cjson.decode(plain.ask_token(sb).body).access_token
  return "Bearer " .. tokens[sb]
end

--- Asks the API; `json` in the answer is its body, decoded.
function plain.get(sb, path, headers)
  headers = headers or {}
  headers.Authorization = headers.Authorization or plain.bearer(sb)
  local answer, err = plain.ask(sb, "GET", plain.API .. path, headers)
  if answer and answer.body and not answer.cut then
    local decoded, json = pcall(cjson.decode, answer.body)
    answer.json = decoded and json or nil
  end
  return answer, err
end

--- The ids of rows.
function plain.ids(rows)
  local list = {}
  for i, row in ipairs(rows) do
    list[i] = row.id
  end
  return list
end

--- How long a function takes.
function plain.seconds(f)
  local from = socket.gettime()
  f()
  return socket.gettime() - from
end

--- How many entries a folder of /proc/self has.
function plain.count_files(folder)
  local count = 0
  for _ in lfs.dir("/proc/self/" .. folder) do
    count = count + 1
  end
  return count
end

-- Whether a thread is on its way out: its flags (man 5 proc) have PF_EXITING.
local function is_ending(task)
  local file = io.open("/proc/self/task/" .. task .. "/stat")
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  local flags = text:match("%) %a" .. (" %-?%d+"):rep(5) .. " (%d+)")
  return not flags or flags % 8 >= 4
end

--- How many threads this process has.  One that was joined may be listed for a
--- moment, on its way out.
function plain.count_threads()
  local count = 0
  for name in lfs.dir("/proc/self/task") do
    if name:find("^%d+$") and not is_ending(name) then
      count = count + 1
    end
  end
  return count
end

--- The program that runs these specs.
function plain.lua_command()
  local i = 0
  while arg[i - 1] do
    i = i - 1
  end
  return arg[i]
end

--- Runs a script in a process of its own; gives its output with its status.
function plain.run_script(text)
  local path = os.tmpname()
  local file = io.open(path, "w")
  file:write(text)
  file:close()
  local pipe = io.popen(plain.lua_command() .. " " .. path
    .. " 2>&1; echo status $?")
  local output = pipe:read("*a")
  pipe:close()
  os.remove(path)
  return output
end

--- Whether programs can be run from here: under a sanitizer they cannot.
function plain.can_run()
  local pipe = io.popen("echo yes")
  local said = pipe:read("*l")
  pipe:close()
  return said == "yes"
end

--- Stops what was started.
function plain.stop_all()
  for i = #running, 1, -1 do
    running[i]:stop()
    running[i] = nil
  end
end

return plain
