/* The passes of a walk: when the list is walked again, in what order, and what
 * the walk says at the end. */
#include "page_pass.h"

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

int main(void)
{
    it("one pass is enough if the list does not change", holds_still);
    it("a row that slides over a page border comes in the second", slides);
    it("another one follows when the total varies", total_varies);
    it("and when a row comes twice", row_comes_twice);
    it("and when a page is past the end", page_is_gone);
    it("and when rows are too few", rows_are_too_few);
    it("and when the pass before named another total last", total_before);
    it("two are enough if the total is always one too high",
       always_one_too_high);
    it("a third one follows if another row came", another_row);
    it("and if another total was named", another_total);
    it("three are the most", three_at_most);
    it("missing are rows of the last one", missing_of_the_last);
    it("the second goes to the end that its first answer names, and no further",
       later_pages_first);
    it("it goes down with a list that shrinks", goes_down_with_the_list);
    it("and page by page if a refusal names no number",
       refusal_without_a_number);
    it("and takes a good answer past the end for a refusal",
       good_answer_past_the_end);
    it("pages that are only announced cost one request", claims_without_end);
    it("the third goes to the end that the newest answer names",
       follows_the_newest_end);
    it("all begin at the page where the walk began", from_the_middle);
    it("and end if that page is gone", middle_is_gone);
    return check_report();
}
