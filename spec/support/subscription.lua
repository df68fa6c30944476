-- What the specs of subscriptions share: a sandbox and a client of the present
-- test, their subscriptions, and what comes out of them.
local assert = require "luassert"
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local internals = require "ccaas.internals"

local subscription = {}

--- Paths, by which requests are counted and faults are made.
subscription.VALUES = "/rest/api/v1/realtime/metrics/values"
subscription.SOCKET = "/realtime-metric-subscription"

local sandbox, client

--- A sandbox and a client that is soon back; those of the present test from here on.
---@return table sandbox
---@return ccaas.Client
function subscription.start(options, overrides)
  options = options or {}
  options.agents, options.queues, options.groups = options.agents or 4, 3, 2
  sandbox = helper.sandbox(options)
  client = ccaas.new(sandbox:options("xima", overrides))
  internals.tune(client, { pause_first = 0.01, pause_most = 0.05 })
  return sandbox, client
end

--- Ends both.
function subscription.stop()
  if client then
    client:close()
    sandbox:stop()
    client = nil
  end
end

--- A subscription to metric 101, without current values unless told otherwise.
function subscription.subscribe(opts, ids)
  opts = opts or {}
  if opts.snapshot == nil then
    opts.snapshot = false
  end
  return client:subscribe(ids or { "101" }, opts)
end

--- The next event, which must be of that type.
function subscription.take(stream, kind)
  local event, err = stream:next(30)
  assert.is_table(event, tostring(err))
  assert.equal(kind, event.type, tostring(event.error))
  return event
end

--- Its end, which must be an error of that code, with these words in it.
function subscription.fails(stream, code, words)
  local event, err = stream:next(30)
  assert.is_nil(event, event and event.type)
  assert.equal(code, err.code, tostring(err))
  assert.matches(words or "", err.message, 1, true)
  assert.is_nil(tostring(err):find("T0KEN", 1, true))
  return err
end

--- The same as `subscribe`, after its opening.
function subscription.opened(opts, ids)
  local stream = subscription.subscribe(opts, ids)
  subscription.take(stream, "open")
  return stream
end

--- Nothing more is there now.
function subscription.assert_quiet(stream)
  local event, err = stream:next(0)
  assert.is_nil(event)
  assert.equal("timeout", err.code)
end

--- The sandbox pushes a value of metric 101.
function subscription.push(value, category, at)
  return sandbox:push { id = "101", category = category or "A", value = value, at = at }
end

--- Waits until it holds.
function subscription.wait_for(condition)
  local ends = os.time() + 30
  while not condition() do
    assert(os.time() < ends, "what the spec waits for did not happen")
  end
end

--- How many requests there were for that path.
function subscription.asked(path)
  local count = 0
  for _, request in ipairs(sandbox:requests()) do
    count = count + (request.path:sub(-#path) == path and 1 or 0)
  end
  return count
end

return subscription
