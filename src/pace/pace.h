/* A pace that many calls keep together: one call at a time, and a minimum time
 * between two starts.
 *
 * An engine has one for each name (a tenant, say); used on the thread that the
 * engine belongs to.
 *
 * With a store, engines keep it together.  A call that has entered here
 * takes a lease of that name as well, renews it while it is inside, and lets
 * it expire when the next call may start.  If its process dies inside,
 * others wait for at most CC_PACE_LEASE seconds.  A call that neither reads
 * nor waits for so long may find another one inside, but no two start within
 * the minimum time.
 */
#ifndef CC_PACE_H
#define CC_PACE_H

#include <stdbool.h>

#include "waker.h"

#define CC_PACE_LEASE 10.0 /* seconds; the minimum time if that is more */
#define CC_PACE_PATIENCE                                                       \
    60.0 /* seconds that a call which does not wait itself holds the others    \
            back */

struct ccaas_client;
struct ccaas_engine;
struct cc_pace;

/* The engine's pace of that name, made when it is new; NULL: memory is out. */
struct cc_pace *cc_pace_find(struct ccaas_engine *engine, const char *name);

/* Enters, if no call is inside and it is time.  The next one starts at least
 * `seconds` later.  `who` is the address that identifies the call.  False:
 * `waker` is woken on news, and *due is when time alone may open the pace
 * (monotonic seconds, or INFINITY). */
bool cc_pace_enter(struct cc_pace *pace, struct ccaas_client *client,
                   const void *who, double seconds, struct ccaas_waker *waker,
                   double now, double *due);

/* The server refused the call that is inside, and wants none before `until`. */
void cc_pace_hold(struct cc_pace *pace, double until);

/* Until when the server wants no call, as far as is known; may be in the
 * past. */
double cc_pace_held(const struct cc_pace *pace);

/* The call that is inside calls this now and then, to renew the lease.
 * Returns when to call it again. */
double cc_pace_stay(struct cc_pace *pace, struct ccaas_client *client,
                    double now);

/* The call leaves, or gives up entering.  The next one starts no earlier
 * than `not_before`, nor than the minimum time allows. */
void cc_pace_leave(struct cc_pace *pace, const void *who, double not_before);

/* The waker's owner does not wait any more. */
void cc_pace_forget(struct cc_pace *list, struct ccaas_waker *waker);

/* Frees the whole list; no call may be inside or wait. */
void cc_pace_free_all(struct cc_pace *list);

#endif
