/* The record decoder and the splitter as Lua functions, for specs and
 * benchmarks: the strict reader end to end, fed in any pieces.
 *
 * On the Lua side's thread.
 */
#include <string.h>

#include <lauxlib.h>

#include "compat.h"
#include "record.h"
#include "split.h"

/* The string in the field of the table at `index`, or NULL.  It lives as long
 * as the table keeps it. */
static const char *field(lua_State *L, int index, const char *name)
{
    const char *text;

    lua_getfield(L, index, name);
    text = lua_isstring(L, -1) ? lua_tostring(L, -1) : NULL;
    lua_pop(L, 1);
    return text;
}

/* The string number `at` of the table on top of the stack. */
static const char *item(lua_State *L, int at)
{
    const char *text;

    lua_rawgeti(L, -1, at);
    text = luaL_checkstring(L, -1);
    lua_pop(L, 1);
    return text;
}

struct cc_decoder *cc_record_push_decoder(lua_State *L, int index)
{
    struct cc_shape shape = {0};
    const char *(*rename)[2] = NULL;
    const char *identity[2];
    struct cc_decoder *decoder;
    int base = lua_gettop(L);

    if (lua_isnoneornil(L, index))
        return cc_decoder_push(L, &shape);
    luaL_checktype(L, index, LUA_TTABLE);
    shape.map = field(L, index, "map");
    shape.map_key = field(L, index, "map_key");
    shape.map_value = field(L, index, "map_value");
    lua_getfield(L, index, "keep_null");
    shape.keep_null = lua_toboolean(L, -1);
    lua_getfield(L, index, "rename");
    if (lua_istable(L, -1)) {
        shape.renames = cc_rawlen(L, -1);
        rename = lua_newuserdata(L, shape.renames * sizeof *rename + 1);
        lua_insert(L, -2);
        for (size_t i = 0; i < shape.renames; i++) {
            lua_rawgeti(L, -1, (int)i + 1);
            luaL_checktype(L, -1, LUA_TTABLE);
            rename[i][0] = item(L, 1);
            rename[i][1] = item(L, 2);
            lua_pop(L, 1);
        }
        shape.rename = (const char *const(*)[2])rename;
    }
    lua_getfield(L, index, "identity");
    if (lua_istable(L, -1)) {
        shape.identities = cc_rawlen(L, -1);
        luaL_argcheck(L, shape.identities <= 2, index, "too many identities");
        for (size_t i = 0; i < shape.identities; i++)
            identity[i] = item(L, (int)i + 1);
        shape.identity = identity;
    }
    decoder = cc_decoder_push(L, &shape);
    lua_replace(L, base + 1);
    lua_settop(L, base + 1);
    return decoder;
}

/* Pushes nil, the reason and the offset from the text's first byte, from 0. */
static int push_fault(lua_State *L, const char *reason, uint64_t offset)
{
    lua_pushnil(L);
    lua_pushstring(L, reason);
    cc_pushinteger(L, (int64_t)offset);
    return 3;
}

/* Decodes the text at stack index 1 with the decoder at `index`. */
static int run(lua_State *L, int index)
{
    const struct cc_decoder *decoder = lua_touserdata(L, index);
    struct cc_record_fault fault;
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length), *identity;

    if (!cc_decoder_run(L, index, text, length, &fault))
        return push_fault(L, fault.reason, fault.offset);
    if (cc_decoder_identity(decoder, &identity, &length))
        lua_pushlstring(L, identity, length);
    else
        lua_pushnil(L);
    return 2;
}

int cc_record_lua_decode(lua_State *L)
{
    luaL_checkstring(L, 1);
    lua_settop(L, 2);
    cc_record_push_decoder(L, 2);
    return run(L, 3);
}

static int run_kept(lua_State *L)
{
    lua_settop(L, 1);
    return run(L, lua_upvalueindex(1));
}

int cc_record_lua_decoder(lua_State *L)
{
    lua_settop(L, 1);
    cc_record_push_decoder(L, 1);
    lua_pushcclosure(L, run_kept, 1);
    return 1;
}

static enum cc_split_kind check_kind(lua_State *L, int index)
{
    static const char *const names[] = {"array", "array_or_key", "array_or_one",
                                        "whole", NULL};
    static const enum cc_split_kind kinds[] = {
        CC_SPLIT_ARRAY, CC_SPLIT_ARRAY_OR_KEY, CC_SPLIT_ARRAY_OR_ONE,
        CC_SPLIT_WHOLE};

    return kinds[luaL_checkoption(L, index, NULL, names)];
}

/* decode_list at work; its stack: text, ..., the decoder, the list. */
struct list {
    lua_State *L;
    const char *text;
    int decoder, values, count;
    struct cc_record_fault fault; /* offset: from the text's first byte */
};

static bool add(struct list *list, struct cc_span span)
{
    if (!cc_decoder_run(list->L, list->decoder, list->text + span.begin,
                        (size_t)(span.end - span.begin), &list->fault)) {
        list->fault.offset += (size_t)span.begin;
        return false;
    }
    lua_rawseti(list->L, list->values, ++list->count);
    return true;
}

/* Feeds the text in chunks; false: the fault is noted. */
static bool feed_all(struct list *list, struct cc_split *split, size_t length,
                     size_t chunk)
{
    struct cc_span spans[16];
    size_t at = 0, count;

    while (at < length && split->state <= CC_SPLIT_DONE) {
        size_t piece = length - at < chunk ? length - at : chunk;

        at += cc_split_feed(split, list->text + at, piece, spans,
                            sizeof spans / sizeof *spans, &count);
        for (size_t i = 0; i < count; i++)
            if (!add(list, spans[i]))
                return false;
    }
    if (cc_split_finish(split, spans, &count) == CC_SPLIT_DONE)
        return count == 0 || add(list, spans[0]);
    list->fault.reason =
        split->state == CC_SPLIT_MORE ? cc_json_cut : split->reason;
    list->fault.offset = (size_t)split->offset;
    return false;
}

int cc_record_lua_decode_list(lua_State *L)
{
    struct list list = {.L = L, .decoder = 7, .values = 8};
    struct cc_split split;
    size_t length;
    lua_Integer chunk, most;

    list.text = luaL_checklstring(L, 1, &length);
    chunk = luaL_optinteger(L, 5, 16384);
    most = luaL_optinteger(L, 6, 16 * 1024 * 1024);
    luaL_argcheck(L, chunk > 0, 5, "not positive");
    luaL_argcheck(L, most > 0, 6, "not positive");
    lua_settop(L, 6);
    cc_record_push_decoder(L, 4);
    lua_newtable(L);
    cc_split_start(&split, check_kind(L, 2), luaL_optstring(L, 3, NULL),
                   (uint64_t)most);
    if (feed_all(&list, &split, length, (size_t)chunk))
        return 1;
    push_fault(L, list.fault.reason, list.fault.offset);
    lua_pushvalue(L, list.values);
    return 4;
}
