-- What an archive does when something is amiss: refusals, cut lists and files,
-- full disks, wrong options.
local archives = require "spec.support.archive"
local audio = require "spec.support.audio"
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"

local COUNT, SIZE = archives.COUNT, archives.SIZE
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

describe("an archive in trouble", function()
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

  -- Their rows could not be written as JSON: they failed as recordings without a name.
  it("names rows whose numbers are infinite or fractions", function()
    local folder = helper.folder()
    local own = server.xima(function(request)
      if request.path:find("audio", 1, true) then
        return server.answer("no", { status = request.path:find("K3", 1, true) and 404 or 200 })
      end
      return server.answer('[{"tenantName":"acme","recordingKey":"K1","size":1e999,"duration":0.5},'
        .. '{"tenantName":"acme","recordingKey":"K2","size":0.5,"duration":-1e999},'
        .. '{"tenantName":"acme","recordingKey":"K3","size":2}]')
    end)
    local states = {}
    local result, err = archive(folder, { progress = function(state) states[#states + 1] = state end }, own)
    assert.is_nil(err)
    assert.equal(3, #result.failed)
    for i, key in ipairs { "K1", "K2", "K3" } do
      assert.equal(key, result.failed[i].recording.recordingKey)
    end
    assert.equal(math.huge, result.failed[1].recording.size)
    assert.equal(0.5, result.failed[1].recording.duration)
    assert.equal(-math.huge, result.failed[2].recording.duration)
    assert.equal(2.5, states[3].total_bytes)
  end)

  it("past the cap on bytes ends at once, with the counts beside the error", function()
    local capped = helper.sandbox { recordings = 10, audio_interval = 0, audio_size = 1000, egress_cap = 3500 }
    local other = ccaas.new(capped:options("xima", { audio_interval = 0 }))
    local folder = helper.folder()
    local result, err = archive(folder, nil, other)
    assert.equal("egress_capped", err.code)
    assert.same({ 4, 0, 4000, 1 }, { result.files, result.skipped, result.bytes, #result.failed })
    assert.equal(err, result.failed[1].error)
    assert.equal(5, #audio.requests(capped))
    is_complete(folder, 4, 1000)
    capped:set { egress_cap = 1e9 }
    result = assert(archive(folder, nil, other))
    assert.same({ 6, 4 }, { result.files, result.skipped })
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

  -- Each of the files that were left was refused, a minute apart.
  it("ends early if the server asks to wait a day, and continues when it is started again", function()
    for _, way in ipairs { {}, { deadline = 60 }, { max_retry_after = 10 } } do
      local folder = helper.folder()
      sandbox:clear_requests()
      sandbox:fault { path = "/recordings/*", after = 2, status = 503,
        headers = { ["Retry-After"] = way.max_retry_after and "11" or "86400" } }
      local result, err = archive(folder, way)
      assert.same({ "server", way.max_retry_after and 11 or 86400 }, { err.code, err.retry_after })
      assert.same({ 2, 0, 2 * SIZE, 1 }, { result.files, result.skipped, result.bytes, #result.failed })
      assert.equal(err, result.failed[1].error)
      assert.equal(3, #audio.requests(sandbox))
      is_complete(folder, 2, SIZE)
      sandbox:clear_faults()
      sandbox:clear_requests()
      assert.same({ files = COUNT - 2, skipped = 2, bytes = (COUNT - 2) * SIZE, failed = {} }, assert(archive(folder)))
      assert.equal(COUNT - 2, #audio.requests(sandbox)) -- nothing twice
      is_complete(folder, COUNT, SIZE)
    end
  end)

  -- What was at the other end was written to.
  it("follows no symbolic link in its manifest's place", function()
    local folder, other = helper.folder(), helper.folder() .. "/other"
    assert(helper.run(("touch %s && ln -s %s %s/manifest.jsonl"):format(other, other, folder)) == 0)
    local result, err = archive(folder)
    assert.is_nil(result)
    assert.equal("io", err.code)
    assert.is_truthy(err.message:find("symbolic link", 1, true), err.message)
    assert.equal("", helper.read(other))
    assert.equal(0, #audio.requests(sandbox))
  end)

  it("fetches nothing if the list cannot be read to its end", function()
    local folder = helper.folder()
    sandbox:fault { path = "/recordings", truncate = 1000, clean = true, times = 2 }
    local result, err = archive(folder, { retries = 1 })
    assert.is_nil(result)
    assert.equal("network", err.code)
    assert.equal(0, #audio.requests(sandbox))
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

  it("with a folder that does not exist, or is a file, is error io, and sends nothing", function()
    local folder = helper.folder()
    archives.write(folder .. "/file", "")
    for _, dir in ipairs { folder .. "/none", folder .. "/file" } do
      local result, err = archive(dir)
      assert.is_nil(result)
      assert.equal("io", err.code)
      assert.equal("xima", err.provider)
      assert.is_truthy(err.message:find(dir, 1, true), err.message)
      -- It did not say what to do.
      assert.equal(dir:find("none$") ~= nil, err.message:find("create it first", 1, true) ~= nil, err.message)
    end
    assert.equal(0, #sandbox:requests())
  end)

  it("with a full disk ends with error io, and continues when there is room", function()
    local folder = helper.folder()
    local status, output = helper.run("trap '' XFSZ; ulimit -f 32; " .. helper.command(([[
      local client = require("ccaas").new { provider = "xima", base_url = %q, token = "sandbox-xima-token",
        audio_interval = 0 }
      local result, err = client:archive { from = %q, to = %q, dir = %q }
      print(err.code, result.files, #result.failed)
    ]]):format(sandbox.url, archives.YEAR.from, archives.YEAR.to, folder)))
    assert.equal(0, status, output)
    assert.equal("io\t0\t1", output:match("[^\n]*"))
    assert.same({}, (entries(folder)))
    assert.same({}, (select(2, entries(folder))))
    assert(archive(folder))
    is_complete(folder, COUNT, SIZE)
  end)

  it("with a disk that has no room for the list ends with the error io, and fetches nothing", function()
    -- The second list is so short that it is written when it is whole.
    for _, to in ipairs { archives.YEAR.to, "2025-09-30" } do
      local folder = helper.folder()
      local status, output = helper.run("trap '' XFSZ; ulimit -f 1; " .. helper.command(([[
        local client = require("ccaas").new { provider = "xima", base_url = %q, token = "sandbox-xima-token",
          audio_interval = 0 }
        local result, err = client:archive { from = %q, to = %q, dir = %q }
        io.stderr:write(tostring(result), " ", err.code, "\n")
      ]]):format(sandbox.url, archives.YEAR.from, to, folder)))
      assert.equal(0, status, output)
      assert.matches("nil io", output)
      assert.equal(0, #audio.requests(sandbox))
      assert.same({ "manifest.jsonl" }, (select(3, entries(folder))))
    end
  end)

  it("with wrong arguments raises", function()
    for _, case in ipairs {
      { nil, "needs option `from`" }, { { from = 0, to = 1 }, "needs option `dir`" },
      { { from = 1, to = 0, dir = helper.folder() }, "is after `to`" },
      { { from = "x", to = 0, dir = "/tmp" }, "option `from` is not a time" },
      { { from = 0, to = 1, dir = "/tmp", onfile = print }, "unknown option `onfile`" },
      { { from = 0, to = 1, dir = "" }, "option `dir`" },
      { { from = 0, to = 1, dir = "/tmp", progress = true }, "option `progress` must be a function" },
    } do
      local fine, message = pcall(client.archive, client, case[1])
      assert.is_false(fine)
      assert.is_truthy(message:find(case[2], 1, true), message)
      assert.is_truthy(message:find("archive_fault_spec", 1, true), message)
    end
    assert.equal(0, #sandbox:requests())
  end)
end)
