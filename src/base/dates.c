/* Points in time as vendors write them. */
#include "dates.h"

struct text {
    const char *at, *end;
};

/* So many digits; -1: there are not. */
static int64_t digits(struct text *text, int count)
{
    int64_t number = 0;

    if (text->end - text->at < count)
        return -1;
    for (; count; count--, text->at++) {
        if (*text->at < '0' || *text->at > '9')
            return -1;
        number = number * 10 + (*text->at - '0');
    }
    return number;
}

static bool take(struct text *text, char c)
{
    if (text->at == text->end || *text->at != c)
        return false;
    text->at++;
    return true;
}

/* Days from the epoch to a date of the Gregorian calendar, whose year is made
 * to begin in March. */
static int64_t days(int64_t year, int64_t month, int64_t day)
{
    int64_t era, of_era, of_year;

    year -= month <= 2;
    era = year / 400;
    of_era = year - era * 400;
    of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
           719468;
}

static int64_t length_of(int64_t year, int64_t month)
{
    if (month == 2)
        return 28 + ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0);
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* What stands behind a comma or point, in microseconds; more digits than six
 * are passed over. */
static bool fraction(struct text *text, int64_t *micros)
{
    int64_t unit = 100000;

    if (!take(text, '.') && !take(text, ','))
        return true;
    if (text->at == text->end || *text->at < '0' || *text->at > '9')
        return false;
    for (; text->at < text->end && *text->at >= '0' && *text->at <= '9';
         text->at++, unit /= 10)
        *micros += unit * (*text->at - '0');
    return true;
}

/* Seconds east of UTC. */
static bool offset(struct text *text, int64_t *seconds)
{
    int64_t hours, minutes = 0, sign;

    *seconds = 0;
    if (text->at == text->end || take(text, 'Z') || take(text, 'z'))
        return text->at == text->end;
    sign = take(text, '-') ? -1 : take(text, '+') ? 1 : 0;
    hours = digits(text, 2);
    if (text->at < text->end) {
        take(text, ':');
        minutes = digits(text, 2);
    }
    *seconds = sign * (hours * 3600 + minutes * 60);
    return sign && hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60 &&
           text->at == text->end;
}

/* Days since the epoch. */
static bool date(struct text *text, int64_t *since)
{
    int64_t year = digits(text, 4), month, day;

    if (year < 0 || !take(text, '-'))
        return false;
    month = digits(text, 2);
    if (month < 1 || month > 12 || !take(text, '-'))
        return false;
    day = digits(text, 2);
    *since = days(year, month, day);
    return day >= 1 && day <= length_of(year, month);
}

/* Microseconds since midnight; 24:00 is the next one. */
static bool time_of_day(struct text *text, int64_t *since)
{
    int64_t hour = digits(text, 2), minute, second = 0, parts = 0;

    if (hour < 0 || !take(text, ':'))
        return false;
    minute = digits(text, 2);
    if (minute < 0 || minute > 59)
        return false;
    if (take(text, ':')) {
        second = digits(text, 2);
        if (second < 0 || second > 60 || !fraction(text, &parts))
            return false;
    }
    *since = ((hour * 60 + minute) * 60 + second) * 1000000 + parts;
    return hour < 24 || *since == INT64_C(86400000000);
}

bool cc_date_iso(const char *bytes, size_t length, int64_t *micros)
{
    struct text text = {bytes, bytes + length};
    int64_t since_epoch, since_midnight, east;

    if (!date(&text, &since_epoch) || (!take(&text, 'T') && !take(&text, ' ')))
        return false;
    if (!time_of_day(&text, &since_midnight) || !offset(&text, &east))
        return false;
    *micros = (since_epoch * 86400 - east) * 1000000 + since_midnight;
    return true;
}
