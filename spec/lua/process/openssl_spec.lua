-- The OpenSSL that a process has: one that threads cannot use, or a mixture of
-- two, is refused when the module is loaded.  An nginx that was built with an
-- OpenSSL of its own inside exports its functions, and they replace the system's
-- for libcurl and libwebsockets: small libraries that are preloaded, and a
-- program with such functions inside, play that here.
local helper = require "spec.support.helper"

local folder
setup(function() folder = helper.folder() end)

local NO_THREADS = "unsigned long CRYPTO_THREAD_get_current_id(void) { return %d; }\n"
local SSL = "void *SSL_CTX_new(const void *method) { (void)method; return 0; }\n"
local LOCK = "void *CRYPTO_THREAD_lock_new(void) { return 0; }\n"
local VERSION = "unsigned long OpenSSL_version_num(void) { return %s; }\n"
local ANY_3 = VERSION:format "0x300000f0UL"

local LOAD = [[
  local fine, message = pcall(require, "ccaas")
  io.write(fine and "loaded" or message)
]]

local function write(name, source)
  local path = folder .. "/" .. name
  local file = assert(io.open(path, "w"))
  file:write(source)
  file:close()
  return path
end

local function compile(options)
  local status, output = helper.run("gcc -g " .. options)
  assert.equal(0, status, output)
end

local function library(name, source, options)
  local path = folder .. "/" .. name .. ".so"
  compile(("-shared -fPIC %s -o %s %s"):format(write(name .. ".c", source), path, options or ""))
  return path
end

-- What a script writes in a program that has a library preloaded.
local function run(preloaded, script)
  local asan = (os.getenv "ASAN_OPTIONS" or "") .. ":verify_asan_link_order=0"
  local status, output = helper.run(("ASAN_OPTIONS=%s LD_PRELOAD=%s %s"):format(helper.quote(asan), preloaded,
    helper.command(script)))
  assert.equal(0, status, output)
  return output
end

local function has(said, words)
  assert.is_truthy(said:find(words, 1, true), said)
end

-- The system's libraries, as the loader names them in this process.
local function mapped(name)
  require "ccaas"
  return assert(helper.read("/proc/self/maps"):match("(/%S*/" .. name .. "%.so%S*)"))
end

describe("require", function()
  -- Was: nginx' workers died under load, with nothing that said why.
  for id = 0, 1 do
    it("refuses an OpenSSL without threads, whose id is " .. id, function()
      local path = library("threads" .. id, NO_THREADS:format(id) .. SSL .. LOCK .. ANY_3)
      local said = run(path, LOAD)
      has(said, "the OpenSSL of " .. path .. " is built without threads")
      assert.is_truthy(said:match "replaces /%S*/libcrypto%.so%S* for libcurl", said)
      has(said, "--with-openssl-opt=threads")
    end)
  end

  for name, source in pairs {
    SSL_CTX_new = SSL, CRYPTO_THREAD_lock_new = LOCK, OpenSSL_version_num = ANY_3,
    libcrypto = ANY_3 .. LOCK, without_a_lock = SSL .. ANY_3,
  } do
    it("refuses a mixture of two: " .. name, function()
      local path = library(name, source)
      local said = run(path, LOAD)
      has(said, "two OpenSSLs are mixed")
      has(said, " comes from ")
      has(said, path)
      assert.is_truthy(said:match "/lib%l+%.so%.%d", said)
      has(said, "--with-openssl-opt=threads")
    end)
  end

  for version, number in pairs { ["1"] = "0x1010117fUL", ["4"] = "0x40000000UL" } do
    it("refuses one of another major version: " .. version, function()
      local path = library("version" .. version, SSL .. LOCK .. VERSION:format(number))
      local said = run(path, LOAD)
      has(said, ("the OpenSSL %s of %s replaces /"):format(version, path))
      assert.is_truthy(said:match "are built for OpenSSL %d", said)
    end)
  end

  it("refuses the sandbox, too", function()
    local path = library("sandbox", NO_THREADS:format(0) .. SSL .. LOCK .. ANY_3)
    has(run(path, [[io.write(select(2, pcall(require, "ccaas.sandbox")))]]), "is built without threads")
  end)

  it("says so again when it is asked again", function()
    local path = library("again", NO_THREADS:format(1))
    has(run(path, [[
      pcall(require, "ccaas.core")
      package.loaded["ccaas.core"] = nil
      io.write(select(2, pcall(require, "ccaas.core")))
    ]]), "is built without threads")
  end)
end)

