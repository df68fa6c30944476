/* The passes of a walk: when the list is walked again, in what order, and what
 * is said of it at the end.  Pages have two rows. */
#include "page.h"
#include "seen.h"

#include "check.h"

static struct cc_page_walk walk;
static struct cc_seen *seen;
static char given[4096]; /* the ids that were given, with blanks between */

static void begin_at(int64_t first, bool verify)
{
    static const uint8_t seed[16];

    cc_seen_free(seen);
    seen = cc_seen_new(seed);
    given[0] = '\0';
    cc_page_start(&walk, first, 2, verify);
}

static void begin(void)
{
    begin_at(0, false);
}

/* The next page to ask for is this one; in a later pass no other follows before
 * it is read. */
static void asks_for(int64_t page)
{
    int64_t next = -7;

    CHECK(cc_page_next(&walk, &next));
    CHECK_INT(next, page);
    CHECK(walk.passes == 1 || !cc_page_next(&walk, &next));
}

/* A row of the page that is read; "-" has no identity. */
static bool row(const char *id)
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
static const char *page_is(int64_t page, int64_t total, const char *rows)
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

static void page_has(int64_t page, int64_t total, const char *rows)
{
    CHECK(page_is(page, total, rows) == NULL);
}

/* It asks for that page, which is refused. */
static void page_is_past(int64_t page, int64_t pages)
{
    asks_for(page);
    CHECK(cc_page_past(&walk, page, pages) != CC_PAGE_REFUSED);
}

/* The pass is over, and another one begins. */
static void again(int passes)
{
    int64_t page;

    CHECK(!cc_page_next(&walk, &page));
    CHECK(cc_page_again(&walk));
    cc_seen_next_pass(seen);
    CHECK_INT(walk.passes, passes);
}

/* The walk is over, after so many passes. */
static void over(int passes, bool clean, int64_t missing)
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
static void still(int64_t total, bool backward)
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

/* -- Clean or not ------------------------------------------------------------
 */

static void holds_still(void)
{
    begin();
    still(5, false);
    over(1, true, 0);
    CHECK_STR(given, "1 2 3 4 5");
}

/* Row 3 was lost, with nothing missing: row 1 was removed after page 0, and the
 * others moved up. */
static void slides(void)
{
    begin();
    page_has(0, 6, "1 2");
    page_has(1, 5, "4 5");
    page_has(2, 5, "6");
    again(2);
    page_has(2, 5, "6");
    page_has(1, 5, "4 5");
    page_has(0, 5, "2 3");
    over(2, true, 0);
    CHECK_STR(given, "1 2 4 5 6 3");
    CHECK_INT(walk.twice, 0);
}

static void total_varies(void)
{
    begin();
    page_has(0, 3, "1 2");
    page_has(1, 4, "3 4");
    again(2);
    page_has(1, 4, "3 4");
    page_has(0, 4, "1 2");
    over(2, true, 0);
}

static void row_comes_twice(void)
{
    begin();
    page_has(0, 3, "1 2");
    page_has(1, 3, "2 3"); /* three rows of three */
    again(2);
    page_has(1, 3, "3");
    page_has(0, 3, "1 2");
    over(2, true, 0);
    CHECK_STR(given, "1 2 3");
    CHECK_INT(walk.twice, 1);
}

static void page_is_gone(void)
{
    begin();
    page_has(0, 3, "1 2 3");
    page_is_past(1, 1);
    again(2);
    page_has(0, 3, "1 2");
    CHECK(walk.shrunk);
    /* The answer names a page after it. */
    page_has(1, 3, "3");
    over(2, true, 0);
}

static void rows_are_too_few(void)
{
    begin();
    page_has(0, 4, "1 2");
    page_has(1, 4, "3");
    again(2);
    page_has(1, 4, "3");
    page_has(0, 4, "1 2");
    over(2, false, 1);
}

static void total_before(void)
{
    begin();
    page_has(0, 4, "1 2");
    page_has(1, 4, "3");
    again(2);
    page_has(1, 3, "3"); /* it names what the pass before did not */
    page_has(0, 3, "1 2");
    again(3);
    page_has(0, 3, "1 2");
    page_has(1, 3, "3");
    over(3, true, 0);
}

