-- With a limit, and a list of ids so long that it was split, the second page
-- of the first piece was left out in favour of the first page of the next.
local server = require "spec.support.server"
local ccaas = require "ccaas"

describe("a limit on a call that is split", function()
  it("takes the rows in their order", function()
    local all = {}
    for i = 1, 3000 do
      all[i] = tostring(i)
    end
    local s = server.start(function(request)
      local rows = {}
      for id in request.query["agent-ids"]:gmatch("%d+") do
        rows[#rows + 1] = server.row(id)
      end
      return server.cut(request, rows)
    end)
    local client = ccaas.new(s:options())
    for _, limit in ipairs { 1000, 1700, 2500 } do
      local rows = client:agents { metrics = "m", agent_ids = all, limit = limit }:all()
      assert.equal(limit, #rows)
      for i = 1, limit do
        assert.equal(all[i], rows[i].id)
      end
    end
    assert.is_true(#s.requests <= 11)
  end)
end)
