-- Two downloads were sent three seconds apart; where the first one took longer to
-- arrive than the second, the vendor saw less between them, and said 429.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"

describe("the pace of audio", function()
  it("is kept as the server sees it", function()
    local sandbox = helper.sandbox { recordings = 1, audio_interval = 0 }
    local source = ccaas.new(sandbox:options("xima", { audio_interval = 0 }))
    local ogg = assert(source:audio(source:recordings({ from = "2025-06-30", to = "2026-06-30" }):next()))
    local socket, arrived = require "socket", {}
    local s = server.start(function(_, conn)
      -- The first request is long under way.
      if #arrived == 0 then
        conn:hold(nil, 0.15)
      end
      arrived[#arrived + 1] = socket.gettime()
      return server.answer(ogg)
    end)
    local client = ccaas.new(s:options { provider = "xima", token = "T", key = false, secret = false, token_url = false,
      audio_interval = 0.2 })
    for _ = 1, 2 do
      assert(client:audio { recordingKey = "K", tenantName = "t" })
    end
    assert.is_true(arrived[2] - arrived[1] > 0.195, arrived[2] - arrived[1])
  end)
end)
