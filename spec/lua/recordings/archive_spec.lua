-- The archive: every recording of a period as a file, whatever happens on the
-- way, and none fetched twice.
local archives = require "spec.support.archive"
local audio = require "spec.support.audio"
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local socket = require "socket"

local YEAR, COUNT, SIZE = archives.YEAR, archives.COUNT, archives.SIZE
local entries, is_complete = archives.entries, archives.is_complete

local sandbox, client, rows

setup(function()
  sandbox, client, rows = archives.world()
end)

before_each(function()
  sandbox:clear_requests()
  sandbox:clear_faults()
end)

local function archive(dir, more, with)
  return archives.of(with or client, dir, more)
end

local function name_of(row)
  return "acme-" .. row.recordingKey .. ".ogg"
end

local function has_part(folder)
  local _, others = entries(folder)
  return table.concat(others, "\n"):find("%.part") ~= nil
end

-- Is there such a process, and is it more than a name that waits for its parent?
local function is_alive(pid)
  local file = io.open("/proc/" .. pid .. "/stat")
  local text = file and file:read("*a")
  if file then
    file:close()
  end
  return text and not text:find("%) [ZX] ") or false
end

describe("the archive", function()
  it("has a file for each recording, and a manifest", function()
    local folder = helper.folder()
    local result = assert(archive(folder))
    assert.same({ files = COUNT, skipped = 0, bytes = COUNT * SIZE, failed = {} }, result)
    is_complete(folder, COUNT, SIZE)
    local lines = archives.manifest(folder)
    for i, row in ipairs(rows) do
      local entry = lines[i]
      assert.equal(name_of(row), entry.file)
      assert.equal(SIZE, entry.bytes)
      for _, field in ipairs { "recordingKey", "tenantName", "startTime", "duration", "callKey", "agent", "skill",
        "callDirection", "callingParty", "receivingParty" } do
        assert.equal(row[field], entry[field], field)
      end
    end
    assert.equal(helper.read(folder .. "/" .. name_of(rows[3])), assert(client:audio(rows[3])))
  end)

  it("of a period holds what is in it", function()
    local folder = helper.folder()
    local result = assert(archive(folder, { from = "2026-01-01", to = "2026-03-01" }))
    assert.is_true(result.files >= 2 and result.files <= 5, result.files)
    is_complete(folder, result.files, SIZE)
    result = assert(archive(helper.folder(), { from = "2020-01-01", to = "2020-03-01" }))
    assert.same({ files = 0, skipped = 0, bytes = 0, failed = {} }, result)
  end)

  it("tells its progress, and of each file", function()
    local folder, states, told = helper.folder(), {}, {}
    assert(archive(folder, {
      progress = function(state) states[#states + 1] = state end,
      on_file = function(row, file, err) told[#told + 1] = { row = row, file = file, err = err } end,
    }))
    assert.equal(COUNT, #states)
    for i, state in ipairs(states) do
      assert.same({ files = i, total = COUNT, bytes = i * SIZE, total_bytes = COUNT * SIZE, fetched = i * SIZE,
        skipped = 0, failed = 0 }, state)
      assert.equal(rows[i].recordingKey, told[i].row.recordingKey)
      assert.same({ path = folder .. "/" .. name_of(rows[i]), bytes = SIZE, skipped = false }, told[i].file)
      assert.is_nil(told[i].err)
    end
    local last
    assert(archive(folder, {
      progress = function(state) last = state end,
      on_file = function(_, file) assert.is_true(file.skipped) end,
    }))
    assert.same({ files = COUNT, total = COUNT, bytes = COUNT * SIZE, total_bytes = COUNT * SIZE, fetched = 0,
      skipped = COUNT, failed = 0 }, last)
  end)

  it("keeps the vendor's pace", function()
    local paced = helper.sandbox { recordings = 4, audio_interval = 0.2, audio_size = 1000 }
    local other = ccaas.new(paced:options("xima", { audio_interval = 0.2, retries = 0 }))
    local started = socket.gettime()
    local result = assert(archive(helper.folder(), nil, other))
    assert.equal(4, result.files)
    assert.is_true(socket.gettime() - started > 0.55)
  end)

  describe("started again", function()
    it("fetches nothing that is there", function()
      local folder = helper.folder()
      assert(archive(folder))
      local before = helper.read(folder .. "/manifest.jsonl")
      sandbox:clear_requests()
      assert.same({ files = 0, skipped = COUNT, bytes = 0, failed = {} }, assert(archive(folder)))
      assert.equal(0, #audio.requests(sandbox))
      assert.equal(before, helper.read(folder .. "/manifest.jsonl"))
    end)

    it("continues after an error of the user's ended it", function()
      local folder, count = helper.folder(), 0
      for _, name in ipairs { "on_file", "progress" } do
        local fine, message = pcall(archive, folder, { [name] = function()
          count = count + 1
          if count % 5 == 0 then
            error({ enough = true }, 0)
          end
        end })
        assert.is_false(fine)
        assert.same({ enough = true }, message)
        assert.same({}, (select(2, entries(folder))))
      end
      -- Five of the first run, and none of them again in the second.
      assert.equal(5, #audio.requests(sandbox))
      local result = assert(archive(folder))
      assert.same({ files = COUNT - 5, skipped = 5, bytes = (COUNT - 5) * SIZE, failed = {} }, result)
      assert.equal(COUNT, #audio.requests(sandbox))
      is_complete(folder, COUNT, SIZE)
    end)

    it("continues after its client was closed in the middle of a file", function()
      local folder = helper.folder()
      local other = ccaas.new(sandbox:options("xima", { audio_interval = 0 }))
      local result, err = archive(folder, { on_file = function(row)
        if row.recordingKey == rows[3].recordingKey then
          other:close()
        end
      end }, other)
      assert.equal(3, result.files)
      assert.equal("cancelled", err.code)
      assert.same({}, (select(2, entries(folder))))
      assert.equal(3, assert(archive(folder)).skipped)
      is_complete(folder, COUNT, SIZE)
    end)

    it("after kill -9 in the middle of a file, repeatedly, fetches no finished file twice", function()
      local folder = helper.folder()
      local command = helper.command(([[
        local client = require("ccaas").new { provider = "xima", base_url = %q, token = "sandbox-xima-token",
          audio_interval = 0 }
        assert(client:archive { from = %q, to = %q, dir = %q })
      ]]):format(sandbox.url, YEAR.from, YEAR.to, folder))
      -- Every file takes its time, so that the end comes in the middle of one.
      local finished, killed_with_part = {}, 0
      for round = 1, 5 do
        sandbox:clear_requests()
        sandbox:clear_faults()
        sandbox:fault { path = "/recordings/*", drip = round < 5 and 0.01 or 60, times = 100000 }
        local _, pid = helper.run("( exec " .. command .. " ) >/dev/null 2>&1 </dev/null & echo $!")
        pid = pid:match("%d+")
        -- The last one is held in the middle of its first file, so there is a part.
        local wanted, ends = round < 5 and 1 + round % 3 or 1, socket.gettime() + 60
        repeat
          assert(socket.gettime() < ends, "the archive did not get on")
        until #audio.requests(sandbox) >= wanted and (round < 5 or has_part(folder)) or not is_alive(pid)
        socket.sleep(math.random() * 0.1)
        helper.run("kill -9 " .. pid)
        repeat
          assert(socket.gettime() < ends, "the archive did not end")
        until not is_alive(pid)
        for _, request in ipairs(audio.requests(sandbox)) do
          assert.is_nil(finished[request.path], request.path)
        end
        for _, name in ipairs((entries(folder))) do
          assert.equal(SIZE, archives.is_whole(folder .. "/" .. name))
          finished["/rest/api/v2/recordings/acme/" .. name:match("^acme%-(.*)%.ogg$") .. "/audio"] = true
        end
        killed_with_part = killed_with_part + (has_part(folder) and 1 or 0)
      end
      assert.is_true(killed_with_part > 0)
      sandbox:clear_faults()
      sandbox:clear_requests()
      local there = #entries(folder)
      local result = assert(archive(folder))
      assert.same({ there, COUNT - there }, { result.skipped, result.files })
      for _, request in ipairs(audio.requests(sandbox)) do
        assert.is_nil(finished[request.path], request.path)
      end
      is_complete(folder, COUNT, SIZE)
    end)

    it("tolerates a manifest whose last line is cut", function()
      for _, left in ipairs { 1, 30, 100 } do
        local folder = helper.folder()
        assert(archive(folder))
        local text = helper.read(folder .. "/manifest.jsonl")
        local last = text:match("([^\n]*\n)$")
        archives.write(folder .. "/manifest.jsonl", text:sub(1, -#last - 1) .. last:sub(1, left))
        sandbox:clear_requests()
        assert.equal(COUNT, assert(archive(folder)).skipped)
        assert.equal(0, #audio.requests(sandbox))
        is_complete(folder, COUNT, SIZE)
      end
    end)

    it("tolerates a manifest without its last line break, or that is empty, garbage or missing", function()
      local folder = helper.folder()
      assert(archive(folder))
      local text = helper.read(folder .. "/manifest.jsonl")
      for _, damaged in ipairs { text:sub(1, -2), "", "\0\255 garbage\n[]\n7\nnull\n", "{}\n{\"file\":1}", false } do
        if damaged then
          archives.write(folder .. "/manifest.jsonl", damaged)
        else
          os.remove(folder .. "/manifest.jsonl")
        end
        sandbox:clear_requests()
        assert.equal(COUNT, assert(archive(folder)).skipped)
        assert.equal(0, #audio.requests(sandbox))
        local noted = {}
        for _, entry in ipairs(archives.manifest(folder)) do
          noted[type(entry) == "table" and entry.file or ""] = true
        end
        for _, row in ipairs(rows) do
          assert.is_true(noted[name_of(row)])
        end
      end
    end)

    it("adopts a file that was renamed and not yet noted", function()
      local folder = helper.folder()
      archives.write(folder .. "/" .. name_of(rows[2]), assert(client:audio(rows[2])))
      sandbox:clear_requests()
      local result = assert(archive(folder))
      assert.same({ COUNT - 1, 1 }, { result.files, result.skipped })
      assert.equal(COUNT - 1, #audio.requests(sandbox))
      is_complete(folder, COUNT, SIZE)
    end)

    it("fetches a damaged file again, noted or not", function()
      local folder = helper.folder()
      assert(archive(folder))
      local good = helper.read(folder .. "/" .. name_of(rows[1]))
      local other = helper.read(folder .. "/" .. name_of(rows[2]))
      archives.write(folder .. "/" .. name_of(rows[1]), good:sub(1, -2))
      archives.write(folder .. "/" .. name_of(rows[2]), other:sub(1, 5000) .. "X" .. other:sub(5002))
      archives.write(folder .. "/" .. name_of(rows[3]), "")
      os.remove(folder .. "/" .. name_of(rows[4]))
      sandbox:clear_requests()
      local result = assert(archive(folder))
      assert.same({ 4, COUNT - 4 }, { result.files, result.skipped })
      assert.equal(4, #audio.requests(sandbox))
      assert.equal(good, helper.read(folder .. "/" .. name_of(rows[1])))
      is_complete(folder, COUNT, SIZE)
    end)

    it("does not accept a file of another size", function()
      local folder = helper.folder()
      sandbox:set { audio_size = 3000 }
      local short = assert(client:audio { tenantName = "acme", recordingKey = rows[1].recordingKey })
      sandbox:set { audio_size = SIZE }
      archives.write(folder .. "/" .. name_of(rows[1]), short)
      assert.equal(COUNT, assert(archive(folder)).files)
      is_complete(folder, COUNT, SIZE)
    end)

    it("fetches new recordings", function()
      local grown = helper.sandbox { recordings = 5, audio_interval = 0, audio_size = 1000 }
      local other = ccaas.new(grown:options("xima", { audio_interval = 0 }))
      local folder = helper.folder()
      assert.equal(5, assert(archive(folder, { to = "2027-06-30" }, other)).files)
      grown:set { recordings = 6 }
      local result = assert(archive(folder, { to = "2028-06-30" }, other))
      assert.same({ 1, 5 }, { result.files, result.skipped })
      is_complete(folder, 6, 1000)
    end)

    it("sweeps away what a killed process left, and nothing else", function()
      local folder = helper.folder()
      archives.write(folder .. "/.ccaas-0123456789abcdef.part", "half")
      archives.write(folder .. "/.ccaas-fedcba9876543210.part", '{"half":') -- a list
      archives.write(folder .. "/notes.txt", "mine")
      assert(archive(folder))
      local _, others = entries(folder)
      assert.same({ "notes.txt" }, others)
    end)
  end)

  describe("'s example", function()
    it("examples/archive.lua shows a bar with rate and time left, and can be started again", function()
      local folder = helper.folder()
      local function example()
        return helper.run(("cd %s && %s"):format(helper.quote(helper.top), helper.command(
          ("arg = { '--sandbox', %q } dofile 'examples/archive.lua'"):format(folder))))
      end
      local status, output = example()
      assert.equal(0, status, output)
      local files = tonumber(output:match("(%d+) files fetched, 0 already there, %d+%.%d MB, 0 failed"))
      assert.is_truthy(files, output)
      assert.is_true(files > 10)
      assert.matches("%[#+%] " .. files .. "/" .. files .. " files, %d+%.%d MB, %d+%.%d%d MB/s, 0:00:00 left", output)
      assert.matches("%[#+%.+%] ", output)
      is_complete(folder, files, 20000)
      status, output = example()
      assert.equal(0, status, output)
      assert.matches("\n0 files fetched, " .. files .. " already there, 0%.0 MB, 0 failed", output)
    end)
  end)
end)
