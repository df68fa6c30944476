-- The collector calls finalisers newest first: a user's object that is older than
-- its stream of events closes it when what the stream stands on was let go already.
-- That raised (on LuaJIT wherever the program happened to be).
local ccaas = require "ccaas"
local core = require "ccaas.core"
local helper = require "spec.support.helper"

describe("a finaliser that is called after those of what it closes", function()
  local sandbox

  setup(function() sandbox = helper.sandbox { agents = 1, queues = 1, groups = 1 } end)

  local function client(provider) return ccaas.new(sandbox:options(provider)) end

  local kinds = {
    ["a subscription"] = function() return client("xima"):subscribe { "101" } end,
    ["a list"] = function() return client("8x8"):queues() end,
    ["a watch"] = function() return client("8x8"):watch "queues" end,
    ["a merge"] = function() return ccaas.merge(client("xima"):subscribe { "101" }, client("8x8"):queues()) end,
    ["a merge with a watch and a merge"] = function()
      return ccaas.merge(client("8x8"):watch "queues", ccaas.merge(client("8x8"):queues()))
    end,
  }

  -- A table whose `stream` is closed when both are collected.
  local function new_keeper(outcome)
    local kept = {}
    kept.finaliser = helper.with_finaliser(function()
      outcome.closed, outcome.reason = pcall(kept.stream.close, kept.stream)
    end)
    return kept
  end

  -- Leaves a stream to the collector, with a keeper that is older than all of it or,
  -- `later`, than what it makes when it is used.
  local function abandon(make, use, later, outcome)
    local kept = not later and new_keeper(outcome)
    local stream = make()
    kept = kept or new_keeper(outcome)
    kept.stream = stream
    use(stream)
  end

  local uses = {
    ["that was never read"] = function() end,
    ["that was read"] = function(stream) assert(stream:next(30)) end,
    ["that was polled"] = function(stream) assert.is_true(stream:pollfd() >= 0) end,
  }

  for kind, make in pairs(kinds) do
    for used, use in pairs(uses) do
      it("closes " .. kind .. " " .. used, function()
        for _, later in ipairs { false, true } do
          local outcome, ends = {}, core.now() + 30
          abandon(make, use, later, outcome)
          repeat
            collectgarbage()
          until outcome.closed ~= nil or core.now() > ends
          assert.is_true(outcome.closed, tostring(outcome.reason))
        end
      end)
    end
  end
end)
