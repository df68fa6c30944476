--- client:subscribe: metric values as they change, by websocket, as events.
---
--- C keeps the socket: it opens, loses and opens it again, and holds what has
--- come.  Here the events are put into order: at each opening first the gap, then
--- the current values, then what was pushed meanwhile.

local core = require "ccaas.core"
local errors = require "ccaas.error"
local events = require "ccaas.events"
local methods = require "ccaas.method"
local options = require "ccaas.options"
local query = require "ccaas.query"
local reading = require "ccaas.reading"
local streams = require "ccaas.stream"
local text = require "ccaas.text"
local usage_error = require "ccaas.usage_error"
local values = require "ccaas.vendor.xima.values"

local QUEUE = 1024 -- messages
local SILENCE = 60 -- seconds; a ping goes out after a third of them

local subscribe = {}

---@class ccaas.SubscribeOptions
---@field queue? integer messages that wait for the reader at most; 1024
---@field overflow? "latest"|"block" beyond that: the newest for each metric and category stays, or the server waits
---@field snapshot? boolean current values after each opening; true
---@field silence? number seconds without a sign of life, after which the socket is lost; 60
---@field max_reconnects? integer in a row without success; no limit
---@field deadline? number seconds for the whole subscription
---@field timeout? number of the request for current values
---@field retries? integer likewise
---@field max_retry_after? number likewise; a longer one of the websocket's is told as `down`

--- The options that it takes beside those of every method.
subscribe.options = {
  queue = options.whole(1, 65536),
  overflow = function(where, name, value)
    if value ~= "latest" and value ~= "block" then
      usage_error.raise('%s: option `%s` must be "latest" or "block", not %s', where, name, tostring(value))
    end
  end,
  snapshot = options.checks.flag,
  silence = options.checks.seconds,
  max_reconnects = options.whole(0),
}

--- The words of its methods: the parameter that has the token; closing codes that
--- mean a refused token; where in a message metric, category, kind, value and time
--- are, and all about the value; and the method that gives the current values.
subscribe.words = {
  token_name = "string",
  refusals = { list = "number" },
  paths = { list = "string" },
  snapshot = "string",
}

local Source = {}
Source.__index = Source

-- A finaliser of the user's may close a subscription in the middle of anything: so
-- what `close` takes away is looked at once, and then held.

-- The request for the current values is over, or is given up.
local function forget_values(self)
  local asked = self.asked
  self.asked, self.asked_source, self.answers = nil, nil, nil
  if asked then
    asked:close()
  end
end

-- Begins to ask for the current values, if the tenant has them.
local function ask_for_values(self)
  if not self.wants_values or self.own.lacks_values then
    return
  end
  local plan = self.values_plan()
  plan.deadline = self.ends and math.max(self.ends - core.now(), 0)
  local fine, asked = pcall(streams.new, self.own, plan, self.values_name)
  if not fine and self.own.closed then
    return
  elseif not fine then
    error(asked, 0)
  end
  local source = streams.source(asked)
  self.asked, self.asked_source, self.answers = asked, source, {}
  for waitset, mark in pairs(self.waitsets) do
    source:join(waitset, false, mark or nil)
  end
  if self.closed then
    forget_values(self)
  end
end

