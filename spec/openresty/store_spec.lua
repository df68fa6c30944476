-- nginx's workers share a store: in its shared memory, in a file, and of four
-- functions that yield.
local helper = require "spec.support.helper"
local nginx = require "spec.support.nginx"

local function start(store, http)
  local sandbox = helper.sandbox { queues = 5, agents = 5, groups = 2 }
  local n = nginx.start { sandbox = sandbox, workers = 4, http = http, init = ([[
    reasons = {}
    options.store = %s
    options.on_event = function(event)
      if event.type == "token" then
        reasons[#reasons + 1] = event.reason
      end
    end
    shared = ccaas.new(options)
  ]]):format(store), locations = {
    ["/call"] = { content = [[
      local calls = {}
      for i = 1, 10 do
        calls[i] = ngx.thread.spawn(function() assert(shared:queue("101")) end)
      end
      for i = 1, 10 do
        assert(ngx.thread.wait(calls[i]))
      end
      ngx.say(ngx.worker.pid(), " ", table.concat(reasons, "|"))
    ]] },
  } }
  helper.at_end(function() n:stop() end)
  return n, sandbox
end

local function tokens(sandbox)
  local count = 0
  for _, request in ipairs(sandbox:requests()) do
    count = count + (request.path == "/oauth/v2/token" and 1 or 0)
  end
  return count
end

-- Sends calls at once until each of the workers has answered one.
local function ask_all(n)
  local said, workers = {}, 0
  for _ = 1, 50 do
    local open = {}
    for i = 1, 16 do
      open[i] = n:open "/call"
    end
    for i = 1, 16 do
      local status, body = n:read(open[i])
      assert.equal(200, status, n:errors())
      local pid, reasons = body:match("^(%d+) (.-)\n$")
      workers = workers + (said[pid] and 0 or 1)
      said[pid] = reasons
    end
    if workers == 4 then
      return said
    end
  end
  error("some worker never answered")
end

local stores = {
  { "in shared memory", [[ccaas.store.shared_dict "tokens"]], "lua_shared_dict tokens 1m;" },
  { "in a file", ("ccaas.store.file(%q)"), "" },
  { "of functions that yield", [[(function()
      local dict = ngx.shared.tokens
      local function yielding(name)
        return function(...)
          ngx.sleep(0.002)
          return dict[name](dict, ...)
        end
      end
      return { get = yielding "get", set = yielding "set", add = yielding "add", delete = yielding "delete" }
    end)()]], "lua_shared_dict tokens 1m;" },
}

describe("nginx's workers with a store", function()
  for _, case in ipairs(stores) do
    it(case[1] .. " ask for one token", function()
      local store = case[2]:find("%%q") and case[2]:format(helper.folder() .. "/store") or case[2]
      local n, sandbox = start(store, case[3])
      local granted, shared = 0, 0
      for _, reasons in pairs(ask_all(n)) do
        granted = granted + (reasons == "granted" and 1 or 0)
        shared = shared + (reasons == "shared" and 1 or 0)
      end
      assert.equal(1, granted)
      assert.equal(3, shared)
      assert.equal(1, tokens(sandbox))
    end)
  end

  it("renew a refused token once, and after a reload ask for none", function()
    local n, sandbox = start(stores[1][2], stores[1][3])
    ask_all(n)
    assert.equal(1, tokens(sandbox))
    sandbox:expire_tokens()
    ask_all(n)
    assert.equal(2, tokens(sandbox))
    local before = n:reload()
    nginx.wait_until("the reload", function()
      for _, pid in ipairs(before) do
        if nginx.runs(pid) then
          return false
        end
      end
      return true
    end)
    ask_all(n)
    assert.equal(2, tokens(sandbox))
  end)

  it("say which directive is missing", function()
    local sandbox = helper.sandbox { queues = 5, agents = 5, groups = 2 }
    local n = nginx.start { sandbox = sandbox, locations = { ["/x"] = { content = [[
      local ok, message = pcall(ccaas.store.shared_dict, "tokens")
      ngx.say(tostring(ok), " ", message)
    ]] } } }
    helper.at_end(function() n:stop() end)
    assert.matches("^false .*lua_shared_dict tokens 1m;", n:body "/x")
  end)
end)
