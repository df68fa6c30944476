-- Xima: what every request says, and how it is refused or sent elsewhere.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local xima = require "spec.support.xima"

local start, json, calls = server.xima, xima.json, xima.calls

describe("every request", function()
  it("has the Content-Type and Accept that the vendor requires", function()
    local sandbox = helper.sandbox { agents = 3, recordings = 10, audio_interval = 0, strict = true }
    local client = ccaas.new(sandbox:options("xima", { audio_interval = 0 }))
    for name, call in pairs(calls) do
      local got, err = call(client)
      assert.is_nil(err, name)
      assert.is_truthy(got)
    end
    for _, request in ipairs(sandbox:requests()) do
      local want = request.path:find("/audio$") and "audio/ogg" or "application/json"
      assert.equal(want, request.headers["content-type"])
      assert.equal(want, request.headers.accept)
      assert.equal("Bearer sandbox-xima-token", request.headers.authorization)
      assert.equal("ccaas/" .. ccaas._VERSION, request.headers["user-agent"])
      assert.equal(200, request.status)
    end
  end)

  it("that is refused is the error that the status says, whatever body that has", function()
    local sandbox = helper.sandbox { agents = 3, recordings = 10, audio_interval = 0 }
    local client = ccaas.new(sandbox:options("xima", { audio_interval = 0, retries = 0 }))
    local want = { [400] = "bad_request", [401] = "auth", [403] = "forbidden", [404] = "not_found",
      [429] = "rate_limited", [500] = "server", [503] = "server", [509] = "egress_capped" }
    for status, code in pairs(want) do
      for name, call in pairs(calls) do
        for _, form in ipairs { "json", "text", "empty" } do
          sandbox:set { errors = form }
          sandbox:fault { status = status, message = "Words of the vendor" }
          local got, err = call(client)
          assert.is_nil(got, name)
          assert.equal(code, err.code)
          assert.equal(status, err.status)
          assert.equal("xima", err.provider)
          assert.is_true(#err.message > 0)
          local shown = (err.body or ""):find("Words of the vendor", 1, true) ~= nil
          assert.equal(form ~= "empty", shown)
          local words = "Words of the vendor"
          if name == "historic_data" and status == 404 then
            words = 'no report "1001": ' .. words
          end
          assert.equal(form == "json" and words or err.message, err.message)
          assert.is_nil(tostring(err):find("sandbox-xima-token", 1, true))
        end
      end
    end
  end)

  it("finds the vendor's message in any body, and never invents one", function()
    for body, words in pairs {
      ['{"message":"One"}'] = "One", ['{"error":"Two"}'] = "Two", ['{"error":{"message":"Three"}}'] = "Three",
      ['{"errorMessage":"Four"}'] = "Four", ['{"title":"Five","detail":"Six"}'] = "Six",
    } do
      local client = start(function() return json(body, 403) end)
      local _, err = client:metrics()
      assert.matches(words, err.message, 1, true)
    end
    for _, body in ipairs { "", "null", "[]", "{", "\0\255", ("x"):rep(100000), "<html>" } do
      local client = start(function() return json(body, 403) end)
      local _, err = client:metrics()
      assert.equal("forbidden", err.code)
      assert.is_true(#err.message > 0 and #err.message < 600)
      assert.is_true(#(err.body or "") <= 512)
    end
  end)

  it("follows a redirect on the same origin, with its headers, and to no other in clear", function()
    local client, s
    client, s = start(function(request)
      assert.equal("Bearer T", request.headers.authorization)
      assert.equal("audio/ogg", request.headers.accept)
      if request.path == "/moved" then
        assert.equal("/moved?x=1", request.target)
        return server.answer("no audio")
      end
      local away = request.path:find("away", 1, true)
      return server.answer("", { status = 302, headers = {
        Location = away and "http://localhost:" .. s.port .. "/away" or "/moved?x=1" } })
    end)
    local bytes, err = client:audio { recordingKey = "K", tenantName = "t" }
    assert.is_nil(bytes)
    assert.matches("the audio is", err.message, 1, true)
    assert.equal(2, #s.requests)
    bytes, err = client:audio { recordingKey = "away", tenantName = "t" }
    assert.is_nil(bytes)
    assert.equal("protocol", err.code)
    assert.matches("redirect", err.message, 1, true)
    assert.equal(3, #s.requests)
  end)
end)
