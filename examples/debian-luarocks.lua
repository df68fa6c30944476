-- A configuration file for LuaRocks (LUAROCKS_CONFIG): what Debian's packages
-- have installed already, so that LuaRocks does not look for it elsewhere.
-- Nothing is fetched.
rocks_servers = {}
rocks_provided = {
  ["lua-cjson"] = "2.1.0-1",
}
