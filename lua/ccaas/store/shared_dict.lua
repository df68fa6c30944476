--- A store in nginx's shared memory: see ccaas.store.  Nothing here yields.

local usage_error = require "ccaas.usage_error"

-- It counts whole milliseconds, and takes 0 of them for "never ends".
local LEAST = 0.001

return function(name)
  local ngx = rawget(_G, "ngx")
  local shared = type(ngx) == "table" and ngx.shared
  if not shared then
    usage_error.raise("store.shared_dict: ngx.shared is missing: this store needs nginx's Lua module; elsewhere use "
      .. "ccaas.store.file(path)")
  end
  local dict = shared[name]
  if not dict then
    usage_error.raise("store.shared_dict: nginx has no shared memory %q: put `lua_shared_dict %s 1m;` into its http "
      .. "block", name, name)
  end

  local store = {}

  function store.get(key)
    local value, flags_or_reason = dict:get(key)
    if value == nil and type(flags_or_reason) == "string" then
      return nil, flags_or_reason
    end
    return value
  end

  function store.set(key, value, seconds)
    local done, reason = dict:set(key, value, math.max(seconds, LEAST))
    return done or nil, reason
  end

  function store.add(key, value, seconds)
    local added, reason = dict:add(key, value, math.max(seconds, LEAST))
    if added then
      return true
    elseif reason == nil or reason == "exists" then
      return false
    end
    return nil, reason
  end

  function store.delete(key)
    dict:delete(key)
    return true
  end

  return store
end
