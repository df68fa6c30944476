/*
 * live_native.c: what Lua may do with the websockets.  Called from Lua on the
 * sandbox's thread; memory is Lua's, so that nothing leaks when Lua throws.
 * A target is a metric's id (a string: its subscribers), a socket's number, a
 * socket that was prepared, or nil (all that are open).
 */
#include "compat.h"
#include "live.h"

#include <stdlib.h>
#include <string.h>

static struct cc_sandbox_live *live_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* --- targets -------------------------------------------------------------- */

typedef void visit_fn(lua_State *L, struct cc_sandbox_socket *socket,
                      void *data);

static struct cc_sandbox_metric *metric_at(lua_State *L, int index)
{
    struct cc_sandbox_metric *metric =
        cc_sandbox_live_metric(live_of(L), luaL_checkstring(L, index));
    if (!metric)
        luaL_error(L, "no memory");
    return metric;
}

/* Visits the sockets of the target at stack index 1. */
static void visit(lua_State *L, visit_fn *visitor, void *data)
{
    struct cc_sandbox_socket *socket = live_of(L)->sockets;
    if (lua_islightuserdata(L, 1)) {
        visitor(L, lua_touserdata(L, 1), data);
    } else if (lua_type(L, 1) == LUA_TSTRING) {
        struct cc_sandbox_subscription *at = metric_at(L, 1)->first;
        for (; at; at = at->next)
            visitor(L, at->socket, data);
    } else {
        bool all = lua_isnoneornil(L, 1);
        double id = luaL_optnumber(L, 1, 0);
        for (; socket; socket = socket->next)
            if (socket->wsi && (all || (double)socket->id == id))
                visitor(L, socket, data);
    }
}

/* --- sending -------------------------------------------------------------- */

struct sending {
    const char *bytes;
    size_t size;
    int opcode; /* 0: the bytes go as they are */
    const unsigned char *frames;
    size_t frames_size, fragments;
    uint64_t count;
};

static void frame_for(lua_State *L, struct sending *sending, size_t fragments)
{
    if (sending->frames && sending->fragments == fragments)
        return;
    unsigned char *frames =
        lua_newuserdata(L, cc_sandbox_frames_room(sending->size, fragments));
    sending->frames = frames;
    sending->fragments = fragments;
    sending->frames_size = cc_sandbox_frames_write(
        frames, sending->opcode, sending->bytes, sending->size, fragments);
    lua_replace(L, 4);
}

static void send_to(lua_State *L, struct cc_sandbox_socket *socket, void *data)
{
    struct sending *sending = data;
    if (sending->opcode)
        frame_for(L, sending, socket->manners.fragments);
    if (cc_sandbox_socket_queue(socket, sending->frames,
                                sending->frames_size)) {
        sending->count++;
        socket->sent += sending->opcode != 0;
    }
}

/* send(target, bytes, opcode) -> to how many */
static int live_send(lua_State *L)
{
    struct sending sending;
    memset(&sending, 0, sizeof sending);
    sending.bytes = luaL_checklstring(L, 2, &sending.size);
    sending.opcode = (int)luaL_optinteger(L, 3, CC_SANDBOX_TEXT);
    if (!sending.opcode) {
        sending.frames = (const unsigned char *)sending.bytes;
        sending.frames_size = sending.size;
    }
    lua_settop(L, 4);
    visit(L, send_to, &sending);
    if (sending.opcode && lua_type(L, 1) == LUA_TSTRING)
        metric_at(L, 1)->sent += sending.count;
    lua_pushinteger(L, (lua_Integer)sending.count);
    return 1;
}

/* --- floods --------------------------------------------------------------- */

