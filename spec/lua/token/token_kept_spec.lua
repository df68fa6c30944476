-- Tokens that outlive the clients that asked for them.
local helper = require "spec.support.helper"
local ccaas = require "ccaas"

-- A client that was collected took its token with it: a script that makes one
-- for each call asked for a token each time, and hammered the vendor with
-- credentials that had just been refused.
describe("a client for each call", function()
  local function token_requests(sandbox)
    local count = 0
    for _, request in ipairs(sandbox:requests()) do
      count = count + (request.path == "/oauth/v2/token" and 1 or 0)
    end
    return count
  end

  it("asks for one token in all", function()
    local sandbox = helper.sandbox { agents = 3, queues = 3 }
    for _ = 1, 10 do
      assert(ccaas.new(sandbox:options("8x8")):queue("101"))
      collectgarbage()
      collectgarbage()
    end
    assert.equal(1, token_requests(sandbox))
  end)

  it("is told at once that its credentials were refused a moment ago", function()
    local sandbox = helper.sandbox { agents = 3, queues = 3 }
    for _ = 1, 10 do
      local _, err = ccaas.new(sandbox:options("8x8", { secret = "wrong-secret" })):queue("101")
      assert.equal("auth", err.code)
      collectgarbage()
      collectgarbage()
    end
    assert.equal(1, token_requests(sandbox))
  end)

  it("keeps no more than a few tokens of clients that are gone", function()
    local sandbox = helper.sandbox { agents = 3, queues = 3 }
    for i = 1, 40 do
      local url = sandbox:options("8x8").token_url .. "/../token" .. ("/."):rep(i)
      local _, err = ccaas.new(sandbox:options("8x8", { token_url = url, retries = 0 })):queue("101")
      assert.is_truthy(err)
      collectgarbage()
      collectgarbage()
    end
    assert(ccaas.new(sandbox:options("8x8")):queue("101"))
  end)
end)
