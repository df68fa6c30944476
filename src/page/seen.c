/* A set of 64-bit hashes: open addressing, linear probing, one array.  PURE:
 * see seen.h.
 *
 * A slot that holds 0 is free, and so the hash 0 is kept beside the array.
 * The array doubles before it is more than 3/4 full: 11 to 21 bytes a hash.
 */
#include "seen.h"

#include <stdlib.h>
#include <string.h>

#include "siphash.h"

#define ROOM_FIRST 64 /* slots; a power of two */

struct ccaas_seen {
    uint64_t key[2];
    uint64_t *slots;
    size_t room;  /* slots there are: 0, or a power of two */
    size_t count; /* slots that are taken */
    bool zero;    /* the hash 0 is in the set */
};

__attribute__((weak)) void *ccaas_seen_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

uint64_t ccaas_seen_hash(const struct ccaas_seen *seen, const void *bytes,
                         size_t length)
{
    return ccaas_siphash(seen->key, bytes, length);
}

struct ccaas_seen *ccaas_seen_new(const uint8_t seed[16])
{
    struct ccaas_seen *seen = ccaas_seen_calloc(1, sizeof *seen);

    if (seen) {
        memcpy(seen->key, seed, sizeof seen->key);
    }
    return seen;
}

void ccaas_seen_free(struct ccaas_seen *seen)
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
    size_t i = (size_t)hash & (room - 1);

    while (slots[i] && slots[i] != hash) {
        i = (i + 1) & (room - 1);
    }
    return &slots[i];
}

/* Twice the slots; false when memory is out, and nothing has changed. */
static bool grow(struct ccaas_seen *seen)
{
    size_t room = seen->room ? 2 * seen->room : ROOM_FIRST;
    uint64_t *slots = ccaas_seen_calloc(room, sizeof *slots);

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

int ccaas_seen_add(struct ccaas_seen *seen, uint64_t hash)
{
    if (!hash) {
        int fresh = !seen->zero;

        seen->zero = true;
        return fresh;
    }
    if (seen->room && *find(seen->slots, seen->room, hash)) {
        return 0;
    }
    if (seen->count >= seen->room / 4 * 3 && !grow(seen)) {
        return -1;
    }
    *find(seen->slots, seen->room, hash) = hash;
    seen->count++;
    return 1;
}

size_t ccaas_seen_count(const struct ccaas_seen *seen)
{
    return seen->count + seen->zero;
}

size_t ccaas_seen_memory(const struct ccaas_seen *seen)
{
    return sizeof *seen + seen->room * sizeof *seen->slots;
}