/* Its sizes are known: one piece of memory, which no error can lose. */
static struct cc_sandbox_flood *make_flood(lua_State *L, int list)
{
    struct cc_sandbox_live *live = live_of(L);
    size_t count = cc_sandbox_rawlen(L, list), room = 0, size = 0;
    luaL_argcheck(L, count > 0, list, "no messages");
    for (size_t i = 1; i <= count; i++) {
        size_t length;
        lua_rawgeti(L, list, (int)i);
        luaL_checklstring(L, -1, &length);
        room += cc_sandbox_frames_room(length, live->manners.fragments);
        lua_pop(L, 1);
    }
    struct cc_sandbox_flood *flood =
        malloc(sizeof *flood + count * sizeof *flood->ends + room);
    if (!flood)
        luaL_error(L, "no memory");
    memset(flood, 0, sizeof *flood);
    flood->count = count;
    flood->ends = (size_t *)(flood + 1);
    flood->bytes = (char *)(flood->ends + count);
    for (size_t i = 1; i <= count; i++) {
        size_t length;
        lua_rawgeti(L, list, (int)i);
        const char *bytes = lua_tolstring(L, -1, &length);
        size += cc_sandbox_frames_write((unsigned char *)flood->bytes + size,
                                        CC_SANDBOX_TEXT, bytes, length,
                                        live->manners.fragments);
        flood->ends[i - 1] = size;
        lua_pop(L, 1);
    }
    return flood;
}

struct flooding {
    struct cc_sandbox_flood *flood;
    uint64_t count, sockets;
};

static void flood_one(lua_State *L, struct cc_sandbox_socket *socket,
                      void *data)
{
    struct flooding *flooding = data;
    (void)L;
    cc_sandbox_socket_flood(socket, flooding->flood, flooding->count);
    flooding->sockets += socket->flood != NULL;
}

/* flood(target, id, messages, count) -> to how many sockets.  The messages are
 * sent one after the other, over and over, `count` in all. */
static int live_flood(lua_State *L)
{
    struct cc_sandbox_metric *metric = metric_at(L, 2);
    luaL_checktype(L, 3, LUA_TTABLE);
    double count = luaL_checknumber(L, 4);
    struct flooding flooding = {make_flood(L, 3), (uint64_t)count, 0};
    flooding.flood->metric = metric;
    flooding.flood->refs = 1;
    visit(L, flood_one, &flooding);
    if (--flooding.flood->refs == 0)
        free(flooding.flood);
    lua_pushinteger(L, (lua_Integer)flooding.sockets);
    return 1;
}

/* --- manners and endings -------------------------------------------------- */

static double field(lua_State *L, const char *name, double absent)
{
    lua_getfield(L, 2, name);
    double n = luaL_optnumber(L, -1, absent);
    lua_pop(L, 1);
    return n;
}

static void change(lua_State *L, struct cc_sandbox_manners *manners)
{
    lua_getfield(L, 2, "mute");
    if (!lua_isnil(L, -1))
        manners->mute = lua_toboolean(L, -1);
    lua_pop(L, 1);
    manners->pong = field(L, "pong", manners->pong);
    manners->pings = field(L, "pings", manners->pings);
    manners->beat = field(L, "beat", manners->beat);
    manners->fragments =
        (size_t)field(L, "fragments", (double)manners->fragments);
    manners->buffer = (size_t)field(L, "buffer", (double)manners->buffer);
}

static void behave_one(lua_State *L, struct cc_sandbox_socket *socket,
                       void *data)
{
    struct cc_sandbox_manners manners = socket->manners;
    (void)data;
    change(L, &manners);
    cc_sandbox_socket_behave(socket, &manners);
}

/* behave(target, manners): those of the target, or of all, also those to come
 */
static int live_behave(lua_State *L)
{
    luaL_checktype(L, 2, LUA_TTABLE);
    if (lua_isnil(L, 1))
        change(L, &live_of(L)->manners);
    visit(L, behave_one, NULL);
    return 0;
}

struct dropping {
    int code; /* 0: no close frame */
    const char *reason;
    size_t size;
    bool reset;
    uint64_t count;
};

static void drop_one(lua_State *L, struct cc_sandbox_socket *socket, void *data)
{
    struct dropping *dropping = data;
    (void)L;
    dropping->count += socket->closing == CC_SANDBOX_OPEN;
    if (dropping->code)
        cc_sandbox_socket_close(socket, dropping->code, dropping->reason,
                                dropping->size);
    else
        cc_sandbox_socket_kill(socket, dropping->reset);
}

