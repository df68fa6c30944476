-- Single allocations of ours that fail, and calls of the system that make
-- descriptors and threads: each is an error that says so, and the next call works.
-- A sample; spec/bench/faults.sh has them all.
local faults = require "spec.support.faults"
local helper = require "spec.support.helper"
local programs = require "spec.support.programs"

local plain
setup(function()
  plain = programs.sandboxes()
end)

-- A sanitizer's programs are slower.
local WIDER = helper.sanitized and 3 or 1

local function sweep(scenario, kind, module, first, step, last)
  programs.succeeds(plain, faults.sweep(plain, scenario, kind, module, first, step, last), 100, faults.around())
end

describe("an allocation that fails", function()
  it("while a client is made is a clean error", function()
    sweep("client", "alloc", "ccaas/core.so", 1, WIDER)
  end)

  -- That of the token was "no usable access_token", error protocol.
  it("during calls is error memory or io, and the next call works", function()
    sweep("page", "alloc", "ccaas/core.so", 1, 1, 60) -- to the token
    sweep("page", "alloc", "ccaas/core.so", 60 + math.random(11), 11 * WIDER)
    sweep("store", "alloc", "ccaas/core.so", math.random(11), 11 * WIDER)
  end)

  it("during a watch is error memory or io, and the next one works", function()
    sweep("watch", "alloc", "ccaas/core.so", math.random(11), 11 * WIDER)
  end)

  -- Those of its address were error protocol.
  it("during a subscription is error memory or io, and the next one works", function()
    sweep("subscription", "alloc", "ccaas/core.so", 1, WIDER)
  end)
end)

describe("a descriptor or a thread that cannot be made", function()
  for _, kind in ipairs { "eventfd", "socketpair", "epoll_create1", "pthread_create", "socket" } do
    it("is error io, and the next call works: " .. kind, function()
      sweep("page", kind, "", 1, 1)
      -- libwebsockets does not say why it has no socket; a single failure is over
      -- when we look.
      if kind ~= "socket" then
        sweep("subscription", kind, "", 1, 1)
      end
    end)
  end
end)
