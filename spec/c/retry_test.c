/* Wait how long, or give up. */
#include "retry.h"

#include "check.h"

#include <locale.h>
#include <math.h>
#include <time.h>

static const struct cc_retry_rule rule = {4, 0.5, 30, true, INFINITY};

/* The wait after the attempt of that number failed for a while. */
static double wait_after(unsigned number, double left, double random)
{
    struct cc_retry_attempt attempt = {number, true, true, -1};

    return cc_retry_wait(&rule, &attempt, left, random);
}

/* The wait when the server asks for one. */
static double wait_asked(double retry_after, double left)
{
    struct cc_retry_attempt attempt = {1, true, true, retry_after};

    return cc_retry_wait(&rule, &attempt, left, 0.5);
}

static double after_at(const char *value, int64_t now)
{
    return cc_retry_after(value, strlen(value), now);
}

#define NOV_6 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */

static void doubles(void)
{
    CHECK(wait_after(1, INFINITY, 0.5) == 0.25);
    CHECK(wait_after(2, INFINITY, 0.5) == 0.5);
    CHECK(wait_after(3, INFINITY, 0.5) == 1);
    CHECK(wait_after(4, INFINITY, 0.5) == 2);
}

static void full_jitter(void)
{
    CHECK(wait_after(3, INFINITY, 0) == 0);
    CHECK(wait_after(3, INFINITY, 0.25) == 0.5);
    CHECK(wait_after(3, INFINITY, 0.75) == 1.5);
    CHECK(wait_after(3, INFINITY, 0.999999) < 2);
}

static void capped(void)
{
    struct cc_retry_rule many = {UINT32_MAX, 0.5, 30, true, INFINITY};
    struct cc_retry_attempt attempt = {6, true, false, -1};
    static const unsigned over[] = {7, 33, 64, 1000, 1100, 5000, UINT32_MAX};

    CHECK(cc_retry_wait(&many, &attempt, INFINITY, 0.5) == 8);
    for (size_t i = 0; i < sizeof over / sizeof *over; i++) {
        attempt.number = over[i];
        CHECK(cc_retry_wait(&many, &attempt, INFINITY, 0.5) == 15);
    }
}

static void cap_under_base(void)
{
    struct cc_retry_rule small = {4, 0.5, 0.1, true, INFINITY};
    struct cc_retry_attempt attempt = {1, true, false, -1};

    CHECK(cc_retry_wait(&small, &attempt, INFINITY, 0.5) == 0.05);
    small.cap = 0;
    CHECK(cc_retry_wait(&small, &attempt, INFINITY, 0.5) == 0);
}

static void used_up(void)
{
    struct cc_retry_rule none = {0, 0.5, 30, true, INFINITY};
    struct cc_retry_attempt attempt = {1, true, false, -1};

    CHECK(wait_after(4, INFINITY, 0.5) >= 0);
    CHECK(wait_after(5, INFINITY, 0.5) < 0);
    CHECK(wait_after(UINT32_MAX, INFINITY, 0.5) < 0);
    CHECK(cc_retry_wait(&none, &attempt, INFINITY, 0.5) < 0);
}

static void final(void)
{
    struct cc_retry_attempt attempt = {1, false, false, -1};

    CHECK(cc_retry_wait(&rule, &attempt, INFINITY, 0.5) < 0);
    attempt.retry_after = 3;
    CHECK(cc_retry_wait(&rule, &attempt, INFINITY, 0.5) < 0);
}

static void idempotence(void)
{
    struct cc_retry_rule once = {4, 0.5, 30, false, INFINITY};
    struct cc_retry_attempt attempt = {1, true, true, -1};

    CHECK(cc_retry_wait(&once, &attempt, INFINITY, 0.5) < 0);
    attempt.retry_after = 3;
    CHECK(cc_retry_wait(&once, &attempt, INFINITY, 0.5) < 0);
    attempt.sent = false;
    CHECK(cc_retry_wait(&once, &attempt, INFINITY, 0.5) == 3);
    attempt.retry_after = -1;
    CHECK(cc_retry_wait(&once, &attempt, INFINITY, 0.5) == 0.25);
}

static void obeys(void)
{
    CHECK(wait_asked(0, INFINITY) == 0);
    CHECK(wait_asked(7, INFINITY) == 7);
    CHECK(wait_asked(7, 7.001) == 7);
    CHECK(wait_asked(3600, INFINITY) == 3600);
    CHECK(wait_asked(-1, INFINITY) == 0.25);
    CHECK(wait_asked(NAN, INFINITY) == 0.25);
}

