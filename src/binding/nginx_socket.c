/* core.nginx_socket and core.nginx_connection: how a loop waits that has
 * sockets of its own only.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "binding.h"
#include "compat.h"
#include "nginx_socket.h"

#define CONNECTION_TYPE "ccaas.core.nginx_connection"

struct connection_box {
    struct cc_nginx_connection *connection; /* NULL: let go */
};

static struct cc_nginx_connection *check_connection(lua_State *L)
{
    struct connection_box *box = luaL_checkudata(L, 1, CONNECTION_TYPE);

    if (!box->connection)
        luaL_error(L, "the connection is closed");
    return box->connection;
}

/* core.nginx_socket() -> the path of the unix socket to connect to, or nil and
 * why there is none. */
int cc_binding_nginx_socket(lua_State *L)
{
    struct ccaas_nginx_socket *listener =
        ccaas_engine_nginx_socket(cc_binding_engine(L));

    if (listener) {
        lua_pushstring(L, cc_nginx_socket_path(listener));
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, strerror(errno));
    return 2;
}

/* core.nginx_connection() -> our end of the connection made just before, or
 * nil. */
int cc_binding_new_nginx_connection(lua_State *L)
{
    struct ccaas_nginx_socket *listener =
        ccaas_engine_nginx_socket(cc_binding_engine(L));
    struct connection_box *box = cc_newuserdata(L, sizeof *box);

    box->connection = NULL;
    luaL_getmetatable(L, CONNECTION_TYPE);
    lua_setmetatable(L, -2);
    if (listener)
        box->connection = cc_nginx_socket_accept(listener);
    if (!box->connection)
        lua_pushnil(L);
    return 1;
}

/* connection:attach(call, waitset or nil): this is what is waited for. */
static int connection_attach(lua_State *L)
{
    struct cc_nginx_connection *connection = check_connection(L);
    struct ccaas_waker *waker = NULL;

    if (!lua_isnoneornil(L, 2))
        waker = cc_binding_check_waker(L, 2);
    cc_nginx_connection_attach(connection, waker);
    return 0;
}

/* connection:lend(seconds or nil) -> true: a byte will come, at the latest when
 * the time is up; false: there is news already. */
static int connection_lend(lua_State *L)
{
    bool lent = cc_nginx_connection_lend(check_connection(L),
                                         luaL_optnumber(L, 2, INFINITY));

    /* A reader who was cut off before that woke nobody here: what he read is
     * closed now, which wakes whoever waits for what he had. */
    ccaas_engine_sweep(cc_binding_engine(L));
    lua_pushboolean(L, lent);
    return 1;
}

static int connection_take_back(lua_State *L)
{
    cc_nginx_connection_take_back(check_connection(L));
    return 0;
}

/* connection:ping(): a byte comes now. */
static int connection_ping(lua_State *L)
{
    cc_nginx_connection_ping(check_connection(L));
    return 0;
}

/* connection:idle() -> may it serve somebody else? */
static int connection_idle(lua_State *L)
{
    lua_pushboolean(L, cc_nginx_connection_idle(check_connection(L)));
    return 1;
}

/* connection:close(); safe to call twice. */
static int connection_close(lua_State *L)
{
    struct connection_box *box = luaL_checkudata(L, 1, CONNECTION_TYPE);

    cc_nginx_connection_close(box->connection);
    box->connection = NULL;
    return 0;
}

void cc_binding_nginx_connection(lua_State *L)
{
    static const luaL_Reg methods[] = {{"attach", connection_attach},
                                       {"lend", connection_lend},
                                       {"take_back", connection_take_back},
                                       {"ping", connection_ping},
                                       {"idle", connection_idle},
                                       {"close", connection_close},
                                       {NULL, NULL}};

    luaL_newmetatable(L, CONNECTION_TYPE);
    lua_pushcfunction(L, connection_close);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    cc_setfuncs(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
