--- client:watch: a list that is asked for again and again, as events: what
--- changed from one poll to the next.
---
--- Watches of the same list share one poll: a poller belongs to a client and has
--- the newest snapshot; each watch knows which one it has told.  A reader may be gone
--- without a word, in the middle of a poll, too: a poller knows when it was last
--- looked at.

local core = require "ccaas.core"
local errors = require "ccaas.error"
local events = require "ccaas.events"
local internals = require "ccaas.internals"
local methods = require "ccaas.method"
local streams = require "ccaas.stream"
local text = require "ccaas.text"
local usage_error = require "ccaas.usage_error"

--- The vendor's data is refreshed every 5 s: polling faster brings nothing.
local LEAST = 5

-- After these errors another poll would fare no better.
local final = { auth = true, forbidden = true, bad_request = true, not_found = true }

-- -- The poller ----------------------------------------------------------------

local Poller = {}
Poller.__index = Poller

local function seconds(own)
  return own.tuning.now()
end

-- Begins a poll, unless the client is closed.  What belongs to one is in a table of
-- its own: it may be let go of at any time, by a finaliser, too.
function Poller:start()
  local fine, stream = pcall(self.begin)
  if not fine and self.own.closed then
    return
  elseif not fine then
    error(stream, 0)
  end
  local poll = { stream = stream, source = streams.source(stream), rows = {} } -- and `answered_at`
  self.poll = poll
  for watch in pairs(self.watches) do
    for waitset in pairs(watch.waitsets) do
      poll.source:join(waitset, true)
    end
  end
  if not next(self.watches) then
    self:let_go()
  end
end

-- Ends the poll that is under way, if any.
function Poller:let_go()
  local poll = self.poll
  self.poll = nil
  if poll then
    poll.stream:close()
  end
end

-- Nobody watches any more.  What it has is for whoever watches the same within the
-- interval; after a poll that is broken off, or failed, he polls as soon as he may.
function Poller:rest()
  local soon = seconds(self.own) + LEAST
  if self.poll then
    self.next_at, self.snapshot = math.max(self.next_at, soon), nil
  elseif self.error then
    self.next_at = math.max(math.min(self.next_at, soon), self.not_before or 0)
  end
  self:let_go()
end

