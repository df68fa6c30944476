/* The bound that the client is compared with: libcurl and a decoder that
 * trusts the bytes, in one pass straight into Lua tables of the right size,
 * { id, name, metrics = { [key] = value } }, each row handed to a Lua function.
 *
 * It knows the form of a row, checks nothing, has no records to find, no
 * limits, no retries and no token, and metric names that stand where they
 * stood in the row before are not made into Lua strings again.  One thread,
 * which owns everything. */
#include "fetch.h"
#include "trusting.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KEYS = 64, SLOT_KEY = 1, SLOT_TALLY = SLOT_KEY + MAX_KEYS };

/* The stack from the bottom: the metric names by place, the Lua function, then
 * "id", "name" and "metrics". */
enum { SLOT_ID = SLOT_TALLY + 1, SLOT_NAME, SLOT_METRICS };

struct bound {
    lua_State *L;
    char keys[MAX_KEYS][64];
    size_t key_size[MAX_KEYS];
    int key_count;
};

/* Pushes the metric name at `at`, the `place`th of its row. */
static char *push_key(struct bound *bound, char *at, int place)
{
    lua_State *L = bound->L;
    size_t size = bound->key_size[place];
    if (size && !memcmp(at, bound->keys[place], size) && at[size] == '"') {
        lua_pushvalue(L, SLOT_KEY + place);
        return at + size + 1;
    }
    char *end = push_string(L, at);
    size = (size_t)(end - 1 - at);
    if (size < sizeof bound->keys[place]) {
        memcpy(bound->keys[place], at, size);
        bound->key_size[place] = size;
        lua_pushvalue(L, -1);
        lua_replace(L, SLOT_KEY + place);
    }
    return end;
}

/* Pushes the table of the list of {"key":…,"value":…} whose bracket is before
 * `at`; gives the place after it. */
static char *push_metrics(struct bound *bound, char *at)
{
    lua_State *L = bound->L;
    int place = 0;
    lua_createtable(L, 0, bound->key_count);
    while (*at != ']') {
        if (place == MAX_KEYS) {
            bench_fail("row", "more metrics than this program has room for");
        }
        at = push_key(bound, at + strlen("{\"key\":\""), place++);
        at += strlen(",\"value\":");
        if (push_value(L, &at)) {
            lua_rawset(L, -3);
        } else {
            lua_pop(L, 1);
        }
        at += at[1] == ',' ? 2 : 1;
    }
    bound->key_count = place;
    return at + 1;
}

static void take_page(void *context, char *at, size_t size)
{
    struct bound *bound = context;
    lua_State *L = bound->L;
    (void)size;
    while (*++at == '{') {
        lua_pushvalue(L, SLOT_TALLY);
        lua_createtable(L, 0, 3);
        lua_pushvalue(L, SLOT_ID);
        at = push_string(L, at + strlen("{\"id\":\""));
        lua_rawset(L, -3);
        lua_pushvalue(L, SLOT_NAME);
        at = push_string(L, at + strlen(",\"name\":\""));
        lua_rawset(L, -3);
        lua_pushvalue(L, SLOT_METRICS);
        at = push_metrics(bound, at + strlen(",\"metrics\":["));
        lua_rawset(L, -3);
        lua_call(L, 1, 0);
        at++;
    }
}

/* Runs under lua_pcall with the path of tally.lua. */
static int run(lua_State *L)
{
    static struct bound bound;
    const char *path = lua_touserdata(L, 1);
    bound.L = L;
    lua_settop(L, 0);
    luaL_checkstack(L, SLOT_METRICS + 20, NULL);
    lua_settop(L, SLOT_METRICS);
    if (luaL_loadfile(L, path) != LUA_OK) {
        return lua_error(L);
    }
    lua_call(L, 0, 1);
    lua_getfield(L, -1, "map");
    lua_replace(L, SLOT_TALLY);
    lua_pushliteral(L, "id");
    lua_replace(L, SLOT_ID);
    lua_pushliteral(L, "name");
    lua_replace(L, SLOT_NAME);
    lua_pushliteral(L, "metrics");
    lua_replace(L, SLOT_METRICS);

    double start = bench_now();
    bench_fetch(take_page, &bound);
    double seconds = bench_now() - start;

    lua_getfield(L, -1, "report");
    lua_pushnumber(L, seconds);
    lua_call(L, 1, 0);
    return 0;
}

int main(int argc, char **argv)
{
    lua_State *L = luaL_newstate();
    if (argc != 2 || !L) {
        bench_fail("bound", "usage: bound <path of tally.lua>");
    }
    luaL_openlibs(L);
    lua_pushcfunction(L, run);
    lua_pushlightuserdata(L, argv[1]);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        bench_fail("bound", lua_tostring(L, -1));
    }
    lua_close(L);
    return 0;
}
