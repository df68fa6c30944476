-- Processes that share a store in a file: one token and one pace for all, also
-- when one of them is killed with it in its hands.
local helper = require "spec.support.helper"
local socket = require "socket"

local TOKEN_PATH = "/oauth/v2/token"

-- What a child says first: `client(overrides)`, and `wait_for(name)` for a file
-- that the parent makes.
local CHILD = [[
  local ccaas, socket = require "ccaas", require "socket"
  local folder = %q
  local reasons = {}
  local function client(overrides)
    local options = { %s, store = ccaas.store.file(folder .. "/store"), on_event = function(event)
      if event.type == "token" then
        reasons[#reasons + 1] = event.reason
      end
    end }
    for name, value in pairs(overrides or {}) do
      options[name] = value
    end
    return ccaas.new(options)
  end
  local function make(name)
    io.open(folder .. "/" .. name, "w"):close()
  end
  local function wait_for(name)
    while true do
      local file = io.open(folder .. "/" .. name)
      if file then
        return file:close()
      end
      socket.sleep(0.002)
    end
  end
  local function pid()
    local file = io.open("/proc/self/stat")
    local number = file:read("*n")
    file:close()
    return ("%%d"):format(number)
  end
]]

-- The processes of one test.
local function family(sandbox, provider)
  local self = { folder = helper.folder(), pipes = {} }
  local options = {}
  for name, value in pairs(sandbox:options(provider or "8x8")) do
    options[#options + 1] = ("%s = %q"):format(name, value)
  end
  local head = CHILD:format(self.folder, table.concat(options, ", "))

  -- Starts one; it says "ready-NAME" by a file when it is.
  function self.start(name, script)
    local pipe = io.popen(helper.command(head .. script:gsub("NAME", name)) .. " 2>&1")
    self.pipes[#self.pipes + 1] = pipe
    return pipe
  end
  function self.wait_for(condition)
    local ends = socket.gettime() + 60
    while not condition() do
      assert(socket.gettime() < ends, "what the spec waits for did not happen")
      socket.sleep(0.005)
    end
  end
  function self.has(name)
    local file = io.open(self.folder .. "/" .. name)
    if file then
      file:close()
    end
    return file ~= nil
  end
  function self.make(name)
    io.open(self.folder .. "/" .. name, "w"):close()
  end
  -- What each of them said, when all have ended.
  function self.outputs()
    local list = {}
    for i, pipe in ipairs(self.pipes) do
      list[i] = pipe:read("*a")
      pipe:close()
    end
    return list
  end
  return self
end

local function asked(sandbox, path)
  local list = {}
  for _, request in ipairs(sandbox:requests()) do
    if request.path:find(path, 1, true) then
      list[#list + 1] = request
    end
  end
  return list
end

local function world()
  return helper.sandbox { agents = 5, queues = 5, groups = 2 }
end

describe("processes that share a store", function()
  it("ask for one token: eight of fifty calls each", function()
    local sandbox = world()
    local them = family(sandbox)
    for i = 1, 8 do
      them.start(tostring(i), [[
        local one = client()
        make "ready-NAME"
        wait_for "go"
        for _ = 1, 50 do
          assert(one:queue("101"))
        end
        print(table.concat(reasons, "|"))
      ]])
    end
    them.wait_for(function()
      for i = 1, 8 do
        if not them.has("ready-" .. i) then
          return false
        end
      end
      return true
    end)
    them.make "go"
    local granted, shared = 0, 0
    for _, output in ipairs(them.outputs()) do
      granted = granted + (output == "granted\n" and 1 or 0)
      shared = shared + (output == "shared\n" and 1 or 0)
    end
    assert.equal(1, granted)
    assert.equal(7, shared)
    assert.equal(1, #asked(sandbox, TOKEN_PATH))
    assert.equal(400, #asked(sandbox, "/queues/101"))
  end)

  it("ask for a second one when the one who asks is killed, and wait for seconds only", function()
    local sandbox = world()
    sandbox:fault { path = TOKEN_PATH, hang = true, times = 1 }
    local them = family(sandbox)
    them.start("first", [[
      print(pid())
      io.flush()
      client():queue("101")
    ]])
    local victim = them.pipes[1]:read("*l")
    them.wait_for(function() return #asked(sandbox, TOKEN_PATH) == 1 end)
    for i = 1, 4 do
      them.start(tostring(i), [[
        make "ready-NAME"
        local began = socket.gettime()
        for _ = 1, 5 do
          assert(client():queue("101"))
        end
        print(table.concat(reasons, "|"))
      ]])
    end
    them.wait_for(function()
      return them.has "ready-1" and them.has "ready-2" and them.has "ready-3" and them.has "ready-4"
    end)
    assert.equal(1, #asked(sandbox, TOKEN_PATH))
    local from = socket.gettime()
    assert(helper.run("kill -9 " .. victim) == 0)
    local granted = 0
    for i, output in ipairs(them.outputs()) do
      if i > 1 then
        assert.is_true(output == "granted\n" or output == "shared\n", output)
        granted = granted + (output == "granted\n" and 1 or 0)
      end
    end
    assert.equal(1, granted)
    assert.equal(2, #asked(sandbox, TOKEN_PATH))
    assert.is_true(socket.gettime() - from < 30)
  end)

  it("renew a refused token once, all together", function()
    local sandbox = world()
    local them = family(sandbox)
    for i = 1, 4 do
      them.start(tostring(i), [[
        local one = client { retries = 0 }
        assert(one:queue("101"))
        make "ready-NAME"
        wait_for "go"
        for _ = 1, 20 do
          assert(one:queue("102"))
        end
        print "good"
      ]])
    end
    them.wait_for(function()
      return them.has "ready-1" and them.has "ready-2" and them.has "ready-3" and them.has "ready-4"
    end)
    assert.equal(1, #asked(sandbox, TOKEN_PATH))
    sandbox:expire_tokens()
    them.make "go"
    assert.same({ "good\n", "good\n", "good\n", "good\n" }, them.outputs())
    assert.equal(2, #asked(sandbox, TOKEN_PATH))
    assert.is_true(#asked(sandbox, "/queues/102") <= 84)
  end)

  it("try wrong credentials once, all together", function()
    local sandbox = world()
    local them = family(sandbox)
    local from = socket.gettime()
    for i = 1, 4 do
      them.start(tostring(i), [[
        local one = client { secret = "wrong" }
        for _ = 1, 10 do
          local _, err = one:queue("101")
          assert(err.code == "auth" and err.status == 401)
        end
        print "good"
      ]])
    end
    assert.same({ "good\n", "good\n", "good\n", "good\n" }, them.outputs())
    -- They are remembered for five seconds.
    local most = 1 + math.floor((socket.gettime() - from) / 5)
    assert.is_true(#asked(sandbox, TOKEN_PATH) <= most, #asked(sandbox, TOKEN_PATH))
  end)

  it("go on without it where the disk is full, and say so", function()
    local sandbox = world()
    local them = family(sandbox)
    local folder = them.folder
    local script = CHILD:format(folder, (function()
      local options = {}
      for name, value in pairs(sandbox:options("8x8")) do
        options[#options + 1] = ("%s = %q"):format(name, value)
      end
      return table.concat(options, ", ")
    end)()) .. [[
      local filler = io.open(folder .. "/filler", "w")
      while filler:write(("x"):rep(4096)) and filler:flush() do end
      filler:close()
      local one = client()
      for _ = 1, 3 do
        assert(one:queue("101"))
      end
      print(table.concat(reasons, "|"))
    ]]
    local mount = ("mount -t tmpfs -o size=64k,mode=777 none %s"):format(folder)
    local words, command = "larger than a file may be", "ulimit -f 0; trap '' XFSZ; " .. helper.command(script)
    for _, alone in ipairs { "unshare -m", "unshare -Urm" } do
      if helper.run(("%s sh -c %s"):format(alone, helper.quote(mount))) == 0 then
        words = "no space left on the device"
        command = ("%s sh -c %s"):format(alone, helper.quote(mount .. "; " .. helper.command(script)))
        break
      end
    end
    local status, output = helper.run(command)
    assert.equal(0, status, output)
    assert.matches("store: ", output, 1, true)
    assert.matches(words, output, 1, true)
    assert.matches("granted", output, 1, true)
    assert.equal(1, #asked(sandbox, TOKEN_PATH))
  end)

  it("keep no secret in the file, and tell no token", function()
    local sandbox = world()
    local them = family(sandbox)
    them.start("1", [[
      local one = client()
      assert(one:queue("101"))
      print(table.concat(reasons, "|"), one, ccaas.store.file(folder .. "/store"))
    ]])
    local output = them.outputs()[1]
    assert.matches("granted", output)
    local bytes = helper.read(them.folder .. "/store")
    local given = sandbox:options("8x8")
    assert.is_nil(bytes:find(given.key, 1, true))
    assert.is_nil(bytes:find(given.secret, 1, true))
    local token = assert(bytes:match("ccaas1 ok 0 %d+ %d+ (%S+)\n$"), bytes)
    assert.is_nil(output:find(token, 1, true))
    assert.equal("600\n", (select(2, helper.run("stat -c %a " .. them.folder .. "/store"))))
  end)
end)

describe("audio wanted by processes that share a store", function()
  local FETCH = [[
    local one = client { audio_interval = INTERVAL }
    local list = assert(one:recordings { from = "2025-06-30", to = "2026-06-30" }:all())
    make "ready-NAME"
    wait_for "go"
    for i = FIRST, FIRST + 1 do
      assert(one:audio(list[i], { deadline = 60 }))
    end
    print "good"
  ]]

  it("goes at the pace of one, and the vendor refuses none", function()
    local sandbox = helper.sandbox { recordings = 4, audio_interval = 0.8 }
    local them = family(sandbox, "xima")
    for i = 1, 2 do
      them.start(tostring(i), (FETCH:gsub("INTERVAL", "0.8"):gsub("FIRST", tostring(2 * i - 1))))
    end
    them.wait_for(function() return them.has "ready-1" and them.has "ready-2" end)
    them.make "go"
    assert.same({ "good\n", "good\n" }, them.outputs())
    local audio = asked(sandbox, "/audio")
    assert.equal(4, #audio)
    for i, request in ipairs(audio) do
      assert.equal(200, request.status)
      assert.is_true(i == 1 or request.at - audio[i - 1].at > 0.795)
    end
  end)

  it("goes one at a time also where it takes longer than that", function()
    local sandbox = helper.sandbox { recordings = 4, audio_interval = 0 }
    sandbox:fault { path = "/recordings/*", delay = 0.5, times = 4 }
    local them = family(sandbox, "xima")
    for i = 1, 2 do
      them.start(tostring(i), (FETCH:gsub("INTERVAL", "0"):gsub("FIRST", tostring(2 * i - 1))))
    end
    them.wait_for(function() return them.has "ready-1" and them.has "ready-2" end)
    them.make "go"
    assert.same({ "good\n", "good\n" }, them.outputs())
    local audio = asked(sandbox, "/audio")
    assert.equal(4, #audio)
    for i = 2, #audio do
      assert.is_true(audio[i].at - audio[i - 1].at > 0.495)
    end
  end)

  it("lets in a process that wants a single file while another wants many", function()
    local sandbox = helper.sandbox { recordings = 20, audio_interval = 0 }
    local them = family(sandbox, "xima")
    local function fetching(first, last)
      return ([[
        local one = client { audio_interval = 0.2 }
        local list = assert(one:recordings { from = "2025-06-30", to = "2026-06-30" }:all())
        make "ready-NAME"
        for i = %d, %d do
          assert(one:audio(list[i], { deadline = 60 }))
        end
        print(list[%d].recordingKey)
      ]]):format(first, last, last)
    end
    them.start("many", fetching(1, 16))
    them.wait_for(function() return #asked(sandbox, "/audio") >= 1 end)
    them.start("single", fetching(20, 20))
    local key = them.outputs()[2]:match("^(%S+)\n$")
    local after
    for _, request in ipairs(asked(sandbox, "/audio")) do
      if request.path:find(key, 1, true) then
        after = 0
      elseif after then
        after = after + 1
      end
    end
    assert.is_true(after >= 4, after)
  end)

  it("goes on when the process that downloads is killed", function()
    local sandbox = helper.sandbox { recordings = 4, audio_interval = 0 }
    local them = family(sandbox, "xima")
    sandbox:fault { path = "/recordings/*", hang = true, times = 1 }
    them.start("1", "print(pid()) io.flush()" .. FETCH:gsub("INTERVAL", "0"):gsub("FIRST", "1"))
    local victim = them.pipes[1]:read("*l")
    them.make "go"
    them.wait_for(function() return #asked(sandbox, "/audio") == 1 end)
    them.start("2", (FETCH:gsub("INTERVAL", "0"):gsub("FIRST", "3")))
    them.wait_for(function() return them.has "ready-2" end)
    local from = socket.gettime()
    assert(helper.run("kill -9 " .. victim) == 0)
    assert.equal("good\n", them.outputs()[2])
    local seconds = socket.gettime() - from
    assert.is_true(seconds < 40, seconds)
    assert.equal(3, #asked(sandbox, "/audio"))
  end)
end)
