-- Streams that several read, side by side or one after the other.  nginx lets one
-- coroutine at a time read from a socket: of two that waited for one stream the
-- second made the line useless, and the first slept on.
local helper = require "spec.support.helper"
local nginx = require "spec.support.nginx"

describe("in nginx's workers two coroutines that read one stream", function()
  local sandbox, n

  setup(function()
    sandbox = helper.sandbox { queues = 12, agents = 60, groups = 4 }
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

  local function slow()
    sandbox:clear_faults()
    sandbox:fault { path = "/queues", delay = 0.1, times = 1000 }
  end

  it("have its rows between them", function()
    slow()
    assert.equal("12", n:body "/stream")
  end)

  it("have a merge's between them", function()
    slow()
    assert.equal("12", n:body "/merge")
  end)

  it("are both woken when it is closed", function()
    sandbox:clear_faults()
    sandbox:fault { path = "/queues", hang = true, times = 2 }
    assert.equal("cancelled cancelled", n:body "/close")
  end)

  it("write no error to nginx's log", function() n:assert_quiet() end)
end)

describe("in nginx's workers what one request began to read", function()
  local sandbox, n

  setup(function()
    sandbox = helper.sandbox { queues = 12 }
    n = nginx.start { sandbox = sandbox, init = "shared = {}", locations = {
      ["/begin"] = { content = [[
        shared.stream = client:queues()
        ngx.print(select(2, shared.stream:next(0.2)).code)
      ]] },
      ["/look"] = { content = "ngx.print(select(2, shared.stream:next(0)).message)" },
      ["/timers"] = { content = [[
        local watch, count = client:watch("queues", { metrics = { "handling.rt" } }), 0
        local function read()
          local event, err = watch:next(20)
          count = event and count + 1 or err
          if event and count < 12 then
            return ngx.timer.at(0, read)
          end
          for _ = 1, 3 do
            ngx.timer.at(0, function() shared.last = select(2, watch:next(0.01)).code end)
          end
        end
        ngx.timer.at(0, read)
        while not shared.last do ngx.sleep(0.001) end
        ngx.print(tostring(count), " ", shared.last)
      ]] },
    } }
  end)

  it("ends with it, and says so to another one", function()
    sandbox:fault { path = "/queues", hang = true }
    assert.equal("timeout", n:body "/begin")
    nginx.wait_until("the stream's end", function()
      return n:body "/look" == "closed: the nginx request that read it has ended"
    end)
  end)

  it("goes on with others, if it is a watch", function()
    sandbox:clear_faults()
    assert.equal("12 timeout", n:body "/timers")
  end)

  it("writes no error to nginx's log", function() n:assert_quiet() end)
end)
