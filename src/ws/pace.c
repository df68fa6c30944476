/* When the engine sleeps after a turn: see pace.h. */
#include "pace.h"

double cc_pace_turn(struct cc_pace *pace, double now, size_t sockets,
                    size_t bytes)
{
    double pause = (double)sockets * CC_PACE_EACH;
    double span = now - pace->since;

    if (pause < CC_PACE_LEAST || !bytes)
        return 0;
    if (pause > CC_PACE_MOST)
        pause = CC_PACE_MOST;
    if (span >= pause) {
        pace->before = span < 2 * pause ? pace->now : 0;
        pace->now = 0;
        pace->since = now;
    }
    pace->now += bytes;
    return pace->before && pace->before + pace->now <= CC_PACE_BYTES ? pause
                                                                     : 0;
}
