-- Misuse: it raises, at the line of the caller, before anything is sent, and
-- the message never shows a secret.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local usage = require "spec.support.usage"

local FILE = "options_spec.lua"

local options, raises = usage.options, usage.raises

-- As above, for an option of ccaas.new.
local function new_raises(words, overrides)
  return raises(words, function()
    ccaas.new(options(overrides))
  end)
end

describe("a usage error of ccaas.new", function()
  it("is any argument but a table of options", function()
    raises("table of options|nil", function() ccaas.new() end)
    raises("table of options|string", function() ccaas.new("8x8") end)
  end)

  it("is a provider that is missing, unknown or not a string", function()
    raises("provider", function() ccaas.new {} end)
    raises("provider|9x8", function() ccaas.new { provider = "9x8" } end)
    raises("provider", function() ccaas.new { provider = 8 } end)
  end)

  it("is a misspelt option: the message names the nearest one", function()
    new_raises("unknown option `regoin`|did you mean \"region\"", { regoin = "us" })
    new_raises("`Tenant`|did you mean \"tenant\"", { Tenant = "a" })
    new_raises("`time_out`|did you mean \"timeout\"", { time_out = 5 })
    new_raises("`retry`|did you mean \"retries\"", { retry = 5 })
  end)

  it("is an option that resembles no other: the message lists all", function()
    new_raises("`colour`|known: |concurrency, |user_agent", { colour = "red" })
    new_raises("unknown option `1`", { "us" })
  end)

  it("is an unknown region", function()
    new_raises("region|mars|au, ca, eu, us", { region = "mars" })
    new_raises("region|did you mean \"us\"", { region = "US" })
    -- They were answered by "did you mean "us"".
    new_raises("unknown region \"uk\" (known: au, ca, eu, us)", { region = "uk" })
    new_raises("unknown region \"de\" (known: au, ca, eu, us)", { region = "de" })
    new_raises("region", { region = 1 })
    new_raises("region", { region = "" })
  end)

  it("is a malformed version", function()
    new_raises("version|5", { version = "5" })
    new_raises("version", { version = "v5/../v4" })
    new_raises("version", { version = 5 })
  end)

  it("is a missing key or secret", function()
    raises("needs option `key`", function()
      ccaas.new { provider = "8x8", secret = "secret" }
    end)
    raises("needs option `secret`", function()
      ccaas.new { provider = "8x8", key = "key" }
    end)
    new_raises("key", { key = "" })
    new_raises("secret", { secret = "" })
    new_raises("secret", { secret = 17 })
  end)

  -- It went out as another user's name and password.
  it("is a key with a colon in it", function()
    local text = new_raises("option `key` has a colon in it", { key = "a-key:a-secret" })
    assert.is_nil(text:find("a-", 1, true))
  end)

  -- They were refused by the server only, as "Bearer Bearer".
  it("is a token with \"Bearer \" in front, or one that cannot be sent", function()
    for _, token in ipairs { "Bearer abc", "bearer abc", " BEARER  abc" } do
      local text = raises("option `token` begins with \"Bearer \": give the token alone", function()
        ccaas.new { provider = "xima", host = "acme.xima.cloud", token = token }
      end)
      assert.is_nil(text:find("abc", 1, true))
    end
    raises("option `token` has control characters", function()
      ccaas.new { provider = "xima", host = "acme.xima.cloud", token = "abc\n" }
    end)
    ccaas.new { provider = "xima", host = "acme.xima.cloud", token = "Bearerabc" }:close()
  end)

  it("is a number out of its bounds", function()
    local nan, much = 0 / 0, math.huge
    for name, values in pairs {
      timeout = { 0, -1, nan, much, "5", true },
      connect_timeout = { 0, -1, nan, much, "5" },
      deadline = { 0, -1, nan, much, {} },
      retries = { -1, 1.5, 101, nan, much, "4" },
      concurrency = { 0, 1.5, 65, nan, "4" },
      max_record = { 0, -5, 1.5, nan, "1" },
      max_body = { 0, -5, 1.5, much, "1" },
    } do
      for _, value in ipairs(values) do
        new_raises("option `" .. name .. "` must be", { [name] = value })
      end
    end
  end)

  it("is a value of the wrong kind", function()
    new_raises("on_event|function", { on_event = "print" })
    new_raises("tenant|string", { tenant = 5 })
    new_raises("tenant|string", { tenant = "" })
    new_raises("user_agent|string", { user_agent = {} })
    new_raises("proxy|string", { proxy = false })
    new_raises("null|ccaas.null", { null = false })
    new_raises("loop|wait", { loop = {} })
    new_raises("loop|wait", { loop = { wait = "sleep" } })
    new_raises("loop|number", { loop = 5 })
  end)

  it("is a loop that is unknown", function()
    new_raises("loop|blockign|did you mean \"blocking\"", { loop = "blockign" })
  end)

  it("is a ca_file that cannot be read", function()
    new_raises("ca_file|/no/such/file", { ca_file = "/no/such/file" })
    new_raises("ca_file", { ca_file = "" })
  end)

  it("is a text with a line break or a NUL in it", function()
    for _, name in ipairs { "tenant", "user_agent", "proxy", "key", "secret", "region" } do
      for _, bytes in ipairs { "\r\nX-Evil: 1", "\n", "\0", "\127" } do
        new_raises("`" .. name .. "` has control characters", { [name] = "a" .. bytes })
      end
    end
  end)

  for _, name in ipairs { "base_url", "token_url" } do
    it("is a " .. name .. " without encryption to another machine", function()
      for _, host in ipairs {
        "api.example.com", "127.0.0.1.evil.com", "localhost.evil.com", "128.0.0.1", "127.0.0.1x",
        "1127.0.0.1", "127.0.0.1.", "evil-127.0.0.1", "127.0.0", "127.0.0.1.1", "0.0.0.0", "[::2]",
        "[2001:db8::1]", "10.0.0.1", "localhosts", "127.0.0.256", "127.0.0.1:80.evil.com",
      } do
        new_raises("`" .. name .. "`", { [name] = "http://" .. host .. "/x" })
        new_raises("`" .. name .. "`", { [name] = "HTTP://" .. host .. ":8080" })
      end
    end)

    it("is a " .. name .. " that is no plain address", function()
      for _, url in ipairs {
        "", "x", "/path", "api.example.com", "//api.example.com", "ftp://api.example.com", "file:///etc/passwd",
        "https://", "https:///path", "https://user@api.example.com", "https://user:word@api.example.com/x",
        "https://api.example.com/x?y=1", "https://api.example.com?y", "https://api.example.com/#x",
        "https://api example.com", "https://api.example.com/a b", "https://api.example.com/\r\nX: 1",
        "https://api.example.com\0.evil.com", "https://api.example.com:x", "https://api.example.com:",
        "https://api.example.com:0", "https://api.example.com:65536", "https://api.example.com\\@evil.com",
        "https://[::1", "https://[x]", "https://evil.com/\\", "javascript:alert(1)",
      } do
        new_raises("`" .. name .. "`", { [name] = url })
      end
      new_raises("`" .. name .. "`", { [name] = 5 })
    end)

    it("is not a " .. name .. " on this machine, or with https", function()
      for _, url in ipairs {
        "http://localhost:8080/x", "http://127.0.0.1", "http://127.1.2.3:1/", "http://[::1]:8080", "HTTP://LOCALHOST",
        "https://api.example.com", "https://api.example.com:8443/a/b/", "https://[2001:db8::1]/x", "https://10.0.0.1",
      } do
        ccaas.new(options { [name] = url }):close()
      end
    end)
  end

  it("does not change the table that it was given", function()
    local given = options { region = "us" }
    ccaas.new(given):close()
    assert.same(options { region = "us" }, given)
  end)
end)

