/* Fuzzes the content decoding: however a body is cut, and however little room
 * its output has, it comes to the same bytes and to the same end.
 *
 * Input: a byte that says how to cut, one for the room and the coding, then the
 * body.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MADE_MOST (1024 * 1024) /* a few bytes may hold gigabytes */

struct meaning {
    uint64_t hash;
    size_t made;
    int end; /* 2: bad, 1: whole, 0: not */
};

static void must(int condition)
{
    if (!condition)
        abort();
}

/* One piece of the body, in memory of its own, so that reading beyond it
 * shows. */
static bool feed(struct cc_decode *decode, struct meaning *meaning,
                 const uint8_t *data, size_t length, size_t room)
{
    char *piece = malloc(length ? length : 1), *out = malloc(room);
    const char *at = piece;
    enum cc_decode_state state;
    size_t made, i;

    must(piece && out);
    if (length)
        memcpy(piece, data, length);
    do {
        state = cc_decode_step(decode, &at, &length, out, room, &made);
        must(made <= room);
        must(state == CC_DECODE_MORE || !made);
        for (i = 0; i < made; i++)
            meaning->hash =
                (meaning->hash ^ (unsigned char)out[i]) * 1099511628211U;
        meaning->made += made;
    } while (state == CC_DECODE_MORE && (length || made == room) &&
             meaning->made < MADE_MOST);
    free(piece);
    free(out);
    if (state != CC_DECODE_MORE)
        meaning->end = 2;
    return state == CC_DECODE_MORE && meaning->made < MADE_MOST;
}

static struct meaning decode_all(const uint8_t *data, size_t size, size_t cut,
                                 size_t room, enum cc_coding coding)
{
    struct meaning meaning = {.hash = 14695981039346656037U};
    struct cc_decode decode;
    size_t at = 0, length;
    bool on = true;

    cc_decode_start(&decode, coding);
    for (; on && at < size; at += length) {
        length = size - at < cut ? size - at : cut;
        on = feed(&decode, &meaning, data + at, length, room);
    }
    if (on)
        meaning.end = cc_decode_finish(&decode);
    cc_decode_end(&decode);
    return meaning;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct meaning one, other;
    enum cc_coding coding;
    size_t cut, room;

    if (size < 2)
        return 0;
    cut = data[0] % 32 + 1U;
    room = 16 + data[1] / 2U;
    coding = data[1] & 1 ? CC_CODING_GZIP : CC_CODING_DEFLATE;
    one = decode_all(data + 2, size - 2, size, 64 * 1024, coding);
    other = decode_all(data + 2, size - 2, cut, room, coding);
    if (one.made >= MADE_MOST || other.made >= MADE_MOST)
        return 0;
    /* What is bad may show before all output was given, or after it. */
    must(one.end == other.end);
    if (one.end != 2)
        must(one.hash == other.hash && one.made == other.made);
    return 0;
}
