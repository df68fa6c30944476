-- Historical reports: what is asked for, with the same bytes each time, and
-- that what arrives is what was asked for.
local ccaas = require "ccaas"
local cjson = require "cjson"
local helper = require "spec.support.helper"
local server = require "spec.support.server"

local OLE, ZIP = "\208\207\17\224\161\177\26\225", "PK\3\4"
local FORMATS = { "JSON", "CSV", "HTML", "XLS", "PDF" }
local ACCEPT = {
  JSON = "application/json", CSV = "text/csv", HTML = "text/html",
  XLS = "application/vnd.ms-excel", PDF = "application/pdf",
}
-- The first bytes of each format as the sandbox writes it.
local STARTS = { JSON = '{"reportId":', CSV = "Agent,Calls", HTML = "<!DOCTYPE html>", XLS = OLE, PDF = "%PDF-" }
local LOGIN = "<!DOCTYPE html><html><body><form>Sign in</form></body></html>"

-- A server and its client; `answer(request, n)` says what the nth request gets.
local function start(answer, overrides)
  local s
  s = server.start(function(request, conn)
    return answer(request, #s.requests, conn)
  end)
  local given = { provider = "xima", token = "T", key = false, secret = false, token_url = false }
  for name, value in pairs(overrides or {}) do
    given[name] = value
  end
  return ccaas.new(s:options(given)), s
end

local function json(text, headers)
  headers = headers or {}
  headers["Content-Type"] = headers["Content-Type"] or "application/json"
  return server.answer(text, { headers = headers })
end

-- What is in a folder, in order.
local function entries(folder)
  local _, output = helper.run("ls -A " .. helper.quote(folder))
  return output
end

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

  describe("that is not a report", function()
    local function is_refused(format, answer, why)
      it(("(%s) is the error protocol, in format %s, and leaves no file"):format(why, format), function()
        local folder = helper.folder()
        for _, file in ipairs { false, folder .. "/report" } do
          local other, s = start(answer)
          local bytes, err = other:historic_data("1001", { format = format, file = file or nil })
          assert.is_nil(bytes)
          assert.equal("protocol", err.code)
          assert.is_false(err.retryable)
          assert.equal("xima", err.provider)
          assert.equal(1, #s.requests)
          assert.equal("", entries(folder))
        end
      end)
    end

    local function page(type, body)
      return function()
        return server.answer(body or LOGIN, { headers = { ["Content-Type"] = type } })
      end
    end

    for _, format in ipairs { "JSON", "CSV", "XLS", "PDF" } do
      is_refused(format, page "text/html;charset=UTF-8", "a login page")
      is_refused(format, page(ACCEPT[format]), "a login page that says it is one")
    end
    is_refused("CSV", page("text/csv", "\239\187\191 " .. LOGIN), "a page with a byte order mark")
    is_refused("CSV", page("text/html", "Please sign in."), "a page without markup")
    is_refused("CSV", page("application/json", '{"error":"no"}'), "JSON")
    is_refused("CSV", page("application/problem+json", '{"error":"no"}'), "a problem")
    is_refused("CSV", page("text/csv", ZIP .. "\0\0"), "a zip")
    is_refused("HTML", page("application/json", '{"error":"no"}'), "JSON")
    is_refused("HTML", page("text/html", "%PDF-1.4"), "a PDF")
    is_refused("PDF", page("application/pdf", OLE .. "..."), "a spreadsheet")
    is_refused("PDF", page("application/pdf", "%PD"), "too little")
    is_refused("XLS", page("application/vnd.ms-excel", "PK"), "too little")
    is_refused("XLS", page("application/vnd.ms-excel", "%PDF-1.4"), "a PDF")
    for _, format in ipairs { "CSV", "HTML", "XLS", "PDF" } do
      is_refused(format, page(ACCEPT[format], ""), "nothing")
    end
    is_refused("HTML", page("text/html", " \r\n"), "blanks")
    is_refused("PDF", page("application/pdf", ("x"):rep(2000) .. "%PDF-1.4"), "a PDF too far behind")
    is_refused("XLS", page("text/html", "<html><table></table></html>"), "a page with a table")
    is_refused("CSV", page(nil, "<html lang=en>"), "a page without a type")
    is_refused("CSV", page("application/octet-stream", "<!-- page --><p>Sign in"), "a page of a type that says nothing")
    is_refused("PDF", page(nil, "\255\254<\0h\0t\0m\0l\0>\0"), "a page in UTF-16")

    -- These were refused as well.
    it("but is in the format requested, is given", function()
      local function wide(text) return "\255\254" .. text:gsub(".", "%0\0") end
      local function big(text) return text:gsub(".", "\0%0") end
      local cases = {
        { "CSV", "text/csv", wide "Agent,Calls\r\n1,2\r\n" },
        { "CSV", "text/csv; charset=utf-16be", big "Agent,Calls\r\n1,2\r\n" },
        { "CSV", "application/octet-stream", wide "Agent,Calls\r\n1,2\r\n" },
        { "CSV", "text/csv", "<unknown>,5\r\n" },
        { "CSV", "Text/CSV;charset=utf-8", "<b>bold</b>,5\r\n" },
        { "CSV", nil, "<unknown>,5\r\n" },
        { "XLS", "application/vnd.ms-excel", "<html><body><TABLE><tr></tr></table></body></html>" },
        { "XLS", "application/vnd.ms-excel", wide "<html><body><table></table></body></html>" },
        { "XLS", "application/vnd.ms-excel", '<?xml version="1.0"?>\n<Workbook xmlns="x"></Workbook>' },
        { "XLS", "text/xml", '\239\187\191<?xml version="1.0"?><ss:Workbook></ss:Workbook>' },
        { "PDF", "application/pdf", "\r\n%PDF-1.4 ..." },
        { "PDF", "application/octet-stream", "\r\n%PDF-1.4 ..." },
        { "PDF", "application/pdf", ("\0"):rep(900) .. "%PDF-1.4 ..." },
        { "HTML", "text/html", "Queues: <b>5</b>" },
        { "HTML", "text/html", ("\r\n"):rep(500) .. "<html></html>" },
        { "HTML", nil, wide "<html></html>" },
      }
      for _, case in ipairs(cases) do
        local other = start(function() return server.answer(case[3], { headers = { ["Content-Type"] = case[2] } }) end)
        local got, err = other:historic_data("1", { format = case[1] })
        assert.is_nil(err, case[3])
        assert.equal(case[3], got)
        other = start(function(_, _, conn)
          conn:drip(server.answer(case[3]:sub(-100), { headers = { ["Content-Type"] = case[2] } }), 3)
        end)
        if #case[3] <= 100 then
          assert.equal(case[3], (assert(other:historic_data("1", { format = case[1] }))))
        end
      end
    end)

    it("after a redirect says where that led to, without query", function()
      local other, s = start(function(request)
        return request.path == "/login" and page("text/html")()
          or server.answer("", { status = 307, headers = { Location = "/login?next=secret" } })
      end)
      local _, err = other:historic_data("1", { format = "CSV" })
      assert.equal("protocol", err.code)
      assert.matches("(redirected to " .. s.url .. "/login)", err.message, 1, true)
    end)

    it("names its id if it does not exist", function()
      local other = start(function() return server.answer("", { status = 404 }) end)
      for _, opts in ipairs { {}, { format = "CSV" }, { format = "PDF", file = helper.folder() .. "/r" } } do
        local _, err = other:historic_data("no/such", opts)
        assert.equal("not_found", err.code)
        assert.matches('no report "no/such": the server answered 404', err.message, 1, true)
      end
    end)

    it("is told in the words of what was asked for", function()
      sandbox:fault { path = "/historic-data*", login = true }
      local _, err = client:historic_data("1001", { format = "PDF" })
      assert.equal("protocol", err.code)
      assert.matches("PDF", err.message, 1, true)
      assert.matches("text/html", err.message, 1, true)
      assert.equal("POST", err.method)
      assert.equal(sandbox.url .. "/rest/api/v1/historic-data/1001", err.url)
      assert.equal(200, err.status)
    end)

    it("(empty JSON) leaves no file", function()
      local folder = helper.folder()
      local other = start(page("application/json", ""), { retries = 0 })
      local report, err = other:historic_data("1", { file = folder .. "/x" })
      assert.is_nil(report)
      assert.equal("protocol", err.code)
      assert.equal("", entries(folder))
      report, err = other:historic_data "1"
      assert.is_nil(report)
      assert.is_string(err.code)
    end)

    it("leaves the file that is there", function()
      local path = helper.folder() .. "/report.pdf"
      assert(client:historic_data("1001", { format = "PDF", file = path }))
      local before = helper.read(path)
      for _, fault in ipairs { { login = true }, { status = 403 }, { truncate = 100, times = 2 } } do
        fault.path = "/historic-data*"
        sandbox:fault(fault)
        local file = client:historic_data("1001", { format = "PDF", file = path, retries = fault.times and 1 or 0 })
        assert.is_nil(file)
        assert.equal(before, helper.read(path))
        assert.equal("report.pdf\n", entries(path:match "^(.*)/"))
      end
      sandbox:clear_faults()
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

  describe("that is cut in mid-body", function()
    for _, how in ipairs { "close", "reset" } do
      it("is asked for again, and whole (" .. how .. ")", function()
        local want = assert(client:historic_data("1003", { format = "CSV" }))
        for _, file in ipairs { false, helper.folder() .. "/r.csv" } do
          sandbox:clear_requests()
          sandbox:fault { path = "/historic-data*", truncate = #want - 10, reset = how == "reset" or nil }
          local got = assert(client:historic_data("1003", { format = "CSV", file = file or nil }))
          assert.equal(want, file and helper.read(file) or got)
          assert.equal(2, #sandbox:requests())
        end
      end)
    end
  end)

  describe("that is refused", function()
    it("is the error that the status says, whatever body it has", function()
      for _, form in ipairs { "json", "text", "empty" } do
        sandbox:set { errors = form, forbidden = { "1002" } }
        for id, want in pairs { ["1002"] = { "forbidden", 403 }, ["9"] = { "not_found", 404 } } do
          local report, err = client:historic_data(id)
          assert.is_nil(report)
          assert.same(want, { err.code, err.status })
          assert.is_false(err.retryable)
          assert.is_true(#err.message > 0)
        end
      end
      sandbox:set { errors = "mixed", forbidden = {} }
      local report, err = client:historic_data("1001", { parameters = { { name = "x" } } })
      assert.is_nil(report)
      assert.equal("bad_request", err.code)
    end)
  end)

  describe("larger than max_body", function()
    it("is the error too_large in memory, and goes to a file", function()
      local small = ccaas.new(sandbox:options("xima", { max_body = 200 }))
      for _, format in ipairs(FORMATS) do
        local report, err = small:historic_data("1001", { format = format })
        assert.is_nil(report)
        assert.equal("too_large", err.code)
        assert.is_true(assert(small:historic_data("1001", { format = format, file = helper.folder() .. "/r" })).bytes
          > 200)
      end
    end)
  end)

  describe("called the wrong way raises, and sends nothing:", function()
    local wrong = {
      ["from without to"] = { { from = 0 }, "`from` and `to` must be given together" },
      ["to without from"] = { { to = 0 }, "`from` and `to` must be given together" },
      ["from after to"] = { { from = 10, to = 5 }, "`from` (10) is not before `to` (5)" },
      ["no time between them"] = { { from = 5, to = 5 }, "is not before" },
      ["a time that is none"] = { { from = "yesterday", to = 5 }, "option `from` is not a time" },
      ["an unknown format"] = { { format = "DOCX" }, 'unknown format "DOCX"' },
      ["a format in small letters"] = { { format = "pdf" }, 'did you mean "PDF"?' },
      ["agents that are no list"] = { { agents = "A(1)" }, "option `agents` must be a list" },
      ["an agent that is no string"] = { { agents = { 7 } }, "must be a string" },
      ["parameters that are no list"] = { { parameters = "x" }, "option `parameters` must be a list" },
      ["one parameter that is in no list"] =
        { { parameters = { name = "x", value = {} } }, "option `parameters` must be a list" },
      ["parameters with a hole"] =
        { { parameters = { [2] = { name = "x", value = {} } } }, "option `parameters` must be a list" },
      ["parameters that JSON cannot say"] =
        { { parameters = { { name = "x", value = print } } }, "cannot be sent as JSON" },
      ["parameters that are not UTF-8"] =
        { { parameters = { { name = "x", value = "\255" } } }, "cannot be sent as JSON" },
      ["an unknown option"] = { { formt = "PDF" }, 'did you mean "format"?' },
      ["a file that is no path"] = { { file = "" }, "option `file`" },
    }
    for name, case in pairs(wrong) do
      it(name, function()
        local other, s = start(function() return json "{}" end)
        local fine, message = pcall(other.historic_data, other, "1001", case[1])
        assert.is_false(fine)
        assert.is_truthy(tostring(message):find(case[2], 1, true), message)
        assert.is_truthy(tostring(message):find("historic_data", 1, true), message)
        assert.equal(0, s.accepted)
      end)
    end

    it("an id that is not valid", function()
      for _, id in ipairs { 7, "", "." } do
        assert.is_false(pcall(client.historic_data, client, id))
      end
      assert.is_false(pcall(client.historic_data, client))
    end)
  end)

  it("for a folder that does not exist is error io, and is not requested", function()
    local other, s = start(function() return json "{}" end)
    local file, err = other:historic_data("1", { file = helper.folder() .. "/none/r.json" })
    assert.is_nil(file)
    assert.equal("io", err.code)
    assert.matches("no such directory", err.message, 1, true)
    assert.equal(0, s.accepted)
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
