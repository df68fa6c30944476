-- The collector runs between any two instructions, and may call finalisers of the
-- user's that close clients and streams which are in use.
local helper = require "spec.support.helper"
local ccaas = require "ccaas"
local socket = require "socket"
local core = require "ccaas.core"
local lfs = require "lfs"

-- Decoding allocates, so the collector may run a finaliser that closes the client
-- or the stream whose record is being decoded: its bytes were freed under it.
describe("a finaliser that runs while a record is decoded", function()
  local sandbox

  setup(function()
    sandbox = helper.sandbox { agents = 2000, queues = 3 }
  end)

  for _, what in ipairs { "client", "stream" } do
    it("may close the " .. what, function()
      for round = 1, 10 do
        local client = ccaas.new(sandbox:options("8x8"))
        local stream = client:agents { metrics = { "status.rt", "activeQueues.rt", "timeOnStatus.rt" }, size = 500 }
        assert(stream:next())
        local closed = false
        local guard = helper.with_finaliser(function()
          closed = true;
          (what == "client" and client or stream):close()
        end)
        assert.is_truthy(guard)
        guard = nil -- luacheck: ignore
        local count = 0
        local row, err
        repeat
          row, err = stream:next()
          count = count + (row and 1 or 0)
          if round % 2 == 0 then
            collectgarbage("step", 1)
          end
        until not row
        if closed and count < 1999 then
          assert.equal("cancelled", err.code)
        end
        client:close()
      end
    end)
  end

  it("may close the client whose call is being made", function()
    for _ = 1, 50 do
      local client = ccaas.new(sandbox:options("8x8"))
      local guard = helper.with_finaliser(function() client:close() end)
      assert.is_truthy(guard)
      guard = nil -- luacheck: ignore
      for _ = 1, 200 do
        local ok, stream = pcall(client.agents, client, { metrics = { "status.rt" } })
        if not ok then
          assert.truthy(tostring(stream):find("closed"), tostring(stream))
          break
        end
      end
    end
  end)
end)

-- The collector may run between any two instructions of ours, and a finaliser of
-- the user's may close what is being read. A stream of events that was closed
-- between its last look and its wait raised "the waitset is closed".
describe("a stream that is closed while it is about to wait", function()
  local silent, base

  before_each(function()
    silent = assert(socket.bind("127.0.0.1", 0)) -- takes connections, says nothing
    base = "http://127.0.0.1:" .. select(2, silent:getsockname())
  end)
  after_each(function() silent:close() end)

  local function xima()
    return ccaas.new { provider = "xima", base_url = base, token = "token", retries = 0 }
  end
  local function x8()
    return ccaas.new {
      provider = "8x8", base_url = base, token_url = base, key = "key", secret = "secret", retries = 0,
    }
  end

  local kinds = {
    ["a subscription"] = function(client) return client:subscribe({ "101" }, { snapshot = false }) end,
    ["a merge"] = function(client) return ccaas.merge(client:subscribe({ "101" }, { snapshot = false })) end,
    ["a list"] = function(client) return client:recordings { from = 0, to = 1 } end,
    ["a watch"] = function(client) return client:watch("queues", { interval = 5 }) end,
  }

  -- Reads until there is an update or nothing, and closes the stream meanwhile.
  local function close_everywhere(new_client, make, seconds)
    local count = helper.interrupt_everywhere(function()
      local client = new_client()
      return { client = client, stream = make(client) }
    end, function(made) made.stream:close() end, function(made, was_closed)
      local ok, item, err
      repeat
        ok, item, err = pcall(made.stream.next, made.stream, seconds)
      until not ok or item == nil or item.type == "update"
      assert(ok, tostring(item))
      assert(item or err.code == "timeout" or was_closed() and err.code == "cancelled", tostring(err))
      made.client:close()
    end)
    assert.is_true(count > 20, "too few: " .. count)
  end

  for name, make in pairs(kinds) do
    it("ends: " .. name, function() close_everywhere(name == "a watch" and x8 or xima, make, 0.001) end)
  end

  it("ends wherever it is: a merge with current values to come", function()
    local sandbox = helper.sandbox { agents = 1, queues = 1, groups = 1 }
    close_everywhere(function() return ccaas.new(sandbox:options "xima") end,
      function(client) return ccaas.merge(client:subscribe { "101" }) end, 30)
  end)

  it("ends wherever it is: a watch", function()
    local sandbox = helper.sandbox { agents = 1, queues = 1, groups = 1 }
    close_everywhere(function() return ccaas.new(sandbox:options "8x8") end,
      function(client) return client:watch "queues" end, 30)
  end)
end)

