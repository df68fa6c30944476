-- Plays the vendors on your own machine, until Ctrl-C (or, started with a pipe
-- as standard input, until that ends):
--
--    lua examples/sandbox.lua --port 8080 [--tls] [--agents 5000]
--      [--queues 250] [--groups 30] [--seed 1] [--delay 0.2] [--refresh 5]
--      [--gzip] [--chunked] [--odd-ids] [--tenants acme,other] [--key K]
--      [--secret S] [--token-life 1799] [--one object|array] [--empty 400|200]
--
-- From a checkout it uses the modules of build/lua54 or build/luajit (or of
-- build); else the installed ones.

local root = (arg[0]:match("^(.*)/[^/]*$") or ".") .. "/.."
local build = root .. "/build/" .. (jit and "luajit" or "lua54")

local function exists(path)
  local file = io.open(path)
  return file and file:close()
end

if exists(root .. "/lua/ccaas/sandbox.lua") then
  package.path = ("%s/lua/?.lua;%s/lua/?/init.lua;%s")
    :format(root, root, package.path)
end
for _, folder in ipairs { root .. "/build", build } do
  if exists(folder .. "/ccaas/sandbox/server.so") then
    package.cpath = folder .. "/?.so;" .. package.cpath
  end
end

local sandbox = require "ccaas.sandbox"

local numbers = {
  port = true, agents = true, queues = true, groups = true, recordings = true,
  seed = true, delay = true, refresh = true, token_life = true,
}

-- --token-life 60 --tls -> { token_life = 60, tls = true }
local function parse(words)
  local options, i = {}, 1
  while words[i] do
    local name = words[i]:match("^%-%-(.+)$")
    if not name then
      io.stderr:write("unexpected: ", words[i], "\n")
      os.exit(2)
    end
    name = name:gsub("-", "_")
    local value = words[i + 1]
    if value == nil or value:find("^%-%-") then
      value, i = true, i + 1
    else
      i = i + 2
    end
    options[name] = numbers[name] and tonumber(value) or value
  end
  return options
end

local options = parse(arg)
if type(options.tenants) == "string" then
  local tenants = {}
  for tenant in options.tenants:gmatch("[^,]+") do
    tenants[#tenants + 1] = tenant
  end
  options.tenants = tenants
end

local started, sb = pcall(sandbox.start, options)
if not started then
  io.stderr:write(sb, "\n")
  os.exit(2)
end

local x8 = sb:options("8x8")
print("8x8")
print("  base_url   " .. x8.base_url)
print("  token_url  " .. x8.token_url)
print("  key        " .. x8.key)
print("  secret     " .. x8.secret)
print("  tenant     " .. x8.tenant)
if x8.ca_file then
  print("  ca_file    " .. x8.ca_file)
end
print("Ctrl-C ends it.")
io.stdout:flush()

sb:wait()
sb:stop()