describe("the line that a usage error names", function()
  local client
  setup(function() client = ccaas.new(options()) end)
  teardown(function() client:close() end)

  local function here()
    return debug.getinfo(2, "l").currentline
  end

  local function names(line, ok, message)
    assert.is_false(ok)
    assert.is_truthy(message:find(FILE .. ":" .. line .. ": ", 1, true), message)
  end

  it("is the call's own, below pcall and xpcall", function()
    local line = here() + 1
    names(line, pcall(client.queue, client, ""))
    line = here() + 1
    names(line, pcall(ccaas.new, { provider = "8x8", regoin = "us" }))
    line = here() + 1
    names(line, xpcall(function() client:queue("") end, function(message) return message end))
  end)

  it("is the call's own in a coroutine", function()
    local line = here() + 1
    local thread = coroutine.create(function() client:queues { size = 0 } end)
    names(line, coroutine.resume(thread))
    line = here() + 2
    thread = coroutine.create(function()
      coroutine.yield(pcall(client.queues, client, { size = 0 }))
    end)
    names(line, select(2, coroutine.resume(thread)))
  end)

  it("is missing where the coroutine is nothing but the call", function()
    local ok, message = coroutine.resume(coroutine.create(client.queue), client, "")
    assert.is_false(ok)
    assert.is_truthy(message:find("queue id is empty", 1, true), message)
  end)

  it("is the caller's where the call is made through a metamethod or a library function", function()
    local line = here() + 1
    local proxy = setmetatable({}, { __index = function() client:queue("") end })
    names(line, pcall(function() return proxy.x end))
    line = here() + 2
    names(line, pcall(function()
      ("x"):gsub("x", function() client:queue("") end)
    end))
  end)

  it("is the user's in a file with the name of one of the library's", function()
    local chunk = "local client = ... client:queue('')\nreturn nil"
    local load_text = rawget(_G, "loadstring") or load
    local ok, message = pcall(load_text(chunk, "@/somewhere/lua/ccaas.lua"), client)
    assert.is_false(ok)
    assert.is_truthy(message:find("ccaas.lua:1: ", 1, true), message)
  end)
end)

