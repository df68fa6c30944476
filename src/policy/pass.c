/* The passes of a walk: what each has shown, whether another one follows, and
 * the course of those after the first.  PURE: see page.h.
 *
 * A later pass has one page under way, so the newest answer tells where the
 * list ends.
 */
#include "page_own.h"

/* -- What a pass has shown --------------------------------------------------
 */

/* Spreads a number over all bits, so that sums of such numbers tell sets of
 * numbers apart (the last steps of splitmix64). */
static uint64_t spread(uint64_t n)
{
    n += 0x9e3779b97f4a7c15;
    n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9;
    n = (n ^ n >> 27) * 0x94d049bb133111eb;
    return n ^ n >> 31;
}

void cc_pass_total(struct cc_page_walk *walk, int64_t page, int64_t total)
{
    struct cc_page_pass *pass = &walk->pass;

    if (pass->total < 0) {
        pass->total = total;
    }
    pass->varied = pass->varied || total != pass->total;
    pass->totals += spread((uint64_t)page ^ spread((uint64_t)total));
    walk->last = total;
}

bool cc_page_row(struct cc_page_walk *walk, enum cc_seen_row row, uint64_t hash)
{
    struct cc_page_pass *pass = &walk->pass;

    if (row == CC_SEEN_TWICE) {
        pass->twice++;
        if (pass->twice > walk->twice) {
            walk->twice = pass->twice;
        }
        return false;
    }
    pass->distinct++;
    pass->rows += hash;
    pass->fresh += row == CC_SEEN_NEW;
    return row == CC_SEEN_NEW;
}

bool cc_page_nameless(struct cc_page_walk *walk)
{
    bool fresh = ++walk->pass.nameless > walk->nameless;

    walk->nameless += fresh;
    return cc_page_row(walk, fresh ? CC_SEEN_NEW : CC_SEEN_KNOWN, 1);
}

/* -- The course of a later pass ----------------------------------------------
 */

bool cc_pass_next(struct cc_page_walk *walk, int64_t *page)
{
    bool more = walk->opening || (walk->backward ? walk->next >= walk->first
                                                 : walk->next < walk->end);

    if (walk->asked || !more) {
        return false;
    }
    *page = walk->next;
    walk->asked = true;
    return true;
}

/* Backward, from `page` on; the list has `pages` now, or NONE: not known.  The
 * pass began at the last page that was known; if its first answer names later
 * ones, they come first. */
static void step_down(struct cc_page_walk *walk, int64_t page, int64_t pages,
                      bool opening)
{
    bool gone = pages >= 0 && pages <= page;

    if (opening && pages > page + 1) {
        walk->next = pages - 1;
        walk->floor = page + 1;
        walk->resume = page - 1;
        return;
    }
    walk->next = (gone ? pages : page) - 1;
    if (pages < 0 && walk->floor > walk->first) {
        walk->next = walk->floor - 1; /* where the claim ends is not known */
    }
    if (walk->next < walk->floor) {
        walk->next = walk->next < walk->resume ? walk->next : walk->resume;
        walk->floor = walk->first;
    }
}

/* `page` is read, or past the end. */
static void step(struct cc_page_walk *walk, int64_t page, int64_t pages)
{
    bool opening = walk->opening;

    walk->asked = walk->opening = false;
    if (walk->backward) {
        step_down(walk, page, pages, opening);
    } else {
        walk->next = page + 1;
    }
}

void cc_pass_head(struct cc_page_walk *walk, int64_t page,
                  const struct cc_page_head *head)
{
    if (page >= head->pages) {
        walk->shrunk = walk->shrunk || page < walk->end;
        walk->pass.past = walk->pass.past || head->pages > 0;
    }
    walk->end = head->pages;
    walk->rows = head->rows;
}

void cc_pass_read(struct cc_page_walk *walk, int64_t page)
{
    step(walk, page, walk->end);
}

enum cc_page_past cc_pass_past(struct cc_page_walk *walk, int64_t page,
                               int64_t pages)
{
    walk->shrunk = walk->shrunk || page < walk->end;
    if (pages == 0 || (page == 0 && pages < 0)) {
        walk->end = walk->pages = walk->rows = 0;
        cc_pass_total(walk, page, 0);
        step(walk, page, 0);
        return CC_PAGE_EMPTY;
    }
    walk->pass.past = true;
    walk->barren++;
    if (pages < 0 || pages > page) {
        /* It does not say how many there are, or contradicts itself. */
        walk->end = page < walk->end ? page : walk->end;
        walk->pages = walk->end;
        step(walk, page, CC_PAGE_NONE);
        return CC_PAGE_SHRUNK;
    }
    walk->end = walk->pages = pages;
    if (walk->size > 0 && walk->rows / walk->size > pages) {
        walk->rows = pages * walk->size;
    }
    step(walk, page, pages);
    return CC_PAGE_SHRUNK;
}

/* -- Whether another pass follows ---------------------------------------------
 */

static bool is_clean(const struct cc_page_walk *walk)
{
    const struct cc_page_pass *pass = &walk->pass;

    return pass->total >= 0 && !pass->varied && !pass->past && !pass->twice &&
           cc_page_announced(walk) == pass->distinct;
}

/* Does the pass differ from the one before in no row and no total? */
static bool is_same(const struct cc_page_walk *walk)
{
    const struct cc_page_pass *one = &walk->before, *other = &walk->pass;

    return walk->passes > 1 && one->distinct == other->distinct &&
           one->rows == other->rows && one->totals == other->totals;
}

static void begin_pass(struct cc_page_walk *walk)
{
    int64_t last;

    walk->before = walk->pass;
    walk->pass = (struct cc_page_pass){.total = walk->last};
    walk->passes++;
    walk->backward = walk->passes % 2 == 0;
    walk->opening = true;
    walk->asked = false;
    walk->barren = 0;
    walk->floor = walk->first;
    walk->next = walk->first;
    if (walk->backward) {
        last = (walk->pages < walk->end ? walk->pages : walk->end) - 1;
        walk->next = last > walk->first ? last : walk->first;
    }
    walk->resume = walk->next;
}

bool cc_page_again(struct cc_page_walk *walk)
{
    int most = walk->verify ? CC_PAGE_VERIFY : CC_PAGE_PASSES;
    bool before = walk->clean, clean = is_clean(walk), enough = clean;

    if (walk->done) {
        return false;
    }
    if (walk->verify && clean) {
        enough = walk->passes > 1 && before && !walk->pass.fresh;
    }
    walk->clean = clean;
    if (!enough && walk->passes < most && (clean || !is_same(walk))) {
        begin_pass(walk);
        return true;
    }
    walk->clean = enough;
    walk->done = true;
    return false;
}
