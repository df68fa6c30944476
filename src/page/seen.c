/* A set of 64-bit hashes: open addressing, linear probing, one array.  PURE:
 * see seen.h.
 *
 * A slot that holds 0 is free, and so the hash 0 is kept beside the array.
 * The array doubles before it is more than 3/4 full: 11 to 21 bytes a hash.
 */
#include "seen.h"

#include <stdlib.h>

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

/* `length` bytes, 8 at the most, with the lowest first. */
static uint64_t little_endian(const uint8_t *bytes, size_t length)
{
    uint64_t word = 0;

    for (size_t i = 0; i < length; i++) {
        word |= (uint64_t)bytes[i] << (8 * i);
    }
    return word;
}

static uint64_t rotate(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

uint64_t ccaas_seen_hash(const struct ccaas_seen *seen, const void *bytes,
                         size_t length)
{
    const uint8_t *next = bytes;
    size_t left = length;
    uint64_t v[4] = {
        seen->key[0] ^ 0x736f6d6570736575,
        seen->key[1] ^ 0x646f72616e646f6d,
        seen->key[0] ^ 0x6c7967656e657261,
        seen->key[1] ^ 0x7465646279746573,
    };

    for (; left >= 8; left -= 8, next += 8) {
        sip_word(v, little_endian(next, 8));
    }
    sip_word(v, little_endian(next, left) | (uint64_t)length << 56);
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++) {
        sip_round(v);
    }
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct ccaas_seen *ccaas_seen_new(const uint8_t seed[16])
{
    struct ccaas_seen *seen = ccaas_seen_calloc(1, sizeof *seen);

    if (seen) {
        seen->key[0] = little_endian(seed, 8);
        seen->key[1] = little_endian(seed + 8, 8);
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
