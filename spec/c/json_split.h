/* Runs of the splitter: every text is fed whole, byte by byte, cut in two at
 * every place, in pieces of odd sizes and with room for a single span, and must
 * come out the same.
 */
#ifndef CC_SPEC_JSON_SPLIT_H
#define CC_SPEC_JSON_SPLIT_H

#include "check.h" /* the macros: this folder comes first */

#include "json_cases.h"

#include "split.h"

enum { MOST = 64, NO_LIMIT = 1 << 30 };

struct outcome {
    enum cc_split_state state;
    const char *reason;
    uint64_t offset, begin;
    size_t count;
    struct cc_span spans[MOST];
};

struct list {
    enum cc_split_kind kind;
    const char *key;
    uint64_t most;
    const char *text;
    size_t length;
};

/* Feeds one piece from memory that ends where the piece ends. */
static inline void feed(struct cc_split *split, struct outcome *outcome,
                        const char *text, size_t length, size_t room)
{
    char *copy = malloc(length ? length : 1);
    size_t taken = 0, more, count;

    memcpy(copy, text, length);
    do {
        uint64_t before = split->offset;
        if (room > MOST - outcome->count)
            room = MOST - outcome->count;
        more = cc_split_feed(split, copy + taken, length - taken,
                             outcome->spans + outcome->count, room, &count);
        CHECK(more <= length - taken && count <= room);
        CHECK_INT(split->offset - before, more);
        taken += more;
        outcome->count += count;
    } while (taken < length && split->state <= CC_SPLIT_DONE && room);
    CHECK(taken == length || split->state > CC_SPLIT_DONE || !room);
    free(copy);
}

/* Feeds the first `cut` bytes, and the rest in pieces. */
static inline struct outcome run(const struct list *list, size_t cut,
                                 size_t piece, size_t room)
{
    struct cc_split split;
    struct outcome outcome = {.count = 0};
    size_t at = cut, count;

    cc_split_start(&split, list->kind, list->key, list->most);
    feed(&split, &outcome, list->text, cut, room);
    while (at < list->length && split.state <= CC_SPLIT_DONE) {
        size_t size = list->length - at < piece ? list->length - at : piece;
        feed(&split, &outcome, list->text + at, size, room);
        at += size;
    }
    outcome.begin = split.begin;
    outcome.state = cc_split_finish(
        &split, &outcome.spans[outcome.count < MOST ? outcome.count : 0],
        &count);
    outcome.count += count;
    outcome.reason = split.reason;
    outcome.offset = split.offset;
    return outcome;
}

static inline int same(const struct outcome *a, const struct outcome *b)
{
    if (a->state != b->state || a->offset != b->offset ||
        a->begin != b->begin || a->count != b->count || a->reason != b->reason)
        return 0;
    for (size_t i = 0; i < a->count; i++)
        if (a->spans[i].begin != b->spans[i].begin ||
            a->spans[i].end != b->spans[i].end)
            return 0;
    return 1;
}

/* What comes out, however it is fed. */
static inline struct outcome split(const struct list *list)
{
    static const size_t pieces[] = {1, 2, 3, 7, 16, 63, 64, 65, 100, 127, 128};
    struct outcome whole = run(list, list->length, 1, MOST), other;
    int agree = 1;

    for (size_t i = 0; i < COUNT(pieces); i++) {
        other = run(list, 0, pieces[i], MOST);
        agree &= same(&whole, &other);
        other = run(list, 0, pieces[i], 1);
        agree &= same(&whole, &other);
    }
    for (size_t cut = 0; cut <= list->length; cut++) {
        other = run(list, cut, list->length, 3);
        agree &= same(&whole, &other);
    }
    CHECK(agree);
    if (!agree)
        printf("  the text is: %.*s\n", (int)list->length, list->text);
    return whole;
}

static inline struct outcome split_text(enum cc_split_kind kind,
                                        const char *key, const char *text)
{
    struct list list = {kind, key, NO_LIMIT, text, strlen(text)};

    return split(&list);
}

/* The records with bars between them. */
static inline const char *joined(const struct outcome *outcome,
                                 const char *text)
{
    static char all[4096];
    size_t length = 0;

    for (size_t i = 0; i < outcome->count; i++) {
        size_t size = (size_t)(outcome->spans[i].end - outcome->spans[i].begin);
        if (i)
            all[length++] = '|';
        memcpy(all + length, text + outcome->spans[i].begin, size);
        length += size;
    }
    all[length] = '\0';
    return all;
}

#endif
