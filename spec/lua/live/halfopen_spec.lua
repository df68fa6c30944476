-- Websockets whose other end is gone without a word, and those that are not read
-- for a while: real ones of the sandbox, some through a forwarder that falls
-- silent while its connections stay.
local helper = require "spec.support.helper"
local ccaas = require "ccaas"
local internals = require "ccaas.internals"
local take = require("spec.support.subscription").take
local socket = require "socket"

local SILENCE = 1.5

-- A TCP forwarder in this thread: it works while `pump` is called, which the
-- loop of its clients does. With `silent` it forwards nothing either way.
local function forwarder(port)
  local listener = assert(socket.bind("127.0.0.1", 0))
  listener:settimeout(0)
  local self = { silent = false, port = select(2, listener:getsockname()) }
  local peers, all = {}, { listener } -- peers[connection]: its other side

  local function forget(connection)
    peers[connection] = nil
    connection:close()
    for i = #all, 1, -1 do
      if all[i] == connection then
        table.remove(all, i)
      end
    end
  end

  local function accept()
    local near, far = assert(listener:accept()), assert(socket.connect("127.0.0.1", port))
    for one, other in pairs { [near] = far, [far] = near } do
      peers[one] = other
      one:settimeout(0)
      all[#all + 1] = one
    end
  end

  local function forward(from)
    local to = peers[from]
    local bytes, trouble, part = from:receive(65536)
    bytes = bytes or part
    if to and #bytes > 0 then
      to:settimeout(30)
      to:send(bytes)
      to:settimeout(0)
    end
    if trouble == "closed" then
      forget(from)
      if to then
        forget(to)
      end
    end
  end

  --- Forwards for so long, or until the descriptor is readable: true.
  function self.pump(seconds, fd)
    local ends = seconds and socket.gettime() + seconds
    local wanted = fd and { getfd = function() return fd end, dirty = function() return false end }
    while true do
      local list = { wanted }
      for _, connection in ipairs(self.silent and {} or all) do
        list[#list + 1] = connection
      end
      local left = ends and math.max(0, ends - socket.gettime())
      local ready = socket.select(list, nil, left)
      for _, one in ipairs(ready) do
        if one == wanted then
          return true
        elseif not self.silent and one == listener then
          accept()
        elseif not self.silent and peers[one] then
          forward(one)
        end
      end
      if ends and socket.gettime() >= ends then
        return false
      end
    end
  end

  function self.close()
    for i = #all, 1, -1 do
      all[i]:close()
    end
  end
  return self
end

describe("a websocket", function()
  local sandbox, client, between

  local function start(through)
    sandbox = helper.sandbox { agents = 4, queues = 3, groups = 2 }
    local options = {}
    if through then
      between = forwarder(sandbox.port)
      options.base_url = "http://127.0.0.1:" .. between.port
      options.loop = { wait = function(fd, seconds) return between.pump(seconds, fd) end }
    end
    client = ccaas.new(sandbox:options("xima", options))
    internals.tune(client, { pause_first = 0.01, pause_most = 0.05 })
  end

  local function opened(opts)
    opts.snapshot = false
    local stream = client:subscribe({ "101" }, opts)
    take(stream, "open")
    return stream
  end

  local function push(value)
    assert.equal(1, sandbox:push { id = "101", category = "A", value = value })
  end

  local function wait_for(condition)
    local ends = socket.gettime() + 30
    while not condition() do
      assert(socket.gettime() < ends, "what the spec waits for did not happen")
      if between then
        between.pump(0)
      end
    end
  end

  after_each(function()
    client:close()
    if between then
      between.close()
      between = nil
    end
    sandbox:stop()
  end)

  it("whose server disappears is down for timeout, with a gap from the last sign of life", function()
    start(true)
    local stream = opened { silence = SILENCE }
    push(1)
    assert.equal(1, take(stream, "update").value)
    between.silent = true
    local silent_at = socket.gettime()
    push(2) -- gets lost
    local down = take(stream, "down")
    assert.equal("timeout", down.reason)
    assert.is_true(socket.gettime() - silent_at < SILENCE + 15)
    between.silent = false
    take(stream, "open")
    local gap = take(stream, "gap")
    assert.equal("timeout", gap.reason)
    assert.is_true(gap.from <= silent_at + 1.2, ("%.3f s late"):format(gap.from - silent_at))
    assert.is_true(gap.to >= down.at)
    wait_for(function() return #sandbox:sockets() == 1 end)
    push(3)
    assert.equal(3, take(stream, "update").value)
  end)

  it("that answers pings stays open, however few messages come", function()
    start(true)
    local stream = opened { silence = SILENCE }
    local event, err = stream:next(3 * SILENCE)
    assert.is_nil(event)
    assert.equal("timeout", err.code)
    assert.is_true(sandbox:sockets()[1].pings > 0)
    assert.equal(0, stream:info().lost)
  end)

  it("may be silent for a minute by default", function()
    local core = require "ccaas.core"
    local live, silences = core.subscription, {}
    finally(function() core.subscription = live end)
    function core.subscription(own, plan)
      silences[#silences + 1] = plan.silence
      return live(own, plan)
    end
    start(false)
    client:subscribe("101")
    client:subscribe("101", { silence = 5 })
    assert.same({ 60, 5 }, silences)
  end)

  it("that is not read with overflow = block does not count as silent", function()
    start(true)
    local stream = opened { silence = SILENCE, overflow = "block", queue = 2 }
    for value = 1, 5 do
      push(value)
    end
    wait_for(function() return stream:info().waiting >= 2 end)
    between.silent = true
    between.pump(3 * SILENCE)
    between.silent = false
    for value = 1, 5 do
      assert.equal(value, take(stream, "update").value)
    end
    push(6)
    assert.equal(6, take(stream, "update").value)
    assert.equal(0, stream:info().lost)
  end)

  it("that is reset while it is not read leaves a gap from when reading stopped", function()
    start()
    local stream = opened { overflow = "block", queue = 2 }
    for value = 1, 5 do
      push(value)
    end
    wait_for(function() return stream:info().waiting >= 2 end)
    local stopped = socket.gettime()
    for _ = 1, 20 do
      push(6) -- a while passes
    end
    socket.select(nil, nil, 2)
    sandbox:drop_sockets { reset = true }
    wait_for(function() return #sandbox:sockets() == 0 end)
    local event
    repeat
      event = assert(stream:next(30))
    until event.type ~= "update"
    assert.equal("down", event.type)
    take(stream, "open")
    local gap = take(stream, "gap")
    assert.is_true(gap.from <= stopped + 1.5, ("%.3f s late"):format(gap.from - stopped))
    assert.is_true(gap.to > gap.from)
  end)

  it("that the server closes after everything was read has no gap before the close", function()
    start()
    local stream = opened { overflow = "block", queue = 2 }
    for value = 1, 5 do
      push(value)
    end
    wait_for(function() return stream:info().waiting >= 2 end)
    sandbox:drop_sockets { code = 1001 }
    for value = 1, 5 do
      assert.equal(value, take(stream, "update").value)
    end
    local down = take(stream, "down")
    take(stream, "open")
    assert.equal(down.at, take(stream, "gap").from)
  end)
end)
