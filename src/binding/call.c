/* core.call: one call; its `take` hands out what has arrived, decoded. */
#include <math.h>

#include "binding.h"
#include "compat.h"
#include "record.h"

struct call_box {
    struct ccaas_call *call; /* NULL: let go */
    bool raw;                /* the record is bytes, not JSON */
    bool rows;               /* every record has to be an object */
    bool in_place;           /* a piece stays where it is until the next take */
    struct ccaas_record
        piece;       /* that piece; its bytes are NULL: there is none */
    char totals[32]; /* the name of a totals row; "": there are none */
};

static struct call_box *check_box(lua_State *L, int index)
{
    return luaL_checkudata(L, index, CC_CALL_TYPE);
}

struct ccaas_call *cc_binding_call_or_null(lua_State *L, int index)
{
    return check_box(L, index)->call;
}

struct ccaas_call *cc_binding_check_call(lua_State *L, int index)
{
    struct call_box *box = check_box(L, index);

    if (!box->call)
        luaL_error(L, "the stream is closed");
    return box->call;
}

/* Gives up the piece that is in its place. */
static void drop_piece(struct call_box *box)
{
    if (!box->piece.bytes)
        return;
    box->piece.bytes = NULL;
    box->piece.length = 0;
    ccaas_call_admit(box->call, NULL, 0);
}

const char *cc_binding_check_bytes(lua_State *L, int index, size_t *length)
{
    struct call_box *box;

    if (lua_type(L, index) != LUA_TUSERDATA)
        return luaL_checklstring(L, index, length);
    box = check_box(L, index);
    luaL_argcheck(L, box->piece.bytes, index, "no piece is at hand");
    *length = box->piece.length;
    return box->piece.bytes;
}

/* -- Making one -------------------------------------------------------------
 */

static enum ccaas_body read_body(lua_State *L)
{
    static const char *const names[] = {
        "whole",        "json",   "array", "array_or_key",
        "array_or_one", "chunks", NULL};
    int kind;

    lua_getfield(L, -1, "body");
    kind = luaL_checkoption(L, -1, NULL, names);
    lua_pop(L, 1);
    return (enum ccaas_body)kind;
}

static enum ccaas_format read_format(lua_State *L)
{
    static const char *const names[] = {"any", "json", "ogg", NULL};
    int format;

    lua_getfield(L, -1, "format");
    format = luaL_checkoption(L, -1, "any", names);
    lua_pop(L, 1);
    return (enum ccaas_format)format;
}

/* The plan at index -1; leaves what it points to on the stack above it. */
static void read_plan(lua_State *L, struct ccaas_call_plan *plan)
{
    const int table = lua_gettop(L);

    plan->method = cc_binding_text(L, "method");
    plan->idempotent = cc_binding_flag(L, "idempotent");
    plan->anonymous = cc_binding_flag(L, "anonymous");
    plan->body = read_body(L);
    plan->format = read_format(L);
    plan->key = cc_binding_text(L, "key");
    plan->unique = cc_binding_flag(L, "unique");
    plan->counted = cc_binding_flag(L, "counted");
    plan->resume = cc_binding_flag(L, "resume");
    plan->patient = cc_binding_flag(L, "patient");
    plan->pace = cc_binding_text(L, "pace");
    plan->pace_seconds = cc_binding_number(L, "pace_seconds", 0);
    plan->paged = cc_binding_flag(L, "paged");
    plan->page_name = cc_binding_text(L, "page_name");
    plan->size_name = cc_binding_text(L, "size_name");
    plan->first_page = (int64_t)cc_binding_number(L, "page", 0);
    plan->page_size = (int64_t)cc_binding_number(L, "size", 1);
    plan->verify = cc_binding_flag(L, "verify");
    plan->limit = (int64_t)cc_binding_number(L, "limit", -1);
    plan->concurrency = (unsigned)cc_binding_number(L, "concurrency", 1);
    plan->retries = (unsigned)cc_binding_setting(L, "retries");
    plan->timeout = cc_binding_setting(L, "timeout");
    plan->deadline = cc_binding_number(L, "deadline", INFINITY);
    plan->max_retry_after = cc_binding_number(L, "max_retry_after", INFINITY);
    plan->max_record = (uint64_t)cc_binding_setting(L, "max_record");
    plan->max_body = (uint64_t)cc_binding_setting(L, "max_body");
    lua_getfield(L, table, "content");
    plan->content = lua_tolstring(L, -1, &plan->content_length);
    lua_pushvalue(L, table);
    plan->urls = cc_binding_list(L, "urls", &plan->url_count);
    lua_pushvalue(L, table);
    plan->headers = cc_binding_list(L, "headers", NULL);
    lua_pushvalue(L, table);
    plan->page_headers = cc_binding_list(L, "page_headers", NULL);
}

