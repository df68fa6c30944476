/* A name in a store that one of many has at a time: who asks for a token, who
 * is at the gate of a pace.
 *
 * Embedded in what it guards (a grant, a gate), on the thread that the engine
 * belongs to.  It is taken for a few seconds and held anew for as long as
 * somebody waits here, so that whoever dies with it holds others up by seconds
 * only; they look again after short, random pauses.  Work goes on without the
 * store when that fails: state ALONE.
 */
#ifndef CC_LEASE_H
#define CC_LEASE_H

#include <sys/types.h>

#include "bell.h"
#include "store_request.h"

#define CC_LEASE_PAUSE_LEAST 0.05 /* seconds between two looks ... */
#define CC_LEASE_PAUSE_MOST 0.2   /* ... at a lease that others have; */
#define CC_LEASE_PAUSE_FIRST 0.2  /* the first pause is this part of one */

enum cc_lease_state {
    CC_LEASE_NONE,
    CC_LEASE_WANTED, /* it is asked for, or will be at `at` */
    CC_LEASE_HELD,   /* ours; asked to be held anew at `at` */
    CC_LEASE_ALONE   /* the store failed */
};

/* Is the value that a store has under the key of use?  Then whoever wanted the
 * lease needs it no more. */
typedef bool (*cc_lease_look)(void *self, struct ccaas_client *client,
                              const char *value, size_t length);

struct cc_lease {
    struct ccaas_engine *engine;
    unsigned store;          /* 0: none, and it is had for nothing */
    struct ccaas_bell *bell; /* rung when there is news; its owner's */
    char *key, *name;        /* `key` NULL: it guards no value */
    cc_lease_look look;
    void *self;
    double seconds; /* that it is taken for */

    enum cc_lease_state state;
    struct cc_store_request *request; /* under way; NULL: none */
    double at;
    double until;   /* HELD: over by then */
    unsigned polls; /* how often somebody else had it, this time */
    pid_t pid;      /* who wants or has it: a forked child has not */
    char owner[33]; /* of this time */
};

/* The names are `kind` and the hash of all those parts (NULL ends them). False:
 * memory is out; cc_lease_end is due all the same. */
bool cc_lease_start(struct cc_lease *lease, struct ccaas_engine *engine,
                    struct ccaas_bell *bell, const char *kind, bool has_value,
                    const char *const *parts);
void cc_lease_end(struct cc_lease *lease);

/* Makes progress to have it, and to keep it.  `at_work`: what it is for is
 * under way, so it is not asked for again.  True: go ahead. */
bool cc_lease_ready(struct cc_lease *lease, struct ccaas_client *client,
                    double now, bool at_work);

/* The key has this value until then, if the name is still ours, which it
 * stays. */
void cc_lease_tell(struct cc_lease *lease, const char *value, double until);

/* It is not needed any more, nor wanted.  The name stays ours until `until`
 * (monotonic seconds).  `value`, if not NULL, is what the key is to have until
 * then instead; then the name goes at once. */
void cc_lease_leave(struct cc_lease *lease, const char *value, double until);

/* When cc_lease_ready is worth another call in any case. */
double cc_lease_due(const struct cc_lease *lease);

/* For store_request.c: what the store has; what came of a question that was put
 * to it at `asked_at` (it may have done so at once, and counts from then);
 * news. */
bool cc_lease_found(struct cc_lease *lease, struct ccaas_client *client,
                    const char *value, size_t length);
void cc_lease_answered(struct cc_lease *lease,
                       enum ccaas_store_request_kind kind,
                       enum ccaas_store_reply reply, double asked_at);
void cc_lease_ring(struct cc_lease *lease);

#endif
