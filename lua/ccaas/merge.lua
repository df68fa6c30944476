--- ccaas.merge: many streams, of any kind, in one loop.

local core = require "ccaas.core"
local events = require "ccaas.events"
local misuse = require "ccaas.misuse"
local streams = require "ccaas.stream"

local Merge = {}
Merge.__index = Merge

local function remove(self, at)
  local member = table.remove(self.members, at)
  member.source:leave(self.gather)
  if self.turn > #self.members then
    self.turn = 1
  end
end

-- One item of each in turn, so that none that is quick keeps others waiting.
function Merge:try()
  for _ = 1, #self.members do
    local member = self.members[self.turn]
    if not member then
      break
    end
    local item, state, err = member.source:try()
    if item ~= nil then
      self.turn = self.turn % #self.members + 1
      return item, member.stream
    elseif state == "wait" then
      self.turn = self.turn % #self.members + 1
    elseif state == "pause" then
      return nil, state
    else
      local closed = member.stream.closed
      remove(self, self.turn)
      if state == "error" and not closed then
        return { type = "error", error = err }, member.stream
      end
      return self:try()
    end
  end
  return nil, #self.members > 0 and "wait" or "end"
end

function Merge:due()
  local least
  for _, member in ipairs(self.members) do
    local due = member.source:due()
    least = due and math.min(due, least or due) or least
  end
  return least
end

function Merge:join(gather)
  for _, member in ipairs(self.members) do
    member.source:join(gather)
  end
end

function Merge:leave(gather)
  for _, member in ipairs(self.members) do
    member.source:leave(gather)
  end
end

function Merge:info()
  return { streams = #self.members }
end

function Merge:close()
  while #self.members > 0 do
    local stream = self.members[1].stream
    remove(self, 1)
    stream:close()
  end
end

-- ccaas.merge, where it is described.
return function(...)
  local count = select("#", ...)
  if count == 0 then
    misuse.raise("merge: needs at least one stream")
  end
  local self = setmetatable({ members = {}, turn = 1, gather = core.gather() }, Merge)
  local first
  for i = 1, count do
    local stream = select(i, ...)
    local source, own = streams.source(stream)
    if not source then
      source, own = events.source(stream)
    end
    if not source then
      misuse.raise("merge: argument %d is no stream, but a %s", i, type(stream))
    end
    for _, member in ipairs(self.members) do
      if member.stream == stream then
        misuse.raise("merge: argument %d is a stream that is there already", i)
      end
    end
    first = first or own
    self.members[i] = { stream = stream, source = source }
  end
  self:join(self.gather)
  return events.new(first, self, "merge")
end