-- The new snapshot of a poll.  A walk that ended unclean may have missed rows that
-- are there: those that it lacks stay as they were, until a clean one lacks them.
-- (One that a limit ended was neither: the rows up to the limit are all there is.)
function Poller:picture(poll)
  local rows, by_id = poll.rows, {}
  for _, row in ipairs(rows) do
    by_id[row.id or false] = row
  end
  if self.snapshot and poll.stream:info().clean == false then
    for _, row in ipairs(self.snapshot.rows) do
      if not by_id[row.id or false] then
        by_id[row.id or false] = row
        rows[#rows + 1] = row
      end
    end
  end
  return { rows = rows, by_id = by_id, at = os.time() }
end

-- The poll is over: with a new snapshot, or an error.  The next one comes an interval
-- after its answer: there may have been a token to wait for, or another attempt.
function Poller:finish(poll, err)
  self.next_at = (poll.answered_at or seconds(self.own)) + self.interval
  if err then
    -- The server may say when to come again; a shorter time than that brings nothing.
    self.not_before = err.retry_after and seconds(self.own) + err.retry_after or nil
    self.next_at = math.max(self.next_at, self.not_before or 0)
    self.error, self.failures = err, self.failures + 1
    self.newest_error = err
  else
    self.snapshot = self:picture(poll)
    self.error, self.not_before = nil, nil
  end
  self.polls = self.polls + 1
  self:let_go()
end

-- Would another poll fare no better?  A proxy that refuses our password may lock
-- the account.
function Poller:is_over()
  local err = self.error
  return err and (final[err.code] or err.code == "connect" and err.status == 407)
end

-- Has nobody looked at it for an interval?  Whoever waits for a poll does: see due.
function Poller:is_left(now)
  return now - self.looked_at >= self.interval
end

-- Goes on as far as possible without waiting; "pause": others are to have a turn.
function Poller:pump()
  local now = seconds(self.own)
  self.looked_at = now
  if self:is_over() or not next(self.watches) then
    return
  elseif not self.poll then
    if now < self.next_at then
      return
    end
    self:start()
  end
  local poll = self.poll
  while poll do
    local row, state, err = poll.source:try()
    if self.poll ~= poll then
      return self:pump() -- another coroutine ended it, while a function of the user's yielded
    elseif row ~= nil then
      poll.answered_at = poll.answered_at or seconds(self.own)
      poll.rows[#poll.rows + 1] = row
    elseif state == "wait" or state == "pause" then
      return state
    else
      self:finish(poll, state == "error" and err or nil)
      return
    end
  end
end

--- Wakes whoever waits for it.
function Poller:wake()
  for watch in pairs(self.watches) do
    watch:wake()
  end
end

function Poller:due()
  local poll = self.poll
  if poll then
    return math.min(poll.source:due() or math.huge, self.interval / 2)
  end
  return math.max(0, self.next_at - seconds(self.own))
end

-- -- One watch -------------------------------------------------------------------

local Watch = {}
Watch.__index = Watch

-- Are two values of a metric the same?  (Some are lists of tables.)
local function same(one, other)
  if type(one) ~= "table" or type(other) ~= "table" then
    return one == other
  end
  for key, value in pairs(one) do
    if not same(value, other[key]) then
      return false
    end
  end
  for key in pairs(other) do
    if one[key] == nil then
      return false
    end
  end
  return true
end

local function update(row, metric, value, previous, snapshot)
  return { type = "update", id = row.id, name = row.name, metric = metric, value = value, previous = previous,
    snapshot = snapshot or nil }
end

-- The events of one row.
local function of_row(row, before, snapshot)
  local metrics, old = row.metrics or {}, before and before.metrics or {}
  local list = {}
  if not before and not snapshot then
    list[1] = { type = "added", id = row.id, name = row.name, row = row }
  end
  for metric, value in pairs(metrics) do
    if not before or not same(value, old[metric]) then
      list[#list + 1] = update(row, metric, value, old[metric], snapshot)
    end
  end
  for metric, previous in pairs(old) do
    if metrics[metric] == nil then
      list[#list + 1] = update(row, metric, nil, previous)
    end
  end
  return list
end

-- What makes the new snapshot of the old one, event by event: nothing is held
-- but the two, and the events of one row.  (It is no coroutine, for in nginx that
-- is of one request, and another one may read on.)
local function differences(old, new)
  local list, given, place = {}, 0, 0
  return function()
    while given == #list do
      place = place + 1
      local row, gone = new.rows[place], old and old.rows[place - #new.rows]
      if row then
        list = of_row(row, old and old.by_id[row.id or false], not old)
      elseif gone then
        list = new.by_id[gone.id or false] and {} or { { type = "removed", id = gone.id, name = gone.name } }
      else
        return nil
      end
      given = 0
    end
    given = given + 1
    return list[given]
  end
end

-- Loss and return come before what changed.
function Watch:tell_state()
  local poller = self.poller
  if poller.failures > self.failures then
    self.failures = poller.failures
    local err = poller.newest_error -- it may be over already
    if not self.down or (err.retry_after or 0) > poller.max_retry_after then
      self.down = true
      return { type = "down", at = os.time(), reason = err.code, error = err }
    end
  end
  if self.down and not poller.error then
    self.down = nil
    self.gaps = self.gaps + 1
    return { type = "gap", from = self.told and self.told.at or self.began, to = poller.snapshot.at,
      reason = "polls failed" }
  end
end

function Watch:try()
  local poller = self.poller
  if self.ended then
    return nil, "error", self.ended
  end
  if poller:pump() == "pause" then
    return nil, "pause"
  end
  local event
  if poller.own.closed then
    self:finish()
  else
    event = self:tell_state()
    if event then
      return event
    elseif poller:is_over() then
      self.ended = poller.error
    end
  end
  if self.ended then
    return nil, "error", self.ended
  end
  while true do
    if not self.changes then
      if not poller.snapshot or poller.snapshot == self.told or poller.snapshot == self.past then
        return nil, "wait"
      end
      self.target = poller.snapshot
      self.changes = differences(self.told, self.target)
    end
    event = self.changes()
    if event then
      return event
    end
    self.told, self.changes = self.target, nil
  end
end

function Watch:due()
  return self.poller:due()
end

function Watch:join(waitset)
  self.waitsets[waitset] = true
  local poll = self.poller.poll
  if poll then
    poll.source:join(waitset, true)
  end
end

function Watch:leave(waitset)
  self.waitsets[waitset] = nil
end

function Watch:info()
  return { polls = self.poller.polls, failures = self.poller.failures, gaps = self.gaps,
    rows = self.told and #self.told.rows or 0 }
end

function Watch:wake()
  for waitset in pairs(self.waitsets) do
    waitset:wake()
  end
end

-- It is closed, or its client is.
function Watch:finish()
  self.ended = errors.new({ code = "cancelled", message = "closed" }, self.poller.own.provider)
end

function Watch:close()
  local poller = self.poller
  self:finish()
  self:wake()
  poller.watches[self] = nil
  if not next(poller.watches) then
    poller:rest()
  end
end

-- One text for equal options, so that watches of the same list find each other.
local function key_of(what, opts)
  local parts = {}
  for name, value in pairs(opts) do
    if type(value) == "table" then
      value = table.concat(value, "\1")
    end
    parts[#parts + 1] = name .. "\2" .. text.of(value)
  end
  table.sort(parts)
  return what .. "\3" .. table.concat(parts, "\3")
end

-- Takes pollers away that were left by all their watches, an interval ago, so that a
-- new one may poll at once and is no faster than the interval.  The one of this key
-- is to begin its poll anew, lest a new watch is told what is old, or waits for what
-- hangs; others go on with theirs when their readers come back.
local function tidy(pollers, key, now)
  for other, poller in pairs(pollers) do
    local watched = next(poller.watches) ~= nil
    if poller:is_left(now) and (other == key or not watched) then
      poller:let_go()
      pollers[other] = watched and poller or nil
    end
  end
end

-- The poller of these options: one that is at work, or a new one, which after one
-- that is over is no faster than that would have been.
local function poller_of(self, own, what, opts, interval)
  local key, now = key_of(what, opts) .. "\3" .. interval, seconds(own)
  local pollers = own.pollers or {}
  own.pollers = pollers
  tidy(pollers, key, now)
  local poller = pollers[key]
  if not poller or poller:is_over() then
    poller = setmetatable({
      own = own, key = key, interval = interval, next_at = poller and poller.next_at or 0, looked_at = now,
      polls = 0, failures = 0,
      watches = setmetatable({}, { __mode = "k" }),
      max_retry_after = opts.max_retry_after or own.max_retry_after,
      begin = function() return self[what](self, opts) end,
    }, Poller)
    pollers[key] = poller
  end
  return poller
end

local own_checks = {
  interval = function(where, name, value)
    if type(value) ~= "number" or not (value >= LEAST and value < math.huge) then
      usage_error.raise("%s: option `%s` must be %d seconds or more: the vendor's data is not newer", where,
        name, LEAST)
    end
  end,
}

-- What can be watched, by name: the same lists' methods, which take the options of a
-- watch and name it in what they raise.  Made once for each vendor.
local known_lists = {}

local function lists_of(vendor)
  if not known_lists[vendor.name] then
    known_lists[vendor.name] = {}
    for name, method in pairs(vendor.methods) do
      if method.result == "stream" and not method.path:find("{", 1, true) then
        known_lists[vendor.name][name] = methods.make(vendor, "watch", method, own_checks)
      end
    end
  end
  return known_lists[vendor.name]
end

---@class ccaas.WatchOptions: ccaas.ListOptions
---@field interval? number seconds from one answer to the next asking, 5 at the least; 5

--- The differences of a list, polled.  Events: `update` (id, name, metric, value,
--- previous), `added` (id, name, row; its updates follow), `removed` (id, name;
--- after a poll whose walk ended clean), `down` (a poll failed), `gap` (at the next
--- good poll).  The first poll comes as updates with `snapshot = true`.
---@param self table a client
---@param what string the name of a list method, like "queues"
---@param given ccaas.WatchOptions
---@return ccaas.Events
return function(self, what, given)
  local own = internals.of(self, "watch")
  local lists = lists_of(own.vendor)
  if not lists[what] then
    usage_error.raise("watch: %s is not a list that can be watched%s",
      type(what) == "string" and ("%q"):format(what) or text.of(what), usage_error.hint(what, lists))
  end
  lists[what](self, given):close() -- wrong options raise here, not at a poll
  local opts, interval = {}, given and given.interval or LEAST
  for name, value in pairs(given or {}) do
    opts[name] = value
  end
  opts.interval = nil
  local poller = poller_of(self, own, what, opts, interval)
  local watch = setmetatable({ poller = poller, waitset = core.waitset(), waitsets = {}, gaps = 0,
    failures = poller.failures - (poller.error and 1 or 0), -- that it is down is told at once
    past = (poller.error or poller.next_at <= seconds(own)) and poller.snapshot or nil, -- too old for what is
    began = os.time() }, Watch)
  watch.waitsets[watch.waitset] = true
  poller.watches[watch] = true
  local poll = poller.poll
  if poll then
    poll.source:join(watch.waitset, true)
  end
  return events.new(own, watch, "watch " .. what)
end
