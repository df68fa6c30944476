local helper = require "spec.support.helper"
local nginx = require "spec.support.nginx"

-- No collector helps: what is let go is let go by what happened.
local NO_COLLECTOR = "collectgarbage 'stop' shared = {}"

local sandbox, n

-- Starts nginx for some tests; what is hung in there is asked for below.
local function start(given)
  given.sandbox, given.init = sandbox, NO_COLLECTOR .. "\n" .. (given.init or "")
  given.locations["/warm"] = { content = "ngx.print(#assert(client:groups():all()))" }
  n = nginx.start(given)
  assert.equal("30", n:body "/warm")
end

-- Waits until so many requests for a path have come to the sandbox.
local function wait_for_requests(path, count)
  nginx.wait_until(count .. " requests for " .. path, function()
    local found = 0
    for _, request in ipairs(sandbox:requests()) do
      found = found + (request.path:find(path, 1, true) and 1 or 0)
    end
    return found >= count
  end)
end

-- Connections that libcurl keeps for the next request may be that many more.
local KEPT = 8

-- Waits until the workers have no more descriptors than before.
local function wait_for_level(level)
  nginx.wait_until("letting go of descriptors", function() return n:count "fd" <= level end)
end

setup(function() sandbox = helper.sandbox { queues = 250, agents = 2500, groups = 30 } end)
before_each(function()
  sandbox:clear_faults()
  sandbox:clear_requests()
end)

