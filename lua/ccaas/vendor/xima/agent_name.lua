--- Agents' names as the vendor writes them: name and extension in one text.

local agent_name = {}

--- Takes `Name(extension)` apart.  A name may hold parentheses itself, so the
--- extension is what is in the last ones, at the very end; it has a digit, and
--- neither blanks nor parentheses.  Without an extension the name is kept as it
--- is.
---@param value any
---@return string|nil name nil when it is no string
---@return string|nil extension
function agent_name.split(value)
  if type(value) ~= "string" then
    return nil
  end
  local name, extension = value:match("^(.*)%(([^()]*)%)%s*$")
  if not name or extension:find("%s") or not extension:find("%d") then
    return value
  end
  return name:match("^%s*(.-)%s*$"), extension
end

--- Adds `name` and `extension` to a row that has both in `agent`.
---@param row any
---@return any row
function agent_name.add(row)
  if type(row) == "table" then
    row.name, row.extension = agent_name.split(row.agent)
  end
  return row
end

return agent_name
