-- libcurl then came without the descriptor that wakes its thread: no request of
-- the process was ever answered again, and its end hung.
local helper = require "spec.support.helper"

describe("a process that is out of descriptors at its first request", function()
  it("is told so, and goes on when there are some again", function()
    local sandbox = helper.sandbox { agents = 3, queues = 3 }
    local options = sandbox:options("8x8")
    local status, output = helper.run("ulimit -n 40; " .. helper.command(([[
      local ccaas = require "ccaas"
      local client = ccaas.new { provider = "8x8", key = %q, secret = %q, tenant = %q, base_url = %q, token_url = %q,
        retries = 0, deadline = 20 }
      local files = {}
      local file
      repeat
        file = io.open("/dev/null")
        files[#files + 1] = file
      until not file
      local row, err = client:queue("101")
      print(row, err and err.code)
      for _, one in ipairs(files) do
        one:close()
      end
      print(assert(client:queue("101")).id)
    ]]):format(options.key, options.secret, options.tenant, options.base_url, options.token_url)))
    assert.equal("nil\tio\n101\n", output)
    assert.equal(0, status)
  end)
end)