/* -- The end of a walk -------------------------------------------------------
 */

static void always_one_too_high(void)
{
    begin();
    page_has(0, 5, "1 2");
    page_has(1, 5, "3 4");
    page_is_past(2, 2);
    again(2);
    page_has(1, 5, "3 4");
    page_is_past(2, 2);
    page_has(0, 5, "1 2");
    over(2, false, 1);
    CHECK_STR(given, "1 2 3 4");
}

static void another_row(void)
{
    begin();
    page_has(0, 4, "1 2");
    page_has(1, 4, "3");
    again(2);
    page_has(1, 4, "4");
    page_has(0, 4, "1 2");
    again(3);
    page_has(0, 4, "1 2");
    page_has(1, 4, "4");
    over(3, false, 1);
    CHECK_STR(given, "1 2 3 4");
}

static void another_total(void)
{
    begin();
    page_has(0, 4, "1 2");
    page_has(1, 4, "3");
    again(2);
    page_has(1, 4, "3");
    page_has(0, 3, "1 2");
    again(3);
    page_has(0, 3, "1 2");
    page_has(1, 3, "3");
    over(3, true, 0);
}

static void three_at_most(void)
{
    begin();
    page_has(0, 6, "1 2");
    page_has(1, 5, "4 5");
    page_has(2, 5, "6");
    again(2);
    page_has(2, 5, "6");
    page_has(1, 4, "5 6");
    page_has(0, 4, "2 3");
    again(3);
    page_has(0, 4, "2 3");
    page_has(1, 3, "6");
    over(3, false, 0);
    CHECK_STR(given, "1 2 4 5 6 3");
}

static void missing_of_the_last(void)
{
    begin();
    page_has(0, 6, "1 2");
    page_has(1, 6, "3");
    page_has(2, 6, "4");
    again(2);
    page_has(2, 6, "5");
    page_has(1, 6, "3 4");
    page_has(0, 6, "1 2");
    again(3);
    page_has(0, 6, "1 2");
    page_has(1, 6, "3 4");
    page_has(2, 6, "1 2");
    over(3, false, 2); /* though five rows were given */
    CHECK_STR(given, "1 2 3 4 5");
    CHECK_INT(walk.twice, 2);
}

/* -- The course of a pass -----------------------------------------------------
 */

static void later_pages_first(void)
{
    begin();
    page_has(0, 3, "1 2");
    page_has(1, 4, "3 4");
    again(2);
    page_has(1, 7, "3 4"); /* it grew meanwhile: pages 2 and 3 */
    page_has(3, 9, "7");   /* what came after the first answer is not asked */
    page_has(2, 9, "5 6");
    page_has(0, 9, "1 2");
    again(3);
    CHECK_STR(given, "1 2 3 4 7 5 6");
}

static void goes_down_with_the_list(void)
{
    begin();
    still(9, false);
    walk.pass.varied = true; /* some reason */
    again(2);
    page_is_past(4, 4);
    page_has(3, 8, "7 8");
    page_is_past(2, 2);
    page_has(1, 4, "3 4");
    page_has(0, 4, "1 2");
    again(3);
    still(4, false);
    over(3, true, 0);
    CHECK(walk.shrunk);
}

static void refusal_without_a_number(void)
{
    begin();
    still(9, false);
    walk.pass.varied = true;
    again(2);
    page_is_past(4, CC_PAGE_NONE);
    page_is_past(3, 7); /* contradicts itself */
    page_has(2, 6, "5 6");
    page_has(1, 6, "3 4");
    page_has(0, 6, "1 2");
    again(3);
    still(6, false);
    over(3, true, 0);
}

static void good_answer_past_the_end(void)
{
    begin();
    still(9, false);
    walk.pass.varied = true;
    again(2);
    page_has(4, 5, "");
    page_has(2, 5, "5");
    page_has(1, 5, "3 4");
    page_has(0, 5, "1 2");
    CHECK(walk.shrunk);
    again(3);
    still(5, false);
    over(3, true, 0);
}

