/* What Lua 5.4 has and Lua 5.1 and LuaJIT lack (or the other way round), under
 * a prefix of our own and by LUA_VERSION_NUM: a rock for LuaJIT is built with
 * the headers of Lua 5.1.
 */
#ifndef CC_COMPAT_H
#define CC_COMPAT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

/* A full userdata with one user value (a table; nil or not ours at first). */
static inline void *cc_newuserdata(lua_State *L, size_t size)
{
#if LUA_VERSION_NUM >= 504
    return lua_newuserdatauv(L, size, 1);
#else
    return lua_newuserdata(L, size);
#endif
}

/* Pops a table and makes it the user value of the userdata at `index`. */
static inline void cc_setuservalue(lua_State *L, int index)
{
#if LUA_VERSION_NUM >= 504
    lua_setiuservalue(L, index, 1);
#elif LUA_VERSION_NUM >= 502
    lua_setuservalue(L, index);
#else
    lua_setfenv(L, index);
#endif
}

/* Pushes that table. */
static inline void cc_getuservalue(lua_State *L, int index)
{
#if LUA_VERSION_NUM >= 504
    lua_getiuservalue(L, index, 1);
#elif LUA_VERSION_NUM >= 502
    lua_getuservalue(L, index);
#else
    lua_getfenv(L, index);
#endif
}

/* Exact to 64 bits where Lua has integers, else the nearest double. */
static inline void cc_pushinteger(lua_State *L, int64_t value)
{
#if LUA_VERSION_NUM >= 503
    lua_pushinteger(L, value);
#else
    lua_pushnumber(L, (lua_Number)value);
#endif
}

/* lua_rawlen. */
static inline size_t cc_rawlen(lua_State *L, int index)
{
#if LUA_VERSION_NUM >= 502
    return (size_t)lua_rawlen(L, index);
#else
    return lua_objlen(L, index);
#endif
}

/* luaL_setfuncs without upvalues: into the table on top of the stack. */
static inline void cc_setfuncs(lua_State *L, const luaL_Reg *functions)
{
    for (; functions->name; functions++) {
        lua_pushcfunction(L, functions->func);
        lua_setfield(L, -2, functions->name);
    }
}

/* Pushes the metatable of that name, with its __name; true when it is new. */
static inline int cc_newmetatable(lua_State *L, const char *name)
{
    int made = luaL_newmetatable(L, name);

    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
    return made;
}

#endif
