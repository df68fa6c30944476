-- A fake server for both vendors, until Ctrl-C (or, with a pipe as standard input,
-- until that ends):
--
--    lua examples/sandbox.lua --port 8080 [--tls] [--agents 5000]
--      [--queues 250] [--groups 30] [--seed 1] [--delay 0.2] [--refresh 5]
--      [--gzip] [--chunked]
-- for 8x8:
--      [--tenants acme,other] [--key K] [--secret S] [--token-life 1799]
--      [--odd-ids] [--one object|array] [--empty 400|200]
-- for Xima:
--      [--recordings 20000] [--xima-token T] [--xima-tenants acme,other]
--      [--reports 1001,1002] [--forbidden 1002,101] [--report-delay 2]
--      [--xls ole|zip] [--pending 102] [--list bare|key] [--odd-keys]
--      [--audio-size 50000] [--audio-interval 3] [--egress-cap 1000000]
--      [--ranges] [--errors json|text|empty|mixed] [--strict]
-- and for its websockets:
--      [--live [5]] [--handshake [TEXT]] [--kinds 101=TEXT] [--beat 1]
--      [--flood 1000000] [--flood-id 101] [--fragments 3] [--pings 10]
--      [--pong late|never|0.5] [--mute] [--refuse 503] [--buffer 1048576]
--      [--subscription false]
-- docs/sandbox.md says what they mean.
--
-- In a checkout it uses the modules of build/lua54 or build/luajit (or of build),
-- elsewhere the installed ones.

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
  report_delay = true, audio_size = true, audio_interval = true,
  egress_cap = true, live = true, beat = true, flood = true, fragments = true,
  pings = true, pong = true, refuse = true, buffer = true,
}

local lists = {
  tenants = true, xima_tenants = true, reports = true, forbidden = true,
  pending = true,
}

-- "a,b" -> { "a", "b" }
local function split(text)
  local list = {}
  for item in text:gmatch("[^,]+") do
    list[#list + 1] = item
  end
  return list
end

-- "101=TEXT,102=FLAG" -> { ["101"] = "TEXT", ["102"] = "FLAG" }
local function pairs_of(text)
  local map = {}
  for name, value in text:gmatch("([^,=]+)=([^,]+)") do
    map[name] = value
  end
  return map
end

local words = { ["true"] = true, ["false"] = false }

local function value_of(name, text)
  if words[text] ~= nil then
    return words[text]
  elseif numbers[name] and tonumber(text) then
    return tonumber(text)
  elseif lists[name] then
    return split(text)
  end
  return name == "kinds" and pairs_of(text) or text
end

-- --token-life 60 --tls -> { token_life = 60, tls = true }
local function parse(args)
  local options, i = {}, 1
  while args[i] do
    local name = args[i]:match("^%-%-(.+)$")
    if not name then
      io.stderr:write("unexpected: ", args[i], "\n")
      os.exit(2)
    end
    name = name:gsub("-", "_")
    local text = args[i + 1]
    if text == nil or text:find("^%-%-") then
      options[name], i = true, i + 1
    else
      options[name], i = value_of(name, text), i + 2
    end
  end
  return options
end

local options = parse(arg)
local started, sb = pcall(sandbox.start, options)
if not started then
  io.stderr:write(sb, "\n")
  os.exit(2)
end

local fields = {
  ["8x8"] = { "base_url", "token_url", "key", "secret", "tenant", "ca_file" },
  xima = { "base_url", "token", "ca_file" },
}

for _, provider in ipairs { "8x8", "xima" } do
  local client = sb:options(provider)
  print(provider)
  for _, field in ipairs(fields[provider]) do
    if client[field] then
      print(("  %-10s %s"):format(field, client[field]))
    end
  end
end
print("Ctrl-C ends it.")
io.stdout:flush()

sb:wait()
sb:stop()
