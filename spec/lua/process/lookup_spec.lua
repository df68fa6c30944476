-- A guest in the host's process: names that take long to look up.
local helper = require "spec.support.helper"
local programs = require "spec.support.programs"

local succeeds = programs.succeeds

local plain
setup(function()
  plain = programs.sandboxes()
end)

describe("a name look-up that hangs", function()
  local preload, limits

  setup(function()
    local folder = helper.folder()
    local source = assert(io.open(folder .. "/slow.c", "w"))
    source:write [[
      #define _GNU_SOURCE
      #include <dlfcn.h>
      #include <netdb.h>
      #include <string.h>
      #include <unistd.h>
      int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found)
      {
          int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
              (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(RTLD_NEXT,
                                                                                              "getaddrinfo");
          if (name && strstr(name, "slow.test"))
              sleep(20);
          if (name && strstr(name, "never.test"))
              return EAI_NONAME;
          return next(name, service, hints, found);
      }
    ]]
    source:close()
    local status, output = helper.run(("cc -shared -fPIC -o %s/slow.so %s/slow.c -ldl"):format(folder, folder))
    assert(status == 0, output)
    preload = folder .. "/slow.so"
    limits = ("ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS:-} LD_PRELOAD=%s %%s"):format(preload)
  end)

  local SLOW = [[
    local slow = {}
    for name, value in pairs(options) do
      slow[name] = value
    end
    slow.base_url = "https://slow.test:1"
    local now = require("ccaas.core").now
    local began = now()
    local function soon(what)
      assert(now() - began < 6, what .. " took " .. now() - began)
    end
  ]]

  it("delays no other transfer", function()
    succeeds(plain, SLOW .. [[
      local other, client = ccaas.new(slow), ccaas.new(options)
      local stream = other:queues()
      assert(not stream:next(0.05))
      for _ = 1, 20 do
        assert(client:queue("101"))
      end
      stream:close()
      for _ = 1, 20 do
        assert(client:queue("101"))
      end
      soon "all of it"
    ]], 15, limits)
  end)

  it("delays no deadline and no time-out", function()
    succeeds(plain, SLOW .. [[
      local client = ccaas.new(slow)
      local row, err = client:queue("101", { deadline = 0.2 })
      assert(not row and err.code == "timeout", tostring(err))
      row, err = client:queue("101", { timeout = 0.2 })
      assert(not row and err.code == "timeout", tostring(err))
      slow.connect_timeout = 0.2
      row, err = ccaas.new(slow):queue("101")
      assert(not row and (err.code == "timeout" or err.code == "dns"), tostring(err))
      soon "all of it"
    ]], 15, limits)
  end)

  it("of the token's host delays no deadline", function()
    succeeds(plain, SLOW .. [[
      slow.base_url, slow.token_url = options.base_url, "https://slow.test:1"
      local row, err = ccaas.new(slow):queue("101", { deadline = 0.2 })
      assert(not row and err.code == "timeout", tostring(err))
      soon "all of it"
    ]], 15, limits)
  end)

  it("delays no close and no exit", function()
    for _, ending in ipairs { "", "os.exit(0)", "os.exit(0, true)" } do
      succeeds(plain, SLOW .. [[
        local client = ccaas.new(slow)
        local stream = client:queues()
        assert(not stream:next(0.05))
        if options.close then
          client:close()
        end
        soon "close"
      ]] .. ending, 8, limits)
    end
  end)

  it("of a subscription delays no other one, no deadline, no close and no exit", function()
    for _, ending in ipairs { "", "os.exit(0)", "os.exit(0, true)" } do
      succeeds(plain, SLOW .. [[
        local far = ccaas.new { provider = "xima", host = "slow.test", token = "t" }
        local stream = far:subscribe { "101" }
        local event, err = stream:next(0.05)
        assert(not event and err.code == "timeout", tostring(err))
        local near = ccaas.new(xima):subscribe({ "101" }, { snapshot = false })
        assert(near:next(4).type == "open")
        event, err = far:subscribe({ "101" }, { deadline = 0.2 }):next()
        assert(not event and err.code == "timeout", tostring(err))
        soon "all"
        stream:close()
        soon "close"
        stream = far:subscribe { "101" }
        stream:next(0.05)
      ]] .. ending, 8, limits)
    end
  end)

  it("of a subscription that ends without an address is down, with error dns", function()
    succeeds(plain, [[
      local far = ccaas.new { provider = "xima", host = "never.test", token = "t" }
      local stream = far:subscribe({ "101" }, { max_reconnects = 0 })
      local event, err = stream:next()
      assert(not event and err.code == "dns", tostring(err))
    ]], 15, limits)
  end)

  it("that ends without an address is error dns", function()
    succeeds(plain, SLOW .. [[
      slow.base_url = "https://never.test:1"
      local row, err = ccaas.new(slow):queue("101")
      assert(not row and err.code == "dns" and err.retryable, tostring(err))
    ]], 15, limits)
  end)
end)
