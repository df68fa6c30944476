/* The record decoder.
 *
 * On the Lua side's thread.  A decoder and all it holds is Lua's memory, so
 * that a Lua error, which may come out of nearly every call here, leaks
 * nothing and leaves the decoder usable.
 *
 * While it runs, the names table (learn.h) is at the stack index `names`; the
 * value under way is above it.
 */
#include "record.h"

#include <lauxlib.h>

#include "compat.h"
#include "learn.h"
#include "number.h"
#include "scan.h"

#define METATABLE "ccaas.decoder"

/* Indices in the names table; learn.h takes the negative ones to -CCAAS_SITES
 * and those from 1 on. */
enum { SCRATCH = 0, IDENTITY = -1 - CCAAS_SITES };

enum { KEPT_SCRATCH = 65536, MOST_IDENTITIES = 2 };

/* What is special about a top-level member: flags. */
enum { IS_IDENTITY = 3, IS_MAP = 4 };

struct text {
    const char *begin;
    size_t length;
};

struct ccaas_decoder {
    struct ccaas_learnt learnt;
    char *scratch; /* anchored in the names table, at SCRATCH */
    size_t scratch_room;
    char *identity; /* the same, at IDENTITY */
    size_t identity_room;
    size_t identity_length;
    bool identified;
    bool keep_null;
    size_t identities;
    struct text map, map_key, map_value;
    struct text identity_names[MOST_IDENTITIES];
    size_t renames;
    struct text (*rename)[2];
};

/* One run. */
struct run {
    lua_State *L;
    struct ccaas_decoder *decoder;
    struct ccaas_scan scan;
    int names;
    int depth;
    struct text identity[MOST_IDENTITIES]; /* as they stand in the record */
};

/* A member whose name was just read. */
struct member {
    int slot; /* at its site, or -1 */
    unsigned special;
    unsigned below;
};

static const char *read_value(struct run *run, const char *at, unsigned below);

static const char *fail(struct run *run, const char *at, const char *reason)
{
    return ccaas_scan_fail(&run->scan, at, reason);
}

/* A buffer of the decoder's, held by the names table. */
static char *buffer(struct run *run, int index, size_t size, char **held,
                    size_t *room)
{
    if (*room < size) {
        char *fresh = lua_newuserdata(run->L, size);
        lua_rawseti(run->L, run->names, index);
        *held = fresh;
        *room = size;
    }
    return *held;
}

static char *scratch(struct run *run, size_t size)
{
    struct ccaas_decoder *decoder = run->decoder;

    return buffer(run, SCRATCH, size, &decoder->scratch,
                  &decoder->scratch_room);
}

/* ---- Scalars ---- */

static void push_escaped(struct run *run, const char *begin, const char *end)
{
    char *text = scratch(run, (size_t)(end - begin));

    lua_pushlstring(run->L, text, ccaas_scan_decode(begin, end, text));
}

/* A string; `at` is behind its opening quote. */
static inline const char *read_string(struct run *run, const char *at)
{
    bool escaped = false;
    const char *end = ccaas_scan_string(&run->scan, at, &escaped);

    if (!end)
        return NULL;
    if (!escaped)
        lua_pushlstring(run->L, at, (size_t)(end - at));
    else
        push_escaped(run, at, end);
    return end + 1;
}

static const char *read_any_number(struct run *run, const char *at)
{
    const char *end = ccaas_scan_number(&run->scan, at);
    struct ccaas_number number;
    size_t length;

    if (!end)
        return NULL;
    if (!ccaas_number_read(at, end, NULL, 0, &number)) {
        length = (size_t)(end - at) + 1;
        ccaas_number_read(at, end, scratch(run, length), length, &number);
    }
    if (number.is_integer)
        ccaas_pushinteger(run->L, number.integer);
    else
        lua_pushnumber(run->L, number.real);
    return end;
}

/* A number: at once if it is an integer of up to 18 digits. */
static inline const char *read_number(struct run *run, const char *at)
{
    const char *end = run->scan.end, *first = at + (*at == '-'), *last = first;
    uint64_t value = 0;
    size_t digits;

    for (; last < end && ccaas_scan_is_digit(*last); last++)
        value = value * 10 + (uint64_t)(*last - '0');
    digits = (size_t)(last - first);
    if (digits - 1 >= 18 || (*first == '0' && digits > 1) ||
        (last < end && (*last == '.' || (*last | 0x20) == 'e')))
        return read_any_number(run, at);
    ccaas_pushinteger(run->L, *at == '-' ? -(int64_t)value : (int64_t)value);
    return last;
}

