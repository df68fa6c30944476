/* The list of key and value that becomes a map: the list is never built.
 *
 * On the Lua side's thread; decode.h tells the rules.
 */
#include "decode.h"

/* One entry of the list of key and value, any way it may be written; `at` is
 * its first byte.  Pushes the key and the value.  *plain: where the value
 * begins when nothing but the key came before it and nothing after. */
static const char *read_entry(struct cc_run *run, const char *at,
                              const char **plain)
{
    const struct cc_decoder *decoder = run->decoder;
    lua_State *L = run->L;
    struct cc_site *site = &run->decoder->cache.sites[CC_SITE_NONE];
    struct cc_member none = {.slot = -1, .below = CC_SITE_NONE};
    const char *entry = at;
    int members = 0, key = lua_gettop(L) + 1;

    *plain = NULL;
    if (at == run->scan.end || *at != '{')
        return cc_decode_fail(run, at, "an entry of the map is not an object");
    lua_pushnil(L);
    lua_pushnil(L);
    at = cc_scan_space(at + 1, run->scan.end);
    if (at < run->scan.end && *at == '}')
        return cc_decode_fail(run, at, "an entry of the map has no key");
    for (;; at++) {
        size_t length;
        const char *name, *begin;

        at = cc_decode_name(run, at);
        if (!at)
            return NULL;
        begin = at;
        name = lua_tolstring(L, -1, &length);
        members++;
        if (cc_decode_is_text(decoder->map_key, name, length)) {
            if (at == run->scan.end || *at != '"')
                return cc_decode_fail(run, at,
                                      "a key of the map is not a string");
            at = cc_decode_string(run, at + 1);
            if (at)
                lua_replace(L, key);
        } else if (cc_decode_is_text(decoder->map_value, name, length)) {
            *plain = lua_isnil(L, key) ? NULL : begin;
            at = cc_decode_other(run, at, site, &none);
            if (at)
                lua_replace(L, key + 1);
        } else {
            at = cc_scan_value(&run->scan, at, run->depth);
        }
        if (!at)
            return NULL;
        lua_settop(L, key + 1);
        at = cc_scan_space(at, run->scan.end);
        if (at == run->scan.end || *at != ',')
            break;
    }
    if (at == run->scan.end || *at != '}')
        return cc_decode_fail(run, at, cc_json_no_object_end);
    if (lua_isnil(L, key))
        return cc_decode_fail(run, entry, "an entry of the map has no key");
    if (members != 2)
        *plain = NULL;
    return at + 1;
}

/* The general way to an entry: adds it to the map below it on the stack. */
static const char *read_other_entry(struct cc_run *run, const char *at,
                                    int *next)
{
    struct cc_key_cache *cache = &run->decoder->cache;
    struct cc_site *site = &cache->sites[CC_SITE_ENTRIES];
    const char *plain, *begin = at, *end;
    bool learns;
    int slot;

    at = cc_scan_space(at, run->scan.end);
    if (!cc_decode_enter(run, at))
        return NULL;
    end = read_entry(run, at, &plain);
    run->depth--;
    if (!end)
        return NULL;
    if (plain) {
        size_t length = (size_t)(plain - begin);
        slot = -1;
        learns = cc_key_cache_may(cache, site, length);
        if (learns)
            slot = cc_key_cache_find(site, begin, length);
        if (learns && slot < 0) {
            lua_pushvalue(run->L, -2);
            slot = cc_key_cache_name(run->L, run->names, cache, site, *next,
                                     begin, length);
            lua_pop(run->L, 1);
        }
        if (slot >= 0)
            *next = slot + 1;
    }
    lua_rawset(run->L, -3);
    return end;
}

/* An entry: at once if it begins like one before and nothing but its value
 * follows. */
static inline const char *read_next_entry(struct cc_run *run, const char *at,
                                          int *next)
{
    struct cc_site *sites = run->decoder->cache.sites;
    struct cc_site *site = &sites[CC_SITE_ENTRIES];
    struct cc_member none = {.slot = -1, .below = CC_SITE_NONE};
    int slot = cc_key_cache_expected(site, *next, at, run->scan.end);
    const char *begin = at;

    if (slot < 0)
        return read_other_entry(run, at, next);
    at += site->slots[slot].length;
    lua_rawgeti(run->L, run->names, site->slots[slot].name);
    run->depth++;
    at = cc_decode_flat(run, at, &sites[CC_SITE_NONE], &none);
    run->depth--;
    if (!at)
        return NULL;
    if (at < run->scan.end && *at != '}')
        at = cc_scan_space(at, run->scan.end);
    if (at == run->scan.end || *at != '}') {
        lua_pop(run->L, 2);
        return read_other_entry(run, begin, next);
    }
    lua_rawset(run->L, -3);
    *next = slot + 1;
    return at + 1;
}

/* The list of key and value as a map; `at` is behind its bracket. */
const char *cc_decode_entries(struct cc_run *run, const char *at)
{
    struct cc_site *site = &run->decoder->cache.sites[CC_SITE_ENTRIES];
    int members = 0, next = 0, patience = site->patience;
    const char *inside = at;

    if (!cc_decode_enter(run, at - 1))
        return NULL;
    lua_createtable(run->L, 0, site->members);
    at = cc_scan_space(at, run->scan.end);
    if (at == run->scan.end || *at != ']') {
        for (at = inside;; at++) {
            at = read_next_entry(run, at, &next);
            if (!at)
                return NULL;
            members++;
            if (at < run->scan.end && *at == ',')
                continue;
            at = cc_scan_space(at, run->scan.end);
            if (at == run->scan.end || *at != ',')
                break;
        }
    }
    if (at == run->scan.end || *at != ']')
        return cc_decode_fail(run, at, cc_json_no_array_end);
    cc_key_cache_ended(site, members, 0, patience);
    run->depth--;
    return at + 1;
}
