-- Archives every recording of a period, with a progress bar.
--
--   lua5.4 examples/archive.lua DIR FROM TO     (XIMA_HOST and XIMA_TOKEN are set)
--   lua5.4 examples/archive.lua --sandbox DIR   (against the sandbox)
--
-- Stop it at any moment and start it again: nothing is fetched twice.

local ccaas = require "ccaas"
local now = require("ccaas.core").now

local in_sandbox = arg[1] == "--sandbox"
local dir, from, to = arg[1], arg[2], arg[3]
if in_sandbox then
  dir, from, to = arg[2], "2026-06-28T00:00:00Z", "2026-06-29T00:00:00Z"
end
if not dir or not from or not to then
  io.stderr:write("usage: lua5.4 examples/archive.lua DIR FROM TO | --sandbox DIR\n")
  os.exit(2)
end

local client, sandbox
if in_sandbox then
  sandbox = require("ccaas.sandbox").start { recordings = 20000, audio_interval = 0, audio_size = 20000 }
  client = ccaas.new(sandbox:options("xima", { audio_interval = 0 }))
else
  client = ccaas.new { provider = "xima", host = os.getenv("XIMA_HOST"), token = os.getenv("XIMA_TOKEN") }
end

local function clock(seconds)
  local whole = math.floor(seconds)
  return string.format("%d:%02d:%02d", math.floor(whole / 3600), math.floor(whole / 60) % 60, whole % 60)
end

local started = now()

local function show(state)
  local seconds = math.max(now() - started, 1e-3)
  local part = state.total > 0 and state.files / state.total or 1
  local bar = ("#"):rep(math.floor(part * 30)) .. ("."):rep(30 - math.floor(part * 30))
  local left = part > 0 and seconds / part - seconds or 0
  io.stdout:write(string.format("\r[%s] %d/%d files, %.1f MB, %.2f MB/s, %s left ", bar, state.files, state.total,
    state.bytes / 1e6, state.fetched / 1e6 / seconds, clock(left)))
  io.stdout:flush()
end

local result, err = client:archive { from = from, to = to, dir = dir, progress = show }
print()
if result then
  print(string.format("%d files fetched, %d already there, %.1f MB, %d failed",
    result.files, result.skipped, result.bytes / 1e6, #result.failed))
  for _, failure in ipairs(result.failed) do
    print("  " .. tostring(failure.recording.recordingKey) .. ": " .. tostring(failure.error))
  end
end
if sandbox then
  sandbox:stop()
end
if err then
  io.stderr:write(tostring(err), "\n")
  os.exit(1)
end
