-- Xima: its agents and skills, and what a client of it is made of.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local xima = require "spec.support.xima"

local start, json = server.xima, xima.json

describe("agents", function()
  for _, form in ipairs { "bare", "key" } do
    it(("have a name and an extension (%s)"):format(form), function()
      local sandbox = helper.sandbox { agents = 30, list = form, strict = true }
      local client = ccaas.new(sandbox:options("xima"))
      local list = assert(client:agents():all())
      assert.equal(30, #list)
      assert.same({ name = "Alan (Al) Jones", extension = "271", agent = "Alan (Al) Jones(271)", type = "UC",
        email = "agent1@example.com" }, list[1])
      assert.same({ "John Spector", "104" }, { list[2].name, list[2].extension })
      assert.same({ "Front Desk", nil, "Front Desk", "XIMA" },
        { list[3].name, list[3].extension, list[3].agent, list[3].type })
      assert.is_nil(list[7].email)
      assert.same({ "/rest/api/v1/agents" }, { sandbox:requests()[1].target })
    end)
  end

  it("have names of any kind", function()
    local client = start(function()
      return json('{"agents":[{"agent":"A(b)(c1)"},{"agent":"(12)"},{"agent":""},{"agent":"X (sales)"},'
        .. '{"agent":null},{"agent":7},{"type":"UC"}],"count":7}')
    end)
    local list = {}
    for agent in client:agents() do
      list[#list + 1] = { agent.name or false, agent.extension or false }
    end
    assert.same({ { "A(b)", "c1" }, { "", "12" }, { "", false }, { "X (sales)", false }, { false, false },
      { false, false }, { false, false } }, list)
  end)

  it("are a stream: as many as wanted", function()
    local client = start(function() return json '[{"agent":"A(1)"},{"agent":"B(2)"},{"agent":"C(3)"}]' end)
    local stream = client:agents { limit = 2 }
    assert.equal("ccaas.Stream (xima agents)", tostring(stream))
    assert.equal("A", stream:next().name)
    assert.equal("B", stream:next().name)
    assert.is_nil(stream:next())
    local names = {}
    for agent in client:agents():each() do
      names[#names + 1] = agent.name
    end
    assert.same({ "A", "B", "C" }, names)
    for page in client:agents():pages() do
      assert.equal("C", page.rows[3].name)
    end
  end)
end)

describe("skills", function()
  for _, form in ipairs { "bare", "key" } do
    it(("have an id and a name (%s)"):format(form), function()
      local sandbox = helper.sandbox { queues = 12, list = form, strict = true }
      local list = assert(ccaas.new(sandbox:options("xima")):skills():all())
      assert.equal(12, #list)
      assert.equal(101, list[1].id)
      assert.is_string(list[1].name)
    end)
  end

  it("of another form are error protocol", function()
    for _, body in ipairs { '{"agents":[{"id":1}]}', "{}", "7", '{"skills":{"id":1}}', "<html>" } do
      local client = start(function() return json(body) end)
      local list, err = client:skills():all()
      assert.is_nil(list)
      assert.equal("protocol", err.code)
    end
  end)
end)

describe("a client of Xima", function()
  it("is made of a host and a token, and opens nothing", function()
    local client = ccaas.new { provider = "xima", host = "acme.xima.cloud", token = "s3cret-token" }
    assert.equal("ccaas.Client (xima https://acme.xima.cloud)", tostring(client))
    client:close()
    local client2 = ccaas.new { provider = "xima", host = "acme.xima.cloud:8443", token = print }
    assert.equal("ccaas.Client (xima https://acme.xima.cloud:8443)", tostring(client2))
  end)

  it("keeps nulls where it is told so", function()
    local client = start(function() return json '[{"agent":"A(1)","email":null}]' end, { null = ccaas.null })
    assert.equal(ccaas.null, client:agents():next().email)
  end)

  it("has `request` for anything without a method", function()
    local client, s = start(function(request) return json(request.body ~= "" and request.body or "[1]") end)
    local answer = assert(client:request { path = "/rest/api/v1/other", query = { a = "b c" } })
    assert.equal("[1]", answer.body)
    assert.equal("/rest/api/v1/other?a=b%20c", s.requests[1].target)
    assert.equal("Bearer T", s.requests[1].headers.authorization)
  end)

  local wrong = {
    ["no host"] = { { token = "T" }, "needs option `host` (with xima), like \"acme.xima.cloud\"" },
    ["no token"] = { { host = "h" }, "needs option `token` (with xima)" },
    ["a host with a scheme"] = {
      { host = "https://acme.xima.cloud", token = "T" }, "option `host` is not a host name",
    },
    ["a host with a path"] = { { host = "acme.xima.cloud/x", token = "T" }, "option `host` is not a host name" },
    ["a host with a user"] = { { host = "a@b", token = "T" }, "option `host` is not a host name" },
    ["a host with a space"] = { { host = "a b", token = "T" }, "option `host` is not a host name" },
    ["a host with a query"] = { { host = "a?b", token = "T" }, "option `host` is not a host name" },
    ["a host with a wrong port"] = { { host = "a:99999", token = "T" }, "option `host` is not a host name" },
    ["an empty host"] = { { host = "", token = "T" }, "option `host`" },
    ["a host that is no string"] = { { host = 7, token = "T" }, "option `host`" },
    ["an empty token"] = { { host = "h", token = "" }, "option `token` must be a string" },
    ["a token that is none"] = { { host = "h", token = 77777 }, "option `token` must be a string" },
    ["a token with a line end"] = { { host = "h", token = "77777\n" }, "option `token` has control characters" },
    ["an address in clear"] = { { base_url = "http://acme.xima.cloud", token = "T" }, "http:// to another machine" },
    ["a key"] = { { host = "h", token = "T", key = "K" }, "unknown option `key`" },
    ["a tenant"] = { { host = "h", token = "T", tenant = "K" }, "unknown option `tenant`" },
    ["a negative interval"] = { { host = "h", token = "T", audio_interval = -1 }, "option `audio_interval`" },
    ["an interval that is no number"] =
      { { host = "h", token = "T", audio_interval = "3" }, "option `audio_interval`" },
  }
  for name, case in pairs(wrong) do
    it("of " .. name .. " raises, and shows no secret", function()
      case[1].provider = "xima"
      local fine, message = pcall(ccaas.new, case[1])
      assert.is_false(fine)
      assert.is_truthy(message:find(case[2], 1, true), message)
      assert.is_truthy(message:find("ccaas.new", 1, true), message)
      assert.is_nil(message:find("77777", 1, true))
    end)
  end
end)
