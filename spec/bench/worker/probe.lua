-- lua5.4 probe.lua PORT HOW: has the worker do something, and meanwhile asks for
-- a trivial location every 2 ms, from a process of its own.  Prints what the
-- walk said (seconds, rows, sum), and how many probes there were, their median,
-- 99th percentile and longest, in milliseconds.
local socket = require "socket"

local port, how = arg[1], arg[2]
local EVERY = 0.002

local function connect()
  local one = assert(socket.connect("127.0.0.1", port))
  one:setoption("tcp-nodelay", true)
  return one
end

local walk, probe = connect(), connect()
walk:send("GET /walk?how=" .. how .. " HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")

local times = {}
local due = socket.gettime()
while not socket.select({ walk }, nil, 0)[walk] do
  local began = socket.gettime()
  assert(probe:send("GET /trivial HTTP/1.1\r\nHost: here\r\n\r\n"))
  repeat
    local line = assert(probe:receive())
  until line == ""
  assert(probe:receive(7) == "trivial")
  local ended = socket.gettime()
  times[#times + 1] = (ended - began) * 1000
  due = math.max(due + EVERY, ended)
  socket.sleep(math.max(0, due - ended))
end
local said = walk:receive("*a"):match("(%d+%.%d+ %d+ [%d.]+)")
table.sort(times)
print(("%s %d %.3f %.3f %.3f"):format(assert(said, "the walk failed"), #times, times[math.ceil(#times * 0.5)],
  times[math.ceil(#times * 0.99)], times[#times]))