static void deadline(void)
{
    CHECK(wait_after(4, 2.001, 0.5) == 2);
    CHECK(wait_after(4, 2, 0.5) < 0);
    CHECK(wait_after(4, 1.999, 0.5) < 0);
    CHECK(wait_after(4, 0, 0) < 0);
    CHECK(wait_after(4, -1, 0) < 0);
    CHECK(wait_asked(7, 7) < 0);
    CHECK(wait_asked(INFINITY, INFINITY) < 0);
    CHECK(wait_after(1, NAN, 0.5) < 0);
}

/* What a proxy says for a server that fails was final over HTTP, and passing
 * over a websocket. */
static void statuses(void)
{
    static const int passing_ones[] = {408, 425, 429, 500, 502, 503,
                                       504, 520, 521, 522, 523, 524,
                                       525, 526, 527, 528, 529, 598};
    int passing = 0;
    size_t i;

    for (int status = -1; status < 1000; status++) {
        passing += cc_retry_status(status);
    }
    CHECK_INT(passing, sizeof passing_ones / sizeof *passing_ones);
    for (i = 0; i < sizeof passing_ones / sizeof *passing_ones; i++)
        CHECK(cc_retry_status(passing_ones[i]));
}

static void seconds(void)
{
    CHECK_INT(after_at("0", NOV_6), 0);
    CHECK_INT(after_at("3", NOV_6), 3);
    CHECK_INT(after_at("120", NOV_6), 120);
    CHECK_INT(after_at("007", NOV_6), 7);
    CHECK_INT(after_at(" \t5 ", NOV_6), 5);
    CHECK_INT(cc_retry_after("1234", 2, NOV_6), 12);
}

static void huge(void)
{
    char digits[5000];

    memset(digits, '9', sizeof digits);
    CHECK_INT(after_at("999999999", 0), 999999999);
    CHECK_INT(after_at("1000000000", 0), 1000000000);
    CHECK_INT(after_at("1000000001", 0), 1000000000);
    CHECK_INT(after_at("18446744073709551617", 0), 1000000000);
    CHECK_INT(cc_retry_after(digits, sizeof digits, 0), 1000000000);
    CHECK_INT(after_at("Fri, 31 Dec 9999 23:59:59 GMT", 0), 1000000000);
}

static void three_forms(void)
{
    static const char *const forms[] = {
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "  Sun Nov 06 08:49:37 1994\t",
    };

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        CHECK_INT(after_at(forms[i], NOV_6 - 90), 90);
        CHECK_INT(after_at(forms[i], NOV_6), 0);
        CHECK_INT(after_at(forms[i], NOV_6 + 90), 0);
    }
}

/* The same as the C library's own calendar, for a time a day or so. */
static void calendar(void)
{
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT",
                                        "%a %b %e %H:%M:%S %Y"};
    int wrong = 0;

    for (int64_t at = 90000; at < 7258118400; at += 80021) {
        time_t time = (time_t)at;
        struct tm tm;
        char text[64];

        CHECK(gmtime_r(&time, &tm) != NULL);
        strftime(text, sizeof text, forms[at % 2], &tm);
        wrong += after_at(text, at - 86399) != 86399;
    }
    CHECK_INT(wrong, 0);
}

static void leap_days(void)
{
    CHECK_INT(after_at("Tue, 29 Feb 2000 00:00:00 GMT", 951782399), 1);
    CHECK_INT(after_at("Thu, 29 Feb 2024 12:00:00 GMT", 1709207999), 1);
    CHECK_INT(after_at("Wed, 29 Feb 2023 12:00:00 GMT", 0), -1);
    CHECK_INT(after_at("Thu, 29 Feb 1900 12:00:00 GMT", 0), -1);
    CHECK_INT(after_at("Sat, 31 Dec 2016 23:59:60 GMT", 1483228799), 1);
}

/* The longest Retry-After that is waited for; back-off is not meant by it. */
static void too_long(void)
{
    struct cc_retry_rule most = {4, 0.5, 30, true, 7};
    struct cc_retry_attempt attempt = {4, true, true, 7};

    CHECK(cc_retry_wait(&most, &attempt, INFINITY, 0.5) == 7);
    CHECK(cc_retry_wait(&most, &attempt, 7, 0.5) == CC_RETRY_TOO_LATE);
    attempt.retry_after = 7.001;
    CHECK(cc_retry_wait(&most, &attempt, INFINITY, 0.5) == CC_RETRY_TOO_LONG);
    most.retries = 3;
    CHECK(cc_retry_wait(&most, &attempt, INFINITY, 0.5) == CC_RETRY_NEVER);
    most.retries = 4;
    most.max_retry_after = 0;
    attempt.retry_after = -1;
    CHECK(cc_retry_wait(&most, &attempt, INFINITY, 0.5) == 2);
    attempt.retry_after = 0;
    CHECK(cc_retry_wait(&most, &attempt, INFINITY, 0.5) == 0);
}

