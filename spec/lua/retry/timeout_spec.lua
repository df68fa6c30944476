-- How long is waited: for a byte, for a connection, for a row, for all of it.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local socket = require "socket"

local now = socket.gettime

local function rows_of(count, filler)
  local rows = {}
  for i = 1, count do
    rows[i] = server.row(tostring(i), filler)
  end
  return rows
end

-- The seconds that f takes, then what it gives.
local function timed(f, ...)
  local began = now()
  local one, two = f(...)
  return now() - began, one, two
end

describe("the option timeout", function()
  it("ends an attempt whose first byte does not come", function()
    local s = server.start(function(_, conn) conn:hold() end)
    local client = ccaas.new(s:options { timeout = 0.3, retries = 0 })
    local seconds, _, err = timed(client.queue, client, "1")
    assert.are.equal("timeout", err.code)
    assert.are.equal("no byte from the server for 0.3 s", err.message)
    assert.is_true(err.retryable)
    assert.is_true(seconds >= 0.29 and seconds < 5)
  end)

  it("ends one whose body stalls, after the rows that came", function()
    local bytes = server.page { rows = rows_of(3) }
    local s = server.start(function(_, conn)
      conn:send(bytes:sub(1, -20))
      conn:hold()
    end)
    local stream = ccaas.new(s:options { timeout = 1, retries = 0 }):queues()
    assert.are.equal("1", assert(stream:next()).id)
    assert.are.equal("2", assert(stream:next()).id)
    local _, err = stream:next()
    assert.are.equal("timeout", err.code)
    assert.are.equal(200, err.status)
  end)

  it("limits the time between two bytes, not the whole", function()
    local bytes = server.page { rows = rows_of(4) }
    local s = server.start(function(_, conn)
      conn:drip(bytes, math.ceil(#bytes / 8), 0.2)
    end)
    local client = ccaas.new(s:options { timeout = 1, retries = 0 })
    local seconds, rows = timed(function() return assert(client:queues():all()) end)
    assert.are.equal(4, #rows)
    assert.is_true(seconds > 1)
  end)

  it("holds for the token's request", function()
    local s = server.start(nil, function(_, conn) conn:hold() end)
    local client = ccaas.new(s:options { timeout = 0.3, retries = 0 })
    local seconds, _, err = timed(client.queue, client, "1")
    assert.are.equal("timeout", err.code)
    assert.are.equal(s.url .. "/token", err.url)
    assert.is_true(seconds >= 0.29 and seconds < 5)
  end)

  it("of a call overrides the client's", function()
    local s = server.start(function(_, conn) conn:hold() end)
    local client = ccaas.new(s:options { timeout = 60, retries = 0 })
    local opts = { timeout = 0.1 }
    for _, call in ipairs {
      function() return client:queue("1", opts) end,
      function() return client:queues(opts):next() end,
      function() return client:request { path = "/x", timeout = 0.1 } end,
    } do
      local seconds, _, err = timed(call)
      assert.are.equal("timeout", err.code)
      assert.is_true(seconds < 10)
    end
  end)

  it("does not count time in which the reader makes the server wait", function()
    local filler = '[{"key":"k","value":"' .. ("x"):rep(1000) .. '"}]'
    local all = rows_of(20000, filler)
    local done = false
    local s = server.start(function(_, conn)
      conn:send(server.page { rows = all, size = 20000 })
      done = true
    end)
    -- The reader serves the server, too: what was read ahead takes it a second or
    -- more below a sanitizer, in which nothing is sent.
    local stream = ccaas.new(s:options { timeout = 4, retries = 0 }):queues { concurrency = 1 }
    local count = 0
    for _ = 1, 10 do
      assert(stream:next())
      count = count + 1
    end
    local until_then = now() + 4.5
    s:serve(function() return now() >= until_then end)
    assert.is_false(done) -- the server had to wait, indeed
    for _ in stream do
      count = count + 1
    end
    assert.are.equal(20000, count)
    assert.are.equal(1, #s.requests)
  end)

  -- The reader serves the server, too: decoding a page must take it far less than
  -- the timeout, and the slow page more.
  it("does not count it for pages that wait behind a slow one, either", function()
    local filler = '[{"key":"k","value":"' .. ("x"):rep(1000) .. '"}]'
    local all = rows_of(4000, filler)
    local s = server.start(function(request, conn)
      local bytes = server.cut(request, all)
      if request.query.page == "1" then
        conn:send(bytes:sub(1, 5000))
        conn:hold(nil, 0.2)
        conn:drip(bytes:sub(5001), 50000, 0.2)
      else
        conn:send(bytes)
      end
    end)
    local count = 0
    local seconds = now()
    for _ in ccaas.new(s:options { timeout = 3, retries = 0 }):queues() do
      count = count + 1
    end
    assert.is_true(now() - seconds > 3)
    assert.are.equal(4000, count)
    assert.are.equal(4, #s.requests)
  end)
end)

describe("a server that hangs", function()
  it("is given up on by every form of reading", function()
    local sandbox = helper.sandbox { agents = 5, queues = 5, groups = 2 }
    local client = ccaas.new(sandbox:options("8x8", { timeout = 0.2, retries = 0 }))
    local function raised(f)
      local fine, err = pcall(f)
      assert.is_false(fine)
      return nil, err
    end
    for _, read in ipairs {
      function(stream) return stream:next() end,
      function(stream) return stream:all() end,
      function(stream) return raised(function() return stream() end) end,
      function(stream) return raised(stream:pages()) end,
    } do
      sandbox:fault { path = "/queues", hang = true }
      local _, err = read(client:queues())
      assert.are.equal("timeout", err.code)
    end
  end)
end)

describe("the option connect_timeout", function()
  -- A listening socket that takes no more connections: its backlog is full.
  local function full()
    local listener = assert(socket.bind("127.0.0.1", 0, 0))
    local _, port = listener:getsockname()
    local waiting = {}
    for i = 1, 8 do
      waiting[i] = socket.tcp()
      waiting[i]:settimeout(0)
      waiting[i]:connect("127.0.0.1", port)
    end
    helper.at_end(function()
      for _, one in ipairs(waiting) do
        one:close()
      end
      listener:close()
    end)
    return "http://127.0.0.1:" .. port
  end

  it("ends an attempt that gets no connection", function()
    local s = server.start()
    local client = ccaas.new(s:options { base_url = full(), connect_timeout = 0.3, timeout = 60, retries = 0 })
    local seconds, _, err = timed(client.queue, client, "1")
    assert.are.equal("timeout", err.code)
    assert.is_true(err.retryable)
    assert.is_true(seconds >= 0.29 and seconds < 10)
  end)

  it("holds for the token's request", function()
    local s = server.start()
    local client = ccaas.new(s:options { token_url = full() .. "/token", connect_timeout = 0.3, retries = 0 })
    local seconds, _, err = timed(client.queue, client, "1")
    assert.are.equal("timeout", err.code)
    assert.is_true(seconds >= 0.29 and seconds < 10)
  end)

  it("does not limit the answer", function()
    local s = server.start(function(_, conn)
      conn:hold(nil, 1.2)
      return server.answer(server.row "1")
    end)
    assert(ccaas.new(s:options { connect_timeout = 1, retries = 0 }):queue("1"))
  end)

  it("lets a POST be sent again: nothing of it was sent", function()
    local s = server.start()
    local client = ccaas.new(s:options { base_url = full(), connect_timeout = 0.1, retries = 1 })
    local _, err = client:request { method = "POST", path = "/x", body = "x" }
    assert.are.equal("timeout", err.code)
    assert.are.equal(2, #err.attempts)
  end)
end)

describe("the option deadline", function()
  local function assert_ends(seconds, err, deadline)
    assert.are.equal("timeout", err.code)
    assert.are.equal("the deadline has passed", err.message)
    assert.is_true(seconds >= deadline - 0.02 and seconds < deadline + 5, seconds)
  end

  it("includes the token", function()
    local s = server.start(nil, function(_, conn) conn:hold() end)
    local client = ccaas.new(s:options { deadline = 0.3 })
    local seconds, _, err = timed(client.queue, client, "1")
    assert_ends(seconds, err, 0.3)
  end)

  it("includes the pauses of a failing token endpoint", function()
    local s = server.start(nil, function()
      return server.answer("", { status = 503, headers = { ["Retry-After"] = 30 } })
    end)
    local client = ccaas.new(s:options { deadline = 10 })
    local seconds, _, err = timed(client.queue, client, "1")
    assert.is_true(seconds < 5) -- at once: the pause would end after it
    assert.same({ "server", 503, 30 }, { err.code, err.status, err.retry_after })
    assert.are.equal(1, #err.attempts)
  end)

  it("includes the first byte", function()
    local s = server.start(function(_, conn) conn:hold() end)
    local client = ccaas.new(s:options { deadline = 0.3 })
    local seconds, _, err = timed(client.queue, client, "1")
    assert_ends(seconds, err, 0.3)
  end)

  it("includes all attempts together", function()
    local s = server.start(function(_, conn) conn:hold() end)
    local client = ccaas.new(s:options { deadline = 2, timeout = 0.05, retries = 100 })
    local seconds, _, err = timed(client.queue, client, "1")
    assert.are.equal("timeout", err.code)
    assert.is_true(seconds < 2 + 5, seconds)
    assert.is_true(#err.attempts >= 1)
  end)

  it("includes the body", function()
    local bytes = server.page { rows = rows_of(100) }
    local s = server.start(function(_, conn) conn:drip(bytes, 10, 0.05) end)
    local stream = ccaas.new(s:options { deadline = 0.5 }):queues()
    local seconds, rows, err = timed(stream.all, stream)
    assert.is_nil(rows)
    assert_ends(seconds, err, 0.5)
  end)

  it("includes the reader's own time", function()
    local s = server.start(function(request) return server.cut(request, rows_of(5000)) end)
    local stream = ccaas.new(s:options { deadline = 1.5 }):queues()
    assert(stream:next())
    local began = now()
    s:serve(function() return now() > began + 1.55 end)
    local count, row, err = 0, true, nil
    while row do
      row, err = stream:next()
      count = count + 1
    end
    assert.are.equal("timeout", err.code)
    assert.is_true(count < 100, count)
  end)

  it("starts with the first read, not with the call", function()
    local s = server.start(function() return server.page { rows = rows_of(3) } end)
    local stream = ccaas.new(s:options { deadline = 1.5 }):queues()
    local began = now()
    s:serve(function() return now() > began + 1.6 end)
    assert.are.equal(3, #assert(stream:all()))
  end)

  it("of a call overrides the client's", function()
    local s = server.start(function(_, conn) conn:hold() end)
    local client = ccaas.new(s:options { deadline = 60 })
    local seconds, _, err = timed(client.queue, client, "1", { deadline = 0.2 })
    assert_ends(seconds, err, 0.2)
    seconds, _, err = timed(client.request, client, { path = "/x", deadline = 0.2 })
    assert_ends(seconds, err, 0.2)
  end)

  it("that is far away changes nothing", function()
    local s = server.start(function(request) return server.cut(request, rows_of(300)) end)
    assert.are.equal(300, #assert(ccaas.new(s:options { deadline = 60 }):queues({ size = 100 }):all()))
  end)
end)

describe("next(seconds)", function()
  it("gives a time-out and leaves the stream as it was", function()
    local go = false
    local s = server.start(function(_, conn)
      conn:hold(function() return go end)
      return server.page { rows = rows_of(3) }
    end)
    local stream = ccaas.new(s:options()):queues()
    for _ = 1, 3 do
      local seconds, row, err = timed(stream.next, stream, 0.1)
      assert.is_nil(row)
      assert.are.equal("timeout", err.code)
      assert.is_true(err.retryable)
      assert.is_true(seconds >= 0.09 and seconds < 5)
    end
    go = true
    assert.are.equal("1", assert(stream:next(20)).id)
    assert.are.equal(2, #assert(stream:all()))
    assert.are.equal(1, #s.requests)
    assert.are.equal(3, stream:info().rows)
  end)

  it("loses no row, wherever the time is up", function()
    local bytes = server.page { rows = rows_of(10) }
    local s = server.start(function(_, conn) conn:drip(bytes, 100, 0.02) end)
    local stream = ccaas.new(s:options()):queues()
    local seen, timeouts = {}, 0
    while true do
      local row, err = stream:next(0.01)
      if row then
        seen[#seen + 1] = row.id
      elseif err then
        assert.are.equal("timeout", err.code)
        timeouts = timeouts + 1
      else
        break
      end
    end
    assert.are.same({ "1", "2", "3", "4", "5", "6", "7", "8", "9", "10" }, seen)
    assert.is_true(timeouts > 0)
  end)

  it("of 0 or less only looks", function()
    local s = server.start(function(_, conn) conn:hold() end)
    local stream = ccaas.new(s:options()):queues()
    for _, seconds in ipairs { 0, -1 } do
      local took, _, err = timed(stream.next, stream, seconds)
      assert.are.equal("timeout", err.code)
      assert.is_true(took < 5)
    end
  end)

  it("gives what is there at once", function()
    local s = server.start(function() return server.page { rows = rows_of(3) } end)
    local stream = ccaas.new(s:options()):queues()
    assert(stream:next())
    assert.are.equal("2", assert(stream:next(0)).id)
    assert.are.equal("3", assert(stream:next(0)).id)
  end)

  it("raises for anything but a number", function()
    local s = server.start()
    local stream = ccaas.new(s:options()):queues()
    for _, seconds in ipairs { "1", 0 / 0, {} } do
      assert.is_false((pcall(stream.next, stream, seconds)))
    end
  end)
end)
