/* core.subscription: a subscription; its `take` hands out events. */
#include <math.h>
#include <string.h>

#include "binding.h"
#include "compat.h"
#include "number.h"
#include "record.h"

struct subscription_box {
    struct ccaas_subscription *sub; /* NULL: let go */
};

static struct subscription_box *check_box(lua_State *L, int index)
{
    return luaL_checkudata(L, index, CC_SUBSCRIPTION_TYPE);
}

struct ccaas_subscription *cc_binding_subscription_or_null(lua_State *L,
                                                           int index)
{
    return check_box(L, index)->sub;
}

struct ccaas_subscription *cc_binding_check_subscription(lua_State *L,
                                                         int index)
{
    struct subscription_box *box = check_box(L, index);

    if (!box->sub)
        luaL_error(L, "the stream is closed");
    return box->sub;
}

/* The plan's closing codes that refuse a token. */
static void read_refusals(lua_State *L, struct ccaas_subscription_plan *plan)
{
    int i;

    lua_getfield(L, -1, "refusals");
    for (i = 0; lua_istable(L, -1) && i < CCAAS_SUBSCRIPTION_REFUSALS; i++) {
        lua_rawgeti(L, -1, i + 1);
        plan->refusals[i] = (int)luaL_optinteger(L, -1, 0);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* The plan at index -1; leaves what it points to on the stack above it. */
static void read_plan(lua_State *L, struct ccaas_subscription_plan *plan)
{
    size_t parts;

    plan->url = cc_binding_text(L, "url");
    plan->token_name = cc_binding_text(L, "token_name");
    plan->queue = (size_t)cc_binding_setting(L, "queue");
    plan->block = cc_binding_flag(L, "block");
    plan->silence = cc_binding_setting(L, "silence");
    plan->reconnects = (int64_t)cc_binding_number(L, "reconnects", -1);
    plan->pause_first = cc_binding_setting(L, "pause_first");
    plan->pause_most = cc_binding_setting(L, "pause_most");
    plan->deadline = cc_binding_number(L, "deadline", INFINITY);
    plan->max_retry_after = cc_binding_number(L, "max_retry_after", INFINITY);
    plan->max_message = (size_t)cc_binding_setting(L, "max_message");
    read_refusals(L, plan);
    plan->paths = cc_binding_list(L, "paths", &parts);
    if (!plan->url || parts != CCAAS_UPDATE_PARTS)
        luaL_error(L, "the plan lacks a url or paths");
}

int cc_binding_new_subscription(lua_State *L)
{
    struct ccaas_subscription_plan plan = {0};
    struct subscription_box *box;

    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    box = cc_newuserdata(L, sizeof *box);
    box->sub = NULL;
    luaL_getmetatable(L, CC_SUBSCRIPTION_TYPE);
    lua_setmetatable(L, -2);
    lua_newtable(L); /* for the decoder, once one is needed */
    cc_setuservalue(L, 3);
    lua_pushvalue(L, 2);
    read_plan(L, &plan);
    /* Not before: a collector may close it while the plan is read. */
    box->sub = ccaas_subscription_new(cc_binding_check_client(L, 1), &plan);
    if (!box->sub)
        return luaL_error(L, "not enough memory");
    lua_settop(L, 3);
    return 1;
}

/* -- Events as tables
 * ----------------------------------------------------------- */

/* What `take` has as upvalues: it makes a table for every update, and to look
 * these up by their text each time would take as long as the rest. */
enum upvalue {
    META = 1,
    KEY_TYPE,
    KEY_METRIC,
    KEY_CATEGORY,
    KEY_KIND,
    KEY_VALUE,
    KEY_UPDATED,
    KEY_RAW,
    TYPE_UPDATE
};

static const char *const upvalue_texts[] = {"type", "metric_id", "category",
                                            "kind", "value",     "updated_at",
                                            "raw",  "update"};

/* The box at index 1, by the metatable that is an upvalue. */
static struct ccaas_subscription *check_live_quickly(lua_State *L)
{
    bool same = false;

    if (lua_getmetatable(L, 1)) {
        same = lua_rawequal(L, -1, lua_upvalueindex(META));
        lua_pop(L, 1);
    }
    if (same) {
        struct subscription_box *box = lua_touserdata(L, 1);

        if (box->sub)
            return box->sub;
    }
    return cc_binding_check_subscription(L, 1); /* says what is wrong */
}

/* Pushes the decoder, which most have no use for. */
static void push_decoder(lua_State *L)
{
    cc_getuservalue(L, 1);
    lua_rawgeti(L, -1, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_newtable(L);
        cc_record_push_decoder(L, lua_gettop(L));
        lua_remove(L, -2);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, 1);
    }
    lua_remove(L, -2);
}

/* Pushes a value that is no plain one, by the decoder. */
static void push_decoded(lua_State *L, const char *begin, size_t length)
{
    struct cc_record_fault fault;

    push_decoder(L);
    if (!cc_decoder_run(L, lua_gettop(L), begin, length, &fault))
        luaL_error(L, "a value that was read already is malformed: %s",
                   fault.reason);
    lua_remove(L, -2);
}

/* Sets a field of the table on top to a part, decoded; not when it is none. */
static void set_part(lua_State *L, int key, const struct ccaas_part *part)
{
    const char *begin = part->begin;
    size_t length = (size_t)(part->end - begin);
    struct cc_number number;

    if (!begin)
        return;
    lua_pushvalue(L, lua_upvalueindex(key));
    if (*begin == '"' && !memchr(begin, '\\', length))
        lua_pushlstring(L, begin + 1, length - 2);
    else if ((*begin == '-' || (*begin >= '0' && *begin <= '9')) &&
             cc_number_read(begin, part->end, NULL, 0, &number) &&
             number.is_integer)
        cc_pushinteger(L, number.integer);
    else
        push_decoded(L, begin, length);
    lua_rawset(L, -3);
}

static void push_update(lua_State *L, const struct ccaas_news *news)
{
    const struct ccaas_part *parts = news->parts;
    bool plain = parts[CCAAS_UPDATE_VALUE].begin != NULL;

    lua_createtable(L, 0, 7);
    lua_pushvalue(L, lua_upvalueindex(KEY_TYPE));
    lua_pushvalue(L, lua_upvalueindex(TYPE_UPDATE));
    lua_rawset(L, -3);
    set_part(L, KEY_METRIC, &parts[CCAAS_UPDATE_METRIC]);
    set_part(L, KEY_CATEGORY, &parts[CCAAS_UPDATE_CATEGORY]);
    set_part(L, KEY_KIND, &parts[CCAAS_UPDATE_KIND]);
    set_part(L, KEY_VALUE,
             &parts[plain ? CCAAS_UPDATE_VALUE : CCAAS_UPDATE_WHOLE]);
    set_part(L, KEY_UPDATED, &parts[CCAAS_UPDATE_UPDATED]);
    lua_pushvalue(L, lua_upvalueindex(KEY_RAW));
    lua_pushlstring(L, news->bytes, news->length);
    lua_rawset(L, -3);
}

static void push_message(lua_State *L, const struct ccaas_news *news)
{
    lua_createtable(L, 0, 4);
    lua_pushliteral(L, "message");
    lua_setfield(L, -2, "type");
    lua_pushlstring(L, news->bytes, news->length);
    lua_setfield(L, -2, "raw");
    if (news->binary) {
        lua_pushboolean(L, true);
        lua_setfield(L, -2, "binary");
    }
    if (news->fault) {
        lua_pushfstring(L, "not JSON: %s at byte %d", news->fault,
                        (int)news->fault_at);
        lua_setfield(L, -2, "fault");
    }
}

static void push_change(lua_State *L, const struct ccaas_news *news,
                        const char *type)
{
    lua_createtable(L, 0, 4);
    lua_pushstring(L, type);
    lua_setfield(L, -2, "type");
    lua_pushnumber(L, news->at);
    lua_setfield(L, -2, "at");
    if (news->attempt) {
        lua_pushinteger(L, (lua_Integer)news->attempt);
        lua_setfield(L, -2, "attempt");
    }
    if (news->from >= 0) {
        lua_pushnumber(L, news->from);
        lua_setfield(L, -2, "from");
    }
}

/* subscription:take() -> an update, and nil and true when nothing more is there
 * until it is woken; another event and its type; or nil and "wait", "ask",
 * "pause" or "error". */
static int take(lua_State *L)
{
    struct ccaas_subscription *sub = check_live_quickly(L);
    struct ccaas_news news;

    switch (ccaas_subscription_take(sub, &news)) {
    case CCAAS_NEWS_UPDATE:
        push_update(L, &news);
        if (!news.last)
            return 1;
        lua_pushnil(L);
        lua_pushboolean(L, true);
        return 3;
    case CCAAS_NEWS_MESSAGE:
        push_message(L, &news);
        lua_pushliteral(L, "message");
        return 2;
    case CCAAS_NEWS_OPEN:
        push_change(L, &news, "open");
        lua_pushliteral(L, "open");
        return 2;
    case CCAAS_NEWS_DOWN:
        push_change(L, &news, "down");
        cc_binding_push_error(L, news.error);
        lua_setfield(L, -2, "error");
        lua_pushliteral(L, "down");
        return 2;
    case CCAAS_NEWS_WAIT:
        lua_pushnil(L);
        lua_pushliteral(L, "wait");
        return 2;
    case CCAAS_NEWS_ASK:
        lua_pushnil(L);
        lua_pushliteral(L, "ask");
        return 2;
    case CCAAS_NEWS_PAUSE:
        lua_pushnil(L);
        lua_pushliteral(L, "pause");
        return 2;
    case CCAAS_NEWS_ERROR:
        break;
    }
    lua_pushnil(L);
    lua_pushliteral(L, "error");
    return 2;
}

/* subscription:note(metric, category, updated_at) -> false when a newer value
 * was given already. */
static int subscription_note(lua_State *L)
{
    struct ccaas_subscription *sub = cc_binding_check_subscription(L, 1);
    size_t metric, category, updated;
    const char *metric_text = luaL_checklstring(L, 2, &metric);
    const char *category_text = luaL_optlstring(L, 3, "", &category);
    const char *updated_text = luaL_optlstring(L, 4, "", &updated);

    lua_pushboolean(L, ccaas_subscription_note(sub, metric_text, metric,
                                               category_text, category,
                                               updated_text, updated));
    return 1;
}

/* -- Looking at it
 * -------------------------------------------------------------- */

/* subscription:timeout() -> seconds after which it is in any case, or nil. */
static int subscription_timeout(lua_State *L)
{
    double seconds =
        ccaas_subscription_timeout(cc_binding_check_subscription(L, 1));

    if (isinf(seconds))
        lua_pushnil(L);
    else
        lua_pushnumber(L, seconds);
    return 1;
}

/* subscription:error() -> the error that a take reported, as a plain table. */
static int subscription_error(lua_State *L)
{
    cc_binding_push_error(
        L, ccaas_subscription_error(cc_binding_check_subscription(L, 1)));
    return 1;
}

/* subscription:token_reason() -> why a token is wanted, or nil. */
static int subscription_token_reason(lua_State *L)
{
    lua_pushstring(L, ccaas_subscription_token_reason(
                          cc_binding_check_subscription(L, 1)));
    return 1;
}

/* subscription:token(text or nil) answers it. */
static int subscription_token(lua_State *L)
{
    ccaas_subscription_give_token(cc_binding_check_subscription(L, 1),
                                  lua_tostring(L, 2));
    return 0;
}

/* subscription:lost() -> has the socket ended, whatever is still to be taken?
 */
static int subscription_lost(lua_State *L)
{
    lua_pushboolean(
        L, ccaas_subscription_lost(cc_binding_check_subscription(L, 1)));
    return 1;
}

/* subscription:info() -> a table of counts. */
static int subscription_info(lua_State *L)
{
    struct ccaas_subscription_info info;

    ccaas_subscription_info(cc_binding_check_subscription(L, 1), &info);
    lua_createtable(L, 0, 8);
#define COUNT(name)                                                            \
    lua_pushinteger(L, (lua_Integer)info.name);                                \
    lua_setfield(L, -2, #name);
    COUNT(messages)
    COUNT(conflated)
    COUNT(stale)
    COUNT(waiting)
    COUNT(opened)
    COUNT(lost)
#undef COUNT
    return 1;
}

/* subscription:close() ends it; safe to call twice. */
static int subscription_close(lua_State *L)
{
    struct subscription_box *box = check_box(L, 1);

    if (box->sub)
        ccaas_subscription_close(box->sub);
    return 0;
}

static int subscription_gc(lua_State *L)
{
    struct subscription_box *box = check_box(L, 1);

    ccaas_subscription_free(box->sub);
    box->sub = NULL;
    return 0;
}

void cc_binding_subscription(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"note", subscription_note},
        {"timeout", subscription_timeout},
        {"error", subscription_error},
        {"token_reason", subscription_token_reason},
        {"token", subscription_token},
        {"info", subscription_info},
        {"lost", subscription_lost},
        {"close", subscription_close},
        {NULL, NULL}};
    const int texts = (int)(sizeof upvalue_texts / sizeof *upvalue_texts);

    luaL_newmetatable(L, CC_SUBSCRIPTION_TYPE);
    lua_pushcfunction(L, subscription_gc);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    cc_setfuncs(L, methods);
    lua_pushvalue(L, -2);
    for (int i = 0; i < texts; i++)
        lua_pushstring(L, upvalue_texts[i]);
    lua_pushcclosure(L, take, texts + 1);
    lua_setfield(L, -2, "take");
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
