/*
 * compat.h: the few calls in which Lua 5.1's and LuaJIT's API differ from
 * Lua 5.4's, under names of our own.
 */
#ifndef CC_SANDBOX_COMPAT_H
#define CC_SANDBOX_COMPAT_H

#include <lauxlib.h>
#include <lua.h>

/* luaL_setfuncs without upvalues: into the table on top. */
static inline void cc_sandbox_setfuncs(lua_State *L, const luaL_Reg *list)
{
    for (; list->name; list++) {
        lua_pushcfunction(L, list->func);
        lua_setfield(L, -2, list->name);
    }
}

/* lua_rawlen, of a table. */
static inline size_t cc_sandbox_rawlen(lua_State *L, int index)
{
#if LUA_VERSION_NUM < 502
    return lua_objlen(L, index);
#else
    return (size_t)lua_rawlen(L, index);
#endif
}

/* lua_cpcall: calls function(L) with `data` as light userdata, protected.
 * Nothing is allocated outside of the protection.  On failure the error
 * message is on top. */
static inline int cc_sandbox_cpcall(lua_State *L, lua_CFunction function,
                                    void *data)
{
#if LUA_VERSION_NUM < 502
    return lua_cpcall(L, function, data);
#else
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, data);
    return lua_pcall(L, 1, 0, 0);
#endif
}

#endif
