/* The walk over a list that is paged by number. */
#include "page.h"

#include "check.h"

#define NONE CCAAS_PAGE_NONE
#define BAD CCAAS_PAGE_BAD

static struct ccaas_page_walk walk;

/* Takes a good answer to `page` of a list of that many pages, all full. */
static const char *answer(int64_t page, int64_t pages)
{
    struct ccaas_page_head head = {page, walk.size, pages, pages * walk.size};

    return ccaas_page_head(&walk, page, &head);
}

/* Asks for that many pages more, and for no other than the next ones. */
static void ask(int64_t from, int64_t count)
{
    for (int64_t page = from; page < from + count; page++) {
        int64_t next = -7;

        CHECK(ccaas_page_next(&walk, &next));
        CHECK_INT(next, page);
    }
}

static void check_none_now(void)
{
    int64_t next = -7;

    CHECK(!ccaas_page_next(&walk, &next));
    CHECK_INT(next, -7);
}

/* A walk of 100 rows a page from `first` on that has its first answer. */
static void begin(int64_t first, int64_t pages)
{
    ccaas_page_start(&walk, first, 100);
    ask(first, 1);
    CHECK(answer(first, pages) == NULL);
}

/* A walk from page 0 that was just started, then this first answer. */
static const char *first_head(int64_t page, int64_t size, int64_t pages,
                              int64_t rows)
{
    struct ccaas_page_head head = {page, size, pages, rows};
    struct ccaas_page_walk before;
    const char *reason;

    ccaas_page_start(&walk, 0, 100);
    ask(0, 1);
    memcpy(&before, &walk, sizeof walk); /* the padding, too */
    reason = ccaas_page_head(&walk, 0, &head);
    if (reason) {
        CHECK(memcmp(&before, &walk, sizeof walk) == 0);
    }
    return reason;
}

static int64_t number(const char *value)
{
    return ccaas_page_number(value, strlen(value));
}

/* Asking. */

static void first_alone(void)
{
    ccaas_page_start(&walk, 0, 100);
    CHECK_INT(ccaas_page_announced(&walk), -1);
    CHECK(!ccaas_page_last(&walk, 0));
    ask(0, 1);
    check_none_now();
    check_none_now();
}

static void each_once(void)
{
    begin(0, 5);
    ask(1, 4);
    check_none_now();
    CHECK(!ccaas_page_last(&walk, 3));
    CHECK(ccaas_page_last(&walk, 4));
    CHECK(!walk.shrunk);
}

static void from_the_middle(void)
{
    begin(3, 5);
    ask(4, 1);
    check_none_now();
    CHECK_INT(ccaas_page_announced(&walk), 200);
}

static void one_page(void)
{
    begin(0, 1);
    check_none_now();
    CHECK(ccaas_page_last(&walk, 0));
}

static void odd_first(void)
{
    int64_t page;

    ccaas_page_start(&walk, -5, 100);
    CHECK(ccaas_page_next(&walk, &page));
    CHECK_INT(page, 0);
    ccaas_page_start(&walk, INT64_MAX, 100);
    CHECK(ccaas_page_next(&walk, &page));
    CHECK_INT(page, INT64_MAX - 1);
    CHECK(!ccaas_page_next(&walk, &page));
}

/* Numbers. */

static void numbers(void)
{
    CHECK_INT(number("0"), 0);
    CHECK_INT(number("57"), 57);
    CHECK_INT(number("007"), 7);
    CHECK_INT(number(" \t12 "), 12);
    CHECK_INT(number("9223372036854775807"), INT64_MAX);
    CHECK_INT(ccaas_page_number("1234", 2), 12);
}

static void no_numbers(void)
{
    static const char *const bad[] = {
        "",
        " ",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "0x10",
        "1 2",
        "1,2",
        "1, 1",
        "five",
        "\xd9\xa3",
        "9223372036854775808",
        "18446744073709551617",
        "99999999999999999999999999",
        "null",
        "1;",
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_INT(number(bad[i]), BAD);
    }
    CHECK_INT(ccaas_page_number("1\0", 2), BAD);
    CHECK_INT(ccaas_page_number(NULL, 0), NONE);
}

/* Believing an answer. */

static void all_there(void)
{
    CHECK(first_head(0, 100, 3, 250) == NULL);
    CHECK_INT(ccaas_page_announced(&walk), 250);
    ask(1, 2);
    check_none_now();
}

