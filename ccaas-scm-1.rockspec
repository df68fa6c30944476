rockspec_format = "3.0"
package = "ccaas"
version = "scm-1"
source = {
  -- A place holder: `luarocks make` builds the folder it is called in.
  url = "git+https://example.org/ccaas.git",
}
description = {
  summary = "A client for contact-center data APIs (8x8, Xima)",
  detailed = [[
    Reads metrics, reports, recordings and live events.  Threads move the
    bytes and C decodes them; Lua waits, in a plain script as in OpenResty,
    cqueues, luv or copas.]],
  license = "MIT",
}
supported_platforms = { "linux" }
dependencies = {
  "lua >= 5.1, < 5.5",
  "lua-cjson >= 2.1.0",
}
build = {
  type = "cmake",
  variables = {
    CMAKE_BUILD_TYPE = "RelWithDebInfo",
    LUA_INCDIR = "$(LUA_INCDIR)",
    CCAAS_LIBDIR = "$(LIBDIR)",
    CCAAS_LUADIR = "$(LUADIR)",
  },
  copy_directories = {},
}