/* Pushes a decoder for the plan's shape (a table in its field "shape"). */
static void push_decoder(lua_State *L, int table)
{
    lua_getfield(L, table, "shape");
    cc_record_push_decoder(L, lua_gettop(L));
    lua_remove(L, -2);
}

int cc_binding_new_call(lua_State *L)
{
    struct ccaas_client *client;
    struct ccaas_call_plan plan = {0};
    struct call_box *box;
    const char *totals;
    bool in_place;

    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    box = cc_newuserdata(L, sizeof *box);
    memset(box, 0, sizeof *box);
    luaL_getmetatable(L, CC_CALL_TYPE);
    lua_setmetatable(L, -2);
    lua_createtable(L, 1, 0);
    push_decoder(L, 2);
    lua_rawseti(L, -2, 1);
    cc_setuservalue(L, 3);
    lua_pushvalue(L, 2);
    totals = cc_binding_text(L, "totals");
    if (totals)
        strncpy(box->totals, totals, sizeof box->totals - 1);
    in_place = cc_binding_flag(L, "in_place");
    read_plan(L, &plan);
    if (!plan.method || !plan.url_count ||
        (plan.paged && (!plan.page_name || !plan.size_name)))
        return luaL_error(L, "the plan lacks a method, a url or page names");
    box->raw = plan.body == CCAAS_BODY_WHOLE || plan.body == CCAAS_BODY_CHUNKS;
    box->rows = !box->raw && plan.body != CCAAS_BODY_JSON;
    box->in_place = in_place && plan.body == CCAAS_BODY_CHUNKS;
    /* Not before: a collector may close it while the plan is read. */
    client = cc_binding_check_client(L, 1);
    box->call = ccaas_call_new(client, &plan);
    if (!box->call)
        return luaL_error(L, "not enough memory");
    lua_settop(L, 3);
    return 1;
}

/* -- Taking -------------------------------------------------------------------
 */

/* Is the row on top of the stack, which has no identity, the totals row? */
static bool is_totals(lua_State *L, const struct call_box *box)
{
    bool same = false;

    if (!box->totals[0] || !lua_istable(L, -1))
        return false;
    lua_getfield(L, -1, "name");
    if (lua_type(L, -1) == LUA_TSTRING)
        same = strcmp(lua_tostring(L, -1), box->totals) == 0;
    lua_pop(L, 1);
    return same;
}

#define DECODER 2 /* where take has the call's decoder on its stack */

/* The record, decoded and admitted: the number of values pushed; 0: there is
 * nothing to hand out of it. */
static int hand_out(lua_State *L, struct call_box *box,
                    const struct ccaas_record *record)
{
    struct cc_record_fault fault;
    struct cc_decoder *decoder;
    const char *identity = NULL;
    size_t length = 0;

    if (box->in_place) {
        box->piece = *record;
        lua_pushvalue(L, 1);
        return 1;
    }
    if (box->raw) {
        lua_pushlstring(L, record->bytes, record->length);
        return ccaas_call_admit(box->call, NULL, 0) == CCAAS_ADMIT_NEW;
    }
    if (box->rows && record->bytes[0] != '{') {
        ccaas_call_malformed(box->call, 0, "a row is not an object");
        return 0;
    }
    if (!cc_decoder_run(L, DECODER, record->bytes, record->length, &fault)) {
        ccaas_call_malformed(box->call, fault.offset, fault.reason);
        return 0;
    }
    decoder = lua_touserdata(L, DECODER);
    if (!cc_decoder_identity(decoder, &identity, &length)) {
        identity = NULL;
        if (is_totals(L, box)) {
            if (!ccaas_call_totals(box->call))
                return 0;
            lua_pushliteral(L, "totals");
            return 2;
        }
    }
    switch (ccaas_call_admit(box->call, identity, length)) {
    case CCAAS_ADMIT_NEW:
        return 1;
    case CCAAS_ADMIT_AGAIN:
        return 0;
    case CCAAS_ADMIT_MEMORY:
        break;
    }
    ccaas_call_exhausted(box->call);
    return 0;
}

