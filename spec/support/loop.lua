-- What every loop has to do, as tests: `contract(loop)` inside of a `describe`.
--
-- `loop` is how a spec speaks of it: `option` (for ccaas.new), `run(list)` (runs
-- functions, each in a coroutine, until all have ended), `turn()` (lets the
-- others have one) and `alone` (it knows no others).
local busted = require "busted"
local ccaas = require "ccaas"
local core = require "ccaas.core"
local helper = require "spec.support.helper"
local lfs = require "lfs"

-- busted gives these to spec files only.
local describe, it = busted.describe, busted.it
local assert = require "luassert"
local setup, before_each, after_each = busted.setup, busted.before_each, busted.after_each

-- Descriptors that are no sockets (those belong to connections, which are kept).
local function descriptors()
  collectgarbage()
  collectgarbage()
  local count = 0
  for name in lfs.dir "/proc/self/fd" do
    local target = lfs.symlinkattributes("/proc/self/fd/" .. name, "target")
    if target and target:find("^anon_inode:") then
      count = count + 1
    end
  end
  return count
end

-- Threads let go of theirs a moment later, as some may have had to before.
local function no_more_than(count)
  local ends = core.now() + 10
  while descriptors() > count and core.now() < ends do
    core.poll(-1, 0.01)
  end
  local left = descriptors()
  assert.is_true(left <= count, left .. " instead of " .. count)
end

local function busy(seconds)
  local ends = core.now() + seconds
  repeat until core.now() > ends
end

