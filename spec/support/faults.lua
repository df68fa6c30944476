-- What fails when a spec wants it to: calls of the system, and memory.  Programs
-- that run with spec/support/faults.c preloaded have a module `faults`: see there.
local helper = require "spec.support.helper"

local faults = {}

local folder

--- Shell words around a program that can make things fail: see programs.run.
---@return string
function faults.around()
  if not folder then
    folder = helper.folder()
    local status, output = helper.run(("cc -g -O1 -fno-optimize-sibling-calls -shared -fPIC -o %s/faults.so " ..
      "%s/spec/support/faults.c -ldl"):format(folder, helper.top))
    assert(status == 0, output)
  end
  return ("ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS:-} LD_PRELOAD=%s/faults.so %%s"):format(folder)
end

--- Lua source of `faults`.
---@return string
function faults.prelude()
  faults.around()
  return ("package.cpath = %q .. package.cpath\nlocal faults = require 'faults'\n"):format(folder .. "/?.so;")
end

-- What is done with failing memory: Lua source of functions that give true, or nil
-- and an error.
faults.scenarios = {
  client = [[
    local client = ccaas.new(with(options, { on_event = function() end, user_agent = "spec", proxy = nil }))
    local other = ccaas.new(with(xima, { token = function() return "t" end }))
    client:close()
    other:close()
    return true
  ]],
  page = [[
    local client <close_> = ccaas.new(with(options, { on_event = function() end }))
    local rows, err = client:queues({ size = 7, concurrency = 3 }):all()
    if not rows then return nil, err end
    assert(#rows == 20, #rows)
    local row
    row, err = client:queue("101")
    if not row then return nil, err end
    local answer
    answer, err = client:request { path = "/groups", query = { size = 3 } }
    if not answer then return nil, err end
    assert(answer.status == 200)
    client:close()
    return true
  ]],
  report = [[
    local client = ccaas.new(with(xima, { audio_interval = 0 }))
    local report, err = client:historic_data("1001")
    if not report then return nil, err end
    local audio
    local file = os.tmpname()
    for row, why in client:recordings { from = 0, to = 2e9, limit = 2 } do
      audio, err = client:audio(row, { file = file })
      if not audio then break end
    end
    os.remove(file)
    client:close()
    return audio and true, err
  ]],
  store = [[
    local path = os.tmpname()
    os.remove(path)
    local client = ccaas.new(with(options, { store = ccaas.store.file(path) }))
    local row, err = client:queue("101")
    if row then
      local other = ccaas.new(with(options, { store = ccaas.store.file(path) }))
      row, err = other:queue("102")
      other:close()
    end
    client:close()
    os.remove(path)
    if not row then return nil, err end
    return true
  ]],
  watch = [[
    local client = ccaas.new(options)
    local seen = 0
    local stream = client:watch("queues", { metrics = { "handling.rt" }, interval = 5 })
    while seen < 5 do
      local event, err = stream:next(8)
      if not event then return nil, err end
      if event.type == "down" then
        client:close()
        return nil, event.error
      end
      seen = seen + 1
    end
    client:close()
    return true
  ]],
  subscription = [[
    local client = ccaas.new(xima)
    local stream = client:subscribe({ "101", "102" }, { snapshot = true })
    local updates, opened = 0, false
    while updates < 3 do
      local event, err = stream:next(8)
      if not event then return nil, err end
      if event.type == "down" then
        client:close()
        return nil, event.error
      elseif event.type == "message" and event.error then
        client:close()
        return nil, event.error
      end
      opened = opened or event.type == "open"
      updates = updates + (event.type == "update" and 1 or 0)
    end
    assert(opened)
    client:close()
    return true
  ]],
}
for name, source in pairs(faults.scenarios) do
  faults.scenarios[name] = source:gsub(" <close_>", "")
end

-- A Lua state of its own makes an engine of its own: the call that fails may also
-- be one that starts it.
local STATE = [[
  local options, index, kind, module = %s, %d, %q, %q
  local xima = options.xima
  options.xima = nil
  options.retries, xima.retries = 0, 0
  package.cpath = %q
  package.path = %q
  local faults = require "faults"
  local ccaas = require "ccaas"
  local core = require "ccaas.core"
  local function with(given, more)
    local copy = {}
    for name, value in pairs(given) do copy[name] = value end
    for name, value in pairs(more) do copy[name] = value end
    return copy
  end
  local function scenario()
    %s
  end
  local began = core.now()
  faults.arm(kind, index, index, module)
  local done, result, err = pcall(scenario)
  local calls, where = faults.disarm()
  collectgarbage()
  collectgarbage()
  faults.tell(calls)
  local function fail(what)
    error(("%%s, call %%d of %%d, at %%s: %%s"):format(kind, index, calls, tostring(where), what), 0)
  end
  if not done then
    -- Misuse is not what it was: a loop's error, or that Lua's objects cannot be
    -- made.
    if type(result) == "table" then
      err, result = result, nil
    elseif tostring(result):find("not enough memory$") then
      err, result = { code = "memory" }, nil
    else
      fail("raised " .. tostring(result))
    end
  end
  if not result then
    if type(err) ~= "table" then
      fail("no error: " .. tostring(err))
    elseif err.code ~= "memory" and err.code ~= "io" then
      fail("error " .. tostring(err))
    end
  end
  if core.now() - began > 8 then
    fail("took " .. core.now() - began)
  end
  local again, value, why = pcall(scenario)
  if not again or not value then
    fail("and the next one: " .. tostring(why or value))
  end
]]

--- Lua source that sweeps one scenario: from the first call of `kind` on, every
--- `step`th fails, until there are no more of them.  It writes a line for each
--- that went wrong, and `calls N` at the end.
---@param options string
---@param name string
---@param kind string
---@param module string
---@param first integer
---@param step integer
---@param last? integer
---@return string
function faults.sweep(options, name, kind, module, first, step, last)
  local state = STATE:gsub("%%(.)", { s = "\1", d = "\2", q = "\3", ["%"] = "%" })
  local order = { options, nil, kind, module, "CPATH", "PATH", faults.scenarios[name] }
  local at = 0
  state = state:gsub("[\1-\3]", function(mark)
    at = at + 1
    if at == 2 then
      return "INDEX"
    elseif order[at] == "CPATH" or order[at] == "PATH" then
      return order[at]
    end
    return mark == "\3" and ("%q"):format(order[at]) or order[at]
  end)
  return faults.prelude() .. ([[
    local state = %q
    state = state:gsub("CPATH", function() return ("%%q"):format(package.cpath) end, 1)
    state = state:gsub("PATH", function() return ("%%q"):format(package.path) end, 1)
    local index, runs, wrong = %d, 0, 0
    repeat
      local source = state:gsub("INDEX", tostring(index), 1)
      local problem = faults.state(source, "=state")
      runs = runs + 1
      if problem then
        wrong = wrong + 1
        print(problem)
      end
      local made = faults.told()
      local over = made < index
      index = index + %d
    until over or index > %d
    print(("%s: %%d runs of %%d calls, %%d wrong"):format(runs, faults.told(), wrong))
    os.exit(wrong == 0)
  ]]):format(state, first, step, last or 1e6, name)
end

return faults
