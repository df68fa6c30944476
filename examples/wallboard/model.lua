-- The wallboard's data: a table of queues and one of agents, filled by the events of
-- client:subscribe, client:watch and ccaas.merge.  A feed is one stream: `fields`
-- says where the value of a metric goes, and `since` from when on it is stale.
-- Nothing here waits, draws or asks for the time.

local model = {}
model.__index = model

---@class wallboard.feed
---@field name string
---@field provider string
---@field stream? table
---@field fields table<string, string[]> metric -> { "queues" or "agents", field }
---@field polled? boolean a watch: after a gap all its values are fresh again
---@field since? number epoch seconds: its values are stale from then on
---@field reason? string why
---@field known? boolean it has said something about its values

function model.new()
  return setmetatable({ queues = {}, agents = {}, feeds = {}, of_stream = {}, count = 0, changed = true }, model)
end

---@param stream table whose events `put` will be given
---@param feed wallboard.feed
function model:add(stream, feed)
  feed.stream = stream
  self.feeds[#self.feeds + 1] = feed
  self.of_stream[stream] = feed
end

-- The value of a kind that is not a count is a table with everything that the vendor
-- says of it: { type = "DURATION", duration = 8000, lastUpdateTime = ... }.
local function plain(event)
  local value = event.value
  if type(value) == "table" then
    return value[tostring(event.kind):lower()]
  end
  return value
end

local function each_row(self, feed, visit)
  for _, kind in ipairs { "queues", "agents" } do
    for key, row in pairs(self[kind]) do
      if row.feed == feed then
        visit(row, self[kind], key)
      end
    end
  end
end

local put = {}

function put.update(self, feed, event)
  feed.known = true
  local field = feed.fields[event.metric or event.metric_id]
  local id = event.id or event.category
  if not field or id == nil then
    return
  end
  local rows, key = self[field[1]], feed.name .. "\0" .. tostring(id)
  if not rows[key] then
    self.count = self.count + 1
    rows[key] = { feed = feed, id = id, order = self.count }
  end
  rows[key].name = tostring(event.name or id)
  rows[key][field[2]] = plain(event)
  rows[key].stale = nil
end

function put.removed(self, feed, event)
  each_row(self, feed, function(row, rows, key)
    if row.id == event.id then
      rows[key] = nil
    end
  end)
end

function put.down(self, feed, event)
  feed.known = true
  feed.since = feed.since or event.at
  feed.reason = event.reason
  each_row(self, feed, function(row)
    row.stale = true
  end)
end

-- A socket's rows stay stale until their values come: the snapshot follows.
function put.open(_, feed)
  feed.since, feed.reason = nil, nil
end

function put.gap(self, feed)
  feed.since, feed.reason = nil, nil
  if feed.polled then
    each_row(self, feed, function(row)
      row.stale = nil
    end)
  end
end

-- The current values could not be had (other messages do not matter here).
function put.message(_, feed, event)
  if event.error then
    feed.known, feed.reason = true, event.error.code
  end
end

--- Puts an event in its place.
---@param event table
---@param stream table the stream that it came from
---@param now number epoch seconds
function model:put(event, stream, now)
  local feed = self.of_stream[stream]
  self.changed = true
  if event.type == "error" then -- a merged stream has ended
    put.down(self, feed, { at = now, reason = event.error.code })
  elseif put[event.type] then
    put[event.type](self, feed, event)
  end
end

--- Whether every feed has given its values, or said that it cannot.
function model:ready()
  for _, feed in ipairs(self.feeds) do
    if not feed.known then
      return false
    end
  end
  return true
end

--- The queues, those with the most waiting first.
---@return table[]
function model:list_queues()
  local list = {}
  for _, row in pairs(self.queues) do
    list[#list + 1] = row
  end
  table.sort(list, function(a, b)
    local one, other = tonumber(a.waiting) or -1, tonumber(b.waiting) or -1
    if one ~= other then
      return one > other
    end
    return a.order < b.order
  end)
  return list
end

--- The agents by status, the most frequent first: { { status, rows... } ... }.
---@return table[]
function model:list_statuses()
  local list, by_status = {}, {}
  for _, row in pairs(self.agents) do
    local status = tostring(row.status or "-")
    if not by_status[status] then
      by_status[status] = { status = status }
      list[#list + 1] = by_status[status]
    end
    table.insert(by_status[status], row)
  end
  for _, group in ipairs(list) do
    table.sort(group, function(a, b) return a.order < b.order end)
  end
  table.sort(list, function(a, b)
    if #a ~= #b then
      return #a > #b
    end
    return a.status < b.status
  end)
  return list
end

return model
