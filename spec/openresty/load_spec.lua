local helper = require "spec.support.helper"
local nginx = require "spec.support.nginx"
local socket = require "socket"

local sandbox

setup(function() sandbox = helper.sandbox { queues = 250, agents = 2500, groups = 30 } end)
before_each(function() sandbox:clear_faults() end)

local function percentile(list, share)
  table.sort(list)
  return list[math.max(1, math.ceil(#list * share))]
end

-- Seconds that the trivial location took, `count` times.
local function probe(n, count)
  local times = {}
  for i = 1, count do
    local began = socket.gettime()
    assert.equal("trivial", n:body "/trivial")
    times[i] = socket.gettime() - began
  end
  return times
end

describe("nginx with a vendor that hangs", function()
  it("serves others at their usual speed, and ends 200 calls at their deadlines", function()
    local init = "shared = { done = 0, wrong = 0, early = 0, late = 0 }"
    local n = nginx.start { sandbox = sandbox, init = init, locations = {
      ["/hang"] = { content = [[
        local threads = {}
        for i = 1, 200 do
          threads[i] = ngx.thread.spawn(function()
            local began = ccaas_now()
            local row, err = client:queue("101", { deadline = 4 })
            local took = ccaas_now() - began
            shared.done = shared.done + 1
            shared.wrong = shared.wrong + (not row and err.code == "timeout" and 0 or 1)
            shared.early = shared.early + (took < 4 and 1 or 0)
            shared.late = math.max(shared.late, took)
          end)
        end
        for i = 1, 200 do
          ngx.thread.wait(threads[i])
        end
        ngx.print(shared.done, " ", shared.wrong, " ", shared.early, " ", shared.late)
      ]] },
      ["/done"] = { content = "ngx.print(shared.done)" },
      ["/warm"] = { content = "ngx.print(#assert(client:groups():all()))" },
    }, http = "init_worker_by_lua_block { ccaas_now = require('ccaas.core').now }" }
    n:body "/warm"
    sandbox:fault { path = "/queues*", hang = true, times = 1000 }
    local usual = percentile(probe(n, 100), 0.5)
    local one = n:open "/hang"
    local under_way = percentile(probe(n, 100), 0.5)
    assert.equal("0", n:body "/done")
    assert.is_true(under_way < 5 * usual + 0.5, usual .. " became " .. under_way)
    local _, body = n:read(one)
    local done, wrong, early, late = body:match("^(%d+) (%d+) (%d+) ([%d.]+)$")
    assert.same({ "200", "0", "0" }, { done, wrong, early })
    assert.is_true(tonumber(late) < 15, late)
    n:stop()
  end)
end)

describe("nginx that reloads its configuration", function()
  local function start(given)
    -- Where sockets and folders of ours go, which nobody else uses.
    given.traces = helper.folder()
    given.main, given.environment = "env TMPDIR;", { TMPDIR = given.traces }
    given.sandbox, given.workers = sandbox, given.workers or 2
    given.locations = {
      ["/walk"] = { content = [[
        local count = 0
        for _ in client:agents { summary = true, size = 250 } do count = count + 1 end
        ngx.print(count)
      ]] },
      ["/abandoned"] = { content = "client:agents({ summary = true, size = 250 }):next() ngx.print 'fine'" },
      ["/traces"] = { content = "ngx.print(os.getenv 'TMPDIR')" },
    }
    local n = nginx.start(given)
    assert.equal(given.traces, n:body "/traces")
    return n, given.traces
  end

  local function nothing_in(folder)
    assert.same({ 0, "" }, { helper.run("ls -A " .. folder) })
  end

  it("under load, again and again: old workers go, every answer is whole, nothing is left", function()
    local n, traces = start {}
    local bodies = { ["/walk"] = "2500", ["/abandoned"] = "fine" }
    for round = 1, 8 do
      local open = {}
      for i = 1, 12 do
        local path = i % 3 == 0 and "/abandoned" or "/walk"
        open[i] = { n:open(path), bodies[path] }
      end
      if round % 2 == 0 then
        n:body "/walk" -- so that some are under way, and some are not begun
      end
      local old = n:reload()
      for _, one in ipairs(open) do
        local status, body = n:read(one[1])
        assert.equal(200, status)
        assert.equal(one[2], body)
      end
      for _, pid in ipairs(old) do
        nginx.wait_until("the end of an old worker", function() return not nginx.runs(pid) end)
      end
    end
    assert.equal("2500", n:body "/walk")
    nginx.wait_until("the old workers' burial", function() return #n:workers() == 2 end)
    local errors = n:errors()
    assert.is_nil(errors:find("exited on signal", 1, true), errors)
    assert.is_nil(errors:find("%[alert%]"), errors)
    assert.is_nil(errors:find("%[error%]"), errors)
    nothing_in(traces)
    n:stop()
    nothing_in(traces)
  end)

  it("many times has no more descriptors or threads than at first", function()
    local n = start { workers = 1 }
    n:body "/walk"
    local files, threads = n:count "fd", n:count "task"
    for _ = 1, 5 do
      local old = n:reload()
      nginx.wait_until("the end of the old worker", function() return not nginx.runs(old[1]) end)
      n:body "/walk"
    end
    nginx.wait_until("letting go of descriptors and threads", function()
      return n:count "fd" <= files + 8 and n:count "task" == threads
    end)
    n:stop()
  end)

  it("and is killed leaves no file", function()
    local n, traces = start {}
    n:body "/walk"
    n:stop "KILL"
    nothing_in(traces)
  end)
end)

describe("nginx with lua_code_cache off", function()
  it("makes everything for each request, and releases it", function()
    local n = nginx.start { sandbox = sandbox, http = "lua_code_cache off;", locations = {
      ["/walk"] = { content = "ngx.print(#assert(client:agents({ summary = true }):all()))" },
      ["/abandoned"] = { content = "client:agents({ summary = true, size = 100 }):next() ngx.print 'fine'" },
    } }
    assert.equal("2500", n:body "/walk")
    local files, threads = n:count "fd", n:count "task"
    for _ = 1, 10 do
      assert.equal("2500", n:body "/walk")
      assert.equal("fine", n:body "/abandoned")
    end
    nginx.wait_until("letting go of all", function()
      return n:count "fd" <= files and n:count "task" <= threads
    end)
    local errors = n:errors()
    assert.is_nil(errors:find("exited on signal", 1, true), errors)
    n:stop()
  end)
end)
