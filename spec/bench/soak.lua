-- A soak of live events: for some time websockets are dropped, reset, muted,
-- refused and flooded at random, and readers are slow now and then; at the end
-- every reader's picture is the server's, every loss was told, and memory and
-- descriptors are where they were.
--
--    lua5.4 spec/bench/soak.lua [--seconds 600] [--seed N]
--
-- LUA_PATH and LUA_CPATH must lead to the client, as spec/one.sh has them. Prints
-- its seed, what happened, and at the end `soak: N passed, N failed`; ends with
-- status 1 when something is not as it must be.
local ccaas = require "ccaas"
local core = require "ccaas.core"
local internals = require "ccaas.internals"
local sandboxes = require "ccaas.sandbox"

local options = { seconds = 600, seed = os.time() % 1000000 }
for i = 1, #arg, 2 do
  local name = arg[i]:match("^%-%-(%a+)$")
  options[assert(options[name] and name, "unknown: " .. arg[i])] = assert(tonumber(arg[i + 1]))
end
print(("soak: %d s, --seed %d"):format(options.seconds, options.seed))
math.randomseed(options.seed)

local SILENCE = 1
local MEMORY = 16 * 1024 -- KiB that the process may have grown by, sandbox and its log included
local SETTLE = 60 -- seconds until all must be quiet, at the very most

local passed, failed = 0, 0

local function check(holds, ...)
  if holds then
    passed = passed + 1
  else
    failed = failed + 1
    print("not so: " .. string.format(...))
  end
end

local function memory()
  local status = assert(io.open("/proc/self/status"))
  local size = status:read("*a"):match("VmRSS:%s*(%d+)")
  status:close()
  return tonumber(size)
end

local function descriptors()
  local pipe = assert(io.popen("ls /proc/$PPID/fd | wc -l"))
  local count = tonumber(pipe:read("*a"))
  pipe:close()
  return count
end

local function pause(seconds)
  core.poll(-1, seconds)
end

-- --- readers ------------------------------------------------------------------

local readers = {}

-- One that keeps what it was told, and what must be true of the order.
local function reader(client, name, ids, opts)
  opts.silence = SILENCE
  local self = { name = name, ids = ids, model = {}, downs = 0, gaps = 0, updates = 0, wrong = 0, state = "new" }
  self.stream = client:subscribe(ids, opts)
  readers[self.stream] = self
  return self.stream
end

local steps = {}

function steps.open(self)
  if self.state == "open" then
    self.wrong = self.wrong + 1
  end
  self.state = self.downs > 0 and "gap wanted" or "open"
end

function steps.down(self)
  if self.state ~= "open" and self.state ~= "new" then
    self.wrong = self.wrong + 1
  end
  self.downs, self.state = self.downs + 1, "down"
end

function steps.gap(self, event)
  if self.state ~= "gap wanted" or event.from > event.to then
    self.wrong = self.wrong + 1
  end
  self.gaps, self.state = self.gaps + 1, "open"
end

function steps.update(self, event)
  if self.state ~= "open" then
    self.wrong = self.wrong + 1
  end
  self.updates = self.updates + 1
  self.model[event.metric_id .. "\0" .. (event.category or "")] = event
end

function steps.message(self, event)
  if event.error and event.raw ~= "" then
    self.wrong = self.wrong + 1
  end
end

local function take(merged, seconds)
  local event, stream = merged:next(seconds)
  if not event then
    assert(stream and stream.code == "timeout", tostring(stream))
    return false
  end
  local self = readers[stream]
  local step = steps[event.type]
  if not step then
    error(self.name .. ": " .. tostring(event.error or event.type))
  end
  step(self, event)
  return true
end

-- --- faults -------------------------------------------------------------------

local sandbox = sandboxes.start { agents = 20, seed = options.seed, live = 200 }
local lull -- what ends the fault that is on, and when
local told = {}

