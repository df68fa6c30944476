/* A distributed lock with expiry (a lease): which engine requests a token,
 * which engine's call is inside a pace.
 *
 * Embedded in what it guards, on the thread that the engine belongs to.  It is
 * taken for a few seconds and renewed for as long as an operation waits here.
 * If its holder dies, the others continue after those seconds; they look again
 * after short, random pauses.  If the store fails, the work goes on without it:
 * state ALONE.
 */
#ifndef CC_LEASE_H
#define CC_LEASE_H

#include <sys/types.h>

#include "store_request.h"
#include "waker.h"

#define CC_LEASE_PAUSE_LEAST 0.05 /* seconds between two looks ... */
#define CC_LEASE_PAUSE_MOST 0.2   /* ... at a lease that another engine has */
#define CC_LEASE_PAUSE_FIRST 0.2  /* the first pause is this part of one */

enum cc_lease_state {
    CC_LEASE_NONE,
    CC_LEASE_WANTED, /* requested, or to be requested at `at` */
    CC_LEASE_HELD,   /* ours; to be renewed at `at` */
    CC_LEASE_ALONE   /* the store failed */
};

/* Does the value that the store has under the key serve?  Then the lease is
 * not needed any more. */
typedef bool (*cc_lease_look)(void *self, struct ccaas_client *client,
                              const char *value, size_t length);

struct cc_lease {
    struct ccaas_engine *engine;
    unsigned store;            /* 0: none, and it is always granted */
    struct ccaas_waker *waker; /* the owner's; woken on news */
    char *key, *name;          /* `key` NULL: it guards no value */
    cc_lease_look look;
    void *self;
    double seconds; /* that it is taken for */

    enum cc_lease_state state;
    struct cc_store_request *request; /* under way; NULL: none */
    double at;
    double until;   /* HELD: it expires then */
    unsigned polls; /* how often another engine had it, this time */
    pid_t pid;      /* the process that wants or has it, and no fork of it */
    char owner[33]; /* our value under its name, this time */
};

/* The names are `kind` and the hash of all those parts (NULL ends them). False:
 * memory is out; cc_lease_end must be called all the same. */
bool cc_lease_start(struct cc_lease *lease, struct ccaas_engine *engine,
                    struct ccaas_waker *waker, const char *kind, bool has_value,
                    const char *const *parts);
void cc_lease_end(struct cc_lease *lease);

/* Makes progress to have it, and to keep it.  `at_work`: the guarded work is
 * under way, so the lease is not taken again.  True: go ahead. */
bool cc_lease_ready(struct cc_lease *lease, struct ccaas_client *client,
                    double now, bool at_work);

/* Sets the key to this value until then, if the lease is still ours.  It stays
 * ours. */
void cc_lease_tell(struct cc_lease *lease, const char *value, double until);

/* The lease is neither needed nor wanted any more.  It stays taken until
 * `until` (monotonic seconds).  A `value` that is not NULL is stored under the
 * key until then, and the lease is released at once. */
void cc_lease_leave(struct cc_lease *lease, const char *value, double until);

/* When cc_lease_ready is worth another call in any case. */
double cc_lease_due(const struct cc_lease *lease);

#endif
