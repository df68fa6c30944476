/* A decoder's key cache: the bytes that stood where a member's name was read,
 * and the Lua string made of them.  Rows of one list
 * look alike, so comparing bytes takes the place of reading names.
 *
 * A place ("site") is where an object stands in the record.  All memory is
 * Lua's: names and slots are anchored in one table, the decoder's user value.
 */
#ifndef CC_KEY_CACHE_H
#define CC_KEY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <lua.h>

#include "scan.h"

#if defined(CCAAS_TINY)
#define CC_SLOT_BYTES 16
#define CC_SLOTS 4
#define CC_SITES 6
#else
#define CC_SLOT_BYTES 112 /* a multiple of 16 */
#define CC_SLOTS 256      /* most names of one site */
#define CC_SITES 48
#endif

/* Sites that are there from the start; the others are given out as needed. */
enum {
    CC_SITE_ROOT,    /* a record that is an object */
    CC_SITE_OTHER,   /* what is below one that is an array */
    CC_SITE_ENTRIES, /* the {key, value} entries of the map */
    CC_SITE_NONE,    /* no place of its own: nothing is learned */
    CC_SITE_FREE
};

/* One name at one site. */
struct cc_slot {
    uint16_t length; /* of the bytes */
    uint8_t special; /* what the record decoder notes about the member */
    uint8_t below;   /* the site of the objects in its value; 0: not known */
    int32_t name;    /* index of the Lua string in the names table */
    char bytes[CC_SLOT_BYTES]; /* all, from the byte behind { or , up to
                                     the value */
};

struct cc_site {
    struct cc_slot *slots; /* in the order in which the names come */
    uint32_t *marks;       /* of each slot's bytes, to look them up */
    int count;
    int room;
    int members;  /* so many had the object before */
    int elements; /* ... and the array before */
    int patience; /* new names are learned while it is above 0 */
};

struct cc_key_cache {
    struct cc_site sites[CC_SITES];
    int sites_used;
    int names_used;
};

void cc_key_cache_start(struct cc_key_cache *cache);

/* The slot with these very bytes, or -1. */
int cc_key_cache_find(const struct cc_site *site, const char *bytes,
                      size_t length);

/* A name was not among those expected: may it be looked up and learned? */
bool cc_key_cache_may(struct cc_key_cache *cache, struct cc_site *site,
                      size_t length);

/* Learns the name on top of the stack (which stays), to be expected as number
 * `at` of its site; `names` is the table's stack index.  Only after
 * cc_key_cache_may() said so.  Gives the slot's number.  May raise a Lua error
 * (memory). */
int cc_key_cache_name(lua_State *L, int names, struct cc_key_cache *cache,
                      struct cc_site *site, int at, const char *bytes,
                      size_t length);

/* The site below a slot, given out now if it has none. */
int cc_key_cache_below(struct cc_key_cache *cache, struct cc_site *site,
                       int slot);

/* An object at the site has ended, with so many members, some of them absent
 * from its table; `patience` is what the site had when it began. */
void cc_key_cache_ended(struct cc_site *site, int members, int absent,
                        int patience);

/* Do the slot's bytes stand here? */
static inline bool cc_key_cache_matches(const struct cc_slot *slot,
                                        const char *at, const char *end)
{
    size_t length = slot->length;

#if CC_SSE2
    if (end - at >= CC_SLOT_BYTES) {
        for (const char *bytes = slot->bytes;; bytes += 16, at += 16) {
            __m128i a = _mm_loadu_si128((const __m128i *)(const void *)at);
            __m128i b = _mm_loadu_si128((const __m128i *)(const void *)bytes);
            unsigned other = ~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(a, b));
            if (length <= 16)
                return (other & ((1U << length) - 1)) == 0;
            if (other & 0xFFFF)
                return false;
            length -= 16;
        }
    }
#endif
    return (size_t)(end - at) >= length && memcmp(at, slot->bytes, length) == 0;
}

/* The slot whose bytes stand at `at`: the one expected next or, if a few are
 * missing, one soon after it.  -1: none of them. */
static inline int cc_key_cache_expected(const struct cc_site *site, int next,
                                        const char *at, const char *end)
{
    for (int slot = next; slot < site->count && slot < next + 4; slot++)
        if (cc_key_cache_matches(&site->slots[slot], at, end))
            return slot;
    return -1;
}

#endif
