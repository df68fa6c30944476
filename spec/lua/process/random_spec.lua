-- 200 coroutines that open, read, close, time out, merge, subscribe, watch and download
-- at random, against a server and a sandbox that are in trouble at random.  Whatever
-- happens: no row comes twice, none after a close, every error is one with a code and a
-- message, everything ends, and descriptors are what they were.
--
-- CCAAS_RANDOM_SEED repeats a run (as far as threads and clocks let it);
-- CCAAS_RANDOM_SECONDS makes it longer.
local ccaas = require "ccaas"
local core = require "ccaas.core"
local cqueues = require "cqueues"
local errors = require "ccaas.error"
local helper = require "spec.support.helper"
local lfs = require "lfs"

local COROUTINES = 200
local SECONDS = tonumber(os.getenv("CCAAS_RANDOM_SECONDS")) or 2
local YEAR = { from = "2025-06-30", to = "2026-06-30" }

local CODES = {}
for code in ("auth forbidden bad_request not_found rate_limited egress_capped server timeout dns connect tls network "
  .. "protocol too_large cancelled io"):gmatch("%S+") do
  CODES[code] = true
end

-- Descriptors but for sockets: of those some stay open for the next request.
local function descriptors()
  local count = 0
  for _ = 1, 4 do
    collectgarbage() -- what a finaliser lets go of has one, too
  end
  for name in lfs.dir("/proc/self/fd") do
    local target = lfs.symlinkattributes("/proc/self/fd/" .. name, "target")
    count = count + (target and not target:find("^socket:") and name:find("%d") and 1 or 0)
  end
  return count
end

-- --- what must hold -----------------------------------------------------------

local function is_error(err)
  assert(errors.is(err), "no error object: " .. tostring(err))
  assert(CODES[err.code], "no such code: " .. tostring(err.code))
  assert(type(err.message) == "string" and err.message ~= "", "no message: " .. tostring(err))
  assert(not tostring(err):find("s3cret", 1, true), "a secret is told")
end

-- Of a call: a value, or an error.
local function is_given(value, err)
  if value == nil then
    is_error(err)
  end
end

local function is_over(stream)
  stream:close()
  local item, err = stream:next(0.01)
  assert(item == nil, "an item after the close")
  if err ~= nil then
    is_error(err)
    assert(not err.message:find("the stream goes on", 1, true), "a stream that is closed goes on")
  end
end

-- Reads a stream of rows, to its end or not, and closes it.
local function read(stream, name, random)
  local seen, most, count = {}, random(0, 80), 0
  while count < most do
    local patience = random() < 0.3 and random() / 50 or nil
    local row, err = stream:next(patience)
    if row == nil and err == nil then
      break
    elseif row == nil then
      is_error(err)
      if not (patience and err.code == "timeout") then
        break
      end
      most = most - 1
    else
      local id = assert(row[name], "a row without its " .. name)
      assert(not seen[id], "twice: " .. id)
      seen[id] = true
      count = count + 1
    end
  end
  is_over(stream)
end

-- Reads events, or what a merge gives.
local function listen(stream, random)
  for _ = 1, random(0, 12) do
    local event, err = stream:next(random() / 20)
    if event == nil then
      if err == nil then
        break
      end
      is_error(err)
      if err.code ~= "timeout" then
        break
      end
    elseif event.type == "error" or event.type == "down" then
      is_error(event.error)
    end
  end
  is_over(stream)
end

-- --- what is done -------------------------------------------------------------