static int64_t date_at(const char *value, int64_t now)
{
    return cc_retry_date(value, strlen(value), now);
}

/* The sender's clock, or ours. */
static void clocks(void)
{
    CHECK_INT(date_at("Sun, 06 Nov 1994 08:49:37 GMT", 5), NOV_6);
    CHECK_INT(date_at(" Sunday, 06-Nov-94 08:49:37 GMT", NOV_6 + 9), NOV_6);
    CHECK_INT(date_at("Sun Nov  6 08:49:37 1994 ", 5), NOV_6);
    CHECK_INT(date_at("Sun, 31 Nov 1994 08:49:37 GMT", 5), 5);
    CHECK_INT(date_at("1994-11-06T08:49:37Z", 5), 5);
    CHECK_INT(date_at("7", 5), 5);
    CHECK_INT(date_at("", 5), 5);
    CHECK_INT(cc_retry_date(NULL, 0, 5), 5);
    CHECK_INT(cc_retry_date(NULL, 0, -5), 0);
    CHECK_INT(cc_retry_date(NULL, 0, INT64_MAX), 253402300799);
}

static void two_digits(void)
{
    /* 2 Jul 2026. */
    int64_t now = 1782950400;

    CHECK_INT(after_at("Thursday, 02-Jul-26 00:01:00 GMT", now), 60);
    CHECK_INT(after_at("Friday, 02-Jul-27 00:00:00 GMT", now), 31536000);
    /* 49 years ahead, not 51 back. */
    CHECK(after_at("Friday, 02-Jul-75 00:00:00 GMT", now) == 1e9);
    /* 49 years back, not 51 ahead. */
    CHECK_INT(after_at("Saturday, 02-Jul-77 00:00:00 GMT", now), 0);
    CHECK_INT(after_at("Friday, 31-Dec-99 23:59:59 GMT", 946684799 - 5), 5);
    CHECK_INT(after_at("Saturday, 01-Jan-00 00:00:00 GMT", 946684799), 1);
}

static void any_now(void)
{
    static const int64_t nows[] = {INT64_MIN, -1,           0,
                                   1,         253402300800, INT64_MAX};

    for (size_t i = 0; i < sizeof nows / sizeof *nows; i++) {
        CHECK(after_at("Sun, 06 Nov 1994 08:49:37 GMT", nows[i]) >= 0);
        CHECK(after_at("Sunday, 06-Nov-94 08:49:37 GMT", nows[i]) >= 0);
        CHECK(after_at("Sat, 01 Jan 0000 00:00:00 GMT", nows[i]) == 0);
    }
}

static void garbage(void)
{
    static const char *const bad[] = {
        "",
        " ",
        "-1",
        "+1",
        "1.5",
        "1 2",
        "1, 2",
        "5s",
        "0x10",
        "1e3",
        "soon",
        "Sun",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 GMT+1",
        "Sun, 06 Nov 1994 08:49:37 PST",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Son, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nox 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 32 Oct 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 1994 08:49 GMT",
        "Sun,06 Nov 1994 08:49:37 GMT",
        "06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 94",
        "Sun Nov  6 08:49:37 1994 GMT",
        "1994-11-06T08:49:37Z",
        "\xd9\xa3",
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double wait = after_at(bad[i], NOV_6 - 90);

        if (wait != -1) {
            printf("  \"%s\" was read\n", bad[i]);
        }
        CHECK(wait == -1);
    }
    CHECK(cc_retry_after(NULL, 0, NOV_6) == -1);
    CHECK(cc_retry_after("5\0", 2, NOV_6) == -1);
}

static void cut_short(void)
{
    static const char *const forms[] = {
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    };

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        for (size_t length = 0; length < strlen(forms[i]); length++) {
            /* Just so many bytes, so that a reader past them is caught. */
            char *bytes = malloc(length + !length);

            memcpy(bytes, forms[i], length);
            CHECK(cc_retry_after(bytes, length, NOV_6) == -1);
            free(bytes);
        }
    }
}

static void locales(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8",
                                        "C.UTF-8"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (setlocale(LC_ALL, names[i])) {
            CHECK_INT(after_at("Sun, 06 Nov 1994 08:49:37 GMT", NOV_6 - 9), 9);
        }
    }
    setlocale(LC_ALL, "C");
    setenv("TZ", "America/Denver", 1);
    tzset();
    CHECK_INT(after_at("Sun, 06 Nov 1994 08:49:37 GMT", NOV_6 - 9), 9);
    CHECK_INT(after_at("Sun Nov  6 08:49:37 1994", NOV_6 - 9), 9);
    unsetenv("TZ");
    tzset();
}

