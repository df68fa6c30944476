/* Record decoders: what they keep, and a run of one.
 *
 * On the Lua side's thread.  A decoder and all it holds is Lua's memory.
 */
#include "record.h"

#include <lauxlib.h>

#include "decode.h"

#define METATABLE "ccaas.decoder"

/* A larger buffer is let go after the record that needed it. */
enum { KEPT_SCRATCH = 65536 };

/* Keeps the identity, decoded: the record's bytes may be gone soon. */
static void keep_identity(struct cc_run *run)
{
    struct cc_decoder *decoder = run->decoder;
    char *to;
    size_t length = 0;

    decoder->identified = run->identity[0].begin != NULL;
    decoder->identity_length = 0;
    if (!decoder->identified)
        return;
    to = cc_decode_buffer(run, CC_DECODE_IDENTITY,
                          run->identity[0].length + run->identity[1].length + 1,
                          &decoder->identity, &decoder->identity_room);
    for (int i = 0; i < CC_IDENTITIES && run->identity[i].begin; i++) {
        const char *begin = run->identity[i].begin;
        const char *end = begin + run->identity[i].length;

        if (i)
            to[length++] = '\0';
        if (*begin == '"') {
            begin++;
            end--;
        }
        length += cc_scan_decode(begin, end, to + length);
    }
    decoder->identity_length = length;
}

bool cc_decoder_run(lua_State *L, int index, const char *bytes, size_t length,
                    struct cc_record_fault *fault)
{
    struct cc_decoder *decoder = lua_touserdata(L, index);
    struct cc_run run = {.L = L,
                         .decoder = decoder,
                         .scan = {.end = bytes + length},
                         .names = lua_gettop(L) + 1};
    const char *at;

    decoder->identified = false;
    luaL_checkstack(L, 8, "decoding a record");
    cc_getuservalue(L, index);
    at = cc_scan_space(bytes, run.scan.end);
    if (at < run.scan.end && *at == '\xEF')
        at = cc_decode_fail(&run, at, cc_json_bom);
    else if (at < run.scan.end && *at == '{')
        at = cc_decode_object(&run, at + 1, CC_SITE_ROOT);
    else
        at = cc_decode_value(&run, at, CC_SITE_OTHER);
    if (at)
        at = cc_scan_space(at, run.scan.end);
    if (at && at < run.scan.end)
        at = cc_decode_fail(&run, at, cc_json_trailing);
    if (!at) {
        lua_settop(L, run.names - 1);
        fault->offset = (size_t)(run.scan.wrong - bytes);
        fault->reason = run.scan.reason;
        return false;
    }
    if (decoder->identities)
        keep_identity(&run);
    if (decoder->scratch_room > KEPT_SCRATCH) {
        decoder->scratch_room = 0;
        lua_pushnil(L);
        lua_rawseti(L, run.names, CC_DECODE_SCRATCH);
    }
    lua_replace(L, run.names);
    return true;
}

bool cc_decoder_identity(const struct cc_decoder *decoder, const char **bytes,
                         size_t *length)
{
    *bytes = decoder->identity;
    *length = decoder->identity_length;
    return decoder->identified;
}

static size_t size_of(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* Copies a text of the shape to where *room is, and moves that on. */
static struct cc_text keep(const char *text, char **room)
{
    struct cc_text kept = {NULL, 0};

    if (text) {
        kept.length = strlen(text);
        kept.begin = memcpy(*room, text, kept.length + 1);
        *room += kept.length + 1;
    }
    return kept;
}

struct cc_decoder *cc_decoder_push(lua_State *L, const struct cc_shape *shape)
{
    size_t names = shape->renames * sizeof(struct cc_text[2]);
    size_t size = sizeof(struct cc_decoder) + names + size_of(shape->map) +
                  size_of(shape->map_key) + size_of(shape->map_value);
    struct cc_decoder *decoder;
    char *room;

    for (size_t i = 0; i < shape->renames; i++)
        size += size_of(shape->rename[i][0]) + size_of(shape->rename[i][1]);
    for (size_t i = 0; i < shape->identities; i++)
        size += size_of(shape->identity[i]);
    decoder = cc_newuserdata(L, size);
    memset(decoder, 0, sizeof *decoder);
    cc_key_cache_start(&decoder->cache);
    decoder->rename = (void *)(decoder + 1);
    decoder->renames = shape->renames;
    decoder->identities =
        shape->identities < CC_IDENTITIES ? shape->identities : CC_IDENTITIES;
    decoder->keep_null = shape->keep_null;
    room = (char *)(decoder + 1) + names;
    decoder->map = keep(shape->map, &room);
    decoder->map_key = keep(shape->map_key, &room);
    decoder->map_value = keep(shape->map_value, &room);
    for (size_t i = 0; i < shape->renames; i++)
        for (int side = 0; side < 2; side++)
            decoder->rename[i][side] = keep(shape->rename[i][side], &room);
    for (size_t i = 0; i < decoder->identities; i++)
        decoder->identity_names[i] = keep(shape->identity[i], &room);
    luaL_getmetatable(L, METATABLE);
    lua_setmetatable(L, -2);
    lua_newtable(L);
    cc_setuservalue(L, -2);
    return decoder;
}

void cc_record_open(lua_State *L)
{
    cc_newmetatable(L, METATABLE);
    lua_pop(L, 1);
}
