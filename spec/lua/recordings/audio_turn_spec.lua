-- Downloads of audio of one tenant, which take turns.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local audio = require "spec.support.audio"

-- An error in a sink, a progress function or a loop left the download under way
-- until it was collected: the tenant's next one waited behind it for ever.
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

-- Two downloads were sent three seconds apart; where the first one took longer to
-- arrive than the second, the vendor saw less between them, and said 429.
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

-- A piece on its way to a file stays where it came, until the next one is asked for.
-- While the user's `progress` had the turn a client that was closed kept its request,
-- and with it the tenant's turn for audio, for as long as that function was away.
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