describe("require in a program with an OpenSSL inside", function()
  -- An interpreter whose own functions replace those of libraries, as nginx's do.
  local function interpreter(name, source, options)
    local package = rawget(_G, "jit") and "luajit" or (_VERSION:lower():gsub(" ", ""))
    local path = folder .. "/" .. name
    compile(("$(pkg-config --cflags %s) spec/support/lua.c %s -o %s -rdynamic $(pkg-config --libs %s) %s"):format(
      package, source and write(name .. ".c", source) or "", path, package, options or ""))
    return path
  end

  local function run_in(path, script)
    local command = helper.command(script):gsub(helper.quote(helper.interpreter):gsub("%p", "%%%0") .. " %-e", path
      .. " -e")
    local status, output = helper.run(command)
    assert.equal(0, status, output)
    return output
  end

  if helper.sanitized then
    return -- its module needs the sanitizer's runtime, which this program lacks
  end

  it("names the program", function()
    local path = interpreter("inside", NO_THREADS:format(0) .. SSL .. LOCK .. ANY_3)
    has(run_in(path, LOAD), "the OpenSSL of " .. path .. " is built without threads, and replaces /")
  end)

  it("is fine when that is whole and has threads", function()
    local path = interpreter("whole", "#include <pthread.h>\n" .. SSL .. LOCK .. ANY_3
      .. "pthread_t CRYPTO_THREAD_get_current_id(void) { return pthread_self(); }\n")
    assert.equal("loaded", run_in(path, LOAD))
  end)

  -- As OpenResty's packages are built: a shared OpenSSL of their own, once in the process.
  it("is fine when that is shared, and the only one", function()
    local ssl, crypto = mapped "libssl", mapped "libcrypto"
    compile(("-xc /dev/null -shared -o %s/nothing.so && cp %s %s %s"):format(folder, ssl, crypto, folder))
    local path = interpreter("shared", nil, ("-Wl,--no-as-needed -Wl,-rpath,%s -L%s -l:%s -l:%s"):format(folder, folder,
      ssl:match "[^/]+$", crypto:match "[^/]+$"))
    assert.equal("loaded " .. folder, run_in(path, LOAD .. [[
      for line in io.lines "/proc/self/maps" do
        local path = line:match "(/%S*)/libssl"
        if path then
          io.write(" ", path)
          break
        end
      end
    ]]))
  end)
end)

describe("require is fine", function()
  it("with a library that wraps the real functions", function()
    local path = library("tracer", [[
      #define _GNU_SOURCE
      #include <dlfcn.h>
      #include <openssl/ssl.h>
      SSL_CTX *SSL_CTX_new(const SSL_METHOD *method)
      {
          SSL_CTX *(*real)(const SSL_METHOD *) = dlsym(RTLD_NEXT, "SSL_CTX_new");
          return OpenSSL_version_num() ? real(method) : 0;
      }
    ]], "-lssl -lcrypto")
    assert.equal("loaded", run(path, LOAD))
  end)

  it("after LuaSec and before it", function()
    assert.equal("loaded", run("", [[require "ssl" ]] .. LOAD))
    assert.equal("loaded", run("", LOAD .. [[require "ssl"]]))
  end)

  it("in a coroutine, and starts no thread", function()
    local path = library("counted", [[
      #define _GNU_SOURCE
      #include <dlfcn.h>
      #include <pthread.h>
      #include <unistd.h>
      int pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *x)
      {
          int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
          real = dlsym(RTLD_NEXT, "pthread_create");
          return write(1, "thread ", 7) == 7 ? real(t, a, f, x) : 1;
      }
    ]])
    assert.equal("loaded", run(path, ("coroutine.wrap(function() %s end)()"):format(LOAD)))
  end)
end)
