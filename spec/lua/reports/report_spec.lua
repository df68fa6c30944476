-- Historical reports: what is asked for, with the same bytes each time, and
-- that what arrives is what was asked for.
local ccaas = require "ccaas"
local cjson = require "cjson"
local helper = require "spec.support.helper"
local reports = require "spec.support.reports"
local server = require "spec.support.server"

local start = server.xima
local ACCEPT, FORMATS, STARTS, ZIP = reports.ACCEPT, reports.FORMATS, reports.STARTS, reports.ZIP
local entries, json = reports.entries, reports.json

-- What a call with these options puts on the wire: the body's text and what it
-- means.
local function asked(opts)
  local client, s = start(function() return json "{}" end)
  assert(client:historic_data("1001", opts))
  return s.requests[1].body, cjson.decode(s.requests[1].body), s.requests[1]
end

describe("a report", function()
  local sandbox, client

  setup(function()
    sandbox = helper.sandbox { agents = 50, strict = true }
    client = ccaas.new(sandbox:options("xima"))
  end)

  describe("arrives", function()
    it("as a table where it is JSON, which is what is asked for by default", function()
      local report = assert(client:historic_data("1001"))
      assert.equal("1001", report.reportId)
      assert.equal(5, #report.columns)
      assert.equal("Alan (Al) Jones(271)", report.rows[1].agent)
      assert.is_nil(report.summary)
    end)

    it("with integers kept", function()
      local report = assert(client:historic_data("1001"))
      local row = report.rows[1]
      assert.matches("^%d+$", ("%d"):format(row.lastCall))
      if math.type then
        assert.equal("integer", math.type(row.lastCall))
        assert.equal("9007199254740993", tostring(row.exact))
        assert.equal("integer", math.type(report.executionId))
      end
    end)

    it("in whatever shape it has", function()
      for text, want in pairs {
        ["[1,[2],{}]"] = { 1, { 2 }, {} }, ['"text"'] = "text", ["17"] = 17, ["{}"] = {}, ["false"] = false,
        ['{"a":null,"b":[null]}'] = { b = { ccaas.null } },
      } do
        local other = start(function() return json(text) end)
        local report, err = other:historic_data("1001")
        assert.is_nil(err)
        assert.same(want, report)
      end
    end)

    for _, format in ipairs(FORMATS) do
      it("to a file, and whole, in format " .. format, function()
        local path = helper.folder() .. "/report"
        local file = assert(client:historic_data("1001", { format = format, file = path }))
        local bytes = helper.read(path)
        assert.equal(path, file.path)
        assert.equal(#bytes, file.bytes)
        assert.equal(ACCEPT[format], file.content_type:match("^[^;]*"))
        assert.equal(STARTS[format], bytes:sub(1, #STARTS[format]))
        if format ~= "JSON" then
          assert.equal(bytes, assert(client:historic_data("1001", { format = format })))
        end
      end)
    end

    it("as either kind of spreadsheet", function()
      sandbox:set { xls = "zip" }
      local bytes = assert(client:historic_data("1001", { format = "XLS" }))
      sandbox:set { xls = "ole" }
      assert.equal(ZIP, bytes:sub(1, 4))
    end)

    it("as HTML with blanks and a byte order mark in front", function()
      local other = start(function() return server.answer("\239\187\191 \r\n<html></html>") end)
      assert.equal("\239\187\191 \r\n<html></html>", assert(other:historic_data("1", { format = "HTML" })))
    end)

    it("as CSV whose first cell is a comparison", function()
      local other = start(function() return server.answer("< 5 s,n\r\n1,2\r\n") end)
      assert.equal("< 5 s,n\r\n1,2\r\n", assert(other:historic_data("1", { format = "CSV" })))
    end)

    it("byte by byte as well as at once", function()
      for _, format in ipairs { "HTML", "XLS", "PDF", "CSV" } do
        local body = STARTS[format] .. ("x"):rep(200)
        local other = start(function(_, _, conn)
          conn:send("HTTP/1.1 200 OK\r\nContent-Length: " .. #body .. "\r\n\r\n")
          conn:drip(body, 1)
        end)
        assert.equal(body, assert(other:historic_data("1", { format = format })))
      end
    end)

    it("compressed", function()
      local zipped = helper.sandbox { agents = 50, gzip = true }
      local other = ccaas.new(zipped:options("xima"))
      for _, format in ipairs { "CSV", "PDF" } do
        local last, total
        local bytes = assert(other:historic_data("1001", { format = format }))
        assert.equal(STARTS[format], bytes:sub(1, #STARTS[format]))
        local file = assert(other:historic_data("1001", { format = format, file = helper.folder() .. "/r",
          progress = function(done, whole)
            last, total = done, whole
          end }))
        assert.equal(#bytes, file.bytes)
        assert.equal(#bytes, last)
        -- How long it is unpacked nobody has said.
        assert.is_nil(total)
      end
    end)

    it("telling its progress", function()
      local seen, total = {}, nil
      local bytes = assert(client:historic_data("1001", { format = "PDF", progress = function(done, whole)
        seen[#seen + 1], total = done, whole
      end }))
      assert.equal(#bytes, seen[#seen])
      assert.equal(#bytes, total)
      for i = 2, #seen do
        assert.is_true(seen[i] > seen[i - 1])
      end
    end)
  end)

  describe("is asked for", function()
    it("by a POST, with the headers that the vendor requires", function()
      for _, format in ipairs(FORMATS) do
        local other, s = start(function() return json '{"a":1}' end)
        other:historic_data("a/b c", { format = format })
        local request = s.requests[1]
        assert.equal("POST /rest/api/v1/historic-data/a%2Fb%20c HTTP/1.1", request.line)
        assert.equal("application/json", request.headers["content-type"])
        assert.equal(ACCEPT[format], request.headers.accept)
        assert.equal("Bearer T", request.headers.authorization)
        assert.equal(format, cjson.decode(request.body).format)
      end
    end)

    it("without parameters", function()
      local text, body = asked(nil)
      assert.is_truthy(text:find('"parameters":[]', 1, true), text)
      assert.equal("JSON", body.format)
    end)

    it("with a timeframe and its label, in the offset given", function()
      local _, body = asked { from = "2026-06-02T00:00:00-06:00", to = "2026-06-03T00:00:00-06:00" }
      assert.same({ {
        name = "Report Timeframe",
        value = {
          type = "REPORT_TIMEFRAME",
          formatted = "Tuesday, June 2, 2026 12:00:00 AM - Tuesday, June 2, 2026 11:59:59 PM",
          start = "2026-06-02T00:00:00-06:00",
          ["end"] = "2026-06-03T00:00:00-06:00",
        },
      } }, body.parameters)
    end)

    it("with a timeframe of epoch seconds, in UTC", function()
      local _, body = asked { from = 1780358400, to = "2026-06-02T13:30:00Z" }
      assert.same({
        type = "REPORT_TIMEFRAME",
        formatted = "Tuesday, June 2, 2026 12:00:00 AM - Tuesday, June 2, 2026 1:29:59 PM",
        start = "2026-06-02T00:00:00Z",
        ["end"] = "2026-06-02T13:30:00Z",
      }, body.parameters[1].value)
    end)

    it("with rows for some agents, in their order", function()
      local _, body = asked { agents = { "Alan (Al) Jones(271)", "Doe, \"J\"(7)" } }
      assert.same({ {
        name = "Rows (Agent)",
        value = { type = "PBX_USERS", pbxUsers = { { key = "Alan (Al) Jones(271)" }, { key = "Doe, \"J\"(7)" } } },
      } }, body.parameters)
      local report = assert(client:historic_data("1001", { agents = { "Nobody(1)", "Somebody(2)" } }))
      assert.equal(2, #report.rows)
      assert.equal("Somebody(2)", report.rows[2].agent)
    end)

    it("for no agent at all", function()
      local text = asked { agents = {} }
      assert.is_truthy(text:find('"pbxUsers":[]', 1, true), text)
    end)

    it("with parameters as they are, after those that are made", function()
      local parameters = {
        { name = "Skill", value = { type = "SKILLS", skills = { "A", "Ünïcode" }, deep = { { n = 1.5 } } } },
        { name = "Flag", value = false },
        { name = "Report Timeframe", value = { type = "RELATIVE", days = 123456789012345 } },
      }
      local text, body = asked { from = 0, to = 60, agents = { "A(1)" }, parameters = parameters }
      assert.equal(5, #body.parameters)
      assert.equal("Report Timeframe", body.parameters[1].name)
      assert.equal("Rows (Agent)", body.parameters[2].name)
      for i, parameter in ipairs(parameters) do
        assert.same(parameter, body.parameters[i + 2])
      end
      assert.is_truthy(text:find('"days":123456789012345[,}]'), text)
    end)

    it("and leaves the caller's tables as they were", function()
      local opts = { agents = { "A(1)" }, parameters = { { name = "x", value = {} } } }
      asked(opts)
      assert.same({ agents = { "A(1)" }, parameters = { { name = "x", value = {} } } }, opts)
    end)
  end)

  describe("is asked for with the same bytes", function()
    it("until it is ready, and after every failure", function()
      local other, s = start(function(_, n, conn)
        if n == 2 then
          return server.answer("busy", { status = 503, headers = { ["Retry-After"] = 0 } })
        elseif n == 4 then
          conn:reset()
        elseif n < 6 then
          return server.answer("", { status = 202, headers = { ["Retry-After"] = 0 } })
        else
          return json '{"ready":true}'
        end
      end)
      local parameters = {}
      for i = 1, 30 do
        parameters[i] = { name = "P" .. i, value = { a = i, b = { c = i }, ["key " .. i] = "x" } }
      end
      local report = assert(other:historic_data("1001", { from = 0, to = 9, agents = { "A(1)" },
        parameters = parameters }))
      assert.is_true(report.ready)
      assert.equal(6, #s.requests)
      for _, request in ipairs(s.requests) do
        assert.equal(s.requests[1].body, request.body)
        assert.equal("application/json", request.headers["content-type"])
      end
    end)

    it("by which a sandbox knows it, with growing pauses", function()
      local slow = helper.sandbox { agents = 5, report_delay = 2 }
      local waits = {}
      local other = ccaas.new(slow:options("xima", { retries = 0, on_event = function(event)
        if event.type == "wait" then
          waits[#waits + 1] = event.seconds
        end
      end }))
      local report = assert(other:historic_data("1002", { from = 0, to = 60 }))
      assert.equal("1002", report.reportId)
      assert.equal(3, #slow:requests())
      assert.equal(2, #waits)
      assert.is_true(waits[1] > 0 and waits[2] > waits[1])
    end)
  end)

  describe("that is not ready", function()
    local function unready(headers)
      return function() return server.answer("", { status = 202, headers = headers }) end
    end

    it("does not count as an attempt", function()
      local other, s = start(function(_, n)
        return n <= 5 and unready({ ["Retry-After"] = 0 })() or json "[]"
      end, { retries = 0 })
      assert.same({}, assert(other:historic_data "1"))
      assert.equal(6, #s.requests)
    end)

    it("by the deadline is the error timeout", function()
      local other = start(unready())
      local from = require("socket").gettime()
      local report, err = other:historic_data("1", { deadline = 1 })
      local seconds = require("socket").gettime() - from
      assert.is_nil(report)
      assert.equal("timeout", err.code)
      assert.is_true(seconds >= 0.99, seconds)
      assert.equal("202", err.attempts[1].outcome)
    end)

    it("by the deadline leaves no file", function()
      local other, folder = start(unready()), helper.folder()
      local report, err = other:historic_data("1", { format = "PDF", file = folder .. "/r.pdf", deadline = 0.1 })
      assert.is_nil(report)
      assert.equal("timeout", err.code)
      assert.equal("", entries(folder))
    end)

    it("has no body that counts", function()
      local other = start(function(_, n)
        return n == 1 and server.answer('{"not":"yet"}', { status = 202, headers = { ["Retry-After"] = 0 } })
          or json '{"now":true}'
      end)
      assert.same({ now = true }, assert(other:historic_data "1"))
    end)
  end)

  describe("for a sink", function()
    it("comes in pieces, which are the whole", function()
      for _, format in ipairs { "JSON", "CSV", "PDF" } do
        local pieces = {}
        local given = assert(client:historic_data("1001", { format = format, sink = function(piece)
          pieces[#pieces + 1] = piece
        end }))
        local path = helper.folder() .. "/r"
        local file = assert(client:historic_data("1001", { format = format, file = path }))
        assert.equal(file.content_type, given.content_type)
        assert.equal(file.bytes, given.bytes)
        assert.equal(helper.read(path), table.concat(pieces))
      end
    end)

    it("that raises ends with that error", function()
      local ok, message = pcall(client.historic_data, client, "1001", { format = "CSV", sink = function()
        error("enough", 0)
      end })
      assert.is_false(ok)
      assert.equal("enough", message)
      assert(client:historic_data("1001"))
    end)
  end)

end)

-- A report that says 202 and Retry-After: 0 for ever made a busy loop.
describe("a report that says 202 and Retry-After: 0 for ever", function()
  it("is not asked for in a busy loop", function()
    local s = server.start(function()
      return server.answer("", { status = 202, headers = { ["Retry-After"] = "0" } })
    end)
    local client = ccaas.new { provider = "xima", host = "x", base_url = s.url, token = "t", deadline = 1,
      loop = s:options().loop }
    local _, err = client:historic_data("1001")
    assert.equal("timeout", err.code)
    assert.is_true(#s.requests <= 8, #s.requests)
  end)
end)
