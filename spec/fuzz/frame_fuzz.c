/* Fuzzes what a websocket's server sends: the handshake's answer and the frames
 * after it.  However the bytes are cut into pieces, they mean the same, and a
 * parser that has failed has read no further.
 *
 * Input: a byte that says how to cut, then the bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was understood, in one number, and how far it went. */
struct meaning {
    uint64_t hash;
    size_t used;
    int end;
};

static void must(int condition)
{
    if (!condition)
        abort();
}

static void add(struct meaning *meaning, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;

    while (length--)
        meaning->hash = (meaning->hash ^ *at++) * 1099511628211U;
}

static void add_number(struct meaning *meaning, uint64_t number)
{
    add(meaning, &number, sizeof number);
}

/* The next piece, in memory of its own, so that reading beyond it shows. */
static char *piece_of(const uint8_t *data, size_t left, unsigned cut,
                      size_t *length)
{
    char *piece;

    *length = cut && left > cut ? cut : left;
    piece = malloc(*length);
    if (!piece)
        abort();
    memcpy(piece, data, *length);
    return piece;
}

static struct meaning read_head(const uint8_t *data, size_t size, unsigned cut)
{
    struct meaning meaning = {.hash = 14695981039346656037U};
    struct cc_head head;
    enum cc_head_state state = CC_HEAD_MORE;
    size_t length, used;
    char *piece;

    cc_head_begin(&head, "dGhlIHNhbXBsZSBub25jZQ==");
    while (state == CC_HEAD_MORE && meaning.used < size) {
        piece =
            piece_of(data + meaning.used, size - meaning.used, cut, &length);
        state = cc_head_take(&head, piece, length, &used);
        must(used <= length && (state != CC_HEAD_MORE || used == length));
        meaning.used += used;
        free(piece);
    }
    meaning.end = (int)state;
    if (state == CC_HEAD_WHOLE) {
        must(head.status >= 0 && head.status <= 999);
        must(head.kept_length <= sizeof head.kept);
        add_number(&meaning, (uint64_t)head.status);
        add(&meaning, head.kept, head.kept_length);
        if (head.wrong)
            add(&meaning, head.wrong, strlen(head.wrong));
    } else {
        meaning.used = 0; /* a failure is seen sooner or later */
    }
    cc_head_free(&head);
    return meaning;
}

/* Payload counts by its bytes, in whatever pieces it comes. */
static void add_frame(struct meaning *meaning, const struct cc_frames *frames,
                      enum cc_frame_kind kind)
{
    if (kind == CC_FRAME_MORE)
        return;
    if (kind == CC_FRAME_DATA) {
        add(meaning, frames->bytes, frames->length);
        if (frames->ends)
            add_number(meaning, 1000U + frames->binary);
        return;
    }
    add_number(meaning, kind);
    if (kind == CC_FRAME_BEGINS)
        add_number(meaning, frames->left);
    else if (kind == CC_FRAME_WRONG)
        add(meaning, frames->wrong, strlen(frames->wrong));
    else
        add(meaning, frames->control, frames->control_length);
}

static struct meaning read_frames(const uint8_t *data, size_t size,
                                  unsigned cut)
{
    struct meaning meaning = {.hash = 14695981039346656037U};
    struct cc_frames frames = {0};
    enum cc_frame_kind kind = CC_FRAME_MORE;
    size_t length, used, at;
    char *piece;

    while (kind != CC_FRAME_WRONG && meaning.used < size) {
        piece =
            piece_of(data + meaning.used, size - meaning.used, cut, &length);
        for (at = 0; kind != CC_FRAME_WRONG && at < length; at += used) {
            kind = cc_frames_take(&frames, piece + at, length - at, &used);
            must(used > 0 && used <= length - at);
            must(frames.control_length <= CC_FRAME_CONTROL);
            add_frame(&meaning, &frames, kind);
        }
        meaning.used += at;
        free(piece);
    }
    meaning.end = kind == CC_FRAME_WRONG;
    return meaning;
}

static void must_be_same(struct meaning one, struct meaning other)
{
    must(one.hash == other.hash && one.used == other.used &&
         one.end == other.end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct meaning head;
    unsigned cut;

    if (!size)
        return 0;
    cut = data[0] % 16 + 1U;
    data++;
    size--;
    head = read_head(data, size, 0);
    must_be_same(head, read_head(data, size, cut));
    must_be_same(read_frames(data, size, 0), read_frames(data, size, cut));
    if (head.end == CC_HEAD_WHOLE)
        must_be_same(read_frames(data + head.used, size - head.used, 0),
                     read_frames(data + head.used, size - head.used, cut));
    return 0;
}
