-- Audio that was cut: only what is missing is asked for.
local ccaas = require "ccaas"
local downloads = require "spec.support.audio"
local helper = require "spec.support.helper"
local server = require "spec.support.server"

local start = server.xima
local recording = downloads.recording
local audio = downloads.answer
local cut = downloads.cut
local audio_requests = downloads.requests
local new_sink = downloads.new_sink
local ways = downloads.ways
local SOON = downloads.SOON
local YEAR = downloads.YEAR

local ogg

setup(function()
  local _
  _, _, _, ogg = downloads.world()
end)

describe("audio", function()
  describe("that is cut in mid-file", function()
    local ranged, c, row

    setup(function()
      ranged = helper.sandbox { recordings = 3, audio_interval = 0, ranges = true, audio_size = 100000 }
      c = ccaas.new(ranged:options("xima", { audio_interval = 0 }))
      row = assert(c:recordings(YEAR):all())[1]
    end)

    before_each(function()
      ranged:clear_requests()
    end)

    local function etag()
      local want = assert(c:audio(row))
      ranged:clear_requests()
      return want
    end

    for _, way in ipairs(ways) do
      for _, how in ipairs { "close", "reset" } do
        it(("at 90 %% asks for the rest only (%s, %s)"):format(way[1], how), function()
          local want = etag()
          ranged:fault { path = "/recordings/*", headers = SOON, truncate = 90000, reset = how == "reset" or nil }
          local bytes = assert(way[2](c, row))
          assert.equal(want, bytes)
          local seen = audio_requests(ranged)
          assert.equal(2, #seen)
          assert.is_nil(seen[1].headers.range)
          local from = tonumber(seen[2].headers.range:match("^bytes=(%d+)%-$"))
          -- A reset may take bytes back that were on their way.
          assert.is_true(from <= 90000 and (how == "reset" or from == 90000), from)
          assert.matches('^".+"$', seen[2].headers["if-range"])
          assert.equal(206, seen[2].status)
          assert.equal("audio/ogg", seen[2].headers.accept)
        end)
      end
    end

    it("again and again goes on each time", function()
      local want = etag()
      local done, last = {}, 0
      for _ = 1, 3 do
        ranged:fault { path = "/recordings/*", headers = SOON, truncate = 30000 }
      end
      local bytes = assert(c:audio(row, { progress = function(so_far, total)
        assert.is_true(so_far > last)
        last = so_far
        done[#done + 1] = total
      end }))
      assert.equal(want, bytes)
      assert.equal(100000, last)
      assert.equal(100000, done[1])
      local seen = audio_requests(ranged)
      assert.same({ "bytes=30000-", "bytes=60000-", "bytes=90000-" },
        { seen[2].headers.range, seen[3].headers.range, seen[4].headers.range })
    end)

    it("and has changed since starts over", function()
      local before = etag()
      for i = 1, 2 do
        ranged:fault { path = "/recordings/*", headers = SOON, truncate = 50000 }
        ranged:fault { path = "/recordings/*", set = { audio_version = 10 + i } }
        local bytes = assert(ways[i][2](c, row))
        assert.equal(100000, #bytes)
        assert.are_not.equal(before, bytes)
        assert.equal(bytes, assert(c:audio(row)))
        before = bytes
      end
    end)

    it("and has changed since is an error for a sink, which has the old bytes", function()
      ranged:fault { path = "/recordings/*", headers = SOON, truncate = 50000 }
      ranged:fault { path = "/recordings/*", set = { audio_version = 20 } }
      local sink, given = new_sink()
      local done, err = c:audio(row, { sink = sink })
      assert.is_nil(done)
      assert.equal("network", err.code)
      assert.is_true(err.retryable)
      assert.equal(50000, #given())
    end)

    it("starts over where the server has no ranges; a sink cannot", function()
      for i, way in ipairs(ways) do
        local other, s = start(function(_, n, conn)
          if n == 1 then
            return cut(conn, ogg, #ogg - 100)
          end
          return audio()
        end)
        local bytes, err = way[2](other, recording())
        if i < 3 then
          assert.equal(ogg, bytes)
        else
          assert.is_nil(bytes)
          assert.equal("network", err.code)
        end
        assert.is_nil(s.requests[2].headers.range)
        assert.is_nil(s.requests[2].headers["if-range"])
      end
    end)

    it("starts over where the server sends all of it again, also to a sink that knows it is the same", function()
      for _, way in ipairs(ways) do
        local other, s = start(function(_, n, conn)
          if n == 1 then
            return cut(conn, ogg, 5000, { ETag = '"v1"' })
          end
          return audio(ogg, { ETag = '"v1"' })
        end)
        assert.equal(ogg, assert(way[2](other, recording())))
        assert.equal("bytes=5000-", s.requests[2].headers.range)
        assert.equal('"v1"', s.requests[2].headers["if-range"])
      end
    end)

    it("is not the same by a weak ETag", function()
      for i, way in ipairs(ways) do
        local other, s = start(function(_, n, conn)
          if n == 1 then
            return cut(conn, ogg, 5000, { ETag = 'W/"v1"' })
          end
          return audio(ogg, { ETag = 'W/"v1"' })
        end)
        local bytes = way[2](other, recording())
        assert.equal(i < 3 and ogg or nil, bytes)
        assert.is_nil(s.requests[2].headers.range)
      end
    end)

    it("starts over where a part of another file is sent", function()
      for i = 1, 2 do
        local other, s = start(function(request, n, conn)
          if n == 1 then
            return cut(conn, ogg, 5000, { ETag = '"v1"' })
          elseif request.headers.range then
            -- It does not heed If-Range.
            return audio(ogg:sub(5001), { ETag = '"v2"',
              ["Content-Range"] = ("bytes 5000-%d/%d"):format(#ogg - 1, #ogg) }, 206)
          end
          return audio(ogg, { ETag = '"v2"' })
        end)
        assert.equal(ogg, assert(ways[i][2](other, recording())))
        assert.equal(3, #s.requests)
        assert.is_nil(s.requests[3].headers.range)
      end
    end)

    it("starts over where the rest cannot be had any more", function()
      local other, s = start(function(request, n, conn)
        if n == 1 then
          return cut(conn, ogg, 5000, { ETag = '"v1"' })
        elseif request.headers.range then
          return server.answer("", { status = 416, headers = { ["Content-Range"] = "bytes */4000" } })
        end
        return audio(ogg, { ETag = '"v2"' })
      end)
      assert.equal(ogg, assert(other:audio(recording())))
      assert.equal(3, #s.requests)
    end)

    it("is the error protocol where another part is sent than was asked for", function()
      for _, range in ipairs { "bytes 4999-%d/%d", "bytes 0-%d/%d", "items 5000-%d/%d", false } do
        local other = start(function(_, n, conn)
          if n == 1 then
            return cut(conn, ogg, 5000, { ETag = '"v1"' })
          end
          return audio(ogg:sub(5001), { ETag = '"v1"',
            ["Content-Range"] = range and range:format(#ogg - 1, #ogg) or nil }, 206)
        end)
        local bytes, err = other:audio(recording())
        assert.is_nil(bytes)
        assert.equal("protocol", err.code)
      end
      local other = start(function() return audio(ogg, { ["Content-Range"] = "bytes 0-9/10" }, 206) end)
      assert.equal("protocol", select(2, other:audio(recording())).code)
    end)

    -- A bare CR in it went out again, in a header of ours.
    it("starts over where the ETag is no value that could be sent back", function()
      for _, tag in ipairs { '"a\rX-Evil: 1"', '"a\tb"', '"a"b"', '"', "v1", '"a b"', '"\127"' } do
        local other, s = start(function(_, n, conn)
          if n == 1 then
            return cut(conn, ogg, 5000, { ETag = tag })
          end
          return audio(ogg, { ETag = tag })
        end)
        assert.equal(ogg, assert(other:audio(recording())))
        assert.equal(2, #s.requests)
        assert.is_nil(s.requests[2].headers.range, tag)
        assert.is_nil(s.requests[2].raw:find("If-Range", 1, true), tag)
      end
    end)

    it("too often is the error network, and leaves no file", function()
      for _, way in ipairs(ways) do
        ranged:fault { path = "/recordings/*", headers = SOON, truncate = 1000, times = 2 }
        local bytes, err = way[2](c, row, { retries = 1 })
        assert.is_nil(bytes)
        assert.equal("network", err.code)
        assert.equal(2, #err.attempts)
      end
    end)

    it("keeps the pace for the rest, too", function()
      local other, s = start(function(_, n, conn)
        if n == 1 then
          return cut(conn, ogg, 5000, { ETag = '"v1"' })
        end
        return audio(ogg:sub(5001), { ETag = '"v1"',
          ["Content-Range"] = ("bytes 5000-%d/%d"):format(#ogg - 1, #ogg) }, 206)
      end, { audio_interval = 0.7 })
      assert.equal(ogg, assert(other:audio(recording())))
      assert.is_true(s.requests[2].at - s.requests[1].at > 0.65)
    end)

    it("and drips from there on is whole in the end", function()
      local want = etag()
      ranged:fault { path = "/recordings/*", headers = SOON, truncate = 50000 }
      ranged:fault { path = "/recordings/*", drip = 0.01 }
      assert.equal(want, assert(c:audio(row, { timeout = 5 })))
    end)
  end)
end)
