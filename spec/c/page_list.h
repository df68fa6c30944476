/* For page_sim_test.c: a list that changes while it is walked, a server that
 * cuts pages out of it, and a client that walks it as src/flow does. */
#ifndef CC_SPEC_PAGE_LIST_H
#define CC_SPEC_PAGE_LIST_H

#include "page.h"
#include "seen.h"

#include "check.h"

#define ROWS 1024 /* ids that a list may come to use */
#define WIDE 8    /* pages side by side, at most */

enum change { REMOVE, ADD, MIX };

/* What one walk is like. */
struct course {
    uint64_t seed;
    int64_t rows;  /* at the beginning */
    int64_t size;  /* of a page */
    int64_t first; /* page that the walk begins with */
    unsigned wide; /* pages side by side */
    bool verify;
    enum change change;
    double rate;     /* of changes to all that happens, ... */
    long changes;    /* ... and how many at most; < 0: without end */
    long within;     /* ... and how many steps after the beginning; 0: any */
    int64_t surplus; /* the total that is named is so much too high */
    int64_t limit;   /* steps after which the walk is without end */
};

/* What came of it. */
struct outcome {
    int64_t missed;  /* rows that were there from first to last, not given */
    int64_t doubled; /* rows that were given more than once */
    int64_t strange; /* rows that were given although never in the list */
    int64_t requests;
    bool ended; /* by itself, without an error */
};

/* A page that was asked for, and the answer, which waits to be looked at. */
struct asked {
    int64_t page;
    bool answered, looked_at, past;
    struct cc_page_head head;
    int rows[16];
    int count;
};

static struct {
    int list[ROWS];
    int count, used; /* rows in the list; ids that were used */
    bool lost[ROWS]; /* was removed, or stood before the first page, once */
    int given[ROWS];
    struct asked asked[WIDE];
    unsigned waiting;
    struct cc_page_walk walk;
    struct cc_seen *seen;
    uint64_t random;
} world;

static uint64_t roll(void)
{
    uint64_t n = world.random += 0x9e3779b97f4a7c15;

    n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9;
    n = (n ^ n >> 27) * 0x94d049bb133111eb;
    return n ^ n >> 31;
}

/* 0 to most - 1. */
static int below(int64_t most)
{
    return (int)(roll() % (uint64_t)most);
}

/* Rows that stand before the first page are not part of the walk. */
static void note_outside(const struct course *course)
{
    for (int i = 0; i < world.count && i < course->first * course->size; i++) {
        world.lost[world.list[i]] = true;
    }
}

static void insert(int at)
{
    if (world.used < ROWS) {
        memmove(world.list + at + 1, world.list + at,
                (size_t)(world.count - at) * sizeof *world.list);
        world.list[at] = world.used++;
        world.count++;
    }
}

static void drop(int at)
{
    world.lost[world.list[at]] = true;
    world.count--;
    memmove(world.list + at, world.list + at + 1,
            (size_t)(world.count - at) * sizeof *world.list);
}

static void change(const struct course *course)
{
    enum change change = course->change;

    if (change == MIX) {
        change = below(2) ? ADD : REMOVE;
    }
    if (change == ADD) {
        insert(below(3) ? below(world.count + 1) : 0);
    } else if (world.count > 0) {
        drop(below(3) ? below(world.count) : 0);
    }
    note_outside(course);
}

/* The server's answer, of the list as it is now. */
static void answer(const struct course *course, struct asked *asked)
{
    int64_t total = world.count + course->surplus;
    int64_t at = asked->page * course->size;

    asked->answered = true;
    asked->past = at >= world.count;
    asked->head = (struct cc_page_head){
        .page = asked->page,
        .size = course->size,
        .pages = (total + course->size - 1) / course->size,
        .rows = total,
    };
    if (asked->past) {
        asked->head.pages = (world.count + course->size - 1) / course->size;
    }
    for (; at < world.count && asked->count < course->size; at++) {
        asked->rows[asked->count++] = world.list[at];
    }
}

/* The client looks at the answers that are there.  NULL: go on. */
static const char *look(void)
{
    const char *reason = NULL;

    for (unsigned i = 0; i < world.waiting && !reason; i++) {
        struct asked *asked = &world.asked[i];

        if (!asked->answered || asked->looked_at) {
            continue;
        }
        asked->looked_at = true;
        if (!asked->past) {
            reason = cc_page_head(&world.walk, asked->page, &asked->head);
        } else if (cc_page_past(&world.walk, asked->page, asked->head.pages) ==
                   CC_PAGE_REFUSED) {
            reason = "refused";
        }
    }
    return reason;
}

/* The reader takes the rows of the first page.  NULL: go on. */
static const char *take(void)
{
    struct asked *first = world.asked;
    int64_t distinct = 0;
    const char *reason = NULL;

    for (int i = 0; i < first->count; i++) {
        int id = first->rows[i];
        uint64_t hash = cc_seen_hash(world.seen, &id, sizeof id);
        enum cc_seen_row row = cc_seen_add(world.seen, hash);

        distinct += row != CC_SEEN_TWICE;
        world.given[id] += cc_page_row(&world.walk, row, hash);
    }
    if (!first->past) {
        reason = cc_page_read(&world.walk, first->page, distinct);
    } else if (world.walk.passes == 1) {
        world.waiting = 1; /* those after it are past the end, too */
    }
    world.waiting--;
    memmove(first, first + 1, world.waiting * sizeof *first);
    return reason;
}

/* One step of the walk: an answer, a look at those that are there, or the
 * reader takes a page.  False: the walk is over, or has failed. */
static bool step(const struct course *course, struct outcome *outcome)
{
    unsigned open = 0, i;
    int64_t page;

    while (world.waiting < course->wide && cc_page_next(&world.walk, &page)) {
        world.asked[world.waiting++] = (struct asked){.page = page};
        outcome->requests++;
    }
    if (!world.waiting) {
        outcome->ended = !cc_page_again(&world.walk);
        cc_seen_next_pass(world.seen);
        return !outcome->ended;
    }
    for (i = 0; i < world.waiting; i++) {
        open += !world.asked[i].answered;
    }
    if (open && below(2)) {
        open = (unsigned)below(open);
        for (i = 0; world.asked[i].answered || open--;) {
            i++;
        }
        answer(course, &world.asked[i]);
        return true;
    }
    return !(world.asked[0].looked_at ? take() : look());
}

static void count_rows(struct outcome *outcome, int at_first)
{
    for (int id = 0; id < ROWS; id++) {
        outcome->missed += id < at_first && !world.lost[id] && !world.given[id];
        outcome->doubled += world.given[id] > 1;
        outcome->strange += world.given[id] && id >= world.used;
    }
}

static struct outcome run(const struct course *course)
{
    static const uint8_t seed[16];
    struct outcome outcome = {0};
    long changes = course->changes, steps = 0;

    memset(&world, 0, sizeof world);
    world.random = course->seed;
    world.seen = cc_seen_new(seed);
    while (world.count < course->rows) {
        insert(world.count);
    }
    note_outside(course);
    cc_page_start(&world.walk, course->first, course->size, course->verify);
    do {
        if (changes && (!course->within || steps < course->within) &&
            roll() < (uint64_t)(course->rate * 18446744073709549568.0)) {
            change(course);
            changes--;
        }
        steps++;
    } while ((!course->limit || steps < course->limit) &&
             step(course, &outcome));
    count_rows(&outcome, (int)course->rows);
    cc_seen_free(world.seen);
    return outcome;
}

#endif