static void page_and_size_missing(void)
{
    struct ccaas_page_head head = {NONE, NONE, 3, 201};

    CHECK(first_head(NONE, NONE, 3, 250) == NULL);
    ask(1, 2);
    CHECK(ccaas_page_head(&walk, 1, &head) == NULL);
    CHECK_INT(ccaas_page_announced(&walk), 201);
}

static void counts_missing(void)
{
    CHECK_STR(first_head(0, 100, NONE, 250),
              "the answer does not say how many pages there are");
    CHECK_STR(first_head(0, 100, 3, NONE),
              "the answer does not say how many rows there are");
}

static void counts_bad(void)
{
    CHECK_STR(first_head(0, 100, BAD, 250),
              "the answer's number of pages is not a whole number");
    CHECK_STR(first_head(0, 100, 3, BAD),
              "the answer's number of rows is not a whole number");
    CHECK_STR(first_head(BAD, 100, 3, 250),
              "the answer's page is not a whole number");
    CHECK_STR(first_head(0, BAD, 3, 250),
              "the answer's page size is not a whole number");
    CHECK(first_head(0, 100, -3, 250) != NULL);
    CHECK(first_head(0, 100, 3, INT64_MIN) != NULL);
    CHECK(first_head(INT64_MIN, 100, 3, 250) != NULL);
    CHECK(first_head(0, INT64_MIN, 3, 250) != NULL);
}

static void other_page(void)
{
    const char *reason = "the answer is another page than the one asked for";
    struct ccaas_page_head head = {0, 100, 3, 250};

    CHECK_STR(first_head(1, 100, 3, 250), reason);
    CHECK(first_head(0, 100, 3, 250) == NULL);
    ask(1, 1);
    CHECK_STR(ccaas_page_head(&walk, 1, &head), reason);
}

static void size_bounds(void)
{
    const char *reason = "the answer's page size is not between 1 and 1000000";

    CHECK(first_head(0, 1, 250, 250) == NULL);
    CHECK(first_head(0, 1000000, 2, 1000001) == NULL);
    CHECK_STR(first_head(0, 0, 0, 0), reason);
    CHECK_STR(first_head(0, 1000001, 1, 250), reason);
}

static void no_size_at_all(void)
{
    struct ccaas_page_head head = {0, NONE, 1, 1};
    int64_t page;

    ccaas_page_start(&walk, 0, 0);
    CHECK(ccaas_page_next(&walk, &page));
    CHECK(ccaas_page_head(&walk, 0, &head) != NULL);
    CHECK_INT(ccaas_page_announced(&walk), -1);
}

static void rounding(void)
{
    const char *reason =
        "the answer's numbers of pages and of rows contradict each other";

    CHECK(first_head(0, 100, 0, 0) == NULL);
    CHECK(first_head(0, 100, 1, 1) == NULL);
    CHECK(first_head(0, 100, 1, 100) == NULL);
    CHECK(first_head(0, 100, 2, 101) == NULL);
    CHECK(first_head(0, 100, 2, 200) == NULL);
    CHECK_STR(first_head(0, 100, 0, 1), reason);
    CHECK_STR(first_head(0, 100, 1, 0), reason);
    CHECK_STR(first_head(0, 100, 1, 101), reason);
    CHECK_STR(first_head(0, 100, 2, 100), reason);
    CHECK_STR(first_head(0, 100, 3, 200), reason);
}

static void largest(void)
{
    CHECK(first_head(0, 1, INT64_MAX, INT64_MAX) == NULL);
    CHECK_INT(ccaas_page_announced(&walk), INT64_MAX);
    CHECK(!ccaas_page_last(&walk, INT64_MAX - 2));
    CHECK(ccaas_page_last(&walk, INT64_MAX - 1));
    CHECK(first_head(0, 2, INT64_MAX / 2 + 1, INT64_MAX) == NULL);
    CHECK(first_head(0, 2, INT64_MAX / 2, INT64_MAX) != NULL);
    CHECK(first_head(0, 1000000, INT64_MAX, INT64_MAX) != NULL);
}

static void smaller_pages(void)
{
    struct ccaas_page_head head = {3, 10, 25, 250};

    CHECK(first_head(0, 10, 25, 250) == NULL);
    ask(1, 24);
    check_none_now();
    ccaas_page_start(&walk, 3, 100);
    ask(3, 1);
    CHECK(ccaas_page_head(&walk, 3, &head) == NULL);
    CHECK_INT(ccaas_page_announced(&walk), 220);
}

