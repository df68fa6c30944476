-- Which of nginx's phases yield, without an nginx: Debian's Lua module lacks the
-- newer ones, spec/openresty has those that it has.
describe("the loop openresty", function()
  local phase, waited, openresty
  local outside = { ngx = rawget(_G, "ngx"), lines = package.loaded["ccaas.lines"] }

  setup(function()
    rawset(_G, "ngx", { get_phase = function() return phase end })
    package.loaded["ccaas.lines"] = {
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
    package.loaded["ccaas.lines"] = outside.lines
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
