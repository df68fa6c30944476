-- What an error shows of what a server wrote: on one line, without control
-- characters, and nothing of a secret that was cut.
local ccaas = require "ccaas"
local core = require "ccaas.core"
local server = require "spec.support.server"

local function status(code, body, headers)
  return server.answer(body or "", { status = code, headers = headers })
end

local function failing(answer, options)
  local s = server.start(function() return answer end)
  options = options or {}
  options.retries = options.retries or 0
  local client = ccaas.new(s:options(options))
  local given, err = client:queue("1")
  assert.is_nil(given)
  return err
end

local function is_clean(shown)
  assert.equal(shown, core.show(shown))
  assert.is_nil(shown:find("[%z\1-\31\127]"), shown)
end

describe("what a server wrote", function()
  -- Line ends, escape sequences of terminals, C1 controls and what changes the
  -- direction of text went into messages, request ids and logs as they were.
  it("is shown escaped in an error's message and request id", function()
    local err = failing(status(400, '{"message":"a\\r\\nb\\u001b[2J\\u0000c\\u009b\\u2028\\u2029\\u202e\194\133",'
      .. '"referenceId":"r\\n\\u0007\226\129\166"}'))
    assert.equal([[a\r\nb\x1b[2J\x00c\u{9b}\u{2028}\u{2029}\u{202e}\u{85}]], err.message)
    assert.equal([[r\n\x07\u{2066}]], err.request_id)
    is_clean(tostring(err))
    err = failing(status(404, "", { ["X-Request-Id"] = "a\27[31m\rb\255\194\155" }))
    assert.equal([[a\x1b[31m\rb\xff\u{9b}]], err.request_id)
  end)

  it("may be in any language", function()
    local err = failing(status(400, '{"message":"Nö: \\u738b, \240\159\152\128 \\\\ n"}'))
    assert.equal("Nö: 王, \240\159\152\128 \\ n", err.message)
  end)

  it("is never cut inside a character", function()
    for before = 430, 450 do
      local err = failing(status(400, '{"message":"' .. ("x"):rep(before) .. ("ö"):rep(100) .. '"}'))
      is_clean(err.message)
      assert.is_true(#err.message > 440)
    end
  end)

  it("has no terminal codes in it", function()
    local err = failing(status(500, '{"message":"x","ErrorCode":"a\\nb"}'))
    assert.equal([[x (a\nb)]], err.message)
  end)

  it("is shown escaped by an event", function()
    local heard = {}
    failing(status(503, '{"message":"a\\u001b\\nb"}', { ["X-Request-Id"] = "\27" }), {
      on_event = function(event) heard[#heard + 1] = event end })
    assert.is_true(#heard > 2)
    for _, event in ipairs(heard) do
      for _, field in pairs(event) do
        is_clean(tostring(field))
      end
    end
  end)

  it("is shown escaped where it is a content type", function()
    local client = server.xima(function()
      return server.answer("<html>", { headers = { ["Content-Type"] = "text/\27[31mhtml\226\128\174" } })
    end)
    local _, err = client:historic_data("1", { format = "PDF" })
    assert.equal("protocol", err.code)
    assert.is_truthy(err.message:find([[text/\x1b[31mhtml\u{202e}]], 1, true), err.message)
  end)

  -- A NUL ended it.
  it("is unchanged in the error's body, NULs included", function()
    local body = "a\0b\r\n\27[31m\255\0"
    assert.equal(body, failing(status(400, body)).body)
    assert.equal("\0", failing(status(400, "\0")).body)
    assert.equal("x\0" .. ("y"):rep(510), failing(status(400, "x\0" .. ("y"):rep(600))).body)
  end)
end)

describe("a secret that a server echoes", function()
  local TOKEN = ("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"):rep(25):sub(1, 1500)

  local function failing_with(body, headers)
    local s = server.start(function() return status(400, body, headers) end, function()
      return server.answer('{"access_token":"' .. TOKEN .. '"}')
    end)
    local given, err = ccaas.new(s:options { retries = 0 }):queue("1")
    assert.is_nil(given)
    return err
  end

  local function is_silent(shown)
    for at = 1, 62 do
      assert.is_nil(shown:find(TOKEN:sub(at, at + 7), 1, true), shown)
    end
  end

  -- 383 bytes of it were left in the body: what was cut was not known for one.
  it("is gone from a body that was cut within it", function()
    for _, body in ipairs { TOKEN:rep(200), (TOKEN .. " "):rep(200), ("x"):rep(63 * 1024) .. TOKEN,
      (" "):rep(3000) .. TOKEN, ("x"):rep(65536 - 100) .. TOKEN } do
      local err = failing_with(body)
      is_silent(err.body)
      is_silent(err.message)
      assert.equal(400, err.status)
    end
    is_silent(failing_with('{"message":"' .. ("x"):rep(3900) .. TOKEN .. '"}').message)
    assert.equal("***", failing_with('{"message":"' .. TOKEN .. '"}').message)
  end)

  it("is gone from a request id", function()
    assert.equal("a***b", failing_with("", { ["X-Request-Id"] = "a" .. TOKEN .. "b" }).request_id)
  end)

  it("is gone from UTF-16", function()
    local err = failing_with((("x" .. TOKEN .. "y"):gsub(".", "%0\0")))
    assert.equal("x\0***\0y\0", err.body)
  end)

  -- It was in the message, as it came.
  it("is gone from a content type", function()
    local client = server.xima(function(request)
      local token = request.headers.authorization:match("%S+$")
      return server.answer("<html>", { headers = { ["Content-Type"] = "text/" .. token } })
    end, { token = TOKEN })
    local _, err = client:historic_data("1", { format = "PDF" })
    assert.is_truthy(err.message:find("content type text/***", 1, true), err.message)
  end)

  -- A hundred bytes of it were left: it was cut before it was looked for.
  it("is gone from a content type in an error about malformed JSON", function()
    local s = server.start(function()
      return server.answer("<html>", { headers = { ["Content-Type"] = "text/" .. TOKEN } })
    end, function()
      return server.answer('{"access_token":"' .. TOKEN .. '"}')
    end)
    local _, err = ccaas.new(s:options { retries = 0 }):queue("1")
    assert.equal("protocol", err.code)
    is_silent(err.message)
    assert.is_truthy(err.message:find("content type is text/***", 1, true), err.message)
  end)

  it("is gone from the address that a redirect leads to", function()
    for _, place in ipairs { "", "x/", ("x"):rep(150) .. "/" } do
      local s = server.start(function(request)
        if request.path:find("/login/", 1, true) then
          return server.answer("<html>")
        end
        return status(302, "", { Location = "/login/" .. place .. TOKEN })
      end, function()
        return server.answer('{"access_token":"' .. TOKEN .. '"}')
      end)
      local _, err = ccaas.new(s:options { retries = 0 }):queue("1")
      assert.equal("protocol", err.code)
      is_silent(err.message)
      assert.is_truthy(err.message:find("redirected to http", 1, true), err.message)
    end
  end)

  -- Every byte was compared with all that follow: the caller's thread stood still
  -- for more than a minute.
  it("is found in time linear in the answer's length", function()
    for _, piece in ipairs { "\\", "%25", "a", "&#", "\\u005c" } do
      TOKEN = ("a"):rep(1500) .. "b"
      local before = os.clock()
      failing_with(piece:rep(math.floor(65536 / #piece)))
      assert.is_true(os.clock() - before < 1, piece)
    end
  end)
end)
