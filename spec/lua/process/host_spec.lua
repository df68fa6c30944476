-- A guest in the host's process: what a program keeps as it was, seen from outside.
local ccaas = require "ccaas"
local lfs = require "lfs"
local programs = require "spec.support.programs"

local succeeds, WORK = programs.succeeds, programs.WORK

local plain, tls
setup(function()
  plain, tls = programs.sandboxes()
end)

describe("a program that uses a client", function()
  it("has the same signal dispositions and mask before, meanwhile and after", function()
    for _, options in ipairs { plain, tls } do
      local output = succeeds(options, WORK .. [[
        -- Without 32 and 33, which are the C library's own.
        local function mask(status, name)
          local high, low = status:match(name .. ":%s*(%x%x%x%x%x%x%x%x)(%x%x%x%x%x%x%x%x)")
          high, low = tonumber(high, 16), tonumber(low, 16)
          return ("%x %x"):format(high - high % 2, low % 2 ^ 31)
        end
        local function signals()
          local status = read("/proc/self/status")
          return mask(status, "SigBlk"), mask(status, "SigIgn"), mask(status, "SigCgt")
        end
        local function check(what, blocked, ignored, caught)
          local b, i, c = signals()
          assert(b == blocked and i == ignored and c == caught,
            table.concat({ what, blocked, b, ignored, i, caught, c }, " "))
        end
        local blocked, ignored, caught = signals()
        local client = ccaas.new(options)
        local stream = client:groups()
        assert(stream:next())
        check("meanwhile", blocked, ignored, caught)
        local live = ccaas.new(xima)
        assert(live:subscribe({ "101" }):next())
        check("live", blocked, ignored, caught)
        live:close()
        work()
        check("after", blocked, ignored, caught)
        client:close()
        check("closed", blocked, ignored, caught)
        print("fine")
      ]])
      assert.equal("fine\n", output)
    end
  end)

  it("gets every signal itself: the client's threads block them all", function()
    succeeds(tls, WORK .. [[
      local client = ccaas.new(options)
      local stream = client:groups()
      assert(stream:next())
      local live = ccaas.new(xima):subscribe { "101" }
      assert(live:next())
      local file = io.open("/proc/self/stat")
      local pid, others = file:read("*n"), 0
      file:close()
      for task in io.popen("ls /proc/" .. string.format("%d", pid) .. "/task"):lines() do
        if tonumber(task) ~= pid then
          local mask = read("/proc/self/task/" .. task .. "/status"):match("SigBlk:%s*(%x+)")
          -- The C library keeps 32 and 33 for itself, SIGKILL and SIGSTOP cannot be blocked.
          assert(mask:sub(-8):lower() == "7ffbfeff" or mask:sub(-8):lower() == "fffbfeff", mask)
          others = others + 1
        end
      end
      assert(others >= 2)
    ]])
  end)

  it("survives a connection that the server has closed, with SIGPIPE as it was", function()
    succeeds(tls, [[
      options.retries = 2
      local client = ccaas.new(options)
      for _ = 1, 5 do
        assert(client:queue("101"))
        collectgarbage()
      end
    ]])
  end)

  it("has its locale, environment, umask and working directory as they were", function()
    succeeds(tls, WORK .. [[
      local function state()
        local pipe = io.popen("env | grep -v '^_=' | sort; umask; pwd")
        local text = pipe:read("*a")
        pipe:close()
        return text .. os.setlocale(nil)
      end
      local before = state()
      work()
      assert(state() == before, before .. "\n--\n" .. state())
    ]], nil, "umask 0137; FOO=bar %s")
  end)

  it("gets nothing on its output, whatever goes wrong", function()
    assert.equal("", succeeds(plain, WORK .. "work()"))
    assert.equal("", succeeds(tls, WORK .. "work()"))
    assert.equal("", succeeds(tls, [[
      options.ca_file = nil
      local client = ccaas.new(options)
      local row, err = client:queue("101")
      assert(not row and err.code == "tls", tostring(err))
    ]]))
  end)
end)

it("is left by this spec's own process as it was", function()
  local path = "/proc/self/task"
  local before = 0
  for name in lfs.dir(path) do
    before = before + (name:match("^%d+$") and 1 or 0)
  end
  local client = ccaas.new { provider = "8x8", key = "k", secret = "s", base_url = "http://127.0.0.1:9" }
  client:queues():close()
  client:close()
  local after = 0
  for name in lfs.dir(path) do
    after = after + (name:match("^%d+$") and 1 or 0)
  end
  assert.equal(before, after)
end)