static void size_changes(void)
{
    struct ccaas_page_head head = {1, 100, 3, 250};

    CHECK(first_head(0, 50, 5, 250) == NULL);
    ask(1, 1);
    CHECK_STR(ccaas_page_head(&walk, 1, &head),
              "the page size changed from one page to another");
    ask(2, 3);
    head = (struct ccaas_page_head){1, NONE, 5, 250};
    CHECK(ccaas_page_head(&walk, 1, &head) == NULL);
}

static void first_past_the_end(void)
{
    struct ccaas_page_head head = {3, 100, 3, 250};

    ccaas_page_start(&walk, 3, 100);
    ask(3, 1);
    CHECK_STR(ccaas_page_head(&walk, 3, &head),
              "the answer is a page that, by its own count, does not exist");
    head = (struct ccaas_page_head){3, 100, 4, 301};
    CHECK(ccaas_page_head(&walk, 3, &head) == NULL);
}

static void announced_bounds(void)
{
    struct ccaas_page_head head = {2, 100, 3, 250};

    ccaas_page_start(&walk, 2, 100);
    ask(2, 1);
    CHECK(ccaas_page_head(&walk, 2, &head) == NULL);
    CHECK_INT(ccaas_page_announced(&walk), 50);
    begin(0, 0);
    CHECK_INT(ccaas_page_announced(&walk), 0);
    begin(5, 0);
    CHECK_INT(ccaas_page_announced(&walk), 0);
    check_none_now();
    begin(INT64_MAX - 1, 0);
    CHECK_INT(ccaas_page_announced(&walk), 0);
    check_none_now();
}

static void empty_list(void)
{
    begin(0, 0);
    check_none_now();
    CHECK(ccaas_page_last(&walk, 0));
    CHECK(ccaas_page_read(&walk, 0, 0, 0) == NULL);
    CHECK(!walk.shrunk);
}

/* A list that changes under way. */

static void grows(void)
{
    begin(0, 2);
    ask(1, 1);
    check_none_now();
    CHECK(answer(1, 4) == NULL);
    CHECK(!ccaas_page_last(&walk, 1));
    CHECK_INT(ccaas_page_announced(&walk), 400);
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
    CHECK_INT(ccaas_page_announced(&walk), 1000);
    ask(3, 3);
    CHECK_INT(ccaas_page_past(&walk, 5, 5), CCAAS_PAGE_SHRUNK);
    CHECK(walk.shrunk);
    CHECK_INT(ccaas_page_announced(&walk), 500);
    check_none_now();
    CHECK(answer(4, 5) == NULL);
    CHECK(ccaas_page_last(&walk, 4));
    CHECK(walk.shrunk);
}

static void lower_counts(void)
{
    begin(0, 3);
    ask(1, 2);
    CHECK(answer(1, 8) == NULL); /* the list has grown, ... */
    CHECK(answer(2, 3) == NULL); /* ... and this was counted before */
    CHECK(!walk.shrunk);
    CHECK_INT(ccaas_page_announced(&walk), 800);
    ask(3, 5);
    check_none_now();
}

static void rows_within_a_page(void)
{
    struct ccaas_page_head head = {3, 100, 5, 450};

    begin(0, 5);
    ask(1, 4);
    CHECK(ccaas_page_head(&walk, 3, &head) == NULL);
    CHECK_INT(ccaas_page_announced(&walk), 450);
    CHECK(answer(2, 5) == NULL);
    CHECK_INT(ccaas_page_announced(&walk), 450);
    CHECK(answer(4, 5) == NULL);
    CHECK_INT(ccaas_page_announced(&walk), 500);
}

static void shrinks_under_way(void)
{
    begin(0, 5);
    ask(1, 4);
    CHECK(answer(1, 3) == NULL);
    CHECK(!walk.shrunk); /* pages 3 and 4 will answer for themselves */
    check_none_now();
    CHECK_INT(ccaas_page_past(&walk, 4, 3), CCAAS_PAGE_SHRUNK);
    CHECK(walk.shrunk);
    CHECK(ccaas_page_last(&walk, 3));
    CHECK_INT(ccaas_page_past(&walk, 3, 3), CCAAS_PAGE_SHRUNK);
    CHECK(ccaas_page_last(&walk, 2));
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
    CHECK_INT(ccaas_page_past(&walk, 3, NONE), CCAAS_PAGE_SHRUNK);
    CHECK_INT(ccaas_page_past(&walk, 4, NONE), CCAAS_PAGE_SHRUNK);
    CHECK(ccaas_page_last(&walk, 2));
    CHECK(!ccaas_page_last(&walk, 1));
}

