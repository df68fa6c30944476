-- spec/one.sh, which runs a spec file: what it counts, shows and notes.
local helper = require "spec.support.helper"

describe("spec/one.sh", function()
  local folder

  before_each(function() folder = helper.folder() end)

  local function write(name, text)
    local file = assert(io.open(folder .. "/" .. name, "w"))
    file:write(text)
    file:close()
    return folder .. "/" .. name
  end

  -- Runs a spec: the exit status, what it shows, and the titles that it notes.
  local function run(path)
    helper.run("mkdir " .. folder .. "/titles")
    local status, output = helper.run(("cd %s && CCAAS_TITLES=%s/titles sh spec/one.sh %s"):format(
      helper.quote(helper.top), folder, path))
    local _, titles = helper.run("cat " .. folder .. "/titles/*")
    return status, output, titles
  end

  it("counts the tests of a Lua spec, and notes their titles", function()
    local path = write("good_spec.lua", [[
      describe("a sum", function()
        it("is right", function() assert.equal(3, 1 + 2) end)
        it("is symmetric: a|b & c", function() assert.equal(2 + 1, 1 + 2) end)
      end)
    ]])
    local status, output, titles = run(path)
    assert.equal(0, status)
    assert.matches("^" .. path:gsub("%p", "%%%0") .. ": 2 passed, 0 failed %(%d+ s, %d+ s of CPU%)\n$", output)
    assert.equal(path .. "\ta sum is right\n" .. path .. "\ta sum is symmetric: a|b & c\n", titles)
  end)

  it("shows a failure, counts a skipped test as one, and notes both", function()
    local status, output, titles = run(write("bad_spec.lua", [[
      it("is right", function() end)
      it("is wrong", function() assert.equal("have", "want") end)
      pending("is not written")
    ]]))
    assert.equal(1, status)
    assert.matches("1 passed, 2 failed", output, 1, true)
    assert.matches("not ok 2 - is wrong", output, 1, true)
    assert.is_nil(output:find("is right", 1, true))
    assert.equal(3, select(2, titles:gsub("\n", "")))
  end)

  it("counts a spec that ends early, or has no test, as a failure", function()
    for text, why in pairs {
      ["it('ends', function() os.exit(0) end)"] = "ran no test",
      ["it('is right', function() end) it('ends', function() os.exit(0) end)"] = "ended before its end",
      ["return nil"] = "ran no test",
    } do
      local status, output = run(write("early_spec.lua", text))
      assert.equal(1, status)
      assert.matches(why, output, 1, true)
      assert.matches(": %d passed, 1 failed", output)
      helper.run("rm -r " .. folder .. "/titles")
    end
  end)

  it("counts the tests of a C spec, and notes their titles", function()
    local source = write("sum_test.c", [[
      #include "check.h"
      static void right(void) { CHECK_INT(1 + 2, 3); }
      static void wrong(void) { CHECK_INT(1 + 2, 4); }
      int main(void)
      {
          it("is right", right);
          it("is wrong", wrong);
          return check_report();
      }
    ]])
    local path = folder .. "/sum_test"
    assert.same({ 0, "" }, { helper.run(("cc -I %s/spec/c -o %s %s"):format(helper.quote(helper.top), path, source)) })
    local status, output, titles = run(path)
    assert.equal(1, status)
    assert.matches("1 passed, 1 failed", output, 1, true)
    assert.matches("1 + 2 is 3, wanted 4", output, 1, true)
    assert.is_nil(output:find("is right", 1, true))
    assert.equal(path .. "\tis right\n" .. path .. "\tis wrong\n", titles)
  end)
end)
