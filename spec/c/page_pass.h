/* A walk of pages and what it asks for, for the specs of its passes.  Pages
 * have two rows. */
#ifndef CC_SPEC_PAGE_PASS_H
#define CC_SPEC_PAGE_PASS_H

#include "page.h"
#include "seen.h"

#include "check.h"

static struct cc_page_walk walk;
static struct cc_seen *seen;
static char given[4096]; /* the ids that were given, with blanks between */

static inline void begin_at(int64_t first, bool verify)
{
    static const uint8_t seed[16];

    cc_seen_free(seen);
    seen = cc_seen_new(seed);
    given[0] = '\0';
    cc_page_start(&walk, first, 2, verify);
}

static inline void begin(void)
{
    begin_at(0, false);
}

/* The next page to ask for is this one; in a later pass no other follows before
 * it is read. */
static inline void asks_for(int64_t page)
{
    int64_t next = -7;

    CHECK(cc_page_next(&walk, &next));
    CHECK_INT(next, page);
    CHECK(walk.passes == 1 || !cc_page_next(&walk, &next));
}

/* A row of the page that is read; "-" has no identity. */
static inline bool row(const char *id)
{
    uint64_t hash = cc_seen_hash(seen, id, strlen(id));
    enum cc_seen_row how;
    bool fresh;

    if (strcmp(id, "-") == 0) {
        fresh = cc_page_nameless(&walk);
        how = CC_SEEN_NEW;
    } else {
        how = cc_seen_add(seen, hash);
        fresh = cc_page_row(&walk, how, hash);
    }
    if (fresh) {
        strcat(given, given[0] ? " " : "");
        strcat(given, id);
    }
    return how != CC_SEEN_TWICE;
}

/* It asks for that page, which has these rows, and the answer names a total. */
static inline const char *page_is(int64_t page, int64_t total, const char *rows)
{
    struct cc_page_head head = {page, 2, (total + 1) / 2, total};
    char text[64];
    int64_t distinct = 0;

    asks_for(page);
    CHECK(cc_page_head(&walk, page, &head) == NULL);
    snprintf(text, sizeof text, "%s", rows);
    for (char *id = strtok(text, " "); id; id = strtok(NULL, " ")) {
        distinct += row(id);
    }
    return cc_page_read(&walk, page, distinct);
}

static inline void page_has(int64_t page, int64_t total, const char *rows)
{
    CHECK(page_is(page, total, rows) == NULL);
}

/* It asks for that page, which is refused. */
static inline void page_is_past(int64_t page, int64_t pages)
{
    asks_for(page);
    CHECK(cc_page_past(&walk, page, pages) != CC_PAGE_REFUSED);
}

/* The pass is over, and another one begins. */
static inline void again(int passes)
{
    int64_t page;

    CHECK(!cc_page_next(&walk, &page));
    CHECK(cc_page_again(&walk));
    cc_seen_next_pass(seen);
    CHECK_INT(walk.passes, passes);
}

/* The walk is over, after so many passes. */
static inline void over(int passes, bool clean, int64_t missing)
{
    int64_t page;

    CHECK(!cc_page_next(&walk, &page));
    CHECK(!cc_page_again(&walk));
    CHECK(!cc_page_again(&walk)); /* for good */
    CHECK(!cc_page_next(&walk, &page));
    CHECK_INT(walk.passes, passes);
    CHECK_INT(walk.clean, clean);
    CHECK_INT(cc_page_missing(&walk), missing);
}

/* A pass over a list of that many rows that holds still. */
static inline void still(int64_t total, bool backward)
{
    int64_t pages = (total + 1) / 2;
    char rows[32];

    for (int64_t i = 0; i < pages; i++) {
        int64_t page = backward ? pages - 1 - i : i;

        if (2 * page + 2 > total) {
            snprintf(rows, sizeof rows, "%d", (int)(2 * page + 1));
        } else {
            snprintf(rows, sizeof rows, "%d %d", (int)(2 * page + 1),
                     (int)(2 * page + 2));
        }
        page_has(page, total, rows);
    }
}

#endif
