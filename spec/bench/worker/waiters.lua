-- lua5.4 waiters.lua PORT COUNT: what one waiting coroutine costs the worker.
local socket = require "socket"

local port, count = arg[1], tonumber(arg[2])

local function get(path)
  local one = assert(socket.connect("127.0.0.1", port))
  one:send("GET " .. path .. " HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
  return one
end

local function usage()
  local one = get "/usage"
  local memory, files = one:receive("*a"):match("\n(%d+) (%d+)\n")
  return tonumber(memory), tonumber(files)
end

local memory, files = usage()
local waiting = get("/wait?count=" .. count)
repeat
  local line = assert(waiting:receive())
until line == "begun"
local now, same = 0, 0
local held, held_files
repeat -- until all of them wait
  socket.sleep(0.2)
  held, held_files = usage()
  same = held_files == now and same + 1 or 0
  now = held_files
until same == 5
print(("%d coroutines wait: %.1f KiB and %.2f descriptors each, libcurl's connection to the vendor included"):format(
  count, (held - memory) / count, (held_files - files) / count))
