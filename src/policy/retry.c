/* Back-off, and the reading of Retry-After.  PURE: see retry.h. */
#include "retry.h"

#include <math.h>
#include <string.h>

#define DOUBLINGS_MOST 2000u  /* more than a double can take */
#define NOW_MOST 253402300799 /* the last second of the year 9999 */
#define YEAR_SECONDS 31556952 /* on average */

double cc_retry_wait(const struct cc_retry_rule *rule,
                     const struct cc_retry_attempt *attempt, double left,
                     double random)
{
    double wait = attempt->retry_after;

    if (!attempt->transient || attempt->number > rule->retries ||
        (attempt->sent && !rule->idempotent)) {
        return CC_RETRY_NEVER;
    }
    if (wait > rule->max_retry_after) {
        return CC_RETRY_TOO_LONG;
    }
    if (!(wait >= 0)) {
        unsigned doublings = attempt->number > 1 ? attempt->number - 1 : 0;

        if (doublings > DOUBLINGS_MOST) {
            doublings = DOUBLINGS_MOST;
        }
        wait = random * fmin(rule->cap, ldexp(rule->base, (int)doublings));
    }
    return wait < left ? wait : CC_RETRY_TOO_LATE;
}

bool cc_retry_status(int status)
{
    switch (status) {
    case 408:
    case 425:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
    case 598:
        return true;
    default:
        return status >= 520 && status <= 529;
    }
}

/* What is left of a text that is being read. */
struct text {
    const char *next;
    size_t left;
};

/* A date as it is written; UTC. */
struct date {
    int year, month, day; /* the month from 0, the day from 1 */
    int hour, minute, second;
};

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes this character. */
static bool take_char(struct text *text, char c)
{
    if (!text->left || *text->next != c) {
        return false;
    }
    text->next++;
    text->left--;
    return true;
}

/* Takes exactly that many digits as a number. */
static bool take_number(struct text *text, size_t digits, int *number)
{
    if (text->left < digits) {
        return false;
    }
    *number = 0;
    for (size_t i = 0; i < digits; i++) {
        if (!digit(text->next[i])) {
            return false;
        }
        *number = *number * 10 + (text->next[i] - '0');
    }
    text->next += digits;
    text->left -= digits;
    return true;
}

/* Takes one of the names, and returns its index. */
static bool take_name(struct text *text, const char *const names[], int count,
                      int *place)
{
    for (int i = 0; i < count; i++) {
        size_t length = strlen(names[i]);

        if (text->left >= length && memcmp(text->next, names[i], length) == 0) {
            text->next += length;
            text->left -= length;
            *place = i;
            return true;
        }
    }
    return false;
}

/* The year of two digits: never more than 50 years ahead. */
static int whole_year(int two_digits, int64_t now)
{
    int latest = 1970 + (int)(now / YEAR_SECONDS) + 50;

    return latest - (latest - two_digits) % 100;
}

/* Takes one piece of a date:
 *   a, A  the weekday's short or long name (which of them is not checked)
 *   b     the month's short name
 *   d, e  the day, in two digits, or with a blank for the first
 *   y, Y  the year, in two digits or in four
 *   T     the time of day */
static bool take_piece(struct text *text, char piece, int64_t now,
                       struct date *date)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed",
                                       "Thu", "Fri", "Sat"};
    static const char *const long_days[] = {"Sunday",    "Monday",   "Tuesday",
                                            "Wednesday", "Thursday", "Friday",
                                            "Saturday"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr",
                                         "May", "Jun", "Jul", "Aug",
                                         "Sep", "Oct", "Nov", "Dec"};
    int ignored;

    switch (piece) {
    case 'a':
        return take_name(text, days, 7, &ignored);
    case 'A':
        return take_name(text, long_days, 7, &ignored);
    case 'b':
        return take_name(text, months, 12, &date->month);
    case 'd':
        return take_number(text, 2, &date->day);
    case 'e':
        return take_char(text, ' ') ? take_number(text, 1, &date->day)
                                    : take_number(text, 2, &date->day);
    case 'Y':
        return take_number(text, 4, &date->year);
    case 'y':
        if (!take_number(text, 2, &date->year)) {
            return false;
        }
        date->year = whole_year(date->year, now);
        return true;
    case 'T':
        return take_number(text, 2, &date->hour) && take_char(text, ':') &&
               take_number(text, 2, &date->minute) && take_char(text, ':') &&
               take_number(text, 2, &date->second);
    default:
        return false;
    }
}

