/* client:store_request(): what C wants of the client's store
 * (src/store/store_request.h).
 *
 * On the Lua side's thread.  The userdata holds the client.  If it is collected
 * before it is answered (its coroutine is gone), the next reader gets the
 * request.
 */
#include <string.h>

#include "binding.h"
#include "compat.h"

struct request_box {
    struct ccaas_client *client; /* NULL: answered */
    uint64_t id;
};

static struct request_box *check_box(lua_State *L)
{
    return luaL_checkudata(L, 1, CC_STORE_REQUEST_TYPE);
}

static void let_go(struct request_box *box)
{
    struct ccaas_client *client = box->client;

    box->client = NULL;
    ccaas_client_free(client);
}

static void set_text(lua_State *L, const char *name, const char *text)
{
    lua_pushstring(L, text); /* nil for NULL */
    lua_setfield(L, -2, name);
}

/* client:store_request() -> request, kind, { key, lease, owner, value, seconds
 * }; or nothing. */
int cc_binding_new_store_request(lua_State *L)
{
    static const char *const kinds[] = {
        [CCAAS_STORE_FIND] = "find",   [CCAAS_STORE_ENTER] = "enter",
        [CCAAS_STORE_HOLD] = "hold",   [CCAAS_STORE_KEEP] = "keep",
        [CCAAS_STORE_LEAVE] = "leave", [CCAAS_STORE_TELL] = "tell",
    };
    struct ccaas_client *client = cc_binding_client_or_null(L, 1);
    struct ccaas_store_request request;
    struct request_box *box;

    if (!client)
        return 0;
    box = cc_newuserdata(L, sizeof *box);
    box->client = NULL;
    luaL_getmetatable(L, CC_STORE_REQUEST_TYPE);
    lua_setmetatable(L, -2);
    if (!ccaas_client_store_request(client, &request))
        return 0;
    box->id = request.id;
    box->client = ccaas_client_hold(client);
    lua_pushstring(L, kinds[request.kind]);
    lua_createtable(L, 0, 5);
    set_text(L, "key", request.key);
    set_text(L, "lease", request.lease);
    set_text(L, "owner", request.owner);
    set_text(L, "value", request.value);
    lua_pushnumber(L, request.seconds);
    lua_setfield(L, -2, "seconds");
    return 3;
}

/* request:found(value) -> true: the value serves, and the request is over. */
static int request_found(lua_State *L)
{
    struct request_box *box = check_box(L);
    size_t length;
    const char *value = luaL_checklstring(L, 2, &length);
    bool serves = box->client &&
                  ccaas_client_store_found(box->client, box->id, value, length);

    if (serves)
        let_go(box);
    lua_pushboolean(L, serves);
    return 1;
}

/* request:reply("done" or "busy" or "failed", reason). */
static int request_reply(lua_State *L)
{
    static const char *const words[] = {
        [CCAAS_STORE_DONE] = "done",
        [CCAAS_STORE_BUSY] = "busy",
        [CCAAS_STORE_FAILED] = "failed",
        NULL,
    };
    struct request_box *box = check_box(L);
    int reply = luaL_checkoption(L, 2, NULL, words);
    const char *reason = luaL_optstring(L, 3, NULL);

    if (box->client)
        ccaas_client_store_reply(box->client, box->id,
                                 (enum ccaas_store_reply)reply, reason);
    let_go(box);
    return 0;
}

static int request_gc(lua_State *L)
{
    struct request_box *box = check_box(L);

    if (box->client)
        ccaas_client_store_abandon(box->client, box->id);
    let_go(box);
    return 0;
}

void cc_binding_store_request(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"found", request_found}, {"reply", request_reply}, {NULL, NULL}};

    cc_newmetatable(L, CC_STORE_REQUEST_TYPE);
    lua_pushcfunction(L, request_gc);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    cc_setfuncs(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