return function(loop)
  local sandbox, client, xima
  local problem -- what one of the functions that run raised, in a table

  local function new(provider, options)
    local given = { loop = loop.option, audio_interval = provider == "xima" and 0 or nil }
    for name, value in pairs(options or {}) do
      given[name] = value
    end
    return ccaas.new(sandbox:options(provider, given))
  end

  -- Runs functions in the loop to their ends; what one raises is raised.
  local function run(...)
    local tasks, left = {}, select("#", ...)
    problem = nil
    for i, f in ipairs { ... } do
      tasks[i] = function()
        local fine, raised = pcall(f)
        problem = problem or not fine and { raised }
        left = left - 1
      end
    end
    loop.run(tasks)
    if problem then
      error(problem[1], 0)
    end
    assert.equal(0, left)
  end

  -- One that failed keeps nobody waiting.
  local function turn_until(condition)
    while not condition() and not problem do
      loop.turn()
    end
  end

  -- What `next` says of a stream that another coroutine closes while it waits.
  local function closed_while_waiting(stream, close)
    local outcome, waits
    run(function()
      waits = true
      outcome = { stream:next() }
    end, function()
      turn_until(function() return waits end)
      for _ = 1, 20 do
        loop.turn()
      end
      assert.is_nil(outcome, "it did not wait")
      close()
    end)
    assert.is_nil(outcome[1])
    return outcome[2].code
  end

  setup(function()
    sandbox = helper.sandbox { agents = 60, queues = 12, groups = 4, recordings = 30, audio_interval = 0 }
  end)

  before_each(function()
    client, xima = new "8x8", new "xima"
  end)

  after_each(function()
    client:close()
    xima:close()
    sandbox:clear_faults()
  end)

  describe("lets a stream", function()
    it("be walked to its end", function()
      run(function()
        assert.equal(60, #assert(client:agents { summary = true, size = 7 }:all()))
      end)
    end)

    it("be walked outside of it, too", function()
      assert.equal(12, #assert(client:queues { size = 5 }:all()))
    end)

    it("go on after a time-out", function()
      sandbox:fault { path = "/queues", hang = true }
      run(function()
        local stream, timeouts, rows = client:queues { timeout = 1 }, 0, 0
        while true do
          local row, err = stream:next(rows == 0 and 0.02 or nil)
          if row then
            rows = rows + 1
          elseif err then
            assert.equal("timeout", err.code)
            assert.truthy(err.message:find("goes on", 1, true), err.message)
            timeouts = timeouts + 1
          else
            break
          end
        end
        assert.equal(12, rows)
        assert.is_true(timeouts > 0)
      end)
    end)

    it("be retried when the pause is over", function()
      sandbox:fault { path = "/queues", status = 503, headers = { ["Retry-After"] = "1" } }
      run(function()
        assert.equal(12, #assert(client:queues():all()))
      end)
    end)

    it("end at its deadline", function()
      sandbox:fault { path = "/queues", hang = true }
      run(function()
        local row, err = client:queues { deadline = 0.2 }:next()
        assert.is_nil(row)
        assert.equal("timeout", err.code)
      end)
    end)

    it("be closed in mid-walk", function()
      run(function()
        local stream = client:agents { summary = true, size = 1 }
        for _ = 1, 5 do
          assert(stream:next())
        end
        stream:close()
        assert.equal("cancelled", select(2, stream:next()).code)
        assert.equal(12, #assert(client:queues():all()))
      end)
    end)

    it("be merged", function()
      run(function()
        local queues, agents = client:queues { size = 3 }, client:agents { summary = true, size = 9 }
        local counts = { [queues] = 0, [agents] = 0 }
        for _, stream in ccaas.merge(queues, agents) do
          counts[stream] = counts[stream] + 1
        end
        assert.same({ 12, 60 }, { counts[queues], counts[agents] })
      end)
    end)

    it("be watched, also with a time-out", function()
      run(function()
        local watch = client:watch("queues", { metrics = { "handling.rt" } })
        for _ = 1, 12 do
          assert.is_true(assert(watch:next()).snapshot)
        end
        assert.equal("timeout", select(2, watch:next(0.02)).code)
        watch:close()
      end)
    end)
  end)

  it("lets audio come in pieces", function()
    run(function()
      local row = assert(xima:recordings { from = "2025-06-30", to = "2026-06-30" }:next())
      local whole, pieces = assert(xima:audio(row)), {}
      assert(xima:audio(row, { sink = function(piece) pieces[#pieces + 1] = piece end }))
      assert.is_true(#whole > 0)
      assert.is_true(whole == table.concat(pieces))
    end)
  end)

  it("lets a token function wait, which others wait for", function()
    local options, asked = sandbox:options "xima", 0
    local asking = new("xima", { token = function()
      asked = asked + 1
      loop.turn()
      return options.token
    end })
    local counts = {}
    local function walk(i)
      return function() counts[i] = #assert(asking:agents():all()) end
    end
    run(walk(1), walk(2))
    asking:close()
    assert.same({ 60, 60 }, counts)
    assert.equal(1, asked)
  end)

  it("leaves no descriptor behind", function()
    local function use()
      sandbox:fault { path = "/groups", hang = true, times = 100 }
      local other = new "8x8"
      local held = {}
      run(function()
        assert(other:queues { size = 1 }:all())
        held[1] = other:groups()
        assert.equal("timeout", select(2, held[1]:next(0.01)).code)
        held[2] = ccaas.merge(other:queues(), other:groups())
        repeat until not held[2]:next(0.2)
        assert.equal("not_found", select(2, other:queue "none").code)
      end, function()
        assert.equal("timeout", select(2, other:groups { deadline = 0.05 }:next()).code)
      end)
      held[2]:close()
      other:close()
      sandbox:clear_faults()
    end
    use()
    local before = descriptors()
    for _ = 1, 3 do
      use()
    end
    no_more_than(before)
  end)

  if loop.alone then
    return
  end

  it("lets two streams progress together", function()
    local counts = { 0, 0 }
    local function walk(i)
      return function()
        for _ in client:queues { size = 1, concurrency = 1 } do
          counts[i] = counts[i] + 1
          turn_until(function() return counts[3 - i] >= counts[i] - 1 end)
        end
      end
    end
    run(walk(1), walk(2))
    assert.same({ 12, 12 }, counts)
  end)

  it("lets others go on while one waits, which is woken when it is closed", function()
    sandbox:fault { path = "/groups", hang = true, times = 100 }
    local stream = client:groups()
    assert.equal("cancelled", closed_while_waiting(stream, function()
      assert.equal(60, #assert(client:agents { summary = true, size = 9 }:all()))
      stream:close()
    end))
  end)

  it("wakes all who wait for a client that is closed", function()
    sandbox:fault { path = "/groups", hang = true, times = 100 }
    local codes, other = {}, new "8x8"
    local function wait(i)
      return function() codes[i] = select(2, other:groups():next()).code end
    end
    run(wait(1), wait(2), function()
      assert.equal("timeout", select(2, other:groups():next(0.05)).code)
      other:close()
    end)
    assert.same({ "cancelled", "cancelled" }, codes)
  end)

  it("wakes who waits for a merge or a watch that is closed", function()
    sandbox:fault { path = "/groups", hang = true, times = 100 }
    local merged, watch = ccaas.merge(client:groups(), client:groups()), client:watch "groups"
    assert.equal("cancelled", closed_while_waiting(merged, function() merged:close() end))
    assert.equal("cancelled", closed_while_waiting(watch, function() watch:close() end))
  end)

  it("has an error in the coroutine whose stream it is", function()
    sandbox:fault { path = "/groups", status = 403, times = 100 }
    local raised, count
    run(function()
      raised = select(2, pcall(function()
        for _ in client:groups() do
          error("a row")
        end
      end))
    end, function()
      count = #assert(client:queues { size = 2 }:all())
    end)
    assert.equal("forbidden", raised.code)
    assert.equal(12, count)
  end)

  it("lets two readers share one stream", function()
    for _, merged in ipairs { false, true } do
      local stream, seen, count = client:agents { summary = true, size = 2 }, {}, 0
      stream = merged and ccaas.merge(stream) or stream
      local function read()
        for row in stream do
          assert.is_nil(seen[row.id])
          seen[row.id], count = true, count + 1
        end
      end
      run(read, read, read)
      assert.equal(60, count)
    end
  end)

  it("gives others a turn while rows are at hand", function()
    local turns, over = 0, false
    run(function()
      for _ in client:agents { summary = true } do -- one page
        busy(0.003)
      end
      over = true
    end, function()
      turn_until(function()
        turns = turns + 1
        return over
      end)
    end)
    assert.is_true(turns >= 50, turns)
  end)
end
