-- What is public is documented: walks the public tables and the headers, and
-- looks for each name where its words should be.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"

local pages = {}
for _, name in ipairs { "clients", "8x8", "xima", "streams", "loops", "live", "watching-and-merging", "errors",
  "stores", "sandbox" } do
  pages[name] = helper.read("docs/" .. name .. ".md")
end

local function files(words)
  local list = {}
  for path in select(2, helper.run("cd " .. helper.quote(helper.top) .. " && find " .. words)):gmatch("[^\n]+") do
    list[#list + 1] = path
  end
  table.sort(list)
  assert(#list > 0)
  return list
end

local function names_of(index)
  local names = {}
  for name in pairs(index) do
    if not name:find("^_") then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  assert(#names > 0)
  return names
end

-- The comment right above the line that holds `definition`; "" without one,
-- nil where there is no such line.
local function comment_above(source, definition)
  local comment = ""
  for line in (source .. "\n"):gmatch("(.-)\r?\n") do
    if line:find(definition, 1, true) == 1 then
      return comment, line
    end
    comment = line:find("^%-%-") and comment .. line .. "\n" or ""
  end
end

-- The function has a comment with words, and a line for each parameter.
local function is_annotated(path, definition)
  local comment, line = comment_above(helper.read(path), definition)
  assert(comment, path .. " does not define " .. definition)
  assert(comment:find("%-%-%- %u%l+") or comment:find("%-%-%-%s*%u"), path .. ": no words above " .. line)
  for parameter in line:match("%((.*)%)"):gmatch("[%w_]+") do
    assert(comment:find("---@param " .. parameter .. "%f[%W]"),
      path .. ": no ---@param " .. parameter .. " above " .. line)
  end
end

-- One of the pages has it.
local function is_on(names, pattern, what)
  for _, name in ipairs(names) do
    if pages[name]:find(pattern) then
      return
    end
  end
  error(("docs/%s.md does not name %s"):format(table.concat(names, ".md, docs/"), what), 2)
end

-- The names that a message about an unknown option lists.
local function known_options(f)
  local ok, message = pcall(f)
  assert(not ok)
  local list = {}
  for name in assert(message:match("%(known: (.*)%)"), message):gmatch("[%w_]+") do
    list[#list + 1] = name
  end
  assert(#list >= 3)
  return list
end

local function new(overrides)
  local options = { provider = "8x8", key = "k", secret = "s", base_url = "http://127.0.0.1:9" }
  for name, value in pairs(overrides or {}) do
    options[name] = value
  end
  return ccaas.new(options)
end

local function methods_of(object)
  return names_of(getmetatable(object).__index)
end

local UNKNOWN = "q0123456789"

describe("the module", function()
  for _, name in ipairs(names_of(ccaas)) do
    it("documents ccaas." .. name, function()
      is_on({ "clients", "stores", "watching-and-merging" }, "ccaas%." .. name .. "%f[^%w_]", "ccaas." .. name)
      if type(ccaas[name]) == "function" then
        is_annotated("lua/ccaas.lua", "function ccaas." .. name .. "(")
      else
        assert.is_truthy(helper.read("lua/ccaas.lua"):find("---@field " .. name .. " ", 1, true))
      end
    end)
  end

  it("documents every option of ccaas.new", function()
    local class = helper.read("lua/ccaas.lua"):match("%-%-%-@class ccaas%.Options\n(.-)\n\n")
    for _, name in ipairs(known_options(function() new { [UNKNOWN] = 1 } end)) do
      is_on({ "clients" }, "\n|[^|]*`" .. name .. "`[^|]*|", "option " .. name)
      assert.is_truthy(class:find("---@field " .. name .. "%f[%W]%??"), "ccaas.Options lacks " .. name)
    end
  end)
end)

describe("a client", function()
  local both = { new(), ccaas.new { provider = "xima", host = "acme.test", token = "t" } }
  local client = setmetatable({}, { __index = function(_, name) return both[1][name] or both[2][name] end })

  local function all_methods()
    local names, seen = {}, {}
    for _, one in ipairs(both) do
      for _, name in ipairs(methods_of(one)) do
        if not seen[name] then
          seen[name] = true
          names[#names + 1] = { name, one }
        end
      end
    end
    return names
  end

  for _, method in ipairs(all_methods()) do
    local name = method[1]
    it("documents " .. name, function()
      local vendor = method[2] == both[1] and "8x8" or "xima"
      is_on({ "clients", vendor }, ":" .. name .. "[({]", name)
      local class = helper.read("lua/ccaas/client.lua"):match("%-%-%-@class ccaas%.Client\n(.-)\n\n")
      assert.is_truthy(class, "no class ccaas.Client")
      assert.is_truthy(class:find("---@field " .. name .. " fun%(self: ccaas%.Client[,)]"),
        "ccaas.Client has no field " .. name)
    end)
  end

  it("has no method in its class that does not exist", function()
    local class = helper.read("lua/ccaas/client.lua"):match("%-%-%-@class ccaas%.Client\n(.-)\n\n")
    for name in class:gmatch("%-%-%-@field ([%w_]+)") do
      assert.is_function(client[name], name)
    end
  end)

  -- Methods with a page of their own.
  local pages_of = { subscribe = "live", watch = "watching-and-merging" }

  it("documents every option of its methods", function()
    for _, method in ipairs(all_methods()) do
      local name, owner = method[1], method[2]
      if name ~= "close" then
        local ids = { queue = 1, group = 1, queue_agents = 1, group_agents = 1, queue_agent = 2, group_agent = 2,
          historic_data = 1, metric_values = 1, subscribe = 1, audio = 1, watch = 1 }
        local given = {}
        for i = 1, ids[name] or 0 do
          given[i] = name == "watch" and "queues" or name == "audio" and {} or "1"
        end
        given[#given + 1] = { [UNKNOWN] = 1 }
        local unpack = rawget(_G, "unpack") or table.unpack
        for _, option in ipairs(known_options(function() owner[name](owner, unpack(given)) end)) do
          is_on({ "clients", owner == both[1] and "8x8" or "xima", pages_of[name] },
            "`[^`\n]*%f[%w_]" .. option .. "%f[^%w_][^`\n]*`", name .. "'s option " .. option)
        end
      end
    end
  end)
end)

describe("a stream", function()
  for _, name in ipairs(methods_of(new():queues())) do
    it("documents " .. name, function()
      local definition = "function methods:" .. name .. "("
      local own = helper.read("lua/ccaas/stream.lua"):find(definition, 1, true)
      is_annotated("lua/ccaas/" .. (own and "stream" or "reading") .. ".lua", definition)
      is_on({ "streams", "loops" }, "stream:" .. name .. "%(", "stream:" .. name)
    end)
  end

  it("documents every field of its info", function()
    local stream = new():queues()
    for name in pairs(stream:info()) do
      is_on({ "streams" }, "\n|[^|]*`" .. name .. "`[^|]*|", "info's field " .. name)
      assert.is_truthy(helper.read("lua/ccaas/stream.lua"):find("---@field " .. name .. "%f[%W]"), name)
    end
  end)
end)

describe("the sandbox", function()
  local sandbox = require "ccaas.sandbox"

  for _, name in ipairs(names_of(sandbox)) do
    it("documents sandbox." .. name, function()
      is_annotated("lua/ccaas/sandbox.lua", "function sandbox." .. name .. "(")
      is_on({ "sandbox" }, "sandbox%." .. name .. "%f[^%w_]", "sandbox." .. name)
    end)
  end

  it("documents its handle's methods", function()
    for _, name in ipairs(methods_of(helper.sandbox { agents = 1, queues = 1, groups = 1 })) do
      is_annotated("lua/ccaas/sandbox.lua", "function handle:" .. name .. "(")
      is_on({ "sandbox" }, "`sb:" .. name .. "%f[^%w_]", "sb:" .. name)
    end
  end)

  for kind, options in pairs(require "ccaas.sandbox.check") do
    if type(options) == "table" then
      it("documents its " .. kind:gsub("_", " "), function()
        for name in pairs(options) do
          is_on({ "sandbox" }, "`[^`\n]*%f[%w_]" .. name .. "%f[^%w_][^`\n]*`", name)
        end
      end)
    end
  end
end)

describe("an error", function()
  it("has every code on its page", function()
    local list = helper.read("src/base/error.c"):match("ccaas_code_name%(.-{.-{(.-)}")
    local count = 0
    for code in list:gmatch('"([%w_]+)"') do
      if code ~= "ok" then
        is_on({ "errors" }, "\n| `" .. code .. "` |", "code " .. code)
        count = count + 1
      end
    end
    assert.is_true(count > 10)
  end)

  it("has every field on its page", function()
    local class = helper.read("lua/ccaas/error.lua"):match("%-%-%-@class ccaas%.Error\n(.-)\nlocal ")
    for name in class:gmatch("%-%-%-@field ([%w_]+)") do
      is_on({ "errors" }, "\n|[^|]*`" .. name .. "`[^|]*|", "field " .. name)
    end
  end)
end)

describe("the C interface", function()
  -- Each declaration of a function in a header, with what is above it: a
  -- comment counts for all that follow it without an empty line between.
  local function undocumented(path)
    local missing, documented, comment, depth = {}, false, false, 0
    for line in (helper.read(path) .. "\n"):gmatch("(.-)\n") do
      if comment then
        comment = not line:find("*/", 1, true)
        documented = true
      elseif line == "" then
        documented = false
      elseif line:find("^/%*") then
        comment = not line:find("*/", 1, true)
        -- A heading of a section is no description.
        documented = not line:find("^/%* %-%-")
      elseif depth == 0 and line:find("^%a") and not line:find("^typedef") then
        local name = line:match("([%w_]+)%(")
        if name and (name:find("^ccaas_") or name:find("^cc_")) and not documented and not line:find("; /%*") then
          missing[#missing + 1] = name
        end
      end
      if not comment then
        depth = depth + select(2, line:gsub("{", "")) - select(2, line:gsub("}", ""))
      end
    end
    return missing
  end

  for _, path in ipairs(files "src -name '*.h'") do
    it("has words above each function of " .. path, function()
      assert.same({}, undocumented(path))
    end)
  end

  it("is found to lack one", function()
    local path = helper.folder() .. "/x.h"
    local file = assert(io.open(path, "w"))
    file:write("/* A file. */\n#ifndef X\n\n/* -- Part -- */\n\nint cc_one(void);\n\n"
      .. "/* Two. */\nint ccaas_two(void);\n"
      .. "int ccaas_two_more(int a,\n    int b);\n\nstruct ccaas_x {\n    int (*ccaas_no)(void);\n};\n"
      .. "struct ccaas_x *ccaas_three(\n    void);\nint ccaas_four(void); /* Four. */\n")
    file:close()
    assert.same({ "cc_one", "ccaas_three" }, undocumented(path))
  end)
end)

describe("every source file", function()
  it("says first what it is for", function()
    for _, path in ipairs(files "src -name '*.[ch]'") do
      assert.is_truthy(helper.read(path):find("^/%*.-%w%w%w.-%*/"), path)
    end
    for _, path in ipairs(files "lua -name '*.lua'") do
      assert.is_truthy(helper.read(path):find("^%-%-+ ?%w"), path)
    end
  end)
end)
