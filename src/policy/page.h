/* A walk over a list that is paged by number: which page to ask for next, what
 * an answer's headers mean for the walk, and whether the list must be walked
 * again.
 *
 * A list that changes under way moves rows over the borders of pages, and a row
 * that moves from a page not yet read to one that was read is not seen.  So a
 * walk has passes.  A pass is clean if
 *
 *   - all its answers, and the last answer of the pass before, name one total,
 *   - no row came twice in it,
 *   - no page of it was past the end,
 *   - its distinct rows are as many as that total leaves from the first page
 * on.
 *
 * After a pass that is not clean another one follows: the second from the last
 * page to the first, which misses no row while rows are only removed, the third
 * forward again, which misses none while rows are only added; both ask for one
 * page at a time.  The walk ends after a clean pass, after the third, or after
 * a pass that differs from the one before in no row and no total: a server that
 * always miscounts costs two passes.  With `verify` it goes on until two passes
 * running are clean and the second brought no new row, with four at the most.
 *
 * PURE: no clock, socket, thread or random number.  The owner calls from one
 * thread; nothing here allocates.
 */
#ifndef CC_PAGE_H
#define CC_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "seen.h"

#define CC_PAGE_NONE (-1) /* the header was not there */
#define CC_PAGE_BAD (-2)  /* it was there, and is no whole number >= 0 */
#define CC_PAGE_TWO (-3)  /* it was there more than once, and differs */

/* The four numbers that come with a page, or NONE, BAD or TWO instead. */
struct cc_page_head {
    int64_t page;  /* which page this is, from 0 */
    int64_t size;  /* rows a page */
    int64_t pages; /* how many pages there are */
    int64_t rows;  /* how many rows there are in all */
};

#define CC_PAGE_BARREN 100 /* pages in a row without a new row: too many */
#define CC_PAGE_PASSES 3   /* passes at the most, ... */
#define CC_PAGE_VERIFY 4   /* ... and with `verify` */

/* What one pass has shown. */
struct cc_page_pass {
    int64_t total;    /* the total that all its answers must name: what the pass
                         before named last, else what its first answer named;
                         -1: not yet */
    bool varied;      /* an answer named another one */
    bool past;        /* a page was past the end */
    int64_t distinct; /* rows, each counted once; ... */
    int64_t fresh;    /* ... those that no pass before had; ... */
    int64_t nameless; /* ... those without identity */
    int64_t twice;    /* rows that came although the pass had them already */
    uint64_t rows;    /* a sum over its rows, and one over its pages' totals: */
    uint64_t totals;  /* passes that differ in nothing have the same sums */
};

/* One walk.  The fields are private: use the functions. */
struct cc_page_walk {
    int64_t first; /* the page that the walk starts with */
    int64_t size;  /* rows a page: as asked for, then as the first answer has
                      it */
    bool sized;    /* an answer has confirmed it */
    int64_t next;  /* the next page to ask for */
    int64_t end;   /* one past the last page as known now; -1: not yet */
    int64_t rows;  /* rows in all, as the answers named them; or -1 */
    bool shrunk;   /* a page that had been named is not there */

    /* Of the first pass, whose pages may be under way side by side. */
    int64_t promised; /* the end that the first answer named; -1: not yet */
    int64_t told;     /* the page whose answer named `rows`; -1: none */
    int64_t fewer;    /* rows in all, as an answer named them that counts fewer
                         pages than `end`: true if it shrank; -1: none */
    bool over;        /* the end is final: nothing moves it on */

    /* Of later ones, which ask for one page at a time. */
    bool backward;
    bool opening;   /* its first page was not read yet */
    bool asked;     /* a page is under way */
    int64_t floor;  /* backward: the lowest page of this stretch; below it */
    int64_t resume; /* the pass goes on here */

