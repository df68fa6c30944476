-- examples/nginx, started as its nginx.conf and docs/nginx.md say.
local helper = require "spec.support.helper"
local json = require "cjson.safe"
local nginx = require "spec.support.nginx"

local sandbox, n

-- The configuration, but for where this machine has the modules, and where it
-- listens.
local function adapt(conf, folder)
  local function replace(words, other)
    local count
    conf, count = conf:gsub(words:gsub("%p", "%%%0"), other)
    assert.is_true(count > 0, words)
  end
  replace(" /usr/lib/nginx/modules/", " " .. helper.top .. "/build/nginx/usr/lib/nginx/modules/")
  replace("listen 127.0.0.1:8088;", ("listen unix:%s/http;"):format(folder))
  return conf
end

-- Was: `load_module` looked for modules below examples/nginx, and logs/ was missing.
setup(function()
  sandbox = helper.sandbox { queues = 12, agents = 3000 }
  local x8, xima = sandbox:options "8x8", sandbox:options "xima"
  local folder = helper.folder()
  local conf = helper.read "examples/nginx/nginx.conf"
  assert.equal(0, (helper.run(("mkdir %s/examples && cp -r examples/nginx %s/examples && chmod -R a+rX %s"):format(
    folder, folder, folder))))
  local file = assert(io.open(folder .. "/examples/nginx/nginx.conf", "w"))
  file:write(adapt(conf, folder))
  file:close()
  local command = assert(conf:match "\n#   (nginx [^\n]+)\n")
  assert.is_truthy(helper.read("docs/nginx.md"):find("\n    " .. command .. "\n", 1, true), command)
  n = nginx.run {
    folder = folder, log = "output", at = folder, command = command,
    environment = {
      LUA_PATH = ("%s/lua/?.lua;%s/build/nginx/usr/share/lua/5.1/?.lua;;"):format(helper.top, helper.top),
      LUA_CPATH = os.getenv "CCAAS_BUILD" .. "/?.so;;",
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
    assert.equal(200, (n:get "/queues"))
  end)

  it("has no answer for an unknown report", function()
    assert.equal(400, (n:get "/report"))
    assert.equal(400, (n:get "/report?id=1001&format=MP3"))
    assert.equal(404, (n:get "/report?id=no-such-report"))
  end)
end)
