-- loop = "copas", where this Lua has it (Debian's is for Lua 5.1, so for LuaJIT,
-- only); where it has not, what is said then.
local ccaas = require "ccaas"
local contract = require "spec.support.loop"

local options = { provider = "xima", host = "acme.xima.cloud", token = "T", loop = "copas" }

if rawget(_G, "jit") then
  for _, name in ipairs { "http", "smtp", "ftp" } do
    package.loaded["socket." .. name] = nil -- copas wants to be first
  end
  local copas = require "copas"
  local pause = require("ccaas.loop.copas").pause

  local function run(tasks)
    local left = #tasks
    for _, task in ipairs(tasks) do
      copas.addthread(function()
        task()
        left = left - 1
      end)
    end
    while left > 0 do
      copas.step()
    end
  end

  describe("the loop \"copas\"", function()
    contract { option = "copas", run = run, turn = pause }

    it("raises in one coroutine, not in all, at a descriptor that select does not take", function()
      local fine, message = pcall(require("ccaas.loop.copas").wait, 5000)
      assert.is_false(fine)
      assert.truthy(message:find("select ends at descriptor", 1, true), message)
    end)
  end)
else
  describe("the loop \"copas\", which is not installed,", function()
    it("is refused with a message that says so", function()
      local fine, message = pcall(ccaas.new, options)
      assert.is_false(fine)
      assert.truthy(message:find("copas_spec.lua:%d+: loop: \"copas\" needs the module copas"), message)
    end)
  end)
end
