/*
 * state.c: the sandbox's own lua_State.  It is made on the owner's thread
 * (so that an error while loading is the owner's), used on the sandbox's
 * thread only, and closed when that has ended.  Every entry is protected: no
 * Lua error passes through libwebsockets.
 */
#include "compat.h"
#include "sandbox.h"

#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Registry keys, by address. */
static const char handle_key = 0, command_key = 0, tick_key = 0;

/* --- opening -------------------------------------------------------------- */

struct opening {
    const char *path, *cpath, *module, *config;
    size_t config_size;
    struct cc_sandbox_live *live;
};

static void keep_function(lua_State *L, const char *name, const char *key)
{
    lua_pushlightuserdata(L, (void *)(uintptr_t)key);
    lua_getfield(L, -2, name);
    luaL_checktype(L, -1, LUA_TFUNCTION);
    lua_settable(L, LUA_REGISTRYINDEX);
}

static int open_protected(lua_State *L)
{
    const struct opening *opening = lua_touserdata(L, 1);
    luaL_openlibs(L);
    lua_getglobal(L, "package");
    lua_pushstring(L, opening->path);
    lua_setfield(L, -2, "path");
    lua_pushstring(L, opening->cpath);
    lua_setfield(L, -2, "cpath");
    lua_getglobal(L, "require");
    lua_pushstring(L, opening->module);
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "new");
    lua_pushlstring(L, opening->config, opening->config_size);
    lua_newtable(L);
    cc_sandbox_native_set(L, opening->live);
    lua_call(L, 2, 1);
    keep_function(L, "handle", &handle_key);
    keep_function(L, "command", &command_key);
    keep_function(L, "tick", &tick_key);
    return 0;
}

lua_State *cc_sandbox_state_open(const char *path, const char *cpath,
                                 const char *module, const char *config,
                                 size_t config_size,
                                 struct cc_sandbox_live *live, char *error)
{
    struct opening opening = {path, cpath, module, config, config_size, live};
    lua_State *L = luaL_newstate();
    if (!L) {
        snprintf(error, CC_SANDBOX_ERROR_SIZE, "no memory");
        return NULL;
    }
    if (cc_sandbox_cpcall(L, open_protected, &opening) != 0) {
        const char *message = lua_tostring(L, -1);
        snprintf(error, CC_SANDBOX_ERROR_SIZE, "%s",
                 message ? message : "cannot load the sandbox");
        lua_close(L);
        return NULL;
    }
    return L;
}

/* --- answering ------------------------------------------------------------ */

struct handling {
    const char *bytes;
    const struct cc_sandbox_request *request;
    struct cc_sandbox_answer *answer;
};

static double number_field(lua_State *L, const char *name)
{
    lua_getfield(L, -1, name);
    double n = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return n;
}

/* The string stays in the answer's table, which is anchored. */
static const char *string_field(lua_State *L, const char *name, size_t *size)
{
    lua_getfield(L, -1, name);
    const char *bytes = NULL;
    *size = 0;
    if (lua_type(L, -1) == LUA_TSTRING)
        bytes = lua_tolstring(L, -1, size);
    lua_pop(L, 1);
    return bytes;
}

static int handle_protected(lua_State *L)
{
    const struct handling *handling = lua_touserdata(L, 1);
    const struct cc_sandbox_request *request = handling->request;
    struct cc_sandbox_answer *answer = handling->answer;
    lua_pushlightuserdata(L, (void *)(uintptr_t)&handle_key);
    lua_gettable(L, LUA_REGISTRYINDEX);
    lua_pushlstring(L, handling->bytes, request->head_size);
    if (request->problem)
        lua_pushliteral(L, "");
    else
        lua_pushlstring(L, handling->bytes + request->head_size,
                        request->body_size);
    lua_pushstring(L, request->problem);
    lua_call(L, 3, 1);
    luaL_checktype(L, -1, LUA_TTABLE);
    lua_getfield(L, -1, "hang");
    answer->hang = lua_toboolean(L, -1);
    lua_pop(L, 1);
    answer->delay = number_field(L, "delay");
    answer->pause = number_field(L, "pause");
    answer->piece = (size_t)number_field(L, "piece");
    lua_getfield(L, -1, "ending");
    const char *ending = lua_tostring(L, -1);
    if (ending && strcmp(ending, "close") == 0)
        answer->ending = CC_SANDBOX_CLOSE;
    else if (ending && strcmp(ending, "reset") == 0)
        answer->ending = CC_SANDBOX_RESET;
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    answer->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    answer->head = string_field(L, "head", &answer->head_size);
    answer->body = string_field(L, "body", &answer->body_size);
    lua_getfield(L, -1, "more");
    answer->more = lua_isfunction(L, -1);
    lua_pop(L, 1);
    lua_getfield(L, -1, "socket");
    answer->socket = lua_touserdata(L, -1);
    return 0;
}

