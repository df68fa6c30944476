-- What may be sent twice, and what may not.
local ccaas = require "ccaas"
local server = require "spec.support.server"

local row, status, script = server.named_row, server.status, server.script

local function reset(conn) conn:reset() end
local function hang(conn) conn:hold() end

describe("a request that is not idempotent", function()
  local function post(s, more)
    local request = { method = "POST", path = "/things/1", body = "{}" }
    for name, value in pairs(more or {}) do
      request[name] = value
    end
    return ccaas.new(s:options { timeout = 1 }):request(request)
  end

  local troubles = {
    { "a 503", status(503, { ["Retry-After"] = 0 }), "server" },
    { "a 429", status(429, { ["Retry-After"] = 0 }), "rate_limited" },
    { "a reset", reset, "network" },
    { "a time-out", hang, "timeout" },
    { "half an answer", function(conn)
      conn:send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
      conn:close()
    end, "network" },
  }
  for _, trouble in ipairs(troubles) do
    it("is not sent again after " .. trouble[1], function()
      local s = script { trouble[2] }
      local _, err = post(s)
      assert.are.equal(trouble[3], err.code)
      assert.are.equal(1, #s.requests)
    end)

    it("is sent again after " .. trouble[1] .. " where the caller says that it may be", function()
      local s = script { trouble[2] }
      assert.are.equal(200, assert(post(s, { idempotent = true })).status)
      assert.are.equal(2, #s.requests)
      assert.are.equal(s.requests[1].body, s.requests[2].body)
    end)
  end

  for _, method in ipairs { "PUT", "PATCH", "DELETE" } do
    it("is one by " .. method .. ", too", function()
      local s = script { status(503, { ["Retry-After"] = 0 }) }
      local _, err = post(s, { method = method })
      assert.are.equal("server", err.code)
      assert.are.equal(1, #s.requests)
    end)
  end

  it("is not sent twice when a kept connection turns out dead", function()
    local s
    s = server.start(function(request, conn)
      if #s.requests == 1 then
        return row(request)
      end
      conn:reset()
    end)
    local client = ccaas.new(s:options { retries = 4 })
    assert(client:queue("1"))
    local _, err = client:request { method = "POST", path = "/x", body = "x" }
    assert.are.equal("network", err.code)
    assert.are.equal(2, #s.requests)
  end)
end)

describe("a HEAD", function()
  it("is sent again as a GET is", function()
    local s = script { status(503, { ["Retry-After"] = 0 }) }
    assert.are.equal(200, assert(ccaas.new(s:options()):request { method = "HEAD", path = "/x/1" }).status)
    assert.are.equal(2, #s.requests)
  end)
end)