/* What `take` does, with the call as its one argument. */
static int take_unprotected(lua_State *L)
{
    static const char *const words[] = {
        [CCAAS_TAKE_PAGE] = "page",     [CCAAS_TAKE_WAIT] = "wait",
        [CCAAS_TAKE_PAUSE] = "pause",   [CCAAS_TAKE_ASK] = "ask",
        [CCAAS_TAKE_AFRESH] = "afresh", [CCAAS_TAKE_END] = "end",
        [CCAAS_TAKE_ERROR] = "error",
    };
    struct call_box *box = lua_touserdata(L, 1);
    struct ccaas_record record;
    enum ccaas_take taken;
    int pushed;

    cc_getuservalue(L, 1);
    lua_rawgeti(L, -1, 1);
    lua_replace(L, DECODER);
    drop_piece(box);
    while ((taken = ccaas_call_take(box->call, &record)) == CCAAS_TAKE_RECORD) {
        pushed = hand_out(L, box, &record);
        if (pushed)
            return pushed;
        lua_settop(L, DECODER);
    }
    lua_pushnil(L);
    lua_pushstring(L, words[taken]);
    return 2;
}

/* call:take() -> the next row [, "totals"], or nil and "wait", "pause", "ask",
 * "afresh", "page", "end" or "error".  With `in_place` it gives the call
 * itself, which then stands for the piece until the next take: see ogg:feed and
 * file:write, and #call.  One function for all calls: LuaJIT's
 * traces hold the functions that they call, and would hold each call with its
 * own. */
static int take(lua_State *L)
{
    struct call_box *box = check_box(L, 1);
    int status;

    if (!box->call)
        return luaL_error(L, "the stream is closed");
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    status = lua_pcall(L, 1, LUA_MULTRET, 0);
    if (!status)
        return lua_gettop(L) - 1;
    if (status != LUA_ERRMEM)
        return lua_error(L);
    /* Lua has no memory for what the server sent: this call ends, others go
     * on. */
    if (box->call)
        ccaas_call_exhausted(box->call);
    lua_pushnil(L);
    lua_pushvalue(L, lua_upvalueindex(2));
    return 2;
}

/* -- Looking at it
 * -------------------------------------------------------------- */

/* call:fd() -> the descriptor that tells when a take is worth another try. */
static int call_fd(lua_State *L)
{
    lua_pushinteger(L, ccaas_call_fd(cc_binding_check_call(L, 1)));
    return 1;
}

/* call:waiting(true), and false afterwards: somebody waits for the
 * descriptor. */
static int call_waiting(lua_State *L)
{
    ccaas_call_waiting(cc_binding_check_call(L, 1), lua_toboolean(L, 2));
    return 0;
}

/* call:timeout() -> seconds after which it is in any case, or nil. */
static int call_timeout(lua_State *L)
{
    double seconds = ccaas_call_timeout(cc_binding_check_call(L, 1));

    if (isinf(seconds))
        lua_pushnil(L);
    else
        lua_pushnumber(L, seconds);
    return 1;
}

/* call:error() -> the error that a take reported, as a plain table. */
static int call_error(lua_State *L)
{
    cc_binding_push_error(L, ccaas_call_error(cc_binding_check_call(L, 1)));
    return 1;
}

