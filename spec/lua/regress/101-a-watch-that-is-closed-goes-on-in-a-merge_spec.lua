-- A watch that its owner closed went on polling in a merge, which gave its events
-- and did not end.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local side = require "ccaas.side"

describe("a merge of a watch that its owner closes", function()
  local sandbox, client, now

  before_each(function()
    sandbox = helper.sandbox { queues = 1, agents = 1 }
    client = ccaas.new(sandbox:options("8x8", { retries = 0 }))
    now = 1000
    side.of(client).now = function() return now end
  end)

  after_each(function() client:close() end)

  it("ends, where it has no other", function()
    local watch = client:watch("queues", { metrics = { "handling.rt" } })
    local merged = ccaas.merge(watch)
    assert.is_true(assert(merged:next(20)).snapshot)
    assert.equal("timeout", select(2, merged:next(0)).code)
    watch:close()
    now = now + 5
    local event, err = merged:next(20)
    assert.is_nil(event)
    assert.is_nil(err)
  end)

  it("does so also when another one goes on with its poll", function()
    local answers = false
    local s = server.start(function(_, conn)
      conn:hold(function() return answers end)
      return server.page { rows = { server.row("1", '[{"key":"handling.rt","value":7}]') } }
    end)
    local held = ccaas.new(s:options { retries = 0 })
    local watch = held:watch("queues", { metrics = { "handling.rt" } })
    local other = held:watch("queues", { metrics = { "handling.rt" } })
    local merged = ccaas.merge(watch)
    assert.equal("timeout", select(2, merged:next(0)).code)
    watch:close()
    local event, err = merged:next(20)
    assert.is_nil(event)
    assert.is_nil(err)
    answers = true
    assert.is_true(assert(other:next(20)).snapshot)
    held:close()
  end)
end)
