-- An answer that was whole before anybody looked at it gave its place to the
-- next piece of a split list before it was known to have a second page; that
-- page's rows came after those of the next piece then.
local server = require "spec.support.server"
local ccaas = require "ccaas"

describe("a list that is split", function()
  it("keeps its order where an answer is whole before it is looked at", function()
    local all = {}
    for i = 1, 3000 do
      all[i] = tostring(i)
    end
    local answered = 0
    local s = server.start(function(request, conn)
      local rows = {}
      for id in request.query["agent-ids"]:gmatch("%d+") do
        rows[#rows + 1] = server.row(id)
      end
      local bytes = server.cut(request, rows)
      if answered > 0 then
        -- Rows are there to be taken before the answer is whole.
        conn:send(bytes:sub(1, -3))
        conn:hold(nil, 0.02)
        bytes = bytes:sub(-2)
      end
      conn:send(bytes)
      answered = answered + 1
    end)
    local stream = ccaas.new(s:options { concurrency = 1 })
      :agents { metrics = "m", agent_ids = all }
    -- The token and the request, then nothing but the network's thread.
    while answered == 0 do
      assert.is_nil((stream:next(0)))
      s:serve()
    end
    for _ = 1, 5 do
      s:serve()
    end
    local rows = assert(stream:all())
    assert.equal(3000, #rows)
    for i = 1, 3000 do
      assert.equal(all[i], rows[i].id)
    end
  end)
end)
