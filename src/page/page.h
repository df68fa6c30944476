/* A walk over a list that is paged by number: which page to ask for next, and
 * what an answer's headers mean for the walk.
 *
 * PURE: no clock, socket, thread or random number.  The owner calls from one
 * thread; nothing here allocates.
 */
#ifndef CCAAS_PAGE_H
#define CCAAS_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#define CCAAS_PAGE_NONE (-1) /* the header was not there */
#define CCAAS_PAGE_BAD (-2)  /* it was there, and is no whole number >= 0 */

/* The four numbers that come with a page, or NONE or BAD in their place. */
struct ccaas_page_head {
    int64_t page;  /* which page this is, from 0 */
    int64_t size;  /* rows a page */
    int64_t pages; /* how many pages there are */
    int64_t rows;  /* how many rows there are in all */
};

/* One walk.  The fields are the walk's own: use the functions. */
struct ccaas_page_walk {
    int64_t first;    /* the page that the walk starts with */
    int64_t size;     /* rows a page, as asked for */
    int64_t next;     /* the next page to ask for */
    int64_t end;      /* one past the last page as known now; -1: not yet */
    int64_t promised; /* the end that the first answer named; -1: not yet */
    int64_t rows;     /* rows in all, as the newest answer named them; or -1 */
    bool shrunk;      /* a page that had been promised was not there */
};

/* Starts a walk at page `first` (from 0), `size` rows a page. */
void ccaas_page_start(struct ccaas_page_walk *walk, int64_t first,
                      int64_t size);

/* The next page to ask for, in *page.  False: none now, either because the
 * first answer is not here yet or because all known pages were asked for. */
bool ccaas_page_next(struct ccaas_page_walk *walk, int64_t *page);

/* Reads a header's value (not terminated; NULL: the header is missing) as one
 * number of ccaas_page_head. */
int64_t ccaas_page_number(const char *value, size_t length);

/* Takes the headers of a good answer to `page`.  NULL: fine, the walk's end is
 * where these say.  Otherwise the reason why they cannot be believed (missing,
 * not a number, or contradicting each other or the request): a static string.
 */
const char *ccaas_page_head(struct ccaas_page_walk *walk, int64_t page,
                            const struct ccaas_page_head *head);

/* What an answer means that says that `page` is past the end of the list. */
enum ccaas_page_past {
    CCAAS_PAGE_EMPTY,  /* the list is empty: the walk is over */
    CCAAS_PAGE_SHRUNK, /* the list became shorter under way: it is over */
    CCAAS_PAGE_REFUSED /* the caller started past the end: an error */
};

/* `pages` is how many pages the answer says that there are (or NONE). */
enum ccaas_page_past ccaas_page_past(struct ccaas_page_walk *walk,
                                     int64_t page, int64_t pages);

/* Takes note that `page` was read to its end: it had `rows` rows, `fresh` of
 * them never seen before.  NULL: go on.  Otherwise the reason why going on
 * would lead nowhere (a list that grows with every page and brings nothing
 * new): a static string. */
const char *ccaas_page_read(struct ccaas_page_walk *walk, int64_t page,
                            int64_t rows, int64_t fresh);

/* True when `page` is the last one as known now. */
bool ccaas_page_last(const struct ccaas_page_walk *walk, int64_t page);

/* Rows that the server announced from the first page asked for on; -1: it has
 * said nothing yet. */
int64_t ccaas_page_announced(const struct ccaas_page_walk *walk);

#endif
