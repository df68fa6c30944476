--- ccaas.merge: many streams, of any kind, in one loop.

local core = require "ccaas.core"
local events = require "ccaas.events"
local streams = require "ccaas.stream"
local usage_error = require "ccaas.usage_error"

local Merge = {}
Merge.__index = Merge

-- Only those are tried that may have something: with a thousand of them, one
-- of which has, the others cost nothing. They stand in a row, in which whoever
-- gave something goes to the end, so that none that is quick keeps others waiting.
local function wake(self, member)
  if not member.waits then
    member.waits = true
    self.timed[member] = nil
    self.row[self.last + 1] = member
    self.last = self.last + 1
  end
end

-- It has nothing now: until it leaves its mark, or its time has come.
local function rest(self, member)
  local due = member.source.marks and member.source:due()
  if due then
    member.due_at = core.now() + due
    self.timed[member] = true
    self.due_at = math.min(self.due_at or member.due_at, member.due_at)
  end
end

local function wake_timed(self)
  local now = core.now()
  if now < self.due_at then
    return
  end
  self.due_at = nil
  for member in pairs(self.timed) do
    if member.due_at <= now then
      wake(self, member)
    else
      self.due_at = math.min(self.due_at or member.due_at, member.due_at)
    end
  end
end

local function wake_all(self)
  local mark = self.waitset:mark()
  while mark do
    local member = self.members[mark]
    if member then
      wake(self, member)
    end
    mark = self.waitset:mark()
  end
  for member in pairs(self.restless) do
    wake(self, member)
  end
  if self.due_at then
    wake_timed(self)
  end
end

local function remove(self, member)
  self.members[member.mark] = nil
  self.restless[member], self.timed[member] = nil, nil
  self.count = self.count - 1
  member.source:leave(self.waitset)
end

-- It has ended; the error that is to be told of it.
local function ended(self, member, state, err)
  if self.members[member.mark] then
    remove(self, member)
    return state == "error" and not member.stream.closed and { type = "error", error = err } or nil
  end
end

-- Takes the first out of the row.
local function step(self)
  self.row[self.first] = nil
  self.first = self.first + 1
  if self.first > self.last then
    self.row, self.first, self.last, self.round = {}, 1, 0, 0
  end
end

function Merge:try()
  local looked = false
  while true do
    -- Whoever stands in the row has a turn before it is looked who else has
    -- something; and that is done once, for some always may.
    if self.first > self.round then
      if not looked then
        wake_all(self)
      end
      looked, self.round = true, self.last
    end
    local member = self.row[self.first]
    if not member then
      break
    end
    -- It stays the first if the user's function raises, or others are to have
    -- a turn.  While that function yields, another coroutine may have it step
    -- aside, or go.
    local item, state, err = member.source:try()
    local is_last = item ~= nil and err -- of an item, the third says that
    if item == nil and state == "pause" then
      return nil, state
    end
    if self.row[self.first] == member then
      step(self)
      member.waits = false
    end
    if item ~= nil then
      if not is_last then
        wake(self, member)
      elseif not member.waits then
        rest(self, member)
      end
      return item, member.stream
    elseif state ~= "wait" then
      item = ended(self, member, state, err)
      if item then
        return item, member.stream
      end
    elseif not member.waits then
      rest(self, member)
    end
  end
  return nil, self.count > 0 and "wait" or "end"
end

function Merge:due()
  if self.first <= self.last then
    return 0
  end
  local least = self.due_at and math.max(0, self.due_at - core.now())
  for member in pairs(self.restless) do
    local due = member.source:due()
    least = due and math.min(due, least or due) or least
  end
  return least
end

function Merge:join(waitset)
  for _, member in pairs(self.members) do
    member.source:join(waitset)
  end
end

function Merge:leave(waitset)
  for _, member in pairs(self.members) do
    member.source:leave(waitset)
  end
end

function Merge:info()
  return { streams = self.count }
end

function Merge:close()
  for _, member in pairs(self.members) do
    remove(self, member)
    member.stream:close()
  end
  self.row, self.first, self.last, self.round = {}, 1, 0, 0
end

local function add(self, mark, stream, source)
  local member = { mark = mark, stream = stream, source = source, waits = false }
  self.members[mark] = member
  self.count = self.count + 1
  if not source.marks then
    self.restless[member] = true
  end
  source:join(self.waitset, false, mark)
  wake(self, member)
end

-- The internals of the clients that a source stands on.
local function add_owns(list, seen, source, own)
  for _, one in ipairs(source.owns or { own }) do
    if not seen[one] then
      seen[one] = true
      list[#list + 1] = one
    end
  end
end

-- ccaas.merge, where it is described.
return function(...)
  local count, given = select("#", ...), { ... }
  if count == 0 then
    usage_error.raise("merge: needs at least one stream")
  end
  local sources, owns, seen, seen_owns = {}, {}, {}, {}
  for i = 1, count do
    local stream = given[i]
    local source, own = streams.source(stream)
    if not source then
      source, own = events.source(stream)
    end
    if not source then
      usage_error.raise("merge: argument %d must be a stream, not a %s", i, type(stream))
    elseif seen[stream] then
      usage_error.raise("merge: argument %d is the same stream as an earlier one", i)
    end
    seen[stream], sources[i] = true, source
    add_owns(owns, seen_owns, source, own)
  end
  local self = setmetatable({
    members = {}, count = 0, waitset = core.waitset(), owns = owns, restless = {},
    timed = {}, -- members that wait, and for no longer than their `due_at`
    row = {}, first = 1, last = 0, -- its first and last place
    round = 0, -- the last place when it was looked who may have something
  }, Merge)
  for i = 1, count do
    add(self, i, given[i], sources[i])
  end
  return events.new(owns[1], self, "merge")
end
