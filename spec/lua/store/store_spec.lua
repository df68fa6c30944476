-- The option `store`: what it takes.
local ccaas = require "ccaas"
local stores = require "ccaas.store"

describe("the option store", function()
  local FUNCTIONS = { get = print, set = print, add = print, delete = print }

  local function raises(words, store)
    local ok, message = pcall(function()
      ccaas.new { provider = "8x8", key = "k", secret = "s", store = store }
    end)
    assert.is_false(ok)
    assert.matches("^[^\n]*store_spec.lua:%d+: ccaas.new: option `store` ", message)
    assert.is_truthy(message:find(words, 1, true), message)
  end

  it("is a table of four functions", function()
    raises("ccaas.store.file(path)", "/tmp/x")
    raises("not a function", print)
    for name in pairs(FUNCTIONS) do
      local lacking = {}
      for other, f in pairs(FUNCTIONS) do
        lacking[other] = other ~= name and f or nil
      end
      raises("lacks the function `" .. name .. "`", lacking)
      lacking[name] = "no function"
      raises("lacks the function `" .. name .. "`", lacking)
    end
    ccaas.new { provider = "8x8", key = "k", secret = "s", store = FUNCTIONS }:close()
  end)

  it("of this library has a name", function()
    for _, kind in ipairs { "file", "shared_dict" } do
      for _, name in ipairs { "", 7, "a\0b", {} } do
        local ok, message = pcall(function() ccaas.store[kind](name) end)
        assert.is_false(ok)
        assert.matches("^[^\n]*store_spec.lua:%d+: store." .. kind .. ": expected ", message)
      end
    end
    assert.equal(ccaas.store.file("/tmp/one"), ccaas.store.file("/tmp/one"))
    assert.not_equal(ccaas.store.file("/tmp/one"), ccaas.store.file("/tmp/other"))
  end)

  -- A pace that was over in less than a millisecond was kept for good in nginx's
  -- shared memory, which counts whole ones and takes 0 for "never ends": no download
  -- began any more.
  it("is never told of less than a millisecond", function()
    local kept = {}
    local store = {
      get = function() return "mine" end,
      set = function(_, _, seconds) kept[#kept + 1] = math.floor(seconds * 1000) end,
      add = function(_, _, seconds) kept[#kept + 1] = math.floor(seconds * 1000) return false end,
      delete = function() end,
    }
    for _, kind in ipairs { "leave", "tell", "keep", "find" } do
      local request = { reply = function() end, found = function() return false end }
      local asked = { key = "key", lease = "lease", owner = "mine", value = "value", seconds = 0.00067 }
      local core = { store_request = function() return request, kind, asked end }
      assert.is_true(stores.answer { store = store, core = core, asking = {} })
    end
    assert.same({ 1, 1, 1, 1 }, kept)
  end)
end)
