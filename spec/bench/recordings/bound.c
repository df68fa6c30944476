/* The bound that the client is compared with: libcurl and a decoder that
 * trusts the bytes, in one pass straight into Lua tables of the right size,
 * each row handed to a Lua function, while the answer arrives.
 *
 * It knows that a row is flat and that no string holds what stands between two
 * rows, checks nothing, has no limits and no retries, and names that stand
 * where they stood in the row before are not made into Lua strings again.  One
 * thread, which owns everything. */
#include "stream.h"
#include "trusting.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>

enum { MAX_KEYS = 32, SLOT_KEY = 1, SLOT_TALLY = SLOT_KEY + MAX_KEYS };

struct bound {
    lua_State *L;
    char keys[MAX_KEYS][64];
    size_t key_size[MAX_KEYS];
    int key_count;
    char *bytes; /* what has come and is not decoded, and a NUL */
    size_t size, room;
};

/* Pushes the name whose opening quote is before `at`, the `place`th of its
 * row; gives the place of the value. */
static char *push_key(struct bound *bound, char *at, int place)
{
    lua_State *L = bound->L;
    size_t size = bound->key_size[place];
    if (size && !memcmp(at, bound->keys[place], size)) {
        lua_pushvalue(L, SLOT_KEY + place);
        return at + size;
    }
    char *end = strchr(at, '"');
    lua_pushlstring(L, at, (size_t)(end - at));
    size = (size_t)(end + 2 - at);
    if (size < sizeof bound->keys[place]) {
        memcpy(bound->keys[place], at, size);
        bound->key_size[place] = size;
        lua_pushvalue(L, -1);
        lua_replace(L, SLOT_KEY + place);
    }
    return end + 2;
}

/* Hands out the row whose opening brace is at `at`; gives the place after its
 * closing one. */
static char *take_row(struct bound *bound, char *at)
{
    lua_State *L = bound->L;
    int place = 0;
    lua_pushvalue(L, SLOT_TALLY);
    lua_createtable(L, 0, bound->key_count);
    while (*at != '}') {
        if (place == MAX_KEYS) {
            bench_fail("row", "more members than this program has room for");
        }
        at = push_key(bound, at + 2, place++);
        if (push_value(L, &at)) {
            lua_rawset(L, -3);
        } else {
            lua_pop(L, 1);
        }
    }
    bound->key_count = place;
    lua_call(L, 1, 0);
    return at + 1;
}

/* Where the last row that is whole ends: before the comma of a },{ or the
 * bracket of a }] that is the end.  NULL: nowhere yet. */
static char *find_last(struct bound *bound)
{
    char *end = bound->bytes + bound->size, *at = end;
    if (bound->size > 2 && end[-1] == ']' && end[-2] == '}') {
        return end - 1;
    }
    while ((at = memrchr(bound->bytes, '{', (size_t)(at - bound->bytes)))) {
        if (at - bound->bytes >= 2 && at[-1] == ',' && at[-2] == '}') {
            return at - 1;
        }
    }
    return NULL;
}

static void take(void *context, const char *bytes, size_t size)
{
    struct bound *bound = context;
    if (bound->size + size + 1 > bound->room) {
        bound->room = 2 * (bound->size + size + 1);
        bound->bytes = realloc(bound->bytes, bound->room);
        if (!bound->bytes) {
            bench_fail("answer", "out of memory");
        }
    }
    memcpy(bound->bytes + bound->size, bytes, size);
    bound->size += size;
    bound->bytes[bound->size] = 0;
    char *last = find_last(bound), *at = bound->bytes;
    while (last && at < last) {
        at = take_row(bound, at + 1); /* behind the bracket or the comma */
    }
    bound->size -= (size_t)(at - bound->bytes);
    memmove(bound->bytes, at, bound->size);
}

/* Runs under lua_pcall with the path of tally.lua. */
static int run(lua_State *L)
{
    static struct bound bound;
    const char *path = lua_touserdata(L, 1);
    bound.L = L;
    lua_settop(L, 0);
    luaL_checkstack(L, SLOT_TALLY + 20, NULL);
    lua_settop(L, SLOT_TALLY);
    if (luaL_loadfile(L, path) != LUA_OK) {
        return lua_error(L);
    }
    lua_call(L, 0, 1);
    lua_getfield(L, -1, "row");
    lua_replace(L, SLOT_TALLY);

    lua_getfield(L, -1, "start");
    lua_call(L, 0, 0);
    bench_stream(take, &bound);
    lua_getfield(L, -1, "report");
    lua_call(L, 0, 0);
    free(bound.bytes);
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
