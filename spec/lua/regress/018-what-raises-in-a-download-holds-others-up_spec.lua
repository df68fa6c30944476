-- An error in a sink, a progress function or a loop left the download under way
-- until it was collected: the tenant's next one waited behind it for ever.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"

describe("a download that is ended by an error of the user's", function()
  for _, name in ipairs { "sink", "progress" } do
    it("makes room for the next one: " .. name, function()
      local sandbox = helper.sandbox { recordings = 1, audio_interval = 0 }
      local client = ccaas.new(sandbox:options("xima", { audio_interval = 0 }))
      local recording = assert(client:recordings { from = "2025-06-30", to = "2026-06-30" }:next())
      collectgarbage "stop"
      local fine = pcall(client.audio, client, recording, { [name] = function() error "mine" end })
      local bytes, err = client:audio(recording, { deadline = 10 })
      collectgarbage "restart"
      assert.is_false(fine)
      assert.is_nil(err)
      assert.are.equal(recording.size, #bytes)
    end)
  end
end)