    /* Of all. */
    int passes;       /* begun so far */
    bool verify;      /* until two passes in a row are clean */
    bool done;        /* no other pass follows */
    bool clean;       /* of the pass that ended last; when `done`: of the
                         walk */
    int64_t last;     /* the total that an answer named last; -1: none */
    int64_t pages;    /* how many pages an answer named last; -1: none */
    int64_t barren;   /* pages without a new row, one after the other */
    int64_t nameless; /* rows without identity that were given */
    int64_t twice;    /* the most rows that came twice within one pass */
    struct cc_page_pass pass, before; /* the one under way, the one before */
};

/* Starts a walk at page `first` (0 to INT64_MAX - 1; others are brought to the
 * nearest of these), `size` rows a page (1 to 1000000). */
void cc_page_start(struct cc_page_walk *walk, int64_t first, int64_t size,
                   bool verify);

/* The next page to ask for, in *page; each is given once in a pass.  False (and
 * *page as it was): none now, either because an answer must come first or
 * because the pass has asked for all its pages.  Ask again after each answer;
 * when no page is under way either, the pass is over: cc_page_again. */
bool cc_page_next(struct cc_page_walk *walk, int64_t *page);

/* Reads a header's value (not terminated; NULL: the header is missing) as one
 * number of struct cc_page_head.  Digits only, with blanks around them;
 * what is past INT64_MAX is BAD.  A list with commas is what proxies make of a
 * header that comes twice: it is one number if all of them are the same. */
int64_t cc_page_number(const char *value, size_t length);

/* What two headers of one name say together. */
int64_t cc_page_both(int64_t one, int64_t other);

/* Takes the headers of a good answer to `page`, a page that cc_page_next
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
 * CC_PAGE_SHRUNK means. */
const char *cc_page_head(struct cc_page_walk *walk, int64_t page,
                         const struct cc_page_head *head);

/* What an answer means which says that `page` is past the end of the list. */
enum cc_page_past {
    CC_PAGE_EMPTY,  /* the list is empty: the pass is over */
    CC_PAGE_SHRUNK, /* the list became shorter under way */
    CC_PAGE_REFUSED /* the caller started past the end: an error */
};

/* Takes a refusal of `page`; `pages` is how many pages it says that there are
 * (or NONE).  A page that an earlier answer had named is SHRUNK: no later page
 * will be asked for, pages before it still count.  The first page of all is
 * EMPTY when it is page 0 or there are 0 pages, otherwise REFUSED. */
enum cc_page_past cc_page_past(struct cc_page_walk *walk, int64_t page,
                               int64_t pages);

/* Notes a row of the current pass, in the order in which rows are handed
 * out.  `row` is what cc_seen_add returned for its hash; the set's pass must
 * be the walk's (cc_seen_next_pass).  True: hand it out. */
bool cc_page_row(struct cc_page_walk *walk, enum cc_seen_row row,
                 uint64_t hash);

/* The same for a row without identity.  A later pass hands out those that
 * exceed the number in earlier passes. */
bool cc_page_nameless(struct cc_page_walk *walk);

/* Notes that `page` was read to its end, in the order in which pages are
 * handed out; `distinct` of its rows were new in this pass.  NULL: go on.
 * Otherwise the reason why going on is of no use: a static string. */
const char *cc_page_read(struct cc_page_walk *walk, int64_t page,
                         int64_t distinct);

/* The same for a page past the end, after cc_page_past: a server may name
 * one page fewer each time. */
const char *cc_page_barren(const struct cc_page_walk *walk);

/* The pass is over: no page of it is under way, and cc_page_next has none.
 * True: another pass has begun, with pages to request.  False: the walk is
 * over. */
bool cc_page_again(struct cc_page_walk *walk);

/* Rows that the answers announced, from the first page of the walk on; -1:
 * no answer yet. */
int64_t cc_page_announced(const struct cc_page_walk *walk);

/* Of these, how many the pass did not see; never below 0. */
int64_t cc_page_missing(const struct cc_page_walk *walk);

#endif
