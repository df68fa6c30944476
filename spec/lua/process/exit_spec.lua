-- A guest in the host's process: how a script ends.
local helper = require "spec.support.helper"
local programs = require "spec.support.programs"

local run, succeeds = programs.run, programs.succeeds

local plain, tls
setup(function()
  plain, tls = programs.sandboxes()
end)

describe("a script that ends in the middle of a stream", function()
  -- Some rows of one stream are read, another has not begun, a third hangs;
  -- subscriptions are open, opening and not read.
  local middle = [[
    local client = ccaas.new(options)
    local stream, other = client:groups(), client:agents { summary = true, size = 10 }
    assert(stream:next())
    assert(other:next())
    assert(not client:agents_in_queue_groups { deadline = 0.02 })
    local third = client:queues { size = 1 }
    third:next(0)
    local live = ccaas.new(xima)
    local board, late, idle = live:subscribe { "101" }, live:subscribe { "102" }, live:subscribe { "103" }
    assert(board:next().type == "open")
    assert(board:next().type == "update")
    late:next(0)
  ]]

  -- Runs the script so many times (a fifth of that below a sanitizer); each must
  -- give this status, within 5 s.
  local function all_give(times, status, options, ending)
    times = helper.is_sanitized and math.floor(times / 5) or times
    local command = programs.command(options, middle .. ending)
    local file = helper.folder() .. "/script"
    local out = assert(io.open(file, "w"))
    out:write("exec timeout -s KILL 30 " .. command .. "\n")
    out:close()
    local _, output = helper.run(([[
      one() { sh %s >/dev/null 2>&1; echo $?; }
      i=0
      while [ $i -lt %d ]; do one & one; wait; i=$((i + 2)); done
    ]]):format(file, times))
    local counts = {}
    for given in output:gmatch("%d+") do
      counts[tonumber(given)] = (counts[tonumber(given)] or 0) + 1
    end
    assert.same({ [status] = times }, counts)
  end

  it("by os.exit keeps its status, many times over TLS", function()
    all_give(100, 7, tls, "os.exit(7)")
  end)

  it("by os.exit with its state closed keeps its status, over TLS", function()
    all_give(20, 7, tls, "os.exit(7, true)")
  end)

  it("by its own end gives 0, over TLS", function()
    all_give(20, 0, tls, "")
  end)

  it("by an error gives 1, over TLS", function()
    all_give(20, 1, tls, "error('no more')")
  end)

  it("keeps its status without TLS too", function()
    all_give(10, 7, plain, "os.exit(7)")
    all_give(10, 7, plain, "os.exit(7, true)")
    all_give(10, 0, plain, "")
    all_give(10, 1, plain, "error('no more')")
  end)

  it("ends at once, whatever is running", function()
    for _, ending in ipairs { "os.exit(0)", "os.exit(0, true)", "" } do
      local output = succeeds(tls, middle .. [[
        local file = io.open("/proc/uptime")
        print(file:read("*n"))
        file:close()
      ]] .. ending, 20, "%s; cut -d' ' -f1 /proc/uptime")
      local before, after = output:match("^([%d.]+)\n([%d.]+)\n")
      assert.is_true(tonumber(after) - tonumber(before) < 3, output)
    end
  end)

  it("by a signal dies of that signal", function()
    local status = run(tls, middle .. [[
      local file = io.open("/proc/self/stat")
      os.execute("kill -TERM " .. file:read("*n"))
      os.execute("sleep 5")
    ]])
    assert.is_true(status == 128 + 15 or status == 15, tostring(status))
  end)
end)
