/* The walk over a list that grows, shrinks or ends while it is read. */
#include "page_walk.h"

static void grows(void)
{
    begin(0, 2);
    ask(1, 1);
    check_none_now();
    CHECK(answer(1, 4) == NULL);
    CHECK_INT(cc_page_announced(&walk), 400);
    ask(2, 2);
    check_none_now();
    CHECK(!walk.shrunk);
}

static void grows_from_empty(void)
{
    begin(0, 0);
    check_none_now();
    CHECK(answer(0, 2) == NULL); /* it was asked for again */
    ask(1, 1);
}

static void shrinks_ahead(void)
{
    begin(0, 10);
    ask(1, 2);
    CHECK(answer(2, 5) == NULL);
    CHECK(!walk.shrunk); /* it may be an old answer */
    CHECK_INT(cc_page_announced(&walk), 1000);
    ask(3, 3);
    CHECK_INT(cc_page_past(&walk, 5, 5), CC_PAGE_SHRUNK);
    CHECK(walk.shrunk);
    CHECK_INT(cc_page_announced(&walk), 500);
    check_none_now();
    CHECK(answer(4, 5) == NULL);
    CHECK(walk.shrunk);
}

static void lower_counts(void)
{
    begin(0, 3);
    ask(1, 2);
    CHECK(answer(1, 8) == NULL); /* the list has grown, ... */
    CHECK(answer(2, 3) == NULL); /* ... and this was counted before */
    CHECK(!walk.shrunk);
    CHECK_INT(cc_page_announced(&walk), 800);
    ask(3, 5);
    check_none_now();
}

static void rows_within_a_page(void)
{
    struct cc_page_head head = {3, 100, 5, 450};

    begin(0, 5);
    ask(1, 4);
    CHECK(cc_page_head(&walk, 3, &head) == NULL);
    CHECK_INT(cc_page_announced(&walk), 450);
    CHECK(answer(2, 5) == NULL);
    CHECK_INT(cc_page_announced(&walk), 450);
    CHECK(answer(4, 5) == NULL);
    CHECK_INT(cc_page_announced(&walk), 500);
}

static void shrinks_under_way(void)
{
    begin(0, 5);
    ask(1, 4);
    CHECK(answer(1, 3) == NULL);
    CHECK(!walk.shrunk); /* pages 3 and 4 will answer for themselves */
    check_none_now();
    CHECK_INT(cc_page_past(&walk, 4, 3), CC_PAGE_SHRUNK);
    CHECK(walk.shrunk);
    CHECK_INT(cc_page_past(&walk, 3, 3), CC_PAGE_SHRUNK);
    CHECK(answer(2, 3) == NULL);
    check_none_now();
}

static void only_seemed_to_shrink(void)
{
    begin(0, 5);
    ask(1, 4);
    CHECK(answer(1, 4) == NULL);
    CHECK(answer(4, 5) == NULL);
    CHECK(!walk.shrunk);
}

static void past_out_of_order(void)
{
    begin(0, 5);
    ask(1, 4);
    CHECK_INT(cc_page_past(&walk, 3, NONE), CC_PAGE_SHRUNK);
    CHECK_INT(cc_page_past(&walk, 4, NONE), CC_PAGE_SHRUNK);
    check_none_now();
}

static void over_is_over(void)
{
    begin(0, 9);
    ask(1, 4);
    CHECK_INT(cc_page_past(&walk, 4, 4), CC_PAGE_SHRUNK);
    CHECK(answer(3, 20) == NULL);
    CHECK_INT(cc_page_announced(&walk), 900);
    CHECK(answer(2, 4) == NULL);
    CHECK_INT(cc_page_announced(&walk), 400);
    check_none_now();
    CHECK(walk.shrunk);
}

static void good_answer_past_the_end(void)
{
    begin(0, 5);
    ask(1, 4);
    CHECK(answer(4, 4) == NULL);
    CHECK(walk.shrunk);
    check_none_now();
}

