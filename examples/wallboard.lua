-- A wallboard for the terminal: queues (waiting, handling, longest wait, lost)
-- and agents by status, live, from either vendor or from both.
--
--   lua5.4 examples/wallboard.lua     a sandbox of its own with live traffic
--
-- With X8_KEY and X8_SECRET (X8_TENANT, X8_REGION), or XIMA_HOST and XIMA_TOKEN
-- in the environment it shows the real ones.  Options:
--
--   --provider 8x8|xima|both   default: those with credentials
--   --once                     draws one picture once the values are there, and ends (cron)
--   --frames N                 ends after N pictures
--   --colour                   even if stdout is not a terminal, and with NO_COLOR
--   --url URL                  a sandbox in another process: examples/sandbox.lua
--   --key, --secret, --tenant, --region, --host, --token
--                              instead of the environment (other users can see arguments)
--
-- Each vendor's names of the columns are in this file.  The thresholds for yellow
-- and red are in wallboard/view.lua.

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or "."
package.path = ("%s/?.lua;%s;%s/../lua/?.lua"):format(here, package.path, here) -- installed, or a checkout's
package.cpath = ("%s;%s/../build/%s/?.so"):format(package.cpath, here, jit and "luajit" or "lua54")

local ccaas = require "ccaas"
local monotonic = require("ccaas.core").now
local model = require "wallboard.model"
local screen = require "wallboard.screen"
local picture_of = require "wallboard.view"

local FRAME = 0.25 -- seconds from one picture to the next, at least
local PATIENCE = 10 -- seconds that --once and --frames wait for values

-- -- Options ---------------------------------------------------------------------

local flags = { once = true, colour = true }
local words = { provider = true, frames = true, url = true, key = true, secret = true, tenant = true, region = true,
  host = true, token = true }

local function usage()
  io.stderr:write("usage: wallboard.lua [--provider 8x8|xima|both] [--once | --frames N] [--colour] [--url URL]\n")
  os.exit(2)
end

local function parse(args)
  local options, i = {}, 1
  while args[i] do
    local name = args[i]:match("^%-%-(.+)$")
    if flags[name] then
      options[name] = true
    elseif words[name] and args[i + 1] then
      i = i + 1
      options[name] = args[i]
    else
      usage()
    end
    i = i + 1
  end
  options.frames = options.once and 1 or options.frames and (tonumber(options.frames) or usage())
  for name, variable in pairs { key = "X8_KEY", secret = "X8_SECRET", tenant = "X8_TENANT", region = "X8_REGION",
    host = "XIMA_HOST", token = "XIMA_TOKEN" } do
    options[name] = options[name] or os.getenv(variable)
  end
  local providers = { ["8x8"] = { "8x8" }, xima = { "xima" }, both = { "8x8", "xima" } }
  if options.provider then
    options.providers = providers[options.provider] or usage()
  else
    local name = options.key and not options.token and "8x8" or options.token and not options.key and "xima"
    options.providers = providers[name or "both"]
  end
  options.sandbox = not (options.key or options.token or options.url)
  return options
end

-- -- The feeds -------------------------------------------------------------------

local x8_fields = { queues = {
  ["interactionsWaitInQueue.rt"] = { "queues", "waiting" },
  ["interactionsHandling.rt"] = { "queues", "handling" },
  ["interactionsLongestWaitInQueue.rt"] = { "queues", "longest" },
  ["abandonedPercentage.today"] = { "queues", "lost" },
}, agents = {
  ["status.rt"] = { "agents", "status" },
} }

-- By a metric's name: the ids are each tenant's own.
local xima_fields = {
  ["Calls in Queue"] = { "queues", "waiting" },
  ["Longest Wait"] = { "queues", "longest" },
  ["Abandon Rate"] = { "queues", "lost" },
  ["Agent State"] = { "agents", "status" },
}

local follow = {}

