/* core.waitset: one descriptor for many calls and subscriptions.
 *
 * A finaliser of the user's may close a stream of events in the middle of
 * anything, and after the finalisers of what the stream stands on: so whatever
 * is done to close one does nothing where the waitset was let go. */
#include "binding.h"
#include "compat.h"
#include "waker.h"

#define GATHER_TYPE "ccaas.core.waitset"

struct waitset_box {
    struct ccaas_waitset *waitset; /* NULL: let go */
};

/* NULL: it was let go. */
static struct ccaas_waitset *find_waitset(lua_State *L, int index)
{
    struct waitset_box *box = luaL_checkudata(L, index, GATHER_TYPE);

    return box->waitset;
}

static struct ccaas_waitset *check_waitset(lua_State *L)
{
    struct ccaas_waitset *waitset = find_waitset(L, 1);

    if (!waitset)
        luaL_error(L, "the stream is closed");
    return waitset;
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
    struct ccaas_waitset *waitset;

    if (is_a(L, index, CC_CALL_TYPE)) {
        call = cc_binding_call_or_null(L, index);
        return call ? ccaas_call_waker(call) : NULL;
    }
    if (is_a(L, index, CC_SUBSCRIPTION_TYPE)) {
        sub = cc_binding_subscription_or_null(L, index);
        return sub ? ccaas_subscription_waker(sub) : NULL;
    }
    waitset = find_waitset(L, index);
    return waitset ? ccaas_waitset_waker(waitset) : NULL;
}

struct ccaas_waker *cc_binding_check_waker(lua_State *L, int index)
{
    struct ccaas_waker *waker = find_waker(L, index);

    if (!waker)
        luaL_error(L, "the stream is closed");
    return waker;
}

int cc_binding_new_waitset(lua_State *L)
{
    struct waitset_box *box = cc_newuserdata(L, sizeof *box);

    box->waitset = NULL;
    luaL_getmetatable(L, GATHER_TYPE);
    lua_setmetatable(L, -2);
    box->waitset = ccaas_waitset_new();
    if (!box->waitset)
        return luaL_error(L, "not enough memory");
    return 1;
}

/* waitset:add(call, subscription or waitset, own [, mark]): what wakes that
 * wakes the waitset, too, and leaves the mark (a whole number from 0); own:
 * nobody else reads it.  -> false: it was woken since it was last looked at. */
static int waitset_add(lua_State *L)
{
    struct ccaas_waitset *waitset = check_waitset(L);
    struct ccaas_waker *waker = cc_binding_check_waker(L, 2);

    if (!ccaas_waitset_add(waitset, waker, lua_toboolean(L, 3),
                           (int)luaL_optinteger(L, 4, -1)))
        return luaL_error(L, "not enough memory");
    lua_pushboolean(L, cc_waker_is_armed(waker));
    return 1;
}

static int waitset_remove(lua_State *L)
{
    struct ccaas_waitset *waitset = find_waitset(L, 1);
    struct ccaas_waker *waker = find_waker(L, 2);

    if (waitset && waker)
        ccaas_waitset_remove(waitset, waker);
    return 0;
}

/* waitset:mark() -> a mark that was left, or nil. */
static int waitset_mark(lua_State *L)
{
    int mark = ccaas_waitset_mark(check_waitset(L));

    if (mark < 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, mark);
    return 1;
}

/* waitset:arm(): take from all once more, then wait. */
static int waitset_arm(lua_State *L)
{
    struct ccaas_waitset *waitset = find_waitset(L, 1);

    if (waitset)
        ccaas_waitset_arm(waitset);
    return 0;
}

/* waitset:fd() -> the descriptor to wait for; -1: none could be made, or it is
 * closed. */
static int waitset_fd(lua_State *L)
{
    struct ccaas_waitset *waitset = find_waitset(L, 1);

    lua_pushinteger(L, waitset ? ccaas_waitset_fd(waitset) : -1);
    return 1;
}

static int waitset_disarm(lua_State *L)
{
    ccaas_waitset_disarm(check_waitset(L));
    return 0;
}

/* waitset:forked() -> true in a child of the process that armed it. */
static int waitset_forked(lua_State *L)
{
    lua_pushboolean(L, ccaas_waitset_forked(check_waitset(L)));
    return 1;
}

/* waitset:wake() wakes who waits. */
static int waitset_wake(lua_State *L)
{
    struct ccaas_waitset *waitset = find_waitset(L, 1);

    if (waitset)
        cc_waker_wake(ccaas_waitset_waker(waitset));
    return 0;
}

/* waitset:close() gives the descriptor back; safe to call twice.  What is done
 * with it after that does nothing. */
static int waitset_close(lua_State *L)
{
    struct ccaas_waitset *waitset = find_waitset(L, 1);

    if (waitset)
        ccaas_waitset_close(waitset);
    return 0;
}

static int waitset_free(lua_State *L)
{
    struct waitset_box *box = luaL_checkudata(L, 1, GATHER_TYPE);

    ccaas_waitset_free(box->waitset);
    box->waitset = NULL;
    return 0;
}

void cc_binding_waitset(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"add", waitset_add},       {"remove", waitset_remove},
        {"arm", waitset_arm},       {"fd", waitset_fd},
        {"disarm", waitset_disarm}, {"wake", waitset_wake},
        {"forked", waitset_forked}, {"mark", waitset_mark},
        {"close", waitset_close},   {NULL, NULL}};

    luaL_newmetatable(L, GATHER_TYPE);
    lua_pushcfunction(L, waitset_free);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    cc_setfuncs(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
