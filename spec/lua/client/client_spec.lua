-- What a client itself keeps and shows.
local ccaas = require "ccaas"

-- The token of a client stood in a table that its streams show.
describe("a client", function()
  it("shows its token in no table, and its streams show it in none", function()
    local client = ccaas.new { provider = "xima", host = "acme.test", token = "t0ken-t0ken" }
    local seen = {}
    local function search(value)
      if type(value) == "string" then
        assert.is_nil(value:find("t0ken-t0ken", 1, true))
      elseif type(value) == "table" and not seen[value] then
        seen[value] = true
        for key, item in pairs(value) do
          search(key)
          search(item)
        end
      end
    end
    search(client)
    search(client:agents())
  end)
end)

-- A client that its own on_event refers to was never collected on LuaJIT.
describe("a client", function()
  it("is collected, though its own on_event refers to it", function()
    local alive = setmetatable({}, { __mode = "k" })
    for _ = 1, 20 do
      local client
      client = ccaas.new { provider = "xima", host = "acme.test", token = "t", on_event = function() return client end }
      alive[client] = true
    end
    collectgarbage()
    collectgarbage()
    local count = 0
    for _ in pairs(alive) do
      count = count + 1
    end
    assert.is_true(count <= 1, count)
  end)
end)

-- An option of the other vendor failed inside.
describe("an option of the other vendor", function()
  it("is refused in a request", function()
    local client = ccaas.new { provider = "xima", host = "acme.test", token = "t" }
    local ok, message = pcall(client.request, client, { path = "/x", tenant = "acme" })
    assert.is_false(ok)
    assert.truthy(message:find("client_spec.lua:%d+: request: unknown option"), message)
  end)
end)
