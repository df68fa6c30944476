--- A store in a file: see ccaas.store.
---
--- The file has a line that says what it is, then an entry after the other:
---
---     ccaas store 1
---     KEY_LENGTH VALUE_LENGTH ENDS_MS LIVES_MS
---     KEY VALUE
---
--- Reading takes no lock: the file is replaced as a whole.  What is not such a
--- file, to its last byte, counts as empty and is replaced.  Times are the wall
--- clock's; an entry that would live longer from now than it was given (the clock
--- was set back) is over.

local blocking = require "ccaas.loop.blocking"
local core = require "ccaas.core"

local HEAD = "ccaas store 1\n"
local MOST = 512 * 1024 -- bytes; what ends first goes first
local ENTRY_MOST = 64 * 1024
local SLACK = 1 -- seconds by which a clock may be set back unnoticed
local PATIENCE = 3 -- seconds for a lock, which others hold for less than a millisecond
local PAUSE_LEAST, PAUSE_MOST = 0.002, 0.02

-- For those who call the store by themselves, without a client.
local function sleep(seconds)
  blocking.wait(-1, seconds)
end

-- The entries that are not over, by their keys.
local function parse(bytes, now)
  local entries = {}
  if bytes:sub(1, #HEAD) ~= HEAD then
    return entries
  end
  local at = #HEAD + 1
  while at <= #bytes do
    local _, line_ends, key_length, value_length, ends, lives = bytes:find("^(%d+) (%d+) (%d+) (%d+)\n", at)
    if not line_ends then
      return {}
    end
    key_length, value_length = tonumber(key_length), tonumber(value_length)
    -- Each by itself first: on Lua 5.4 their sum may wrap around.
    if key_length > #bytes or value_length > #bytes then
      return {}
    end
    local key_ends = line_ends + key_length
    at = key_ends + value_length + 3
    if at > #bytes + 1 or bytes:sub(at - 1, at - 1) ~= "\n" then
      return {}
    end
    local left = tonumber(ends) / 1000 - now
    if left > 0 and left <= tonumber(lives) / 1000 + SLACK then
      entries[bytes:sub(line_ends + 1, key_ends)] = {
        value = bytes:sub(key_ends + 2, at - 2), ends = tonumber(ends), lives = tonumber(lives),
      }
    end
  end
  return entries
end

local function format(entries)
  local list, total = {}, #HEAD
  for key, entry in pairs(entries) do
    list[#list + 1] = { key = key, ends = entry.ends, text = string.format("%d %d %.0f %.0f\n%s %s\n", #key,
      #entry.value, entry.ends, entry.lives, key, entry.value) }
  end
  table.sort(list, function(one, other)
    return one.ends > other.ends or one.ends == other.ends and one.key < other.key
  end)
  local parts = { HEAD }
  for _, entry in ipairs(list) do
    total = total + #entry.text
    if total > MOST then
      break
    end
    parts[#parts + 1] = entry.text
  end
  return table.concat(parts)
end

-- The entries of a file that is open.
local function read(file)
  local bytes, reason = file:read()
  if not bytes then
    return nil, reason
  end
  return parse(bytes, core.wall())
end

-- Opens it locked: tries, and lets time pass in between.
local function lock(path, pause)
  local ends = core.now() + PATIENCE
  while true do
    local file, state, reason = core.private_file(path, true)
    if file then
      return file
    elseif state ~= "busy" then
      return nil, reason
    elseif core.now() >= ends then
      return nil, string.format("%s: another process has held its lock for %d s", path, PATIENCE)
    end
    pause(PAUSE_LEAST + (PAUSE_MOST - PAUSE_LEAST) * math.random())
  end
end

-- Lets `change` change the entries; it gives what the call gives, and whether
-- there is anything to write.  Nothing yields while the lock is held.
local function update(path, pause, change)
  local file, reason = lock(path, pause or sleep)
  if not file then
    return nil, reason
  end
  local entries, result, changed
  entries, reason = read(file)
  if entries then
    result, changed = change(entries)
    if changed then
      local done
      done, reason = file:replace(format(entries))
      if not done then
        result = nil
      end
    end
  end
  file:close()
  return result, reason
end

-- What is kept: an error is better than an entry that nobody finds again.
local function entry_of(key, value, seconds)
  if type(key) ~= "string" or type(value) ~= "string" or type(seconds) ~= "number" or seconds ~= seconds
    or seconds <= 0 then
    return nil, "expected a key, a value and a number of seconds above 0"
  elseif #key + #value > ENTRY_MOST then
    return nil, "the value is too large for this store"
  end
  local lives = math.ceil(math.min(seconds, 1e9) * 1000)
  return { value = value, ends = math.floor(core.wall() * 1000) + lives, lives = lives }
end

return function(path)
  local store = {}

  function store.get(key)
    local file, state, reason = core.private_file(path, false)
    if not file then
      return nil, state ~= "none" and reason or nil
    end
    local entries
    entries, reason = read(file)
    file:close()
    if not entries then
      return nil, reason
    end
    return entries[key] and entries[key].value
  end

  -- store.set, and `only_new` store.add.
  local function put(only_new)
    return function(key, value, seconds, pause)
      local entry, reason = entry_of(key, value, seconds)
      if not entry then
        return nil, reason
      end
      return update(path, pause, function(entries)
        if only_new and entries[key] then
          return false, false
        end
        entries[key] = entry
        return true, true
      end)
    end
  end

  store.set, store.add = put(false), put(true)

  function store.delete(key, pause)
    return update(path, pause, function(entries)
      local there = entries[key] ~= nil
      entries[key] = nil
      return true, there
    end)
  end

  return store
end
