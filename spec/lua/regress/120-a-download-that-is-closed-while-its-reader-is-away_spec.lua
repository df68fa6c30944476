-- A piece on its way to a file stays where it came, until the next one is asked for.
-- While the user's `progress` had the turn a client that was closed kept its request,
-- and with it the tenant's turn for audio, for as long as that function was away.
local audio = require "spec.support.audio"
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"

describe("a client that is closed while `progress` is away", function()
  it("lets the next one have its turn", function()
    local _, _, _, ogg = audio.world()
    local options = { provider = "xima", token = "T", key = false, secret = false, token_url = false,
      audio_interval = 0 }
    local client, s = server.xima(function(_, n, conn)
      if n == 1 then
        conn:send(audio.answer():sub(1, 9000))
        conn:hold()
      end
      return audio.answer()
    end)
    local folder = helper.folder()
    local task = coroutine.create(function()
      return client:audio(audio.recording(), { file = folder .. "/a.ogg", progress = coroutine.yield })
    end)
    assert(coroutine.resume(task))
    assert.equal("suspended", coroutine.status(task))
    client:close()
    local other = ccaas.new(s:options(options))
    assert.equal(ogg, assert(other:audio(audio.recording(), { deadline = 10 })))
    local _, file, err = assert(coroutine.resume(task))
    assert.is_nil(file)
    assert.equal("cancelled", err.code)
    assert.equal("", audio.entries(folder))
  end)
end)
