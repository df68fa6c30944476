/* The walk over a list that is paged by number: what it asks for, and which
 * answers it believes. */
#include "page_walk.h"

/* A walk from page 0 that was just started, then this first answer. */
static const char *first_head(int64_t page, int64_t size, int64_t pages,
                              int64_t rows)
{
    struct cc_page_head head = {page, size, pages, rows};
    struct cc_page_walk before;
    const char *reason;

    cc_page_start(&walk, 0, 100, false);
    ask(0, 1);
    memcpy(&before, &walk, sizeof walk); /* the padding, too */
    reason = cc_page_head(&walk, 0, &head);
    if (reason) {
        CHECK(memcmp(&before, &walk, sizeof walk) == 0);
    }
    return reason;
}

static int64_t number(const char *value)
{
    return cc_page_number(value, strlen(value));
}
/* Asking. */

static void first_alone(void)
{
    cc_page_start(&walk, 0, 100, false);
    CHECK_INT(cc_page_announced(&walk), -1);
    ask(0, 1);
    check_none_now();
    check_none_now();
}

static void each_once(void)
{
    begin(0, 5);
    ask(1, 4);
    check_none_now();
    CHECK(!walk.shrunk);
}

static void from_the_middle(void)
{
    begin(3, 5);
    ask(4, 1);
    check_none_now();
    CHECK_INT(cc_page_announced(&walk), 200);
}

static void one_page(void)
{
    begin(0, 1);
    check_none_now();
}

static void odd_first(void)
{
    int64_t page;

    cc_page_start(&walk, -5, 100, false);
    CHECK(cc_page_next(&walk, &page));
    CHECK_INT(page, 0);
    cc_page_start(&walk, INT64_MAX, 100, false);
    CHECK(cc_page_next(&walk, &page));
    CHECK_INT(page, INT64_MAX - 1);
    CHECK(!cc_page_next(&walk, &page));
}

/* Numbers. */

static void numbers(void)
{
    CHECK_INT(number("0"), 0);
    CHECK_INT(number("57"), 57);
    CHECK_INT(number("007"), 7);
    CHECK_INT(number(" \t12 "), 12);
    CHECK_INT(number("9223372036854775807"), INT64_MAX);
    CHECK_INT(cc_page_number("1234", 2), 12);
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
        "1,",
        ",1",
        "1,,1",
        ",",
        "1, one",
        "1, 2, three",
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
    CHECK_INT(cc_page_number("1\0", 2), BAD);
    CHECK_INT(cc_page_number(NULL, 0), NONE);
}

/* A proxy may join two headers of one name: "1, 1" was taken for no number. */
static void repeated_numbers(void)
{
    CHECK_INT(number("1, 1"), 1);
    CHECK_INT(number("12,12 ,\t12"), 12);
    CHECK_INT(number("7, 007"), 7);
    CHECK_INT(number("1, 2"), CC_PAGE_TWO);
    CHECK_INT(number("1, 1, 2"), CC_PAGE_TWO);
    CHECK_INT(number("1, 2, 1"), CC_PAGE_TWO);
    CHECK_INT(cc_page_both(NONE, NONE), NONE);
    CHECK_INT(cc_page_both(NONE, 3), 3);
    CHECK_INT(cc_page_both(3, NONE), 3);
    CHECK_INT(cc_page_both(3, 3), 3);
    CHECK_INT(cc_page_both(3, 4), CC_PAGE_TWO);
    CHECK_INT(cc_page_both(3, BAD), BAD);
    CHECK_INT(cc_page_both(CC_PAGE_TWO, 3), CC_PAGE_TWO);
    CHECK_INT(cc_page_both(BAD, CC_PAGE_TWO), BAD);
}

/* Believing an answer. */

static void all_there(void)
{
    CHECK(first_head(0, 100, 3, 250) == NULL);
    CHECK_INT(cc_page_announced(&walk), 250);
    ask(1, 2);
    check_none_now();
}

static void page_and_size_missing(void)
{
    struct cc_page_head head = {NONE, NONE, 3, 201};

    CHECK(first_head(NONE, NONE, 3, 250) == NULL);
    ask(1, 2);
    CHECK(cc_page_head(&walk, 1, &head) == NULL);
    CHECK_INT(cc_page_announced(&walk), 201);
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
    CHECK(first_head(0, 100, -4, 250) != NULL);
    CHECK(first_head(0, 100, 3, INT64_MIN) != NULL);
    CHECK(first_head(INT64_MIN, 100, 3, 250) != NULL);
    CHECK(first_head(0, INT64_MIN, 3, 250) != NULL);
}

