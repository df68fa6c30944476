--- nginx's workers: the coroutine yields, and the worker goes on serving.

local core = require "ccaas.core"
local sockets = require "ccaas.loop.openresty_socket"
local usage_error = require "ccaas.usage_error"

-- Before a worker serves anybody there is nobody to keep waiting.
local blocks = { init = true, init_worker = true }
-- Where nginx's Lua module lets a socket wait, as ngx.get_phase calls it; an older
-- module has fewer of these phases.
local yields = {
  server_rewrite = true, rewrite = true, access = true, precontent = true, content = true, timer = true, preread = true,
  ssl_client_hello = true, ssl_cert = true, ssl_session_fetch = true,
  proxy_ssl_verify = true, proxy_ssl_cert = true, proxy_ssl_certificate = true,
}

-- Can this phase yield?  Raises where it can do neither that nor block.
local function can_yield()
  local phase = ngx.get_phase()
  if not yields[phase] and not blocks[phase] then
    usage_error.raise("nginx's phase %s cannot wait for an answer: use rewrite, access, content or a timer", phase)
  end
  if phase == "init" then
    core.stay() -- in the master: the workers are yet to be forked
  end
  return yields[phase]
end

---@type ccaas.Loop
local openresty = {}

function openresty.wait(fd, seconds)
  if can_yield() then
    usage_error.raise("nginx cannot wait for a descriptor")
  end
  return core.poll(fd, seconds)
end

--- A core.call or core.waitset is read for the first time: from now on it ends with
--- the request, even if nobody comes to wait for it.
---@param waker userdata
---@return boolean|nil # it is not so: tell it again
function openresty.begin(waker)
  return yields[ngx.get_phase()] and sockets.begin(waker)
end

--- Waits for news of a core.call or core.waitset.
---@type ccaas.Await
function openresty.await(waker, seconds)
  if not can_yield() then
    return core.poll(waker:fd(), seconds)
  end
  return sockets.wait(waker, seconds)
end

--- Comes back when nginx's loop has gone round.
---@param waker userdata
function openresty.pause(waker)
  if can_yield() then
    sockets.wait(waker, nil, true)
  end
end

return openresty
