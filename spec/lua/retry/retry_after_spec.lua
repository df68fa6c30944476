-- Retry-After: how long is waited because a server says so, by its clock or by ours,
-- and when that is too long.
local ccaas = require "ccaas"
local downloads = require "spec.support.audio"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local socket = require "socket"

local now = socket.gettime
local HOUR = 3600
local ADVICE = ": call again after that time, or set a deadline or a larger max_retry_after"

local function http_date(seconds)
  return os.date("!%a, %d %b %Y %H:%M:%S GMT", seconds)
end

-- An answer of a server whose clock is `ahead` seconds ahead of ours: come again in
-- that many seconds, as a date.
local function later(status, seconds, ahead)
  local theirs = os.time() + ahead
  return server.answer("", { status = status,
    headers = { Date = http_date(theirs), ["Retry-After"] = http_date(theirs + seconds) } })
end

local status = server.status

local function row()
  return server.answer(server.row("1"))
end

-- A server that gives this answer once, then rows; of either vendor.
local function once(answer, overrides)
  local s
  s = server.start(function() return #s.requests == 1 and answer() or row() end)
  return ccaas.new(s:options(overrides)), s
end

-- The seconds between the first two requests.
local function between(s)
  return s.requests[2].at - s.requests[1].at
end

describe("Retry-After as a date", function()
  -- What was measured against our own clock made a call wait an hour, or not at all.
  it("is waited for as the server means it", function()
    local client, s = once(function() return later(503, 1, HOUR) end, { deadline = 20 })
    assert(client:queue "1")
    assert.is_true(between(s) >= 0.99 and between(s) < 15, between(s))
  end)

  for name, ahead in pairs { ["an hour ahead"] = HOUR, ["an hour behind"] = -HOUR } do
    local function refusal(code)
      return function() return later(code, 500, ahead) end
    end

    it("is measured against the clock of a server that is " .. name, function()
      local client = once(refusal(503), { retries = 0 })
      local _, err = client:queue "1"
      assert.are.same({ 503, 500 }, { err.status, err.retry_after })
    end)

    it("is so by the token's request, " .. name, function()
      local _, err = ccaas.new(server.start(row, refusal(429)):options { retries = 0 }):queue "1"
      assert.are.same({ 429, 500 }, { err.status, err.retry_after })
    end)

    it("is so of a report that is not ready, " .. name, function()
      local client = server.xima(refusal(202))
      local _, err = client:historic_data "1"
      assert.are.same({ 202, 500 }, { err.status, err.retry_after })
    end)

    it("is so by a websocket that is refused, " .. name, function()
      local client = server.xima(refusal(503))
      local live = client:subscribe({ "101" }, { snapshot = false })
      local down = assert(live:next(20))
      assert.are.same({ "down", 503, 500 }, { down.type, down.error.status, down.error.retry_after })
      client:close()
    end)
  end

  for name, date in pairs { ["none"] = false, ["one that is no date"] = "today" } do
    it("is measured against our clock where the answer's Date is " .. name, function()
      local client = once(function()
        return status(503, { Date = date, ["Retry-After"] = http_date(os.time() + 500) })
      end, { retries = 0 })
      local _, err = client:queue "1"
      assert.is_true(err.retry_after <= 500 and err.retry_after > 490, err.retry_after)
    end)
  end

  it("is measured in each of HTTP's forms of Date", function()
    for _, form in ipairs { "!%A, %d-%b-%y %H:%M:%S GMT", "!%a %b %d %H:%M:%S %Y" } do
      local client = once(function()
        local theirs = os.time() - HOUR
        return status(503, { Date = os.date(form, theirs), ["Retry-After"] = http_date(theirs + 50) })
      end, { retries = 0 })
      local _, err = client:queue "1"
      assert.are.equal(50, err.retry_after)
    end
  end)

  it("of a Date that is years away is no longer than any", function()
    local client = once(function()
      return status(503, { Date = "Thu, 01 Jan 1970 00:00:00 GMT", ["Retry-After"] = http_date(4e9) })
    end)
    local _, err = client:queue "1"
    assert.are.equal(1e9, err.retry_after)
  end)
end)

describe("Retry-After that is hostile", function()
  local function error_with(lines)
    local s = server.start(function()
      return "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n" .. lines .. "\r\n"
    end)
    return select(2, ccaas.new(s:options { retries = 0 }):queue "1")
  end

  it("is ignored if it cannot be read", function()
    for _, value in ipairs { "-5", "1.5", "1e3", "0x10", "5 s", "", "5, 6" } do
      assert.is_nil(error_with("Retry-After: " .. value .. "\r\n").retry_after)
    end
  end)

  it("is bounded", function()
    assert.are.equal(1e9, error_with("Retry-After: " .. ("9"):rep(400) .. "\r\n").retry_after)
  end)

  it("counts once if it comes twice, and so does Date", function()
    assert.are.equal(7, error_with("Retry-After: 7\r\nRetry-After: 86400\r\n").retry_after)
    local theirs = os.time() + HOUR
    assert.are.equal(9, error_with(("Date: %s\r\nDate: %s\r\nRetry-After: %s\r\n")
      :format(http_date(theirs), http_date(theirs - 50), http_date(theirs + 9))).retry_after)
  end)
end)

describe("the option max_retry_after", function()
  -- A day, without a deadline, made a call sleep a day.
  local DAY = { ["Retry-After"] = 86400 }

  local function always(answer, overrides)
    return server.xima(function() return answer end, overrides)
  end

  -- It is the error at once, after one request.
  local function is_told(s, err, seconds, most)
    assert.are.equal("server", err.code)
    assert.are.equal(seconds, err.retry_after)
    assert.is_true(err.retryable)
    assert.are.equal(("the server answered 503; the server asks to wait %d s, longer than max_retry_after (%s s)%s")
      :format(seconds, most, ADVICE), err.message)
    assert.are.equal(1, #s.requests)
    s.requests = {}
  end

  it("is 120 s when it is not given", function()
    local client, s = once(function() return status(503, { ["Retry-After"] = 121 }) end)
    local _, err = client:queue "1"
    is_told(s, err, 121, 120)
    client = once(function() return status(503, { ["Retry-After"] = 120 }) end)
    local none, slow = client:queues():next(0.5)
    assert.is_nil(none)
    assert.are.equal("no row within the time given; the stream goes on", slow.message)
  end)

  it("of a client is what its calls wait for, and no more", function()
    local client, s = once(function() return status(503, { ["Retry-After"] = 1 }) end, { max_retry_after = 1 })
    assert(client:queue "1")
    assert.is_true(between(s) >= 0.99)
    client, s = once(function() return status(503, { ["Retry-After"] = 2 }) end, { max_retry_after = 1.5 })
    local _, err = client:queue "1"
    is_told(s, err, 2, "1.5")
    client, s = once(function() return status(503, { ["Retry-After"] = 1 }) end, { max_retry_after = 0 })
    _, err = client:queue "1"
    is_told(s, err, 1, "0")
  end)

  it("of a call overrides the client's, in every method", function()
    local client, s = always(status(503, { ["Retry-After"] = 60 }))
    local folder, opts = helper.folder(), { max_retry_after = 10 }
    local function with(more)
      more.max_retry_after = 10
      return more
    end
    for _, call in ipairs {
      function() return client:agents(opts):next() end,
      function() return client:skills(opts):all() end,
      function() return client:metrics(opts) end,
      function() return client:metric_values({ "1" }, opts) end,
      function() return client:recordings(with { from = 0, to = 9 }):next() end,
      function() return client:historic_data("1", opts) end,
      function() return client:historic_data("1", with { format = "PDF", file = folder .. "/r.pdf" }) end,
      function() return client:audio(downloads.recording(), opts) end,
      function() return client:request(with { path = "/x" }) end,
      function() return client:archive(with { from = 0, to = 9, dir = folder }) end,
    } do
      is_told(s, select(2, call()), 60, 10)
    end
    local x8, t = once(function() return status(503, { ["Retry-After"] = 60 }) end)
    is_told(t, select(2, x8:agents(with { summary = true }):next()), 60, 10)
  end)

  it("does not apply with a deadline, of the call or of the client", function()
    local none, some = { max_retry_after = 0 }, { deadline = 20 }
    for _, way in ipairs { { none, some }, { some, none } } do
      local client, s = once(function() return status(503, { ["Retry-After"] = 1 }) end, way[1])
      assert(client:queue("1", way[2]))
      assert.is_true(between(s) >= 0.99)
    end
    local client, s = once(function() return status(503, DAY) end, { deadline = 60 })
    local _, err = client:queue "1"
    assert.are.same({ "server", 86400, 1 }, { err.code, err.retry_after, #s.requests })
    assert.are.equal("the server answered 503; the server asks to wait 86400 s, until after the deadline", err.message)
  end)

  it("counts for the token's request, which the next call sends again", function()
    local s
    s = server.start(row, function()
      return s.tokens <= 2 and status(503, DAY) or server.answer('{"access_token":"T","expires_in":"1799"}')
    end)
    local client = ccaas.new(s:options())
    for i = 1, 2 do
      local _, err = client:queue "1"
      assert.are.same({ "server", 86400, s.url .. "/token" }, { err.code, err.retry_after, err.url })
      assert.is_truthy(err.message:find("longer than max_retry_after (120 s)", 1, true))
      assert.are.equal(i, s.tokens)
    end
    assert(client:queue "1")
    assert.are.equal(3, s.tokens)
  end)

  it("is each call's own where several wait for one token", function()
    local s = server.start(row, function() return status(503, { ["Retry-After"] = 2 }) end)
    local client = ccaas.new(s:options { retries = 1 })
    local errors, seconds, began = {}, {}, now()
    s:run(
      function() errors[1] = select(2, client:queue("1", { max_retry_after = 1 })); seconds[1] = now() - began end,
      function() errors[2] = select(2, client:queue "2"); seconds[2] = now() - began end)
    assert.are.same({ 2, 2 }, { errors[1].retry_after, errors[2].retry_after })
    assert.is_true(seconds[1] < 1.9 and seconds[2] >= 1.99, table.concat(seconds, " "))
    assert.are.equal(2, s.tokens)
  end)

  it("is checked", function()
    for _, wrong in ipairs { -1, "9", 0 / 0, math.huge, 1e10, true } do
      local fine, problem = pcall(once, row, { max_retry_after = wrong })
      assert.is_false(fine)
      assert.is_truthy(tostring(problem):find("`max_retry_after` must be a number of seconds, 0 or more", 1, true))
      assert.is_false(pcall(function() once(row):queue("1", { max_retry_after = wrong }) end))
    end
  end)
end)

describe("a report that is not ready", function()
  local function unready(headers, overrides)
    return server.xima(function() return status(202, headers) end, overrides)
  end

  -- It was told as attempts that failed, after the deadline.
  it("by the deadline is the error timeout, and says that it is not ready", function()
    for _, opts in ipairs { { deadline = 0.6 }, { deadline = 0.6, format = "CSV" } } do
      local client = unready()
      local report, err = client:historic_data("1", opts)
      assert.is_nil(report)
      assert.are.same({ "timeout", "report not ready yet (202)", 202, true },
        { err.code, err.message, err.status, err.retryable })
      assert.is_nil(err.retry_after)
      assert.is_nil(tostring(err):find("attempts", 1, true))
    end
  end)

  it("says so if the deadline passes during another request", function()
    local client = server.xima(function(_, n, conn)
      return n == 1 and status(202, { ["Retry-After"] = 0 }) or conn:hold() and nil
    end)
    local _, err = client:historic_data("1", { deadline = 0.8 })
    assert.are.same({ "timeout", "report not ready yet (202)", 202 }, { err.code, err.message, err.status })
  end)

  it("does not say so if another answer came after", function()
    local client = server.xima(function(_, n)
      return n == 1 and status(202, { ["Retry-After"] = 0 }) or status(500, { ["Retry-After"] = 60 })
    end)
    local _, err = client:historic_data("1", { deadline = 5 })
    assert.are.equal("server", err.code)
  end)

  -- It was waited for, for a day.
  it("for longer than max_retry_after is an error at once", function()
    local client, s = unready { ["Retry-After"] = 86400 }
    local report, err = client:historic_data "1"
    assert.is_nil(report)
    assert.are.same({ "timeout", 86400, 202, true }, { err.code, err.retry_after, err.status, err.retryable })
    assert.are.equal("report not ready yet (202); the server asks to wait 86400 s, longer than max_retry_after (120 s)"
      .. ADVICE, err.message)
    assert.are.equal(1, #s.requests)
  end)

  it("until after the deadline is an error at once, too", function()
    local client, s = unready { ["Retry-After"] = 60 }
    local _, err = client:historic_data("1", { deadline = 30 })
    assert.are.same({ "timeout", 60 }, { err.code, err.retry_after })
    assert.are.equal("report not ready yet (202); the server asks to wait 60 s, until after the deadline", err.message)
    assert.are.equal(1, #s.requests)
  end)
end)
