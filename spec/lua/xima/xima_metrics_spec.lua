-- Xima: definitions of metrics, and their present values.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local xima = require "spec.support.xima"

local start, json = server.xima, xima.json

describe("metrics", function()
  local sandbox, client

  setup(function()
    sandbox = helper.sandbox { agents = 10, queues = 5, strict = true, pending = { "103" }, forbidden = { "105" } }
    client = ccaas.new(sandbox:options("xima"))
  end)

  before_each(function()
    sandbox:clear_requests()
  end)

  for _, form in ipairs { "bare", "key" } do
    it(("are definitions (%s)"):format(form), function()
      sandbox:set { list = form }
      local list = assert(client:metrics())
      assert.equal(9, #list)
      assert.same({ "101", "Calls Presented", "AGENT" }, { list[1].id, list[1].name, list[1].category })
      assert.equal("Alan (Al) Jones(271)", list[1].selection[1])
      assert.is_nil(list[1].metricId)
      assert.equal("K0FLAEB6", list[9].id)
      assert.equal("/rest/api/v1/realtime/metrics", sandbox:requests()[1].target)
    end)
  end

  it("are those that were asked for, each id by itself on the wire", function()
    for _, ids in ipairs { { "102", "K0FLAEB6" }, "102, K0FLAEB6" } do
      sandbox:clear_requests()
      local list = assert(client:metrics { ids = ids })
      assert.same({ "102", "K0FLAEB6" }, { list[1].id, list[2].id })
      assert.equal("/rest/api/v1/realtime/metrics?id=102&id=K0FLAEB6", sandbox:requests()[1].target)
    end
    local other, s = start(function() return json "[]" end)
    assert.same({}, assert(other:metrics { ids = { "a b", "ü&id=7", "c,d" } }))
    assert.equal("/rest/api/v1/realtime/metrics?id=a%20b&id=%C3%BC%26id%3D7&id=c%2Cd", s.requests[1].target)
  end)

  it("keep what is not known of them", function()
    local other = start(function()
      return json('[{"metricId":"1","metricName":"N","categoryType":"AGENT","categorySelection":[],"unit":"s",'
        .. '"id2":[7]}]')
    end)
    assert.same({ { id = "1", name = "N", category = "AGENT", selection = {}, unit = "s", id2 = { 7 } } },
      assert(other:metrics()))
  end)

  it("have values, and some are not ready", function()
    local got = assert(client:metric_values { "101", "103", "107" })
    assert.same({ "103" }, got.pending)
    assert.equal(10 + 5, #got.values)
    local first = got.values[1]
    assert.same({ "update", "101", "Alan (Al) Jones(271)", "COUNT", true },
      { first.type, first.metric_id, first.category, first.kind, first.snapshot })
    assert.equal("number", type(first.value))
    assert.matches("^2026%-06%-", first.updated_at)
    assert.equal("/rest/api/v1/realtime/metrics/values?id=101&id=103&id=107", sandbox:requests()[1].target)
  end)

  it("have values of kinds that are not known, which are passed on whole", function()
    local got = assert(client:metric_values "107")
    assert.equal("PERCENTAGE", got.values[1].kind)
    assert.equal("number", type(got.values[1].value.percentage))
    local other = start(function()
      return json('{"results":[{"key":{"metricId":"1","categoryValue":"A"},"value":{"type":"PAIR","a":1,"b":[2]}},'
        .. '{"key":{"metricId":"2","categoryValue":"A"},"value":{"type":"COUNT","count":0}}],"later":["9",8]}')
    end)
    got = assert(other:metric_values { "1", "2" })
    assert.same({ type = "PAIR", a = 1, b = { 2 } }, got.values[1].value)
    assert.equal(0, got.values[2].value)
    assert.same({ "9", "8" }, got.pending)
  end)

  it("in any number are asked for in as many requests as they need", function()
    local ids = {}
    for i = 1, 2000 do
      ids[i] = "metric-" .. i
    end
    local other, s = start(function(request)
      assert.is_true(#request.line <= 8000)
      local results = {}
      for id in request.target:gmatch("id=([^&]+)") do
        results[#results + 1] = ('{"key":{"metricId":"%s","categoryValue":"A"},"value":{"type":"COUNT","count":1}}')
          :format(id)
      end
      return json('{"results":[' .. table.concat(results, ",") .. '],"pending":["p"]}')
    end)
    local got = assert(other:metric_values(ids))
    assert.is_true(#s.requests > 2)
    assert.equal(2000, #got.values)
    assert.equal("metric-2000", got.values[2000].metric_id)
    assert.equal(#s.requests, #got.pending)
  end)

  it("that the tenant lacks are the error not_found", function()
    sandbox:set { values = false }
    for _, form in ipairs { "json", "text", "empty" } do
      sandbox:set { errors = form }
      local got, err = client:metric_values { "101" }
      assert.is_nil(got)
      assert.equal("not_found", err.code)
      assert.equal(404, err.status)
      assert.equal(1, #err.attempts)
    end
    sandbox:set { values = true, errors = "mixed" }
    assert.equal("not_found", select(2, client:metrics { ids = { "no-such" } }).code)
    assert.equal("forbidden", select(2, client:metrics { ids = { "105" } }).code)
    assert.equal("forbidden", select(2, client:metric_values { "105" }).code)
  end)

  it("of another form are error protocol", function()
    for _, body in ipairs {
      "{}", "[]", "7", '{"results":{"a":1}}', '{"results":[7]}', '{"results":[{"key":"1","value":{}}]}',
      '{"results":[{"value":{"count":1}}]}', '{"results":[null]}', "<html>",
    } do
      local other = start(function() return json(body) end)
      local got, err = other:metric_values { "1" }
      assert.is_nil(got, body)
      assert.equal("protocol", err.code, body)
    end
  end)

  it("with wrong arguments raise", function()
    for _, case in ipairs {
      { "metric_values", nil, "needs a list of ids" }, { "metric_values", {}, "empty list" },
      { "metric_values", { 7 }, "must be a string" }, { "metric_values", 7, "a list of strings" },
      { "metric_values", { id = "1" }, "must be a list" }, { "metrics", { ids = {} }, "empty list" },
      { "metrics", { id = "1" }, 'did you mean "ids"' }, { "agents", { key = "x" }, "unknown option `key`" },
    } do
      local fine, message = pcall(client[case[1]], client, case[2])
      assert.is_false(fine)
      assert.is_truthy(message:find(case[3], 1, true), message)
    end
    assert.equal(0, #sandbox:requests())
  end)
end)

-- subscribe and metric_values need ids, and said of an empty list that it could
-- be left out to ask for all.
describe("an empty list of ids, where ids are needed", function()
  it("is refused as none", function()
    local client = ccaas.new { provider = "xima", host = "127.0.0.1", token = "t" }
    for _, name in ipairs { "subscribe", "metric_values" } do
      local ok, message = pcall(function() client[name](client, {}) end)
      assert.is_false(ok)
      assert.is_truthy(message:find(name .. ": needs a list of ids, not an empty list$"), message)
    end
    local ok, message = pcall(function() client:metrics { ids = {} } end)
    assert.is_false(ok)
    assert.is_truthy(message:find("leave it out to ask for all", 1, true), message)
    client:close()
  end)
end)
