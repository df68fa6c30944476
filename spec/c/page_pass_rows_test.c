/* The passes of a walk: empty lists, `verify`, and rows of every kind. */
#include "page_pass.h"

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
    it("an empty list is clean", empty);
    it("so is one that became empty, once that is known", emptied);
    it("one that was empty has the size that its first answer names", filled);
    it("with `verify` two are clean and the second brings nothing new",
       two_clean_passes);
    it("a second that is clean and brings rows is not enough",
       the_second_brings_rows);
    it("two clean ones after an unclean one are enough", clean_after_unclean);
    it("without two running it is not clean, after four", never_two_running);
    it("a server that always miscounts still costs two", the_same_twice);
    it("rows without identity come again when there are more", nameless);
    it("100 pages with rows that a pass has seen end it", barren_pages);
    it("so do 100 past an end that recedes", ends_that_recede);
    return check_report();
}