describe("the message of a usage error", function()
  local SECRET = "t0p-secret/word+1"

  it("never shows a secret", function()
    local tries = {
      { secret = SECRET .. "\n" }, { key = SECRET .. "\r" }, { secret = SECRET, key = "" },
      { secret = SECRET, regoin = "us" }, { secret = SECRET, region = "mars" }, { secret = { SECRET } },
      { secert = SECRET }, { apikey = SECRET }, { token = SECRET }, { password = SECRET },
      { base_url = "https://user:" .. SECRET .. "@api.example.com" },
      { base_url = "http://api.example.com/?token=" .. SECRET },
      { token_url = "https://api.example.com/?secret=" .. SECRET },
      { proxy = "http://user:" .. SECRET .. "@proxy\n" },
      { secret = SECRET, timeout = 0 }, { SECRET },
    }
    for _, overrides in ipairs(tries) do
      local ok, message = pcall(ccaas.new, options(overrides))
      assert.is_false(ok)
      assert.is_nil(message:find(SECRET, 1, true), message)
    end
  end)

  it("does not show a request's headers, query or body", function()
    local client = ccaas.new(options())
    for _, given in ipairs {
      { path = "/x?token=" .. SECRET }, { path = "/x", headers = { Authorization = "Bearer " .. SECRET } },
      { path = "/x", headers = { ["X-Key"] = SECRET .. "\n" } }, { path = "/x", body = { SECRET, print } },
      { path = "/x", query = { key = { SECRET, print } } }, { path = "/x", tenat = SECRET },
    } do
      local ok, message = pcall(client.request, client, given)
      assert.is_false(ok)
      assert.is_nil(message:find(SECRET, 1, true), message)
    end
    client:close()
  end)

  it("does not keep a secret where tostring would show it", function()
    local client = ccaas.new(options { secret = SECRET, key = SECRET })
    local stream = client:queues()
    assert.is_nil(tostring(client):find(SECRET, 1, true))
    assert.is_nil(tostring(stream):find(SECRET, 1, true))
    assert.same({}, client)
    client:close()
  end)
end)

describe("a usage error of the sandbox", function()
  local sandbox = require "ccaas.sandbox"

  it("raises at the caller's line as well", function()
    raises("agent|did you mean 'agents'", function() sandbox.start { agent = 5 } end)
    raises("agents", function() sandbox.start { agents = -1 } end)
    local sb = helper.sandbox { agents = 1, queues = 1, groups = 1 }
    raises("stauts|did you mean 'status'", function() sb:fault { stauts = 500 } end)
    raises("status", function() sb:fault { status = 99 } end)
    raises("agnts", function() sb:set { agnts = 5 } end)
    raises("9x8", function() sb:options("9x8") end)
  end)
end)
