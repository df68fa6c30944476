/* core.ogg(): looks whether bytes that pass are whole Ogg pages
 * (src/ogg/ogg.h).
 *
 * On the Lua side's thread.  There is nothing to close.
 */
#include "ogg.h"

#include "binding.h"
#include "compat.h"

static struct cc_ogg *check_ogg(lua_State *L)
{
    return luaL_checkudata(L, 1, CC_OGG_TYPE);
}

/* Pushes true, or nil, the reason and the offset, from 0. */
static int push_state(lua_State *L, const struct cc_ogg *ogg)
{
    if (ogg->state == CC_OGG_MORE || ogg->state == CC_OGG_WHOLE) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, ogg->reason);
    cc_pushinteger(L, (int64_t)ogg->offset);
    return 3;
}

/* core.ogg() -> a checker of one body. */
int cc_binding_new_ogg(lua_State *L)
{
    struct cc_ogg *ogg = cc_newuserdata(L, sizeof *ogg);

    cc_ogg_start(ogg);
    luaL_getmetatable(L, CC_OGG_TYPE);
    lua_setmetatable(L, -2);
    return 1;
}

/* ogg:feed(bytes or call) -> true; or nil, the reason and the offset of what is
 * wrong, now and ever after. */
static int ogg_feed(lua_State *L)
{
    struct cc_ogg *ogg = check_ogg(L);
    size_t length;
    const char *bytes = cc_binding_check_bytes(L, 2, &length);

    luaL_argcheck(L, ogg->state == CC_OGG_MORE || ogg->state == CC_OGG_BAD, 1,
                  "it is finished");
    cc_ogg_feed(ogg, bytes, length);
    return push_state(L, ogg);
}

/* ogg:finish() -> true when the body was whole; or nil, the reason and the
 * offset. */
static int ogg_finish(lua_State *L)
{
    struct cc_ogg *ogg = check_ogg(L);

    cc_ogg_finish(ogg);
    return push_state(L, ogg);
}

void cc_binding_ogg(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"feed", ogg_feed}, {"finish", ogg_finish}, {NULL, NULL}};

    cc_newmetatable(L, CC_OGG_TYPE);
    lua_newtable(L);
    cc_setfuncs(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