static const char *read_word(struct run *run, const char *at)
{
    const char *word = *at == 't' ? "true" : *at == 'f' ? "false" : "null";
    const char *end = ccaas_scan_word(&run->scan, at, word);

    if (end && *at == 'n')
        lua_pushlightuserdata(run->L, NULL);
    else if (end)
        lua_pushboolean(run->L, *at == 't');
    return end;
}

/* ---- Arrays and objects ---- */

/* Goes a level down; false: too deep. */
static bool enter(struct run *run, const char *at)
{
    /* A level needs its table, two names and two values, and a buffer. */
    if (run->depth == CCAAS_JSON_DEPTH || !lua_checkstack(run->L, 8)) {
        fail(run, at, ccaas_json_deep);
        return false;
    }
    run->depth++;
    return true;
}

static const char *read_array(struct run *run, const char *at, unsigned below)
{
    struct ccaas_site *site = &run->decoder->learnt.sites[below];
    int elements = 0;

    if (!enter(run, at - 1))
        return NULL;
    lua_createtable(run->L, site->elements, 0);
    at = ccaas_scan_space(at, run->scan.end);
    if (at < run->scan.end && *at == ']') {
        run->depth--;
        return at + 1;
    }
    for (;;) {
        at = read_value(run, at, below);
        if (!at)
            return NULL;
        lua_rawseti(run->L, -2, ++elements);
        at = ccaas_scan_space(at, run->scan.end);
        if (at == run->scan.end || *at != ',')
            break;
        at++;
    }
    if (at == run->scan.end || *at != ']')
        return fail(run, at, ccaas_json_no_array_end);
    site->elements = elements < 1024 ? elements : 1024;
    run->depth--;
    return at + 1;
}

static bool is_text(struct text text, const char *bytes, size_t length)
{
    return text.begin && text.length == length &&
           memcmp(text.begin, bytes, length) == 0;
}

/* The name on top of the stack is one of a top-level object: gives what is
 * special about it, and puts our name in its place. */
static unsigned note_top_level(struct run *run)
{
    const struct ccaas_decoder *decoder = run->decoder;
    size_t length;
    const char *name = lua_tolstring(run->L, -1, &length);
    unsigned special = is_text(decoder->map, name, length) ? IS_MAP : 0;

    for (unsigned i = 0; i < decoder->identities; i++)
        if (is_text(decoder->identity_names[i], name, length))
            special |= i + 1;
    for (size_t i = 0; i < decoder->renames; i++)
        if (is_text(decoder->rename[i][0], name, length)) {
            lua_pushlstring(run->L, decoder->rename[i][1].begin,
                            decoder->rename[i][1].length);
            lua_replace(run->L, -2);
            break;
        }
    return special;
}

/* A name in quotes and its colon; pushes the name. */
static const char *read_name(struct run *run, const char *at)
{
    at = ccaas_scan_space(at, run->scan.end);
    if (at == run->scan.end || *at != '"')
        return fail(run, at, ccaas_json_no_name);
    at = read_string(run, at + 1);
    if (!at)
        return NULL;
    at = ccaas_scan_space(at, run->scan.end);
    if (at == run->scan.end || *at != ':')
        return fail(run, at, ccaas_json_no_colon);
    return ccaas_scan_space(at + 1, run->scan.end);
}

static void take_slot(struct run *run, const struct ccaas_site *site, int slot,
                      struct member *member)
{
    member->slot = slot;
    member->special = site->slots[slot].special;
    member->below = site->slots[slot].below;
    lua_rawgeti(run->L, run->names, site->slots[slot].name);
}

/* The general way to a member's name; *next: the slot expected after it. */
static const char *read_other_name(struct run *run, const char *at,
                                   struct ccaas_site *site, int *next,
                                   struct member *member)
{
    struct ccaas_learnt *learnt = &run->decoder->learnt;
    const char *end;
    int slot = *next + 1;

    /* One member may just be missing. */
    if (slot < site->count &&
        ccaas_learn_matches(&site->slots[slot], at, run->scan.end)) {
        take_slot(run, site, slot, member);
        *next = slot + 1;
        return at + site->slots[slot].length;
    }
    end = read_name(run, at);
    if (!end)
        return NULL;
    slot = ccaas_learn_find(site, at, (size_t)(end - at));
    if (slot >= 0) {
        lua_pop(run->L, 1);
        take_slot(run, site, slot, member);
        *next = slot + 1;
        return end;
    }
    member->special = 0;
    member->below = 0;
    if (site == &learnt->sites[CCAAS_SITE_ROOT])
        member->special = note_top_level(run);
    member->slot = ccaas_learn_name(run->L, run->names, learnt, site, *next, at,
                                    (size_t)(end - at));
    if (member->slot >= 0) {
        site->slots[member->slot].special = (uint8_t)member->special;
        member->below = site->slots[member->slot].below;
        *next = member->slot + 1;
    }
    return end;
}

