-- A page that was cut short and asked for again counted the rows that it had
-- in common with an earlier page once for each attempt.
local server = require "spec.support.server"
local ccaas = require "ccaas"

describe("a page that is asked for again", function()
  it("counts a row that had moved to it once", function()
    local rows, cut = {}, false
    for i, id in ipairs { 1, 2, 3, 4, 3, 4, 5, 6 } do
      rows[i] = server.row(tostring(id))
    end
    local s = server.start(function(request, conn)
      local bytes = server.cut(request, rows)
      if request.query.page == "1" and not cut then
        cut = true
        conn:send(bytes:sub(1, -3))
        conn:hold(nil, 0.05)
        conn:close()
        return ""
      end
      return bytes
    end)
    local stream, ids = ccaas.new(s:options()):queues { size = 4 }, {}
    for row in stream do
      ids[#ids + 1] = row.id
    end
    assert.equal("1 2 3 4 5 6", table.concat(ids, " "))
    assert.is_true(cut)
    assert.equal(2, stream:info().duplicates)
    assert.equal(2, stream:info().missing)
  end)
end)
