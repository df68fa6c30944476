/* Time and randomness played by the program, for the specs of calls and of
 * subscriptions. */
#ifndef CC_SPEC_PLAYED_CLOCK_H
#define CC_SPEC_PLAYED_CLOCK_H

#include "clock.h"

#include <string.h>

static double now = 1000, luck;
static double wall_step;   /* by how much the wall clock was set */
static void (*then)(void); /* comes right after the next look at the clock */

double cc_clock_now(void)
{
    double read = now;
    void (*comes)(void) = then;

    then = NULL;
    if (comes)
        comes();
    return read;
}

double cc_clock_wall(void)
{
    return now + 1e9 + wall_step;
}

void cc_random_bytes(void *bytes, size_t length)
{
    memset(bytes, 7, length);
}

double cc_random_unit(void)
{
    return luck;
}

#endif