follow["8x8"] = function(client, board)
  for _, what in ipairs { "queues", "agents" } do
    local fields, metrics = x8_fields[what], {}
    for metric in pairs(fields) do
      metrics[#metrics + 1] = metric
    end
    local stream = client:watch(what, { metrics = metrics })
    board:add(stream, { name = "8x8 " .. what, provider = "8x8", fields = fields,
      polled = true })
  end
end

function follow.xima(client, board)
  local ids, fields, names = {}, {}, {}
  for _, metric in ipairs(assert(client:metrics())) do
    names[#names + 1] = metric.name
    if xima_fields[metric.name] then
      ids[#ids + 1] = metric.id
      fields[metric.id] = xima_fields[metric.name]
    end
  end
  if #ids == 0 then
    error("xima: has none of the metrics of this wallboard; it has " .. table.concat(names, ", "), 0)
  end
  board:add(client:subscribe(ids, { silence = 20 }), { name = "xima", provider = "xima", fields = fields })
end

local function client_of(options, provider, sandbox)
  local of = { provider = provider, token = options.token, host = options.host or options.url and "127.0.0.1",
    base_url = options.url }
  if sandbox then
    of = sandbox:options(provider)
  elseif provider == "8x8" then
    of = { provider = provider, key = options.key, secret = options.secret, tenant = options.tenant,
      region = options.region, token_url = options.url and options.url .. "/oauth/v2/token",
      base_url = options.url and options.url .. "/analytics/cc/v5/realtime-metrics" }
  end
  -- Show a failure soon; the next poll comes anyway.
  of.timeout, of.retries = 10, 1
  return ccaas.new(of)
end

-- -- The loop --------------------------------------------------------------------

-- For a `for`: the events of a stream, and a "tick" every so many seconds, as
-- soon as no event waits (and no later than twice that).
local function ticking(stream, seconds)
  local due = monotonic() + seconds
  return function()
    local now = monotonic()
    if now < due + seconds then
      local event, other = stream:next(math.max(0, due - now))
      if event then
        return event, other
      elseif not other then
        return nil
      elseif other.code ~= "timeout" then
        error(other, 0)
      end
    end
    due = monotonic() + seconds
    return { type = "tick" }
  end
end

local function run(options, open)
  if options.sandbox then
    open.sandbox = require("ccaas.sandbox").start { agents = 20, queues = 12, live = 20 }
  end
  local board, streams = model.new(), {}
  for _, provider in ipairs(options.providers) do
    local client = client_of(options, provider, open.sandbox)
    open[#open + 1] = client
    follow[provider](client, board)
  end
  for _, feed in ipairs(board.feeds) do
    streams[#streams + 1] = feed.stream
  end
  open.screen = screen.new { colour = options.colour, still = options.once }
  open.screen:open()
  local began, frames, drawn, failed = monotonic(), 0, nil, nil
  for event, stream in ticking(ccaas.merge((table.unpack or unpack)(streams)), FRAME) do
    local now = os.time()
    if event.type ~= "tick" then
      board:put(event, stream, now)
      failed = event.error or failed
    elseif not options.frames and (board.changed or drawn ~= now)
      or options.frames and (board:ready() or monotonic() > began + PATIENCE) then
      local columns, lines = open.screen:size()
      open.screen:draw(picture_of(board, columns, lines, now), columns, lines)
      board.changed, drawn, frames = false, now, frames + 1
      if frames == options.frames then
        return
      end
    end
  end
  error(failed or "no feed is left", 0)
end

local options, open = parse(arg), {}
local ok, err = xpcall(function() run(options, open) end, function(err)
  return type(err) == "string" and err:find("^[^ ]+:%d+: ") and debug.traceback(err, 2) or err
end)
if open.screen then
  open.screen:close()
end
for _, client in ipairs(open) do
  client:close()
end
if open.sandbox then
  open.sandbox:stop()
end
if not ok then
  local interrupted = tostring(err):find("interrupted!", 1, true) -- Ctrl-C
  if not interrupted then
    io.stderr:write(tostring(err), "\n")
  end
  os.exit(interrupted and 130 or 1)
end