static void over_is_over(void)
{
    begin(0, 9);
    ask(1, 4);
    CHECK_INT(ccaas_page_past(&walk, 4, 4), CCAAS_PAGE_SHRUNK);
    CHECK(answer(3, 20) == NULL);
    CHECK_INT(ccaas_page_announced(&walk), 900);
    CHECK(answer(2, 4) == NULL);
    CHECK_INT(ccaas_page_announced(&walk), 400);
    check_none_now();
    CHECK(walk.shrunk);
    CHECK(ccaas_page_last(&walk, 3));
}

static void good_answer_past_the_end(void)
{
    begin(0, 5);
    ask(1, 4);
    CHECK(answer(4, 4) == NULL);
    CHECK(walk.shrunk);
    CHECK(ccaas_page_last(&walk, 3));
    check_none_now();
}

static void old_answer_shrinks(void)
{
    struct ccaas_page_head head;

    begin(0, 5);
    ask(1, 4);
    CHECK(answer(4, 7) == NULL); /* the list has grown, ... */
    CHECK(answer(3, 5) == NULL); /* ... and this was counted before */
    CHECK_INT(ccaas_page_announced(&walk), 700);
    head = (struct ccaas_page_head){2, 100, 7, 601};
    CHECK(ccaas_page_head(&walk, 2, &head) == NULL);
    CHECK_INT(ccaas_page_announced(&walk), 700);
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
    CHECK_INT(ccaas_page_past(&walk, 0, 0), CCAAS_PAGE_SHRUNK);
    CHECK(walk.shrunk);
    check_none_now();
}

static void refused_answer_changes_nothing(void)
{
    struct ccaas_page_head head = {1, 100, 3, 777};

    begin(0, 5);
    ask(1, 1);
    CHECK(ccaas_page_head(&walk, 1, &head) != NULL);
    CHECK_INT(ccaas_page_announced(&walk), 500);
    CHECK(!walk.shrunk);
    ask(2, 3);
}

/* Refusals of a page past the end. */

static void past_empty(void)
{
    static const int64_t firsts[] = {0, 3};

    for (size_t i = 0; i < 2; i++) {
        ccaas_page_start(&walk, firsts[i], 100);
        ask(firsts[i], 1);
        CHECK_INT(ccaas_page_past(&walk, firsts[i], 0), CCAAS_PAGE_EMPTY);
        CHECK_INT(ccaas_page_announced(&walk), 0);
        CHECK(ccaas_page_last(&walk, firsts[i]));
        CHECK(!walk.shrunk);
        check_none_now();
    }
    ccaas_page_start(&walk, 0, 100);
    ask(0, 1);
    CHECK_INT(ccaas_page_past(&walk, 0, NONE), CCAAS_PAGE_EMPTY);
    CHECK(answer(0, 2) == NULL); /* too late */
    check_none_now();
}

static void past_refused(void)
{
    static const int64_t counts[] = {2, 3, NONE, BAD};

    for (size_t i = 0; i < 4; i++) {
        ccaas_page_start(&walk, 3, 100);
        ask(3, 1);
        CHECK_INT(ccaas_page_past(&walk, 3, counts[i]), CCAAS_PAGE_REFUSED);
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
        CHECK_INT(ccaas_page_past(&walk, 2, counts[i]), CCAAS_PAGE_SHRUNK);
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
        CHECK(ccaas_page_read(&walk, page, 0, 0) == NULL);
    }
}

static void grows_for_ever(void)
{
    const char *reason = NULL;
    int64_t page, asked = 1;

    begin(0, 2);
    CHECK(ccaas_page_read(&walk, 0, 100, 100) == NULL);
    while (!reason && asked < 1000 && ccaas_page_next(&walk, &page)) {
        asked++;
        CHECK(answer(page, page + 3) == NULL);
        reason = ccaas_page_read(&walk, page, 100, 0);
    }
    CHECK_STR(reason, "the list grows with every page and brings no new rows");
    CHECK(asked <= 4);
}

static void grows_for_ever_side_by_side(void)
{
    const char *reason = NULL;
    int64_t page, asked = 1;

    begin(0, 5);
    CHECK(ccaas_page_read(&walk, 0, 100, 100) == NULL);
    ask(1, 4);
    /* Four under way; each is read to its end when four more are asked. */
    for (page = 1; page < 1000 && !reason; page++, asked++) {
        int64_t next;

        CHECK(answer(page, page + 6) == NULL);
        CHECK(ccaas_page_next(&walk, &next));
        reason = ccaas_page_read(&walk, page, 100, 0);
    }
    CHECK(reason != NULL);
    CHECK(asked <= 8);
}

