/* For page_test.c and page_change_test.c: a walk, and answers to it. */
#ifndef CC_SPEC_PAGE_WALK_H
#define CC_SPEC_PAGE_WALK_H

#include "page.h"

#include "check.h"

#define NONE CC_PAGE_NONE
#define BAD CC_PAGE_BAD

static struct cc_page_walk walk;

/* Takes a good answer to `page` of a list of that many pages, all full. */
static const char *answer(int64_t page, int64_t pages)
{
    struct cc_page_head head = {page, walk.size, pages, pages * walk.size};

    return cc_page_head(&walk, page, &head);
}

/* Asks for that many pages more, and for no other than the next ones. */
static void ask(int64_t from, int64_t count)
{
    for (int64_t page = from; page < from + count; page++) {
        int64_t next = -7;

        CHECK(cc_page_next(&walk, &next));
        CHECK_INT(next, page);
    }
}

static void check_none_now(void)
{
    int64_t next = -7;

    CHECK(!cc_page_next(&walk, &next));
    CHECK_INT(next, -7);
}

/* A walk of 100 rows a page from `first` on that has its first answer. */
static void begin(int64_t first, int64_t pages)
{
    cc_page_start(&walk, first, 100, false);
    ask(first, 1);
    CHECK(answer(first, pages) == NULL);
}

#endif
