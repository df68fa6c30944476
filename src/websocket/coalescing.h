/* How long the engine sleeps after a turn of its loop.
 *
 * A message that comes alone is given at once.  When messages keep coming on
 * many sockets, few at a time, the engine lets some come together, so that one
 * waking serves many of them: with a thousand sockets most of the work is to
 * wake.  Pure: time is an argument. */
#ifndef CC_COALESCING_H
#define CC_COALESCING_H

#include <stddef.h>

/* Seconds for each open socket, and in all: so long a message may lie unread.
 */
#define CC_COALESCING_EACH 0.00002
#define CC_COALESCING_MOST 0.02
/* Shorter ones are not worth it: up to this many sockets there are none. */
#define CC_COALESCING_LEAST 0.001
/* Bytes within two of these times, beyond which nothing is put off: what waits
 * has to fit into the system's buffer of one socket. */
#define CC_COALESCING_BYTES (64 * 1024)

struct cc_coalescing {
    double since; /* `now` is counted from then */
    size_t now, before;
};

/* After a turn that ended at `now` (monotonic seconds) and brought these bytes
 * of messages, with so many sockets open: seconds to sleep; 0: none. */
double cc_coalescing_pause(struct cc_coalescing *coalescing, double now,
                           size_t sockets, size_t bytes);

#endif