/* The piece replaces the one before it in the answer's table. */
static int more_protected(lua_State *L)
{
    struct cc_sandbox_answer *answer = lua_touserdata(L, 1);
    answer->head = answer->body = NULL;
    answer->head_size = answer->body_size = 0;
    lua_rawgeti(L, LUA_REGISTRYINDEX, answer->ref);
    lua_pushnil(L);
    lua_setfield(L, -2, "body");
    lua_getfield(L, -1, "more");
    lua_call(L, 0, 1);
    answer->more = !lua_isnil(L, -1);
    if (answer->more)
        luaL_checktype(L, -1, LUA_TSTRING);
    lua_setfield(L, -2, "body");
    answer->body = string_field(L, "body", &answer->body_size);
    return 0;
}

/* For the case that even Lua's own way to report a failure failed. */
static const char failure[] = "HTTP/1.1 500 Sandbox Failure\r\n"
                              "Content-Length: 0\r\n"
                              "Connection: close\r\n\r\n";

void cc_sandbox_state_handle(lua_State *L, const char *bytes,
                             const struct cc_sandbox_request *request,
                             struct cc_sandbox_answer *answer)
{
    struct handling handling = {bytes, request, answer};
    memset(answer, 0, sizeof *answer);
    if (cc_sandbox_cpcall(L, handle_protected, &handling) == 0)
        return;
    lua_settop(L, 0);
    cc_sandbox_state_release(L, answer);
    answer->head = failure;
    answer->head_size = sizeof failure - 1;
    answer->ending = CC_SANDBOX_CLOSE;
}

bool cc_sandbox_state_more(lua_State *L, struct cc_sandbox_answer *answer)
{
    if (cc_sandbox_cpcall(L, more_protected, answer) == 0)
        return true;
    lua_settop(L, 0);
    return false;
}

void cc_sandbox_state_release(lua_State *L, struct cc_sandbox_answer *answer)
{
    if (answer->ref)
        luaL_unref(L, LUA_REGISTRYINDEX, answer->ref);
    memset(answer, 0, sizeof *answer);
}

/* --- what happens by itself ----------------------------------------------- */

static int tick_protected(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)(uintptr_t)&tick_key);
    lua_gettable(L, LUA_REGISTRYINDEX);
    lua_call(L, 0, 0);
    return 0;
}

void cc_sandbox_state_tick(lua_State *L)
{
    if (cc_sandbox_cpcall(L, tick_protected, NULL) != 0)
        lua_settop(L, 0);
}

/* --- commands ------------------------------------------------------------- */

struct commanding {
    const char *bytes;
    size_t size;
    char *result;
    size_t result_size;
};

static char *copy(const char *bytes, size_t size)
{
    char *made = malloc(size + 1);
    if (made) {
        memcpy(made, bytes, size);
        made[size] = '\0';
    }
    return made;
}

static int command_protected(lua_State *L)
{
    struct commanding *commanding = lua_touserdata(L, 1);
    lua_pushlightuserdata(L, (void *)(uintptr_t)&command_key);
    lua_gettable(L, LUA_REGISTRYINDEX);
    lua_pushlstring(L, commanding->bytes, commanding->size);
    lua_call(L, 1, 1);
    const char *bytes = luaL_checklstring(L, -1, &commanding->result_size);
    commanding->result = copy(bytes, commanding->result_size);
    return 0;
}

char *cc_sandbox_state_command(lua_State *L, const char *bytes, size_t size,
                               size_t *result_size, bool *failed)
{
    struct commanding commanding = {bytes, size, NULL, 0};
    *failed = cc_sandbox_cpcall(L, command_protected, &commanding) != 0;
    if (*failed) {
        const char *message = lua_tostring(L, -1);
        if (!message)
            message = "an error without a message";
        commanding.result_size = strlen(message);
        commanding.result = copy(message, commanding.result_size);
        lua_settop(L, 0);
    }
    *result_size = commanding.result_size;
    return commanding.result;
}
