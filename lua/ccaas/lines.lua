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
    return nil, "no connection to wake a coroutine by (see worker_connections): " .. (err or "no descriptor is left")
  end
  return { socket = socket, wire = wire, request = request }
end

local function find_idle(all, request)
  for _, line in ipairs(all) do
    if line.request == request and line.wire:idle() then
      return line
    end
  end
end

--- The line of a flow or gather, in this request; nil and a reason: there is none.
---@param bell userdata
---@return table|nil
---@return string|nil
function lines.get(bell)
  local line, request, reason = line_of[bell], request_of(), nil
  if line and line.request == request then
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

--- Waits for a byte.
---@param bell userdata
---@param line table
function lines.receive(bell, line)
  line.socket:settimeout(MOST * 1000)
  local byte, err = line.socket:receive(1)
  line.wire:take_back()
  if not byte and err ~= "timeout" then
    -- Closed: of a request before, at the same address.
    line_of[bell], line.request = nil, nil
    line.wire:attach(nil)
  end
end

return lines
