-- client:subscribe: values as they change, over real websockets of the sandbox.
local ccaas = require "ccaas"
local subscription = require "spec.support.subscription"
local helper = require "spec.support.helper"
local streams = require "ccaas.stream"

local subscribe, opened, take = subscription.subscribe, subscription.opened, subscription.take
local assert_quiet, push, wait_for = subscription.assert_quiet, subscription.push, subscription.wait_for

describe("a subscription", function()
  local sandbox, client

  local function start(options, overrides) sandbox, client = subscription.start(options, overrides) end
  after_each(subscription.stop)

  describe("gives", function()
    it("nothing, and opens nothing, before it is read", function()
      start()
      local stream = subscribe()
      assert.equal("ccaas.Events (subscribe)", tostring(stream))
      assert.same({}, sandbox:requests())
      stream:close()
      assert.same({}, sandbox:requests())
    end)

    it("the opening, then what is pushed", function()
      start()
      local stream = subscribe({}, { "101", "102" })
      local open = take(stream, "open")
      assert.equal(1, open.attempt)
      assert.is_true(math.abs(open.at - os.time()) < 60)
      assert.same({ "101", "102" }, sandbox:sockets()[1].ids)
      assert.equal(1, push(7, 'Alice "A" Zoë\\'))
      local update = take(stream, "update")
      assert.equal("101", update.metric_id)
      assert.equal('Alice "A" Zoë\\', update.category)
      assert.equal("COUNT", update.kind)
      assert.equal("7", tostring(update.value))
      assert.matches("^%d%d%d%d%-%d%d%-%d%dT", update.updated_at)
      assert.is_nil(update.snapshot)
      local raw = require("cjson").decode(update.raw)
      assert.equal("101", raw.key.metricId)
      assert.equal(7, raw.value.count)
      assert_quiet(stream)
      stream:close()
    end)

    it("the current values after the opening", function()
      start()
      local stream = subscribe({ snapshot = true }, { "101", "103" })
      take(stream, "open")
      local state = {}
      for _, id in ipairs { "101", "103" } do
        for _, value in ipairs(sandbox:state { id = id }) do
          state[id .. value.category] = value
        end
      end
      while next(state) do
        local update = take(stream, "update")
        local key = update.metric_id .. update.category
        assert.is_true(update.snapshot)
        assert.equal(state[key].at, update.updated_at)
        assert.equal(state[key].kind, update.kind)
        state[key] = nil
      end
      assert_quiet(stream)
      assert.equal(1, stream:info().snapshots)
    end)

    it("the whole value if its kind has no count", function()
      start { kinds = { ["101"] = "TEXT" } }
      local stream = opened()
      sandbox:push { id = "101", category = "A", value = "busy" }
      local update = take(stream, "update")
      assert.equal("TEXT", update.kind)
      assert.equal("busy", update.value.text)
      assert.equal("TEXT", update.value.type)
    end)

    -- They came as messages of another kind.
    it("updates whose ids are numbers, as numbers", function()
      start()
      local stream = opened()
      sandbox:push { id = "101", raw = '{"key":{"metricId":101,"categoryValue":7},"value":{"type":"COUNT","count":2}}' }
      local update = take(stream, "update")
      assert.equal(101, update.metric_id)
      assert.equal(7, update.category)
      assert.equal(2, update.value)
    end)

    it("messages that are not updates unchanged, and goes on", function()
      start { handshake = "handshake details" }
      local stream = opened()
      local message = take(stream, "message")
      assert.equal("handshake details", message.raw)
      assert.equal("protocol", message.error.code)
      assert.matches("at byte 0", message.error.message)
      for _, raw in ipairs { '{"key":{"metricId":"101"},"value":7}', '{"value":{"count":1}}', "[]", "7", "{}",
        '{"key":{"metricId":true},"value":{}}' } do
        sandbox:push { id = "101", raw = raw }
        message = take(stream, "message")
        assert.equal(raw, message.raw)
        assert.is_nil(message.error)
      end
      sandbox:push { id = "101", raw = '{"key":{"metricId":"101","categoryValue":"A"},"value":{"count":1}' }
      assert.equal("protocol", take(stream, "message").error.code)
      sandbox:push { id = "101", raw = "\0\255", binary = true }
      message = take(stream, "message")
      assert.equal("\0\255", message.raw)
      assert.is_true(message.binary)
      push(1)
      take(stream, "update")
    end)

    it("messages that come in pieces whole", function()
      start { fragments = 7 }
      local stream = opened()
      push(123456789)
      assert.equal("123456789", tostring(take(stream, "update").value))
    end)

    it("nothing that is older than what it gave", function()
      start()
      local stream = opened()
      push(1, "A", 1782777600)
      push(2, "B", 1782777500)
      push(3, "A", 1782777599.5)
      push(4, "A", 1782777600)
      local values = {}
      for i = 1, 3 do
        values[i] = tostring(take(stream, "update").value)
      end
      assert.same({ "1", "2", "4" }, values)
      assert_quiet(stream)
      assert.equal(1, stream:info().stale)
    end)

    it("nothing that is older than a current value", function()
      start()
      push(5, "A")
      local at = sandbox:state { id = "101" }
      local stream = subscribe { snapshot = true }
      take(stream, "open")
      for _ = 1, #at do
        take(stream, "update")
      end
      push(4, "A", 1000000000)
      push(6, "A")
      assert.equal("6", tostring(take(stream, "update").value))
      assert.equal(1, stream:info().stale)
    end)
  end)

  it("is merged with others", function()
    start()
    local one, other = subscribe(nil, { "101" }), subscribe({ snapshot = true }, { "102" })
    local agents = client:agents()
    local merged = ccaas.merge(one, other, agents)
    local seen, updates = {}, 0
    repeat
      local item, stream = merged:next(30)
      seen[stream] = (seen[stream] or 0) + 1
      updates = updates + (stream == other and item.type == "update" and 1 or 0)
    until seen[one] and updates == #sandbox:state { id = "102" } and seen[agents] == 4
    push(1)
    local item, stream = merged:next(30)
    assert.equal(one, stream)
    assert.equal("update", item.type)
    merged:close()
    wait_for(function() return #sandbox:sockets() == 0 end)
  end)

  it("goes by TLS, verified", function()
    start { tls = true }
    local stream = opened()
    push(1)
    take(stream, "update")
    local options = sandbox:options("xima")
    options.ca_file = nil
    local stranger = ccaas.new(options)
    local _, err = stranger:subscribe({ "101" }):next(30)
    assert.equal("tls", err.code)
    stranger:close()
  end)

  it("shows the token to the server only", function()
    local token = "a b&c=d%2B+/é?#"
    local said = {}
    start({ xima_token = token }, { on_event = function(event)
      for name, value in pairs(event) do
        said[#said + 1] = name .. "=" .. tostring(value)
      end
    end })
    local stream = opened()
    assert.equal(token, sandbox:requests()[1].query.auth_token)
    sandbox:live { refuse = 403 }
    sandbox:drop_sockets { code = 4000, reason = token }
    local down = take(stream, "down")
    local _, err = stream:next(30)
    assert.equal("forbidden", err.code)
    assert.matches("/realtime%-metric%-subscription$", err.url)
    for _, text in ipairs { tostring(down.error), tostring(err), tostring(stream), tostring(client),
      table.concat(said, "\n") } do
      assert.is_nil(text:find("a b&c", 1, true), text)
      assert.is_nil(text:find("a%20b", 1, true), text)
      assert.is_nil(text:find("auth_token", 1, true), text)
    end
    local text = table.concat(said, "\n")
    assert.is_truthy(text:find("type=socket", 1, true), text)
    assert.is_truthy(text:find("reason=open", 1, true), text)
    assert.is_truthy(text:find("reason=lost", 1, true), text)
    assert.is_truthy(text:find("reason=refused", 1, true), text)
  end)

  it("raises usage errors at the caller's line", function()
    start()
    local function raises(message, ...)
      local arguments = { ... }
      local unpack = table.unpack or unpack -- luacheck: ignore
      local ok, raised = pcall(function() client:subscribe(unpack(arguments, 1, 2)) end)
      assert.is_false(ok)
      assert.matches("subscribe_spec.lua:%d+: ", raised)
      assert.is_truthy(raised:find(message, 1, true), raised)
    end
    raises("needs a list of ids")
    raises("ids", {})
    raises('option `overflow` must be "latest" or "block"', { "101" }, { overflow = "drop" })
    raises("option `queue` must be a whole number from 1 to 65536", { "101" }, { queue = 0 })
    raises("option `queue` must be a whole number from 1 to 65536", { "101" }, { queue = 65537 })
    raises("option `silence` must be a number of seconds above 0", { "101" }, { silence = 0 })
    raises("option `max_reconnects` must be a whole number, 0 or more", { "101" }, { max_reconnects = -1 })
    raises([[did you mean "overflow"?]], { "101" }, { overflaw = "latest" })
    local many = {}
    for i = 1, 3000 do
      many[i] = ("%d"):format(100000 + i)
    end
    raises("too many ids for one websocket", many)
  end)
end)

-- The deadline of a subscription is for all of it: the request for the current
-- values had the whole of it to itself, after each opening, and while it was
-- under way nobody looked at the subscription's own.
describe("the request for a subscription's current values", function()
  local new = streams.new
  local sandbox, client, plans

  before_each(function()
    sandbox = helper.sandbox { agents = 5 }
    client = ccaas.new(sandbox:options("xima"))
    plans = {}
    streams.new = function(own, plan, name)
      plans[#plans + 1] = plan
      return new(own, plan, name)
    end
  end)

  after_each(function() streams.new = new end)

  it("has what is left of the subscription's deadline", function()
    -- Half a second goes by before it is opened again.
    sandbox:fault { path = "/realtime-metric-subscription", status = 503, times = 1 }
    local live = client:subscribe({ "101" }, { deadline = 20 })
    assert.equal("down", assert(live:next()).type)
    assert.equal("open", assert(live:next()).type)
    assert.equal(1, #plans)
    assert.is_true(plans[1].deadline <= 19.5)
    client:close()
  end)

  it("has a deadline only where the subscription has one", function()
    local live = client:subscribe({ "101" })
    assert.equal("open", assert(live:next()).type)
    assert.is_nil(plans[1].deadline)
    client:close()
  end)
end)
