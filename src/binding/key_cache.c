/* The key cache: learning the names of a record's members, and when not to.
 *
 * On the Lua side's thread.
 */
#include "key_cache.h"

enum {
    FULL_PATIENCE = 1024, /* so many new names in a row are learned; then ... */
    PAUSE = 16384,        /* ... so many are not: objects with ever new names */
    MOST_PRESIZED = 1024  /* largest table made at the size of the last one */
};

void cc_key_cache_start(struct cc_key_cache *cache)
{
    memset(cache, 0, sizeof *cache);
    cache->sites_used = CC_SITE_FREE;
    for (int i = 0; i < CC_SITES; i++)
        cache->sites[i].patience = i == CC_SITE_NONE ? -1 : FULL_PATIENCE;
}

static uint32_t mark(const char *bytes, size_t length)
{
    uint32_t hash = (uint32_t)length;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 16777619;
    return hash;
}

int cc_key_cache_find(const struct cc_site *site, const char *bytes,
                      size_t length)
{
    uint32_t wanted = mark(bytes, length);

    for (int i = 0; i < site->count; i++)
        if (site->marks[i] == wanted && site->slots[i].length == length &&
            memcmp(site->slots[i].bytes, bytes, length) == 0)
            return i;
    return -1;
}

/* Makes room for one more slot. */
static void grow(lua_State *L, int names, struct cc_key_cache *cache,
                 struct cc_site *site)
{
    int room = site->room ? site->room * 2 : 4;
    size_t slots = (size_t)room * sizeof *site->slots;
    size_t marks = (size_t)room * sizeof *site->marks;
    char *block = lua_newuserdata(L, slots + marks);
    struct cc_slot *fresh = (struct cc_slot *)(void *)block;
    uint32_t *fresh_marks = (uint32_t *)(void *)(block + slots);

    if (site->room >= room) { /* a finalizer came first, and decoded */
        lua_pop(L, 1);
        return;
    }
    memset(block, 0, slots + marks);
    if (site->room) {
        memcpy(fresh, site->slots, (size_t)site->room * sizeof *fresh);
        memcpy(fresh_marks, site->marks,
               (size_t)site->room * sizeof *fresh_marks);
    }
    /* Only now may the block before be collected. */
    lua_rawseti(L, names, -1 - (int)(site - cache->sites));
    site->slots = fresh;
    site->marks = fresh_marks;
    site->room = room;
}

/* A site whose names are not those expected, time and again, stops looking and
 * learning for a while, then forgets them and tries again. */
bool cc_key_cache_may(struct cc_key_cache *cache, struct cc_site *site,
                      size_t length)
{
    if (length > CC_SLOT_BYTES || site == &cache->sites[CC_SITE_NONE])
        return false;
    if (site->patience < 0) {
        if (++site->patience == 0) {
            site->count = 0;
            site->patience = FULL_PATIENCE;
        }
        return false;
    }
    if (--site->patience == 0)
        site->patience = -PAUSE;
    return site->count < CC_SLOTS;
}

int cc_key_cache_name(lua_State *L, int names, struct cc_key_cache *cache,
                      struct cc_site *site, int at, const char *bytes,
                      size_t length)
{
    struct cc_slot slot;
    size_t behind;

    if (site->count == site->room)
        grow(L, names, cache, site);
    /* A slot that was in use before keeps its index, and its site below. */
    slot = site->slots[site->count];
    if (!slot.name)
        slot.name = ++cache->names_used;
    lua_pushvalue(L, -1);
    lua_rawseti(L, names, slot.name);
    if (at > site->count)
        at = site->count;
    slot.length = (uint16_t)length;
    slot.special = 0;
    memcpy(slot.bytes, bytes, length);
    behind = (size_t)(site->count - at);
    memmove(&site->slots[at + 1], &site->slots[at],
            behind * sizeof *site->slots);
    memmove(&site->marks[at + 1], &site->marks[at],
            behind * sizeof *site->marks);
    site->slots[at] = slot;
    site->marks[at] = mark(bytes, length);
    site->count++;
    return at;
}

int cc_key_cache_below(struct cc_key_cache *cache, struct cc_site *site,
                       int slot)
{
    if (slot < 0 || slot >= site->count)
        return CC_SITE_NONE;
    if (!site->slots[slot].below)
        site->slots[slot].below =
            (uint8_t)(cache->sites_used < CC_SITES ? cache->sites_used++
                                                   : CC_SITE_NONE);
    return site->slots[slot].below;
}

void cc_key_cache_ended(struct cc_site *site, int members, int absent,
                        int patience)
{
    if (site->patience > 0 && (patience - site->patience) * 2 <= members)
        site->patience = FULL_PATIENCE;
    members -= absent;
    site->members = members < MOST_PRESIZED ? members : MOST_PRESIZED;
}