/* A member's name and colon; pushes the name. */
static inline const char *read_member(struct run *run, const char *at,
                                      struct ccaas_site *site, int *next,
                                      struct member *member)
{
    if (*next < site->count) {
        const struct ccaas_slot *slot = &site->slots[*next];

        if (ccaas_learn_matches(slot, at, run->scan.end)) {
            at += slot->length;
            take_slot(run, site, (*next)++, member);
            return at;
        }
    }
    return read_other_name(run, at, site, next, member);
}

/* What the flat values are not: something nested, words, white space. */
static const char *read_other_value(struct run *run, const char *at,
                                    struct ccaas_site *site,
                                    struct member *member)
{
    at = ccaas_scan_space(at, run->scan.end);
    if (at == run->scan.end)
        return fail(run, at, NULL);
    if (*at == 'n' && !run->decoder->keep_null) {
        lua_pushnil(run->L);
        return ccaas_scan_word(&run->scan, at, "null");
    }
    if (!member->below && (*at == '{' || *at == '['))
        member->below = (unsigned)ccaas_learn_below(&run->decoder->learnt, site,
                                                    member->slot);
    return read_value(run, at, member->below);
}

/* A member's value. */
static inline const char *read_flat(struct run *run, const char *at,
                                    struct ccaas_site *site,
                                    struct member *member)
{
    if (at < run->scan.end) {
        if (ccaas_scan_is_digit(*at))
            return read_number(run, at);
        if (*at == '"')
            return read_string(run, at + 1);
    }
    return read_other_value(run, at, site, member);
}

/* ---- The map ---- */

/* One entry of the list of key and value, any way it may be written; `at` is
 * its first byte.  Pushes the key and the value.  *plain: where the value
 * begins when nothing but the key came before it and nothing after. */
static const char *read_entry(struct run *run, const char *at,
                              const char **plain)
{
    const struct ccaas_decoder *decoder = run->decoder;
    lua_State *L = run->L;
    struct ccaas_site *site = &run->decoder->learnt.sites[CCAAS_SITE_NONE];
    struct member none = {.slot = -1, .below = CCAAS_SITE_NONE};
    const char *entry = at;
    int members = 0, key = lua_gettop(L) + 1;

    *plain = NULL;
    if (at == run->scan.end || *at != '{')
        return fail(run, at, "an entry of the map is no object");
    lua_pushnil(L);
    lua_pushnil(L);
    at = ccaas_scan_space(at + 1, run->scan.end);
    if (at < run->scan.end && *at == '}')
        return fail(run, at, "an entry of the map has no key");
    for (;; at++) {
        size_t length;
        const char *name, *begin;

        at = read_name(run, at);
        if (!at)
            return NULL;
        begin = at;
        name = lua_tolstring(L, -1, &length);
        members++;
        if (is_text(decoder->map_key, name, length)) {
            if (at == run->scan.end || *at != '"')
                return fail(run, at, "a key of the map is no string");
            at = read_string(run, at + 1);
            if (at)
                lua_replace(L, key);
        } else if (is_text(decoder->map_value, name, length)) {
            *plain = members == 2 && !lua_isnil(L, key) ? begin : NULL;
            at = read_other_value(run, at, site, &none);
            if (at)
                lua_replace(L, key + 1);
        } else {
            at = ccaas_scan_value(&run->scan, at, run->depth);
        }
        if (!at)
            return NULL;
        lua_settop(L, key + 1);
        at = ccaas_scan_space(at, run->scan.end);
        if (at == run->scan.end || *at != ',')
            break;
    }
    if (at == run->scan.end || *at != '}')
        return fail(run, at, ccaas_json_no_object_end);
    if (lua_isnil(L, key))
        return fail(run, entry, "an entry of the map has no key");
    if (members != 2)
        *plain = NULL;
    return at + 1;
}

