--- A source tree as the checks of spec/support/house.lua see it: its files, what
--- they include, and what nm says of their objects.  Each is read once.

local unpack = table.unpack or unpack

---@class spec.Tree
---@field root string the tree's folder
---@field build string the build folder, whose objects are looked at
local Tree = {}
Tree.__index = Tree

---@param root string
---@param build string
---@return spec.Tree
function Tree.new(root, build)
  return setmetatable({ root = root, build = build, texts = {}, found = {} }, Tree)
end

local function quoted(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

--- The lines that a shell command prints.
local function lines(command)
  local pipe = assert(io.popen("LC_ALL=C " .. command, "r"))
  local list = {}
  for line in pipe:lines() do
    list[#list + 1] = line
  end
  pipe:close()
  return list
end

--- The keys of a table, in order.
---@param set table
---@return string[]
function Tree.keys(set)
  local list = {}
  for key in pairs(set) do
    list[#list + 1] = key
  end
  table.sort(list)
  return list
end

--- "http", "engine", "c" of "src/http/engine.c".  A folder is a room.
---@param path string
---@return string room
---@return string name
---@return string ending
function Tree.parts(path)
  return path:match("^src/(.-)/?([^/]+)%.(%w+)$")
end

--- The text of a file; nil when there is none.
---@param path string from the root
---@return string?
function Tree:text(path)
  if self.texts[path] == nil then
    local file = io.open(self.root .. "/" .. path, "rb")
    self.texts[path] = file and file:read("*a") or false
    if file then
      file:close()
    end
  end
  return self.texts[path] or nil
end

--- The text of a C file without its comments, and of CMakeLists.txt without
--- its own.  Strings stay: includes are among them.
---@param path string
---@return string
function Tree:code(path)
  local text = assert(self:text(path), path)
  if path:find("%.txt$") then
    return (text:gsub("#[^\n]*", ""))
  end
  return (text:gsub("/%*.-%*/", " "):gsub("//[^\n]*", ""))
end

--- The files below these folders that end in one of these, in order.
---@param folders string
---@param endings string
---@return string[] paths
function Tree:files(folders, endings)
  local key = folders .. ":" .. endings
  if not self.found[key] then
    local names = endings:gsub("%S+", "-name '*.%0' -o") .. " -false"
    self.found[key] = lines(("cd %s && find %s -type f \\( %s \\) | sort"):format(quoted(self.root), folders, names))
  end
  return self.found[key]
end

--- The rooms of CMakeLists.txt, each with the list of what it may see.
---@return table<string, string[]>
function Tree:rooms()
  local rooms = {}
  for list in self:code("CMakeLists.txt"):gmatch("%f[%w_]room(%b())") do
    local name
    for word in list:sub(2, -2):gmatch("%S+") do
      if name then
        table.insert(rooms[name], word)
      else
        name = word
        rooms[name] = rooms[name] or {}
      end
    end
  end
  return rooms
end

--- Every include in quotes of a file of src: the one in the same folder, or
--- else in the first room of CMake's list that has one.
---@return { from: string, to: string }[]
function Tree:includes()
  if self.included then
    return self.included
  end
  local rooms, exists, list = self:rooms(), {}, {}
  for _, path in ipairs(self:files("src", "c h")) do
    exists[path] = true
  end
  for path in pairs(exists) do
    local folder = path:match("^src/(.*)/") or ""
    for include in self:code(path):gmatch('#%s*include%s*"([^"]+)"') do
      local to
      for _, room in ipairs { folder, ".", unpack(rooms[folder] or {}) } do
        local other = ("src/%s/%s"):format(room, include):gsub("/%.?/", "/")
        to = to or exists[other] and other
      end
      assert(to, ("%s includes %s, which is in none of its rooms"):format(path, include))
      list[#list + 1] = { from = path, to = to }
    end
  end
  self.included = list
  return list
end

--- What each .c file's object needs and has: sets of symbols.
---@return table<string, { needs: table, has: table }> objects by the path of the .c file
---@return table<string, string> where the path that has a symbol
function Tree:objects()
  if self.objects_found then
    return self.objects_found, self.where
  end
  local objects, where = {}, {}
  for _, path in ipairs(self:files("src", "c")) do
    objects[path] = false
  end
  local command = "find %s -path '*/src/*' -name '*.c.o' -exec nm -g -A {} +"
  for _, line in ipairs(lines(command:format(quoted(self.build .. "/CMakeFiles")))) do
    local path, kind, symbol = line:match("/(src/[^:]*%.c)%.o:.* (%a) (%S+)$")
    if path and objects[path] ~= nil then
      objects[path] = objects[path] or { needs = {}, has = {} }
      if kind == "U" or kind == "w" then
        objects[path].needs[symbol] = true
      else
        objects[path].has[symbol] = true
        where[symbol] = path
      end
    end
  end
  for path, object in pairs(objects) do
    assert(object, path .. " has no object in " .. self.build .. ": build first")
  end
  self.objects_found, self.where = objects, where
  return objects, where
end

return Tree
