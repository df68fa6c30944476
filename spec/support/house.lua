--- Checks of the source tree: which room sees which, what a pure file calls,
--- how things are named, how long a file is.  Each check takes a spec.Tree and
--- gives its findings, { [key] = message }; `house.differ` compares them with
--- those that are known.
local Tree = require "spec.support.tree"

local keys, parts = Tree.keys, Tree.parts

local house = {}

-- Circles ------------------------------------------------------------------

local function edge(graph, from, to)
  if from ~= to then
    graph[from] = graph[from] or {}
    graph[from][to] = true
  end
end

--- All nodes that can be reached from one.
local function reached(graph, from)
  local list, met = { from }, { [from] = true }
  for _, node in ipairs(list) do
    for to in pairs(graph[node] or {}) do
      if not met[to] then
        met[to] = true
        list[#list + 1] = to
      end
    end
  end
  return list
end

--- The shortest way from a node back to itself, as a list; nil without one.
local function circle(graph, from)
  local came, queue, head = {}, { from }, 1
  while queue[head] do
    local node = queue[head]
    head = head + 1
    for _, to in ipairs(keys(graph[node] or {})) do
      if to == from then
        local way = { from }
        while node ~= from do
          table.insert(way, 1, node)
          node = came[node]
        end
        table.insert(way, 1, from)
        return way
      elseif not came[to] then
        came[to] = node
        queue[#queue + 1] = to
      end
    end
  end
end

--- One finding for each node that reaches itself.
local function circles(graph)
  local found = {}
  for node in pairs(graph) do
    local way = circle(graph, node)
    if way then
      found[node] = "a circle: " .. table.concat(way, " -> ")
    end
  end
  return found
end

--- Rooms whose includes form a circle.
function house.room_circles(tree)
  local graph = {}
  for _, include in ipairs(tree:includes()) do
    edge(graph, (parts(include.from)), (parts(include.to)))
  end
  return circles(graph)
end

--- A unit is x.c with x.h, and with x_own.h, which the files that x is made of
--- share.
local function unit(path)
  local room, name = parts(path)
  return room .. "/" .. name:gsub("_own$", "")
end

--- Units, of one room or of several, whose includes form a circle.
function house.unit_circles(tree)
  local graph = {}
  for _, include in ipairs(tree:includes()) do
    edge(graph, unit(include.from), unit(include.to))
  end
  return circles(graph)
end

--- Rooms whose objects call one another in a circle, whatever they include.
function house.call_circles(tree)
  local graph = {}
  local objects, where = tree:objects()
  for path, object in pairs(objects) do
    for symbol in pairs(object.needs) do
      if where[symbol] then
        edge(graph, (parts(path)), (parts(where[symbol])))
      end
    end
  end
  return circles(graph)
end

--- Rooms that CMake lets see one another in a circle; folders that are no room;
--- rooms that a room may see and does not include.
function house.cmake(tree)
  local rooms, graph, used = tree:rooms(), {}, {}
  for room, others in pairs(rooms) do
    for _, other in ipairs(others) do
      if rooms[other] then
        edge(graph, room, other)
      end
    end
  end
  local found = circles(graph)
  local includes = {}
  for _, include in ipairs(tree:includes()) do
    edge(includes, include.from, include.to)
  end
  for path in pairs(includes) do
    for _, other in ipairs(reached(includes, path)) do
      edge(used, (parts(path)), (parts(other)))
    end
  end
  for room, others in pairs(graph) do
    for other in pairs(others) do
      if not (used[room] or {})[other] then
        found[room .. " " .. other] = ("room(%s) may see %s and includes nothing of it"):format(room, other)
      end
    end
  end
  for _, path in ipairs(tree:files("src", "c h")) do
    local room = parts(path)
    if room ~= "" and not rooms[room] then
      found[room] = "src/" .. room .. " is not a room of CMakeLists.txt"
    end
  end
  return found
end

--- Lua modules that require one another in a circle.
function house.lua_circles(tree)
  local graph, modules = {}, {}
  for _, path in ipairs(tree:files("lua", "lua")) do
    local name = path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", "")
    modules[name:gsub("/", ".")] = path
  end
  for name, path in pairs(modules) do
    local code = tree:text(path):gsub("%-%-[^\n]*", "")
    for other in code:gmatch("require%s*%(?%s*[\"']([%w_.-]+)[\"']") do
      if modules[other] then
        edge(graph, name, other)
      end
    end
  end
  return circles(graph)
end

-- Calls --------------------------------------------------------------------

-- All that pure code calls outside of src: memory, strings, numbers, digests.
local pure_calls = {}
for name in ([[
  malloc calloc realloc free memchr memrchr memcmp memcpy memmem memmove memset
  explicit_bzero strchr strrchr strcmp strncmp strcpy strcspn strspn strdup
  strndup strlen strnlen strstr snprintf vsnprintf sscanf strtol strtoul
  strtoll strtoull bsearch qsort abs labs ceil floor fmin fmax fmod ldexp
  llround lround round trunc pow exp log inet_pton inet_ntop
  EVP_Digest EVP_sha1 EVP_EncodeBlock EVP_DecodeBlock SHA1
  _GLOBAL_OFFSET_TABLE_ __cpu_model __cpu_indicator_init __stack_chk_fail
]]):gmatch("%S+") do
  pure_calls[name] = true
end

local function is_pure_call(symbol)
  return pure_calls[symbol:gsub("^__isoc%d+_", ""):gsub("^__(.*)_chk$", "%1") .. ""] or pure_calls[symbol]
end

--- Does a .c file, or the header of its name, say PURE in its first comment?
local function says_pure(tree, path)
  for _, file in ipairs { path, (path:gsub("%.c$", ".h")) } do
    local opening = (tree:text(file) or ""):match("^%s*/%*(.-)%*/") or ""
    if opening:find("%f[%a][Pp][Uu][Rr][Ee]%f[%A]") then
      return true
    end
  end
  return false
end

--- Clocks, threads, sockets, files, randomness, the environment: what a pure
--- file calls of the kind, by itself or through a function of src.  Pure are
--- all files of the rooms that are named, and those that say so.
function house.impure(tree, pure_rooms)
  local objects, where = tree:objects()
  local pure, met, found = {}, {}, {}
  for _, room in ipairs(pure_rooms) do
    pure[room] = true
  end
  local function follow(start, path, seen)
    seen[path] = true
    for symbol in pairs(objects[path].needs) do
      local to = where[symbol]
      if to and not seen[to] then
        follow(start, to, seen)
      elseif not to and not is_pure_call(symbol) then
        local key = path .. " " .. symbol
        found[key] = found[key]
          or ("%s is pure and calls %s%s"):format(start, symbol, path ~= start and " (in " .. path .. ")" or "")
      end
    end
  end
  for _, path in ipairs(keys(objects)) do
    local room = parts(path)
    met[room] = true
    if pure[room] or says_pure(tree, path) then
      follow(path, path, {})
    end
  end
  for room in pairs(pure) do
    if not met[room] then
      found[room] = "the pure room src/" .. room .. " does not exist"
    end
  end
  return found
end

-- Libraries, and the rooms that alone may call them.
local libraries = {
  { "^curl_", "libcurl", { http = true } },
  { "^lws_", "libwebsockets", { ws = true, websocket = true, sandbox = true } },
  { "^uv_", "libuv", { ws = true, websocket = true } },
  { "^luaL?_", "Lua", { binding = true, sandbox = true } },
}

--- Calls of a library from a room that is not its own.
function house.libraries(tree)
  local found = {}
  for path, object in pairs((tree:objects())) do
    local room = parts(path):match("^[^/]*")
    for symbol in pairs(object.needs) do
      for _, library in ipairs(libraries) do
        if symbol:find(library[1]) and not library[3][room] then
          found[path .. " " .. symbol] = ("%s calls %s, and %s is for src/%s alone"):format(path, symbol, library[2],
            table.concat(keys(library[3]), ", src/"))
        end
      end
    end
  end
  return found
end

-- Names --------------------------------------------------------------------

--- The public headers: ccaas.h and what it includes.
local function public_headers(tree)
  local graph = {}
  for _, include in ipairs(tree:includes()) do
    edge(graph, include.from, include.to)
  end
  for _, path in ipairs(tree:files("src", "h")) do
    if path:match("[^/]+$") == "ccaas.h" then
      return reached(graph, path)
    end
  end
  error("src has no ccaas.h")
end

local function each_name(tree, path, each)
  local code = tree:code(path):gsub('"[^"\n]*"', '""')
  for name in code:gmatch("%f[%w_][%a_][%w_]*") do
    each(name)
  end
end

--- Internal names with the public prefix, public names with the internal one,
--- symbols without a prefix.
function house.prefixes(tree)
  local public, names, found = public_headers(tree), {}, {}
  for _, path in ipairs(public) do
    each_name(tree, path, function(name)
      names[name] = true
      if name:find("^cc_") or name:find("^CC_") then
        found[name] = ("%s is public, and %s has the internal prefix"):format(path, name)
      end
    end)
  end
  -- What CMake defines for the build.
  for name in tree:code("CMakeLists.txt"):gmatch("%f[%w_]CCAAS_[%u%d_]+") do
    names[name] = true
  end
  for _, path in ipairs(tree:files("src", "c h")) do
    each_name(tree, path, function(name)
      local prefix = name:match("^CCAAS_") and "CC_" or name:match("^ccaas_") and "cc_"
      if prefix and not names[name] then
        found[name] = ("%s: %s is not of a public header: write %s"):format(path, name, prefix)
      end
    end)
  end
  for path, object in pairs((tree:objects())) do
    for symbol in pairs(object.has) do
      if not (symbol:find("^cc_") or symbol:find("^luaopen_") or names[symbol] or found[symbol]) then
        found[symbol] = ("%s: the symbol %s has no prefix: write cc_"):format(path, symbol)
      end
    end
  end
  return found
end

--- Several files of one name.  A file of the binding may have the name of the
--- one that it binds.
function house.twins(tree)
  local named, found = {}, {}
  for _, path in ipairs(tree:files("src lua", "c h lua")) do
    local base = path:match("[^/]+$")
    if not path:find("^src/binding/") then
      named[base] = named[base] or {}
      table.insert(named[base], path)
    end
  end
  for base, paths in pairs(named) do
    if #paths > 1 then
      found[base] = "files of one name: " .. table.concat(paths, ", ")
    end
  end
  return found
end

-- Length -------------------------------------------------------------------

local MOST_LINES = 500

--- Files written by hand that are too long.
function house.long_files(tree)
  local found = {}
  for _, path in ipairs(tree:files("src lua spec examples", "c h lua sh py js mjs html css")) do
    local _, count = tree:text(path):gsub("\n", "")
    if count > MOST_LINES then
      found[path] = ("%s has %d lines; %d is the most"):format(path, count, MOST_LINES)
    end
  end
  return found
end

-- Known findings -----------------------------------------------------------

--- What is to be mended: each finding that `known` does not list, and each
--- listed one that is not found any more.
---@param found table<string, string> message by key
---@param known table<string, any> a set of keys, or reasons by key
---@return string[]
function house.differ(found, known)
  local list = {}
  for _, key in ipairs(keys(found)) do
    if not known[key] then
      list[#list + 1] = found[key]
    end
  end
  for _, key in ipairs(keys(known)) do
    if not found[key] then
      list[#list + 1] = key .. " is not true any more: take it off the list"
    end
  end
  return list
end

return house
