local helper = require "spec.helper"
local nginx = require "spec.openresty.nginx"

describe("in nginx's workers", function()
  local sandbox, n
  setup(function()
    sandbox = helper.sandbox { queues = 250, agents = 300 }
    n = nginx.start {
      sandbox = sandbox,
      locations = {
        ["/count"] = { content = "local n = 0 for _ in client:queues() do n = n + 1 end ngx.say(n)" },
      },
    }
  end)

  it("a stream is read", function()
    assert.equal("250", n:body "/count")
    for i = 1, 20 do n:body "/count" end
    print(n:count "fd", n:count "task")
    print(n:errors())
  end)
end)
