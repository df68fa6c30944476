/* core.client: settings, a token, events. */
#include "binding.h"
#include "compat.h"

struct client_box {
    struct ccaas_client *client; /* NULL: closed */
};

static struct client_box *check_box(lua_State *L, int index)
{
    return luaL_checkudata(L, index, CC_CLIENT_TYPE);
}

struct ccaas_client *cc_binding_client_or_null(lua_State *L, int index)
{
    return check_box(L, index)->client;
}

struct ccaas_client *cc_binding_check_client(lua_State *L, int index)
{
    struct client_box *box = check_box(L, index);

    if (!box->client)
        luaL_error(L, "the client is closed");
    return box->client;
}

static void read_dialect(lua_State *L, struct ccaas_dialect *dialect)
{
    dialect->messages = cc_binding_list(L, "messages", NULL);
    lua_insert(L, -2);
    dialect->codes = cc_binding_list(L, "codes", NULL);
    lua_insert(L, -2);
    dialect->references = cc_binding_list(L, "references", NULL);
    lua_insert(L, -2);
    dialect->throttles = cc_binding_list(L, "throttles", NULL);
    lua_insert(L, -2);
    dialect->past_end = cc_binding_text(L, "past_end");
}

int cc_binding_new_client(lua_State *L)
{
    struct ccaas_settings settings = {0};
    struct client_box *box;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    box = cc_newuserdata(L, sizeof *box);
    box->client = NULL;
    luaL_getmetatable(L, CC_CLIENT_TYPE);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, 1);
    settings.token_url = cc_binding_text(L, "token_url");
    settings.key = cc_binding_text(L, "key");
    settings.secret = cc_binding_text(L, "secret");
    settings.token = cc_binding_text(L, "token");
    settings.ca_file = cc_binding_text(L, "ca_file");
    settings.proxy = cc_binding_text(L, "proxy");
    settings.user_agent = cc_binding_text(L, "user_agent");
    settings.connect_timeout = cc_binding_setting(L, "connect_timeout");
    settings.timeout = cc_binding_setting(L, "timeout");
    settings.retries = (unsigned)cc_binding_setting(L, "retries");
    settings.events = cc_binding_flag(L, "events");
    settings.fair = cc_binding_flag(L, "fair");
    settings.ask_token = cc_binding_flag(L, "ask_token");
    settings.store = (unsigned)cc_binding_number(L, "store", 0);
    lua_getfield(L, -1, "dialect");
    luaL_checktype(L, -1, LUA_TTABLE);
    read_dialect(L, &settings.dialect);
    box->client = ccaas_client_new(cc_binding_engine(L), &settings);
    if (!box->client)
        return luaL_error(L, "not enough memory");
    lua_pushvalue(L, 2);
    return 1;
}

/* client:event() -> the oldest event that was kept, as a table, or nil. */
static int client_event(lua_State *L)
{
    struct client_box *box = check_box(L, 1);
    struct ccaas_event event;

    if (!box->client || !ccaas_client_event(box->client, &event))
        return 0;
    lua_createtable(L, 0, 10);
#define TEXT(name, text)                                                       \
    if ((text)[0]) {                                                           \
        lua_pushstring(L, text);                                               \
        lua_setfield(L, -2, name);                                             \
    }
#define NUMBER(name, number, here)                                             \
    if (here) {                                                                \
        lua_pushnumber(L, number);                                             \
        lua_setfield(L, -2, name);                                             \
    }
#define INTEGER(name, number, here)                                            \
    if (here) {                                                                \
        lua_pushinteger(L, (lua_Integer)(number));                             \
        lua_setfield(L, -2, name);                                             \
    }
    TEXT("type", event.type)
    NUMBER("at", event.at, true)
    TEXT("method", event.method)
    TEXT("url", event.url)
    INTEGER("attempt", event.attempt, event.attempt)
    INTEGER("status", event.status, event.status)
    NUMBER("seconds", event.seconds, event.seconds >= 0)
    INTEGER("bytes", event.bytes, event.bytes >= 0)
    INTEGER("page", event.page, event.page >= 0)
    TEXT("code", event.code)
    TEXT("reason", event.reason)
    return 1;
}

/* client:due() -> is it time to let others have a turn? */
static int client_due(lua_State *L)
{
    struct client_box *box = check_box(L, 1);

    lua_pushboolean(L, box->client && ccaas_client_due(box->client));
    return 1;
}

/* client:rested(): others just had one. */
static int client_rested(lua_State *L)
{
    struct client_box *box = check_box(L, 1);

    if (box->client)
        ccaas_client_rested(box->client);
    return 0;
}

/* client:show(text) -> what a server said as it may be shown: without the
 * client's secrets, and as by core.show. */
static int client_show(lua_State *L)
{
    struct client_box *box = check_box(L, 1);
    size_t length;
    const char *text = luaL_checklstring(L, 2, &length);
    char shown[sizeof(((struct ccaas_error *)0)->message)] = "***";

    if (box->client)
        ccaas_client_show(box->client, shown, sizeof shown, text, length);
    lua_pushstring(L, shown);
    return 1;
}

/* client:close() ends everything of this client; safe to call twice. */
static int client_close(lua_State *L)
{
    struct client_box *box = check_box(L, 1);
    struct ccaas_client *client = box->client;

    box->client = NULL;
    if (client) {
        ccaas_client_close(client);
        ccaas_client_free(client);
    }
    return 0;
}

/* Flows hold the client: they may go on after it was collected. */
static int client_gc(lua_State *L)
{
    struct client_box *box = check_box(L, 1);

    ccaas_client_free(box->client);
    box->client = NULL;
    return 0;
}

void cc_binding_client(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"event", client_event},
        {"due", client_due},
        {"rested", client_rested},
        {"store_request", cc_binding_new_store_request},
        {"show", client_show},
        {"close", client_close},
        {NULL, NULL}};

    luaL_newmetatable(L, CC_CLIENT_TYPE);
    lua_pushcfunction(L, client_gc);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    cc_setfuncs(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