static void old_answer_shrinks(void)
{
    struct cc_page_head head;

    begin(0, 5);
    ask(1, 4);
    CHECK(answer(4, 7) == NULL); /* the list has grown, ... */
    CHECK(answer(3, 5) == NULL); /* ... and this was counted before */
    CHECK_INT(cc_page_announced(&walk), 700);
    head = (struct cc_page_head){2, 100, 7, 601};
    CHECK(cc_page_head(&walk, 2, &head) == NULL);
    CHECK_INT(cc_page_announced(&walk), 700);
    ask(5, 2);
    check_none_now();
}

static void old_answer_grows(void)
{
    begin(0, 5);
    ask(1, 4);
    CHECK(answer(4, 5) == NULL);
    CHECK(answer(3, 7) == NULL);
    ask(5, 2);
    check_none_now();
}

static void first_again(void)
{
    begin(0, 5);
    CHECK(answer(0, 0) == NULL); /* asked for again, and all are gone */
    CHECK(walk.shrunk);
    check_none_now();
    begin(0, 5);
    CHECK_INT(cc_page_past(&walk, 0, 0), CC_PAGE_SHRUNK);
    CHECK(walk.shrunk);
    check_none_now();
}

static void refused_answer_changes_nothing(void)
{
    struct cc_page_head head = {1, 100, 3, 777};

    begin(0, 5);
    ask(1, 1);
    CHECK(cc_page_head(&walk, 1, &head) != NULL);
    CHECK_INT(cc_page_announced(&walk), 500);
    CHECK(!walk.shrunk);
    ask(2, 3);
}

/* Refusals of a page past the end. */

static void past_empty(void)
{
    static const int64_t firsts[] = {0, 3};

    for (size_t i = 0; i < 2; i++) {
        cc_page_start(&walk, firsts[i], 100, false);
        ask(firsts[i], 1);
        CHECK_INT(cc_page_past(&walk, firsts[i], 0), CC_PAGE_EMPTY);
        CHECK_INT(cc_page_announced(&walk), 0);
        CHECK(!walk.shrunk);
        check_none_now();
    }
    cc_page_start(&walk, 0, 100, false);
    ask(0, 1);
    CHECK_INT(cc_page_past(&walk, 0, NONE), CC_PAGE_EMPTY);
    CHECK(answer(0, 2) == NULL); /* too late */
    check_none_now();
}

static void past_refused(void)
{
    static const int64_t counts[] = {2, 3, NONE, BAD};

    for (size_t i = 0; i < 4; i++) {
        cc_page_start(&walk, 3, 100, false);
        ask(3, 1);
        CHECK_INT(cc_page_past(&walk, 3, counts[i]), CC_PAGE_REFUSED);
        CHECK(!walk.shrunk);
        check_none_now();
    }
}

static void past_later(void)
{
    static const int64_t counts[] = {0, 1, 2, NONE};

    for (size_t i = 0; i < 4; i++) {
        begin(1, 9);
        ask(2, 1);
        CHECK_INT(cc_page_past(&walk, 2, counts[i]), CC_PAGE_SHRUNK);
        CHECK(walk.shrunk);
        check_none_now();
    }
}

/* Leading somewhere. */

static void short_pages(void)
{
    begin(0, 5);
    ask(1, 4);
    for (int64_t page = 0; page < 5; page++) {
        CHECK(cc_page_read(&walk, page, 0) == NULL);
    }
}

/* A walk whose server has the same rows on every page went on without end where
 * the first answer had named as many pages. */
static void repeats_itself(void)
{
    const char *reason = NULL;
    int64_t page, read = 0;

    begin(0, (int64_t)1 << 31);
    CHECK(cc_page_read(&walk, 0, 100) == NULL);
    while (!reason && cc_page_next(&walk, &page)) {
        CHECK(answer(page, (int64_t)1 << 31) == NULL);
        reason = cc_page_read(&walk, page, 0);
        read++;
    }
    CHECK_INT(read, 100);
    CHECK_STR(reason,
              "100 pages in a row brought no new row: the server repeats "
              "itself, or announces far more rows than there are");
}

