/* Points in time as vendors write them. */
#include "dates.h"

#include "check.h"

#include <time.h>

#define SECOND INT64_C(1000000)
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define NONE INT64_MIN

/* Reads a copy that ends where its memory ends, for the sanitizers. */
static int64_t read_bytes(const char *text, size_t length)
{
    char *copy = malloc(length ? length : 1);
    int64_t micros = 42;
    bool is_one;

    if (length)
        memcpy(copy, text, length);
    is_one = cc_date_iso(copy, length, &micros);
    free(copy);
    return is_one ? micros : NONE;
}

static int64_t when(const char *text)
{
    return read_bytes(text, strlen(text));
}

static void forms(void)
{
    const int64_t want = 784111777 * SECOND;

    CHECK_INT(when("1994-11-06T08:49:37Z"), want);
    CHECK_INT(when("1994-11-06T08:49:37z"), want);
    CHECK_INT(when("1994-11-06T08:49:37"), want);
    CHECK_INT(when("1994-11-06 08:49:37"), want);
    CHECK_INT(when("1994-11-06 08:49:37Z"), want);
    CHECK_INT(when("1994-11-06T08:49Z"), want - 37 * SECOND);
    CHECK_INT(when("1994-11-06T08:49"), want - 37 * SECOND);
    CHECK_INT(when("1970-01-01T00:00:00Z"), 0);
    CHECK_INT(when("1969-12-31T23:59:59Z"), -SECOND);
    CHECK_INT(when("1994-11-06T24:00:00Z"), when("1994-11-07T00:00:00Z"));
    CHECK_INT(when("2016-12-31T23:59:60Z"), when("2017-01-01T00:00:00Z"));
}

static void fractions(void)
{
    const int64_t want = 784111777 * SECOND;

    CHECK_INT(when("1994-11-06T08:49:37.5Z"), want + 500000);
    CHECK_INT(when("1994-11-06T08:49:37,5Z"), want + 500000);
    CHECK_INT(when("1994-11-06T08:49:37.000001Z"), want + 1);
    CHECK_INT(when("1994-11-06T08:49:37.123456"), want + 123456);
    CHECK_INT(when("1994-11-06T08:49:37.123456999Z"), want + 123456);
    CHECK_INT(when("1994-11-06T08:49:37.0000009999999999999999999999Z"), want);
    CHECK_INT(when("1994-11-06T08:49:37.25+01:00"),
              want + 250000 - 3600 * SECOND);
}

static void offsets(void)
{
    const int64_t want = 784111777 * SECOND;

    CHECK_INT(when("1994-11-06T10:49:37+02:00"), want);
    CHECK_INT(when("1994-11-06T10:49:37+0200"), want);
    CHECK_INT(when("1994-11-06T10:49:37+02"), want);
    CHECK_INT(when("1994-11-06T03:19:37-05:30"), want);
    CHECK_INT(when("1994-11-06T03:19:37-0530"), want);
    CHECK_INT(when("1994-11-06T03:49:37-05"), want);
    CHECK_INT(when("1994-11-06T08:49:37+00:00"), want);
    CHECK_INT(when("1994-11-06T08:49:37-00:00"), want);
    CHECK_INT(when("1994-11-07T08:48:37+23:59"), want);
    CHECK_INT(when("1970-01-01T00:00+01"), -3600 * SECOND);
}

