-- What the specs of stores share: a memory that several stores stand for, tokens
-- of a server, and clients that keep them there.
local assert = require "luassert"
local ccaas = require "ccaas"
local server = require "spec.support.server"
local socket = require "socket"

local unpack = table.unpack or unpack

local store = {}

store.KEY, store.SECRET = "the key of the API", "the secret of the API"

--- A memory that stores share: what it holds, and what it was asked.  Each `view`
--- of it is a store of its own for the clients, as another process has it.
function store.memory()
  local shared = { data = {}, calls = {}, lives = {} }
  local function live(key)
    local entry = shared.data[key]
    return entry and entry.ends > socket.gettime() and entry or nil
  end
  local function put(key, value, seconds)
    assert(type(key) == "string" and type(value) == "string" and seconds > 0)
    shared.data[key] = { value = value, ends = socket.gettime() + seconds, seconds = seconds }
    shared.lives[#shared.lives + 1] = { key = key, value = value, seconds = seconds }
    return true
  end
  -- `before(name, key, value)` is called first, and may yield, raise or give
  -- what the function then gives.
  function shared.view(_, before)
    local function wrap(name, f)
      return function(...)
        shared.calls[#shared.calls + 1] = name
        local instead = before and { before(name, ...) } or {}
        if instead[1] ~= nil or instead[2] ~= nil then
          return unpack(instead, 1, 2)
        end
        return f(...)
      end
    end
    return {
      get = wrap("get", function(key)
        local entry = live(key)
        return entry and entry.value
      end),
      set = wrap("set", put),
      add = wrap("add", function(key, value, seconds)
        if live(key) then
          return false
        end
        return put(key, value, seconds)
      end),
      delete = wrap("delete", function(key) shared.data[key] = nil end),
    }
  end
  -- The token's key and value, where there is one.
  function shared.token()
    for key, entry in pairs(shared.data) do
      if key:find("^ccaas:token:") then
        return key, entry.value
      end
    end
  end
  return shared
end

--- The row that a request asks for.
function store.row(request)
  return server.answer(server.row(request.path:match("[^/]+$")))
end

--- The answer of a token's endpoint.
function store.token(name, more)
  return server.answer(('{"access_token":"%s"%s}'):format(name, more or ',"expires_in":"1799"'))
end

--- The API's answer to a token that is over.
function store.refusal()
  return server.answer('{"fault":{"faultstring":"Access Token expired"}}', { status = 401 })
end

--- A server of tokens T1, T2 ... of which its API takes `good` only, if that is
--- given.
function store.start(good, more)
  local s
  s = server.start(function(request)
    if good and request.headers.authorization ~= "Bearer " .. good then
      return store.refusal()
    end
    return store.row(request)
  end, function() return store.token("T" .. s.tokens, more) end)
  return s
end

--- A client that keeps its token there, and a list of what happens to both.
function store.client_of(s, kept, overrides)
  local events = {}
  local options = { key = store.KEY, secret = store.SECRET, store = kept, on_event = function(event)
    if event.type == "token" or event.type == "wait" then
      events[#events + 1] = event
    end
  end }
  for name, value in pairs(overrides or {}) do
    options[name] = value
  end
  return ccaas.new(s:options(options)), events
end

--- The reasons of those events.
function store.reasons(events)
  local list = {}
  for i, event in ipairs(events) do
    list[i] = event.reason
  end
  return table.concat(list, "|")
end

--- Calls of each client, all at once: how many of them gave their row.
function store.side_by_side(s, clients, count)
  local calls, got = {}, 0
  for i = 1, count do
    for _, client in ipairs(clients) do
      calls[#calls + 1] = function()
        assert.equal(tostring(i), assert(client:queue(tostring(i))).id)
        got = got + 1
      end
    end
  end
  s:run(unpack(calls))
  return got
end

return store
