-- examples/wallboard: what its model makes of events, and the picture of that.
local wallboard = require "spec.support.wallboard"

local model, picture_of = wallboard.model, wallboard.view

describe("the wallboard's model", function()
  local board, polled, pushed

  before_each(function()
    board, polled, pushed = model.new(), {}, {}
    board:add(polled, { name = "8x8 queues", provider = "8x8", polled = true,
      fields = { ["waiting.rt"] = { "queues", "waiting" } } })
    board:add(pushed, { name = "xima", provider = "xima",
      fields = { ["105"] = { "queues", "waiting" }, ["106"] = { "queues", "longest" },
        ["104"] = { "agents", "status" } } })
  end)

  local function poll(event)
    board:put(event, polled, 5000)
  end

  local function push(event)
    board:put(event, pushed, 5000)
  end

  local function queues()
    local list = {}
    for i, row in ipairs(board:list_queues()) do
      list[i] = { row.name, row.waiting, row.stale }
    end
    return list
  end

  it("has the newest value of each queue, the longest queue first", function()
    poll { type = "update", id = "1", name = "A", metric = "waiting.rt", value = 1, snapshot = true }
    poll { type = "update", id = "2", name = "B", metric = "waiting.rt", value = 2, snapshot = true }
    push { type = "update", metric_id = "105", category = "A", kind = "COUNT", value = 3 }
    poll { type = "update", id = "1", name = "A", metric = "waiting.rt", value = "9", previous = 1 }
    poll { type = "update", id = "1", name = "A", metric = "another.rt", value = 5 }
    assert.same({ { "A", "9" }, { "A", 3 }, { "B", 2 } }, queues())
    poll { type = "update", id = "1", name = "A", metric = "waiting.rt", previous = 9 }
    assert.same({ { "A", 3 }, { "B", 2 }, { "A" } }, queues())
  end)

  it("takes the value out of a table for a kind that is not a count", function()
    push { type = "update", metric_id = "106", category = "A", kind = "DURATION",
      value = { type = "DURATION", duration = 8000, lastUpdateTime = "2026-06-30T00:00:00Z" } }
    assert.equal(8000, board:list_queues()[1].longest)
  end)

  it("forgets a row that is removed", function()
    poll { type = "update", id = "1", name = "A", metric = "waiting.rt", value = 1 }
    push { type = "update", metric_id = "105", category = "1", kind = "COUNT", value = 3 }
    poll { type = "removed", id = "1", name = "A" }
    assert.same({ { "1", 3 } }, queues())
  end)

  it("keeps since when a feed is stale, until it is back", function()
    poll { type = "update", id = "1", name = "A", metric = "waiting.rt", value = 1 }
    push { type = "update", metric_id = "105", category = "B", kind = "COUNT", value = 0 }
    poll { type = "down", at = 100, reason = "server" }
    poll { type = "down", at = 105, reason = "timeout" }
    assert.same({ { "A", 1, true }, { "B", 0 } }, queues())
    assert.same({ 100, "timeout" }, { board.feeds[1].since, board.feeds[1].reason })
    assert.is_nil(board.feeds[2].since)
    poll { type = "gap", from = 95, to = 110, reason = "polls failed" }
    assert.is_nil(board.feeds[1].since)
    assert.same({ { "A", 1 }, { "B", 0 } }, queues())
  end)

  it("marks a row of a socket as current again when its value has come", function()
    push { type = "update", metric_id = "105", category = "A", kind = "COUNT", value = 2 }
    push { type = "update", metric_id = "105", category = "B", kind = "COUNT", value = 1 }
    push { type = "down", at = 100.5, reason = "network" }
    push { type = "open", at = 101.5, attempt = 2 }
    push { type = "gap", from = 100.5, to = 101.5, reason = "network" }
    assert.is_nil(board.feeds[2].since)
    assert.same({ { "A", 2, true }, { "B", 1, true } }, queues())
    push { type = "update", metric_id = "105", category = "A", kind = "COUNT", value = 2, snapshot = true }
    assert.same({ { "A", 2 }, { "B", 1, true } }, queues())
  end)

  it("counts a feed that has ended as stale from then on", function()
    poll { type = "error", error = { code = "auth" } }
    assert.same({ 5000, "auth" }, { board.feeds[1].since, board.feeds[1].reason })
  end)

  it("is ready when every feed has told its values or its trouble", function()
    assert.is_false(board:ready())
    poll { type = "update", id = "1", name = "A", metric = "waiting.rt", value = 1 }
    push { type = "open", at = 1, attempt = 1 }
    assert.is_false(board:ready())
    push { type = "message", raw = "{}" }
    assert.is_false(board:ready())
    push { type = "message", raw = "", error = { code = "server" } }
    assert.is_true(board:ready())
    assert.equal("server", board.feeds[2].reason)
  end)

  it("counts the agents of each status", function()
    for name, status in pairs { Ann = "Idle", Bob = "Talking", Cid = "Idle" } do
      push { type = "update", metric_id = "104", category = name, kind = "TEXT", value = { text = status } }
    end
    local statuses = board:list_statuses()
    assert.same({ "Idle", 2, "Talking", 1 }, { statuses[1].status, #statuses[1], statuses[2].status, #statuses[2] })
  end)

  it("makes a picture that is no higher than it may be, and says what it leaves out", function()
    for i = 1, 50 do
      poll { type = "update", id = tostring(i), name = "Q" .. i, metric = "waiting.rt", value = i }
    end
    for lines = 9, 60 do
      local picture = picture_of(board, 80, lines, 5000)
      assert.is_true(#picture <= lines, lines .. ": " .. #picture)
      local text = {}
      for i, line in ipairs(picture) do
        for _, span in ipairs(line) do
          text[#text + 1] = span[1]
        end
        text[#text + 1] = i .. "\n"
      end
      text = table.concat(text)
      local _, shown = text:gsub("Q%d+ ", "")
      assert.equal(50, shown + (tonumber(text:match("and (%d+) more")) or 0))
    end
  end)
end)
