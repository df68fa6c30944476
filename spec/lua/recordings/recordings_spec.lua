-- Recordings: one answer of any length, whose rows come while it arrives.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local recordings = require "spec.support.recordings"
local server = require "spec.support.server"

local start = server.xima
local CHUNKED, YEAR = recordings.CHUNKED, recordings.YEAR
local chunk, keys_of, list_of = recordings.chunk, recordings.keys_of, recordings.list_of
local row, rows, year = recordings.row, recordings.rows, recordings.year

describe("recordings", function()
  describe("come", function()
    it("as rows with the vendor's names, in the vendor's order", function()
      local sandbox = helper.sandbox { recordings = 500 }
      local client = ccaas.new(sandbox:options("xima"))
      local last, count = 0, 0
      for recording in client:recordings(YEAR) do
        count = count + 1
        for name, kind in pairs {
          recordingKey = "string", callKey = "string", startTime = "number", duration = "number", size = "number",
          eventId = "number", recordingSystemId = "number", status = "string", callingParty = "string",
          receivingParty = "string", tenantName = "string", callDirection = "string", skill = "string",
          agent = "string",
        } do
          assert.equal(kind, type(recording[name]), name)
        end
        assert.is_true(recording.startTime >= last)
        assert.matches("^%d+$", ("%d"):format(recording.startTime))
        if math.type then
          assert.equal("integer", math.type(recording.startTime))
        end
        last = recording.startTime
      end
      assert.equal(500, count)
      assert.equal(1, #sandbox:requests())
    end)

    it("out of a bare array, and out of one under a key", function()
      local sandbox = helper.sandbox { recordings = 300 }
      local client = ccaas.new(sandbox:options("xima"))
      local bare
      for _, form in ipairs { "bare", "key" } do
        sandbox:set { list = form }
        local list = assert(client:recordings(YEAR):all())
        assert.equal(300, #list)
        assert.same(bare or list, list)
        bare = list
      end
    end)

    it("out of an array under any key, with other members around it", function()
      local client = start(function()
        return server.answer('{"count":2,"page":{"n":[1]},"items":' .. list_of(rows(2)) .. ',"more":[],"x":null}')
      end)
      assert.same({ "K1", "K2" }, keys_of(assert(client:recordings(YEAR):all())))
    end)

    it("as an empty list, without an error", function()
      for _, body in ipairs { "[]", '{"recordings":[]}', " [ ] \r\n" } do
        local client = start(function() return server.answer(body) end)
        local stream = client:recordings(YEAR)
        assert.same({ n = 1 }, { n = select("#", stream:next()), stream:next() })
      end
    end)

    it("compressed", function()
      local sandbox = helper.sandbox { recordings = 1000, gzip = true }
      assert.equal(1000, #assert(ccaas.new(sandbox:options("xima")):recordings(YEAR):all()))
    end)

    it("within the period asked for", function()
      local sandbox = helper.sandbox { recordings = 365 }
      local client = ccaas.new(sandbox:options("xima"))
      local list = assert(client:recordings { from = "2026-01-01", to = "2026-01-11T00:00:00Z" }:all())
      assert.is_true(#list >= 9 and #list <= 11, #list)
      for _, recording in ipairs(list) do
        assert.is_true(recording.startTime >= 1767225600000 and recording.startTime < 1768089600000)
      end
      assert.same({}, assert(client:recordings { from = 1767225600, to = 1767225600 }:all()))
    end)

    it("each as soon as it is there, however little has arrived", function()
      local told
      local client = start(function(_, _, conn)
        conn:send(CHUNKED .. chunk("[" .. row(1) .. "," .. row(2):sub(1, 20)))
        conn:hold(function() return told == 1 end)
        conn:send(chunk(row(2):sub(21)))
        conn:hold(function() return told == 2 end)
        conn:send(chunk("," .. row(3) .. "]") .. chunk "")
      end)
      local stream = client:recordings(YEAR)
      for i = 1, 3 do
        assert.equal("K" .. i, assert(stream:next(10)).recordingKey)
        told = i
      end
      assert.is_nil(stream:next())
      assert.equal(3, stream:info().rows)
    end)

    it("byte by byte", function()
      local body = list_of(rows(5))
      local client = start(function(_, _, conn)
        conn:send("HTTP/1.1 200 OK\r\nContent-Length: " .. #body .. "\r\n\r\n")
        conn:drip(body, 1)
      end)
      assert.same({ "K1", "K2", "K3", "K4", "K5" }, keys_of(assert(client:recordings(YEAR):all())))
    end)

    it("no more of them than the limit, and the rest is not read", function()
      local left
      local client, s = start(function(_, _, conn)
        conn:send(CHUNKED .. chunk("[" .. row(1)))
        local i = 1
        while conn:send(chunk("," .. row(i))) do
          i = i + 1
        end
        left = true
      end)
      local stream = client:recordings(year { limit = 10 })
      assert.equal(10, #assert(stream:all()))
      s:serve(function() return left end)
      assert.equal(10, stream:info().rows)
      assert.same({}, assert(client:recordings(year { limit = 0 }):all()))
      assert.equal(1, #s.requests)
    end)
  end)

  describe("are asked for", function()
    it("with times that are percent-encoded, in the offset given", function()
      for _, case in ipairs {
        { "2026-06-02T00:00:00-06:00", "2026-06-03T12:30:15.25+05:30",
          "startTime=2026-06-02T00%3A00%3A00-06%3A00&endTime=2026-06-03T12%3A30%3A15.25%2B05%3A30" },
        { 0, 86400.5, "startTime=1970-01-01T00%3A00%3A00Z&endTime=1970-01-02T00%3A00%3A00.5Z" },
        { "2026-06-02", "2026-06-02 24:00",
          "startTime=2026-06-02T00%3A00%3A00Z&endTime=2026-06-03T00%3A00%3A00Z" },
      } do
        local client, s = start(function() return server.answer "[]" end)
        assert(client:recordings { from = case[1], to = case[2] }:all())
        assert.equal("/rest/api/v2/recordings?" .. case[3], s.requests[1].target)
        assert.equal("application/json", s.requests[1].headers.accept)
        assert.equal("application/json", s.requests[1].headers["content-type"])
      end
    end)

    it("by an order that is right, or raise before anything is sent", function()
      local client, s = start(function() return server.answer "[]" end)
      for _, case in ipairs {
        { { from = "2026-06-03", to = "2026-06-02" }, "option `from` (2026-06-03) is after `to` (2026-06-02)" },
        { { from = "2026-06-02T00:00:00-06:00", to = "2026-06-02T05:59:59Z" }, "is after `to`" },
        { { from = 10.5, to = 10 }, "is after `to`" },
        { { from = "2026-02-30", to = 10 }, "option `from` is not a time: there is no such day" },
        { { from = 0, to = "tomorrow" }, "option `to` is not a time" },
        { { from = 0, to = {} }, "option `to` is not a time" },
        { { from = 0, to = 0 / 0 }, "option `to` is not a time" },
        { { from = 0, to = 1782777600000 }, "milliseconds" },
        { { from = 0 }, "needs options `from` and `to`" },
        { { to = 0 }, "needs options `from` and `to`" },
        { {}, "needs options `from` and `to`" },
        { { from = 0, to = 1, since = 3 }, "unknown option `since`" },
        { { from = 0, to = 1, limit = -1 }, "option `limit`" },
      } do
        local fine, message = pcall(client.recordings, client, case[1])
        assert.is_false(fine)
        assert.is_truthy(message:find(case[2], 1, true), message)
        assert.is_truthy(message:find("recordings_spec", 1, true), message)
      end
      assert.is_false(pcall(client.recordings, client))
      assert.equal(0, s.accepted)
    end)
  end)

  describe("that break off", function()
    it("in mid-row go on by count, with no row twice and none left out", function()
      local sandbox = helper.sandbox { recordings = 2000 }
      local client = ccaas.new(sandbox:options("xima"))
      local want = keys_of(assert(client:recordings(YEAR):all()))
      for _, fault in ipairs {
        { truncate = 0 }, { truncate = 1, clean = true }, { truncate = 1000, reset = true }, { truncate = 300000 },
        { truncate = 300000, clean = true }, { truncate = 3000, gzip = true },
      } do
        fault.path, fault.headers = "/recordings", { ["Retry-After"] = 0 }
        sandbox:clear_requests()
        sandbox:fault(fault)
        local stream = client:recordings(YEAR)
        assert.same(want, keys_of(assert(stream:all())))
        assert.equal(2, #sandbox:requests())
        assert.equal(2000, stream:info().rows)
      end
    end)

    it("again and again go on each time", function()
      local body = list_of(rows(100))
      local client, s = start(function(_, n, conn)
        local cut = { 3000, 500 }
        conn:send("HTTP/1.1 200 OK\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body:sub(1, cut[n]))
        if cut[n] then
          conn:close()
        end
      end)
      local got = keys_of(assert(client:recordings(YEAR):all()))
      assert.equal(100, #got)
      for i, key in ipairs(got) do
        assert.equal("K" .. i, key)
      end
      assert.equal(3, #s.requests)
    end)

    -- The first answer ends after some rows, the second one is this list.
    local function then_this(items)
      local client = start(function(_, n, conn)
        if n > 1 then
          return server.answer(list_of(items))
        end
        conn:send(CHUNKED .. chunk("[" .. table.concat(rows(10), ",")) .. "zz")
        conn:close()
      end)
      local seen = {}
      local fine, err = pcall(function()
        for recording in client:recordings(YEAR) do
          seen[#seen + 1] = recording.recordingKey
        end
      end)
      return seen, not fine and err or nil
    end

    it("may have grown at their end meanwhile", function()
      local seen, err = then_this(rows(12))
      assert.is_nil(err)
      assert.equal(12, #seen)
      assert.equal("K12", seen[12])
    end)

    it("may end just there", function()
      local seen, err = then_this(rows(10))
      assert.is_nil(err)
      assert.equal(10, #seen)
    end)

    it("are an error where the list changed meanwhile", function()
      for _, at in ipairs { 1, 10 } do
        local other = rows(12)
        table.insert(other, at, row("new"))
        local seen, err = then_this(other)
        assert.equal(10, #seen)
        assert.equal("protocol", err.code)
        assert.matches("has changed", err.message, 1, true)
        assert.equal("GET", err.method)
      end
      local gone = rows(12)
      table.remove(gone, 3)
      local seen, err = then_this(gone)
      assert.equal(10, #seen)
      assert.equal("protocol", err.code)
    end)

    it("are an error where the list is shorter", function()
      for _, left in ipairs { 0, 9 } do
        local seen, err = then_this(rows(left))
        assert.equal(10, #seen)
        assert.equal("protocol", err.code)
        assert.matches("shorter", err.message, 1, true)
      end
    end)

    it("too often are the error network, after the rows that came", function()
      local client = start(function(_, _, conn)
        conn:send(CHUNKED .. chunk("[" .. row(1) .. "," .. row(2) .. ",{") .. "zz")
        conn:close()
      end, { retries = 1 })
      local stream = client:recordings(YEAR)
      assert.equal("K1", assert(stream:next()).recordingKey)
      assert.equal("K2", assert(stream:next()).recordingKey)
      local none, err = stream:next()
      assert.is_nil(none)
      assert.equal("network", err.code)
      assert.is_true(err.retryable)
      assert.equal(2, #err.attempts)
    end)
  end)

  describe("that are not what they should be", function()
    for name, case in pairs {
      ["malformed in the middle"] = { "[" .. row(1) .. "," .. row(2) .. ',{"a":tru}]', 2 },
      ["followed by garbage"] = { "[" .. row(1) .. "] x", 1 },
      ["a login page"] = { "<!DOCTYPE html><html>", 0 },
      ["an object without an array"] = { '{"message":"hello"}', 0 },
      ["rows that are no objects"] = { "[" .. row(1) .. ",7]", 1 },
      ["a text"] = { '"text"', 0 },
    } do
      it(name .. " are the error protocol at once, after the rows that were whole", function()
        local client, s = start(function() return server.answer(case[1]) end)
        local stream = client:recordings(YEAR)
        for i = 1, case[2] do
          assert.equal("K" .. i, assert(stream:next()).recordingKey)
        end
        local none, err = stream:next()
        assert.is_nil(none)
        assert.equal("protocol", err.code)
        assert.equal(1, #s.requests)
      end)
    end

    it("a row larger than max_record are the error too_large", function()
      local client = start(function()
        return server.answer('[{"recordingKey":"' .. ("x"):rep(5000) .. '"}]')
      end, { max_record = 1000 })
      local none, err = client:recordings(YEAR):next()
      assert.is_nil(none)
      assert.equal("too_large", err.code)
    end)
  end)

  describe("that are refused", function()
    it("are the error that the status says", function()
      local sandbox = helper.sandbox { recordings = 10 }
      local client = ccaas.new(sandbox:options("xima", { retries = 0 }))
      for status, code in pairs { [400] = "bad_request", [401] = "auth", [403] = "forbidden", [404] = "not_found",
        [429] = "rate_limited", [500] = "server", [509] = "egress_capped" } do
        sandbox:fault { path = "/recordings", status = status }
        local none, err = client:recordings(YEAR):next()
        assert.is_nil(none)
        assert.equal(code, err.code)
        assert.equal(status, err.status)
      end
    end)
  end)

end)
