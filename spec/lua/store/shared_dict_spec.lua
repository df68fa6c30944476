-- A store in nginx's shared memory, with an nginx that is played: its functions
-- give what lua-nginx-module's give.
local ccaas = require "ccaas"
local server = require "spec.support.server"
local helper = require "spec.support.helper"

-- A dictionary as ngx.shared has them; `full`: "no memory".
local function dict()
  local it_is = { data = {}, calls = {} }
  function it_is:get(key)
    local value = self.data[key]
    if self.broken then
      return nil, self.broken
    end
    return value, nil -- value, flags
  end
  function it_is:set(key, value, seconds)
    assert(seconds >= 0.001) -- 0 means for ever
    self.calls[#self.calls + 1] = { "set", key, seconds }
    if self.full then
      return false, "no memory", false
    end
    self.data[key] = value
    return true, nil, false
  end
  function it_is:add(key, value, seconds)
    assert(seconds >= 0.001)
    if self.data[key] then
      return false, "exists", false
    elseif self.full then
      return false, "no memory", false
    end
    self.data[key] = value
    return true, nil, false
  end
  function it_is:delete(key)
    self.data[key] = nil
    return true, nil, false
  end
  return it_is
end

describe("a store in shared memory", function()
  local shared, before

  before_each(function()
    before = rawget(_G, "ngx")
    shared = { tokens = dict() }
    rawset(_G, "ngx", { shared = shared })
    package.loaded["ccaas.store"], package.loaded["ccaas.store.shared_dict"] = nil, nil
  end)

  after_each(function()
    rawset(_G, "ngx", before)
  end)

  -- Stores of a name are kept: each spec has its own dictionary.
  local function new()
    return require("ccaas.store").shared_dict "tokens"
  end

  it("gets, sets, adds and deletes", function()
    local store = new()
    assert.is_nil(store.get("k"))
    assert.is_true(store.add("k", "v", 5))
    local added, reason = store.add("k", "w", 5)
    assert.is_false(added)
    assert.is_nil(reason)
    assert.equal("v", store.get("k"))
    assert.is_true(store.set("k", "w", 5))
    assert.equal("w", store.get("k"))
    assert.is_true(store.delete("k"))
    assert.is_nil(store.get("k"))
  end)

  it("gives nginx's reason when it fails", function()
    local store = new()
    shared.tokens.full = true
    for _, operation in ipairs { "set", "add" } do
      local done, reason = store[operation]("k", "v", 5)
      assert.is_nil(done)
      assert.equal("no memory", reason)
    end
    shared.tokens.broken = "it is broken"
    local value, reason = store.get("k")
    assert.is_nil(value)
    assert.equal("it is broken", reason)
  end)

  it("shares a token, with whole times that nginx takes", function()
    local s = server.start(function() return server.answer(server.row("1")) end)
    local store = new()
    assert(ccaas.new(s:options { store = store }):queue("1"))
    assert.equal(1, s.tokens)
    local found
    for key, value in pairs(shared.tokens.data) do
      assert.matches("^ccaas:token:%x+$", key)
      assert.matches("^ccaas1 ok 0 ", value)
      found = true
    end
    assert.is_true(found)
  end)

  it("loses no call where the memory is full, and says so", function()
    local s = server.start(function() return server.answer(server.row("1")) end)
    local said = {}
    shared.tokens.full = true
    local client = ccaas.new(s:options { store = new(), on_event = function(event)
      said[#said + 1] = event.type == "token" and event.reason or nil
    end })
    assert(client:queue("1"))
    assert.equal("store: no memory|granted", table.concat(said, "|"))
  end)

  it("that nginx does not have is a usage error, which names the directive", function()
    local ok, message = pcall(function() require("ccaas.store").shared_dict "none" end)
    assert.is_false(ok)
    assert.matches("shared_dict_spec.lua:%d+: ", message)
    assert.matches("lua_shared_dict none 1m;", message, 1, true)
  end)

  it("outside of nginx is a usage error, which names another store", function()
    rawset(_G, "ngx", nil)
    local ok, message = pcall(function() require("ccaas.store").shared_dict "tokens" end)
    assert.is_false(ok)
    assert.matches("shared_dict_spec.lua:%d+: ", message)
    assert.matches("ccaas.store.file", message, 1, true)
  end)
end)

-- nginx's shared memory counts whole milliseconds, and takes 0 of them for "never
-- ends": a pace left with less than one to go was kept by all workers for ever.
describe("a store in shared memory", function()
  it("ends what lives for less than a millisecond", function()
    local status, output = helper.run(helper.command [[
      local least = math.huge
      local function keep(_, _, _, seconds)
        assert(seconds > 0)
        least = math.min(least, math.floor(seconds * 1000))
        return true
      end
      ngx = { shared = { tokens = { set = keep, add = keep } } }
      local store = require("ccaas.store").shared_dict "tokens"
      assert(store.set("key", "value", 0.0004))
      assert(store.add("key", "value", 1e-9))
      assert(store.set("key", "value", 0.0015))
      print(least)
    ]])
    assert.equal("1\n", output)
    assert.equal(0, status)
  end)
end)
