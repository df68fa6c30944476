/* After a failed attempt: how long to wait, or whether to give up.  Here
 * Retry-After is read, and checked against max_retry_after.
 *
 * PURE: time and randomness are arguments.
 */
#ifndef CC_RETRY_H
#define CC_RETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CC_RETRY_AFTER_MOST 1e9 /* seconds: a longer Retry-After is cut */

struct cc_retry_rule {
    unsigned retries;       /* attempts after the first */
    double base;            /* the first pause's upper bound, in seconds */
    double cap;             /* the longest pause's upper bound */
    bool idempotent;        /* the request may be sent more than once */
    double max_retry_after; /* seconds: a longer Retry-After ends the call;
                               INFINITY: only the deadline does */
};

/* How the attempt that just ended went. */
struct cc_retry_attempt {
    unsigned number;    /* from 1 */
    bool transient;     /* another attempt may succeed */
    bool sent;          /* some byte of the request may have reached the
                           server */
    double retry_after; /* seconds that the server asks for; < 0: none */
};

#define CC_RETRY_NEVER (-1.0)    /* final, or no attempt is left */
#define CC_RETRY_TOO_LONG (-2.0) /* Retry-After is over max_retry_after */
#define CC_RETRY_TOO_LATE (-3.0) /* the wait ends after the deadline */

/* Seconds to wait before the next attempt; < 0: give up, for one of the reasons
 * above: NEVER if the failure was final, the retries are used up, or a request
 * that is not idempotent was sent.  `left`: seconds until the deadline;
 * INFINITY: there is none.
 *
 * The wait is exponential back-off with full jitter: `random`, in [0,1), times
 * min(cap, base * 2^(number - 1)).  A server's Retry-After takes its place and
 * is obeyed exactly: not jittered, not capped, not shortened. */
double cc_retry_wait(const struct cc_retry_rule *rule,
                     const struct cc_retry_attempt *attempt, double left,
                     double random);

/* True for a transient status, of HTTP or of a websocket handshake: 408,
 * 425, 429, 500, 502, 503, 504, and those of proxies in front of a failing
 * server: 520 to 529, 598. */
bool cc_retry_status(int status);

/* Reads Retry-After (not terminated; NULL: the header is missing): whole
 * seconds, or one of HTTP's three forms of date against `now` (epoch seconds by
 * the clock of the sender: see cc_retry_date).  Seconds to wait,
 * CC_RETRY_AFTER_MOST at the most (a date in the past: 0), or -1 when it is
 * neither.  Heeds no locale and no time zone. */
double cc_retry_after(const char *value, size_t length, int64_t now);

/* The time of an answer by the clock of its sender: its header Date (not
 * terminated; NULL: missing), or `now`, epoch seconds by our clock, where it
 * has none that can be read. */
int64_t cc_retry_date(const char *value, size_t length, int64_t now);

/* A connection that must stay open: how long to wait before it is opened
 * again. */
struct cc_reconnect {
    double base;       /* the first pause's upper bound, in seconds */
    double cap;        /* the longest pause's upper bound */
    double settled;    /* open for so long, it starts again with `base` */
    unsigned failures; /* losses and refusals that still count */
};

/* The connection was lost, `open` seconds after it was opened (0: it was
 * refused).  Returns the seconds to wait: half of min(cap, base *
 * 2^failures), and `random`, in [0,1), times the other half.  A
 * `retry_after` that is not < 0 replaces that; half the first pause is the
 * minimum.  A connection that flaps does not start from `base` each time. */
double cc_reconnect_wait(struct cc_reconnect *link, double open,
                         double retry_after, double random);

#endif
