-- libcurl's message about a proxy's address that it cannot use has the whole
-- address in it, and so had our error: with the proxy's password.
local helper = require "spec.support.helper"

describe("an error about a proxy of the environment that cannot be used", function()
  it("does not show its password, and is not retryable", function()
    local status, output = helper.run("env -u no_proxy -u NO_PROXY https_proxy=ftp://user:t0p-secret@127.0.0.1 "
      .. helper.command([[
        local client = require("ccaas").new { provider = "8x8", key = "k", secret = "s", retries = 2,
          base_url = "https://127.0.0.1:9", token_url = "https://127.0.0.1:9" }
        local row, err = client:queue("101")
        print(err, err.message, err.retryable)
      ]]))
    assert.equal(0, status, output)
    assert.is_nil(output:find("t0p-secret", 1, true), output)
    assert.is_truthy(output:find("proxy.*false\n$"), output)
  end)
end)