/* drop(target, code, reason, reset) -> how many were open */
static int live_drop(lua_State *L)
{
    struct dropping dropping;
    memset(&dropping, 0, sizeof dropping);
    dropping.code = (int)luaL_optinteger(L, 2, 0);
    dropping.reason = luaL_optlstring(L, 3, "", &dropping.size);
    dropping.reset = lua_toboolean(L, 4);
    visit(L, drop_one, &dropping);
    lua_pushinteger(L, (lua_Integer)dropping.count);
    return 1;
}

/* --- what there is -------------------------------------------------------- */

static void set_count(lua_State *L, const char *name, uint64_t n)
{
    lua_pushinteger(L, (lua_Integer)n);
    lua_setfield(L, -2, name);
}

static void list_one(lua_State *L, struct cc_sandbox_socket *socket, void *data)
{
    int *count = data;
    lua_newtable(L);
    set_count(L, "id", socket->id);
    lua_pushnumber(L, socket->connected_at);
    lua_setfield(L, -2, "connected_at");
    set_count(L, "sent", socket->sent);
    set_count(L, "received", socket->received);
    set_count(L, "pings", socket->pings);
    set_count(L, "pongs", socket->pongs);
    set_count(L, "waiting", socket->out.size - socket->out_from);
    set_count(L, "flood", socket->flood ? socket->flood_left : 0);
    lua_newtable(L);
    for (size_t i = 0; i < socket->count; i++) {
        lua_pushstring(L, socket->subscriptions[i].metric->id);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_setfield(L, -2, "ids");
    lua_rawseti(L, 2, ++*count);
}

/* sockets(target) -> list, in no order */
static int live_sockets(lua_State *L)
{
    int count = 0;
    lua_settop(L, 1);
    lua_newtable(L);
    visit(L, list_one, &count);
    return 1;
}

/* sent() -> metric's id to how many of its messages were sent */
static int live_sent(lua_State *L)
{
    struct cc_sandbox_metric *metric = live_of(L)->metrics;
    lua_newtable(L);
    for (; metric; metric = metric->next)
        set_count(L, metric->id, metric->sent);
    return 1;
}

/* --- opening, time -------------------------------------------------------- */

/* accept(key) -> the Sec-WebSocket-Accept; nothing for a wrong key */
static int live_accept(lua_State *L)
{
    char accept[CC_SANDBOX_ACCEPT_SIZE];
    size_t size;
    const char *key = luaL_checklstring(L, 1, &size);
    if (!cc_sandbox_websocket_accept(key, size, accept))
        return 0;
    lua_pushstring(L, accept);
    return 1;
}

/* prepare(ids) -> a socket, for the answer that opens it */
static int live_prepare(lua_State *L)
{
    struct cc_sandbox_live *live = live_of(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    size_t count = cc_sandbox_rawlen(L, 1);
    struct cc_sandbox_metric **metrics =
        lua_newuserdata(L, (count + 1) * sizeof *metrics);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 1, (int)i + 1);
        metrics[i] = metric_at(L, -1);
        lua_pop(L, 1);
    }
    struct cc_sandbox_socket *socket =
        cc_sandbox_live_prepare(live, metrics, count);
    if (!socket)
        return luaL_error(L, "no memory");
    lua_pushlightuserdata(L, socket);
    return 1;
}

/* wake_after(seconds): the next tick; below 0: none */
static int live_wake_after(lua_State *L)
{
    cc_sandbox_live_wake_after(live_of(L), luaL_checknumber(L, 1));
    return 0;
}

void cc_sandbox_live_native_set(lua_State *L, struct cc_sandbox_live *live)
{
    static const luaL_Reg natives[] = {
        {"accept", live_accept},
        {"prepare", live_prepare},
        {"send", live_send},
        {"flood", live_flood},
        {"behave", live_behave},
        {"drop", live_drop},
        {"sockets", live_sockets},
        {"sent", live_sent},
        {"wake_after", live_wake_after},
    };
    lua_newtable(L);
    for (size_t i = 0; i < sizeof natives / sizeof *natives; i++) {
        lua_pushlightuserdata(L, live);
        lua_pushcclosure(L, natives[i].func, 1);
        lua_setfield(L, -2, natives[i].name);
    }
    lua_setfield(L, -2, "live");
}
