/* core.gather: one descriptor for many calls and subscriptions.
 *
 * A finaliser of the user's may close a stream of events in the middle of
 * anything, and after the finalisers of what the stream stands on: so whatever
 * is done to close one does nothing where the gather was let go. */
#include "binding.h"
#include "compat.h"
#include "waker.h"

#define GATHER_TYPE "ccaas.core.gather"

struct gather_box {
    struct ccaas_gather *gather; /* NULL: let go */
};

/* NULL: it was let go. */
static struct ccaas_gather *find_gather(lua_State *L, int index)
{
    struct gather_box *box = luaL_checkudata(L, index, GATHER_TYPE);

    return box->gather;
}

static struct ccaas_gather *check_gather(lua_State *L)
{
    struct ccaas_gather *gather = find_gather(L, 1);

    if (!gather)
        luaL_error(L, "the stream is closed");
    return gather;
}

/* Is the userdata at that index of this type? */
static bool is_a(lua_State *L, int index, const char *type)
{
    bool same;

    luaL_checktype(L, index, LUA_TUSERDATA);
    if (!lua_getmetatable(L, index))
        lua_pushnil(L);
    luaL_getmetatable(L, type);
    same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}

/* NULL: it was let go. */
static struct ccaas_waker *find_waker(lua_State *L, int index)
{
    struct ccaas_call *call;
    struct ccaas_subscription *sub;
    struct ccaas_gather *gather;

    if (is_a(L, index, CC_CALL_TYPE)) {
        call = cc_binding_call_or_null(L, index);
        return call ? ccaas_call_waker(call) : NULL;
    }
    if (is_a(L, index, CC_SUBSCRIPTION_TYPE)) {
        sub = cc_binding_subscription_or_null(L, index);
        return sub ? ccaas_subscription_waker(sub) : NULL;
    }
    gather = find_gather(L, index);
    return gather ? ccaas_gather_waker(gather) : NULL;
}

struct ccaas_waker *cc_binding_check_waker(lua_State *L, int index)
{
    struct ccaas_waker *waker = find_waker(L, index);

    if (!waker)
        luaL_error(L, "the stream is closed");
    return waker;
}

int cc_binding_new_gather(lua_State *L)
{
    struct gather_box *box = cc_newuserdata(L, sizeof *box);

    box->gather = NULL;
    luaL_getmetatable(L, GATHER_TYPE);
    lua_setmetatable(L, -2);
    box->gather = ccaas_gather_new();
    if (!box->gather)
        return luaL_error(L, "not enough memory");
    return 1;
}

/* gather:add(call, subscription or gather, own [, mark]): what wakes that wakes
 * the gather, too, and leaves the mark (a whole number from 0); own: nobody
 * else reads it.  -> false: it was woken since it was last looked at. */
static int gather_add(lua_State *L)
{
    struct ccaas_gather *gather = check_gather(L);
    struct ccaas_waker *waker = cc_binding_check_waker(L, 2);

    if (!ccaas_gather_add(gather, waker, lua_toboolean(L, 3),
                          (int)luaL_optinteger(L, 4, -1)))
        return luaL_error(L, "not enough memory");
    lua_pushboolean(L, cc_waker_is_armed(waker));
    return 1;
}

static int gather_remove(lua_State *L)
{
    struct ccaas_gather *gather = find_gather(L, 1);
    struct ccaas_waker *waker = find_waker(L, 2);

    if (gather && waker)
        ccaas_gather_remove(gather, waker);
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

/* gather:arm(): take from all once more, then wait. */
static int gather_arm(lua_State *L)
{
    struct ccaas_gather *gather = find_gather(L, 1);

    if (gather)
        ccaas_gather_arm(gather);
    return 0;
}

/* gather:fd() -> the descriptor to wait for; -1: none could be made, or it is
 * closed. */
static int gather_fd(lua_State *L)
{
    struct ccaas_gather *gather = find_gather(L, 1);

    lua_pushinteger(L, gather ? ccaas_gather_fd(gather) : -1);
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

/* gather:wake() wakes who waits. */
static int gather_wake(lua_State *L)
{
    struct ccaas_gather *gather = find_gather(L, 1);

    if (gather)
        cc_waker_wake(ccaas_gather_waker(gather));
    return 0;
}

/* gather:close() gives the descriptor back; safe to call twice.  What is done
 * with it after that does nothing. */
static int gather_close(lua_State *L)
{
    struct ccaas_gather *gather = find_gather(L, 1);

    if (gather)
        ccaas_gather_close(gather);
    return 0;
}

static int gather_free(lua_State *L)
{
    struct gather_box *box = luaL_checkudata(L, 1, GATHER_TYPE);

    ccaas_gather_free(box->gather);
    box->gather = NULL;
    return 0;
}

void cc_binding_gather(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"add", gather_add},       {"remove", gather_remove},
        {"arm", gather_arm},       {"fd", gather_fd},
        {"disarm", gather_disarm}, {"wake", gather_wake},
        {"forked", gather_forked}, {"mark", gather_mark},
        {"close", gather_close},   {NULL, NULL}};

    luaL_newmetatable(L, GATHER_TYPE);
    lua_pushcfunction(L, gather_free);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    cc_setfuncs(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
