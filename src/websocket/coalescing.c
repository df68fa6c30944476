/* When the engine sleeps after a turn: see coalescing.h. */
#include "coalescing.h"

double cc_coalescing_pause(struct cc_coalescing *coalescing, double now,
                           size_t sockets, size_t bytes)
{
    double pause = (double)sockets * CC_COALESCING_EACH;
    double span = now - coalescing->since;

    if (pause < CC_COALESCING_LEAST || !bytes)
        return 0;
    if (pause > CC_COALESCING_MOST)
        pause = CC_COALESCING_MOST;
    if (span >= pause) {
        coalescing->before = span < 2 * pause ? coalescing->now : 0;
        coalescing->now = 0;
        coalescing->since = now;
    }
    coalescing->now += bytes;
    return coalescing->before &&
                   coalescing->before + coalescing->now <= CC_COALESCING_BYTES
               ? pause
               : 0;
}
