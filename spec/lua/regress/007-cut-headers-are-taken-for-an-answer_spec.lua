-- An answer whose connection ended within its headers was taken for a whole
-- one with status 0, and was not asked for again.
local ccaas = require "ccaas"
local server = require "spec.support.server"

describe("an answer that ends within its headers", function()
  for _, bytes in ipairs { "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Le",
    "HTTP/1.1 200 OK\r\nX-Page: 0\r\n" } do
    it(("after %d bytes is asked for again"):format(#bytes), function()
      local s
      s = server.start(function(_, conn)
        if #s.requests == 1 then
          conn:send(bytes)
          return conn:close()
        end
        return server.page { rows = { server.row "1" } }
      end)
      assert.are.equal(1, #assert(ccaas.new(s:options()):queues():all()))
      assert.are.equal(2, #s.requests)
    end)
  end
end)