/* The general way to an entry: adds it to the map below it on the stack. */
static const char *read_other_entry(struct run *run, const char *at, int *next)
{
    struct ccaas_learnt *learnt = &run->decoder->learnt;
    struct ccaas_site *site = &learnt->sites[CCAAS_SITE_ENTRIES];
    const char *plain, *begin = at, *end;
    int slot;

    at = ccaas_scan_space(at, run->scan.end);
    if (!enter(run, at))
        return NULL;
    end = read_entry(run, at, &plain);
    run->depth--;
    if (!end)
        return NULL;
    if (plain) {
        size_t length = (size_t)(plain - begin);
        slot = ccaas_learn_find(site, begin, length);
        if (slot < 0) {
            lua_pushvalue(run->L, -2);
            slot = ccaas_learn_name(run->L, run->names, learnt, site, *next,
                                    begin, length);
            lua_pop(run->L, 1);
        }
        if (slot >= 0)
            *next = slot + 1;
    }
    lua_rawset(run->L, -3);
    return end;
}

/* An entry: at once if it begins like the one expected, and if nothing but
 * flat values is in it. */
static inline const char *read_expected(struct run *run, const char *at,
                                        int *next)
{
    struct ccaas_site *site = &run->decoder->learnt.sites[CCAAS_SITE_ENTRIES];
    const struct ccaas_slot *slot = &site->slots[*next];
    const char *begin = at;

    if (*next >= site->count || !ccaas_learn_matches(slot, at, run->scan.end)) {
        slot++;
        if (*next + 1 >= site->count ||
            !ccaas_learn_matches(slot, at, run->scan.end))
            return read_other_entry(run, at, next);
        ++*next;
    }
    at += slot->length;
    if (at == run->scan.end || (*at != '"' && *at != '-' && !ccaas_scan_is_digit(*at)))
        return read_other_entry(run, begin, next);
    lua_rawgeti(run->L, run->names, slot->name);
    at = *at == '"' ? read_string(run, at + 1) : read_number(run, at);
    if (!at)
        return NULL;
    if (at == run->scan.end || *at != '}') {
        lua_pop(run->L, 2);
        return read_other_entry(run, begin, next);
    }
    lua_rawset(run->L, -3);
    ++*next;
    return at + 1;
}

/* The list of key and value as a map; `at` is behind its bracket. */
static const char *read_entries(struct run *run, const char *at)
{
    struct ccaas_site *site = &run->decoder->learnt.sites[CCAAS_SITE_ENTRIES];
    int members = 0, next = 0, patience = site->patience;
    const char *inside = at;

    if (!enter(run, at - 1))
        return NULL;
    lua_createtable(run->L, 0, site->members);
    at = ccaas_scan_space(at, run->scan.end);
    if (at == run->scan.end || *at != ']') {
        for (at = inside;; at++) {
            at = read_expected(run, at, &next);
            if (!at)
                return NULL;
            members++;
            if (at < run->scan.end && *at == ',')
                continue;
            at = ccaas_scan_space(at, run->scan.end);
            if (at == run->scan.end || *at != ',')
                break;
        }
    }
    if (at == run->scan.end || *at != ']')
        return fail(run, at, ccaas_json_no_array_end);
    ccaas_learn_ended(site, members, patience);
    run->depth--;
    return at + 1;
}

/* A member that the shape names; special is not 0. */
static const char *read_special(struct run *run, const char *at,
                                struct ccaas_site *site, struct member *member)
{
    unsigned which = member->special & IS_IDENTITY;
    const char *begin = at = ccaas_scan_space(at, run->scan.end);

    if (at < run->scan.end && *at == '[' && member->special & IS_MAP)
        at = read_entries(run, at + 1);
    else
        at = read_flat(run, at, site, member);
    if (at && which) {
        bool none = *begin == 'n' || *begin == '[' || *begin == '{';
        run->identity[which - 1].begin = none ? NULL : begin;
        run->identity[which - 1].length = (size_t)(at - begin);
    }
    return at;
}

static const char *read_object(struct run *run, const char *at, unsigned below)
{
    struct ccaas_site *site = &run->decoder->learnt.sites[below];
    int members = 0, next = 0, patience = site->patience;
    struct member member;

    if (!enter(run, at - 1))
        return NULL;
    lua_createtable(run->L, 0, site->members);
    if (at < run->scan.end && *at != '"') {
        const char *end = ccaas_scan_space(at, run->scan.end);
        if (end < run->scan.end && *end == '}') {
            run->depth--;
            return end + 1;
        }
    }
    for (;; at++) {
        at = read_member(run, at, site, &next, &member);
        if (at && member.special)
            at = read_special(run, at, site, &member);
        else if (at)
            at = read_flat(run, at, site, &member);
        if (!at)
            return NULL;
        lua_rawset(run->L, -3);
        members++;
        if (at < run->scan.end && *at == ',')
            continue;
        at = ccaas_scan_space(at, run->scan.end);
        if (at == run->scan.end || *at != ',')
            break;
    }
    if (at == run->scan.end || *at != '}')
        return fail(run, at, ccaas_json_no_object_end);
    ccaas_learn_ended(site, members, patience);
    run->depth--;
    return at + 1;
}

