/*
 * native.c: what the sandbox's Lua state is given: clocks, gzip, and what
 * would be too slow in Lua (lists of a million rows, Ogg files).  Called from
 * Lua on the sandbox's thread; memory is Lua's, so that nothing leaks when Lua
 * throws.
 */
#include "compat.h"
#include "live.h"

#include <string.h>
#include <time.h>
#include <zlib.h>

/* Rows are made in runs of about so many bytes. */
#define RUN_SIZE ((size_t)64 * 1024)

static double clock_now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int native_now(lua_State *L)
{
    lua_pushnumber(L, clock_now(CLOCK_REALTIME));
    return 1;
}

static int native_monotonic(lua_State *L)
{
    lua_pushnumber(L, clock_now(CLOCK_MONOTONIC));
    return 1;
}

static int native_gzip(lua_State *L)
{
    size_t size;
    const char *bytes = luaL_checklstring(L, 1, &size);
    z_stream z;
    memset(&z, 0, sizeof z);
    uLong bound = compressBound((uLong)size) + 32;
    Bytef *out = lua_newuserdata(L, bound);
    if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return luaL_error(L, "gzip: no memory");
    z.next_in = (Bytef *)(uintptr_t)bytes;
    z.avail_in = (uInt)size;
    z.next_out = out;
    z.avail_out = (uInt)bound;
    int status = deflate(&z, Z_FINISH);
    uLong made = z.total_out;
    deflateEnd(&z);
    if (status != Z_STREAM_END)
        return luaL_error(L, "gzip: failed");
    lua_pushlstring(L, (const char *)out, made);
    return 1;
}

/* --- gzip, piece by piece ------------------------------------------------- */

#define GZIP_STREAM "ccaas.sandbox.gzip_stream"

static int gzip_stream_end(lua_State *L)
{
    deflateEnd(lua_touserdata(L, 1));
    return 0;
}

/* compress(bytes | nil) -> bytes.  Upvalue: the z_stream. */
static int gzip_stream_next(lua_State *L)
{
    size_t size;
    const char *bytes = luaL_optlstring(L, 1, "", &size);
    int flush = lua_isnoneornil(L, 1) ? Z_FINISH : Z_NO_FLUSH;
    z_stream *z = lua_touserdata(L, lua_upvalueindex(1));
    z->next_in = (Bytef *)(uintptr_t)bytes;
    z->avail_in = (uInt)size;
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    do {
        char *room = luaL_prepbuffer(&out);
        z->next_out = (Bytef *)room;
        z->avail_out = LUAL_BUFFERSIZE;
        deflate(z, flush);
        luaL_addsize(&out, LUAL_BUFFERSIZE - z->avail_out);
    } while (z->avail_out == 0);
    luaL_pushresult(&out);
    return 1;
}

