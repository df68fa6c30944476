-- examples/nginx, its Lua files as they are and the lines of its nginx.conf.
local helper = require "spec.helper"
local json = require "cjson.safe"
local nginx = require "spec.openresty.nginx"

local folder = helper.top .. "/examples/nginx/"
local sandbox, n

setup(function()
  sandbox = helper.sandbox { queues = 12, agents = 3000 }
  local x8, xima = sandbox:options "8x8", sandbox:options "xima"
  local conf = helper.read(folder .. "nginx.conf")
  -- The file names of a location are looked for below nginx's own folder.
  local locations, names = {}, 0
  for path, file in conf:gmatch("location = (%S+) { content_by_lua_file (%S+); }") do
    locations[path] = ("content_by_lua_file %s%s;"):format(folder, file)
    names = names + 1
  end
  assert.equal(2, names)
  n = nginx.start {
    sandbox = sandbox, locations = locations, path = folder .. "?.lua",
    main = table.concat((function()
      local lines = {}
      for line in conf:gmatch("\nenv [^\n]+") do lines[#lines + 1] = line end
      return lines
    end)(), "\n"),
    init = conf:match("init_by_lua_block {(.-)}"),
    server = assert(conf:match("lua_check_client_abort on;")),
    environment = {
      CCAAS_KEY = x8.key, CCAAS_SECRET = x8.secret, CCAAS_X8_URL = x8.base_url, CCAAS_X8_TOKEN_URL = x8.token_url,
      CCAAS_HOST = xima.host, CCAAS_TOKEN = xima.token, CCAAS_XIMA_URL = xima.base_url,
    },
  }
end)
before_each(function() sandbox:clear_faults() end)

describe("examples/nginx/queues.lua", function()
  it("answers with the queues as JSON", function()
    local status, body, head = n:get "/queues"
    assert.equal(200, status, n:errors())
    assert.truthy(head:lower():find("content-type: application/json", 1, true))
    local queues = assert(json.decode(body)).queues
    assert.equal(12, #queues)
    for _, queue in ipairs(queues) do
      assert.equal("string", type(queue.name))
      assert.equal("number", type(queue.waiting))
      assert.equal("number", type(queue.handling))
    end
  end)

  it("says so when the vendor fails", function()
    sandbox:fault { path = "/queues", status = 403, times = 10 }
    local status, body = n:get "/queues"
    assert.equal(502, status)
    assert.equal("forbidden", json.decode(body).error)
  end)
end)

describe("examples/nginx/report.lua", function()
  it("passes a report on", function()
    local status, body, head = n:get "/report?id=1001&format=CSV"
    assert.equal(200, status, n:errors())
    assert.truthy(head:lower():find("content-type: text/csv", 1, true), head)
    assert.truthy(head:find('filename="report.csv"', 1, true), head)
    assert.is_true(#body > 100)
    local direct = require("ccaas").new(sandbox:options "xima")
    assert.equal(assert(direct:historic_data("1001", { format = "CSV" })), body)
  end)

  it("passes on what is there while the rest is on its way", function()
    sandbox:fault { path = "/historic-data*", drip = 1, piece = 200 }
    local one = n:open "/report?id=1001&format=CSV"
    local status = one:receive "*l"
    assert.truthy(status:find " 200 ", status)
    one:settimeout(0)
    local whole, reason = one:receive "*a"
    assert.is_nil(whole)
    assert.equal("timeout", reason)
    one:close() -- nobody wants the rest
    assert.equal("trivial", n:body "/trivial")
  end)

  it("has no answer for what is no report", function()
    assert.equal(400, (n:get "/report"))
    assert.equal(400, (n:get "/report?id=1001&format=MP3"))
    assert.equal(404, (n:get "/report?id=no-such-report"))
  end)
end)