describe("in nginx's workers streams", function()
  setup(function()
    start { locations = {
      ["/side"] = { content = [[
        local stuck = ngx.thread.spawn(function() return client:queues():next() end)
        local counts = {}
        local threads = {}
        for i = 1, 4 do
          threads[i] = ngx.thread.spawn(function() return #assert(client:agents { summary = true }:all()) end)
        end
        for i = 1, 4 do
          counts[i] = select(2, ngx.thread.wait(threads[i]))
        end
        ngx.print(table.concat(counts, " "), " ", coroutine.status(stuck))
        ngx.thread.kill(stuck)
      ]] },
      ["/timeout"] = { content = [[
        local stream = client:queues()
        local row, err = stream:next(0.05)
        ngx.print(tostring(row), " ", err.code, " ", #assert(stream:all()))
      ]] },
      ["/close"] = { content = [[
        local stream = client:queues()
        local waiter = ngx.thread.spawn(function() return stream:next() end)
        ngx.sleep(0.02)
        stream:close()
        local _, row, err = ngx.thread.wait(waiter)
        ngx.print(tostring(row), " ", err.code)
      ]] },
      ["/merge-close"] = { content = [[
        local merged = ccaas.merge(client:queues(), client:queues())
        local waiter = ngx.thread.spawn(function() return merged:next() end)
        ngx.sleep(0.02)
        merged:close()
        local _, row, err = ngx.thread.wait(waiter)
        ngx.print(tostring(row), " ", err.code)
      ]] },
      ["/cancel"] = { content = [[
        for _ = 1, 20 do
          local stream = client:agents { summary = true, size = 50 }
          assert(stream:next())
          stream:close()
        end
        ngx.print "done"
      ]] },
      ["/errors"] = { content = [[
        local careless = ccaas.new(setmetatable({ retries = 0 }, { __index = options }))
        local bad = ngx.thread.spawn(function() return client:queue("nobody") end)
        local good = ngx.thread.spawn(function() return #assert(client:groups():all()) end)
        local _, row, err = ngx.thread.wait(bad)
        ngx.print(tostring(row), " ", err.code, " ", select(2, ngx.thread.wait(good)))
      ]] },
      ["/merge"] = { content = [[
        local counts = { 0, 0 }
        local one, other = client:queues(), client:agents { summary = true, size = 100 }
        for _, from in ccaas.merge(one, other) do
          local at = from == one and 1 or 2
          counts[at] = counts[at] + 1
        end
        ngx.print(counts[1], " ", counts[2])
      ]] },
      ["/watch"] = { content = [[
        local watch, seen, count = client:watch "queues", {}, 0
        local event, err
        repeat
          event, err = watch:next(count < 250 and 10 or 0.05)
          if event and not seen[event.id] then
            seen[event.id], count = true, count + 1
          end
        until not event
        ngx.print(count, " ", err.code)
        watch:close()
      ]] },
      ["/made"] = { content = [[shared.made = client:queues() ngx.print "made"]] },
      ["/read-made"] = { content = "ngx.print(#assert(shared.made:all()))" },
      ["/begun"] = { content = [[shared.begun = client:queues() shared.begun:next(0.01)
        shared.begun_request = true
        while not shared.begun_read do ngx.sleep(0.001) end
        ngx.print "over"]] },
      ["/read-begun"] = { content = [[
        while not shared.begun_request do ngx.sleep(0.001) end
        ngx.print(#assert(shared.begun:all()))
        shared.begun_read = true
      ]] },
    } }
  end)

  it("go on side by side, in a coroutine each", function()
    sandbox:fault { path = "/queues", hang = true }
    assert.equal("2500 2500 2500 2500 running", n:body "/side")
  end)

  it("may be read on after a time-out", function()
    sandbox:fault { path = "/queues", delay = 2 }
    assert.equal("nil timeout 250", n:body "/timeout")
  end)

  it("wake their waiters when they are closed", function()
    sandbox:fault { path = "/queues", hang = true, times = 3 }
    assert.equal("nil cancelled", n:body "/close")
    assert.equal("nil cancelled", n:body "/merge-close")
  end)

  it("that are closed in mid-walk leave nothing behind", function()
    n:body "/cancel"
    local level = n:count "fd"
    for _ = 1, 5 do
      n:body "/cancel"
    end
    wait_for_level(level + KEPT)
  end)

  it("have their errors each in its own coroutine", function()
    assert.equal("nil not_found 30", n:body "/errors")
  end)

  it("are merged", function()
    assert.equal("250 2500", n:body "/merge")
  end)

  it("of events wait for the next poll", function()
    assert.equal("250 timeout", n:body "/watch")
  end)

  it("made in one request may be read in another", function()
    n:body "/made"
    assert.equal("250", n:body "/read-made")
  end)

  it("begun in one request may be read on in another while it lasts", function()
    sandbox:fault { path = "/queues", delay = 2 }
    local first = n:open "/begun"
    assert.equal("250", n:body "/read-begun")
    assert.equal(200, (n:read(first)))
  end)

  it("give way: other requests are served while one is read for long", function()
    local first = n:open "/merge"
    local before = #n:errors()
    for _ = 1, 50 do
      n:body "/trivial"
    end
    assert.equal(200, (n:read(first)))
    assert.equal(before, #n:errors())
  end)

  it("write no error to nginx's log", function() n:assert_quiet() end)
end)

describe("in nginx's workers a stream ends with its request:", function()
  local HANG = [[
    local threads = {}
    for i = 1, 5 do
      threads[i] = ngx.thread.spawn(function() return client:queue("101", { deadline = %s }) end)
    end
    %s
    for i = 1, 5 do
      local _, row, err = ngx.thread.wait(threads[i])
      shared.said = err and err.code
    end
  ]]

  setup(function()
    start { locations = {
      ["/abort"] = { also = "lua_check_client_abort on;", content = HANG:format(60, "") },
      ["/no-abort"] = { content = HANG:format(3, "") },
      ["/said"] = { content = "ngx.print(tostring(shared.said))" },
      ["/exit"] = { content = HANG:format(60, [[
        while not shared.exit do ngx.sleep(0.005) end
        ngx.exit(204)
      ]]) },
      ["/now"] = { content = "shared[ngx.var.arg_what] = true" },
      ["/kill"] = { content = HANG:format(60, [[
        while not shared.kill do ngx.sleep(0.005) end
        for i = 1, 5 do ngx.thread.kill(threads[i]) end
        while not shared.end_kill do ngx.sleep(0.005) end
        do return ngx.print "killed" end
      ]]) },
      ["/walk-exit"] = { content = [[
        for i = 1, 5 do
          assert(client:agents { summary = true, size = 500 }:next())
        end
        ngx.exit(204)
      ]] },
      ["/merge-abort"] = { also = "lua_check_client_abort on;", content = [[
        for i = 1, 2 do
          ngx.thread.spawn(function()
            return ccaas.merge(client:queues(), client:queues(), client:queues()):next()
          end)
        end
      ]] },
    } }
  end)

  local function hang()
    sandbox:fault { path = "/queues*", hang = true, times = 100 }
    return n:count "fd"
  end

  it("a client that goes away, with lua_check_client_abort", function()
    local level = hang()
    local one = n:open "/abort"
    wait_for_requests("/queues", 5)
    assert.is_true(n:count "fd" >= level + 10)
    one:close()
    wait_for_level(level)
    assert.equal("nil", n:body "/said")
  end)

  it("all streams of a merge, too", function()
    local level = hang()
    local one = n:open "/merge-abort"
    wait_for_requests("/queues", 6)
    one:close()
    wait_for_level(level)
  end)

  it("a client that goes away, without it at the deadline", function()
    local level = hang()
    local one = n:open "/no-abort"
    wait_for_requests("/queues", 5)
    one:close()
    nginx.wait_until("the deadline", function() return n:body "/said" == "timeout" end)
    wait_for_level(level)
  end)

  it("ngx.exit while its coroutines wait", function()
    local level = hang()
    local one = n:open "/exit"
    wait_for_requests("/queues", 5)
    n:get "/now?what=exit"
    assert.equal(204, (n:read(one)))
    wait_for_level(level)
  end)

  it("ngx.exit in mid-walk", function()
    assert.equal(204, (n:get "/walk-exit"))
    local level = n:count "fd"
    for _ = 1, 5 do
      assert.equal(204, (n:get "/walk-exit"))
    end
    wait_for_level(level + KEPT)
  end)

  it("a coroutine that is killed, and only its own", function()
    local level = hang()
    local one = n:open "/kill"
    wait_for_requests("/queues", 5)
    n:get "/now?what=kill"
    -- The request's own connection is still there.
    wait_for_level(level + 1)
    n:get "/now?what=end_kill"
    assert.equal("killed", select(2, n:read(one)))
    wait_for_level(level)
  end)
end)

describe("in nginx's workers what an ended request held", function()
  setup(function()
    local given = sandbox:options "xima"
    start {
      init = ([[
        shared.asked = 0
        asking = ccaas.new { provider = "xima", host = %q, base_url = %q, token = function()
          shared.asked = shared.asked + 1
          if shared.asked == 1 then ngx.sleep(60) end
          return %q
        end }
        xima = ccaas.new { provider = "xima", host = %q, base_url = %q, token = %q, audio_interval = 0.01 }
      ]]):format(given.host or "127.0.0.1", given.base_url, given.token, given.host or "127.0.0.1", given.base_url,
        given.token),
      server = "lua_check_client_abort on;",
      locations = {
        ["/ask"] = { content = "ngx.print(#assert(asking:skills():all()))" },
        ["/live"] = { content = [[
          local live = xima:subscribe({ "101" }, { snapshot = false })
          for _ = 1, tonumber(ngx.var.arg_most) do
            ngx.print(assert(live:next()).type)
          end
          ngx.exit(200)
        ]] },
        ["/unwaited"] = { content = [[
          local core = require "ccaas.core"
          local own = require("ccaas.internals").of(xima)
          local live = xima:subscribe({ "101" }, { snapshot = false })
          own.core:rested() -- lest others are given a turn
          assert(select(2, live:next(0)).code == "timeout")
          -- The worker is busy, until the server has answered and a little longer.
          repeat until io.open(ngx.var.arg_file)
          local ends = core.now() + 0.05
          repeat until core.now() > ends
          own.core:rested()
          ngx.print(assert(live:next()).type)
          ngx.exit(200)
        ]] },
        ["/asked"] = { content = "ngx.print(shared.asked)" },
        ["/audio"] = { content = [[
          shared.recording = shared.recording or assert(xima:recordings({ from = 0, to = os.time(), limit = 1 }):next())
          local bytes, err = xima:audio(shared.recording, { deadline = 60 })
          ngx.print(bytes and #bytes == shared.recording.size and "whole" or tostring(err))
        ]] },
      },
    }
  end)

  it("a subscription, is closed", function()
    local status, body = n:get "/live?most=1"
    assert.equal(200, status, n:errors())
    assert.equal("open", body)
    nginx.wait_until("the first socket's end", function() return #sandbox:sockets() == 0 end)
    local one = n:open "/live?most=1000000"
    nginx.wait_until("a socket", function() return #sandbox:sockets() == 1 end)
    one:close()
    nginx.wait_until("the socket's end", function() return #sandbox:sockets() == 0 end)
  end)

  it("a subscription that was never waited for, is closed", function()
    local file = helper.folder() .. "/answered"
    sandbox:set { delay = 1 } -- so that the first look is before the answer
    local one = n:open("/unwaited?file=" .. file)
    nginx.wait_until("a socket", function() return #sandbox:sockets() == 1 end)
    sandbox:set { delay = 0 }
    assert(io.open(file, "w")):close()
    local status, body = n:read(one)
    assert.equal(200, status, n:errors())
    assert.equal("open", body)
    nginx.wait_until("the socket's end", function() return #sandbox:sockets() == 0 end)
  end)

  it("its request for a token, goes to the next", function()
    local first = n:open "/ask"
    nginx.wait_until("the first asking", function() return n:body "/asked" == "1" end)
    local second = n:open "/ask"
    first:close()
    local status, body = n:read(second)
    assert.equal(200, status, n:errors())
    assert.truthy(tonumber(body))
    assert.equal("2", n:body "/asked")
  end)

  it("the only place for a download of audio, goes to the next", function()
    assert.equal("whole", n:body "/audio")
    sandbox:fault { path = "/recordings/*", hang = true }
    sandbox:clear_requests()
    local first = n:open "/audio"
    wait_for_requests("/recordings/", 1)
    local second = n:open "/audio"
    first:close()
    local status, body = n:read(second)
    assert.equal(200, status, n:errors())
    assert.equal("whole", body)
  end)
end)
