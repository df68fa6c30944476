-- on_event: what it is told, when, and that it may fail.
local ccaas = require "ccaas"
local server = require "spec.support.server"
local socket = require "socket"

local function rows_of(count)
  local rows = {}
  for i = 1, count do
    rows[i] = server.row(tostring(i))
  end
  return rows
end

-- A client of that handler, and the list of what it tells.
local function listen(handler, options, token)
  local s = server.start(handler, token)
  local heard, given = {}, { retries = 1 }
  given.on_event = function(event) heard[#heard + 1] = event end
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  return ccaas.new(s:options(given)), heard, s
end

local function types(heard)
  local list = {}
  for i, event in ipairs(heard) do
    list[i] = event.type
  end
  return table.concat(list, " ")
end

local function busy()
  return server.answer("", { status = 503, headers = { ["Retry-After"] = 0 } })
end

describe("on_event", function()
  it("is told of the token, the request, its attempt and the page, in this order", function()
    local began = socket.gettime()
    local client, heard, s = listen(function() return server.page { rows = rows_of(3) } end)
    assert.are.equal(0, #heard)
    assert.are.equal(3, #assert(client:queues { metrics = "entered.today" }:all()))
    assert.are.equal("token request attempt page", types(heard))
    local token, request, attempt, page = heard[1], heard[2], heard[3], heard[4]
    assert.are.equal("POST", token.method)
    assert.are.equal(s.url .. "/token", token.url)
    assert.are.equal(200, token.status)
    assert.are.equal(1, token.attempt)
    assert.are.equal("granted", token.reason)
    assert.is_true(token.seconds >= 0)
    for _, event in ipairs { request, attempt, page } do
      assert.are.equal("GET", event.method)
      assert.are.equal(s.url .. "/queues", event.url)
      assert.are.equal(0, event.page)
    end
    assert.are.equal(1, request.attempt)
    assert.is_nil(request.status)
    assert.are.equal(1, attempt.attempt)
    assert.are.equal(200, attempt.status)
    assert.is_true(attempt.seconds >= 0)
    assert.are.equal(#("[" .. table.concat(rows_of(3), ",") .. "]"), attempt.bytes)
    assert.is_nil(attempt.code)
    for i, event in ipairs(heard) do
      assert.is_true(event.at >= began - 1 and event.at <= socket.gettime() + 1)
      assert.is_true(i == 1 or event.at >= heard[i - 1].at)
    end
  end)

  it("gets no fields but those of the contract", function()
    local asked = 0
    local client, heard = listen(function()
      asked = asked + 1
      return asked == 1 and busy() or server.page { rows = rows_of(1) }
    end)
    assert(client:queues():all())
    local known = { type = "string", at = "number", method = "string", url = "string", attempt = "number",
      status = "number", seconds = "number", bytes = "number", code = "string", reason = "string", page = "number" }
    assert.is_true(#heard >= 6)
    for _, event in ipairs(heard) do
      for field, value in pairs(event) do
        assert.are.equal(known[field], type(value), field)
      end
    end
  end)

  it("is told of failed attempts and of waits", function()
    local asked = 0
    local client, heard = listen(function(_, conn)
      asked = asked + 1
      if asked == 1 then
        return busy()
      elseif asked == 2 then
        return conn:hold()
      end
      return server.page { rows = rows_of(1) }
    end, { retries = 2, timeout = 1 })
    assert(client:queues():all())
    assert.are.equal("token request attempt wait attempt wait attempt page", types(heard))
    assert.are.equal(503, heard[3].status)
    assert.are.equal(1, heard[3].attempt)
    assert.are.equal("server", heard[4].code)
    assert.are.equal(0, heard[4].seconds)
    assert.are.equal("timeout", heard[5].code)
    assert.is_nil(heard[5].status)
    assert.are.equal(2, heard[5].attempt)
    assert.is_true(heard[5].seconds >= 0.99)
    assert.are.equal("timeout", heard[6].code)
    assert.is_true(heard[6].seconds >= 0 and heard[6].seconds <= 1)
    assert.are.equal(200, heard[7].status)
    assert.are.equal(3, heard[7].attempt)
  end)

  it("is told of one request and one page for each page of a walk", function()
    local rows = rows_of(10)
    local client, heard = listen(function(request) return server.cut(request, rows) end)
    assert(client:queues { size = 2 }:all())
    local requests, pages = {}, {}
    for _, event in ipairs(heard) do
      if event.type == "request" then
        requests[event.page] = (requests[event.page] or 0) + 1
      elseif event.type == "page" then
        pages[#pages + 1] = event.page
      end
    end
    assert.are.same({ 0, 1, 2, 3, 4 }, pages)
    for page = 0, 4 do
      assert.are.equal(1, requests[page])
    end
  end)

  it("is told how a token request went wrong, and of the renewal after a 401", function()
    local given = 0
    local client, heard = listen(function(request)
      if request.headers.authorization == "Bearer T2" then
        return server.answer("", { status = 401 })
      end
      return server.answer(server.row "1")
    end, nil, function()
      given = given + 1
      return given == 1 and busy() or server.answer(('{"access_token":"T%d"}'):format(given))
    end)
    assert(client:queue "1")
    assert.are.equal("token token request attempt token attempt page", types(heard))
    assert.are.equal(503, heard[1].status)
    assert.are.equal("granted", heard[2].reason)
    assert.are.equal(2, heard[2].attempt)
    assert.are.equal(401, heard[4].status)
    assert.are.equal("granted", heard[5].reason)
  end)

  it("is told of wrong credentials", function()
    local client, heard = listen(nil, nil, function() return server.answer("", { status = 401 }) end)
    client:queue "1"
    assert.are.equal("token", types(heard))
    assert.are.equal(401, heard[1].status)
    assert.are.equal("auth", heard[1].reason)
  end)

  it("is told of client:request and of single rows, too", function()
    local client, heard = listen(function(request)
      return request.path == "/x" and server.answer "bytes" or server.answer(server.row "1")
    end)
    assert(client:request { method = "POST", path = "/x", body = "b", query = { secret = "no" } })
    assert.are.equal("POST", heard[2].method)
    assert.is_nil(heard[2].url:find("?", 1, true))
    assert(client:queue "1")
    assert.are.equal("token request attempt page request attempt page", types(heard))
    assert.is_nil(heard[2].page)
  end)

  it("of one client is not told of another client's calls", function()
    local client, heard, s = listen(function() return server.answer(server.row "1") end)
    local other = ccaas.new(s:options())
    assert(other:queue "1")
    assert.are.equal(0, #heard)
    assert(client:queue "1")
    assert.are.equal("request attempt page", types(heard)) -- the token was there
  end)

  it("may make calls itself", function()
    local client, inner
    local nested = 0
    local s = server.start(function() return server.answer(server.row "1") end)
    client = ccaas.new(s:options {
      on_event = function()
        if not inner then
          inner = true
          nested = nested + #assert(client:queue "2").id
        end
      end,
    })
    assert.are.equal("1", assert(client:queue "1").id)
    assert.are.equal(1, nested)
  end)

  it("may close the client", function()
    local client
    local s = server.start(function() return server.answer(server.row "1") end)
    client = ccaas.new(s:options { on_event = function() client:close() end })
    local row, err = client:queue "1"
    assert.is_nil(row)
    assert.are.equal("cancelled", err.code)
  end)

  it("that is not a function raises", function()
    local s = server.start()
    assert.is_false((pcall(ccaas.new, s:options { on_event = "print" })))
  end)
end)

describe("an error in on_event", function()
  local function failing(kinds)
    local oops = { "oops" }
    local client, heard, s
    client, heard, s = listen(function() return server.page { rows = rows_of(3) } end, {
      on_event = function(event)
        heard[#heard + 1] = event
        if kinds[event.type] then
          error(oops, 0)
        end
      end,
    })
    return client, heard, oops, s
  end

  it("is raised unchanged where the reader waits", function()
    for _, kind in ipairs { "token", "request", "attempt", "page" } do
      local client, _, oops = failing { [kind] = true }
      local stream = client:queues()
      local fine, err = pcall(stream.all, stream)
      assert.is_false(fine)
      assert.are.equal(oops, err)
    end
  end)

  it("leaves the stream usable, and no event is told twice", function()
    local client, heard, _, s = failing { token = true, request = true, attempt = true, page = true }
    local stream = client:queues()
    local rows, raised = 0, 0
    while true do
      local fine, row, err = pcall(stream.next, stream)
      if not fine then
        raised = raised + 1
      elseif row then
        rows = rows + 1
      else
        assert.is_nil(err)
        break
      end
    end
    assert.are.equal(3, rows)
    assert.are.equal(4, raised)
    assert.are.equal("token request attempt page", types(heard))
    assert.are.equal(1, #s.requests)
  end)

  it("raises out of client:request, too", function()
    local client, _, oops = failing { attempt = true }
    local fine, err = pcall(client.request, client, { path = "/x" })
    assert.is_false(fine)
    assert.are.equal(oops, err)
  end)
end)

describe("events that no call takes", function()
  it("come late, with the time at which they happened", function()
    local client, heard, s = listen(function() return server.page { rows = rows_of(3) } end)
    local stream = client:queues()
    assert.are.equal("timeout", select(2, stream:next(0)).code)
    s:serve(function() return s.tokens == 1 end)
    local later = socket.gettime() + 0.3
    s:serve(function() return socket.gettime() > later end)
    assert.are.equal(0, #heard)
    assert.are.equal(3, #assert(stream:all()))
    assert.are.equal("token request attempt page", types(heard))
  end)

  it("are bounded in number: the newest are kept", function()
    local rows = rows_of(3000)
    local client, heard = listen(function(request) return server.cut(request, rows) end)
    local stream = client:queues { size = 1, concurrency = 1 }
    local count = 0
    for _ in stream do
      count = count + 1
    end
    assert.are.equal(3000, count)
    assert.are.equal("page", heard[#heard].type)
    assert.are.equal(2999, heard[#heard].page)
  end)
end)
