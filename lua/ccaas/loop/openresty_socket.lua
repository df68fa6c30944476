--- In nginx: the sockets that coroutines wait on.
---
--- nginx's Lua module has no wait for a descriptor.  So a coroutine waits in
--- `receive` of a cosocket, whose far end is our own C: that sends a byte when
--- there is news.
---
--- A call or waitset has a connection from its first wait to its end; then the next
--- one of the same request gets it.  nginx closes its end with the request that
--- made it, and with a coroutine that is killed while it waits: then C ends the call.

local core = require "ccaas.core"
local request_of = require("resty.core.base").get_request

local MOST = 3600 -- seconds in one go

local sockets = {}

-- The connection of each call or waitset: { socket, far_end, request, busy }.  All of
-- a request's are in its ctx.
local connection_of = setmetatable({}, { __mode = "k" })
local KEY = {}

local function connect(request)
  local path, reason = core.nginx_socket()
  if not path then
    return nil, "no unix socket to wake a coroutine by: " .. reason
  end
  local socket = ngx.socket.tcp()
  local done, err = socket:connect("unix:" .. path)
  local far_end = done and core.nginx_connection()
  if not far_end then
    if done then
      socket:close()
    end
    return nil, "no connection to wake a coroutine by (see worker_connections): " .. (err or "no descriptor is left")
  end
  return { socket = socket, far_end = far_end, request = request }
end

-- Is its socket still there?  nginx closes it with its request (whose address
-- another one may have by now), and with a coroutine that is killed while it waits.
local function is_open(connection)
  return connection.socket:getreusedtimes() ~= nil
end

local function find_idle(all, request)
  for i = #all, 1, -1 do
    local connection = all[i]
    if connection.request ~= request or not is_open(connection) then
      table.remove(all, i)
    elseif not connection.busy and connection.far_end:idle() then
      return connection
    end
  end
end

-- The connection of a call or waitset, in this request; nil and a reason: there is
-- none.
local function get(waker)
  local connection, request, reason = connection_of[waker], request_of(), nil
  if connection and connection.request == request and is_open(connection) then
    return connection
  elseif connection then
    connection.far_end:attach(nil)
  end
  local ctx = ngx.ctx
  local all = ctx[KEY] or {}
  connection = find_idle(all, request)
  if not connection then
    connection, reason = connect(request)
    all[#all + 1] = connection
  end
  if connection then
    connection.far_end:attach(waker)
  end
  ctx[KEY], connection_of[waker] = all, connection
  return connection, reason
end

-- Waits for a byte.
local function receive(waker, connection)
  connection.busy = true
  connection.socket:settimeout(MOST * 1000)
  local byte, err = connection.socket:receive(1)
  connection.busy = nil
  connection.far_end:take_back()
  if not byte and err ~= "timeout" then
    -- It is broken: the next wait makes another one.
    connection_of[waker], connection.request = nil, nil
    connection.far_end:attach(nil)
  end
end

local function wait(waker, seconds, news)
  local connection, reason = get(waker)
  if not connection then
    return nil, reason
  end
  -- If there is news already others are to have a turn all the same.
  if news or not connection.far_end:lend(seconds) then
    connection.far_end:ping()
  end
  receive(waker, connection)
  return true
end

-- nginx lets one coroutine at a time read from a socket: each other one that waits
-- for the same has a connection of its own, for a waitset that is woken with it.
local function wait_beside(waker, seconds, news)
  local beside = core.waitset()
  beside:arm()
  news = not beside:add(waker) or news
  local waited, reason = wait(beside, seconds, news)
  beside:remove(waker)
  beside:close()
  return waited, reason
end

--- From now on the call or waitset ends with the request.
---@param waker userdata
---@return boolean # false: there is no connection for it; a wait would say why
function sockets.begin(waker)
  return get(waker) ~= nil
end

--- Waits for news of a call or waitset, or until the time is up; with `news` only
--- until nginx's loop has gone round.  Nil and a reason: that is not possible.
---@param waker userdata
---@param seconds number|nil
---@param news? boolean
---@return boolean|nil
---@return string|nil
function sockets.wait(waker, seconds, news)
  local connection = connection_of[waker]
  local busy = connection and connection.busy and is_open(connection)
  return (busy and wait_beside or wait)(waker, seconds, news)
end

return sockets
