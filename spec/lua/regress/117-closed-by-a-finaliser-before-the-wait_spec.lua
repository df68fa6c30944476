-- The collector may run between any two instructions of ours, and a finaliser of
-- the user's may close what is being read. A stream of events that was closed
-- between its last look and its wait raised "the waitset is closed".
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local socket = require "socket"

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
