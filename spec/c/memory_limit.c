/* For specs, a module: limit(bytes) has Lua refuse every block of so many bytes
 * or more, as where memory is short; limit() lets it have all again. */
#include <lauxlib.h>
#include <lua.h>

__attribute__((visibility("default"))) int luaopen_memory_limit(lua_State *L);

static struct {
    lua_Alloc allocate;
    void *self;
    size_t most;
} limited;

static void *allocate(void *self, void *block, size_t old, size_t size)
{
    (void)self;
    if (size >= limited.most && (!block || size > old))
        return NULL;
    return limited.allocate(limited.self, block, old, size);
}

static int limit(lua_State *L)
{
    if (!limited.allocate) {
        limited.allocate = lua_getallocf(L, &limited.self);
        lua_setallocf(L, allocate, NULL);
    }
    limited.most =
        lua_isnoneornil(L, 1) ? (size_t)-1 : (size_t)luaL_checknumber(L, 1);
    return 0;
}

int luaopen_memory_limit(lua_State *L)
{
    lua_pushcfunction(L, limit);
    return 1;
}
