/* A walk over a list that is paged by number: which page to ask for next, and
 * what an answer's headers mean for the walk.
 *
 * PURE: no clock, socket, thread or random number.  The owner calls from one
 * thread; nothing here allocates.
 */
#ifndef CCAAS_PAGE_H
#define CCAAS_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CCAAS_PAGE_NONE (-1) /* the header was not there */
#define CCAAS_PAGE_BAD (-2)  /* it was there, and is no whole number >= 0 */
#define CCAAS_PAGE_TWO (-3)  /* it was there more than once, and differs */

/* The four numbers that come with a page, or NONE, BAD or TWO in their
 * place. */
struct ccaas_page_head {
    int64_t page;  /* which page this is, from 0 */
    int64_t size;  /* rows a page */
    int64_t pages; /* how many pages there are */
    int64_t rows;  /* how many rows there are in all */
};

#define CCAAS_PAGE_EMPTY_MOST                                                  \
    100 /* pages without rows, one after the other                             \
         */

/* One walk.  The fields are the walk's own: use the functions. */
struct ccaas_page_walk {
    int64_t first;    /* the page that the walk starts with */
    int64_t size;     /* rows a page: as asked for, then as the first answer
                         has it */
    int64_t next;     /* the next page to ask for */
    int64_t end;      /* one past the last page as known now; -1: not yet */
    int64_t promised; /* the end that the first answer named; -1: not yet */
    int64_t rows;     /* rows in all, as the answers named them; or -1 */
    int64_t told;     /* the page whose answer named `rows`; -1: none */
    int64_t fewer;    /* rows in all, as an answer named them that counts fewer
                         pages than `end`: true if it shrank; -1: none */
    int64_t furthest; /* the highest `end` so far; -1: none */
    int64_t empty;    /* pages without rows, one after the other */
    int64_t barren;   /* `furthest` when pages past `promised` began to bring
                         nothing new; -1: they do not */
    bool over;        /* the end is final: nothing moves it on */
    bool shrunk;      /* a page that had been named is not there */
};

/* Starts a walk at page `first` (0 to INT64_MAX - 1; others are brought to the
 * nearest of these), `size` rows a page (1 to 1000000). */
void ccaas_page_start(struct ccaas_page_walk *walk, int64_t first,
                      int64_t size);

/* The next page to ask for, in *page; each is given once.  False (and *page as
 * it was): none now, either because the first answer is not here yet or
 * because all known pages were asked for.  Ask again after each answer. */
bool ccaas_page_next(struct ccaas_page_walk *walk, int64_t *page);

/* Reads a header's value (not terminated; NULL: the header is missing) as one
 * number of struct ccaas_page_head.  Digits only, with blanks around them;
 * what is past INT64_MAX is BAD.  A list with commas is what proxies make of a
 * header that comes twice: it is one number if all of them are the same. */
int64_t ccaas_page_number(const char *value, size_t length);

/* What two headers of one name say together. */
int64_t ccaas_page_both(int64_t one, int64_t other);

/* Takes the headers of a good answer to `page`, a page that ccaas_page_next
 * gave; more than once, too, where a page is asked for again.  NULL: fine, the
 * walk's end is where these say.  Otherwise the reason why they cannot be
 * believed (missing, not a number, or contradicting each other or the
 * request): a static string, and the walk is as it was.
 *
 * Pages and rows must be there and agree: pages = rows / size, rounded up.
 * Page and size may be missing; the size may be another than was asked for,
 * but it must stay what it was in the first answer, or rows would change
 * places.  The end follows a list that grows, and never goes back because of a
 * lower count: answers to pages asked for side by side come in any order, so
 * that may be an old one.  A page that is gone says so itself: by a refusal, or
 * by a good answer that by its own count is past the end, which means what
 * CCAAS_PAGE_SHRUNK means. */
const char *ccaas_page_head(struct ccaas_page_walk *walk, int64_t page,
                            const struct ccaas_page_head *head);

/* What an answer means that says that `page` is past the end of the list. */
enum ccaas_page_past {
    CCAAS_PAGE_EMPTY,  /* the list is empty: the walk is over */
    CCAAS_PAGE_SHRUNK, /* the list became shorter under way: it is over */
    CCAAS_PAGE_REFUSED /* the caller started past the end: an error */
};

/* Takes a refusal of `page`; `pages` is how many pages it says that there are
 * (or NONE).  A page that an earlier answer had named is SHRUNK, and no later
 * page will be asked for; pages before it that are under way still count.  The
 * first page of all is EMPTY when it is page 0 or there are 0 pages, otherwise
 * REFUSED. */
enum ccaas_page_past ccaas_page_past(struct ccaas_page_walk *walk, int64_t page,
                                     int64_t pages);

/* Takes note that `page` was read to its end: it had `rows` rows, `fresh` of
 * them never seen before.  NULL: go on.  Otherwise the reason why going on
 * would lead nowhere: a static string.
 *
 * The reasons: page after page without rows before the end; and a list that
 * grows with every page and brings nothing new: two pages past the end that the
 * first answer named, without one new row between them, and an end that moved
 * on meanwhile.  One such page alone is none: where many rows were put in
 * front, old ones move past the old end. */
const char *ccaas_page_read(struct ccaas_page_walk *walk, int64_t page,
                            int64_t rows, int64_t fresh);

/* True when no page after `page` is known now. */
bool ccaas_page_last(const struct ccaas_page_walk *walk, int64_t page);

/* Rows that the answers announced, from the first page of the walk on;
 * -1: none came yet. */
int64_t ccaas_page_announced(const struct ccaas_page_walk *walk);

#endif