static void grows_with_new_rows(void)
{
    int64_t page;

    begin(0, 2);
    for (int64_t i = 1; i < 1000; i++) {
        CHECK(ccaas_page_next(&walk, &page));
        CHECK_INT(page, i);
        CHECK(answer(page, page + 3) == NULL);
        /* A page in two has one row that is new. */
        CHECK(ccaas_page_read(&walk, page, 100, i % 2) == NULL);
    }
}

static void nothing_new_early(void)
{
    begin(0, 9);
    ask(1, 8);
    for (int64_t page = 1; page < 9; page++) {
        CHECK(answer(page, 9 + page) == NULL);
        CHECK(ccaas_page_read(&walk, page, 100, 0) == NULL);
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
        CHECK(ccaas_page_read(&walk, page, 100, 100) == NULL);
    }
    CHECK(answer(9, 40) == NULL);
    CHECK(ccaas_page_read(&walk, 9, 100, 100) == NULL);
    ask(10, 30);
    for (int64_t page = 10; page < 40; page++) {
        bool old = page >= 30 && page < 39;

        CHECK(answer(page, 40) == NULL);
        CHECK(ccaas_page_read(&walk, page, 100, old ? 0 : 100) == NULL);
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
    CHECK(ccaas_page_read(&walk, 2, 100, 0) == NULL);
    check_none_now();
}

int main(void)
{
    it("asks for the first page alone", first_alone);
    it("then asks for each page up to the last, once", each_once);
    it("starts anywhere", from_the_middle);
    it("asks for no more when there is one page", one_page);
    it("brings a first page that cannot be to the nearest that can", odd_first);
    it("reads whole numbers, with blanks around them", numbers);
    it("takes nothing else for a number", no_numbers);
    it("believes four numbers that agree", all_there);
    it("does without page and size", page_and_size_missing);
    it("says which count is missing", counts_missing);
    it("says which number is none", counts_bad);
    it("refuses another page than the one asked for", other_page);
    it("takes 1 to 1000000 rows a page", size_bounds);
    it("refuses to divide by a size that nobody named", no_size_at_all);
    it("wants as many pages as the rows fill", rounding);
    it("takes the largest numbers, and overflows nowhere", largest);
    it("takes smaller pages than it asked for", smaller_pages);
    it("refuses a size that changes under way", size_changes);
    it("refuses a first page that by its own count is not there",
       first_past_the_end);
    it("announces the rows from the first page on, never fewer than none",
       announced_bounds);
    it("walks an empty list to its end", empty_list);
    it("follows a list that grows", grows);
    it("follows one that was empty when first asked", grows_from_empty);
    it("walks to where a list that shrank says so itself", shrinks_ahead);
    it("is not led back by a lower count, whatever page it comes with",
       lower_counts);
    it("counts the rows as the answer to the highest page does",
       rows_within_a_page);
    it("lets pages that were asked for answer for themselves",
       shrinks_under_way);
    it("has not shrunk when they all are there", only_seemed_to_shrink);
    it("ends before the lowest page that is not there", past_out_of_order);
    it("goes no further once a page was not there", over_is_over);
    it("takes a good answer past the end for a list that shrank",
       good_answer_past_the_end);
    it("is not led back by an answer to an earlier page", old_answer_shrinks);
    it("is led on by one", old_answer_grows);
    it("has shrunk when the first page, asked again, is gone", first_again);
    it("is as it was after an answer that it does not believe",
       refused_answer_changes_nothing);
    it("takes a refusal of the first page for an empty list", past_empty);
    it("takes it for the caller's error where the list is not empty",
       past_refused);
    it("takes a refusal of a later page for a list that shrank", past_later);
    it("goes on after short and empty pages", short_pages);
    it("gives up on a list that only grows", grows_for_ever);
    it("gives up on it also with pages side by side",
       grows_for_ever_side_by_side);
    it("walks on while new rows come", grows_with_new_rows);
    it("walks on through pages that the first answer named", nothing_new_early);
    it("walks past old rows that others in front pushed on", rows_put_in_front);
    it("ends where the last page brings nothing new", last_brings_nothing);
    return check_report();
}
