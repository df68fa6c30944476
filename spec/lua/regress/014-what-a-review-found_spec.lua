-- Faults that reading the code brought to light, each with what was wrong.
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local ccaas = require "ccaas"
local core = require "ccaas.core"

describe("what a review found", function()
  it("the token of a client stood in a table that its streams show", function()
    local client = ccaas.new { provider = "xima", host = "acme.test", token = "t0ken-t0ken" }
    local seen = {}
    local function search(value)
      if type(value) == "string" then
        assert.is_nil(value:find("t0ken-t0ken", 1, true))
      elseif type(value) == "table" and not seen[value] then
        seen[value] = true
        for key, item in pairs(value) do
          search(key)
          search(item)
        end
      end
    end
    search(client)
    search(client:agents())
  end)

  it("a client that its own on_event refers to was never collected on LuaJIT", function()
    local alive = setmetatable({}, { __mode = "k" })
    for _ = 1, 20 do
      local client
      client = ccaas.new { provider = "xima", host = "acme.test", token = "t", on_event = function() return client end }
      alive[client] = true
    end
    collectgarbage()
    collectgarbage()
    local count = 0
    for _ in pairs(alive) do
      count = count + 1
    end
    assert.is_true(count <= 1, count)
  end)

  it("a report that says 202 and Retry-After: 0 for ever made a busy loop", function()
    local s = server.start(function()
      return server.answer("", { status = 202, headers = { ["Retry-After"] = "0" } })
    end)
    local client = ccaas.new { provider = "xima", host = "x", base_url = s.url, token = "t", deadline = 1,
      loop = s:options().loop }
    local _, err = client:historic_data("1001")
    assert.equal("timeout", err.code)
    assert.is_true(#s.requests <= 8, #s.requests)
  end)

  it("a failure carried the body and the number of an attempt before it", function()
    local answers = { function()
      return server.answer('{"message":"busy","referenceId":"REF-1"}',
        { status = 503, headers = { ["Retry-After"] = "0" } })
    end, function(_, conn) conn:reset() end }
    local at = 0
    local s = server.start(function(request, conn)
      at = at + 1
      return (answers[at] or answers[2])(request, conn)
    end)
    local client = ccaas.new(s:options { retries = 1 })
    local _, err = client:queue("101")
    assert.equal("network", err.code)
    assert.is_nil(err.body)
    assert.is_nil(err.request_id)
    assert.equal(2, #err.attempts)
  end)

  it("a stream that had rows at hand told event loops to wait", function()
    local sandbox = helper.sandbox { agents = 300, queues = 3 }
    local stream = ccaas.new(sandbox:options("8x8")):agents { summary = true }
    local count = 0
    local ends = core.now() + 20
    while core.now() < ends do
      local row, err = stream:next(0)
      if row then
        count = count + 1
        assert.equal(0, stream:timeout())
      elseif not err then
        break
      else
        core.poll(stream:pollfd(), stream:timeout() or 20)
      end
    end
    assert.equal(300, count)
  end)

  it("the late answer of a token function whose stream was closed was taken for the next one's", function()
    local sandbox = helper.sandbox { agents = 3 }
    local options = sandbox:options("xima")
    local good, turn = options.token, 0
    options.loop = { wait = function(fd, seconds)
      while not core.poll(fd, 0) do
        coroutine.yield()
      end
      return seconds
    end }
    options.token = function()
      turn = turn + 1
      if turn == 1 then
        coroutine.yield("asked")
        return nil
      end
      return good
    end
    local client = ccaas.new(options)
    local first, second = client:agents(), client:agents()
    local a = coroutine.create(function() return first:next() end)
    assert.equal("asked", select(2, coroutine.resume(a)))
    first:close()
    local row
    local b = coroutine.create(function() row = assert(second:next()) end)
    assert(coroutine.resume(b))
    coroutine.resume(a)
    local ends = core.now() + 20
    while not row and core.now() < ends do
      assert(coroutine.resume(b))
    end
    assert.is_string(row.name)
    client:close()
  end)

  it("a token function that calls the client that asks it hung", function()
    local client
    client = ccaas.new { provider = "xima", host = "x", base_url = "http://127.0.0.1:1", token = function()
      return client:agents():next()
    end }
    local ok, message = pcall(function() return client:agents():next() end)
    assert.is_false(ok)
    assert.truthy(tostring(message):find("must not call the client"), tostring(message))
  end)

  it("an option of the other vendor failed inside", function()
    local client = ccaas.new { provider = "xima", host = "acme.test", token = "t" }
    local ok, message = pcall(client.request, client, { path = "/x", tenant = "acme" })
    assert.is_false(ok)
    assert.truthy(message:find("014%-what%-a%-review%-found_spec.lua:%d+: request: unknown option"), message)
  end)

  it("a list of a million million rows without one never ended", function()
    local s = server.start(function(request)
      local page = request.target:match("[?&]page=(%d+)")
      return server.answer("[]", { headers = { ["X-Page"] = page, ["X-Page-Size"] = "1000",
        ["X-Total-Pages"] = "1000000000", ["X-Total-Elements"] = "1000000000000" } })
    end)
    local client = ccaas.new(s:options { deadline = 60 })
    local rows, err = client:queues():all()
    assert.is_nil(rows)
    assert.equal("protocol", err.code)
    assert.is_true(#s.requests < 200, #s.requests)
  end)
end)
