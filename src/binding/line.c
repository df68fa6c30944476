/* core.door and core.line: how a loop waits that has sockets of its own only.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "binding.h"
#include "compat.h"
#include "door.h"

#define LINE_TYPE "ccaas.core.line"

struct line_box {
    struct cc_line *line; /* NULL: let go */
};

static struct cc_line *check_line(lua_State *L)
{
    struct line_box *box = luaL_checkudata(L, 1, LINE_TYPE);

    if (!box->line)
        luaL_error(L, "the line is closed");
    return box->line;
}

/* core.door() -> the path of the unix socket to connect to, or nil and why
 * there is none. */
int cc_binding_door(lua_State *L)
{
    struct ccaas_door *door = ccaas_engine_door(cc_binding_engine(L));

    if (door) {
        lua_pushstring(L, cc_door_path(door));
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, strerror(errno));
    return 2;
}

/* core.line() -> our end of the connection made just before, or nil. */
int cc_binding_new_line(lua_State *L)
{
    struct ccaas_door *door = ccaas_engine_door(cc_binding_engine(L));
    struct line_box *box = cc_newuserdata(L, sizeof *box);

    box->line = NULL;
    luaL_getmetatable(L, LINE_TYPE);
    lua_setmetatable(L, -2);
    if (door)
        box->line = cc_door_accept(door);
    if (!box->line)
        lua_pushnil(L);
    return 1;
}

/* line:attach(call, gather or nil): this is what is waited for. */
static int line_attach(lua_State *L)
{
    struct cc_line *line = check_line(L);
    struct ccaas_waker *waker = NULL;

    if (!lua_isnoneornil(L, 2))
        waker = cc_binding_check_waker(L, 2);
    cc_line_attach(line, waker);
    return 0;
}

/* line:lend(seconds or nil) -> true: a byte will come, at the latest when the
 * time is up; false: there is news already. */
static int line_lend(lua_State *L)
{
    bool lent = cc_line_lend(check_line(L), luaL_optnumber(L, 2, INFINITY));

    /* A reader who was cut off before that woke nobody here: what he read is
     * closed now, which wakes whoever waits for what he had. */
    ccaas_engine_sweep(cc_binding_engine(L));
    lua_pushboolean(L, lent);
    return 1;
}

static int line_take_back(lua_State *L)
{
    cc_line_take_back(check_line(L));
    return 0;
}

/* line:ping(): a byte comes now. */
static int line_ping(lua_State *L)
{
    cc_line_ping(check_line(L));
    return 0;
}

/* line:idle() -> may it serve somebody else? */
static int line_idle(lua_State *L)
{
    lua_pushboolean(L, cc_line_idle(check_line(L)));
    return 1;
}

/* line:close(); safe to call twice. */
static int line_close(lua_State *L)
{
    struct line_box *box = luaL_checkudata(L, 1, LINE_TYPE);

    cc_line_close(box->line);
    box->line = NULL;
    return 0;
}

void cc_binding_line(lua_State *L)
{
    static const luaL_Reg methods[] = {{"attach", line_attach},
                                       {"lend", line_lend},
                                       {"take_back", line_take_back},
                                       {"ping", line_ping},
                                       {"idle", line_idle},
                                       {"close", line_close},
                                       {NULL, NULL}};

    luaL_newmetatable(L, LINE_TYPE);
    lua_pushcfunction(L, line_close);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    cc_setfuncs(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
