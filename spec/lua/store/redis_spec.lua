-- examples/redis_store.lua against a Redis server that this spec starts, on a
-- unix socket and on nothing else.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local socket = require "socket"

local folder, pid

local function stop()
  if pid then
    helper.run("kill -9 " .. pid)
    pid = nil
  end
end

local function start()
  local _, output = helper.run(([[
    redis-server --port 0 --unixsocket %s/socket --unixsocketperm 700 --save '' --appendonly no --daemonize no \
      --dir %s >%s/log 2>&1 </dev/null &
    echo $!
  ]]):format(folder, folder, folder))
  pid = assert(output:match("%d+"), output)
  local ends = socket.gettime() + 30
  while true do
    local probe = require "socket.unix"()
    local up = probe:connect(folder .. "/socket")
    probe:close()
    if up then
      return
    end
    assert(socket.gettime() < ends, helper.run("cat " .. folder .. "/log"))
    socket.sleep(0.01)
  end
end

setup(function()
  folder = helper.folder()
  helper.at_end(stop)
  start()
end)

local function new_store(options)
  options = options or { path = folder .. "/socket" }
  return dofile(helper.top .. "/examples/redis_store.lua")(options)
end

local function row()
  return server.answer(server.row("1"))
end

describe("examples/redis_store.lua", function()
  it("gets, sets, adds and deletes values of any bytes", function()
    local store = new_store()
    assert.is_nil(store.get("k"))
    for _, value in ipairs { "v", "", "two\r\nlines", "\0\255" } do
      assert.equal("OK", store.set("k", value, 60))
      assert.equal(value, store.get("k"))
    end
    local added, reason = store.add("k", "w", 60)
    assert.is_nil(added)
    assert.is_nil(reason)
    assert(store.delete("k"))
    assert(store.add("k", "w", 60))
    assert.equal("w", store.get("k"))
    assert(store.delete("k"))
  end)

  it("forgets what is over, to the millisecond", function()
    local store = new_store()
    assert(store.set("short", "v", 0.05))
    socket.sleep(0.08)
    assert.is_nil(store.get("short"))
    assert(store.add("short", "v", 60))
    assert(store.delete("short"))
  end)

  it("shares one token among processes", function()
    local sandbox = helper.sandbox { agents = 5, queues = 5, groups = 2 }
    local children = {}
    for i = 1, 4 do
      local options = {}
      for name, value in pairs(sandbox:options("8x8")) do
        options[#options + 1] = ("%s = %q"):format(name, value)
      end
      children[i] = io.popen(helper.command(([[
        local ccaas = require "ccaas"
        local client = ccaas.new { %s, store = dofile(%q) { path = %q } }
        for _ = 1, 20 do
          assert(client:queue("101"))
        end
        print "good"
      ]]):format(table.concat(options, ", "), helper.top .. "/examples/redis_store.lua", folder .. "/socket"))
        .. " 2>&1")
    end
    for _, child in ipairs(children) do
      assert.equal("good\n", child:read("*a"))
      child:close()
    end
    local tokens = 0
    for _, request in ipairs(sandbox:requests()) do
      tokens = tokens + (request.path == "/oauth/v2/token" and 1 or 0)
    end
    assert.equal(1, tokens)
  end)

  it("loses no call while the server is down, says so, and connects again when it is back", function()
    local s = server.start(row, function() return server.answer '{"access_token":"a-token","expires_in":"1799"}' end)
    local said = {}
    local store = new_store()
    assert(store.set("k", "v", 60))
    local function client(secret)
      return ccaas.new(s:options { secret = secret, store = store, on_event = function(event)
        said[#said + 1] = event.type == "token" and event.reason or nil
      end })
    end
    stop()
    assert(client("one"):queue("1"))
    assert.equal(1, s.tokens)
    assert.matches("store: redis: ", table.concat(said, "|"), 1, true)
    os.remove(folder .. "/socket")
    start()
    said = {}
    assert(client("two"):queue("1"))
    assert.equal("granted", table.concat(said, "|"))
    assert(client("two"):queue("1"))
    assert.equal(2, s.tokens)
  end)

  it("passes on Redis's refusal, and goes on", function()
    local store = new_store()
    local value, reason = store.set("k", "v", 0)
    assert.is_nil(value)
    assert.matches("invalid expire", reason, 1, true)
    assert.equal("OK", store.set("k", "v", 60))
    assert(store.delete("k"))
  end)
end)
