/* A set of hashes with marks: open addressing, linear probing, one array.
 * PURE: see seen.h.
 *
 * A slot holds the upper 61 bits of a hash, and in the lowest three the mark
 * of the pass that the row was last seen in: 1 to 7, one pass after the other;
 * before they start anew all marks become 0.  A slot that is 0 is free, and so
 * the hash whose upper bits are 0 is kept beside the array.  The array doubles
 * before it is more than 3/4 full: 11 to 21 bytes a hash.
 */
#include "seen.h"

#include <stdlib.h>
#include <string.h>

#include "siphash.h"

#define ROOM_FIRST 64 /* slots; a power of two */
#define MARKS 7u      /* the highest mark, and the bits that hold it */

struct cc_seen {
    uint64_t key[2];
    uint64_t *slots;
    size_t room;        /* slots there are: 0, or a power of two */
    size_t count;       /* slots that are taken */
    unsigned mark;      /* of the pass under way */
    bool zero;          /* the hash 0 is in the set, ... */
    unsigned zero_mark; /* ... with this mark */
};

__attribute__((weak)) void *cc_seen_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

uint64_t cc_seen_hash(const struct cc_seen *seen, const void *bytes,
                      size_t length)
{
    return cc_siphash(seen->key, bytes, length);
}

struct cc_seen *cc_seen_new(const uint8_t seed[16])
{
    struct cc_seen *seen = cc_seen_calloc(1, sizeof *seen);

    if (seen) {
        memcpy(seen->key, seed, sizeof seen->key);
        seen->mark = 1;
    }
    return seen;
}

void cc_seen_free(struct cc_seen *seen)
{
    if (seen) {
        free(seen->slots);
        free(seen);
    }
}

/* The slot that holds that hash, or the free one where it belongs.  There is
 * always a free one. */
static uint64_t *find(uint64_t *slots, size_t room, uint64_t hash)
{
    size_t i = (size_t)(hash / (MARKS + 1)) & (room - 1);

    while (slots[i] && (slots[i] | MARKS) != (hash | MARKS)) {
        i = (i + 1) & (room - 1);
    }
    return &slots[i];
}

/* Twice the slots; false when memory is out, and nothing has changed. */
static bool grow(struct cc_seen *seen)
{
    size_t room = seen->room ? 2 * seen->room : ROOM_FIRST;
    uint64_t *slots = cc_seen_calloc(room, sizeof *slots);

    if (!slots) {
        return false;
    }
    for (size_t i = 0; i < seen->room; i++) {
        if (seen->slots[i]) {
            *find(slots, room, seen->slots[i]) = seen->slots[i];
        }
    }
    free(seen->slots);
    seen->slots = slots;
    seen->room = room;
    return true;
}

/* The hash whose upper bits are 0. */
static enum cc_seen_row add_zero(struct cc_seen *seen)
{
    enum cc_seen_row row = !seen->zero                     ? CC_SEEN_NEW
                           : seen->zero_mark == seen->mark ? CC_SEEN_TWICE
                                                           : CC_SEEN_KNOWN;

    seen->zero = true;
    seen->zero_mark = seen->mark;
    return row;
}

enum cc_seen_row cc_seen_add(struct cc_seen *seen, uint64_t hash)
{
    uint64_t upper = hash & ~(uint64_t)MARKS;
    uint64_t *slot = seen->room ? find(seen->slots, seen->room, upper) : NULL;

    if (!upper) {
        return add_zero(seen);
    }
    if (slot && *slot) {
        if ((*slot & MARKS) == seen->mark) {
            return CC_SEEN_TWICE;
        }
        *slot = upper | seen->mark;
        return CC_SEEN_KNOWN;
    }
    if (seen->count >= seen->room / 4 * 3) {
        if (!grow(seen)) {
            return CC_SEEN_MEMORY;
        }
        slot = find(seen->slots, seen->room, upper);
    }
    *slot = upper | seen->mark;
    seen->count++;
    return CC_SEEN_NEW;
}

void cc_seen_next_pass(struct cc_seen *seen)
{
    if (seen->mark < MARKS) {
        seen->mark++;
        return;
    }
    for (size_t i = 0; i < seen->room; i++) {
        seen->slots[i] &= ~(uint64_t)MARKS;
    }
    seen->zero_mark = 0;
    seen->mark = 1;
}

size_t cc_seen_count(const struct cc_seen *seen)
{
    return seen->count + seen->zero;
}

size_t cc_seen_memory(const struct cc_seen *seen)
{
    return sizeof *seen + seen->room * sizeof *seen->slots;
}
