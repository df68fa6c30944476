-- Pages asked for side by side are counted in any order.  Where page 2 was counted
-- before the list grew and page 1 after it, the walk took page 2's for the newer
-- count, and ended without the rows that had come.
local ccaas = require "ccaas"
local server = require "spec.support.server"

describe("a list that grows between two answers", function()
  it("is walked to its end, whichever of them is read last", function()
    local rows, old, grown = {}, false, false
    for i = 1, 30 do
      rows[i] = server.row(tostring(i))
    end
    local s = server.start(function(request, conn)
      local page = tonumber(request.query.page)
      if page == 1 then
        -- Page 2 is answered first; then the list grows.
        assert(conn:hold(function() return old end, 10))
        for i = 31, 77 do
          rows[i] = server.row(tostring(i))
        end
        grown = true
      end
      local answer = server.cut(request, rows)
      old = old or page == 2
      return answer
    end)
    local client = ccaas.new(s:options { concurrency = 4 })
    local stream = client:queues { size = 10 }
    assert.equal("1", stream:next().id)
    -- Both answers are there before one of them is looked at.
    s:serve(function() return grown end)
    s:serve()
    assert.equal(76, #assert(stream:all()))
    local info = stream:info()
    assert.equal(77, info.total)
    assert.equal(8, info.total_pages)
    assert.equal(0, info.missing)
    assert.is_false(info.shrunk)
  end)
end)
