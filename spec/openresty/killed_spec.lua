-- Coroutines that are killed while they read or wait, and what becomes of those who
-- come after them or waited for what they had.
local helper = require "spec.support.helper"
local nginx = require "spec.support.nginx"

describe("in nginx's workers", function()
  local sandbox, n

  setup(function()
    sandbox = helper.sandbox { queues = 5, agents = 1000, groups = 30, recordings = 20, audio_interval = 0 }
    local given = sandbox:options "xima"
    n = nginx.start { sandbox = sandbox, http = "lua_shared_dict paces 1m;", init = ([[
      shared = {}
      local function xima(options)
        options.provider, options.host, options.base_url, options.token = "xima", %q, %q, options.token or %q
        return ccaas.new(options)
      end
      first = xima { audio_interval = 0.001 }
      -- A client of which something happens just before it waits.
      local loop = require "ccaas.loop.openresty"
      local await = loop.await
      function loop.await(...)
        local before = shared.before
        shared.before = nil
        if before then before() end
        return await(...)
      end
      second = xima { audio_interval = 0.001 }
      loop.await = await
      -- One whose store and token function yield.
      shared.asked = 0
      local function yielding(name)
        return function(...)
          ngx.sleep(0.001)
          return ngx.shared.paces[name](ngx.shared.paces, ...)
        end
      end
      stored = xima { audio_interval = 0.01, token = function()
        shared.asked = shared.asked + 1
        ngx.sleep(0.001)
        return %q
      end, store = { get = yielding "get", set = yielding "set", add = yielding "add", delete = yielding "delete" } }
      function recordings(client, limit)
        return assert(client:recordings({ from = 0, to = os.time(), limit = limit }):all())
      end
    ]]):format(given.host, given.base_url, given.token, given.token), locations = {
      ["/after"] = { content = [[
        local lost = 0
        for i = 1, 40 do
          local stream, count = client:agents { summary = true, size = 1000 }, 0
          local reader = ngx.thread.spawn(function()
            for _ in stream do count = count + 1 end
          end)
          while count < 20 do ngx.sleep(0.001) end
          if i % 2 == 0 then stream:close() end
          ngx.thread.kill(reader)
          stream:close()
          local rows = client:groups():all()
          lost = lost + (rows and 0 or 1)
        end
        ngx.print(lost)
      ]] },
      ["/lines"] = { content = [[
        for i = 1, 200 do
          ngx.thread.kill(ngx.thread.spawn(function() client:queues():next() end))
          ngx.sleep(0.001)
        end
        local count = 0
        for _, lines in pairs(ngx.ctx) do count = count + #lines end
        ngx.print(count < 20 and "few" or count)
      ]] },
      ["/hold"] = { content = [[
        local core = require "ccaas.core"
        local rows = recordings(first, 2)
        local holder = ngx.thread.spawn(function() return first:audio(rows[1]) end)
        while not shared.held do ngx.sleep(0.001) end
        shared.before = function()
          ngx.thread.kill(holder)
          -- Until it has been noticed on the other thread.
          local ends = core.now() + 0.2
          repeat until core.now() > ends
        end
        local bytes, err = second:audio(rows[2], { deadline = 10 })
        ngx.print(bytes and #bytes == rows[2].size and "whole" or tostring(err))
      ]] },
      ["/held"] = { content = "shared.held = true ngx.print 'noted'" },
      ["/stored"] = { content = [[
        local rows, calls = recordings(stored, 8), {}
        local before, whole = shared.asked, 0
        for i = 1, 8 do
          calls[i] = ngx.thread.spawn(function()
            for _ = 1, 3 do
              local bytes = stored:audio(rows[i])
              whole = whole + (bytes and 1 or 0)
            end
          end)
        end
        for i = 1, 8 do ngx.thread.wait(calls[i]) end
        ngx.print(whole, " ", before, " ", shared.asked)
      ]] },
    } }
  end)

  before_each(function() sandbox:clear_faults() end)

  it("a stream after one whose reader was killed is read", function()
    assert.equal("0", n:body "/after")
  end)

  it("coroutines killed while they wait leave nothing behind in their request", function()
    sandbox:fault { path = "/queues", hang = true, times = 1000 }
    assert.equal("few", n:body "/lines")
  end)

  it("what a killed coroutine held goes to the next one that waits for it", function()
    sandbox:clear_requests()
    sandbox:fault { path = "/recordings/*", hang = true }
    local one = n:open "/hold"
    nginx.wait_until("a download", function()
      for _, request in ipairs(sandbox:requests()) do
        if request.path:find("/audio$") then
          return true
        end
      end
    end)
    n:body "/held"
    local status, body = n:read(one)
    assert.equal(200, status, n:errors())
    assert.equal("whole", body)
  end)

  it("a token function is called once, also where the store yields", function()
    assert.equal("24 1 1", n:body "/stored")
  end)

  it("no error is written to nginx's log", function() n:assert_quiet() end)
end)
