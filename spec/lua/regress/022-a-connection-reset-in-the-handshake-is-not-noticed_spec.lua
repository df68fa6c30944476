-- A server that resets the connection instead of answering the handshake was not
-- noticed until connect_timeout, and then the process crashed: libwebsockets tells
-- it by another callback than all other failures.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local side = require "ccaas.side"

describe("a websocket whose handshake is reset", function()
  for _, tls in ipairs { false, true } do
    it("is down at once and tried again, " .. (tls and "with TLS" or "in clear"), function()
      local sandbox = helper.sandbox { agents = 2, tls = tls }
      local client = ccaas.new(sandbox:options("xima", { connect_timeout = 600 }))
      side.of(client).pauses = { first = 0.01, most = 0.01 }
      sandbox:fault { path = "/realtime-metric-subscription", reset = true, times = 3 }
      local stream = client:subscribe({ "101" }, { snapshot = false })
      assert.equal("down", assert(stream:next(30)).type)
      local open = assert(stream:next(30))
      assert.equal("open", open.type)
      assert.equal(4, open.attempt)
      client:close()
    end)
  end
end)
