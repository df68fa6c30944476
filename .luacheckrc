-- What Lua 5.4 and LuaJIT both have, and the few names that only one of them
-- has, for code that asks before it uses them.
std = "min"
read_globals = {
  "jit",
  "unpack",
  table = { fields = { "unpack", "pack", "move" } },
  math = { fields = { "type", "tointeger" } },
}
max_line_length = 120
exclude_files = { "build", "lua_modules" }

files["spec"].std = "min+busted"
files["lua/ccaas/loop/openresty.lua"].read_globals = { "ngx" }
files["lua/ccaas/loop/openresty_socket.lua"].read_globals = { ngx = { fields = { ctx = { read_only = false, other_fields = true } },
  other_fields = true } }
files["spec/bench/worker"].read_globals = { "ngx" }
files["examples/nginx"].read_globals = { ngx = { fields = { header = { read_only = false, other_fields = true },
  status = { read_only = false } }, other_fields = true } }
files["*.rockspec"].std = "rockspec"
files["examples/debian-luarocks.lua"].globals = { "rocks_provided", "rocks_servers" }
files[".busted"].std = "min"
