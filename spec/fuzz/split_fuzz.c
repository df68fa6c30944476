/* Fuzzes the splitter and the checker against each other.  However a body is
 * cut, the same must come out; and the two together accept what the checker
 * alone accepts, and see the same wrong byte.
 *
 * Input: a byte for the kind, a byte to cut by, a byte for the limit of a
 * record, the body.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 4096 };

struct outcome {
    enum cc_split_state state;
    const char *reason;
    uint64_t offset, begin;
    size_t count;
    struct cc_span spans[MOST];
};

struct body {
    enum cc_split_kind kind;
    uint64_t most;
    const char *text;
    size_t length;
};

static void must(int condition)
{
    if (!condition)
        abort();
}

/* Feeds the body in pieces of up to `piece` bytes; with a `seed`, of sizes and
 * with room for spans that follow from it. */
static void run(const struct body *body, size_t piece, uint32_t seed,
                struct outcome *outcome)
{
    struct cc_split split;
    size_t at = 0, count, room = MOST;

    cc_split_start(&split, body->kind, "data", body->most);
    outcome->count = 0;
    while (at < body->length && split.state <= CC_SPLIT_DONE) {
        size_t length = piece, taken;

        if (seed) {
            seed = seed * 1664525 + 1013904223;
            length = 1 + (seed >> 16) % piece;
            room = 1 + (seed >> 8 & 3);
        }
        if (length > body->length - at)
            length = body->length - at;
        if (room > MOST - outcome->count)
            room = MOST - outcome->count;
        if (!room)
            break;
        taken = cc_split_feed(&split, body->text + at, length,
                              outcome->spans + outcome->count, room, &count);
        must(taken <= length && count <= room);
        must(taken == length || count == room || split.state > CC_SPLIT_DONE);
        at += taken;
        must(split.offset == at);
        outcome->count += count;
    }
    outcome->begin = split.begin;
    if (outcome->count < MOST) {
        outcome->state =
            cc_split_finish(&split, &outcome->spans[outcome->count], &count);
        outcome->count += count;
    }
    outcome->state = split.state;
    outcome->reason = split.reason;
    outcome->offset = split.offset;
}

static void must_be_same(const struct outcome *a, const struct outcome *b)
{
    must(a->state == b->state && a->reason == b->reason);
    must(a->offset == b->offset && a->begin == b->begin);
    must(a->count == b->count);
    must(memcmp(a->spans, b->spans, a->count * sizeof *a->spans) == 0);
}

/* What splitter and checker say together: the first wrong byte, SIZE_MAX when
 * all is well; *cut when the body just ends too early. */
static size_t first_wrong(const struct body *body,
                          const struct outcome *outcome, int *cut)
{
    *cut = 0;
    for (size_t i = 0; i < outcome->count; i++) {
        const struct cc_span *span = &outcome->spans[i];
        size_t length = (size_t)(span->end - span->begin), offset;

        must(span->begin < span->end && span->end <= body->length);
        must(i == 0 || outcome->spans[i - 1].end < span->begin);
        switch (
            cc_json_check(body->text + span->begin, length, &offset, NULL)) {
        case CC_CHECK_BAD:
            return (size_t)span->begin + offset;
        case CC_CHECK_MORE: /* its brackets do not match */
            return (size_t)span->end - 1;
        case CC_CHECK_OK:
            break;
        }
    }
    if (outcome->state == CC_SPLIT_MORE && outcome->begin != UINT64_MAX) {
        size_t begin = (size_t)outcome->begin, offset;

        if (cc_json_check(body->text + begin, body->length - begin, &offset,
                          NULL) == CC_CHECK_BAD)
            return begin + offset;
    }
    *cut = outcome->state == CC_SPLIT_MORE;
    return outcome->state == CC_SPLIT_BAD ? (size_t)outcome->offset : SIZE_MAX;
}

static void must_agree_with_check(const struct body *body,
                                  const struct outcome *outcome)
{
    int cut;
    size_t offset = 0, wrong = first_wrong(body, outcome, &cut);
    const char *reason = "";
    enum cc_check answer =
        cc_json_check(body->text, body->length, &offset, &reason);

    /* A record has one level more by itself than in its list. */
    if (answer == CC_CHECK_BAD && strcmp(reason, cc_json_deep) == 0)
        return;
    if (wrong == SIZE_MAX)
        must(answer == (cut ? CC_CHECK_MORE : CC_CHECK_OK));
    else if (body->kind == CC_SPLIT_WHOLE)
        must(answer == CC_CHECK_BAD && offset == wrong);
    else if (answer == CC_CHECK_BAD)
        must(wrong <= offset); /* the wrong kind may show earlier */
    else
        must(outcome->state == CC_SPLIT_BAD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome whole, other;
    struct body body;

    if (size < 3)
        return 0;
    body.kind = (enum cc_split_kind)(data[0] % 4);
    body.most = data[2] >= 128 ? data[2] - 128U : UINT64_MAX;
    body.length = size - 3;
    /* A copy of its own, so that reading beyond a piece shows. */
    body.text = memcpy(malloc(body.length + 1), data + 3, body.length);
    run(&body, body.length + 1, 0, &whole);
    run(&body, 1, 0, &other);
    must_be_same(&whole, &other);
    run(&body, 1 + data[1], data[1] + 1U, &other);
    must_be_same(&whole, &other);
    if (whole.state != CC_SPLIT_LARGE && whole.count < MOST)
        must_agree_with_check(&body, &whole);
    free((void *)(uintptr_t)body.text);
    return 0;
}
