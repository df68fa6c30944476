-- The archive: every recording of a period as a file, whatever happens on the
-- way, and none fetched twice.
local ccaas = require "ccaas"
local cjson = require "cjson"
local core = require "ccaas.core"
local helper = require "spec.helper"
local server = require "spec.server"
local socket = require "socket"

local YEAR = { from = "2025-06-30", to = "2026-06-30" }
local COUNT, SIZE = 24, 20000

local sandbox, client, rows

local function archive(dir, more, with)
  local opts = { from = YEAR.from, to = YEAR.to, dir = dir }
  for name, value in pairs(more or {}) do
    opts[name] = value
  end
  return (with or client):archive(opts)
end

-- The names of what is in a folder; `hidden` counts those that are no part of
-- an archive.
local function entries(folder)
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

local function has_part(folder)
  local _, others = entries(folder)
  return table.concat(others, "\n"):find("%.part") ~= nil
end

local function is_whole(path)
  local ogg, bytes = core.ogg(), helper.read(path)
  return ogg:feed(bytes) and ogg:finish() and #bytes or false
end

-- The manifest's lines, decoded.
local function manifest(folder)
  local list = {}
  for line in helper.read(folder .. "/manifest.jsonl"):gmatch("([^\n]*)\n") do
    if line ~= "" then
      local fine, entry = pcall(cjson.decode, line)
      list[#list + 1] = fine and entry or nil
    end
  end
  return list
end

-- The archive is complete: every file whole, each in the manifest once, and
-- nothing else is there.
local function is_complete(folder, count, size)
  local files, others = entries(folder)
  assert.equal(count, #files)
  assert.same({}, others)
  local noted = {}
  for _, entry in ipairs(manifest(folder)) do
    assert.is_nil(noted[entry.file], entry.file)
    noted[entry.file] = entry.bytes
    assert.is_string(entry.recordingKey)
  end
  for _, name in ipairs(files) do
    local bytes = is_whole(folder .. "/" .. name)
    assert.is_truthy(bytes, name)
    assert.equal(size or bytes, bytes)
    assert.equal(bytes, noted[name])
  end
end

local function audio_requests(sb)
  local list = {}
  for _, request in ipairs(sb:requests()) do
    if request.path:find("/audio$") then
      list[#list + 1] = request
    end
  end
  return list
end

local function write(path, bytes)
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
end

setup(function()
  sandbox = helper.sandbox { recordings = COUNT, audio_interval = 0, audio_size = SIZE, ranges = true }
  client = ccaas.new(sandbox:options("xima", { audio_interval = 0 }))
  rows = assert(client:recordings(YEAR):all())
end)

before_each(function()
  sandbox:clear_requests()
  sandbox:clear_faults()
end)

local function name_of(row)
  return "acme-" .. row.recordingKey .. ".ogg"
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
    local lines = manifest(folder)
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
      assert.equal(0, #audio_requests(sandbox))
      assert.equal(before, helper.read(folder .. "/manifest.jsonl"))
    end)

    it("after it was ended by an error of the user's goes on where it was", function()
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
      assert.equal(5, #audio_requests(sandbox))
      local result = assert(archive(folder))
      assert.same({ files = COUNT - 5, skipped = 5, bytes = (COUNT - 5) * SIZE, failed = {} }, result)
      assert.equal(COUNT, #audio_requests(sandbox))
      is_complete(folder, COUNT, SIZE)
    end)

    it("after its client was closed in mid-file goes on where it was", function()
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

    it("after kill -9 in mid-file, again and again, fetches no finished file twice", function()
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
        until #audio_requests(sandbox) >= wanted and (round < 5 or has_part(folder)) or not is_alive(pid)
        socket.sleep(math.random() * 0.1)
        helper.run("kill -9 " .. pid)
        repeat
          assert(socket.gettime() < ends, "the archive did not end")
        until not is_alive(pid)
        for _, request in ipairs(audio_requests(sandbox)) do
          assert.is_nil(finished[request.path], request.path)
        end
        for _, name in ipairs((entries(folder))) do
          assert.equal(SIZE, is_whole(folder .. "/" .. name))
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
      for _, request in ipairs(audio_requests(sandbox)) do
        assert.is_nil(finished[request.path], request.path)
      end
      is_complete(folder, COUNT, SIZE)
    end)

    it("stands a manifest whose last line is torn", function()
      for _, left in ipairs { 1, 30, 100 } do
        local folder = helper.folder()
        assert(archive(folder))
        local text = helper.read(folder .. "/manifest.jsonl")
        local last = text:match("([^\n]*\n)$")
        write(folder .. "/manifest.jsonl", text:sub(1, -#last - 1) .. last:sub(1, left))
        sandbox:clear_requests()
        assert.equal(COUNT, assert(archive(folder)).skipped)
        assert.equal(0, #audio_requests(sandbox))
        is_complete(folder, COUNT, SIZE)
      end
    end)

    it("stands a manifest that lost its last line end only, is empty, garbage or gone", function()
      local folder = helper.folder()
      assert(archive(folder))
      local text = helper.read(folder .. "/manifest.jsonl")
      for _, damaged in ipairs { text:sub(1, -2), "", "\0\255 garbage\n[]\n7\nnull\n", "{}\n{\"file\":1}", false } do
        if damaged then
          write(folder .. "/manifest.jsonl", damaged)
        else
          os.remove(folder .. "/manifest.jsonl")
        end
        sandbox:clear_requests()
        assert.equal(COUNT, assert(archive(folder)).skipped)
        assert.equal(0, #audio_requests(sandbox))
        local noted = {}
        for _, entry in ipairs(manifest(folder)) do
          noted[type(entry) == "table" and entry.file or ""] = true
        end
        for _, row in ipairs(rows) do
          assert.is_true(noted[name_of(row)])
        end
      end
    end)

    it("adopts a file that was renamed and not yet noted", function()
      local folder = helper.folder()
      write(folder .. "/" .. name_of(rows[2]), assert(client:audio(rows[2])))
      sandbox:clear_requests()
      local result = assert(archive(folder))
      assert.same({ COUNT - 1, 1 }, { result.files, result.skipped })
      assert.equal(COUNT - 1, #audio_requests(sandbox))
      is_complete(folder, COUNT, SIZE)
    end)

    it("fetches a damaged file again, noted or not", function()
      local folder = helper.folder()
      assert(archive(folder))
      local good = helper.read(folder .. "/" .. name_of(rows[1]))
      local other = helper.read(folder .. "/" .. name_of(rows[2]))
      write(folder .. "/" .. name_of(rows[1]), good:sub(1, -2))
      write(folder .. "/" .. name_of(rows[2]), other:sub(1, 5000) .. "X" .. other:sub(5002))
      write(folder .. "/" .. name_of(rows[3]), "")
      os.remove(folder .. "/" .. name_of(rows[4]))
      sandbox:clear_requests()
      local result = assert(archive(folder))
      assert.same({ 4, COUNT - 4 }, { result.files, result.skipped })
      assert.equal(4, #audio_requests(sandbox))
      assert.equal(good, helper.read(folder .. "/" .. name_of(rows[1])))
      is_complete(folder, COUNT, SIZE)
    end)

    it("does not take a file of another size for its own", function()
      local folder = helper.folder()
      sandbox:set { audio_size = 3000 }
      local short = assert(client:audio { tenantName = "acme", recordingKey = rows[1].recordingKey })
      sandbox:set { audio_size = SIZE }
      write(folder .. "/" .. name_of(rows[1]), short)
      assert.equal(COUNT, assert(archive(folder)).files)
      is_complete(folder, COUNT, SIZE)
    end)

    it("fetches what came since", function()
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
      write(folder .. "/.ccaas-0123456789abcdef.part", "half")
      write(folder .. "/.ccaas-fedcba9876543210.part", '{"half":') -- a list
      write(folder .. "/notes.txt", "mine")
      assert(archive(folder))
      local _, others = entries(folder)
      assert.same({ "notes.txt" }, others)
    end)
  end)

  describe("names its files so", function()
    it("that odd keys are safe, and inside the folder", function()
      local odd = helper.sandbox { recordings = 170, audio_interval = 0, audio_size = 400, odd_keys = true }
      local other = ccaas.new(odd:options("xima", { audio_interval = 0 }))
      local folder = helper.folder()
      local dir = folder .. "/inner"
      helper.run("mkdir " .. dir)
      assert.same({ files = 170, skipped = 0, bytes = 170 * 400, failed = {} }, assert(archive(dir, nil, other)))
      local files = entries(dir)
      assert.equal(170, #files)
      for _, name in ipairs(files) do
        assert.matches("^acme%-[%w%%._~-]+%.ogg$", name)
        assert.is_true(#name <= 255)
      end
      local _, _, around = entries(folder)
      assert.same({ "inner" }, around)
      assert.equal(170, assert(archive(dir, nil, other)).skipped)
      is_complete(dir, 170, 400)
    end)

    -- An archive of rows that a server makes up.
    local function archive_of(items, answer, opts)
      local folder, ogg = helper.folder(), helper.folder() .. "/ogg"
      local s = server.start(function(request, conn)
        if request.path:find("/audio$") then
          return answer and answer(request, conn) or server.answer(helper.read(ogg))
        end
        return server.answer("[" .. table.concat(items, ",") .. "]")
      end)
      write(ogg, assert(client:audio(rows[1])))
      local other = ccaas.new(s:options { provider = "xima", token = "T", key = false, secret = false,
        token_url = false, audio_interval = 0, retries = 0 })
      local result, err = archive(folder, opts, other)
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

  describe("in trouble", function()
    it("lists what failed and why, and goes on", function()
      local folder = helper.folder()
      sandbox:fault { path = "/recordings/acme/" .. rows[2].recordingKey .. "/audio", status = 404 }
      sandbox:fault { path = "/recordings/acme/" .. rows[5].recordingKey .. "/audio", flip = 1000 }
      sandbox:fault { path = "/recordings/acme/" .. rows[7].recordingKey .. "/audio", login = true }
      local told = {}
      local result, err = archive(folder, { on_file = function(row, file, problem)
        if not file then
          told[#told + 1] = { row.recordingKey, problem.code }
        end
      end })
      assert.is_nil(err)
      assert.same({ COUNT - 3, 0, 3 }, { result.files, result.skipped, #result.failed })
      local want = { { rows[2].recordingKey, "not_found" }, { rows[5].recordingKey, "protocol" },
        { rows[7].recordingKey, "protocol" } }
      assert.same(want, told)
      for i, failure in ipairs(result.failed) do
        assert.same(want[i], { failure.recording.recordingKey, failure.error.code })
        assert.equal("acme", failure.recording.tenantName)
      end
      is_complete(folder, COUNT - 3, SIZE)
      -- Another time they are there.
      result = assert(archive(folder))
      assert.same({ 3, COUNT - 3, 0 }, { result.files, result.skipped, #result.failed })
      is_complete(folder, COUNT, SIZE)
    end)

    it("past the cap on bytes ends at once, with the counts beside the error", function()
      local capped = helper.sandbox { recordings = 10, audio_interval = 0, audio_size = 1000, egress_cap = 3500 }
      local other = ccaas.new(capped:options("xima", { audio_interval = 0 }))
      local folder = helper.folder()
      local result, err = archive(folder, nil, other)
      assert.equal("egress_capped", err.code)
      assert.same({ 4, 0, 4000, 1 }, { result.files, result.skipped, result.bytes, #result.failed })
      assert.equal(err, result.failed[1].error)
      assert.equal(5, #audio_requests(capped))
      is_complete(folder, 4, 1000)
      capped:set { egress_cap = 1e9 }
      assert.same({ 6, 4 }, { archive(folder, nil, other).files, 4 })
      is_complete(folder, 10, 1000)
    end)

    it("with a token that is refused ends with the error auth", function()
      local other = ccaas.new(sandbox:options("xima", { token = "wrong", audio_interval = 0 }))
      local folder = helper.folder()
      local result, err = archive(folder, nil, other)
      assert.is_nil(result)
      assert.equal("auth", err.code)
      assert.same({}, (select(2, entries(folder))))
      sandbox:fault { path = "/recordings/*", after = 2, status = 401 }
      result, err = archive(folder)
      assert.equal("auth", err.code)
      assert.equal(2, result.files)
    end)

    it("with a list that breaks off for good fetches nothing", function()
      local folder = helper.folder()
      sandbox:fault { path = "/recordings", truncate = 1000, clean = true, times = 2 }
      local result, err = archive(folder, { retries = 1 })
      assert.is_nil(result)
      assert.equal("network", err.code)
      assert.equal(0, #audio_requests(sandbox))
      assert.same({}, (select(2, entries(folder))))
    end)

    it("with a list and files that are cut gets all of it", function()
      local folder = helper.folder()
      sandbox:fault { path = "/recordings", truncate = 3000 }
      sandbox:fault { path = "/recordings/*", after = 2, truncate = 18000 }
      sandbox:fault { path = "/recordings/*", after = 5, truncate = 10000, reset = true }
      assert.same({ files = COUNT, skipped = 0, bytes = COUNT * SIZE, failed = {} }, assert(archive(folder)))
      is_complete(folder, COUNT, SIZE)
    end)

    it("with a folder that is not there, or is none, is the error io, and sends nothing", function()
      local folder = helper.folder()
      write(folder .. "/file", "")
      for _, dir in ipairs { folder .. "/none", folder .. "/file" } do
        local result, err = archive(dir)
        assert.is_nil(result)
        assert.equal("io", err.code)
        assert.equal("xima", err.provider)
        assert.is_truthy(err.message:find(dir, 1, true), err.message)
      end
      assert.equal(0, #sandbox:requests())
    end)

    it("with a disk that is full ends with the error io, and goes on when there is room", function()
      local folder = helper.folder()
      local status, output = helper.run("trap '' XFSZ; ulimit -f 32; " .. helper.command(([[
        local client = require("ccaas").new { provider = "xima", base_url = %q, token = "sandbox-xima-token",
          audio_interval = 0 }
        local result, err = client:archive { from = %q, to = %q, dir = %q }
        print(err.code, result.files, #result.failed)
      ]]):format(sandbox.url, YEAR.from, YEAR.to, folder)))
      assert.equal(0, status, output)
      assert.equal("io\t0\t1", output:match("[^\n]*"))
      assert.same({}, (entries(folder)))
      assert.same({}, (select(2, entries(folder))))
      assert(archive(folder))
      is_complete(folder, COUNT, SIZE)
    end)

    it("with a disk that has no room for the list ends with the error io, and fetches nothing", function()
      -- The second list is so short that it is written when it is whole.
      for _, to in ipairs { YEAR.to, "2025-09-30" } do
        local folder = helper.folder()
        local status, output = helper.run("trap '' XFSZ; ulimit -f 1; " .. helper.command(([[
          local client = require("ccaas").new { provider = "xima", base_url = %q, token = "sandbox-xima-token",
            audio_interval = 0 }
          local result, err = client:archive { from = %q, to = %q, dir = %q }
          io.stderr:write(tostring(result), " ", err.code, "\n")
        ]]):format(sandbox.url, YEAR.from, to, folder)))
        assert.equal(0, status, output)
        assert.matches("nil io", output)
        assert.equal(0, #audio_requests(sandbox))
        assert.same({ "manifest.jsonl" }, (select(3, entries(folder))))
      end
    end)

    it("called the wrong way raises", function()
      for _, case in ipairs {
        { nil, "needs option `from`" }, { { from = 0, to = 1 }, "needs option `dir`" },
        { { from = 1, to = 0, dir = helper.folder() }, "is after `to`" },
        { { from = "x", to = 0, dir = "/tmp" }, "option `from` is no time" },
        { { from = 0, to = 1, dir = "/tmp", onfile = print }, "unknown option `onfile`" },
        { { from = 0, to = 1, dir = "" }, "option `dir`" },
        { { from = 0, to = 1, dir = "/tmp", progress = true }, "option `progress` must be a function" },
      } do
        local fine, message = pcall(client.archive, client, case[1])
        assert.is_false(fine)
        assert.is_truthy(message:find(case[2], 1, true), message)
        assert.is_truthy(message:find("archive_spec", 1, true), message)
      end
      assert.equal(0, #sandbox:requests())
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
      local files = tonumber(output:match("(%d+) files fetched, 0 were there, %d+%.%d MB, 0 failed"))
      assert.is_truthy(files, output)
      assert.is_true(files > 10)
      assert.matches("%[#+%] " .. files .. "/" .. files .. " files, %d+%.%d MB, %d+%.%d%d MB/s, 0:00:00 left", output)
      assert.matches("%[#+%.+%] ", output)
      is_complete(folder, files, 20000)
      status, output = example()
      assert.equal(0, status, output)
      assert.matches("\n0 files fetched, " .. files .. " were there, 0%.0 MB, 0 failed", output)
    end)
  end)
end)
