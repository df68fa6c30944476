-- Historical reports that are not what was asked for, are cut short, refused or too
-- large, and calls that are wrong.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local reports = require "spec.support.reports"
local server = require "spec.support.server"

local start = server.xima
local ACCEPT, FORMATS, LOGIN, OLE, ZIP = reports.ACCEPT, reports.FORMATS, reports.LOGIN, reports.OLE, reports.ZIP
local entries, json = reports.entries, reports.json

describe("a report", function()
  local sandbox, client

  setup(function()
    sandbox = helper.sandbox { agents = 50, strict = true }
    client = ccaas.new(sandbox:options("xima"))
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
