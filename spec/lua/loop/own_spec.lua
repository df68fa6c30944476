-- loop = { wait = f, pause = f }: a loop of one's own.
local contract = require "spec.support.loop"
local core = require "ccaas.core"
local socket = require "socket"

local function in_coroutine()
  local thread, is_main = coroutine.running()
  return thread and not is_main
end

local function turn()
  if in_coroutine() then
    coroutine.yield()
  end
end

local function wait(fd, seconds)
  if in_coroutine() then
    return coroutine.yield(fd, seconds and core.now() + seconds)
  end
  return core.poll(fd, seconds)
end

-- Waits until a task has something to do; gives the descriptors that are readable.
local function look(tasks)
  local reads, seconds, readable = {}, nil, {}
  for _, task in ipairs(tasks) do
    if task.fd then
      reads[#reads + 1] = { getfd = function() return task.fd end, fd = task.fd }
    end
    local left = not task.fd and 0 or task.due and math.max(0, task.due - core.now())
    seconds = left and math.min(left, seconds or left) or seconds
  end
  for _, one in ipairs((socket.select(reads, nil, seconds))) do
    readable[one.fd] = true
  end
  return readable
end

local function run(functions)
  local tasks = {}
  for i, f in ipairs(functions) do
    tasks[i] = { thread = coroutine.create(f) }
  end
  while #tasks > 0 do
    local readable, alive = look(tasks), {}
    for _, task in ipairs(tasks) do
      local ready = readable[task.fd]
      if not task.fd or ready or task.due and core.now() >= task.due then
        local fine
        fine, task.fd, task.due = coroutine.resume(task.thread, ready or false)
        assert(fine, task.fd)
      end
      if coroutine.status(task.thread) ~= "dead" then
        alive[#alive + 1] = task
      end
    end
    tasks = alive
  end
end

describe("a loop of one's own", function()
  contract { option = { wait = wait, pause = turn }, run = run, turn = turn }
end)
