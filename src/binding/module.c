/* The module ccaas.core: what lua/ccaas builds on. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "binding.h"
#include "clock.h"
#include "compat.h"
#include "record.h"
#include "sha256.h"
#include "text.h"

#define ENGINE_TYPE "ccaas.core.engine"

__attribute__((visibility("default"))) int luaopen_ccaas_core(lua_State *L);

struct engine_box {
    struct ccaas_engine *engine;
};

/* The state is being closed: nothing of the engine may go on after it. */
static int engine_gc(lua_State *L)
{
    struct engine_box *box = luaL_checkudata(L, 1, ENGINE_TYPE);

    if (box->engine) {
        ccaas_engine_stop(box->engine);
        ccaas_engine_free(box->engine);
    }
    box->engine = NULL;
    return 0;
}

struct ccaas_engine *cc_binding_engine(lua_State *L)
{
    struct engine_box *box;

    lua_getfield(L, LUA_REGISTRYINDEX, ENGINE_TYPE ".here");
    box = lua_touserdata(L, -1);
    lua_pop(L, 1);
    if (!box) {
        box = cc_newuserdata(L, sizeof *box);
        box->engine = NULL;
        luaL_getmetatable(L, ENGINE_TYPE);
        lua_setmetatable(L, -2);
        box->engine = ccaas_engine_new();
        if (!box->engine)
            luaL_error(L, "not enough memory");
        lua_setfield(L, LUA_REGISTRYINDEX, ENGINE_TYPE ".here");
    }
    return box->engine;
}

/* core.poll(fd, seconds or nil) -> true when fd is readable, false when the
 * time is up or a signal came: then the caller looks again.  Blocks. */
static int core_poll(lua_State *L)
{
    struct pollfd one = {.fd = (int)luaL_checkinteger(L, 1), .events = POLLIN};
    double seconds = luaL_optnumber(L, 2, -1);
    int milliseconds = -1;

    if (seconds >= 0)
        milliseconds = (int)ceil(fmin(seconds, 86400) * 1000);
    lua_pushboolean(L, poll(&one, 1, milliseconds) > 0);
    return 1;
}

/* core.stay(): nothing of the engine goes into a process that is forked off. */
static int core_stay(lua_State *L)
{
    ccaas_engine_stay(cc_binding_engine(L));
    return 0;
}

/* core.now() -> seconds on the monotonic clock. */
static int core_now(lua_State *L)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    lua_pushnumber(L, (double)now.tv_sec + (double)now.tv_nsec / 1e9);
    return 1;
}

/* core.wall() -> seconds since the epoch. */
static int core_wall(lua_State *L)
{
    lua_pushnumber(L, cc_clock_wall());
    return 1;
}

/* core.sha256(bytes) -> the digest, 64 hexadecimal digits. */
static int core_sha256(lua_State *L)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[CC_SHA256_SIZE];
    char text[2 * CC_SHA256_SIZE];
    size_t length;
    const char *bytes = luaL_checklstring(L, 1, &length);

    cc_sha256(bytes, length, digest);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = digits[i % 2 ? digest[i / 2] & 15 : digest[i / 2] >> 4];
    lua_pushlstring(L, text, sizeof text);
    return 1;
}

/* core.show(text) -> the text as it may be shown: see cc_text_show. */
static int core_show(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    char shown[sizeof(((struct ccaas_error *)0)->message)];

    length = cc_text_show(shown, sizeof shown, text, length);
    lua_pushlstring(L, shown, length);
    return 1;
}

int luaopen_ccaas_core(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"client", cc_binding_new_client},
        {"call", cc_binding_new_call},
        {"subscription", cc_binding_new_subscription},
        {"atomic_file", cc_binding_new_atomic_file},
        {"open", cc_binding_open},
        {"waitset", cc_binding_new_waitset},
        {"alarm", cc_binding_new_alarm},
        {"nginx_socket", cc_binding_nginx_socket},
        {"nginx_connection", cc_binding_new_nginx_connection},
        {"sweep", cc_binding_sweep},
        {"ogg", cc_binding_new_ogg},
        {"private_file", cc_binding_new_private_file},
        {"sha256", core_sha256},
        {"show", core_show},
        {"poll", core_poll},
        {"now", core_now},
        {"stay", core_stay},
        {"wall", core_wall},
        {"decode", cc_record_lua_decode},
        {"decoder", cc_record_lua_decoder},
        {"decode_list", cc_record_lua_decode_list},
        {NULL, NULL}};
    char why[1024];

    if (!ccaas_openssl_check(why, sizeof why))
        return luaL_error(L, "%s", why);
    luaL_newmetatable(L, ENGINE_TYPE);
    lua_pushcfunction(L, engine_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    cc_binding_client(L);
    cc_binding_call(L);
    cc_binding_subscription(L);
    cc_binding_waitset(L);
    cc_binding_alarm(L);
    cc_binding_nginx_connection(L);
    cc_binding_atomic_file(L);
    cc_binding_ogg(L);
    cc_binding_store_request(L);
    cc_binding_private_file(L);
    cc_record_open(L);
    lua_newtable(L);
    cc_setfuncs(L, functions);
    lua_pushliteral(L, CCAAS_VERSION);
    lua_setfield(L, -2, "version");
    return 1;
}
