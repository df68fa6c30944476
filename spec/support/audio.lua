-- What the specs of audio share: the sandbox's recordings, answers that are audio,
-- and the ways in which a call gives it.
local assert = require "luassert"
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"

local audio = {}

audio.YEAR = { from = "2025-06-30", to = "2026-06-30" }

--- Headers of a fault that spare the next attempt its pause.
audio.SOON = { ["Retry-After"] = 0 }

-- The audio of the sandbox's first recording: whole Ogg pages.
local ogg

--- A row of a recording.
function audio.recording(key, tenant)
  return { recordingKey = key or "K1", tenantName = tenant or "acme" }
end

--- An answer that is audio: that of the first recording unless told otherwise.
function audio.answer(bytes, headers, status)
  headers = headers or {}
  headers["Content-Type"] = "audio/ogg"
  return server.answer(bytes or ogg, { headers = headers, status = status })
end

--- Begins an answer and breaks off after so many bytes of it; the next attempt
--- need not wait.
function audio.cut(conn, bytes, length, headers)
  headers = headers or {}
  headers["Retry-After"] = 0
  conn:send(audio.answer(bytes, headers):sub(1, #audio.answer(bytes, headers) - #bytes + length))
  conn:close()
end

--- What is in a folder.
function audio.entries(folder)
  local _, output = helper.run("ls -A " .. helper.quote(folder))
  return output
end

--- What a sandbox was asked of audio.
function audio.requests(sb)
  local list = {}
  for _, request in ipairs(sb:requests()) do
    if request.path:find("/audio$") then
      list[#list + 1] = request
    end
  end
  return list
end

--- A sink and what it was given.
function audio.new_sink()
  local pieces = {}
  return function(piece)
    pieces[#pieces + 1] = piece
  end, function() return table.concat(pieces) end
end

--- What a call gives by each way, as bytes: { name, call(client, row, opts) }.
audio.ways = {
  { "bytes", function(c, row, opts) return c:audio(row, opts) end },
  { "a file", function(c, row, opts)
    local folder = helper.folder()
    local copy = { file = folder .. "/a.ogg" }
    for name, value in pairs(opts or {}) do
      copy[name] = value
    end
    local file, err = c:audio(row, copy)
    if not file then
      assert.equal("", audio.entries(folder))
      return nil, err
    end
    assert.equal("a.ogg\n", audio.entries(folder))
    assert.equal(copy.file, file.path)
    local bytes = helper.read(copy.file)
    assert.equal(#bytes, file.bytes)
    assert.equal("audio/ogg", file.content_type)
    return bytes
  end },
  { "a sink", function(c, row, opts)
    local sink, given = audio.new_sink()
    local copy = { sink = sink }
    for name, value in pairs(opts or {}) do
      copy[name] = value
    end
    local result, err = c:audio(row, copy)
    if not result then
      return nil, err
    end
    assert.equal(#given(), result.bytes)
    assert.equal("audio/ogg", result.content_type)
    return given()
  end },
}

--- A sandbox with recordings that keeps no pace.
---@return table sandbox
---@return ccaas.Client
---@return table[] rows
---@return string ogg the audio of the first
function audio.world()
  local sandbox = helper.sandbox { recordings = 40, audio_interval = 0, audio_size = 30000, odd_keys = true,
    strict = true }
  local client = ccaas.new(sandbox:options("xima", { audio_interval = 0 }))
  local rows = assert(client:recordings(audio.YEAR):all())
  ogg = assert(client:audio(rows[1]))
  return sandbox, client, rows, ogg
end

return audio
