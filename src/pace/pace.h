/* A pace that many calls keep together: one at a time, and so many seconds
 * between two starts.
 *
 * One for each name (a tenant, say) of an engine; on the thread that the engine
 * belongs to.
 *
 * With a store, engines keep it together: whoever has come in here takes a
 * lease of that name as well, holds it while inside, and leaves it to run out
 * when the next one may start.  Who dies inside holds others up for
 * CC_PACE_LEASE s; who neither reads nor waits for so long may find another
 * one inside, but no two start within the time between two starts.
 */
#ifndef CC_PACE_H
#define CC_PACE_H

#include <stdbool.h>

#include "waker.h"

#define CC_PACE_LEASE 10.0 /* seconds, or the pace if that is more */
#define CC_PACE_PATIENCE                                                       \
    60.0 /* seconds that one who does not wait himself keeps others back */

struct ccaas_client;
struct ccaas_engine;
struct cc_pace;

/* The engine's gate of that name, made when it is new; NULL: memory is out. */
struct cc_pace *cc_pace_find(struct ccaas_engine *engine, const char *name);

/* Goes in, when nobody is inside and it is time; nobody starts within `seconds`
 * after it.  `who` is the one who goes in, told from others by its address.
 * Otherwise `waker` is woken when there is news, and *due is when time alone
 * may open it (monotonic seconds, or INFINITY). */
bool cc_pace_enter(struct cc_pace *pace, struct ccaas_client *client,
                   const void *who, double seconds, struct ccaas_waker *waker,
                   double now, double *due);

/* The server refused a call that is inside, and wants none before `until`. */
void cc_pace_hold(struct cc_pace *pace, double until);

/* Until when the server wants no call, as far as is known; it may be past. */
double cc_pace_held(const struct cc_pace *pace);

/* For who is inside, now and then: keeps it so.  Gives when to call again. */
double cc_pace_stay(struct cc_pace *pace, struct ccaas_client *client,
                    double now);

/* Who went in, or was about to, has come out.  Nobody goes in before
 * `not_before`, if that is later than the pace has it anyway. */
void cc_pace_leave(struct cc_pace *pace, const void *who, double not_before);

/* That one waits no more. */
void cc_pace_forget(struct cc_pace *list, struct ccaas_waker *waker);

/* Frees the whole list; nobody may be inside or wait. */
void cc_pace_free_all(struct cc_pace *list);

#endif
