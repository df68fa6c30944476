/*
 * module.c: the Lua module ccaas.sandbox.server.  It gives start(options),
 * and a handle with port(), ca_file(), command(bytes), wait() and stop().  Runs
 * on the threads of the states that load it; lua/ccaas/sandbox.lua is its only
 * caller, so arguments are checked there.
 */
#include "compat.h"
#include "sandbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define HANDLE "ccaas.sandbox.server"

__attribute__((visibility("default"))) int
luaopen_ccaas_sandbox_server(lua_State *L);

static const char stopped[] = "the sandbox was stopped";

struct handle {
    struct cc_sandbox_server *server; /* NULL: stopped */
};

static struct handle *check_handle(lua_State *L)
{
    return luaL_checkudata(L, 1, HANDLE);
}

static struct cc_sandbox_server *check_running(lua_State *L)
{
    struct handle *handle = check_handle(L);
    if (!handle->server)
        luaL_error(L, stopped);
    return handle->server;
}

/* OpenSSL first: what is registered last runs first at exit. */
static void register_exit(void)
{
    OPENSSL_init_ssl(0, NULL);
    atexit(cc_sandbox_server_stop_all);
}

/* start(path, cpath, module, config, port, tls, address) -> handle | nil,
 * message */
static int start(lua_State *L)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const char *path = luaL_checkstring(L, 1);
    const char *cpath = luaL_checkstring(L, 2);
    const char *module = luaL_checkstring(L, 3);
    size_t config_size;
    const char *config = luaL_checklstring(L, 4, &config_size);
    int port = (int)luaL_checkinteger(L, 5);
    bool tls = lua_toboolean(L, 6);
    const char *address = luaL_checkstring(L, 7);

    struct handle *handle = lua_newuserdata(L, sizeof *handle);
    handle->server = NULL;
    luaL_getmetatable(L, HANDLE);
    lua_setmetatable(L, -2);

    char error[CC_SANDBOX_ERROR_SIZE] = "";
    pthread_once(&once, register_exit);
    struct cc_sandbox_live *live = cc_sandbox_live_new();
    lua_State *own = NULL;
    if (live)
        own = cc_sandbox_state_open(path, cpath, module, config, config_size,
                                    live, error);
    if (own)
        handle->server =
            cc_sandbox_server_start(own, live, address, port, tls, error);
    else
        cc_sandbox_live_free(live);
    if (!live)
        strcpy(error, "no descriptor or no memory is left");
    if (handle->server)
        return 1;
    lua_pushnil(L);
    lua_pushstring(L, error);
    return 2;
}

static int handle_port(lua_State *L)
{
    lua_pushinteger(L, cc_sandbox_server_port(check_running(L)));
    return 1;
}

static int handle_ca_file(lua_State *L)
{
    const char *file = cc_sandbox_server_ca_file(check_running(L));
    if (!*file)
        return 0;
    lua_pushstring(L, file);
    return 1;
}

/* command(bytes) -> bytes | nil, message */
static int handle_command(lua_State *L)
{
    struct cc_sandbox_server *server = check_handle(L)->server;
    size_t size, result_size = sizeof stopped - 1;
    const char *bytes = luaL_checklstring(L, 2, &size), *result = stopped;
    bool done = server && cc_sandbox_server_command(server, bytes, size,
                                                    &result, &result_size);
    if (!done)
        lua_pushnil(L);
    lua_pushlstring(L, result, result_size);
    return done ? 1 : 2;
}

static int handle_wait(lua_State *L)
{
    check_running(L);
    cc_sandbox_wait();
    return 0;
}

static int handle_stop(lua_State *L)
{
    struct handle *handle = check_handle(L);
    struct cc_sandbox_server *server = handle->server;
    handle->server = NULL;
    if (server)
        cc_sandbox_server_stop(server);
    return 0;
}

static int handle_tostring(lua_State *L)
{
    struct handle *handle = check_handle(L);
    if (handle->server)
        lua_pushfstring(L, HANDLE " (port %d)",
                        cc_sandbox_server_port(handle->server));
    else
        lua_pushliteral(L, HANDLE " (stopped)");
    return 1;
}

int luaopen_ccaas_sandbox_server(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"port", handle_port}, {"ca_file", handle_ca_file},
        {"wait", handle_wait}, {"command", handle_command},
        {"stop", handle_stop}, {NULL, NULL},
    };
    static const luaL_Reg meta[] = {
        {"__gc", handle_stop},
        {"__close", handle_stop},
        {"__tostring", handle_tostring},
        {NULL, NULL},
    };
    static const luaL_Reg functions[] = {{"start", start}, {NULL, NULL}};
    luaL_newmetatable(L, HANDLE);
    cc_sandbox_setfuncs(L, meta);
    lua_pushliteral(L, HANDLE);
    lua_setfield(L, -2, "__name");
    lua_newtable(L);
    cc_sandbox_setfuncs(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_newtable(L);
    cc_sandbox_setfuncs(L, functions);
    return 1;
}
