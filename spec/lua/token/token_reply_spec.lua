-- The reply to a request for a token: read with patience, trusted with care.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"

local row = server.named_row

-- The pairs of a table, in the order of their names.
local function each(map)
  local names, at = {}, 0
  for name in pairs(map) do
    names[#names + 1] = name
  end
  table.sort(names)
  return function()
    at = at + 1
    return names[at], map[names[at]]
  end
end

describe("a token reply", function()
  local function first_call(reply)
    local s = server.start(row, function() return server.answer(reply) end)
    local client = ccaas.new(s:options())
    local given, err = client:queue("1")
    return given, err, s, client
  end

  local good = {
    ["of strings, as documented"] = '{"refresh_token_expires_in":"0","api_product_list":"[a]",'
      .. '"api_product_list_json":["a"],"token_type":"BearerToken","issued_at":"1719570000000",'
      .. '"access_token":"TOK","status":"approved","expires_in":"1799"}',
    ["with expires_in as a number"] = '{"access_token":"TOK","expires_in":1799}',
    ["with a fraction in expires_in"] = '{"access_token":"TOK","expires_in":1799.5}',
    ["without expires_in"] = '{"access_token":"TOK"}',
    ["with expires_in null"] = '{"access_token":"TOK","expires_in":null}',
    ["with words in expires_in"] = '{"access_token":"TOK","expires_in":"never"}',
    ["with a negative expires_in"] = '{"access_token":"TOK","expires_in":"-1"}',
    ["with expires_in past all measure"] = '{"access_token":"TOK","expires_in":1e999}',
    ["with white space around it"] = ' \r\n\t{ "access_token" : "TOK" }\r\n',
    ["with escapes in the token"] = [[{"access_token":"\u0054\u004fK"}]],
    ["with a token in a part that is not the token's"] =
      '{"detail":{"access_token":"WRONG"},"access_token":"TOK"}',
  }
  for name, reply in each(good) do
    it(name .. " gives a token that is kept", function()
      local given, err, s, client = first_call(reply)
      assert.is_nil(err)
      assert.are.equal("1", given.id)
      assert.are.equal("Bearer TOK", s.requests[1].headers.authorization)
      assert(client:queue("2"))
      assert.are.equal(1, s.tokens)
    end)
  end

  local bad = {
    ["that is empty"] = "",
    ["that is HTML"] = "<!DOCTYPE html><html><body>Sign in</body></html>",
    ["that is garbage"] = "\0\255\254 garbage",
    ["that is null"] = "null",
    ["that is a list"] = '["access_token"]',
    ["that is cut short in the token"] = '{"access_token":"TO',
    ["without a token"] = '{"token_type":"BearerToken","expires_in":"1799"}',
    ["with an empty token"] = '{"access_token":""}',
    ["with a token null"] = '{"access_token":null}',
    ["with a token that is a table"] = '{"access_token":{"value":"TOK"}}',
    ["with CR LF in the token"] = [[{"access_token":"TOK\r\nX-Injected: 1"}]],
    ["with a line feed in the token"] = [[{"access_token":"TOK\nX-Injected: 1"}]],
    ["with NUL in the token"] = [[{"access_token":"TOK\u0000X"}]],
    ["with a space in the token"] = '{"access_token":"TOK EN"}',
    ["with a token that is not ASCII"] = '{"access_token":"TOK\195\169"}',
    ["with a token past all measure"] = '{"access_token":"' .. ("T"):rep(20000) .. '"}',
    ["that is larger than any"] = '{"junk":"' .. ("T"):rep(100000) .. '","access_token":"TOK"}',
  }
  for name, reply in each(bad) do
    it(name .. " is the error protocol, and the API is not asked", function()
      local given, err, s = first_call(reply)
      assert.is_nil(given)
      assert.are.equal("protocol", err.code)
      assert.are.equal(200, err.status)
      assert.are.equal(s.url .. "/token", err.url)
      assert.are.equal(1, s.tokens)
      assert.are.equal(0, #s.requests)
    end)
  end

  it("that was not usable does not keep the next call from requesting one", function()
    local s
    s = server.start(row, function()
      return s.tokens == 1 and server.answer("<html>") or server.answer '{"access_token":"T1"}'
    end)
    local client = ccaas.new(s:options())
    local _, err = client:queue("1")
    assert.are.equal("protocol", err.code)
    assert(client:queue("1"))
    assert.are.equal(2, s.tokens)
  end)

  it("that comes compressed and in chunks is read", function()
    local sandbox = helper.sandbox { agents = 5, queues = 5, groups = 2, gzip = true, chunked = true }
    local rows = assert(ccaas.new(sandbox:options("8x8")):queues():all())
    assert.are.equal(5, #rows)
  end)

  -- What a 200 said of the credentials was told as "holds no usable access_token".
  local refusals = {
    ["of the credentials"] = { '{"error":"invalid_client","error_description":"Client is locked"}', "auth", false,
      "Client is locked (invalid_client)" },
    ["without a description"] = { '{"error":"invalid_grant"}', "auth", false, "invalid_grant" },
    ["that may pass"] = { '{"error":"temporarily_unavailable","error_description":"Come back later"}', "server", true,
      "Come back later (temporarily_unavailable)" },
    ["of another name"] = { '{"error":"odd","error_description":"Something else"}', "protocol", false,
      "Something else (odd)" },
    ["in words alone"] = { '{"error_description":"Just words"}', "protocol", false, "Just words" },
  }
  for name, case in each(refusals) do
    it("of 200 that is an error " .. name .. " is told in its words", function()
      local s = server.start(row, function() return server.answer(case[1]) end)
      local given, err = ccaas.new(s:options { retries = 0 }):queue("1")
      assert.is_nil(given)
      assert.equal(case[2], err.code)
      assert.equal(case[3], err.retryable)
      assert.equal(case[4], err.message)
      assert.equal(200, err.status)
      assert.equal(1, s.tokens)
    end)
  end

  for _, status in ipairs { 400, 401, 503 } do
    it(("of %d is told in OAuth's words"):format(status), function()
      local s = server.start(row, function()
        return server.answer('{"error":"invalid_client","error_description":"Client is locked"}', { status = status })
      end)
      local _, err = ccaas.new(s:options { retries = 0 }):queue("1")
      assert.equal(status < 500 and "auth" or "server", err.code)
      assert.equal("Client is locked (invalid_client)", err.message)
    end)
  end

  -- The body was still there, behind a NUL.
  it("leaves nothing in the error of an attempt after it", function()
    local s
    s = server.start(row, function(_, conn)
      if s.tokens > 1 then
        conn:reset()
        return nil
      end
      return server.answer("try later", { status = 503, headers = { ["X-Request-Id"] = "r1", Connection = "close" } })
    end)
    local _, err = ccaas.new(s:options { retries = 1 }):queue("1")
    assert.equal("network", err.code)
    assert.equal(2, s.tokens)
    assert.is_nil(err.body)
    assert.is_nil(err.request_id)
    assert.is_nil(err.status)
  end)

  it("that echoes the credentials shows none of them", function()
    local s = server.start(row, function()
      return server.answer '{"error":"tok_secret_1","error_description":"no such secret: tok_secret_1 of key_name_1"}'
    end)
    local _, err = ccaas.new(s:options { key = "key_name_1", secret = "tok_secret_1" }):queue("1")
    assert.matches("no such secret", err.message, 1, true)
    assert.is_nil(tostring(err):find("tok_secret_1", 1, true))
    assert.is_nil(tostring(err):find("key_name_1", 1, true))
  end)
end)

-- The address that a redirect of the token request led to was libcurl's own
-- reading of it, which has the key and the secret in it: the next request was
-- refused ("Login denied"), and the secret stood in an address.
describe("a token request that is redirected on its origin", function()
  it("brings its token", function()
    local s = server.start(function(request)
      if request.path == "/token2" then
        assert.equal("/token2", request.target)
        return server.answer('{"access_token":"T2","expires_in":"1799"}')
      end
      return server.page { rows = { server.row("1") } }
    end, function()
      return server.answer("", { status = 307, headers = { Location = "/token2" } })
    end)
    local client = ccaas.new(s:options { retries = 0 })
    assert(client:queue("101"))
    client:close()
  end)
end)
