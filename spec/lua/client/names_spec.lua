-- Names: agents' taken apart, and files' made from anything.
local helper = require "spec.support.helper"
local agent_name = require "ccaas.vendor.xima.agent_name"
local names = require "ccaas.names"

describe("an agent's name", function()
  local function splits(text, name, extension)
    local have, have_extension = agent_name.split(text)
    assert.equal(name, have, text)
    assert.equal(extension, have_extension, text)
  end

  it("is the part before its extension", function()
    splits("John Spector(104)", "John Spector", "104")
    splits("Agent_001(999)", "Agent_001", "999")
    splits("王秀英(5001)", "王秀英", "5001")
    splits("John(+1-555*12#3)", "John", "+1-555*12#3")
    splits("John(x104)", "John", "x104")
  end)

  it("may hold parentheses itself", function()
    splits("Alan (Al) Jones(271)", "Alan (Al) Jones", "271")
    splits("Max (Berlin)(12)", "Max (Berlin)", "12")
    splits("A(1)(2)", "A(1)", "2")
    splits("A)(1(2)", "A)(1", "2")
  end)

  it("is kept as it is without an extension", function()
    for _, text in ipairs { "Ada Lovelace", "", "()", "A()", "Alan (Al) Jones", "Max (Berlin)", "A(1", "A1)", "A)1(",
      "Team (2nd shift)", "A(1)x", " A ", "A((1))", "(" } do
      splits(text, text, nil)
    end
  end)

  it("loses the blanks around it when it has one", function()
    splits("John Spector (104)", "John Spector", "104")
    splits(" John (104) \n", "John", "104")
    splits("(104)", "", "104")
  end)

  it("is nil when it is not a string", function()
    for _, value in ipairs { 104, true, {} } do
      assert.is_nil((agent_name.split(value)))
    end
    assert.is_nil((agent_name.split(nil)))
  end)

  it("may be long and odd without taking long", function()
    local before = os.clock()
    for _, text in ipairs { ("("):rep(20000), ("(1"):rep(20000), ("1"):rep(20000) .. ")", "(" .. ("1"):rep(20000) } do
      splits(text, text, nil)
    end
    assert.is_true(os.clock() - before < 2)
  end)
end)

describe("a file's name", function()
  local function all_bytes()
    local bytes = {}
    for byte = 0, 255 do
      bytes[byte + 1] = string.char(byte)
    end
    return bytes
  end

  it("is the key where that is safe", function()
    for _, key in ipairs { "a", "rec-0001_b.ogg", "0123456789", "ABCdef", "a..b", "_" } do
      assert.equal(key, names.file(key))
    end
    assert.equal("rec-1.ogg", names.file("rec-1", ".ogg"))
  end)

  it("leaves its folder never, is not hidden and is no command-line option", function()
    assert.equal("%2E.%2F..%2Fetc%2Fpasswd", names.file "../../etc/passwd")
    assert.equal("%2Froot", names.file "/root")
    assert.equal("%2E", names.file ".")
    assert.equal("%2E.", names.file "..")
    assert.equal("%2Ehidden", names.file ".hidden")
    assert.equal("%2Drf", names.file "-rf")
    assert.equal("a%00b", names.file "a\0b")
    assert.equal("a%0Ab%7F%20c", names.file "a\nb\127 c")
    assert.equal("%C3%BC", names.file "ü")
    assert.equal("100%25", names.file "100%")
    assert.equal("%empty", names.file "")
    assert.equal("%empty.ogg", names.file("", ".ogg"))
  end)

  it("has portable characters only, whatever the key holds", function()
    for _, byte in ipairs(all_bytes()) do
      for _, key in ipairs { byte, "a" .. byte, byte:rep(300) } do
        local name = names.file(key, ".ogg")
        assert.is_truthy(name:find("^[%w_%%][%w._%%~-]*%.ogg$"), name)
        assert.is_true(#name <= 200)
      end
    end
  end)

  it("differs for different keys", function()
    local seen, count = {}, 0
    local function add(key)
      local name = names.file(key, ".ogg")
      assert.is_nil(seen[name], name)
      seen[name], count = true, count + 1
    end
    local bytes = all_bytes()
    add ""
    for _, one in ipairs(bytes) do
      add(one)
      for _, two in ipairs(bytes) do
        add(one .. two)
      end
      add("a" .. one .. "b")
    end
    for _, key in ipairs { "%2E", "%empty", "%00", "empty", "..." } do
      add(key)
    end
    for length = 3, 400 do
      add(("a"):rep(length))
      add(("."):rep(length) .. "x")
      add(("a"):rep(length) .. "/")
      add("/" .. ("a"):rep(length))
    end
    for i = 1, 300 do
      add(("x"):rep(i) .. "y" .. ("x"):rep(300 - i))
    end
    assert.is_true(count > 67000)
  end)

  it("ends in the key's SHA-256 when it would be too long", function()
    local key = ("a"):rep(300)
    local status, output = helper.run("printf %s " .. key .. " | sha256sum")
    assert.equal(0, status, output)
    local digest = output:match("^%x+")
    assert.equal(64, #digest)
    assert.equal(("a"):rep(130) .. "%~" .. digest .. ".ogg", names.file(key, ".ogg"))
    assert.equal(("a"):rep(196) .. ".ogg", names.file(("a"):rep(196), ".ogg"))
    assert.equal(200, #names.file(("a"):rep(197), ".ogg"))
    assert.is_truthy(names.file(("a"):rep(197), ".ogg"):find("%~", 1, true))
    -- No escape is cut in two.
    for before = 0, 2 do
      local name = names.file(("b"):rep(before) .. ("/"):rep(100))
      assert.is_truthy(name:gsub("%%2F", ""):find("^b*%%~%x+$"), name)
    end
  end)

  it("is the same for the same number on every Lua", function()
    assert.equal("1719570000000", names.file(1719570000000))
    assert.equal("%2D5", names.file(-5))
    assert.equal("9007199254740992", names.file(9007199254740992))
    assert.equal("1.5", names.file(1.5))
  end)

  if math.type then
    it("differs for different integers", function()
      assert.equal("9223372036854775807", names.file(9223372036854775807))
      assert.equal("9223372036854775806", names.file(9223372036854775807 - 1))
    end)
  end

  it("is a valid file name", function()
    local folder = helper.folder()
    for _, key in ipairs { "../../x", "a/b", "a\0b", "", ".", "..", ("ü"):rep(300), "%", "\27[31m" } do
      local path = folder .. "/" .. names.file(key, ".ogg")
      local file = assert(io.open(path, "w"))
      file:write(key)
      file:close()
      assert.equal(key, helper.read(path))
    end
    local _, output = helper.run("ls -A " .. folder .. " | wc -l")
    assert.equal("9\n", output)
  end)
end)
