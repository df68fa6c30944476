-- A configuration file for LuaRocks (LUAROCKS_CONFIG): rocks that are
-- installed as Debian packages, so that LuaRocks does not look for them on the
-- network.
rocks_servers = {}
rocks_provided = {
  ["lua-cjson"] = "2.1.0-1",
}
