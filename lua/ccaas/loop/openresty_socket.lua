--- In nginx: the lines that coroutines wait on.  A line is a socket of nginx's
--- whose far end is our own C, which sends a byte when there is news.
---
--- A flow or gather has one from its first wait to its end, then the next one of
--- the same request gets it.  nginx closes its end with the request that made it,
--- and with a coroutine that is killed while it waits: then C ends the flow.

local core = require "ccaas.core"
local request_of = require("resty.core.base").get_request

local MOST = 3600 -- seconds in one go

local lines = {}

-- Of each flow or gather its line; a request's lines are in its ctx.
local line_of = setmetatable({}, { __mode = "k" })
local KEY = {}

local function connect(request)
  local path, reason = core.door()
  if not path then
    return nil, "no unix socket to wake a coroutine by: " .. reason
  end
  local socket = ngx.socket.tcp()
  local done, err = socket:connect("unix:" .. path)
  local wire = done and core.line()
  if not wire then
    if done then
      socket:close()
    end
    return nil, "no connection to wake a coroutine by (see worker_connections): " .. (err or "no descriptor is left")
  end
  return { socket = socket, wire = wire, request = request }
end

-- Is its socket still there?  nginx closes it with its request (whose address
-- another one may have by now), and with a coroutine that is killed while it waits.
local function is_open(line)
  return line.socket:getreusedtimes() ~= nil
end

local function find_idle(all, request)
  for i = #all, 1, -1 do
    local line = all[i]
    if line.request ~= request or not is_open(line) then
      table.remove(all, i)
    elseif not line.busy and line.wire:idle() then
      return line
    end
  end
end

-- The line of a flow or gather, in this request; nil and a reason: there is none.
local function get(bell)
  local line, request, reason = line_of[bell], request_of(), nil
  if line and line.request == request and is_open(line) then
    return line
  elseif line then
    line.wire:attach(nil)
  end
  local ctx = ngx.ctx
  local all = ctx[KEY] or {}
  line = find_idle(all, request)
  if not line then
    line, reason = connect(request)
    all[#all + 1] = line
  end
  if line then
    line.wire:attach(bell)
  end
  ctx[KEY], line_of[bell] = all, line
  return line, reason
end

-- Waits for a byte.
local function receive(bell, line)
  line.busy = true
  line.socket:settimeout(MOST * 1000)
  local byte, err = line.socket:receive(1)
  line.busy = nil
  line.wire:take_back()
  if not byte and err ~= "timeout" then
    -- Nothing comes on it any more.
    line_of[bell], line.request = nil, nil
    line.wire:attach(nil)
  end
end

local function wait(bell, seconds, news)
  local line, reason = get(bell)
  if not line then
    return nil, reason
  end
  -- If there is news already others are to have a turn all the same.
  if news or not line.wire:lend(seconds) then
    line.wire:ping()
  end
  receive(bell, line)
  return true
end

-- nginx lets one coroutine at a time read from a socket: whoever else waits for the
-- same has a line of his own, for a gather that is rung with it.
local function wait_beside(bell, seconds, news)
  local beside = core.gather()
  beside:arm()
  news = not beside:add(bell) or news
  local waited, reason = wait(beside, seconds, news)
  beside:remove(bell)
  beside:close()
  return waited, reason
end

--- From now on what the flow or gather stands for ends with the request.
---@param bell userdata
---@return boolean # false: there is no line for it; a wait would say why
function lines.begin(bell)
  return get(bell) ~= nil
end

--- Waits for news of a flow or gather, or until the time is up; with `news` only
--- until nginx's loop has gone round.  Nil and a reason: that is not possible.
---@param bell userdata
---@param seconds number|nil
---@param news? boolean
---@return boolean|nil
---@return string|nil
function lines.wait(bell, seconds, news)
  local line = line_of[bell]
  local busy = line and line.busy and is_open(line)
  return (busy and wait_beside or wait)(bell, seconds, news)
end

return lines