/* gzip_stream() -> compress */
static int native_gzip_stream(lua_State *L)
{
    z_stream *z = lua_newuserdata(L, sizeof *z);
    memset(z, 0, sizeof *z); /* which may be ended */
    if (luaL_newmetatable(L, GZIP_STREAM)) {
        lua_pushcfunction(L, gzip_stream_end);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    if (deflateInit2(z, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return luaL_error(L, "gzip: no memory");
    lua_pushcclosure(L, gzip_stream_next, 1);
    return 1;
}

/* --- checksums, files ----------------------------------------------------- */

/* crc32(bytes) -> the checksum that zip files have */
static int native_crc32(lua_State *L)
{
    size_t size;
    const char *bytes = luaL_checklstring(L, 1, &size);
    lua_pushnumber(L, (lua_Number)crc32(0, (const Bytef *)bytes, (uInt)size));
    return 1;
}

/* hash(bytes) -> a whole number, 0 <= n < 2^48 */
static uint64_t hash_of(const char *bytes, size_t size)
{
    uint64_t h = size;
    for (size_t i = 0; i < size; i++)
        h = cc_sandbox_hash(h ^ (unsigned char)bytes[i]);
    return h;
}

static int native_hash(lua_State *L)
{
    size_t size;
    const char *bytes = luaL_checklstring(L, 1, &size);
    lua_pushnumber(L, (lua_Number)(hash_of(bytes, size) >> 16));
    return 1;
}

/* ogg(name, size) -> an Ogg file of that size, the same for the same name */
static int native_ogg(lua_State *L)
{
    size_t name_size;
    const char *name = luaL_checklstring(L, 1, &name_size);
    double wanted = luaL_checknumber(L, 2);
    luaL_argcheck(L, wanted >= (double)CC_SANDBOX_OGG_LEAST && wanted < 1e9, 2,
                  "no size for a file");
    size_t size = (size_t)wanted;
    unsigned char *out = lua_newuserdata(L, size);
    cc_sandbox_ogg_write(out, size, hash_of(name, name_size));
    lua_pushlstring(L, (const char *)out, size);
    return 1;
}

/* --- templates ------------------------------------------------------------ */

/* Its texts are those of the Lua table that its functions keep beside it. */
struct template
{
    size_t count, room;
    struct cc_sandbox_field fields[];
};

static size_t count_texts(lua_State *L, int parts, int count)
{
    size_t texts = 0;
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, parts, i);
        texts += lua_istable(L, -1) ? cc_sandbox_rawlen(L, -1) : 1;
        lua_pop(L, 1);
    }
    return texts;
}

static double number_of(lua_State *L, const char *name, double absent)
{
    lua_getfield(L, -1, name);
    double n = luaL_optnumber(L, -1, absent);
    lua_pop(L, 1);
    return n;
}

/* The string on top, which something else keeps. */
static void take_text(lua_State *L, struct cc_sandbox_text *text)
{
    luaL_checktype(L, -1, LUA_TSTRING);
    text->bytes = lua_tolstring(L, -1, &text->size);
}

/* The part on top of the stack; its texts go to `texts`. */
static void read_field(lua_State *L, struct cc_sandbox_field *field,
                       struct cc_sandbox_text *texts)
{
    static const char *const kinds[] = {"turn", "pick",  "number",
                                        "hex",  "index", NULL};
    memset(field, 0, sizeof *field);
    field->texts = texts;
    if (!lua_istable(L, -1)) {
        take_text(L, texts);
        field->count = 1;
        return;
    }
    lua_getfield(L, -1, "kind");
    field->kind =
        (enum cc_sandbox_field_kind)luaL_checkoption(L, -1, NULL, kinds);
    lua_pop(L, 1);
    field->base = (int64_t)number_of(L, "base", 0);
    field->step = (int64_t)number_of(L, "step", 0);
    field->spread = (uint64_t)number_of(L, "spread", 1);
    field->count = cc_sandbox_rawlen(L, -1);
    for (size_t i = 0; i < field->count; i++) {
        lua_rawgeti(L, -1, (int)i + 1);
        take_text(L, &texts[i]);
        lua_pop(L, 1);
    }
    bool lists =
        field->kind == CC_SANDBOX_TURN || field->kind == CC_SANDBOX_PICK;
    if ((lists && !field->count) || !field->spread)
        luaL_error(L, "template: a part without values");
}

static uint64_t index_at(lua_State *L, int arg)
{
    double index = luaL_checknumber(L, arg);
    luaL_argcheck(L, index >= 0 && index < 4294967296.0, arg, "no index");
    return (uint64_t)index;
}

/* rows(first, last) -> the bytes of the next rows, at least one, and the index
 * after them.  Upvalues: the template, its parts, a buffer. */
static int template_rows(lua_State *L)
{
    const struct template *t = lua_touserdata(L, lua_upvalueindex(1));
    char *out = lua_touserdata(L, lua_upvalueindex(3));
    uint64_t index = index_at(L, 1), last = index_at(L, 2);
    size_t size = 0;
    for (; index <= last && size < RUN_SIZE; index++)
        for (size_t i = 0; i < t->count; i++)
            size += cc_sandbox_field_write(&t->fields[i], index, out + size);
    lua_pushlstring(L, out, size);
    lua_pushnumber(L, (lua_Number)index);
    return 2;
}

/* part(index, number) -> one part of one row, as it is written */
static int template_part(lua_State *L)
{
    const struct template *t = lua_touserdata(L, lua_upvalueindex(1));
    char *out = lua_touserdata(L, lua_upvalueindex(3));
    uint64_t index = index_at(L, 1);
    int part = (int)luaL_checkinteger(L, 2);
    luaL_argcheck(L, part >= 1 && (size_t)part <= t->count, 2, "no part");
    size_t size = cc_sandbox_field_write(&t->fields[part - 1], index, out);
    lua_pushlstring(L, out, size);
    return 1;
}

static void push_function(lua_State *L, lua_CFunction function, int first)
{
    for (int i = 0; i < 3; i++)
        lua_pushvalue(L, first + i);
    lua_pushcclosure(L, function, 3);
}

/* template(seed, parts) -> rows, part.  A part is a text that every row has, or
 * a table: its `kind` (see sandbox.h), and base, step, spread or its texts. */
static int native_template(lua_State *L)
{
    uint64_t seed = (uint64_t)(int64_t)luaL_checknumber(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    size_t count = cc_sandbox_rawlen(L, 2);
    size_t fields =
        sizeof(struct template) + count * sizeof(struct cc_sandbox_field);
    size_t texts = count_texts(L, 2, (int)count);
    struct template *t =
        lua_newuserdata(L, fields + texts * sizeof(struct cc_sandbox_text));
    struct cc_sandbox_text *text = (void *)((char *)t + fields);
    t->count = count;
    t->room = 0;
    for (size_t i = 0; i < count; i++) {
        struct cc_sandbox_field *field = &t->fields[i];
        lua_rawgeti(L, 2, (int)i + 1);
        read_field(L, field, text);
        lua_pop(L, 1);
        field->salt = cc_sandbox_hash(cc_sandbox_hash(seed) + i);
        text += field->count;
        t->room += cc_sandbox_field_room(field);
    }
    lua_pushvalue(L, 2);
    lua_newuserdata(L, RUN_SIZE + t->room);
    push_function(L, template_rows, 3);
    push_function(L, template_part, 3);
    return 2;
}

void cc_sandbox_native_set(lua_State *L, struct cc_sandbox_live *live)
{
    static const luaL_Reg natives[] = {
        {"now", native_now},
        {"monotonic", native_monotonic},
        {"gzip", native_gzip},
        {"gzip_stream", native_gzip_stream},
        {"crc32", native_crc32},
        {"hash", native_hash},
        {"ogg", native_ogg},
        {"template", native_template},
        {NULL, NULL},
    };
    cc_sandbox_setfuncs(L, natives);
    cc_sandbox_live_native_set(L, live);
}