/* A value of any kind, white space before it allowed; pushes it. */
static const char *read_value(struct run *run, const char *at, unsigned below)
{
    at = ccaas_scan_space(at, run->scan.end);
    if (at == run->scan.end)
        return fail(run, at, NULL);
    switch (*at) {
    case '{':
        return read_object(run, at + 1, below);
    case '[':
        return read_array(run, at + 1, below);
    case '"':
        return read_string(run, at + 1);
    case 't':
    case 'f':
    case 'n':
        return read_word(run, at);
    default:
        if (*at == '-' || ccaas_scan_is_digit(*at))
            return read_number(run, at);
        return fail(run, at, ccaas_json_no_value);
    }
}

/* ---- The decoder ---- */

/* Keeps the identity, decoded: the record's bytes may be gone soon. */
static void keep_identity(struct run *run)
{
    struct ccaas_decoder *decoder = run->decoder;
    char *to;
    size_t length = 0;

    decoder->identified = run->identity[0].begin != NULL;
    decoder->identity_length = 0;
    if (!decoder->identified)
        return;
    to = buffer(run, IDENTITY,
                run->identity[0].length + run->identity[1].length + 1,
                &decoder->identity, &decoder->identity_room);
    for (int i = 0; i < MOST_IDENTITIES && run->identity[i].begin; i++) {
        const char *begin = run->identity[i].begin;
        const char *end = begin + run->identity[i].length;

        if (i)
            to[length++] = '\0';
        if (*begin == '"') {
            begin++;
            end--;
        }
        length += ccaas_scan_decode(begin, end, to + length);
    }
    decoder->identity_length = length;
}

bool ccaas_decoder_run(lua_State *L, int index, const char *bytes,
                       size_t length, struct ccaas_record_fault *fault)
{
    struct ccaas_decoder *decoder = lua_touserdata(L, index);
    struct run run = {.L = L,
                      .decoder = decoder,
                      .scan = {.end = bytes + length},
                      .names = lua_gettop(L) + 1};
    const char *at;

    decoder->identified = false;
    luaL_checkstack(L, 8, "decoding a record");
    ccaas_getuservalue(L, index);
    at = ccaas_scan_space(bytes, run.scan.end);
    if (at < run.scan.end && *at == '\xEF')
        at = fail(&run, at, ccaas_json_bom);
    else if (at < run.scan.end && *at == '{')
        at = read_object(&run, at + 1, CCAAS_SITE_ROOT);
    else
        at = read_value(&run, at, CCAAS_SITE_OTHER);
    if (at)
        at = ccaas_scan_space(at, run.scan.end);
    if (at && at < run.scan.end)
        at = fail(&run, at, ccaas_json_trailing);
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
        lua_rawseti(L, run.names, SCRATCH);
    }
    lua_replace(L, run.names);
    return true;
}

bool ccaas_decoder_identity(const struct ccaas_decoder *decoder,
                            const char **bytes, size_t *length)
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
static struct text keep(const char *text, char **room)
{
    struct text kept = {NULL, 0};

    if (text) {
        kept.length = strlen(text);
        kept.begin = memcpy(*room, text, kept.length + 1);
        *room += kept.length + 1;
    }
    return kept;
}

struct ccaas_decoder *ccaas_decoder_push(lua_State *L,
                                         const struct ccaas_shape *shape)
{
    size_t names = shape->renames * sizeof(struct text[2]);
    size_t size = sizeof(struct ccaas_decoder) + names + size_of(shape->map) +
                  size_of(shape->map_key) + size_of(shape->map_value);
    struct ccaas_decoder *decoder;
    char *room;

    for (size_t i = 0; i < shape->renames; i++)
        size += size_of(shape->rename[i][0]) + size_of(shape->rename[i][1]);
    for (size_t i = 0; i < shape->identities; i++)
        size += size_of(shape->identity[i]);
    decoder = ccaas_newuserdata(L, size);
    memset(decoder, 0, sizeof *decoder);
    ccaas_learn_start(&decoder->learnt);
    decoder->rename = (void *)(decoder + 1);
    decoder->renames = shape->renames;
    decoder->identities = shape->identities < MOST_IDENTITIES
                              ? shape->identities
                              : MOST_IDENTITIES;
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
    ccaas_setuservalue(L, -2);
    return decoder;
}

void ccaas_record_open(lua_State *L)
{
    ccaas_newmetatable(L, METATABLE);
    lua_pop(L, 1);
}
