-- loop = "cqueues", and that a running one is found by who names no loop.
local ccaas = require "ccaas"
local contract = require "spec.support.loop"
local cqueues = require "cqueues"
local helper = require "spec.support.helper"

local function run(tasks)
  local loop = cqueues.new()
  for _, task in ipairs(tasks) do
    loop:wrap(task)
  end
  assert(loop:loop())
end

local function turn()
  cqueues.poll(0)
end

describe("the loop \"cqueues\"", function()
  contract { option = "cqueues", run = run, turn = turn }
end)

describe("a running cqueues without the option", function()
  contract { run = run, turn = turn }
end)

describe("a merge", function()
  it("is something that cqueues can poll", function()
    local sandbox = helper.sandbox { agents = 40, queues = 5, groups = 2 }
    local client = ccaas.new(sandbox:options "8x8")
    local count, polls = 0, 0
    run { function()
      local merged = ccaas.merge(client:agents { summary = true, size = 4 }, client:queues { size = 1 })
      while true do
        local item, err = merged:next(0)
        if item then
          count = count + 1
        elseif not err then
          break
        else
          assert.equal("timeout", err.code)
          cqueues.poll(merged)
          polls = polls + 1
        end
      end
      merged:close()
    end }
    assert.equal(45, count)
    assert.is_true(polls > 0)
    client:close()
  end)
end)
