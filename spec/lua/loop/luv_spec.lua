-- loop = "luv".
local ccaas = require "ccaas"
local contract = require "spec.support.loop"
local helper = require "spec.support.helper"
local luv = require "luv"

local function run(tasks)
  for _, task in ipairs(tasks) do
    coroutine.wrap(task)()
  end
  luv.run()
end

-- Not before the loop has looked at its descriptors.
local function turn()
  local me, is_main = coroutine.running()
  if me and not is_main then
    local check, idle = luv.new_check(), luv.new_idle()
    idle:start(function() end)
    check:start(function()
      check:close()
      idle:close()
      coroutine.resume(me)
    end)
    coroutine.yield()
  end
end

describe("the loop \"luv\"", function()
  contract { option = "luv", run = run, turn = turn }

  local sandbox, client

  setup(function() sandbox = helper.sandbox { agents = 10, queues = 5, groups = 2 } end)
  before_each(function() client = ccaas.new(sandbox:options("8x8", { loop = "luv" })) end)
  after_each(function() client:close() end)

  it("tells a callback that it cannot wait", function()
    local fine, message
    local timer = luv.new_timer()
    timer:start(0, 0, function()
      timer:close()
      fine, message = pcall(function() return client:queues():next() end)
    end)
    luv.run()
    assert.is_false(fine)
    assert.matches("luv_spec.*use a coroutine", message)
  end)

  it("tolerates a coroutine that the program resumes", function()
    local count
    local reader = coroutine.create(function() count = #assert(client:queues():all()) end)
    coroutine.resume(reader)
    coroutine.resume(reader)
    coroutine.resume(reader)
    luv.run()
    assert.equal(5, count)
  end)

  it("keeps nothing alive when all streams have ended", function()
    run { function()
      client:queues():all()
      client:queues():next(0.001)
      client:close()
    end }
    luv.run("nowait")
    assert.is_false(luv.loop_alive())
  end)
end)

describe("what a coroutine of luv raises", function()
  it("ends the process with its message, as luv has it", function()
    local status, output = helper.run(helper.command [[
      local ccaas, luv, sandbox = require "ccaas", require "luv", require "ccaas.sandbox"
      local sb = sandbox.start { agents = 5 }
      local client = ccaas.new(sb:options("8x8", { loop = "luv" }))
      coroutine.wrap(function() for _ in client:group_agents("none") do end end)()
      luv.run()
    ]])
    assert.are_not.equal(0, status)
    assert.truthy(output:find("not_found", 1, true), output)
  end)
end)