/* call:token_reason() -> why a token is wanted, or nil. */
static int call_token_reason(lua_State *L)
{
    lua_pushstring(L, ccaas_call_token_reason(cc_binding_check_call(L, 1)));
    return 1;
}

/* call:token(text or nil) answers it. */
static int call_token(lua_State *L)
{
    ccaas_call_give_token(cc_binding_check_call(L, 1), lua_tostring(L, 2));
    return 0;
}

/* call:response() -> the newest answer's status and its headers, and where a
 * redirect led to, or nil. */
static int call_response(lua_State *L)
{
    struct ccaas_call *call = cc_binding_check_call(L, 1);
    size_t length;
    const char *at = ccaas_call_headers(call, &length), *end = at + length;
    const char *value;

    lua_pushinteger(L, ccaas_call_status(call));
    lua_newtable(L);
    for (; at && at < end; at = value + strlen(value) + 1) {
        value = at + strlen(at) + 1;
        lua_getfield(L, -1, at);
        if (lua_isnil(L, -1))
            lua_pushstring(L, value);
        else
            lua_pushfstring(L, "%s, %s", lua_tostring(L, -1), value);
        lua_setfield(L, -3, at);
        lua_pop(L, 1);
    }
    lua_pushstring(L, ccaas_call_moved(call));
    return 3;
}

/* A count, left out where it is not known. */
static void set_count(lua_State *L, const char *name, int64_t count)
{
    if (count < 0)
        return;
    lua_pushinteger(L, (lua_Integer)count);
    lua_setfield(L, -2, name);
}

static void set_time(lua_State *L, const char *name, double seconds)
{
    if (seconds < 0)
        return;
    lua_pushnumber(L, seconds);
    lua_setfield(L, -2, name);
}

/* call:info() -> a table of counts; `page` and `walk` are of the page that was
 * read last. */
static int call_info(lua_State *L)
{
    struct ccaas_info info;

    ccaas_call_info(cc_binding_check_call(L, 1), &info);
    lua_createtable(L, 0, 14);
    set_count(L, "pages", info.pages);
    set_count(L, "total_pages", info.total_pages);
    set_count(L, "total", info.total);
    set_count(L, "rows", info.rows);
    set_count(L, "duplicates", info.duplicates);
    set_count(L, "missing", info.missing);
    set_count(L, "passes", info.passes);
    set_count(L, "page", info.page);
    set_count(L, "walk", info.walk);
    lua_pushboolean(L, info.shrunk);
    lua_setfield(L, -2, "shrunk");
    if (info.clean >= 0) {
        lua_pushboolean(L, info.clean);
        lua_setfield(L, -2, "clean");
    }
    set_time(L, "first_at", info.first_at);
    set_time(L, "last_at", info.last_at);
    return 1;
}

/* call:close() cancels; safe to call twice. */
static int call_close(lua_State *L)
{
    struct call_box *box = check_box(L, 1);

    if (box->call) {
        drop_piece(box);
        ccaas_call_close(box->call);
    }
    return 0;
}

/* #call -> the bytes of the piece at hand. */
static int call_length(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)check_box(L, 1)->piece.length);
    return 1;
}

static int call_gc(lua_State *L)
{
    struct call_box *box = check_box(L, 1);

    ccaas_call_free(box->call);
    box->call = NULL;
    return 0;
}

void cc_binding_call(lua_State *L)
{
    static const luaL_Reg methods[] = {{"fd", call_fd},
                                       {"waiting", call_waiting},
                                       {"timeout", call_timeout},
                                       {"error", call_error},
                                       {"response", call_response},
                                       {"info", call_info},
                                       {"token_reason", call_token_reason},
                                       {"token", call_token},
                                       {"close", call_close},
                                       {NULL, NULL}};

    luaL_newmetatable(L, CC_CALL_TYPE);
    lua_pushcfunction(L, call_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, call_length);
    lua_setfield(L, -2, "__len");
    lua_newtable(L);
    cc_setfuncs(L, methods);
    lua_pushcfunction(L, take_unprotected);
    lua_pushliteral(L, "error");
    lua_pushcclosure(L, take, 2);
    lua_setfield(L, -2, "take");
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
