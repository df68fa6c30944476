-- An archive that is started again, or beside another one.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local socket = require "socket"
local cjson = require "cjson"
local server = require "spec.support.server"

-- A process that is killed holds its part for a moment longer.  An archive that was
-- started again within that moment took the part for one that somebody writes, and
-- left it behind.
describe("an archive", function()
  -- Waits until the shell command succeeds.
  local function wait_for(command)
    local ends = socket.gettime() + 30
    while helper.run(command) ~= 0 do
      assert(socket.gettime() < ends, command)
    end
  end

  it("leaves no part of a process that ended while it was at work", function()
    local sandbox, folder = helper.sandbox { recordings = 3, audio_interval = 0 }, helper.folder()
    local client = ccaas.new(sandbox:options("xima", { audio_interval = 0 }))
    local _, pid = helper.run("( exec " .. helper.command(([[
      local core = require "ccaas.core"
      local file = assert(core.atomic_file(%q))
      assert(file:write("half of it"))
      core.poll(-1, 60)
    ]]):format(folder .. "/other")) .. " ) >/dev/null 2>&1 </dev/null & echo $!")
    pid = pid:match("%d+")
    wait_for("ls " .. folder .. "/.ccaas-*.part")
    local result = assert(client:archive { from = "2025-06-30", to = "2026-06-30", dir = folder, on_file = function()
      helper.run("kill -9 " .. pid)
      wait_for("! grep -qv ') [ZX] ' /proc/" .. pid .. "/stat")
    end })
    assert.equal(3, result.files)
    assert.are_not.equal(0, (helper.run("ls " .. folder .. "/.ccaas-*")))
    client:close()
  end)
end)

-- Two archives into one folder at once had one list between them: the second cut
-- it under the first one's reader, and whoever was done took it away.  Recordings
-- were lost, and nobody was told.
describe("two archives into one folder at once", function()
  local ogg

  setup(function()
    local sandbox = helper.sandbox { recordings = 1, audio_interval = 0, audio_size = 1000 }
    local source = ccaas.new(sandbox:options("xima", { audio_interval = 0 }))
    ogg = assert(source:audio(source:recordings({ from = "2025-06-30", to = "2026-06-30" }):next()))
  end)

  -- The list of so many recordings; forty are more than is read of a file in one go.
  local function list(tenant, count)
    local rows = {}
    for i = 1, count do
      rows[i] = ('{"tenantName":"%s","recordingKey":"%d","agent":"%s"}'):format(tenant, i, ("x"):rep(1000))
    end
    return server.answer("[" .. table.concat(rows, ",") .. "]")
  end

  -- What is in the folder, and how often a file is in the manifest.
  local function entries(folder)
    local _, output = helper.run("ls -A " .. helper.quote(folder))
    local files, others, noted = 0, {}, {}
    for name in output:gmatch("[^\n]+") do
      if name:find("%.ogg$") then
        files = files + 1
      elseif name ~= "manifest.jsonl" then
        others[#others + 1] = name
      end
    end
    for line in helper.read(folder .. "/manifest.jsonl"):gmatch("([^\n]*)\n") do
      local file = cjson.decode(line).file
      noted[file] = (noted[file] or 0) + 1
    end
    return files, others, noted
  end

  -- Archives side by side. `answer(nth, conn, over)` gives the list of the first or
  -- the second, `audio(request, conn, folder)` may hold a recording back; `over`: who is done.
  local function run(answer, audio)
    local folder, results, over = helper.folder(), {}, {}
    local s = server.start(function(request, conn)
      if request.path:find("/audio$") then
        audio(request, conn, folder)
        return server.answer(ogg)
      end
      return answer(request.target:find("2001", 1, true) and 1 or 2, conn, over)
    end)
    local client = ccaas.new(s:options { provider = "xima", token = "T", key = false, secret = false,
      token_url = false, audio_interval = 0 })
    local function archive(nth)
      return function()
        results[nth] = assert(client:archive { from = 200 .. nth .. "-01-01", to = "2009-01-01", dir = folder })
        over[nth] = true
      end
    end
    s:run(archive(1), archive(2))
    client:close()
    return folder, results
  end

  it("have all recordings of both", function()
    local asked = { a = 0, b = 0 }
    local folder, results = run(function(nth, conn)
      conn:hold(function() return nth == 1 or asked.a > 0 end)
      return list(nth == 1 and "a" or "b", 40)
    end, function(request, conn)
      local tenant = request.path:match("/recordings/(%w+)/")
      asked[tenant] = asked[tenant] + 1
      conn:hold(function() return tenant == "b" or asked.b > 0 end)
    end)
    for nth = 1, 2 do
      assert.same({ 40, 0, 0 }, { results[nth].files, results[nth].skipped, #results[nth].failed })
    end
    local files, others, noted = entries(folder)
    assert.equal(80, files)
    assert.same({}, others)
    for _, tenant in ipairs { "a", "b" } do
      for i = 1, 40 do
        assert.equal(1, noted[tenant .. "-" .. i .. ".ogg"])
      end
    end
  end)

  it("do not mind that the other one is done while they read their list", function()
    local folder, results = run(function(nth, conn, over)
      conn:hold(function() return nth == 2 or over[2] end)
      return list(nth == 1 and "a" or "b", 2)
    end, function() end)
    assert.equal(2, results[1].files)
    assert.equal(2, results[2].files)
    assert.equal(4, (entries(folder)))
  end)

  it("note a recording that is in both once", function()
    local folder, results = run(function(nth, conn, over)
      conn:hold(function() return nth == 1 or over[1] end)
      return list("a", 3)
    end, function() end)
    assert.same({ 3, 0 }, { results[1].files, results[1].skipped })
    assert.same({ 0, 3 }, { results[2].files, results[2].skipped })
    assert.same({ ["a-1.ogg"] = 1, ["a-2.ogg"] = 1, ["a-3.ogg"] = 1 }, (select(3, entries(folder))))
  end)

  it("have nothing there that would be left if they were killed", function()
    local seen = 0
    local folder = helper.folder()
    local client = server.xima(function(request)
      return request.path:find("/audio$") and server.answer(ogg) or list("a", 2)
    end)
    assert(client:archive { from = 0, to = 1, dir = folder, on_file = function()
      seen = seen + 1
      assert.same({}, (select(2, entries(folder))))
    end })
    assert.equal(2, seen)
    client:close()
  end)

  it("begin a new line after one that another could not write to its end", function()
    local folder = run(function(nth) return list(nth == 1 and "a" or "b", 1) end, function(_, _, folder)
      local file = assert(io.open(folder .. "/manifest.jsonl", "ab"))
      file:write('{"file":"')
      file:close()
    end)
    local noted = {}
    for line in helper.read(folder .. "/manifest.jsonl"):gmatch("([^\n]*)\n") do
      local fine, entry = pcall(cjson.decode, line)
      if fine then
        noted[#noted + 1] = entry.file
      end
    end
    table.sort(noted)
    assert.same({ "a-1.ogg", "b-1.ogg" }, noted)
  end)
end)
