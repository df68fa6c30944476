/* Time and randomness, for the rooms that may have them.  Any thread. */
#ifndef CC_CLOCK_H
#define CC_CLOCK_H

#include <stddef.h>

/* Seconds on the monotonic clock. */
double cc_clock_now(void);

/* Seconds since the epoch. */
double cc_clock_wall(void);

/* Seconds since the epoch when the monotonic clock said `at`; a little less if
 * the thread is stopped meanwhile. */
static inline double cc_clock_wall_at(double at)
{
    double wall = cc_clock_wall();

    return wall - (cc_clock_now() - at);
}

/* Fills with random bytes that nobody can guess. */
void cc_random_bytes(void *bytes, size_t length);

/* A random number in [0, 1). */
double cc_random_unit(void);

#endif