static void counts_differ(void)
{
    const int64_t two = CC_PAGE_TWO;

    CHECK_STR(first_head(0, 100, two, 250),
              "the answer names two different numbers of pages");
    CHECK_STR(first_head(0, 100, 3, two),
              "the answer names two different numbers of rows");
    CHECK_STR(first_head(two, 100, 3, 250),
              "the answer names two different pages");
    CHECK_STR(first_head(0, two, 3, 250),
              "the answer names two different page sizes");
}

static void other_page(void)
{
    const char *reason =
        "the answer is a different page from the one requested";
    struct cc_page_head head = {0, 100, 3, 250};

    CHECK_STR(first_head(1, 100, 3, 250), reason);
    CHECK(first_head(0, 100, 3, 250) == NULL);
    ask(1, 1);
    CHECK_STR(cc_page_head(&walk, 1, &head), reason);
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
    struct cc_page_head head = {0, NONE, 1, 1};
    int64_t page;

    cc_page_start(&walk, 0, 0, false);
    CHECK(cc_page_next(&walk, &page));
    CHECK(cc_page_head(&walk, 0, &head) != NULL);
    CHECK_INT(cc_page_announced(&walk), -1);
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
    CHECK_INT(cc_page_announced(&walk), INT64_MAX);
    CHECK(first_head(0, 2, INT64_MAX / 2 + 1, INT64_MAX) == NULL);
    CHECK(first_head(0, 2, INT64_MAX / 2, INT64_MAX) != NULL);
    CHECK(first_head(0, 1000000, INT64_MAX, INT64_MAX) != NULL);
}

static void smaller_pages(void)
{
    struct cc_page_head head = {3, 10, 25, 250};

    CHECK(first_head(0, 10, 25, 250) == NULL);
    ask(1, 24);
    check_none_now();
    cc_page_start(&walk, 3, 100, false);
    ask(3, 1);
    CHECK(cc_page_head(&walk, 3, &head) == NULL);
    CHECK_INT(cc_page_announced(&walk), 220);
}

static void size_changes(void)
{
    struct cc_page_head head = {1, 100, 3, 250};

    CHECK(first_head(0, 50, 5, 250) == NULL);
    ask(1, 1);
    CHECK_STR(cc_page_head(&walk, 1, &head),
              "the page size changed from one page to another");
    ask(2, 3);
    head = (struct cc_page_head){1, NONE, 5, 250};
    CHECK(cc_page_head(&walk, 1, &head) == NULL);
}

static void first_past_the_end(void)
{
    struct cc_page_head head = {3, 100, 3, 250};

    cc_page_start(&walk, 3, 100, false);
    ask(3, 1);
    CHECK_STR(cc_page_head(&walk, 3, &head),
              "the answer is a page that, by its own count, does not exist");
    head = (struct cc_page_head){3, 100, 4, 301};
    CHECK(cc_page_head(&walk, 3, &head) == NULL);
}

static void announced_bounds(void)
{
    struct cc_page_head head = {2, 100, 3, 250};

    cc_page_start(&walk, 2, 100, false);
    ask(2, 1);
    CHECK(cc_page_head(&walk, 2, &head) == NULL);
    CHECK_INT(cc_page_announced(&walk), 50);
    begin(0, 0);
    CHECK_INT(cc_page_announced(&walk), 0);
    begin(5, 0);
    CHECK_INT(cc_page_announced(&walk), 0);
    check_none_now();
    begin(INT64_MAX - 1, 0);
    CHECK_INT(cc_page_announced(&walk), 0);
    check_none_now();
}

static void empty_list(void)
{
    begin(0, 0);
    check_none_now();
    CHECK(cc_page_read(&walk, 0, 0) == NULL);
    CHECK(!walk.shrunk);
}

int main(void)
{
    it("asks for the first page alone", first_alone);
    it("then asks for each page up to the last, once", each_once);
    it("starts anywhere", from_the_middle);
    it("asks for no more when there is one page", one_page);
    it("moves an impossible first page to the nearest possible one", odd_first);
    it("reads whole numbers, with blanks around them", numbers);
    it("accepts nothing else as a number", no_numbers);
    it("accepts a number that is repeated", repeated_numbers);
    it("accepts four numbers that agree", all_there);
    it("works without page and size", page_and_size_missing);
    it("says which count is missing", counts_missing);
    it("says which one is not a number", counts_bad);
    it("says which number came twice and differs", counts_differ);
    it("refuses a page other than the one requested", other_page);
    it("takes 1 to 1000000 rows a page", size_bounds);
    it("does not divide by a size that is not given", no_size_at_all);
    it("wants as many pages as the rows fill", rounding);
    it("takes the largest numbers, and overflows nowhere", largest);
    it("takes smaller pages than it asked for", smaller_pages);
    it("refuses a size that changes between pages", size_changes);
    it("refuses a first page that does not exist by its own count",
       first_past_the_end);
    it("announces the rows from the first page on, never fewer than none",
       announced_bounds);
    it("walks an empty list to its end", empty_list);
    return check_report();
}
