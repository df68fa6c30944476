-- The sandbox's Xima reports: formats, waiting, refusals.

local xima = require "spec.support.xima_http"
local documents = require "ccaas.sandbox.documents"
local start, report = xima.start, xima.report

local function ask(format, ...)
  return { format = format, parameters = { ... } }
end

local TIMEFRAME = { name = "Report Timeframe", value = {
  type = "REPORT_TIMEFRAME", formatted = "Tuesday",
  start = "2026-06-02T00:00:00-06:00", ["end"] = "2026-06-03T00:00:00-06:00",
} }

local function agents(...)
  local users = {}
  for i, key in ipairs { ... } do
    users[i] = { key = key }
  end
  return { name = "Rows (Agent)",
    value = { type = "PBX_USERS", pbxUsers = users } }
end

-- Writes bytes where a program can read them, and gives what that says.
local function said(bytes, command)
  local path = os.tmpname()
  local file = io.open(path, "wb")
  file:write(bytes)
  file:close()
  local pipe = io.popen(command:format(path) .. " 2>&1")
  local output = pipe:read("*a")
  pipe:close()
  os.remove(path)
  return output
end

describe("the sandbox's Xima reports", function()
  after_each(xima.stop_all)

  it("are JSON with whole numbers", function()
    local sb = start()
    local answer = report(sb, "1001", ask("JSON", TIMEFRAME,
      agents("Alan (Al) Jones(271)", 'A "B"(1)')))
    assert.equal(200, answer.status)
    assert.equal("application/json", answer.headers["content-type"])
    assert.equal("1001", answer.json.reportId)
    assert.same(TIMEFRAME.value, answer.json.timeframe)
    assert.equal("agent", answer.json.columns[1].key)
    assert.equal(2, #answer.json.rows)
    assert.equal('A "B"(1)', answer.json.rows[2].agent)
    assert.is_truthy(answer.body:find('"exact":9007199254740993', 1, true))
    assert.is_nil(answer.body:find("%d%.%d"))
    assert.is_nil(answer.body:find("%de%+"))
    assert.equal(answer.body, report(sb, "1001", ask("JSON", TIMEFRAME,
      agents("Alan (Al) Jones(271)", 'A "B"(1)'))).body:gsub(
      '"executionId":%d+', answer.body:match('"executionId":%d+')))
  end)

  it("need no parameters, and pass over unknown ones", function()
    local sb = start { agents = 3 }
    for _, body in ipairs { '{"format":"JSON"}',
      '{"format":"JSON","parameters":[]}', '{"format":"JSON","parameters":'
        .. '[{"name":"Other","value":{"type":"X","y":[1]}}]}' } do
      local answer = report(sb, "1002", body)
      assert.equal(200, answer.status)
      assert.equal(3, #answer.json.rows)
    end
    assert.equal('{"format":"JSON"}', sb:requests()[1].body)
  end)

  it("are CSV", function()
    local answer = report(start(), "1001",
      ask("CSV", agents("John Spector(104)", 'Kim, "K"')))
    assert.equal("text/csv;charset=UTF-8", answer.headers["content-type"])
    local lines = {}
    for line in answer.body:gmatch("(.-)\r\n") do
      lines[#lines + 1] = line
    end
    assert.equal(3, #lines)
    assert.is_truthy(lines[1]:find("^Agent,Calls,"))
    assert.is_truthy(lines[2]:find("^John Spector%(104%),%d+,%d+,%d+,%d+$"))
    assert.is_truthy(lines[3]:find('^"Kim, ""K""",%d+'))
  end)

  it("are HTML", function()
    local answer = report(start(), "1001", ask("HTML", agents("<b>A & B")))
    assert.equal("text/html;charset=UTF-8", answer.headers["content-type"])
    assert.is_truthy(answer.body:find("^<!DOCTYPE html>"))
    assert.is_truthy(answer.body:find("<td>&lt;b&gt;A &amp; B</td>", 1, true))
  end)

  it("are PDF, whose cross references are right", function()
    local answer = report(start(), "1001", ask("PDF"))
    assert.equal("application/pdf", answer.headers["content-type"])
    local body = answer.body
    assert.equal("%PDF-1.4\n", body:sub(1, 9))
    assert.equal("%%EOF\n", body:sub(-6))
    local xref = tonumber(body:match("startxref\n(%d+)\n"))
    assert.equal("xref\n0 6\n", body:sub(xref + 1, xref + 9))
    local number = 0
    for offset in body:sub(xref):gmatch("(%d+) 00000 n \n") do
      number = number + 1
      local object = ("%d 0 obj\n"):format(number)
      assert.equal(object, body:sub(offset + 1, offset + #object))
    end
    assert.equal(5, number)
    local length, stream = body:match("/Length (%d+) >>\nstream\n(.-)\nendst")
    assert.equal(tonumber(length), #stream)
  end)

  it("are an old spreadsheet, in a compound file", function()
    local answer = report(start(), "1001", ask("XLS"))
    assert.equal("application/vnd.ms-excel", answer.headers["content-type"])
    local body = answer.body
    assert.equal("\208\207\17\224\161\177\26\225", body:sub(1, 8))
    assert.equal(0, #body % 512)
    local directory = body:sub(512 * 2 + 1, 512 * 3)
    assert.equal("W\0o\0r\0k\0b\0o\0o\0k\0\0\0", directory:sub(129, 146))
    assert.equal("\9\8\16\0\0\6\5\0", body:sub(512 * 3 + 1, 512 * 3 + 8))
    -- The workbook says where its sheet begins.
    local a, b = body:byte(512 * 3 + 31, 512 * 3 + 32)
    local sheet = 512 * 3 + a + 256 * b
    assert.equal("\9\8\16\0\0\6\16\0", body:sub(sheet + 1, sheet + 8))
    assert.is_truthy(body:find("John Spector(104)", 1, true))
  end)

  it("are a new spreadsheet, in a zip", function()
    local answer = report(start { xls = "zip" }, "1001", ask("XLS"))
    assert.equal("PK\3\4", answer.body:sub(1, 4))
    assert.is_truthy(answer.headers["content-type"]:find("spreadsheetml"))
    if xima.plain.can_run() then
      local output = said(answer.body, "python3 -m zipfile -t %s")
      assert.is_truthy(output:find("Done testing", 1, true), output)
      assert.is_nil(output:find("bad", 1, true), output)
    end
  end)

  it("are an old spreadsheet of many sectors, in their order", function()
    local rows = {}
    for i = 1, 1500 do
      rows[i] = { "agent " .. i, 1, 2 }
    end
    local file = documents.xls(rows)
    local function number(at)
      local a, b, c, d = file:byte(at + 1, at + 4)
      return a + 256 * (b + 256 * (c + 256 * d))
    end
    local tables = number(44)
    assert.is_true(tables > 1)
    for i = 0, tables - 1 do
      assert.equal(i, number(76 + 4 * i))
    end
    -- Follows the stream's chain from the directory entry to its end.
    local entry = 512 * (number(48) + 1) + 128
    local sector, size, parts = number(entry + 116), number(entry + 120), {}
    while sector ~= 0xFFFFFFFE do
      parts[#parts + 1] = file:sub(512 * (sector + 1) + 1, 512 * (sector + 2))
      sector = number(512 + 4 * sector)
    end
    assert.equal(size, 512 * #parts)
    assert.equal(512 * (#parts + tables + 2), #file)
    assert.is_truthy(table.concat(parts):find("agent 1500", 1, true))
  end)

  it("have their longest", function()
    local rows = {}
    for i = 1, 900 do
      rows[i] = { ("x"):rep(8000) }
    end
    local done, err = pcall(documents.xls, rows)
    assert.is_false(done)
    assert.is_truthy(err:find("too large a report", 1, true))
  end)

  it("are ready after so many times of 202", function()
    local sb = start { report_delay = 2, errors = "json" }
    local statuses = {}
    for i = 1, 4 do
      statuses[i] = report(sb, "1001", '{"format":"CSV"}').status
    end
    assert.same({ 202, 202, 200, 200 }, statuses)
  end)

  it("are begun anew for other bytes, though they mean the same", function()
    local sb = start { report_delay = 1 }
    assert.equal(202, report(sb, "1001", '{"format":"CSV"}').status)
    assert.equal(202, report(sb, "1001", '{"format": "CSV"}').status)
    assert.equal(202, report(sb, "1002", '{"format":"CSV"}').status)
    assert.equal(200, report(sb, "1001", '{"format":"CSV"}').status)
    assert.equal(200, report(sb, "1001", '{"format": "CSV"}').status)
    sb:set { report_delay = 0 }
    assert.equal(200, report(sb, "1003", '{"format":"CSV"}').status)
  end)

  it("may be forbidden or unknown", function()
    local sb = start { reports = { "7", "a/b" }, forbidden = { "8" } }
    assert.equal(200, report(sb, "7", ask("CSV")).status)
    assert.equal(200, report(sb, "a%2Fb", ask("CSV")).status)
    assert.equal(403, report(sb, "8", ask("CSV")).status)
    assert.equal(404, report(sb, "1001", ask("CSV")).status)
  end)

  it("refuse what they do not understand", function()
    local sb = start()
    for _, body in ipairs { "", "{", "[1", '"text"', "{}",
      '{"format":"csv"}', '{"format":"CSV","parameters":{"a":1}}',
      '{"format":"CSV","parameters":[{"name":"x"}]}',
      '{"format":"CSV","parameters":[{"name":"Report Timeframe","value":1}]}',
      '{"format":"CSV","parameters":[{"name":"Rows (Agent)","value":'
        .. '{"type":"PBX_USERS","pbxUsers":["A(1)"]}}]}' } do
      assert.equal(400, report(sb, "1001", body).status, body)
    end
    assert.equal(415, report(sb, "1001", ask("CSV"),
      { ["Content-Type"] = "text/plain" }).status)
    assert.equal(415, report(sb, "1001", ask("CSV"),
      { ["Content-Type"] = false }).status)
    assert.equal(401, report(sb, "1001", ask("CSV"),
      { Authorization = false }).status)
  end)

  it("can say that they are something else", function()
    local sb = start()
    sb:fault { path = "/historic-data/*", login = true }
    local answer = report(sb, "1001", ask("PDF"))
    assert.equal(200, answer.status)
    assert.is_truthy(answer.body:find("^<!DOCTYPE html>"))
    sb:fault { path = "/historic-data/1001",
      headers = { ["Content-Type"] = "application/octet-stream" } }
    answer = report(sb, "1001", ask("PDF"))
    assert.equal("application/octet-stream", answer.headers["content-type"])
    assert.is_truthy(answer.body:find("^%%PDF"))
  end)

end)