local function steps(world, random)
  local function deadline()
    return 0.05 + random() * 1.2
  end

  local function opts(more)
    more = more or {}
    more.deadline, more.retries, more.timeout = deadline(), random(0, 3), random() < 0.5 and 0.3 or nil
    return more
  end

  local function pages()
    return world.flaky():queues(opts { size = random(1, 25), concurrency = random(1, 3),
      limit = random() < 0.3 and random(0, 70) or nil })
  end

  local function metrics()
    return world.xima():subscribe({ "101", "102" }, { silence = 1, queue = random(1, 20), deadline = deadline(),
      overflow = random() < 0.5 and "block" or "latest" })
  end

  local function watch()
    return world.x8():watch("queues", opts())
  end

  local list = {
    function() read(pages(), "id", random) end,
    function() read(pages(), "id", random) end,
    function() is_given(world.flaky():queue("7", opts())) end,
    function() is_given(world.flaky():request(opts { path = "/queues", query = { page = 0, size = 9 } })) end,
    function() read(world.x8():agents(opts { summary = true, size = random(1, 40) }), "id", random) end,
    function() is_given(world.x8():group("none", opts())) end,
    function() read(world.xima():recordings(opts { from = YEAR.from, to = YEAR.to }), "recordingKey", random) end,
    function() is_given(world.xima():historic_data("1001", opts { from = 0, to = 60 })) end,
    function()
      local row = world.recordings[random(#world.recordings)]
      local path = random() < 0.5 and ("%s/%d.ogg"):format(world.folder, random(9)) or nil
      is_given(world.xima():audio(row, opts { file = path, sink = not path and function() end or nil }))
    end,
    function() listen(metrics(), random) end,
    function() listen(watch(), random) end,
    function()
      local parts = {}
      for i = 1, random(1, 3) do
        parts[i] = ({ pages, metrics, watch })[random(3)]()
      end
      listen(ccaas.merge((table.unpack or unpack)(parts)), random)
    end,
    function() -- closed while another one waits for it
      local stream = ({ pages, metrics, watch })[random(3)]()
      world.controller:wrap(function()
        cqueues.sleep(random() / 20)
        world.try(function() stream:close() end)
      end)
      for _ = 1, 100 do
        local item, err = stream:next(0.2)
        if item == nil and err then
          is_error(err)
        end
        if item == nil and not (err and err.code == "timeout") then
          break
        end
      end
      is_over(stream)
    end,
    function() -- a client that is closed in the middle of a call
      local client = ccaas.new(world.flaky_options)
      world.controller:wrap(function()
        cqueues.sleep(random() / 20)
        world.try(function() client:close() end)
      end)
      local fine, row, err = pcall(client.queue, client, "1", opts())
      assert(fine or tostring(row):find("closed", 1, true), tostring(row))
      if fine then
        is_given(row, err)
      end
    end,
  }
  return function()
    return list[random(#list)]()
  end
end

local function make_trouble(sandbox, random)
  local kinds = {
    function() sandbox:fault { status = ({ 401, 429, 500, 503 })[random(4)], times = random(3) } end,
    function() sandbox:fault { truncate = random(2000), reset = random() < 0.5 } end,
    function() sandbox:fault { reset = true, times = random(3) } end,
    function() sandbox:fault { delay = random() / 5 } end,
    function() sandbox:fault { path = "/reports/*", status = 202, headers = { ["Retry-After"] = "0" } } end,
    function() sandbox:drop_sockets { code = random() < 0.5 and 1001 or nil } end,
    function() sandbox:live { fragments = random(3) } end,
    function() sandbox:expire_tokens() end,
    function() sandbox:push { id = "101", category = "C" .. random(5), value = random(100) } end,
  }
  kinds[random(#kinds)]()
end

describe("a random use of everything", function()
  local seed = tonumber(os.getenv("CCAAS_RANDOM_SEED"))

  local function run(number)
    math.randomseed(number)
    local random = math.random
    local folder = helper.folder()
    local fifo = folder .. "/in"
    assert(helper.run("mkfifo " .. fifo) == 0)
    local pipe = io.popen(("python3 %s/spec/support/flaky_server.py %d < %s"):format(helper.top, number, fifo))
    local input = io.open(fifo, "w")
    local url = "http://127.0.0.1:" .. assert(pipe:read("*l"), "the server did not start")
    local sandbox = require("ccaas.sandbox").start { agents = 60, queues = 20, groups = 5, recordings = 20,
      audio_interval = 0, audio_size = 3000, live = 50, seed = number, ranges = true }
    local flaky = { provider = "8x8", key = "key", secret = "s3cret", base_url = url, token_url = url .. "/token",
      loop = "cqueues" }
    local world = { folder = folder, flaky_options = flaky, controller = cqueues.new() }
    local clients = {}
    for name, options in pairs { flaky = flaky, x8 = sandbox:options("8x8", { loop = "cqueues" }),
      xima = sandbox:options("xima", { loop = "cqueues", audio_interval = 0 }) } do
      clients[name] = { ccaas.new(options), ccaas.new(options) }
      world[name] = function() return clients[name][random(2)] end
    end
    local problems, done = {}, 0
    function world.try(f)
      local fine, problem = xpcall(f, function(why)
        return debug.traceback(tostring(why))
      end)
      if not fine then
        problems[#problems + 1] = problem
      end
      return fine
    end
    local controller = world.controller
    controller:wrap(function()
      world.recordings = assert(clients.xima[1]:recordings(YEAR):all())
    end)
    assert(controller:loop())
    local step, ends = steps(world, random), core.now() + SECONDS
    for _ = 1, COROUTINES do
      controller:wrap(function()
        repeat
          done = done + 1
        until not world.try(step) or core.now() >= ends
      end)
    end
    controller:wrap(function()
      while core.now() < ends do
        make_trouble(sandbox, random)
        cqueues.sleep(0.02)
      end
      sandbox:clear_faults()
    end)
    local limit = core.now() + SECONDS + 60
    while not controller:empty() and core.now() < limit do
      assert(controller:step(1))
    end
    assert(controller:empty(), "not everything ended")
    controller:close() -- of itself it goes when the collector finds it
    for _, pair in pairs(clients) do
      pair[1]:close()
      pair[2]:close()
    end
    sandbox:stop()
    input:close()
    pipe:close()
    assert(#problems == 0, ("%d problems, the first: %s"):format(#problems, tostring(problems[1])))
    assert(done >= COROUTINES)
  end

  for round = 1, seed and 1 or 3 do
    it("leaves nothing behind, the " .. round .. ". time", function()
      local number = seed or (os.time() * 7 + round) % 1000000
      local before = round > 1 and descriptors() -- after the first time its threads are there
      local fine, problem = pcall(run, number)
      assert.is_true(fine, ("CCAAS_RANDOM_SEED=%d: %s"):format(number, tostring(problem)))
      if before then
        local after = descriptors()
        assert.is_true(after <= before, ("CCAAS_RANDOM_SEED=%d: %d, not %d"):format(number, after, before))
      end
    end)
  end
end)