static void grows_for_ever(void)
{
    const char *reason = NULL;
    int64_t page, read = 0;

    begin(0, 2);
    CHECK(cc_page_read(&walk, 0, 100) == NULL);
    while (!reason && cc_page_next(&walk, &page)) {
        CHECK(answer(page, page + 3) == NULL);
        reason = cc_page_read(&walk, page, 0);
        read++;
    }
    CHECK(reason != NULL);
    CHECK_INT(read, 100);
}

static void grows_with_new_rows(void)
{
    int64_t page;

    begin(0, 2);
    for (int64_t i = 1; i < 1000; i++) {
        CHECK(cc_page_next(&walk, &page));
        CHECK_INT(page, i);
        CHECK(answer(page, page + 3) == NULL);
        /* A page in a hundred has one row that is new. */
        CHECK(cc_page_read(&walk, page, i % 100 == 0) == NULL);
    }
}

static void rows_put_in_front(void)
{
    /* Pages 0 to 8 are read, then 30 full ones are put in front: pages 9 to
     * 29 are new, 30 to 38 are old pages 0 to 8, and 39 was never read. */
    begin(0, 10);
    ask(1, 9);
    for (int64_t page = 1; page < 9; page++) {
        CHECK(answer(page, 10) == NULL);
        CHECK(cc_page_read(&walk, page, 100) == NULL);
    }
    CHECK(answer(9, 40) == NULL);
    CHECK(cc_page_read(&walk, 9, 100) == NULL);
    ask(10, 30);
    for (int64_t page = 10; page < 40; page++) {
        bool old = page >= 30 && page < 39;

        CHECK(answer(page, 40) == NULL);
        CHECK(cc_page_read(&walk, page, old ? 0 : 100) == NULL);
    }
    check_none_now();
}

static void last_brings_nothing(void)
{
    begin(0, 2);
    ask(1, 1);
    CHECK(answer(1, 3) == NULL);
    ask(2, 1);
    CHECK(answer(2, 3) == NULL);
    CHECK(cc_page_read(&walk, 2, 0) == NULL);
    check_none_now();
}

int main(void)
{
    it("follows a list that grows", grows);
    it("follows one that was empty when first asked", grows_from_empty);
    it("walks to the point where a shrunken list says so itself",
       shrinks_ahead);
    it("is not led back by a lower count, whatever page it comes with",
       lower_counts);
    it("counts the rows as the answer to the highest page does",
       rows_within_a_page);
    it("lets pages that were requested decide by their own answers",
       shrinks_under_way);
    it("has not shrunk if they are all there", only_seemed_to_shrink);
    it("ends before the lowest missing page", past_out_of_order);
    it("goes no further after a missing page", over_is_over);
    it("treats a good answer past the end as a list that shrank",
       good_answer_past_the_end);
    it("is not led back by an answer to an earlier page", old_answer_shrinks);
    it("follows a later answer", old_answer_grows);
    it("has shrunk when the first page, asked again, is gone", first_again);
    it("is unchanged after an answer that contradicts itself",
       refused_answer_changes_nothing);
    it("treats a refusal of the first page as an empty list", past_empty);
    it("treats it as the caller's error if the list is not empty",
       past_refused);
    it("treats a refusal of a later page as a list that shrank", past_later);
    it("goes on after short and empty pages", short_pages);
    it("gives up after 100 pages without a new row", repeats_itself);
    it("gives up on a list that only grows likewise", grows_for_ever);
    it("walks on while new rows come", grows_with_new_rows);
    it("walks past old rows that new ones in front moved on",
       rows_put_in_front);
    it("ends where the last page brings nothing new", last_brings_nothing);
    return check_report();
}
