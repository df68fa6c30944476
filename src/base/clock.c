/* Time and randomness: see clock.h. */
#include "clock.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static double seconds(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

double cc_clock_now(void)
{
    return seconds(CLOCK_MONOTONIC);
}

double cc_clock_wall(void)
{
    return seconds(CLOCK_REALTIME);
}

void cc_random_bytes(void *bytes, size_t length)
{
    unsigned char *to = bytes;
    ssize_t got;

    while (length) {
        got = getrandom(to, length, 0);
        if (got < 0 && errno != EINTR)
            abort(); /* no Linux that runs this lacks getrandom */
        if (got > 0) {
            to += got;
            length -= (size_t)got;
        }
    }
}

double cc_random_unit(void)
{
    uint64_t bits;

    cc_random_bytes(&bits, sizeof bits);
    return (double)(bits >> 11) / 9007199254740992.0;
}
