/* Points in time as vendors write them.  Any thread. */
#ifndef CC_DATES_H
#define CC_DATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads an ISO 8601 time (not terminated): a date, `T` or a blank, hours,
 * minutes and perhaps seconds with a fraction; then `Z`, an offset (+hh:mm,
 * +hhmm, +hh) or nothing, which is read as UTC.  *micros is microseconds since
 * the epoch.  False: it is none. */
bool cc_date_iso(const char *text, size_t length, int64_t *micros);

#endif
