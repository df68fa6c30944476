-- Vendors are data: no vendor's name, address or number stands outside of its
-- folder, examples and comments included.  (The sandbox plays both vendors.)
local helper = require "spec.support.helper"

-- Where a vendor may be named: its folder, and the one list of all.
local function is_apart(path)
  return not (path:find("^src/sandbox/") or path:find("^lua/ccaas/sandbox") or path:find("^lua/ccaas/vendor/"))
end

-- Words of a description that are no vendor's own: fields of C structs, too.
local common = { ["error.code"] = true, ["error.message"] = true }

-- What must not stand elsewhere, in small letters: the names, and what only one
-- vendor has in its description.
local function words_of_vendors()
  local words = {}
  local function add(value)
    if type(value) == "string" and value ~= "" and not common[value] then
      words[value:lower()] = true
    end
  end
  for _, name in ipairs(require "ccaas.vendor.list") do
    local vendor = require("ccaas.vendor." .. name .. ".description")
    add(name)
    add(vendor.tenant_header)
    add(vendor.auth.token_url)
    add(vendor.address.example)
    for _, url in pairs(vendor.address.regions or {}) do
      add(url:match("^https?://([^/]+)"))
    end
    for _, word in ipairs(vendor.paging and vendor.paging.headers or {}) do
      add(word)
    end
    for _, list in ipairs { vendor.dialect.throttles, vendor.dialect.messages, vendor.dialect.codes } do
      for _, word in ipairs(list) do
        add(word:find(".", 1, true) and word or nil)
      end
    end
    add(vendor.dialect.past_end)
    for _, method in pairs(vendor.methods) do
      add(method.path)
      add(method.token_name)
      for _, code in ipairs(method.refusals or {}) do
        add(tostring(code))
      end
      for _, path in ipairs(method.paths or {}) do
        add(path:find(".", 1, true) and path or nil)
      end
      for _, word in ipairs(method.fields or {}) do
        add(word)
      end
    end
  end
  return words
end

-- Does the word stand in the text, and not as a part of a longer one?
local function stands(text, word)
  local at = 1
  while true do
    local first, last = text:find(word, at, true)
    if not first then
      return false
    end
    local before, after = text:sub(first - 1, first - 1), text:sub(last + 1, last + 1)
    local is_part = word:find("^%w") and before:find("[%w_]") or word:find("%w$") and after:find("[%w_]")
      or word:find("^/") and after:find("[/-]") -- a longer path
    if not is_part then
      return true
    end
    at = first + 1
  end
end

-- The places where files name a vendor; `files`: path and text.
local function named(files, words)
  local found = {}
  for path, text in pairs(files) do
    if is_apart(path) then
      text = text:lower()
      for word in pairs(words) do
        if stands(path:lower(), word) or stands(text, word) then
          found[#found + 1] = path .. ": " .. word
        end
      end
    end
  end
  table.sort(found)
  return found
end

describe("a vendor", function()
  local words = words_of_vendors()
  local files = {}
  setup(function()
    local _, output = helper.run("cd " .. helper.quote(helper.top) .. " && find src lua -type f")
    for path in output:gmatch("[^\n]+") do
      files[path] = helper.read(path)
    end
    assert(files["lua/ccaas/client.lua"] and files["src/base/text.c"])
  end)

  it("is named in its own folder alone", function()
    assert.same({}, named(files, words))
  end)

  it("is found where it is named, in any case, by any of its words", function()
    local planted = {
      ["lua/ccaas/one.lua"] = "-- As 8X8 does it.",
      ["src/http/two.c"] = "/* The Xima way */",
      ["src/http/xima.c"] = "",
      ["lua/ccaas/three.lua"] = 'local path = "/agents-in-queue-groups"',
      ["src/call/four.c"] = 'static const char header[] = "X-Tenant-Info";',
      ["lua/ccaas/five.lua"] = "local codes = { 4401 }",
      ["src/json/five.h"] = '/* A path ("fault.detail.errorcode"). */',
      ["lua/ccaas/six.lua"] = "local key = row.recordingKey",
      ["src/base/not.c"] = "0x78a5636f, 0x88x8, maximal, 44010, my_tenantname",
      ["lua/ccaas/vendor/xima/x.lua"] = "xima",
      ["lua/ccaas/sandbox/x8.lua"] = "8x8",
      ["src/sandbox/x.c"] = "xima",
    }
    assert.same({
      "lua/ccaas/five.lua: 4401",
      "lua/ccaas/one.lua: 8x8",
      "lua/ccaas/six.lua: recordingkey",
      "lua/ccaas/three.lua: /agents-in-queue-groups",
      "src/call/four.c: x-tenant-info",
      "src/http/two.c: xima",
      "src/http/xima.c: xima",
      "src/json/five.h: fault.detail.errorcode",
    }, named(planted, words))
  end)
end)