-- The collector calls finalisers newest first: a user's object that is older than
-- its stream of events closes it when what the stream stands on was let go already.
-- That raised (on LuaJIT wherever the program happened to be).
describe("a finaliser that is called after those of what it closes", function()
  local sandbox

  setup(function() sandbox = helper.sandbox { agents = 1, queues = 1, groups = 1 } end)

  local function client(provider) return ccaas.new(sandbox:options(provider)) end

  local kinds = {
    ["a subscription"] = function() return client("xima"):subscribe { "101" } end,
    ["a list"] = function() return client("8x8"):queues() end,
    ["a watch"] = function() return client("8x8"):watch "queues" end,
    ["a merge"] = function() return ccaas.merge(client("xima"):subscribe { "101" }, client("8x8"):queues()) end,
    ["a merge with a watch and a merge"] = function()
      return ccaas.merge(client("8x8"):watch "queues", ccaas.merge(client("8x8"):queues()))
    end,
  }

  -- A table whose `stream` is closed when both are collected.
  local function new_keeper(outcome)
    local kept = {}
    kept.finaliser = helper.with_finaliser(function()
      outcome.closed, outcome.reason = pcall(kept.stream.close, kept.stream)
    end)
    return kept
  end

  -- Leaves a stream to the collector, with a keeper that is older than all of it or,
  -- `later`, than what it makes when it is used.
  local function abandon(make, use, later, outcome)
    local kept = not later and new_keeper(outcome)
    local stream = make()
    kept = kept or new_keeper(outcome)
    kept.stream = stream
    use(stream)
  end

  local uses = {
    ["that was never read"] = function() end,
    ["that was read"] = function(stream) assert(stream:next(30)) end,
    ["that was polled"] = function(stream) assert.is_true(stream:pollfd() >= 0) end,
  }

  for kind, make in pairs(kinds) do
    for used, use in pairs(uses) do
      it("closes " .. kind .. " " .. used, function()
        for _, later in ipairs { false, true } do
          local outcome, ends = {}, core.now() + 30
          abandon(make, use, later, outcome)
          repeat
            collectgarbage()
          until outcome.closed ~= nil or core.now() > ends
          assert.is_true(outcome.closed, tostring(outcome.reason))
        end
      end)
    end
  end
end)

-- A stream of events that is closed just before it waits (by a finaliser, by a hook)
-- gave its loop a descriptor that was closed already: some loops raise then, and in a
-- process with threads the number may be somebody else's by now.
describe("a loop's wait", function()
  local silent, base, closed_ones

  local function wait(fd, seconds)
    if not lfs.symlinkattributes("/proc/self/fd/" .. fd) then
      closed_ones = closed_ones + 1
      return true
    end
    return core.poll(fd, seconds)
  end

  before_each(function()
    silent = assert(socket.bind("127.0.0.1", 0)) -- takes connections, says nothing
    base = "http://127.0.0.1:" .. select(2, silent:getsockname())
    closed_ones = 0
  end)
  after_each(function() silent:close() end)

  local function xima()
    return ccaas.new { provider = "xima", base_url = base, token = "token", retries = 0, loop = { wait = wait } }
  end
  local function x8()
    return ccaas.new { provider = "8x8", base_url = base, token_url = base, key = "key", secret = "secret",
      retries = 0, loop = { wait = wait } }
  end

  local kinds = {
    ["a subscription"] = { xima, function(client) return client:subscribe({ "101" }, { snapshot = false }) end },
    ["a merge"] = { xima, function(client) return ccaas.merge(client:recordings { from = 0, to = 1 }) end },
    ["a list"] = { xima, function(client) return client:recordings { from = 0, to = 1 } end },
    ["a watch"] = { x8, function(client) return client:watch "queues" end },
  }

  for name, kind in pairs(kinds) do
    it("gets no descriptor that is closed: " .. name, function()
      local count = helper.interrupt_everywhere(function()
        local client = kind[1]()
        return { client = client, stream = kind[2](client) }
      end, function(made) made.stream:close() end, function(made)
        local item, err = made.stream:next(0.001)
        assert.is_nil(item)
        assert.is_true(err.code == "timeout" or err.code == "cancelled", tostring(err))
        made.client:close()
      end)
      assert.is_true(count > 20, "too few: " .. count)
      assert.equal(0, closed_ones)
    end)
  end
end)

-- A client that is closed (by a finaliser, by a hook) just before a subscription asks
-- for its values, or a watch begins a poll, raised "the client is closed" out of
-- `next`.
describe("a client that is closed in the middle of anything", function()
  local sandbox

  setup(function() sandbox = helper.sandbox { agents = 1, queues = 1, groups = 1 } end)

  local kinds = {
    ["a subscription"] = { "xima", function(client) return client:subscribe { "101" } end },
    ["a watch"] = { "8x8", function(client) return client:watch "queues" end },
    ["a merge"] = { "xima", function(client) return ccaas.merge(client:subscribe { "101" }) end },
  }

  for name, kind in pairs(kinds) do
    it("ends " .. name, function()
      local count = helper.interrupt_everywhere(function()
        local client = ccaas.new(sandbox:options(kind[1]))
        return { client = client, stream = kind[2](client) }
      end, function(made) made.client:close() end, function(made, was_closed)
        local fine, event, err
        repeat
          fine, event, err = pcall(made.stream.next, made.stream, 30)
        until not fine or event == nil or event.type == "update"
        assert(fine, tostring(event))
        assert(event or not err or was_closed() and err.code == "cancelled", tostring(err))
        made.client:close()
      end)
      assert.is_true(count > 20, "too few: " .. count)
    end)
  end
end)
