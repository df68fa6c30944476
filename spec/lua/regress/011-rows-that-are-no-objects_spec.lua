-- A list whose items were no objects was handed out as rows all the same, and
-- the script failed on the first field that it looked at.
local ccaas = require "ccaas"
local server = require "spec.support.server"

describe("an item that is no object", function()
  for _, item in ipairs { "1", "null", "true", '"text"', "[]", '[{"id":"2"}]' } do
    it(item .. " is the error protocol, after the rows before it", function()
      local s = server.start(function(request)
        if request.query.page then
          return server.page { rows = { server.row "1", item } }
        end
        return server.answer("[" .. item .. "]")
      end)
      local client = ccaas.new(s:options())
      local stream = client:queues()
      assert.are.equal("1", assert(stream:next()).id)
      local row, err = stream:next()
      assert.is_nil(row)
      assert.are.equal("protocol", err.code)
      assert.are.equal(("malformed JSON at byte %d of the answer: a row is no object")
        :format(#server.row "1" + 2), err.message)
      row, err = client:queue "1"
      assert.is_nil(row)
      assert.are.equal("protocol", err.code)
    end)
  end
end)