static void claims_without_end(void)
{
    const int64_t claim = (int64_t)1 << 32;

    for (int64_t says = -1; says <= 1; says++) {
        int64_t pages = says < 0 ? CC_PAGE_NONE : says > 0 ? claim : 2;

        begin();
        page_has(0, claim, "1 2");
        page_has(1, claim, "3 4");
        page_is_past(2, pages);
        again(2);
        page_has(1, claim, "3 4");
        page_is_past(claim / 2 - 1, pages);
        page_has(0, claim, "1 2");
        over(2, false, claim - 4);
    }
}

static void follows_the_newest_end(void)
{
    begin();
    page_has(0, 4, "1 2");
    page_has(1, 3, "3");
    again(2);
    page_has(1, 4, "3 4");
    page_has(0, 3, "1 2");
    again(3);
    page_has(0, 6, "1 2");
    page_has(1, 5, "3 4");
    page_has(2, 9, "5 6");
    page_has(3, 8, "7 8"); /* page 4 is no more */
    over(3, false, 0);
}

static void from_the_middle(void)
{
    begin_at(2, false);
    page_has(2, 8, "5 6");
    page_has(3, 7, "8");
    again(2);
    page_has(3, 7, "8");
    page_has(2, 7, "6 7");
    over(2, true, 0);
    CHECK_STR(given, "5 6 8 7");
}

static void middle_is_gone(void)
{
    begin_at(2, false);
    page_has(2, 8, "5 6");
    page_is_past(3, 3);
    again(2);
    page_is_past(2, 2);
    again(3);
    page_is_past(2, 2);
    over(3, false, 0);
}

/* -- Empty lists -------------------------------------------------------------
 */

static void empty(void)
{
    for (int64_t first = 0; first < 4; first += 3) {
        begin_at(first, false);
        page_is_past(first, 0);
        over(1, true, 0);
        begin_at(first, true);
        page_is_past(first, 0);
        again(2);
        page_is_past(first, 0);
        over(2, true, 0);
        CHECK(!walk.shrunk);
    }
    begin_at(0, true);
    page_has(0, 0, "");
    again(2);
    page_has(0, 0, "");
    over(2, true, 0);
}

static void emptied(void)
{
    begin();
    page_has(0, 4, "1 2");
    page_is_past(1, 0);
    again(2);
    page_is_past(0, 0);
    again(3);
    page_is_past(0, 0);
    over(3, true, 0);
    CHECK(walk.shrunk);
}

static void filled(void)
{
    struct cc_page_head head = {0, 1, 3, 3};

    begin_at(0, true);
    page_is_past(0, 0);
    again(2);
    /* The first answer of all names the page's size. */
    asks_for(0);
    CHECK(cc_page_head(&walk, 0, &head) == NULL);
    CHECK_INT(row("1"), 1);
    CHECK(cc_page_read(&walk, 0, 1) == NULL);
    asks_for(2);
}

/* -- Verify ------------------------------------------------------------------
 */

static void two_clean_passes(void)
{
    begin_at(0, true);
    still(5, false);
    again(2);
    still(5, true);
    over(2, true, 0);
    CHECK_STR(given, "1 2 3 4 5");
}

static void the_second_brings_rows(void)
{
    begin_at(0, true);
    page_has(0, 4, "1 2");
    page_has(1, 4, "4 5"); /* 1 was removed, and 5 added */
    again(2);
    page_has(1, 4, "4 5");
    page_has(0, 4, "2 3");
    again(3);
    page_has(0, 4, "2 3");
    page_has(1, 4, "4 5");
    over(3, true, 0);
    CHECK_STR(given, "1 2 4 5 3");
}

static void clean_after_unclean(void)
{
    begin_at(0, true);
    page_has(0, 4, "1 2");
    page_has(1, 3, "4");
    again(2);
    page_has(1, 3, "4");
    page_has(0, 3, "2 3");
    again(3);
    page_has(0, 3, "2 3");
    page_has(1, 3, "4");
    over(3, true, 0);
}

