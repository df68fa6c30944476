/* client:question(): what C wants of the client's store
 * (src/store/store_request.h).
 *
 * On the Lua side's thread.  The userdata holds the client; one that is
 * collected before it was answered (its coroutine is gone) is asked of somebody
 * else.
 */
#include <string.h>

#include "binding.h"
#include "compat.h"

struct question_box {
    struct ccaas_client *client; /* NULL: answered */
    uint64_t id;
};

static struct question_box *check_box(lua_State *L)
{
    return luaL_checkudata(L, 1, CC_QUESTION_TYPE);
}

static void let_go(struct question_box *box)
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

/* client:question() -> question, kind, { key, lease, owner, value, seconds };
 * or nothing. */
int cc_binding_new_question(lua_State *L)
{
    static const char *const kinds[] = {
        [CCAAS_QUESTION_FIND] = "find",   [CCAAS_QUESTION_ENTER] = "enter",
        [CCAAS_QUESTION_HOLD] = "hold",   [CCAAS_QUESTION_KEEP] = "keep",
        [CCAAS_QUESTION_LEAVE] = "leave", [CCAAS_QUESTION_TELL] = "tell",
    };
    struct ccaas_client *client = cc_binding_client_or_null(L, 1);
    struct ccaas_question question;
    struct question_box *box;

    if (!client)
        return 0;
    box = cc_newuserdata(L, sizeof *box);
    box->client = NULL;
    luaL_getmetatable(L, CC_QUESTION_TYPE);
    lua_setmetatable(L, -2);
    if (!ccaas_client_question(client, &question))
        return 0;
    box->id = question.id;
    box->client = ccaas_client_hold(client);
    lua_pushstring(L, kinds[question.kind]);
    lua_createtable(L, 0, 5);
    set_text(L, "key", question.key);
    set_text(L, "lease", question.lease);
    set_text(L, "owner", question.owner);
    set_text(L, "value", question.value);
    lua_pushnumber(L, question.seconds);
    lua_setfield(L, -2, "seconds");
    return 3;
}

/* question:found(value) -> true: the value serves, and the question is over. */
static int question_found(lua_State *L)
{
    struct question_box *box = check_box(L);
    size_t length;
    const char *value = luaL_checklstring(L, 2, &length);
    bool serves =
        box->client && ccaas_client_found(box->client, box->id, value, length);

    if (serves)
        let_go(box);
    lua_pushboolean(L, serves);
    return 1;
}

/* question:reply("done" or "busy" or "failed", reason). */
static int question_reply(lua_State *L)
{
    static const char *const words[] = {
        [CCAAS_REPLY_DONE] = "done",
        [CCAAS_REPLY_BUSY] = "busy",
        [CCAAS_REPLY_FAILED] = "failed",
        NULL,
    };
    struct question_box *box = check_box(L);
    int reply = luaL_checkoption(L, 2, NULL, words);
    const char *reason = luaL_optstring(L, 3, NULL);

    if (box->client)
        ccaas_client_reply(box->client, box->id, (enum ccaas_reply)reply,
                           reason);
    let_go(box);
    return 0;
}

static int question_gc(lua_State *L)
{
    struct question_box *box = check_box(L);

    if (box->client)
        ccaas_client_abandon(box->client, box->id);
    let_go(box);
    return 0;
}

void cc_binding_question(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"found", question_found}, {"reply", question_reply}, {NULL, NULL}};

    cc_newmetatable(L, CC_QUESTION_TYPE);
    lua_pushcfunction(L, question_gc);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    cc_setfuncs(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
