-- In nginx, whoever found no descriptor for the far end of its line left the
-- connection where it was, and the next one got it for its own: its byte went to
-- nobody, and it slept on.
local helper = require "spec.support.helper"

describe("a connection that could not be taken", function()
  it("is nobody else's", function()
    local status, output = helper.run("ulimit -n 64; " .. helper.command [[
      local core = require "ccaas.core"
      local unix = require "socket.unix"
      local path = assert(core.nginx_socket())
      local function connect()
        local one = assert((unix.stream or unix)())
        assert(one:connect(path))
        one:settimeout(10)
        return one
      end
      local socket = connect()
      local files, file = {}, nil
      repeat
        file = io.open("/dev/null")
        files[#files + 1] = file
      until not file
      print(core.nginx_connection())
      for _, one in ipairs(files) do
        one:close()
      end
      local other = connect()
      local line = assert(core.nginx_connection())
      line:ping()
      print(#assert(other:receive(1)))
      print(core.nginx_connection())
      socket:close()
    ]])
    assert.equal("nil\n1\nnil\n", output)
    assert.equal(0, status)
  end)
end)