local function push(self, event)
  self.pending[#self.pending + 1] = event
end

-- The answer with the current values is here, or will not come.
local function take_values(self, answers, err)
  local result
  if not err then
    result, err = values.collect(answers, self.own.provider)
  end
  forget_values(self)
  if err and err.code == "not_found" then
    self.own.lacks_values = true
  elseif err then
    push(self, { type = "message", raw = "", error = err })
  else
    self.snapshots = self.snapshots + 1
    for _, update in ipairs(result.values) do
      if self.live:note(text.of(update.metric_id), update.category and text.of(update.category),
        type(update.updated_at) == "string" and update.updated_at or nil) then
        push(self, update)
      end
    end
  end
end

-- The socket is open: what may be missed is told before anything else.
local function opened(self, event)
  local from = event.from
  event.from = nil
  if from then
    self.gaps = self.gaps + 1
    push(self, { type = "gap", from = from, to = event.at, reason = self.reason })
  end
  ask_for_values(self)
  return event
end

-- An event that is no update.
local function other(self, event, kind)
  if kind == "open" then
    return opened(self, event)
  elseif kind == "down" then
    event.error = errors.new(event.error, self.own.provider)
    event.reason = event.error.code
    self.reason = event.reason
  elseif event.fault then
    event.error = errors.new({ code = "protocol", message = event.fault }, self.own.provider)
    event.fault = nil
  end
  return event
end

-- The next of those that come before what is pushed, if there are any; nil and
-- "wait" while they are under way.
local function first_of_all(self)
  while true do
    if self.next_pending <= #self.pending then
      local event = self.pending[self.next_pending]
      self.pending[self.next_pending] = false
      self.next_pending = self.next_pending + 1
      return event
    elseif self.next_pending > 1 then
      self.pending, self.next_pending = {}, 1
    end
    local source, answers = self.asked_source, self.answers
    if not source then
      return nil
    end
    local answer, state, err = source:try()
    if self.asked_source ~= source then
      return first_of_all(self) -- another coroutine ended it, while a function of the user's yielded
    elseif answer ~= nil then
      answers[#answers + 1] = answer
    elseif (state == "wait" or state == "pause") and self.live:lost() then
      forget_values(self) -- they would be asked for again: the loss is told at once
      return nil
    elseif state == "wait" or state == "pause" then
      return nil, state
    else
      take_values(self, answers, state == "error" and err or nil)
    end
  end
end

function Source:try()
  if self.deadline and not self.ends then
    self.ends = core.now() + self.deadline
  end
  local event, state, last = self.kept, self.kept_state, nil
  self.kept, self.kept_state = nil, nil
  if not state then
    if not self.direct then
      event, state = first_of_all(self)
      if event or state then
        return event, state
      end
      self.direct = self.live
    end
    event, state, last = self.take(self.live)
  end
  if not state then
    return event, nil, last
  elseif event ~= nil then
    if state == "open" then
      self.direct = nil
    end
    return other(self, event, state)
  elseif state == "ask" then
    reading.answer(self.own, self.live)
    return self:try()
  elseif state == "error" then
    self.failed = self.failed or errors.new(self.live:error(), self.own.provider)
    return nil, "error", self.failed
  end
  return nil, state
end

--- What `direct` gave when it was no update; `try` gives it.
function Source:keep(event, state)
  self.direct = nil
  self.kept, self.kept_state = event, state
end

function Source:due()
  local asked = self.asked_source
  if asked then
    return asked:due()
  end
  return self.live:timeout()
end

Source.marks = true

function Source:join(waitset, shared, mark)
  self.waitsets[waitset] = mark or false
  waitset:add(self.live, not shared, mark)
  local asked = self.asked_source
  if asked then
    asked:join(waitset, shared, mark)
  end
end

function Source:leave(waitset)
  self.waitsets[waitset] = nil
  waitset:remove(self.live)
  local asked = self.asked_source
  if asked then
    asked:leave(waitset)
  end
end

--- messages (handed out), conflated, stale, waiting, opened, lost; gaps (told),
--- snapshots (taken).
function Source:info()
  local info = self.live:info()
  info.gaps, info.snapshots = self.gaps, self.snapshots
  return info
end

function Source:close()
  self.closed = true
  self.live:close()
  forget_values(self)
end

-- What makes the plan of the request for current values.
local function values_plan(own, name, ids, opts)
  local method = own.vendor.methods[name]
  local urls = query.addresses(name, own.base_url .. method.path, own.vendor.parameters, method.takes, { ids = ids })
  return function()
    local plan = methods.plan(own, method, opts)
    plan.urls, plan.body = urls, "json"
    -- The deadline is the subscription's: events are not held back until then.
    plan.max_retry_after = opts.max_retry_after or own.max_retry_after
    return plan
  end
end

--- The events of these metrics.
---@param own table a client's internals
---@param name string
---@param method table the description
---@param plan table with its address
---@param opts table ids and options that were checked
---@return ccaas.Events
function subscribe.result(own, name, method, plan, opts)
  if #plan.urls > 1 then
    usage_error.raise("%s: too many ids for one websocket: split them into two subscriptions, and read both with "
      .. "ccaas.merge", name)
  end
  local live = core.subscription(own.core, {
    url = plan.urls[1]:gsub("^http", "ws"),
    token_name = method.token_name,
    refusals = method.refusals,
    paths = method.paths,
    queue = opts.queue or QUEUE,
    block = opts.overflow == "block",
    silence = opts.silence or SILENCE,
    reconnects = opts.max_reconnects,
    pause_first = own.tuning.pause_first,
    pause_most = own.tuning.pause_most,
    deadline = plan.deadline,
    max_retry_after = opts.max_retry_after or own.max_retry_after,
    max_message = own.max_record,
  })
  local source = setmetatable({
    own = own, live = live, take = live.take, waitset = core.waitset(), waitsets = {},
    pending = {}, next_pending = 1, gaps = 0, snapshots = 0, deadline = plan.deadline,
    wants_values = opts.snapshot ~= false, values_name = method.snapshot,
    values_plan = opts.snapshot ~= false and values_plan(own, method.snapshot, opts.ids, opts),
  }, Source)
  source:join(source.waitset)
  return events.new(own, source, name)
end

return subscribe
