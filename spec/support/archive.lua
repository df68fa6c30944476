-- What the specs of the archive share: a sandbox's recordings, archives of them,
-- and what is in a folder afterwards.
local assert = require "luassert"
local ccaas = require "ccaas"
local cjson = require "cjson"
local core = require "ccaas.core"
local helper = require "spec.support.helper"

local archive = {}

archive.YEAR = { from = "2025-06-30", to = "2026-06-30" }
archive.COUNT, archive.SIZE = 24, 20000

--- A sandbox with so many recordings of that size, which keeps no pace.
---@return table sandbox
---@return ccaas.Client
---@return table[] rows
function archive.world()
  local sandbox = helper.sandbox { recordings = archive.COUNT, audio_interval = 0, audio_size = archive.SIZE,
    ranges = true }
  local client = ccaas.new(sandbox:options("xima", { audio_interval = 0 }))
  return sandbox, client, assert(client:recordings(archive.YEAR):all())
end

--- A client's archive of the year in a folder.
function archive.of(client, dir, more)
  local opts = { from = archive.YEAR.from, to = archive.YEAR.to, dir = dir }
  for name, value in pairs(more or {}) do
    opts[name] = value
  end
  return client:archive(opts)
end

--- The names of the audio files in a folder; of what is no part of an archive; of
--- all.
function archive.entries(folder)
  local _, output = helper.run("ls -A " .. helper.quote(folder))
  local list, files, others = {}, {}, {}
  for name in output:gmatch("[^\n]+") do
    list[#list + 1] = name
    if name:find("%.ogg$") then
      files[#files + 1] = name
    elseif name ~= "manifest.jsonl" then
      others[#others + 1] = name
    end
  end
  return files, others, list
end

--- The bytes of a file that is whole, counted; or false.
function archive.is_whole(path)
  local ogg, bytes = core.ogg(), helper.read(path)
  return ogg:feed(bytes) and ogg:finish() and #bytes or false
end

--- The manifest's lines, decoded.
function archive.manifest(folder)
  local list = {}
  for line in helper.read(folder .. "/manifest.jsonl"):gmatch("([^\n]*)\n") do
    if line ~= "" then
      local fine, entry = pcall(cjson.decode, line)
      list[#list + 1] = fine and entry or nil
    end
  end
  return list
end

--- The archive is complete: every file whole, each in the manifest once, and
--- nothing else is there.
function archive.is_complete(folder, count, size)
  local files, others = archive.entries(folder)
  assert.equal(count, #files)
  assert.same({}, others)
  local noted = {}
  for _, entry in ipairs(archive.manifest(folder)) do
    assert.is_nil(noted[entry.file], entry.file)
    noted[entry.file] = entry.bytes
    assert.is_string(entry.recordingKey)
  end
  for _, name in ipairs(files) do
    local bytes = archive.is_whole(folder .. "/" .. name)
    assert.is_truthy(bytes, name)
    assert.equal(size or bytes, bytes)
    assert.equal(bytes, noted[name])
  end
end

function archive.write(path, bytes)
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
end

return archive
