-- Which of nginx's phases yield, without an nginx: Debian's Lua module lacks the
-- newer ones, spec/openresty has those that it has.
local helper = require "spec.support.helper"
describe("the loop openresty", function()
  local phase, waited, openresty
  local outside = { ngx = rawget(_G, "ngx"), sockets = package.loaded["ccaas.loop.openresty_socket"] }

  setup(function()
    rawset(_G, "ngx", { get_phase = function() return phase end })
    package.loaded["ccaas.loop.openresty_socket"] = {
      begin = function() return true end,
      wait = function()
        waited = waited + 1
        return true
      end,
    }
    package.loaded["ccaas.loop.openresty"] = nil
    openresty = require "ccaas.loop.openresty"
  end)

  teardown(function()
    rawset(_G, "ngx", outside.ngx)
    package.loaded["ccaas.loop.openresty_socket"] = outside.sockets
    package.loaded["ccaas.loop.openresty"] = nil
  end)

  -- Was: precontent, proxy_ssl_verify and proxy_ssl_certificate, where nginx's module
  -- lets a coroutine wait, raised "cannot wait for an answer".
  for name in ("server_rewrite rewrite access precontent content timer preread ssl_client_hello ssl_cert "
    .. "ssl_session_fetch proxy_ssl_verify proxy_ssl_cert"):gmatch "%S+" do
    it("yields in " .. name, function()
      phase, waited = name, 0
      assert.is_true(openresty.await({}, 1))
      openresty.pause {}
      assert.equal(2, waited)
      assert.is_true(openresty.begin {})
    end)
  end

  for name in ("set header_filter body_filter log balancer ssl_session_store exit_worker"):gmatch "%S+" do
    it("raises in " .. name, function()
      phase, waited = name, 0
      local fine, message = pcall(openresty.await, {}, 1)
      assert.is_false(fine)
      assert.is_truthy(message:find("nginx's phase " .. name .. " cannot wait", 1, true), message)
      assert.is_false((pcall(openresty.pause, {})))
      assert.is_falsy(openresty.begin {})
      assert.equal(0, waited)
    end)
  end
end)

-- In nginx, whoever found no descriptor for the far end of its line left the
-- connection where it was, and the next one got it for its own: its byte went to
-- nobody, and it slept on.
describe("a connection that could not be taken", function()
  it("is used by no other wait", function()
    local status, output = helper.run("ulimit -n 64; " .. helper.command [[
      local core = require "ccaas.core"
      local unix = require "socket.unix"
      local path = assert(core.nginx_socket())
      local function connect()
        local one = assert((unix.stream or unix)())
        assert(one:connect(path))
        one:settimeout(10)
        return one
      end
      local socket = connect()
      local files, file = {}, nil
      repeat
        file = io.open("/dev/null")
        files[#files + 1] = file
      until not file
      print(core.nginx_connection())
      for _, one in ipairs(files) do
        one:close()
      end
      local other = connect()
      local line = assert(core.nginx_connection())
      line:ping()
      print(#assert(other:receive(1)))
      print(core.nginx_connection())
      socket:close()
    ]])
    assert.equal("nil\n1\nnil\n", output)
    assert.equal(0, status)
  end)
end)
