-- Memory that is short for what a server sends: an error as any other.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"

-- The module that has Lua refuse large blocks, for the Lua that this runs on.
local folder = helper.folder()
local built, said = helper.run(("cc -shared -fPIC -Wl,-z,nodelete $(pkg-config --cflags %s) %s -o %s"):format(
  rawget(_G, "jit") and "luajit" or "lua5.4", helper.quote(helper.top .. "/spec/c/memory_limit.c"),
  helper.quote(folder .. "/memory_limit.so")))
assert(built == 0, said)
package.cpath = folder .. "/?.so;" .. package.cpath
local limit = require "memory_limit"

-- What begins with this is a block that Lua does not get.  (LuaJIT has every string
-- once: one that is there already needs none.)
local LARGE = ("x"):rep(3 * 1024 * 1024)
local MOST = 1024 * 1024

local function large_row(id)
  return server.row(id, ('[{"key":"a","value":"%s!"}]'):format(LARGE))
end

-- What `f` gives while memory is short.
local function short(f, ...)
  limit(MOST)
  local ok, one, two = pcall(f, ...)
  limit()
  assert.is_true(ok, tostring(one))
  return one, two
end

local function check(err)
  assert.is_table(err, tostring(err))
  assert.equal("memory", err.code)
  assert.is_false(err.retryable)
  assert.matches("^out of memory", err.message)
end

-- A list of two pages, one row each; the second is large, and nothing is copied
-- while memory is short.
local function start()
  local pages, small = {}, server.answer(server.row("1"))
  for page = 0, 1 do
    pages[page] = server.page { rows = { page == 1 and large_row("2") or server.row("1") }, page = page, size = 1,
      total = 2 }
  end
  local large, text = server.answer(large_row("2")), server.answer(LARGE):gsub(" %d+\r\n\r\n",
    (" %d\r\n\r\n?"):format(#LARGE + 1))
  local s = server.start(function(request)
    if request.path:find("/groups$") then
      return server.page { rows = { server.row("g") } }
    elseif request.path:find("/text$") then
      return text
    elseif request.query.page then
      return pages[tonumber(request.query.page)]
    end
    return request.path:find("2$") and large or small
  end)
  return s, ccaas.new(s:options { retries = 0, concurrency = 1 })
end

-- It was raised, as a string.
describe("memory that is short for what a server sends", function()
  it("is an error of next, and the stream has ended by it", function()
    local _, client = start()
    local stream = client:queues { size = 1 }
    assert.equal("1", short(stream.next, stream).id)
    local row, err = short(stream.next, stream)
    assert.is_nil(row)
    check(err)
    row, err = stream:next()
    assert.is_nil(row)
    check(err)
  end)

  it("is an error of all", function()
    local _, client = start()
    local rows, err = short(function() return client:queues { size = 1 }:all() end)
    assert.is_nil(rows)
    check(err)
  end)

  it("is the error object that a loop raises", function()
    local _, client = start()
    local seen = {}
    local err = select(2, short(function()
      return pcall(function()
        for row in client:queues { size = 1 } do
          seen[#seen + 1] = row.id
        end
      end)
    end))
    check(err)
    assert.same({ "1" }, seen)
  end)

  it("is an error of calls that have one answer, and the next call is fine", function()
    local s, client = start()
    for _, call in ipairs {
      function() return client:queue("2") end,
      function() return client:request { path = "/text" } end,
    } do
      local given, err = short(call)
      assert.is_nil(given)
      check(err)
      assert.equal("1", assert(client:queue("1")).id)
    end
    assert.equal(1, s.tokens)
  end)

  it("is an event of merge, which serves the others", function()
    local _, client = start()
    local merged = ccaas.merge(client:queues { size = 1 }, client:groups(), client:queues { size = 1 })
    local ids, errors = {}, 0
    short(function()
      for _ = 1, 5 do
        local event = assert(merged:next(10))
        if event.type == "error" then
          check(event.error)
          errors = errors + 1
        else
          ids[#ids + 1] = event.id
        end
      end
    end)
    table.sort(ids)
    assert.same({ "1", "1", "g" }, ids)
    assert.equal(2, errors)
    assert.is_nil(merged:next(10))
  end)

  it("is a failed poll of a watch, which goes on", function()
    local _, client = start()
    local watch = client:watch("queues", { size = 1 })
    local event = short(watch.next, watch, 10)
    assert.equal("down", event.type)
    check(event.error)
    watch:close()
  end)
end)
