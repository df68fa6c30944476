-- A host that sets its locale after this library was loaded: nothing follows it.
local helper = require "spec.support.helper"

-- The locales, made here: where there are none, setlocale does nothing, and a spec
-- that trusts in it tests nothing.
local folder
setup(function()
  folder = helper.folder()
  for name, charset in pairs { ["de_DE.UTF-8"] = "UTF-8", ["tr_TR.UTF-8"] = "UTF-8", tr_TR = "ISO-8859-9",
    de_DE = "ISO-8859-1" } do
    local status, output = helper.run(("localedef -i %s -f %s %s/%s"):format(name:match("^[^.]+"), charset, folder,
      name))
    assert.equal(0, status, output)
  end
end)

-- glibc leaks what it reads LOCPATH into, a few bytes for each setlocale.
local ENVIRONMENT = 'LOCPATH=%s ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" %s'

-- Runs a script, which may use `server` of spec/support/server.lua, in each of the locales.
local function succeeds(script)
  for _, name in ipairs { "de_DE.UTF-8", "de_DE", "tr_TR.UTF-8", "tr_TR" } do
    local status, output = helper.run(ENVIRONMENT:format(folder, helper.command(([[
      package.path = "./?.lua;" .. package.path
      package.loaded.busted = { subscribe = function() end } -- of which the server knows
      local ccaas = require "ccaas"
      local server = require "spec.support.server"
      assert(os.setlocale(%q) == %q)
      -- The locale is what it seems to be: commas, and an i without a dot.
      if not rawget(_G, "jit") then
        assert(("%%.1f"):format(0.5) == "0,5")
      end
      %s
    ]]):format(name, name, script))))
    assert.equal(0, status, name .. ": " .. output)
    assert.equal("", (output:gsub("^%s+", "")), name)
  end
end

describe("in a locale with a decimal comma, or without i's capital", function()
  -- {1.5, 2} went out as [1,5,2], and 0.25 could not be sent.
  it("numbers are sent with a point", function()
    succeeds [[
      local sent
      local client, s = server.xima(function(request)
        sent = request
        return server.answer '{"a":[0.25,1e-3,1.5]}'
      end)
      local parameters = { { name = "x", value = { 1.5, 2, 0.25, 0.1 } } }
      local document = assert(client:historic_data("1", { parameters = parameters }))
      assert(sent.body:find("[1.5,2,0.25,0.1]", 1, true), sent.body)
      assert(document.a[1] == 1 / 4 and document.a[2] == 1 / 1000 and document.a[3] == 3 / 2)
      assert(client:request { path = "/x", query = { a = 0.5 }, headers = { ["X-Half"] = 1.5 } })
      assert(sent.target == "/x?a=0.5", sent.target)
      assert(sent.headers["x-half"] == "1.5")
      s:stop()
    ]]
  end)

  it("numbers of all lengths are read as they are", function()
    succeeds [[
      local core = require "ccaas.core"
      assert(core.decode("0.25") == 1 / 4)
      -- With more digits than a double has exactly.
      assert(core.decode("1.3706456970779621") == 12345678901234567 / 2 ^ 53)
      assert(core.decode("1e999") == math.huge)
    ]]
  end)

  it("errors say times with a point, and fields are known", function()
    succeeds [[
      local client, s = server.xima(function(_, _, conn) conn:hold() end, { timeout = 0.25, retries = 0 })
      local _, err = client:skills():next()
      assert(err.code == "timeout")
      assert(err.message:find("0.25 s", 1, true), err.message)
      s:stop()
      local _, message = pcall(client.request, client, { path = "/", retries = 0.5 })
      assert(message:find("not 0.5", 1, true), message)
    ]]
  end)

  -- I in capitals was not the i that was looked for.
  it("headers are known in capitals", function()
    succeeds [[
      local count = 0
      local client, s = server.xima(function(request, n)
        if n == 1 then
          return server.answer("", { status = 302, headers = { LOCATION = "/there" } })
        elseif n == 2 then
          return server.answer("", { status = 503, headers = { ["RETRY-AFTER"] = "Fri, 01 Jan 1999 00:00:00 GMT",
            DATE = "Fri, 01 Jan 1999 00:00:00 GMT" } })
        end
        return server.answer("fine", { headers = { ["X-ID"] = "I" } })
      end)
      local answer, err = client:request { path = "/here" }
      assert(answer, tostring(err))
      assert(answer.body == "fine" and answer.headers["x-id"] == "I")
      assert(client:request { path = "/", method = "options", idempotent = true })
      s:stop()
    ]]
  end)

  it("a token's life may be a fraction, and a name in any language an option", function()
    succeeds [[
      local s = server.start(function() return server.answer(server.row("1", '[{"key":"a","value":1.5}]')) end,
        function() return server.answer '{"access_token":"T","expires_in":"3600.5"}' end)
      local client = ccaas.new(s:options { tenant = "\195\132\195\156", retries = 0 })
      local row = assert(client:queue("1"))
      assert(row.metrics.a == 3 / 2)
      assert(client:queue("1"))
      assert(s.tokens == 1)
      s:stop()
    ]]
  end)

  it("an archive's rows keep their fractions", function()
    succeeds [[
      local ogg = require "spec.support.audio"
      local client, s = server.xima(function(request)
        if request.path:find("audio", 1, true) then
          return server.answer("", { status = 404 })
        end
        return server.answer '[{"tenantName":"a","recordingKey":"K1","duration":1.5,"size":0.25}]'
      end)
      local pipe = io.popen("mktemp -d")
      local dir = pipe:read("*l")
      pipe:close()
      local result, err = client:archive { from = 0, to = 1, dir = dir }
      os.execute("rm -r " .. dir)
      assert(result, tostring(err))
      assert(result.failed[1].recording.recordingKey == "K1" and result.failed[1].recording.duration == 3 / 2)
      s:stop()
    ]]
  end)

  it("the sandbox works as before", function()
    succeeds [[
      local sandbox = require "ccaas.sandbox".start { agents = 3, queues = 2, groups = 1 }
      local client = ccaas.new(sandbox:options("8x8"))
      assert(#assert(client:agents({ summary = true }):all()) == 3)
      assert(client:queue("101"))
      client:close()
      sandbox:stop()
    ]]
  end)
end)

-- What follows the locale does not come back.
it("nothing in the sources follows the locale", function()
  local _, c = helper.run([[grep -rnE '\b(tolower|toupper|strn?casecmp|strtod|atof|strftime|setlocale) *\(' src;
    grep -rnE '\bis(digit|space|graph|alpha|alnum|xdigit|print|cntrl|upper|lower|punct) *\(|%[0-9.*]*[gf]\b' src]])
  local _, lua = helper.run([[grep -rnE ':(lower|upper)\(|%[acluwpACLUWP]\b' lua]])
  -- Comments; where the C locale is named; a format for whole seconds; texts that are no patterns.
  local exempt = { "^[^:]+:%d+:.*/?%*", "^src/json/number%.c:", "^src/sandbox/beat%.c:", "^[^:]+:%d+:%s*%-%-", "%%PDF",
    '%%%.0f', "%%%d?e%%" }
  local left = {}
  for line in (c .. "\n" .. lua):gmatch("[^\n]+") do
    local fine = false
    for _, pattern in ipairs(exempt) do
      fine = fine or line:find(pattern) ~= nil
    end
    if not fine then
      left[#left + 1] = line
    end
  end
  assert.same({}, left)
end)
