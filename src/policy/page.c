/* The walk over a list that is paged by number: answers, and the first pass.
 * PURE: see page.h.
 *
 * The first pass requests pages side by side.  So answers come in any order,
 * and each counts the list as it was at its own moment.  In doubt the walk
 * goes on: a page too many costs one request, a missing page loses rows.
 * Later passes are in pass.c.
 */
#include "page_own.h"

#include <stddef.h>

#define SIZE_MOST 1000000 /* rows a page; a larger number is not believed */

void cc_page_start(struct cc_page_walk *walk, int64_t first, int64_t size,
                   bool verify)
{
    if (first < 0) {
        first = 0;
    } else if (first == INT64_MAX) {
        first--; /* so that the next number exists, too */
    }
    *walk = (struct cc_page_walk){
        .first = first,
        .size = size,
        .next = first,
        .end = -1,
        .promised = -1,
        .rows = -1,
        .told = -1,
        .fewer = -1,
        .passes = 1,
        .verify = verify,
        .last = -1,
        .pages = -1,
        .pass = {.total = -1},
    };
}

bool cc_page_next(struct cc_page_walk *walk, int64_t *page)
{
    bool known;

    if (walk->passes > 1) {
        return cc_pass_next(walk, page);
    }
    known = walk->end < 0 ? walk->next == walk->first : walk->next < walk->end;
    if (known) {
        *page = walk->next++;
    }
    return known;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

/* One item of a header's list. */
static int64_t item(const char *value, size_t length)
{
    int64_t number = 0;

    while (length && blank(value[length - 1])) {
        length--;
    }
    while (length && blank(*value)) {
        value++;
        length--;
    }
    if (!length) {
        return CC_PAGE_BAD;
    }
    for (size_t i = 0; i < length; i++) {
        int digit = value[i] - '0';

        if (digit < 0 || digit > 9 || number > (INT64_MAX - digit) / 10) {
            return CC_PAGE_BAD;
        }
        number = number * 10 + digit;
    }
    return number;
}

int64_t cc_page_both(int64_t one, int64_t other)
{
    if (one == other || other == CC_PAGE_NONE) {
        return one;
    }
    if (one == CC_PAGE_NONE) {
        return other;
    }
    return one == CC_PAGE_BAD || other == CC_PAGE_BAD ? CC_PAGE_BAD
                                                      : CC_PAGE_TWO;
}

int64_t cc_page_number(const char *value, size_t length)
{
    int64_t number = CC_PAGE_NONE;
    size_t at = 0, comma;

    while (value && at <= length) {
        for (comma = at; comma < length && value[comma] != ',';) {
            comma++;
        }
        number = cc_page_both(number, item(value + at, comma - at));
        at = comma + 1;
    }
    return number;
}

/* The page size of an answer: what it says itself, else what the walk knows. */
static int64_t size_of(const struct cc_page_walk *walk,
                       const struct cc_page_head *head)
{
    return head->size == CC_PAGE_NONE ? walk->size : head->size;
}

/* An earlier answer named such a page; a later page is requested for no
 * other reason. */
static bool was_named(const struct cc_page_walk *walk, int64_t page)
{
    return walk->passes > 1 || page != walk->first ||
           walk->promised > walk->first;
}

/* What is wrong with a number that came twice; NULL: nothing. */
static const char *two_numbers(const struct cc_page_head *head)
{
    if (head->pages == CC_PAGE_TWO) {
        return "the answer names two different numbers of pages";
    }
    if (head->rows == CC_PAGE_TWO) {
        return "the answer names two different numbers of rows";
    }
    if (head->page == CC_PAGE_TWO) {
        return "the answer names two different pages";
    }
    if (head->size == CC_PAGE_TWO) {
        return "the answer names two different page sizes";
    }
    return NULL;
}

/* What is wrong with a single number; NULL: nothing. */
static const char *wrong_number(const struct cc_page_walk *walk, int64_t page,
                                const struct cc_page_head *head)
{
    int64_t size = size_of(walk, head);

    if (head->pages == CC_PAGE_NONE) {
        return "the answer does not say how many pages there are";
    }
    if (head->pages < 0) {
        return "the answer's number of pages is not a whole number";
    }
    if (head->rows == CC_PAGE_NONE) {
        return "the answer does not say how many rows there are";
    }
    if (head->rows < 0) {
        return "the answer's number of rows is not a whole number";
    }
    if (head->page < 0 && head->page != CC_PAGE_NONE) {
        return "the answer's page is not a whole number";
    }
    if (head->page >= 0 && head->page != page) {
        return "the answer is a different page from the one requested";
    }
    if (head->size < 0 && head->size != CC_PAGE_NONE) {
        return "the answer's page size is not a whole number";
    }
    if (size < 1 || size > SIZE_MOST) {
        return "the answer's page size is not between 1 and 1000000";
    }
    return NULL;
}

/* What is wrong with the numbers taken together; NULL: nothing. */
static const char *contradiction(const struct cc_page_walk *walk, int64_t page,
                                 const struct cc_page_head *head)
{
    int64_t size = size_of(walk, head);

    if (walk->sized && size != walk->size) {
        return "the page size changed from one page to another";
    }
    if (head->pages != head->rows / size + (head->rows % size != 0)) {
        return "the answer's numbers of pages and of rows contradict each "
               "other";
    }
    if (page >= head->pages && head->pages > 0 && !was_named(walk, page)) {
        return "the answer is a page that, by its own count, does not exist";
    }
    return NULL;
}

/* `page` had been named and is not there: the walk ends before it. */
static void shrink(struct cc_page_walk *walk, int64_t page)
{
    if (page < walk->end) {
        walk->end = page;
    }
    if (walk->fewer >= 0) {
        walk->rows = walk->fewer;
    }
    walk->over = true;
    walk->shrunk = walk->pass.past = true;
}

/* What a good answer to an existing page counts.  The order in which the
 * server counted is unknown.  A count below the end may be an old one, so
 * the end stays; a page that is gone says so itself. */
static void recount(struct cc_page_walk *walk, int64_t page,
                    const struct cc_page_head *head)
{
    if (head->pages < walk->end) {
        walk->fewer = head->rows;
    } else if (head->pages > walk->end) {
        walk->end = head->pages;
        walk->rows = head->rows;
        walk->told = page;
        walk->fewer = -1;
    } else if (page >= walk->told) {
        walk->rows = head->rows;
        walk->told = page;
    }
}

const char *cc_page_head(struct cc_page_walk *walk, int64_t page,
                         const struct cc_page_head *head)
{
    const char *reason = two_numbers(head);

    if (!reason) {
        reason = wrong_number(walk, page, head);
    }
    if (!reason) {
        reason = contradiction(walk, page, head);
    }
    if (reason) {
        return reason;
    }
    if (!walk->sized) {
        walk->size = size_of(walk, head);
        walk->sized = true;
    }
    walk->pages = head->pages;
    cc_pass_total(walk, page, head->rows);
    if (walk->passes > 1) {
        cc_pass_head(walk, page, head);
        return NULL;
    }
    if (walk->end < 0) {
        walk->rows = head->rows;
        walk->promised = walk->end = head->pages;
        walk->told = page;
        return NULL;
    }
    if (page >= head->pages && was_named(walk, page)) {
        walk->fewer = head->rows;
        shrink(walk, page);
    } else if (!walk->over) {
        recount(walk, page, head);
    } else if (head->pages <= walk->end) {
        walk->rows = head->rows;
    }
    return NULL;
}

enum cc_page_past cc_page_past(struct cc_page_walk *walk, int64_t page,
                               int64_t pages)
{
    if (walk->passes > 1) {
        return cc_pass_past(walk, page, pages);
    }
    if (pages >= 0 && pages <= page) {
        walk->pages = pages;
    }
    if (was_named(walk, page)) {
        shrink(walk, page);
        return CC_PAGE_SHRUNK;
    }
    if (pages > 0 || (page > 0 && pages != 0)) {
        return CC_PAGE_REFUSED;
    }
    walk->end = walk->promised = walk->pages = walk->rows = 0;
    walk->over = true;
    cc_pass_total(walk, page, 0);
    return CC_PAGE_EMPTY;
}

const char *cc_page_read(struct cc_page_walk *walk, int64_t page,
                         int64_t distinct)
{
    if (walk->passes > 1) {
        cc_pass_read(walk, page);
    }
    walk->barren = distinct > 0 ? 0 : walk->barren + 1;
    return cc_page_barren(walk);
}

const char *cc_page_barren(const struct cc_page_walk *walk)
{
    return walk->barren < CC_PAGE_BARREN
               ? NULL
               : "100 pages in a row brought no new row: the server repeats "
                 "itself, or announces far more rows than there are";
}

static int64_t from_first(const struct cc_page_walk *walk, int64_t total)
{
    if (walk->size < 1 || walk->first > total / walk->size) {
        return 0;
    }
    return total - walk->first * walk->size;
}

int64_t cc_page_announced(const struct cc_page_walk *walk)
{
    return walk->rows < 0 ? -1 : from_first(walk, walk->rows);
}

int64_t cc_page_missing(const struct cc_page_walk *walk)
{
    int64_t announced = cc_page_announced(walk);

    return announced > walk->pass.distinct ? announced - walk->pass.distinct
                                           : 0;
}
