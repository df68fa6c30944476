/* Reading fields of option tables that the Lua side has checked already. */
#include "binding.h"

const char *cc_binding_text(lua_State *L, const char *name)
{
    const char *text;

    lua_getfield(L, -1, name);
    text = lua_isnil(L, -1) ? NULL : luaL_checkstring(L, -1);
    lua_pop(L, 1);
    return text;
}

double cc_binding_number(lua_State *L, const char *name, double otherwise)
{
    double number;

    lua_getfield(L, -1, name);
    number = luaL_optnumber(L, -1, otherwise);
    lua_pop(L, 1);
    return number;
}

double cc_binding_setting(lua_State *L, const char *name)
{
    double number;

    lua_getfield(L, -1, name);
    if (!lua_isnumber(L, -1))
        luaL_error(L, "field `%s` is missing", name);
    number = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return number;
}

bool cc_binding_flag(lua_State *L, const char *name)
{
    bool flag;

    lua_getfield(L, -1, name);
    flag = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return flag;
}

const char **cc_binding_list(lua_State *L, const char *name, size_t *count)
{
    const char **list;
    size_t length, i;

    lua_getfield(L, -1, name);
    if (lua_isnil(L, -1)) {
        length = 0;
    } else {
        luaL_checktype(L, -1, LUA_TTABLE);
#if LUA_VERSION_NUM >= 502
        length = lua_rawlen(L, -1);
#else
        length = lua_objlen(L, -1);
#endif
    }
    list = lua_newuserdata(L, (length + 1) * sizeof *list);
    for (i = 0; i < length; i++) {
        lua_rawgeti(L, -2, (int)i + 1);
        list[i] = luaL_checkstring(L, -1);
        lua_pop(L, 1);
    }
    list[length] = NULL;
    lua_remove(L, -2); /* the table; the field still holds the strings */
    if (count)
        *count = length;
    return list;
}
