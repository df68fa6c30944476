-- The day that the sandbox plays by itself, as its websockets tell it.

local cjson = require "cjson"
local live = require "spec.support.websocket_client"
local plain = live.plain

local start, open, values = live.start, live.open, live.values

-- The rows of 8x8, their metrics beside their names.
local function x8_rows(sb, path)
  local rows = plain.get(sb, path).json
  for _, row in ipairs(rows) do
    for _, metric in ipairs(row.metrics) do
      row[metric.key] = metric.value
    end
  end
  return rows
end

describe("a subscription of the sandbox", function()
  after_each(live.stop_all)

  describe("plays a day", function()
    -- What a reader knows after so many updates.
    local function read(client, count)
      local model, texts = {}, {}
      for i = 1, count do
        local update, message = client:update()
        model[update.id] = model[update.id] or {}
        model[update.id][update.category] = update.value
        texts[i] = message.text
      end
      return model, texts
    end

    local EVERY = { "101", "102", "103", "104", "105", "106", "107", "108",
      "109", "K0FLAEB6" }

    it("the same one for the same seed, another for another", function()
      local texts = {}
      for i, seed in ipairs { 7, 7, 8 } do
        local sb = start { agents = 30, queues = 6, seed = seed,
          buffer = 10000000 }
        local client = open(sb, EVERY)
        sb:live { rate = 20000 }
        local _, said = read(client, 3000)
        texts[i] = table.concat(said, "\n")
        sb:stop()
      end
      assert.is_true(texts[1] == texts[2])
      assert.is_false(texts[1] == texts[3])
    end)

    it("whose state is what was pushed, and that can be stopped", function()
      local sb = start { agents = 30, queues = 6, buffer = 10000000 }
      local client = open(sb, EVERY)
      sb:live { rate = 20000 }
      live.wait_for(function() return sb:sockets()[1].sent > 3000 end, "updates")
      sb:live { rate = false }
      local count = sb:sockets()[1].sent
      local model = read(client, count)
      assert.equal(0, client:ping())
      local seen = 0
      for _, item in ipairs(sb:state()) do
        assert.same(cjson.decode("[" .. item.value .. "]")[1],
          model[item.id][item.category])
        seen = seen + 1
      end
      assert.equal(5 * 20 + 5 * 6, seen)
      assert.same(model["105"], values(sb, "105"))
      local sent = 0
      for _, counts in pairs(sb:pushed()) do
        assert.equal(counts.updates, counts.sent)
        sent = sent + counts.sent
      end
      assert.equal(count, sent)
    end)

    it("that is plausible", function()
      local sb = start { agents = 30, queues = 6, live = 20000, buffer = 10000000 }
      local client = open(sb, EVERY)
      local known = { Idle = true, Talking = true, Ringing = true,
        ["Do Not Disturb"] = true, ["Logged Out"] = true }
      local model, texts = read(client, 10000)
      local counts, talked, queued, lost = {}, 0, 0, 0
      local before = ""
      for _, text in ipairs(texts) do
        local update = live.read(text)
        assert.is_true(update.at > before)
        before = update.at
        if update.id == "104" then
          assert.is_true(known[update.value])
          talked = talked + (update.value == "Talking" and 1 or 0)
        else
          assert.is_true(update.value >= 0)
        end
        if update.id == "101" or update.id == "102" then
          local key = update.id .. update.category
          assert.is_true(not counts[key] or update.value == counts[key] + 1)
          counts[key] = update.value
        end
        queued = math.max(queued, update.id == "105" and update.value or 0)
        lost = math.max(lost, update.id == "107" and update.value or 0)
      end
      assert.is_true(talked > 100)
      assert.is_true(queued >= 2)
      assert.is_true(lost > 0 and lost <= 1)
      for agent, answered in pairs(model["102"]) do
        assert.is_true(answered <= model["101"][agent])
      end
    end)

    it("that 8x8 tells by its own metrics, at the same moment", function()
      local sb = start { agents = 30, queues = 6, seed = 3, live = 2000 }
      local path = "/queues?metrics=interactionsWaitInQueue.rt,"
        .. "interactionsHandling.rt,interactionsLongestWaitInQueue.rt"
      local handled = 0
      live.wait_for(function()
        for _, row in ipairs(x8_rows(sb, path)) do
          handled = math.max(handled, row["interactionsHandling.rt"])
        end
        return handled > 1
      end, "calls that are handled")
      sb:live { rate = 0 }

      local waiting, longest = values(sb, "105"), values(sb, "106")
      local talking, queues = 0, x8_rows(sb, path)
      for _, row in ipairs(queues) do
        assert.equal(waiting[row.name], row["interactionsWaitInQueue.rt"])
        assert.equal(longest[row.name], row["interactionsLongestWaitInQueue.rt"])
        talking = talking + row["interactionsHandling.rt"]
      end
      assert.equal(6, #queues)
      local of_state = { Idle = "Available", Ringing = "Offering",
        Talking = "Handling", ["Do Not Disturb"] = "On Break",
        ["Logged Out"] = "Logged Out" }
      local expected, seen = {}, {}
      for _, state in pairs(values(sb, "104")) do
        table.insert(expected, of_state[state])
      end
      for i, row in ipairs(x8_rows(sb, "/agents?metrics=status.rt")) do
        seen[i] = i <= 20 and row["status.rt"] or nil
        talking = talking - (seen[i] == "Handling" and 1 or 0)
      end
      table.sort(expected)
      table.sort(seen)
      assert.same(expected, seen)
      assert.equal(0, talking)
    end)

    it("by default, at its pace, with or without agents", function()
      local sb = start { agents = 0, queues = 0, live = true }
      open(sb, EVERY):update()
      assert.is_true(plain.seconds(function()
        read(open(sb, EVERY), 3)
      end) > 0.3)
    end)
  end)
end)
