/* Values of any kind, from bytes to Lua.
 *
 * On the Lua side's thread; decode.h tells the rules.
 */
#include "decode.h"

#include "number.h"

/* A buffer of the decoder's, held by the names table. */
char *cc_decode_buffer(struct cc_run *run, int index, size_t size, char **held,
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

static char *scratch(struct cc_run *run, size_t size)
{
    struct cc_decoder *decoder = run->decoder;

    return cc_decode_buffer(run, CC_DECODE_SCRATCH, size, &decoder->scratch,
                            &decoder->scratch_room);
}

/* ---- Scalars ---- */

void cc_decode_escaped(struct cc_run *run, const char *begin, const char *end)
{
    char *text = scratch(run, (size_t)(end - begin));

    lua_pushlstring(run->L, text, cc_scan_decode(begin, end, text));
}

const char *cc_decode_any_number(struct cc_run *run, const char *at)
{
    const char *end = cc_scan_number(&run->scan, at);
    struct cc_number number;
    size_t length;

    if (!end)
        return NULL;
    if (!cc_number_read(at, end, NULL, 0, &number)) {
        length = (size_t)(end - at) + 1;
        cc_number_read(at, end, scratch(run, length), length, &number);
    }
    if (number.is_integer)
        cc_pushinteger(run->L, number.integer);
    else
        lua_pushnumber(run->L, number.real);
    return end;
}

static const char *read_word(struct cc_run *run, const char *at)
{
    const char *word = *at == 't' ? "true" : *at == 'f' ? "false" : "null";
    const char *end = cc_scan_word(&run->scan, at, word);

    if (end && *at == 'n')
        lua_pushlightuserdata(run->L, NULL);
    else if (end)
        lua_pushboolean(run->L, *at == 't');
    return end;
}

/* ---- Arrays and objects ---- */

bool cc_decode_enter(struct cc_run *run, const char *at)
{
    /* A level needs its table, two names and two values, and a buffer. */
    if (run->depth == CC_JSON_DEPTH || !lua_checkstack(run->L, 8)) {
        cc_decode_fail(run, at, cc_json_deep);
        return false;
    }
    run->depth++;
    return true;
}

static const char *read_array(struct cc_run *run, const char *at,
                              unsigned below)
{
    struct cc_site *site = &run->decoder->cache.sites[below];
    int elements = 0;

    if (!cc_decode_enter(run, at - 1))
        return NULL;
    lua_createtable(run->L, site->elements, 0);
    at = cc_scan_space(at, run->scan.end);
    if (at < run->scan.end && *at == ']') {
        run->depth--;
        return at + 1;
    }
    for (;;) {
        at = cc_decode_value(run, at, below);
        if (!at)
            return NULL;
        lua_rawseti(run->L, -2, ++elements);
        at = cc_scan_space(at, run->scan.end);
        if (at == run->scan.end || *at != ',')
            break;
        at++;
    }
    if (at == run->scan.end || *at != ']')
        return cc_decode_fail(run, at, cc_json_no_array_end);
    site->elements = elements < 1024 ? elements : 1024;
    run->depth--;
    return at + 1;
}

/* The name on top of the stack is one of a top-level object: gives what is
 * special about it, and puts our name in its place. */
static unsigned note_top_level(struct cc_run *run)
{
    const struct cc_decoder *decoder = run->decoder;
    size_t length;
    const char *name = lua_tolstring(run->L, -1, &length);
    unsigned special =
        cc_decode_is_text(decoder->map, name, length) ? CC_MEMBER_MAP : 0;

    for (unsigned i = 0; i < decoder->identities; i++)
        if (cc_decode_is_text(decoder->identity_names[i], name, length))
            special |= i + 1;
    for (size_t i = 0; i < decoder->renames; i++)
        if (cc_decode_is_text(decoder->rename[i][0], name, length)) {
            lua_pushlstring(run->L, decoder->rename[i][1].begin,
                            decoder->rename[i][1].length);
            lua_replace(run->L, -2);
            break;
        }
    return special;
}

/* A name in quotes and its colon; pushes the name. */
const char *cc_decode_name(struct cc_run *run, const char *at)
{
    at = cc_scan_space(at, run->scan.end);
    if (at == run->scan.end || *at != '"')
        return cc_decode_fail(run, at, cc_json_no_name);
    at = cc_decode_string(run, at + 1);
    if (!at)
        return NULL;
    at = cc_scan_space(at, run->scan.end);
    if (at == run->scan.end || *at != ':')
        return cc_decode_fail(run, at, cc_json_no_colon);
    return cc_scan_space(at + 1, run->scan.end);
}

static void take_slot(struct cc_run *run, const struct cc_site *site, int slot,
                      struct cc_member *member)
{
    member->slot = slot;
    member->special = site->slots[slot].special;
    member->below = site->slots[slot].below;
    member->absent = false;
    lua_rawgeti(run->L, run->names, site->slots[slot].name);
}

/* The general way to a member's name; *next: the slot expected after it. */
static const char *read_other_name(struct cc_run *run, const char *at,
                                   struct cc_site *site, int *next,
                                   struct cc_member *member)
{
    struct cc_key_cache *cache = &run->decoder->cache;
    const char *end = cc_decode_name(run, at);
    size_t length = end ? (size_t)(end - at) : 0;
    bool learns = end && cc_key_cache_may(cache, site, length);
    int slot = learns ? cc_key_cache_find(site, at, length) : -1;

    if (!end)
        return NULL;
    if (slot >= 0) {
        lua_pop(run->L, 1);
        take_slot(run, site, slot, member);
        *next = slot + 1;
        return end;
    }
    *member = (struct cc_member){.slot = -1};
    if (site == &cache->sites[CC_SITE_ROOT])
        member->special = note_top_level(run);
    if (learns) {
        slot = cc_key_cache_name(run->L, run->names, cache, site, *next, at,
                                 length);
        site->slots[slot].special = (uint8_t)member->special;
        member->below = site->slots[slot].below;
        member->slot = slot;
        *next = slot + 1;
    }
    return end;
}

/* A member's name and colon; pushes the name. */
static inline const char *read_member(struct cc_run *run, const char *at,
                                      struct cc_site *site, int *next,
                                      struct cc_member *member)
{
    int slot = cc_key_cache_expected(site, *next, at, run->scan.end);

    if (slot < 0)
        return read_other_name(run, at, site, next, member);
    at += site->slots[slot].length;
    take_slot(run, site, slot, member);
    *next = slot + 1;
    return at;
}

/* What the flat values are not: something nested, words, white space. */
const char *cc_decode_other(struct cc_run *run, const char *at,
                            struct cc_site *site, struct cc_member *member)
{
    at = cc_scan_space(at, run->scan.end);
    if (at == run->scan.end)
        return cc_decode_fail(run, at, NULL);
    if (*at == 'n' && !run->decoder->keep_null) {
        lua_pushnil(run->L);
        member->absent = true;
        return cc_scan_word(&run->scan, at, "null");
    }
    if (!member->below && (*at == '{' || *at == '['))
        member->below = (unsigned)cc_key_cache_below(&run->decoder->cache, site,
                                                     member->slot);
    return cc_decode_value(run, at, member->below);
}

/* A member that the shape names; special is not 0. */
static const char *read_special(struct cc_run *run, const char *at,
                                struct cc_site *site, struct cc_member *member)
{
    unsigned which = member->special & CC_MEMBER_IDENTITY;
    const char *begin = at = cc_scan_space(at, run->scan.end);

    if (at < run->scan.end && *at == '[' && member->special & CC_MEMBER_MAP)
        at = cc_decode_entries(run, at + 1);
    else
        at = cc_decode_flat(run, at, site, member);
    if (at && which) {
        bool none = *begin == 'n' || *begin == '[' || *begin == '{';
        run->identity[which - 1].begin = none ? NULL : begin;
        run->identity[which - 1].length = (size_t)(at - begin);
    }
    return at;
}

const char *cc_decode_object(struct cc_run *run, const char *at, unsigned below)
{
    struct cc_site *site = &run->decoder->cache.sites[below];
    int members = 0, absent = 0, next = 0, patience = site->patience;
    struct cc_member member;

    if (!cc_decode_enter(run, at - 1))
        return NULL;
    lua_createtable(run->L, 0, site->members);
    if (at < run->scan.end && *at != '"') {
        const char *end = cc_scan_space(at, run->scan.end);
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
            at = cc_decode_flat(run, at, site, &member);
        if (!at)
            return NULL;
        lua_rawset(run->L, -3);
        members++;
        absent += member.absent;
        if (at < run->scan.end && *at == ',')
            continue;
        at = cc_scan_space(at, run->scan.end);
        if (at == run->scan.end || *at != ',')
            break;
    }
    if (at == run->scan.end || *at != '}')
        return cc_decode_fail(run, at, cc_json_no_object_end);
    cc_key_cache_ended(site, members, absent, patience);
    run->depth--;
    return at + 1;
}

/* A value of any kind, white space before it allowed; pushes it. */
const char *cc_decode_value(struct cc_run *run, const char *at, unsigned below)
{
    at = cc_scan_space(at, run->scan.end);
    if (at == run->scan.end)
        return cc_decode_fail(run, at, NULL);
    switch (*at) {
    case '{':
        return cc_decode_object(run, at + 1, below);
    case '[':
        return read_array(run, at + 1, below);
    case '"':
        return cc_decode_string(run, at + 1);
    case 't':
    case 'f':
    case 'n':
        return read_word(run, at);
    default:
        if (*at == '-' || cc_scan_is_digit(*at))
            return cc_decode_number(run, at);
        return cc_decode_fail(run, at, cc_json_no_value);
    }
}
