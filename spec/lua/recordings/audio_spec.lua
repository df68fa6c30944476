-- Audio: whole or not at all, by each way in which it is given.
local core = require "ccaas.core"
local downloads = require "spec.support.audio"
local helper = require "spec.support.helper"
local server = require "spec.support.server"

local start = server.xima
local recording = downloads.recording
local audio = downloads.answer
local entries = downloads.entries
local audio_requests = downloads.requests
local ways = downloads.ways

local sandbox, client, rows, ogg

setup(function()
  sandbox, client, rows, ogg = downloads.world()
end)

describe("audio", function()
  describe("comes", function()
    for _, way in ipairs(ways) do
      it("as " .. way[1] .. ", whole", function()
        for i = 1, 3 do
          local bytes = assert(way[2](client, rows[i]))
          assert.equal(rows[i].size, #bytes)
          assert.equal("OggS", bytes:sub(1, 4))
        end
        assert.equal(ogg, assert(way[2](client, rows[1])))
      end)
    end

    it("telling its progress against the size that the row says", function()
      for _, way in ipairs(ways) do
        local done, total = 0, nil
        assert(way[2](client, rows[1], { progress = function(so_far, whole)
          assert.is_true(so_far > done)
          done, total = so_far, whole
        end }))
        assert.equal(rows[1].size, done)
        assert.equal(rows[1].size, total)
      end
    end)

    it("telling its progress against the length announced where the row says nothing", function()
      local total
      local other = start(function() return audio() end)
      assert(other:audio(recording(), { progress = function(_, whole) total = whole end }))
      assert.equal(#ogg, total)
    end)

    it("over a file that is there", function()
      local path = helper.folder() .. "/a.ogg"
      assert(client:audio(rows[2], { file = path }))
      assert(client:audio(rows[1], { file = path }))
      assert.equal(ogg, helper.read(path))
    end)

    it("byte by byte", function()
      local other = start(function(_, _, conn)
        conn:send(audio():sub(1, -#ogg - 1))
        conn:drip(ogg:sub(1, 300), 1)
        conn:send(ogg:sub(301))
      end)
      assert.equal(ogg, assert(other:audio(recording())))
    end)
  end)

  describe("is asked for", function()
    it("by an address that is percent-encoded, whatever the key holds", function()
      sandbox:clear_requests()
      local odd = 0
      for _, row in ipairs(rows) do
        local bytes, err = client:audio(row)
        assert.is_nil(err)
        assert.equal(row.size, #bytes)
        odd = odd + (row.recordingKey:find("[^%w]") and 1 or 0)
      end
      assert.is_true(odd >= 3)
      for _, request in ipairs(audio_requests(sandbox)) do
        assert.matches("^/rest/api/v2/recordings/acme/[%w%%%-%._~]+/audio$", request.target)
        assert.equal(200, request.status)
        assert.equal("audio/ogg", request.headers.accept)
        assert.equal("audio/ogg", request.headers["content-type"])
        assert.equal("Bearer sandbox-xima-token", request.headers.authorization)
      end
    end)

    it("with keys of any bytes", function()
      for key, target in pairs {
        ["../../x"] = "..%2F..%2Fx", ["a\0b"] = "a%00b", ["\r\nX: y"] = "%0D%0AX%3A%20y", ["%2e"] = "%252e",
        ["?a#b"] = "%3Fa%23b", [("x"):rep(300)] = ("x"):rep(300), ["\255"] = "%FF",
      } do
        local other, s = start(function() return audio() end)
        assert(other:audio { recordingKey = key, tenantName = key })
        assert.equal("/rest/api/v2/recordings/" .. target .. "/" .. target .. "/audio", s.requests[1].target)
      end
    end)

    -- A file that tells what it is given.
    local function watched(file, begun, given)
      return {
        begin = function()
          begun()
          return file:begin()
        end,
        write = function(_, piece)
          given[#given + 1] = piece
          return file:write(piece)
        end,
        commit = function() return file:commit() end,
        abort = function() return file:abort() end,
      }
    end

    it("before its file is begun, which gets it as it came", function()
      local other, s = start(function() return audio() end)
      local path, given, new_file = helper.folder() .. "/a.ogg", {}, core.atomic_file
      helper.at_end(function() core.atomic_file = new_file end)
      core.atomic_file = function(...)
        return watched(new_file(...), function() s:serve(function() return #s.requests == 1 end) end, given)
      end
      local done, err = other:audio(recording(), { file = path })
      core.atomic_file = new_file
      assert.is_nil(err)
      assert.equal(#ogg, done.bytes)
      assert.equal(ogg, helper.read(path))
      assert.is_true(#given > 0)
      for _, piece in ipairs(given) do
        assert.equal("userdata", type(piece))
        assert.equal(0, #piece) -- it is gone
        assert.has_error(function() core.ogg():feed(piece) end)
      end
    end)

    it("by a row that has what it takes, or raises and sends nothing", function()
      local other, s = start(function() return audio() end)
      for _, case in ipairs {
        { "K1", nil, "expected a row that `recordings` gave" },
        { nil, nil, "expected a row" },
        { {}, nil, "the row has no `tenantName`: pass a row that `recordings` gave" },
        { { tenantName = "acme" }, nil, "the row has no `recordingKey`" },
        { { tenantName = "acme", recordingKey = 7 }, nil, "recording id must be a string" },
        { { tenantName = "acme", recordingKey = "" }, nil, "recording id is empty" },
        { { tenantName = "..", recordingKey = "K1" }, nil, "which cannot be an id" },
        { recording(), { file = "/tmp/x", sink = print }, "options `file` and `sink` cannot be used together" },
        { recording(), { sink = "x" }, "option `sink` must be a function" },
        { recording(), { progress = 1 }, "option `progress` must be a function" },
        { recording(), { path = "x" }, "unknown option `path`" },
      } do
        local fine, message = pcall(other.audio, other, case[1], case[2])
        assert.is_false(fine)
        assert.is_truthy(message:find(case[3], 1, true), message)
        assert.is_truthy(message:find("audio_spec", 1, true), message)
      end
      assert.equal(0, s.accepted)
    end)
  end)

  describe("whose client is closed in mid-download", function()
    it("is the error cancelled, and leaves nothing", function()
      local folder = helper.folder()
      local other, s = start(function(_, _, conn)
        conn:send(audio(ogg):sub(1, 9000))
        conn:hold()
      end)
      local partly
      s:run(
        function()
          local file, err = other:audio(recording(), { file = folder .. "/a.ogg",
            progress = function() partly = entries(folder) end })
          assert.is_nil(file)
          assert.equal("cancelled", err.code)
        end,
        function()
          for _ = 1, 100 do
            assert.is_nil((other:request { path = "/x", deadline = 0.2 }))
            if partly then
              break
            end
          end
          other:close()
        end
      )
      assert.matches("^%.ccaas%-%x+%.part\n$", partly)
      assert.equal("", entries(folder))
    end)

    it("and that is never resumed leaves nothing when it is collected", function()
      local folder = helper.folder()
      local other, s = start(function(_, _, conn)
        conn:send(audio(ogg):sub(1, 9000))
        conn:hold()
      end)
      local task = coroutine.create(function()
        other:audio(recording(), { file = folder .. "/a.ogg" })
      end)
      s.running[task] = true
      assert(coroutine.resume(task))
      s:serve(function() return #s.requests == 1 end)
      assert.equal("suspended", coroutine.status(task))
      assert.matches("%.part", entries(folder))
      task = nil -- luacheck: ignore 311
      collectgarbage()
      collectgarbage()
      assert.equal("", entries(folder))
    end)
  end)

  describe("in a function's hands", function()
    it("is ended by what the function raises, and leaves no file", function()
      for _, name in ipairs { "progress", "sink" } do
        local folder = helper.folder()
        local fine, message = pcall(client.audio, client, rows[1], {
          file = name == "progress" and folder .. "/a.ogg" or nil,
          [name] = function() error({ mine = true }, 0) end,
        })
        assert.is_false(fine)
        assert.same({ mine = true }, message)
        assert.equal("", entries(folder))
      end
    end)

    it("may wait there for another call", function()
      local names = {}
      assert(client:audio(rows[1], { sink = function()
        names[#names + 1] = assert(client:skills { limit = 1 }:next()).name
      end }))
      assert.is_true(#names > 0)
    end)
  end)
end)
