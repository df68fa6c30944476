local helper = require "spec.support.helper"
local nginx = require "spec.support.nginx"

local sandbox

setup(function() sandbox = helper.sandbox { queues = 250, agents = 300, groups = 30 } end)

local READ = "local rows, err = client:groups():all() ngx.ctx.said = rows and #rows or tostring(err)"

-- In phases where nothing can be waited for.
local TRY = [[
  local fine, message = pcall(function() return #assert(client:groups():all()) end)
  shared[ngx.get_phase()] = tostring(message)
]]

describe("nginx's phases", function()
  local n
  setup(function()
    n = nginx.start {
      sandbox = sandbox,
      init = "shared = {}",
      http = ([[upstream chosen {
        server 0.0.0.1;
        balancer_by_lua_block { %s ngx.exit(503) }
      }]]):format(TRY),
      init_worker = [[
        shared.init_worker = #assert(client:groups():all())
        ngx.timer.at(0, function() shared.timer = #assert(client:groups():all()) end)
      ]],
      server = ("server_rewrite_by_lua_block { if ngx.var.uri == '/server_rewrite' then %s end }"):format(READ),
      locations = {
        ["/server_rewrite"] = { content = "ngx.print(ngx.ctx.said)" },
        ["/rewrite"] = { rewrite = READ, content = "ngx.print(ngx.ctx.said)" },
        ["/access"] = { access = READ, content = "ngx.print(ngx.ctx.said)" },
        ["/content"] = { content = READ .. " ngx.print(ngx.ctx.said)" },
        ["/shared"] = { content = "ngx.print(tostring(shared[ngx.var.arg_what]))" },
        ["/filters"] = { content = "ngx.print 'fine'", header_filter = TRY, body_filter = TRY, log = TRY },
        ["/set"] = { also = "set_by_lua_block $said {" .. TRY .. " return 'fine' }",
          content = "ngx.print(ngx.var.said)" },
        ["/balancer"] = { also = "proxy_pass http://chosen;" },
        ["/subrequests"] = { content = [[
          local one, other = ngx.location.capture_multi { { "/content" }, { "/rewrite", { ctx = ngx.ctx } } }
          ngx.print(one.body, " ", other.body)
        ]] },
        ["/coroutines"] = { content = [[
          local read = coroutine.wrap(function()
            for queue in client:queues() do coroutine.yield(queue.id) end
          end)
          local count = 0
          for _ in read do count = count + 1 end
          ngx.print(count)
        ]] },
        ["/elsewhere"] = { content = "ngx.exec '/content'" },
      },
    }
  end)

  for _, phase in ipairs { "server_rewrite", "rewrite", "access", "content" } do
    it("wait in " .. phase, function() assert.equal("30", n:body("/" .. phase)) end)
  end

  it("wait in a timer", function()
    nginx.wait_until("the timer's call", function() return n:body "/shared?what=timer" == "30" end)
  end)

  it("wait in subrequests, in coroutines and after ngx.exec", function()
    assert.equal("30 30", n:body "/subrequests")
    assert.equal("250", n:body "/coroutines")
    assert.equal("30", n:body "/elsewhere")
  end)

  it("block in init_worker, where no request waits", function()
    assert.equal("30", n:body "/shared?what=init_worker")
  end)

  it("that cannot wait raise an error that names them", function()
    assert.equal("fine", n:body "/filters")
    assert.equal("fine", n:body "/set")
    n:get "/balancer"
    for _, phase in ipairs { "header_filter", "body_filter", "log", "set", "balancer" } do
      local said = nginx.wait_until("phase " .. phase, function()
        local text = n:body("/shared?what=" .. phase)
        return text ~= "nil" and text
      end)
      assert.truthy(said:find("nginx's phase " .. phase .. " cannot wait", 1, true), said)
      assert.truthy(said:find("nginx.conf:", 1, true), said)
    end
    assert.equal("30", n:body "/content")
  end)
end)

describe("nginx's phases of a TLS handshake", function()
  local folder, n
  setup(function()
    folder = helper.folder()
    assert.equal(0, (helper.run(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
      .. "-subj /CN=here -keyout %s/key -out %s/cert"):format(folder, folder))))
    n = nginx.start { sandbox = sandbox, init = "shared = {}", http = ([[
      ssl_session_store_by_lua_block { TRY }
      server {
        listen unix:FOLDER/tls ssl;
        ssl_certificate FOLDER/cert;
        ssl_certificate_key FOLDER/key;
        ssl_session_tickets off;
        ssl_certificate_by_lua_block { shared.certificate = #assert(client:groups():all()) }
        location / { content_by_lua_block {
          ngx.say(shared.certificate, " ", shared.ssl_session_store)
        } }
      }
    ]]):gsub("FOLDER", folder):gsub("TRY", (TRY:gsub("%%", "%%%%"))) }
  end)

  it("wait, while a browser shakes hands, or raise an error that names them", function()
    local status, said = helper.run(("printf 'GET / HTTP/1.0\\r\\n\\r\\n' "
      .. "| openssl s_client -quiet -tls1_2 -unix %s/tls"):format(folder))
    assert.equal(0, status, said .. n:errors())
    assert.is_truthy(said:find("\n30 ", 1, true), said .. n:errors())
    assert.is_truthy(said:find("nginx's phase ssl_session_store cannot wait", 1, true), said)
    n:stop()
  end)
end)

it("the phase exit_worker raises an error that names it", function()
  local n = nginx.start { sandbox = sandbox, http = ("exit_worker_by_lua_block { shared = {} %s %s }"):format(TRY,
    "ngx.log(ngx.NOTICE, shared.exit_worker)") }
  n:stop()
  assert.is_truthy(n:errors():find("nginx's phase exit_worker cannot wait", 1, true), n:errors())
end)

describe("a client that is made in init_by_lua", function()
  -- The ids of the workers that have answered a path with what is expected.
  local function all_workers(n, path, expected)
    local seen, count = {}, 0
    nginx.wait_until("an answer of all workers", function()
      local pid, said = n:body(path):match("^(%d+) (.*)$")
      assert.equal(expected, said)
      if not seen[pid] then
        seen[pid], count = true, count + 1
      end
      return count == 3
    end)
  end
  -- For other connections to have a turn in other workers.
  local CONTENT = { content = "local count = #assert(client:groups():all()) ngx.print(ngx.worker.pid(), ' ', count)" }

  it("works in each worker", function()
    local n = nginx.start { sandbox = sandbox, workers = 3, locations = { ["/count"] = CONTENT } }
    all_workers(n, "/count", "30")
    n:stop()
  end)

  it("and used there leaves nothing in the workers, and works in them", function()
    local idle = nginx.start { sandbox = sandbox, workers = 3 }
    local n = nginx.start { sandbox = sandbox, workers = 3, init = "assert(#client:groups():all() == 30)",
      locations = { ["/count"] = CONTENT } }
    nginx.wait_until("as many descriptors and threads as in idle ones", function()
      return idle:count "fd" == n:count "fd" and idle:count "task" == n:count "task"
    end)
    idle:stop()
    all_workers(n, "/count", "30")
    for _, pid in ipairs(n:reload()) do
      nginx.wait_until("the end of an old worker", function() return not nginx.runs(pid) end)
    end
    all_workers(n, "/count", "30")
    n:stop()
  end)
end)