/* Reads all of a text as a date of that form: %x is a piece, and anything else
 * stands for itself. */
static bool read_date(struct text text, const char *form, int64_t now,
                      struct date *date)
{
    for (; *form; form++) {
        bool taken = *form == '%' ? take_piece(&text, *++form, now, date)
                                  : take_char(&text, *form);

        if (!taken) {
            return false;
        }
    }
    return !text.left;
}

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Do this day and this time exist?  A leap second does. */
static bool exists(const struct date *date)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30,
                                  31, 31, 30, 31, 30, 31};
    int days = lengths[date->month] + (date->month == 1 && leap(date->year));

    return date->day >= 1 && date->day <= days && date->hour < 24 &&
           date->minute < 60 && date->second <= 60;
}

/* Epoch seconds of a date (timegm, which not every C library has). */
static int64_t epoch(const struct date *date)
{
    static const int before[] = {0,   31,  59,  90,  120, 151,
                                 181, 212, 243, 273, 304, 334};
    int past = date->year - 1; /* whole years since the year 1 */
    int64_t days = (int64_t)past * 365 + past / 4 - past / 100 + past / 400;

    days += before[date->month] + (date->month > 1 && leap(date->year));
    days += date->day - 1 - 719162; /* of them before 1970 */
    return ((days * 24 + date->hour) * 60 + date->minute) * 60 + date->second;
}

/* Reads a date, in epoch seconds.  False: it is none.  `now` gives the
 * century of a year with two digits. */
static bool date_of(struct text text, int64_t now, int64_t *seconds)
{
    static const char *const forms[] = {
        "%a, %d %b %Y %T GMT", /* Sun, 06 Nov 1994 08:49:37 GMT */
        "%A, %d-%b-%y %T GMT", /* Sunday, 06-Nov-94 08:49:37 GMT */
        "%a %b %e %T %Y",      /* Sun Nov  6 08:49:37 1994 */
    };

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct date date = {0};

        if (read_date(text, forms[i], now, &date)) {
            *seconds = epoch(&date);
            return exists(&date);
        }
    }
    return false;
}

/* The text without the blanks around it. */
static struct text trim(const char *value, size_t length)
{
    struct text text = {value, value ? length : 0};

    while (text.left && blank(text.next[text.left - 1])) {
        text.left--;
    }
    while (text.left && blank(*text.next)) {
        text.next++;
        text.left--;
    }
    return text;
}

static int64_t bounded(int64_t now)
{
    return now < 0 ? 0 : now > NOW_MOST ? NOW_MOST : now;
}

int64_t cc_retry_date(const char *value, size_t length, int64_t now)
{
    int64_t seconds;

    now = bounded(now);
    return date_of(trim(value, length), now, &seconds) ? seconds : now;
}

double cc_retry_after(const char *value, size_t length, int64_t now)
{
    struct text text = trim(value, length);
    int64_t date;
    double wait = 0;

    if (!text.left) {
        return -1;
    }
    if (!digit(*text.next)) {
        now = bounded(now);
        if (!date_of(text, now, &date)) {
            return -1;
        }
        wait = fmax((double)(date - now), 0);
        return fmin(wait, CC_RETRY_AFTER_MOST);
    }
    for (; text.left; text.next++, text.left--) {
        if (!digit(*text.next)) {
            return -1;
        }
        wait = fmin(wait * 10 + (*text.next - '0'), CC_RETRY_AFTER_MOST);
    }
    return wait;
}

double cc_reconnect_wait(struct cc_reconnect *link, double open,
                         double retry_after, double random)
{
    double bound;

    if (open >= link->settled) {
        link->failures = 0;
    }
    bound = fmin(link->cap, ldexp(link->base, (int)link->failures));
    if (link->failures < 1000) {
        link->failures++;
    }
    if (retry_after < 0)
        return bound / 2 + random * bound / 2;
    return fmax(retry_after, fmin(link->cap, link->base) / 2);
}
