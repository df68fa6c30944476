-- What the files of an archive are called, and rows that are odd.
local archives = require "spec.support.archive"
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local socket = require "socket"

local entries, is_complete = archives.entries, archives.is_complete

describe("an archive names its files so", function()
  local audio

  setup(function()
    local _, client, rows = archives.world()
    audio = assert(client:audio(rows[1]))
  end)

  it("that odd keys are safe, and inside the folder", function()
    local odd = helper.sandbox { recordings = 170, audio_interval = 0, audio_size = 400, odd_keys = true }
    local other = ccaas.new(odd:options("xima", { audio_interval = 0 }))
    local folder = helper.folder()
    local dir = folder .. "/inner"
    helper.run("mkdir " .. dir)
    assert.same({ files = 170, skipped = 0, bytes = 170 * 400, failed = {} }, assert(archives.of(other, dir)))
    local files = entries(dir)
    assert.equal(170, #files)
    for _, name in ipairs(files) do
      assert.matches("^acme%-[%w%%._~-]+%.ogg$", name)
      assert.is_true(#name <= 255)
    end
    local _, _, around = entries(folder)
    assert.same({ "inner" }, around)
    assert.equal(170, assert(archives.of(other, dir)).skipped)
    is_complete(dir, 170, 400)
  end)

  -- An archive of rows that a server makes up.
  local function archive_of(items, answer, opts)
    local folder = helper.folder()
    local s = server.start(function(request, conn)
      if request.path:find("/audio$") then
        return answer and answer(request, conn) or server.answer(audio)
      end
      return server.answer("[" .. table.concat(items, ",") .. "]")
    end)
    local other = ccaas.new(s:options { provider = "xima", token = "T", key = false, secret = false,
      token_url = false, audio_interval = 0, retries = 0 })
    local result, err = archives.of(other, folder, opts)
    return result, err, folder, s
  end

  it("that no two recordings share one", function()
    local result, err, folder = archive_of {
      '{"tenantName":"a-b","recordingKey":"c"}', '{"tenantName":"a","recordingKey":"b-c"}',
      '{"tenantName":"a%2Db","recordingKey":"c"}', '{"tenantName":"a/b","recordingKey":"c"}',
      '{"tenantName":"a","recordingKey":"b/c"}', '{"tenantName":"A","recordingKey":"b%2Fc"}',
    }
    assert.is_nil(err)
    assert.equal(6, result.files)
    assert.equal(6, #entries(folder))
  end)

  it("that a recording which comes twice is one file", function()
    local row = '{"tenantName":"a","recordingKey":"b"}'
    local result, err, folder = archive_of { row, row }
    assert.is_nil(err)
    assert.same({ 1, 1 }, { result.files, result.skipped })
    is_complete(folder, 1)
  end)

  it("and lists rows that name no recording as failed", function()
    local result, err, folder, s = archive_of {
      '{"tenantName":"a"}', '{"recordingKey":"b"}', "{}", '{"tenantName":"a","recordingKey":7}',
      '{"tenantName":"a","recordingKey":""}', '{"tenantName":"..","recordingKey":"b"}',
      '{"tenantName":"a","recordingKey":"."}', '{"tenantName":"a","recordingKey":null}',
      '{"tenantName":"a","recordingKey":"' .. ("x"):rep(9000) .. '"}', '{"tenantName":"a","recordingKey":"good"}',
    }
    assert.is_nil(err)
    assert.equal(1, result.files)
    assert.equal(9, #result.failed)
    for _, failure in ipairs(result.failed) do
      assert.equal("protocol", failure.error.code)
      assert.is_table(failure.recording)
    end
    assert.equal(2, #s.requests)
    is_complete(folder, 1)
  end)

  it("and knows rows whose numbers have many digits", function()
    local seen
    local _, err = archive_of({ '{"tenantName":"a","recordingKey":"b","eventId":123456789012345}' }, nil, {
      on_file = function(row) seen = row end,
    })
    assert.is_nil(err)
    assert.equal("123456789012345", ("%d"):format(seen.eventId))
  end)

  it("and ends by its deadline, which is that of all of it", function()
    local items = {}
    for i = 1, 50 do
      items[i] = ('{"tenantName":"a","recordingKey":"%d"}'):format(i)
    end
    local started = socket.gettime()
    local result, err = archive_of(items, function(_, conn)
      conn:hold(nil, 0.4)
    end, { deadline = 1.5 })
    assert.is_true(socket.gettime() - started < 10)
    assert.equal("timeout", err.code)
    assert.is_true(result.files >= 1 and result.files < 10, result.files)
    assert.equal(1, #result.failed)
  end)
end)

-- The archive joined tenant and key by a hyphen, which either may hold: two
-- recordings had one file, and the second of them was taken to be there.
describe("the archive's files", function()
  it("are as many as the recordings", function()
    local sandbox = helper.sandbox { recordings = 1, audio_interval = 0 }
    local source = ccaas.new(sandbox:options("xima", { audio_interval = 0 }))
    local ogg = assert(source:audio(source:recordings({ from = "2025-06-30", to = "2026-06-30" }):next()))
    local s = server.start(function(request)
      if request.path:find "/audio$" then
        return server.answer(ogg)
      end
      return server.answer '[{"tenantName":"a-b","recordingKey":"c"},{"tenantName":"a","recordingKey":"b-c"}]'
    end)
    local client = ccaas.new(s:options { provider = "xima", token = "T", key = false, secret = false, token_url = false,
      audio_interval = 0 })
    local folder = helper.folder()
    assert.are.equal(2, assert(client:archive { from = 0, to = 1, dir = folder }).files)
    local _, names = helper.run("LC_ALL=C ls " .. helper.quote(folder))
    assert.are.equal("a%252Db-c.ogg\na-b-c.ogg\nmanifest.jsonl\n", names)
  end)
end)
