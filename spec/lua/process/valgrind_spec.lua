-- Subscriptions that end in every way, under valgrind: nothing is read that was
-- freed or never written, and nothing is lost.
local helper = require "spec.support.helper"
local programs = require "spec.support.programs"

local plain, tls
setup(function()
  plain, tls = programs.sandboxes()
end)

describe("under valgrind, a script whose subscriptions", function()
  local function is_clean(options, script)
    local status, output = helper.run("timeout -s KILL 110 valgrind -q --trace-children=yes --error-exitcode=99 "
      .. "--leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite "
      .. programs.command(options, [[
        local live = ccaas.new(xima)
        local function opened(opts)
          local stream = live:subscribe({ "101", "102" }, opts)
          assert(stream:next(60).type == "open")
          return stream
        end
      ]] .. script))
    assert.equal(0, status, output)
    assert.equal("", output)
  end

  it("are closed, left in mid-loop and collected is clean", function()
    is_clean(plain, [[
      local closed = opened { overflow = "block" }
      assert(closed:next(60).type == "update")
      closed:close()
      for event in opened() do
        if event.type == "update" then break end
      end
      local list = ccaas.new(options):groups()
      local merged = ccaas.merge(opened(), list, ccaas.new(options):watch "queues")
      for _ = 1, 300 do assert(merged:next(60)) end
      merged = nil
      collectgarbage()
      collectgarbage()
      assert(opened():next(60))
      live:close()
    ]])
  end)

  it("are closed by another coroutine while one waits is clean", function()
    is_clean(plain, [[
      local cqueues = require "cqueues"
      local loop = cqueues.new()
      local stream
      loop:wrap(function()
        stream = live:subscribe({ "101" }, { snapshot = false })
        while stream:next() do end
      end)
      loop:wrap(function()
        cqueues.sleep(0.3)
        stream:close()
      end)
      assert(loop:loop())
      live:close()
    ]])
  end)

  it("go on, over TLS, when it ends is clean", function()
    is_clean(tls, "opened() opened():next(60) live:subscribe({ '103' }):next(0)")
  end)

  it("go on when it calls os.exit is clean", function()
    is_clean(plain, "opened() opened():next(60) os.exit(0)")
  end)
end)
