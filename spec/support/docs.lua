-- The documents: their pages, the Lua blocks in them, and the links from one to
-- another.
local helper = require "spec.support.helper"
local lfs = require "lfs"

local docs = {}

local function pages_in(folder, list)
  if lfs.attributes(helper.top .. "/" .. folder, "mode") ~= "directory" then
    return list
  end
  for name in lfs.dir(helper.top .. "/" .. folder) do
    if name:find "%.md$" then
      list[#list + 1] = folder .. "/" .. name
    end
  end
  table.sort(list)
  return list
end

--- What users read: README.md and the pages of docs.
---@return string[] paths
function docs.for_users()
  local list = pages_in("docs", {})
  table.insert(list, 1, "README.md")
  return list
end

--- All documents that link to one another.
---@return string[] paths
function docs.all()
  local list = docs.for_users()
  for _, path in ipairs(pages_in("docs/internals", {})) do
    list[#list + 1] = path
  end
  for _, path in ipairs { "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "spec/bench/README.md" } do
    list[#list + 1] = path
  end
  return list
end

--- The ```lua blocks of a page.
---@param path string
---@return { line: integer, source: string }[]
function docs.blocks(path)
  local found = {}
  local number, open = 0, nil
  for text in (helper.read(path) .. "\n"):gmatch("(.-)\r?\n") do
    number = number + 1
    if open and text:find("^```") then
      found[#found + 1] = { line = open.line, source = table.concat(open, "\n") .. "\n" }
      open = nil
    elseif open then
      open[#open + 1] = text
    elseif text == "```lua" then
      open = { line = number + 1 }
    end
  end
  return found
end

-- A page without its blocks, indented code and quoted words.
local function prose(text)
  return (("\n" .. text):gsub("\n```.-\n```", "\n")
    :gsub("\n    [^\n]*", "\n")
    :gsub("`[^`\n]*`", "`"))
end

-- The anchors of a page's headings, as GitHub makes them.
local function anchors(text)
  local found = {}
  for heading in ("\n" .. text):gsub("\n```.-\n```", "\n"):gmatch("\n#+ ([^\n]*)") do
    local anchor = heading:lower():gsub("[^%w%s_\128-\255-]", ""):gsub("%s", "-")
    found[anchor] = true
  end
  return found
end

-- A path relative to a page, from the repository's folder on; nil: it leads out
-- of the repository.
local function resolve(page, link)
  local parts = {}
  for part in ((page:match("^(.*/)") or "") .. link):gmatch("[^/]+") do
    if part == ".." then
      if not table.remove(parts) then
        return nil
      end
    elseif part ~= "." then
      parts[#parts + 1] = part
    end
  end
  return table.concat(parts, "/")
end

--- The links of a page to files: the text of each, the path from the repository's
--- folder on, and the anchor.
---@param page string
---@param top? string another folder than the repository's
---@return { link: string, path: string|nil, anchor: string|nil }[]
function docs.links(page, top)
  local found = {}
  for link in prose(helper.read((top or helper.top) .. "/" .. page)):gmatch("%]%(([^)%s]+)%)") do
    if not link:find "^%a[%w+.-]*:" then
      local path, anchor = link:match "^([^#]*)#?(.*)$"
      found[#found + 1] = {
        link = link,
        path = path == "" and page or resolve(page, path),
        anchor = anchor ~= "" and anchor or nil,
      }
    end
  end
  return found
end

--- What is wrong with a page's links.
---@param page string
---@param top? string another folder than the repository's
---@return string[] faults
function docs.dead_links(page, top)
  top = top or helper.top
  local faults = {}
  for _, to in ipairs(docs.links(page, top)) do
    local path = to.path and top .. "/" .. to.path
    if not path or not lfs.attributes(path) then
      faults[#faults + 1] = to.link .. ": no such file"
    elseif to.anchor and not (path:find "%.md$" and anchors(helper.read(path))[to.anchor]) then
      faults[#faults + 1] = to.link .. ": no such heading"
    end
  end
  return faults
end

return docs