static void calendar(void)
{
    /* Every day of two Gregorian cycles, against the C library. */
    for (int64_t day = -135140; day < 292194; day += 1) {
        time_t seconds = (time_t)(day * 86400);
        struct tm tm;
        char text[64];

        gmtime_r(&seconds, &tm);
        snprintf(text, sizeof text, "%04d-%02d-%02dT00:00:00Z",
                 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
        if (when(text) != day * 86400 * SECOND) {
            CHECK_INT(when(text), day * 86400 * SECOND);
            return;
        }
    }
    CHECK(when("0000-01-01T00:00Z") < when("9999-12-31T23:59Z"));
}

static void leap_years(void)
{
    static const int leap[] = {1600, 1972, 2000, 2024, 2400, 0};
    static const int common[] = {1700, 1900, 2023, 2100, 2200, 9999};
    char text[64];

    for (size_t i = 0; i < COUNT(leap); i++) {
        snprintf(text, sizeof text, "%04d-02-29T00:00Z", leap[i]);
        CHECK(when(text) != NONE);
        snprintf(text, sizeof text, "%04d-02-29T00:00Z", common[i]);
        CHECK_INT(when(text), NONE);
    }
}

static void no_times(void)
{
    static const char *const bad[] = {
        "",
        "Z",
        "now",
        "0",
        "784111777",
        "1994",
        "1994-11",
        "1994-11-06",
        "1994-11-06T",
        "1994-11-06T08",
        "1994-11-06T08Z",
        "94-11-06T08:49:37Z",
        "11994-11-06T08:49:37Z",
        "-994-11-06T08:49:37Z",
        "+1994-11-06T08:49:37Z",
        " 1994-11-06T08:49:37Z",
        "1994-11-06T08:49:37Z ",
        "1994-11-06T08:49:37ZZ",
        "1994-11-06T08:49:37Z+01:00",
        "1994/11/06T08:49:37Z",
        "19941106T084937Z",
        "1994-W44-7T08:49:37Z",
        "1994-310T08:49:37Z",
        "1994-00-06T08:49:37Z",
        "1994-13-06T08:49:37Z",
        "1994-1-06T08:49:37Z",
        "1994-11-00T08:49:37Z",
        "1994-11-31T08:49:37Z",
        "1994-12-32T08:49:37Z",
        "1994-04-31T08:49:37Z",
        "1994-11-6T08:49:37Z",
        "1994-11-06t08:49:37Z",
        "1994-11-06  08:49:37Z",
        "1994-11-06T8:49:37Z",
        "1994-11-06T25:00:00Z",
        "1994-11-06T24:00:01Z",
        "1994-11-06T24:01:00Z",
        "1994-11-06T24:00:00.1Z",
        "1994-11-06T08:60:00Z",
        "1994-11-06T08:49:61Z",
        "1994-11-06T08:49:3Z",
        "1994-11-06T08:49:Z",
        "1994-11-06T08:49:37.Z",
        "1994-11-06T08:49:37.",
        "1994-11-06T08:49:37.5.5Z",
        "1994-11-06T08:49.5Z",
        "1994-11-06T08:49:37+",
        "1994-11-06T08:49:37+1",
        "1994-11-06T08:49:37+01:",
        "1994-11-06T08:49:37+01:0",
        "1994-11-06T08:49:37+01:60",
        "1994-11-06T08:49:37+24:00",
        "1994-11-06T08:49:37+01:00:00",
        "1994-11-06T08:49:37+01 00",
        "1994-11-06T08:49:37 +01:00",
        "1994-11-06T08:49:37UTC",
        "1994-11-06T08:49:37\342\210\22205:00",
        "1994-11-06T08:4\xD9\xA3:37Z",
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        if (when(bad[i]) != NONE)
            printf("  \"%s\" was read\n", bad[i]);
        CHECK(when(bad[i]) == NONE);
    }
    CHECK(read_bytes("1994-11-06T08:49:37Z\0", 21) == NONE);
    CHECK(read_bytes("1994-11-06T08:49\0:37Z", 21) == NONE);
}

/* What is left of it at every cut: a time is one where minutes, seconds, the
 * fraction or an offset's part have just ended. */
static void cut(void)
{
    const char *text = "1994-11-06T08:49:37.125+05:30";
    static const size_t ends[] = {16, 19, 21, 22, 23, 26, 29};

    for (size_t length = 0; length <= strlen(text); length++) {
        bool is_end = false;

        for (size_t i = 0; i < COUNT(ends); i++)
            is_end = is_end || ends[i] == length;
        CHECK_INT(read_bytes(text, length) != NONE, is_end);
    }
}

/* No byte that is put in the place of another is read as something else. */
static void one_byte_wrong(void)
{
    const char *text = "1994-11-06T08:49:37.125+05:30";

    for (size_t at = 0; at < strlen(text); at++)
        for (int c = 0; c < 256; c++) {
            char other[32];

            strcpy(other, text);
            other[at] = (char)c;
            if (strchr("0123456789", text[at]) && !(c >= '0' && c <= '9'))
                CHECK(read_bytes(other, strlen(text)) == NONE);
        }
}

static void order(void)
{
    static const char *const times[] = {
        "0000-01-01T00:00:00Z",       "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:00Z",          "2024-02-29T23:59:59.1Z",
        "2024-02-29T23:59:59.100001", "2024-03-01T00:00:00+00",
        "2024-03-01T00:00:00-00:01",  "9999-12-31T23:59:59-23:59"};

    for (size_t i = 1; i < COUNT(times); i++)
        CHECK(when(times[i - 1]) < when(times[i]));
}

int main(void)
{
    it("reads a date and a time of day, with seconds or without", forms);
    it("reads fractions to the microsecond, and passes over the rest",
       fractions);
    it("reads offsets in all three forms", offsets);
    it("has the C library's calendar", calendar);
    it("knows leap years", leap_years);
    it("reads nothing else", no_times);
    it("reads no byte past its end, at every cut", cut);
    it("reads digits only where digits belong", one_byte_wrong);
    it("keeps their order", order);
    return check_report();
}
