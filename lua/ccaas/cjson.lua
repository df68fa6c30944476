--- lua-cjson, or an error that says how to install it.

local fine, cjson = pcall(require, "cjson")
if not fine and tostring(cjson):find("module 'cjson' not found", 1, true) then
  local name = rawget(_G, "jit") and "LuaJIT" or _VERSION
  error(("ccaas needs lua-cjson, which is not there for %s: apt-get install lua-cjson (Debian), or luarocks "
    .. "--lua-version %s install lua-cjson"):format(name, _VERSION:match "%d%.%d"), 0)
elseif not fine then
  error(cjson, 0)
end
return cjson
