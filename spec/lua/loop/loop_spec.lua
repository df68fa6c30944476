-- The option `loop`: names, functions of one's own, and what is said of those that
-- cannot be had.  What the loops do is in the files beside it.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local core = require "ccaas.core"

local function new(loop)
  return ccaas.new { provider = "xima", host = "acme.xima.cloud", token = "T", loop = loop }
end

local function raised(loop)
  local fine, message = pcall(new, loop)
  assert.is_false(fine)
  assert.matches("loop_spec.lua:%d+: loop: ", message)
  return message
end

describe("the option `loop`", function()
  it("takes a name, functions, or nothing", function()
    for _, loop in ipairs { "blocking", "cqueues", "luv", { wait = print }, { wait = print, pause = print } } do
      new(loop):close()
    end
    new(nil):close()
  end)

  it("knows its names, and suggests the nearest one", function()
    assert.matches("did you mean \"cqueues\"", raised "cqueue")
    assert.matches("known: .*blocking.*copas.*cqueues.*luv", raised "libdispatch")
  end)

  it("must have a function `wait`", function()
    assert.matches("function `wait`", raised {})
    assert.matches("`pause` must be a function", raised { wait = print, pause = true })
    assert.matches("got a number", raised(7))
  end)

  it("names a missing module at once", function()
    for _, name in ipairs { "cqueues", "luv", "copas" } do
      local status, output = helper.run(helper.command(([[
        package.loaded.%s, package.preload.%s = nil, function() error "not here" end
        require("ccaas").new { provider = "xima", host = "acme.xima.cloud", token = "T", loop = %q }
      ]]):format(name, name, name)))
      assert.are_not.equal(0, status)
      assert.truthy(output:find(("loop: %q needs the module %s, which cannot be loaded: "):format(name, name), 1, true),
        output)
    end
  end)

  it("loads no module by default", function()
    local status, output = helper.run(helper.command [[
      local ccaas, sandbox = require "ccaas", require "ccaas.sandbox"
      local sb = sandbox.start { agents = 5 }
      assert(ccaas.new(sb:options "8x8"):agents { summary = true }:all())
      for _, name in ipairs { "cqueues", "luv", "copas", "socket" } do
        assert(not package.loaded[name], name)
      end
    ]])
    assert.equal(0, status, output)
  end)
end)

describe("a loop that must know what is read", function()
  local internals = require "ccaas.internals"
  local sandbox, client, told

  -- Tells it of something until it says that it knows.
  local function begin(bell)
    told[#told + 1] = bell
    return #told > 1
  end

  before_each(function()
    sandbox, told = helper.sandbox { queues = 3, agents = 2 }, {}
    client = ccaas.new(sandbox:options "8x8")
    internals.of(client).begin = begin
  end)

  after_each(function() client:close() end)

  local function check(stream, ...)
    for _, step in ipairs { ... } do
      step(stream)
    end
    assert.equal(2, #told)
    assert.equal(told[1], told[2])
    stream:close()
  end

  local function look(stream) return stream:next(0) end
  local function read(stream) return assert(stream:next(20)) end

  it("is told of a stream before it is read, and again until it knows", function()
    check(client:queues(), look, look, read, read)
  end)

  it("is told in a `for`, too", function()
    check(client:queues(), function(stream)
      local rows = 0
      for _ in stream do
        rows = rows + 1
        assert.is_true(#told > 0)
      end
      assert.equal(3, rows)
    end)
  end)

  it("is told of a watch and of a merge", function()
    check(client:watch("queues", { metrics = { "handling.rt" } }), look, look, read)
    told = {}
    check(ccaas.merge(client:queues(), client:agents { summary = true }), look, look, read, read)
  end)
end)

describe("core.alarm", function()
  it("is readable when its time is up, or when its descriptor is", function()
    local alarm = core.alarm(-1, 0)
    assert.is_true(core.poll(alarm:fd(), 10))
    local late = core.alarm(-1, 1000)
    assert.is_false(core.poll(late:fd(), 0))
    local both = core.alarm(alarm:fd(), 1e12)
    assert.is_true(core.poll(both:fd(), 10))
    for _, one in ipairs { both, late, alarm } do
      one:close()
      one:close()
      assert.equal(-1, one:fd())
    end
  end)

  it("says why it cannot be", function()
    local alarm, reason = core.alarm(9999, 1)
    assert.is_nil(alarm)
    assert.matches("ad file", reason)
  end)
end)

-- `next(math.huge)` had the loop wait for so many seconds, which luv's and copas's
-- timers do not take; and a watch could have such an interval.
describe("waiting for math.huge seconds", function()
  local sandbox, client

  setup(function()
    sandbox = helper.sandbox { queues = 2, agents = 1, groups = 1 }
    client = ccaas.new(sandbox:options("8x8", { loop = { wait = function(fd, seconds)
      assert(not seconds or seconds < math.huge, "the loop is to wait for ever by a number")
      return core.poll(fd, seconds)
    end } }))
  end)
  teardown(function() client:close() end)

  it("waits without a limit, for rows", function()
    assert.is_string(assert(client:queues():next(math.huge)).id)
  end)

  it("waits without a limit, for events", function()
    local merged = ccaas.merge(client:queues())
    assert.is_string(assert(merged:next(math.huge)).id)
    merged:close()
  end)

  it("is not an interval of a watch", function()
    local ok, message = pcall(client.watch, client, "queues", { interval = math.huge, metrics = { "handling.rt" } })
    assert.is_false(ok)
    assert.is_truthy(tostring(message):find("interval", 1, true))
  end)
end)

-- An infinite number of seconds was refused by luv's timers and by the alarms for
-- copas: "next" raised, although the other loops took it.
describe("next", function()
  local sandbox

  setup(function() sandbox = helper.sandbox { queues = 4, agents = 5, groups = 2 } end)

  for _, name in ipairs { "blocking", "cqueues", "luv", "copas" } do
    if name ~= "copas" or rawget(_G, "jit") then
      for _, seconds in ipairs { math.huge, 1e300, 1e12 } do
        it(("may be told to wait %g s, with %s"):format(seconds, name), function()
          local client = ccaas.new(sandbox:options("8x8", { loop = name }))
          assert.truthy(assert(client:queues():next(seconds)).id)
          assert.truthy(assert(ccaas.merge(client:queues()):next(seconds)).id)
          client:close()
        end)
      end
    end
  end

  it("sets alarms that end in time, or never", function()
    for _, seconds in ipairs { math.huge, 1e300, 1e12 } do
      local alarm = assert(core.alarm(-1, seconds))
      assert.is_false(core.poll(alarm:fd(), 0))
      alarm:close()
    end
    local alarm = assert(core.alarm(-1, -1))
    assert.is_true(core.poll(alarm:fd(), 10))
    alarm:close()
  end)
end)
