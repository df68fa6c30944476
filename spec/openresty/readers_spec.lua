-- nginx lets one coroutine at a time read from a socket: of two that waited for one
-- stream the second made the line useless, and the first slept on.
local helper = require "spec.helper"
local nginx = require "spec.openresty.nginx"

describe("in nginx's workers two coroutines that read one stream", function()
  local n

  setup(function()
    local sandbox = helper.sandbox { queues = 12, agents = 60, groups = 4 }
    sandbox:fault { path = "/queues", delay = 0.1, times = 1000 }
    local READ = [[
      local stream, count, seen = %s, 0, {}
      local function read()
        for row in stream do
          assert(not seen[row.id])
          seen[row.id], count = true, count + 1
        end
      end
      local threads = { ngx.thread.spawn(read), ngx.thread.spawn(read), ngx.thread.spawn(read) }
      local ends = ngx.thread.spawn(function()
        ngx.sleep(10)
        stream:close()
      end)
      for _, thread in ipairs(threads) do
        assert(ngx.thread.wait(thread))
      end
      ngx.thread.kill(ends)
      ngx.print(count)
    ]]
    n = nginx.start { sandbox = sandbox, locations = {
      ["/stream"] = { content = READ:format("client:queues { size = 2, concurrency = 1 }") },
      ["/merge"] = { content = READ:format("ccaas.merge(client:queues { size = 2, concurrency = 1 })") },
      ["/close"] = { content = [[
        local stream = client:queues { size = 12 }
        local codes = {}
        local function read(i)
          return function() codes[i] = select(2, stream:next()).code end
        end
        local threads = { ngx.thread.spawn(read(1)), ngx.thread.spawn(read(2)) }
        ngx.sleep(0.02)
        stream:close()
        for _, thread in ipairs(threads) do
          assert(ngx.thread.wait(thread))
        end
        ngx.print(table.concat(codes, " "))
      ]] },
    } }
  end)

  it("have its rows between them", function()
    assert.equal("12", n:body "/stream")
  end)

  it("have a merge's between them", function()
    assert.equal("12", n:body "/merge")
  end)

  it("are both woken when it is closed", function()
    assert.equal("cancelled cancelled", n:body "/close")
  end)

  it("write no error to nginx's log", function()
    assert.is_nil(n:errors():find("%[[ecaw]%l+%]"), n:errors())
  end)
end)
