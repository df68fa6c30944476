-- The archive joined tenant and key by a hyphen, which either may hold: two
-- recordings had one file, and the second of them was taken to be there.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"

describe("the archive's files", function()
  it("are as many as the recordings", function()
    local sandbox = helper.sandbox { recordings = 1, audio_interval = 0 }
    local source = ccaas.new(sandbox:options("xima", { audio_interval = 0 }))
    local ogg = assert(source:audio(source:recordings({ from = "2025-06-30", to = "2026-06-30" }):next()))
    local s = server.start(function(request)
      if request.path:find "/audio$" then
        return server.answer(ogg)
      end
      return server.answer '[{"tenantName":"a-b","recordingKey":"c"},{"tenantName":"a","recordingKey":"b-c"}]'
    end)
    local client = ccaas.new(s:options { provider = "xima", token = "T", key = false, secret = false, token_url = false,
      audio_interval = 0 })
    local folder = helper.folder()
    assert.are.equal(2, assert(client:archive { from = 0, to = 1, dir = folder }).files)
    local _, names = helper.run("LC_ALL=C ls " .. helper.quote(folder))
    assert.are.equal("a%252Db-c.ogg\na-b-c.ogg\nmanifest.jsonl\n", names)
  end)
end)
