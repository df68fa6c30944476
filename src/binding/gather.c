/* core.gather: one descriptor for many flows and subscriptions. */
#include "binding.h"
#include "compat.h"

#define GATHER_TYPE "ccaas.core.gather"

struct gather_box {
    struct ccaas_gather *gather; /* NULL: let go */
};

static struct ccaas_gather *check_gather(lua_State *L)
{
    struct gather_box *box = luaL_checkudata(L, 1, GATHER_TYPE);

    if (!box->gather)
        luaL_error(L, "the gather is closed");
    return box->gather;
}

int ccaas_binding_new_gather(lua_State *L)
{
    struct gather_box *box = ccaas_newuserdata(L, sizeof *box);

    box->gather = NULL;
    luaL_getmetatable(L, GATHER_TYPE);
    lua_setmetatable(L, -2);
    box->gather = ccaas_gather_new();
    if (!box->gather)
        return luaL_error(L, "not enough memory");
    return 1;
}

/* The subscription at index 2; NULL: it is something else. */
static struct ccaas_live *to_live(lua_State *L)
{
    bool same;

    if (!lua_getmetatable(L, 2))
        return NULL;
    luaL_getmetatable(L, CCAAS_LIVE_TYPE);
    same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same ? ccaas_binding_check_live(L, 2) : NULL;
}

/* gather:add(flow or subscription [, mark]): what wakes that wakes the gather,
 * too, and leaves the mark (a whole number from 0). */
static int gather_add(lua_State *L)
{
    struct ccaas_gather *gather = check_gather(L);
    struct ccaas_live *live = to_live(L);
    int mark = (int)luaL_optinteger(L, 3, -1);

    if (!(live
              ? ccaas_gather_add_live(gather, live, mark)
              : ccaas_gather_add(gather, ccaas_binding_check_flow(L, 2), mark)))
        return luaL_error(L, "not enough memory");
    return 0;
}

static int gather_remove(lua_State *L)
{
    struct ccaas_gather *gather = check_gather(L);
    struct ccaas_live *live = to_live(L);

    if (live)
        ccaas_gather_remove_live(gather, live);
    else
        ccaas_gather_remove(gather, ccaas_binding_check_flow(L, 2));
    return 0;
}

/* gather:mark() -> a mark that was left, or nil. */
static int gather_mark(lua_State *L)
{
    int mark = ccaas_gather_mark(check_gather(L));

    if (mark < 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, mark);
    return 1;
}

/* gather:arm() -> the descriptor; take from all once more, then wait for it. */
static int gather_arm(lua_State *L)
{
    lua_pushinteger(L, ccaas_gather_arm(check_gather(L)));
    return 1;
}

static int gather_disarm(lua_State *L)
{
    ccaas_gather_disarm(check_gather(L));
    return 0;
}

/* gather:forked() -> true in a child of the process that armed it. */
static int gather_forked(lua_State *L)
{
    lua_pushboolean(L, ccaas_gather_forked(check_gather(L)));
    return 1;
}

/* gather:ring() wakes whoever waits for it. */
static int gather_ring(lua_State *L)
{
    ccaas_gather_ring(check_gather(L));
    return 0;
}

/* gather:close() gives the descriptor back; safe to call twice. */
static int gather_close(lua_State *L)
{
    struct gather_box *box = luaL_checkudata(L, 1, GATHER_TYPE);

    ccaas_gather_free(box->gather);
    box->gather = NULL;
    return 0;
}

void ccaas_binding_gather(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"add", gather_add},   {"remove", gather_remove},
        {"arm", gather_arm},   {"disarm", gather_disarm},
        {"ring", gather_ring}, {"forked", gather_forked},
        {"mark", gather_mark}, {"close", gather_close},
        {NULL, NULL}};

    luaL_newmetatable(L, GATHER_TYPE);
    lua_pushcfunction(L, gather_close);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    ccaas_setfuncs(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