static void link_doubles(void)
{
    struct cc_reconnect link = {1, 30, 60, 0};
    static const double bounds[] = {1, 2, 4, 8, 16, 30, 30, 30};

    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        struct cc_reconnect same = link;

        CHECK(cc_reconnect_wait(&same, 0, -1, 0) == bounds[i] / 2);
        same = link;
        CHECK(cc_reconnect_wait(&same, 0, -1, 0.999999) < bounds[i]);
        CHECK(cc_reconnect_wait(&link, 0, -1, 0.5) == bounds[i] * 0.75);
    }
}

/* Opened and lost at once, for ever: it never waits for less than it did. */
static void link_flaps(void)
{
    struct cc_reconnect link = {1, 30, 60, 0};
    double wait, before = 0;

    for (int i = 0; i < 5000; i++) {
        wait = cc_reconnect_wait(&link, i % 2 ? 59.9 : 0, -1, 0);
        CHECK(wait >= before && wait >= 0.5 && wait <= 15);
        before = wait;
    }
    CHECK(before == 15);
}

static void link_settles(void)
{
    struct cc_reconnect link = {1, 30, 60, 0};

    for (int i = 0; i < 10; i++)
        cc_reconnect_wait(&link, 0, -1, 0);
    CHECK(cc_reconnect_wait(&link, 60, -1, 0) == 0.5);
    CHECK(cc_reconnect_wait(&link, 0, -1, 0) == 1);
    CHECK(cc_reconnect_wait(&link, INFINITY, -1, 0) == 0.5);
}

static void link_cap_under_base(void)
{
    struct cc_reconnect link = {1, 0.5, 60, 0};

    CHECK(cc_reconnect_wait(&link, 0, -1, 0) == 0.25);
    CHECK(cc_reconnect_wait(&link, 0, -1, 0) == 0.25);
}

static void link_obeys(void)
{
    struct cc_reconnect link = {1, 30, 60, 0};

    CHECK(cc_reconnect_wait(&link, 0, 7, 0.1) == 7);
    CHECK(cc_reconnect_wait(&link, 0, 700, 0.9) == 700);
    CHECK(cc_reconnect_wait(&link, 0, 0.6, 0.9) == 0.6);
    CHECK_INT(link.failures, 3);
    CHECK(cc_reconnect_wait(&link, 0, -1, 0) == 4);
}

/* A server that says "at once" with each refusal is not asked in a circle. */
static void link_never_at_once(void)
{
    struct cc_reconnect link = {1, 30, 60, 0};

    for (int i = 0; i < 10; i++)
        CHECK(cc_reconnect_wait(&link, 0, 0, 0) == 0.5);
}

int main(void)
{
    it("does not wait for a Retry-After over the rule's limit", too_long);
    it("reads the clock of the sender", clocks);
    it("doubles the pause with every attempt", doubles);
    it("jitters it over its whole length", full_jitter);
    it("never goes over the cap, however many attempts", capped);
    it("uses the cap even if it is below the base", cap_under_base);
    it("gives up when the retries are used up", used_up);
    it("gives up when the failure is final", final);
    it("sends a request that is not idempotent again only if it was never sent",
       idempotence);
    it("obeys Retry-After exactly", obeys);
    it("gives up when the wait would end at or past the deadline", deadline);
    it("retries statuses that may pass, those of proxies included", statuses);
    it("reads Retry-After in whole seconds", seconds);
    it("cuts what is longer than 1e9 seconds, and overflows nowhere", huge);
    it("reads all three forms of an HTTP date", three_forms);
    it("has the C library's calendar, 1970 to 2200", calendar);
    it("knows leap years and the leap second", leap_days);
    it("takes a year of two digits for the one within 50 years", two_digits);
    it("reads dates whatever the time is", any_now);
    it("says -1 to anything else", garbage);
    it("says -1 to a date cut short, and reads no byte past it", cut_short);
    it("depends on neither locale nor time zone", locales);
    it("doubles a link's pause with every loss, half of it jittered",
       link_doubles);
    it("does not start again for a link that flaps", link_flaps);
    it("starts again for a link that was stable", link_settles);
    it("uses a link's cap even if it is below the base", link_cap_under_base);
    it("obeys Retry-After for a link, and counts the refusal", link_obeys);
    it("waits for half the first pause at least, whatever Retry-After says",
       link_never_at_once);
    return check_report();
}