local faults = {
  drop = function() sandbox:drop_sockets() end,
  reset = function() sandbox:drop_sockets { reset = true } end,
  close = function() sandbox:drop_sockets { code = 1001, reason = "soak" } end,
  flood = function() sandbox:live { flood = 5000, id = "101" } end,
  fragments = function() sandbox:live { fragments = math.random(1, 3) } end,
  slow = function() pause(math.random() * 0.5) end,
  mute = function()
    sandbox:live { mute = true }
    return 1 + SILENCE, function() sandbox:live { mute = false } end
  end,
  refuse = function()
    sandbox:live { refuse = 503 }
    sandbox:drop_sockets()
    return 0.5, function() sandbox:live { refuse = false } end
  end,
}
local names = {}
for name in pairs(faults) do
  names[#names + 1] = name
end
table.sort(names)

local function make_trouble(now)
  if lull and now >= lull.at then
    lull.stop()
    lull = nil
  elseif not lull then
    local name = names[math.random(#names)]
    told[name] = (told[name] or 0) + 1
    local seconds, stop = faults[name]()
    sandbox:clear_requests() -- it would keep the last 10,000
    lull = { at = now + (seconds or math.random() * 0.6), stop = stop or function() end }
  end
end

-- --- the run ------------------------------------------------------------------

local function new_client()
  local client = ccaas.new(sandbox:options("xima"))
  internals.tune(client, { pause_first = 0.05, pause_most = 0.5 })
  return client
end

-- Whether the reader's picture is the server's.
local function differs(self)
  for _, id in ipairs(self.ids) do
    for _, value in ipairs(sandbox:state { id = id }) do
      local mine = self.model[id .. "\0" .. value.category]
      if not mine or mine.updated_at ~= value.at or mine.kind ~= value.kind then
        return ("%s %s is %s of %s, not %s"):format(id, value.category, value.value, value.at,
          mine and tostring(mine.value) .. " of " .. tostring(mine.updated_at) or "there")
      end
    end
  end
end

local function settle(merged)
  if lull then
    lull.stop()
  end
  sandbox:live { rate = 0, mute = false, refuse = false, fragments = 1, flood = 0 }
  local deadline = core.now() + SETTLE
  repeat
    while take(merged, 0.3) do
      assert(core.now() < deadline, "the events do not end")
    end
    local rest
    for _, self in pairs(readers) do
      rest = rest or self.state ~= "open" and self.name .. " is not open" or differs(self)
    end
  until not rest or core.now() >= deadline
end

local client = new_client()
local merged = ccaas.merge(
  reader(client, "latest", { "101", "102", "103" }, { queue = 32 }),
  reader(client, "block", { "101", "102" }, { queue = 64, overflow = "block" }),
  reader(client, "narrow", { "K0FLAEB6", "101" }, { queue = 1, overflow = "block" }),
  reader(client, "wide", { "101", "102", "103", "104", "105", "K0FLAEB6" }, {}))
for _ = 1, 4 do
  assert(take(merged, 30)) -- the first openings
end

local before = descriptors()
local started = core.now()
local ends = started + options.seconds
local warm, warm_at = nil, started + math.min(20, options.seconds / 3)
local next_trouble = started
while core.now() < ends do
  take(merged, 0.05)
  local now = core.now()
  if now >= next_trouble then
    make_trouble(now)
    next_trouble = now + 0.05
  end
  if not warm and now >= warm_at then
    collectgarbage()
    warm = memory()
  end
end
settle(merged)
local at_end = descriptors()

local list = {}
for name, count in pairs(told) do
  list[#list + 1] = name .. " " .. count
end
table.sort(list)
print("soak: " .. table.concat(list, ", "))
for stream, self in pairs(readers) do
  local info = stream:info()
  print(("soak: %s: %d updates, %d downs, %d gaps, %d conflated, %d stale, %d snapshots"):format(self.name,
    self.updates, self.downs, self.gaps, info.conflated, info.stale, info.snapshots))
  local difference = differs(self)
  check(not difference, "%s: %s", self.name, tostring(difference))
  check(self.wrong == 0, "%s: %d events in a wrong place", self.name, self.wrong)
  check(self.state == "open", "%s is open at the end", self.name)
  check(info.lost == self.downs, "%s: %d losses, %d told", self.name, info.lost, self.downs)
  check(self.gaps == self.downs and info.gaps == self.gaps, "%s: %d gaps of %d", self.name, self.gaps, self.downs)
  check(self.updates > 0, "%s was told nothing", self.name)
end
merged:close()
client:close()
readers = {}
collectgarbage()
collectgarbage()
local grown = memory() - warm
print(("soak: %d KiB after warming up, %+d at the end; descriptors %d, %d at the end"):format(warm, grown, before,
  at_end))
check(grown <= MEMORY, "memory grew by %d KiB", grown)
-- Connections for requests are kept, here and in the sandbox, and goodbyes are
-- waited for; each loss took two of its own.
check(at_end <= before + 32, "%d descriptors, before there were %d", at_end, before)
sandbox:stop()
print(("soak: %d passed, %d failed"):format(passed, failed))
os.exit(failed == 0, true)
