-- The address that a redirect of the token request led to was libcurl's own
-- reading of it, which has the key and the secret in it: the next request was
-- refused ("Login denied"), and the secret stood in an address.
local ccaas = require "ccaas"
local server = require "spec.support.server"

describe("a token request that is redirected on its origin", function()
  it("brings its token", function()
    local s = server.start(function(request)
      if request.path == "/token2" then
        assert.equal("/token2", request.target)
        return server.answer('{"access_token":"T2","expires_in":"1799"}')
      end
      return server.page { rows = { server.row("1") } }
    end, function()
      return server.answer("", { status = 307, headers = { Location = "/token2" } })
    end)
    local client = ccaas.new(s:options { retries = 0 })
    assert(client:queue("101"))
    client:close()
  end)
end)
