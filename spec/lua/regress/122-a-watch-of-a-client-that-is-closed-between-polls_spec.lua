-- A watch knew that its client is closed only while a poll was under way. Between two
-- of them nobody woke its reader, who then got "the client is closed" raised.
local ccaas = require "ccaas"
local core = require "ccaas.core"
local helper = require "spec.support.helper"

local INTERVAL = 3600

describe("a watch whose client is closed between two polls", function()
  local sandbox

  setup(function() sandbox = helper.sandbox { queues = 2 } end)

  -- Reads in a coroutine until there is nothing; gives it and its descriptor.
  local function read(make)
    local client = ccaas.new(sandbox:options("8x8", { loop = { wait = coroutine.yield } }))
    local stream = make(client:watch("queues", { interval = INTERVAL }))
    local task = coroutine.create(function()
      local event, err
      repeat
        event, err = stream:next()
      until not event or event.type == "error"
      return event and event.error or err
    end)
    while true do
      local _, fd, seconds = assert(coroutine.resume(task))
      -- Beside a poll under way it waits for half of the interval at most.
      if seconds and seconds > INTERVAL / 2 then
        return client, task, fd
      end
      assert.is_true(core.poll(fd, 30))
    end
  end

  for name, make in pairs {
    ["alone"] = function(watch) return watch end,
    ["in a merge"] = ccaas.merge,
  } do
    it("wakes its reader and ends: " .. name, function()
      local client, task, fd = read(make)
      assert.is_false(core.poll(fd, 0))
      client:close()
      assert.is_true(core.poll(fd, 0))
      local _, err = assert(coroutine.resume(task))
      assert.equal("dead", coroutine.status(task))
      assert.equal("cancelled", err.code)
    end)
  end
end)