static void never_two_running(void)
{
    begin_at(0, true);
    still(4, false);
    again(2);
    page_has(1, 3, "3");
    page_has(0, 3, "1 2");
    again(3);
    still(3, false);
    again(4);
    page_has(1, 3, "3 4");
    page_has(0, 3, "1 2");
    over(4, false, 0);
    /* The last one clean is not two. */
    begin_at(0, true);
    still(4, false);
    again(2);
    page_has(1, 5, "3 4");
    page_has(2, 5, "5");
    page_has(0, 5, "1 2");
    again(3);
    still(6, false);
    again(4);
    still(6, true);
    over(4, false, 0);
}

static void the_same_twice(void)
{
    begin_at(0, true);
    page_has(0, 4, "1 2");
    page_has(1, 4, "3");
    again(2);
    page_has(1, 4, "3");
    page_has(0, 4, "1 2");
    over(2, false, 1);
}

/* -- Rows --------------------------------------------------------------------
 */

static void nameless(void)
{
    begin();
    page_has(0, 4, "1 -");
    page_has(1, 5, "- 2");
    page_has(2, 5, "3");
    again(2);
    page_has(2, 5, "3");
    page_has(1, 5, "- -");
    page_has(0, 5, "1 -");
    over(2, true, 0);
    CHECK_STR(given, "1 - - 2 3 -");
}

static void barren_pages(void)
{
    const char *reason = NULL;
    int read = 0;

    begin();
    page_has(0, 300, "1 2");
    page_is_past(1, 1);
    again(2);
    page_has(0, 300, "1 2");
    while (!reason) {
        reason = page_is(149 - read++, 300, "1 2");
    }
    CHECK_INT(read, 100);
    CHECK(strstr(reason, "100 pages in a row") == reason);
    /* What an earlier pass has seen is not what this one has. */
    begin();
    still(300, false);
    walk.pass.varied = true;
    again(2);
    still(300, true);
    over(2, true, 0);
}

/* The last page was asked for, and the one before it, as often as the server
 * liked. */
static void ends_that_recede(void)
{
    const int64_t claim = (int64_t)1 << 30;
    int64_t page = claim - 1;

    begin();
    page_has(0, 4, "1 2");
    page_is_past(1, 1);
    again(2);
    page_has(0, 2 * claim, "1 2");
    for (; page > claim - 100; page--) {
        page_is_past(page, page);
        CHECK(cc_page_barren(&walk) == NULL);
    }
    page_is_past(page, page);
    CHECK(cc_page_barren(&walk) != NULL);
}

int main(void)
{
    it("one pass is enough where the list holds still", holds_still);
    it("a row that slides over a border comes in the second", slides);
    it("another one follows when the total varies", total_varies);
    it("and when a row comes twice", row_comes_twice);
    it("and when a page is past the end", page_is_gone);
    it("and when rows are too few", rows_are_too_few);
    it("and when the pass before named another total last", total_before);
    it("two are enough where the total is always one too high",
       always_one_too_high);
    it("a third one follows where another row came", another_row);
    it("and where another total was named", another_total);
    it("three are the most", three_at_most);
    it("missing are rows of the last one", missing_of_the_last);
    it("the second goes to the end that its first answer names, and no further",
       later_pages_first);
    it("it goes down with a list that shrinks", goes_down_with_the_list);
    it("and page by page where a refusal names no number",
       refusal_without_a_number);
    it("and takes a good answer past the end for a refusal",
       good_answer_past_the_end);
    it("pages that are only claimed cost one request", claims_without_end);
    it("the third goes to the end that the newest answer names",
       follows_the_newest_end);
    it("all begin at the page where the walk began", from_the_middle);
    it("and end where that is no more", middle_is_gone);
    it("an empty list is clean", empty);
    it("so is one that was emptied, once it is known to be", emptied);
    it("one that was empty has the size that its first answer names", filled);
    it("with `verify` two are clean and the second brings nothing",
       two_clean_passes);
    it("a second that is clean and brings rows is not enough",
       the_second_brings_rows);
    it("two clean ones after one that was not are", clean_after_unclean);
    it("without two running it is not clean, after four", never_two_running);
    it("a server that always miscounts costs two all the same", the_same_twice);
    it("rows without identity come again when there are more", nameless);
    it("100 pages that a pass has seen are an end of it", barren_pages);
    it("so are 100 that are past an end which recedes", ends_that_recede);
    return check_report();
}
