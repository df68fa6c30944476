-- Several coroutines that read one stream called the token function each, though
-- one answer is enough; and all but one were woken by nobody when it came.
local ccaas = require "ccaas"
local server = require "spec.server"

describe("a token function", function()
  local function token_of(s, result)
    local asked, waits = 0, 0
    local client = ccaas.new(s:options { provider = "xima", key = false, secret = false, token_url = false,
      host = "127.0.0.1", retries = 0, loop = { wait = function(fd, seconds)
        waits = waits + 1
        return s.loop.wait(fd, seconds)
      end }, token = function()
        asked = asked + 1
        -- Until all others wait for it.
        while waits < 4 and asked == 1 do
          s.loop.wait(-1, 0.01)
        end
        return result
      end })
    return client, function() return asked end
  end

  it("is called once for all readers of a stream, who go on with what it gives", function()
    local s = server.start(function()
      return server.answer('[{"id":"1"},{"id":"2"},{"id":"3"},{"id":"4"},{"id":"5"}]')
    end)
    local client, asked = token_of(s, "T1")
    local stream, seen = client:skills(), 0
    local function read()
      if assert(stream:next()) then
        seen = seen + 1
      end
    end
    s:run(read, read, read, read, read)
    assert.equal(5, seen)
    assert.equal(1, asked())
    client:close()
  end)

  it("that has none fails all of them", function()
    local s = server.start()
    local client, asked = token_of(s, "")
    local stream, codes = client:skills(), {}
    local function read()
      local row, err = stream:next()
      assert.is_nil(row)
      codes[#codes + 1] = err.code
    end
    s:run(read, read, read, read, read)
    assert.same({ "auth", "auth", "auth", "auth", "auth" }, codes)
    assert.equal(1, asked())
    client:close()
  end)
end)
