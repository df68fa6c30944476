-- A store in Redis, for processes on many machines: four functions on plain
-- luasocket.  A lost connection is opened again.  A function that fails returns nil
-- and the reason, and the client goes on with a token of its own.
--
--   local redis_store = dofile "examples/redis_store.lua"
--   local client = ccaas.new { …, store = redis_store { host = "10.0.0.5", port = 6379 } }
--
-- `path`, instead of host and port, is a unix socket.  `password` is sent first.

local socket = require "socket"

return function(server)
  local connection

  local function send(...)
    local words = { "*" .. select("#", ...) .. "\r\n" }
    for i = 1, select("#", ...) do
      local word = tostring((select(i, ...)))
      words[i + 1] = "$" .. #word .. "\r\n" .. word .. "\r\n"
    end
    assert(connection:send(table.concat(words)))
  end

  local function receive()
    local kind, text = assert(connection:receive "*l"):match "^(.)(.*)$"
    if kind == "-" then
      return nil, text
    elseif kind == "$" and text ~= "-1" then
      return assert(connection:receive(tonumber(text) + 2)):sub(1, -3)
    end
    return kind ~= "$" and text or nil
  end

  local function connect()
    connection = server.path and require "socket.unix"() or socket.tcp()
    connection:settimeout(server.timeout or 2)
    if server.path then
      assert(connection:connect(server.path))
    else
      assert(connection:connect(server.host or "127.0.0.1", server.port or 6379))
    end
    if server.password then
      send("AUTH", server.password)
      assert(receive())
    end
  end

  local function attempt(...)
    if not connection then
      connect()
    end
    send(...)
    return receive()
  end

  -- Twice: the connection may have been closed while it was idle.
  local function call(...)
    local fine, value, reason
    for _ = 1, 2 do
      local fresh = not connection
      fine, value, reason = pcall(attempt, ...)
      if fine then
        return value, reason
      end
      connection = connection and connection:close() and nil
      if fresh then
        break
      end
    end
    return nil, "redis: " .. tostring(value)
  end

  local function milliseconds(seconds)
    return math.ceil(seconds * 1000)
  end

  return {
    get = function(key) return call("GET", key) end,
    set = function(key, value, seconds) return call("SET", key, value, "PX", milliseconds(seconds)) end,
    add = function(key, value, seconds) return call("SET", key, value, "PX", milliseconds(seconds), "NX") end,
    delete = function(key) return call("DEL", key) end,
  }
end
