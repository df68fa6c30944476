/* Requests to stores, from when a lease (lease.h) makes one until it is
 * answered.
 *
 * C never calls a store: a store is the user's, and its functions may yield.
 * The next operation that waits on a client with that store gets the request
 * instead (CCAAS_TAKE_ASK), and its caller answers it.  If that caller is gone
 * before the answer, the next one gets the request.  If it takes longer than
 * CC_STORE_REQUEST_PATIENCE, things go on as though the store had failed.
 *
 * A list of the engine's, on the thread that the engine belongs to.  A forked
 * child does not answer its parent's requests.
 */
#ifndef CC_STORE_REQUEST_H
#define CC_STORE_REQUEST_H

#include "context.h"

#define CC_STORE_REQUEST_PATIENCE 5.0 /* seconds a store may take to answer */

/* What the maker of a request is told, with `self` of cc_store_request_new. */
struct cc_store_request_maker {
    /* The store has this value.  True: it serves, and the request is over. */
    bool (*found)(void *self, struct ccaas_client *client, const char *value,
                  size_t length);
    /* The outcome of a request that was handed out at `asked_at`: what is
     * added or set counts from then. */
    void (*answered)(void *self, enum ccaas_store_request_kind kind,
                     enum ccaas_store_reply reply, double asked_at);
    /* The request waits for another caller. */
    void (*waits)(void *self);
};

/* Makes a request (copied; its id is given here) to that store.  `until`: when
 * what KEEP, TELL and LEAVE set is over, in monotonic seconds.  `maker` is told
 * the answer; NULL: it does not matter.  NULL: memory is out. */
struct cc_store_request *
cc_store_request_new(struct ccaas_engine *engine, unsigned store,
                     const struct ccaas_store_request *what, double until,
                     const struct cc_store_request_maker *maker, void *self);

/* Its maker does not wait for the answer any more.  A lease that the answer may
 * yet bring is given back. */
void cc_store_request_forget(struct ccaas_engine *engine,
                             struct cc_store_request *request);

/* When the store has had time enough, in monotonic seconds; INFINITY: the
 * request was not handed out yet. */
double cc_store_request_due(const struct cc_store_request *request);

/* Is there a request that this client's caller may get? */
bool cc_store_request_pending(const struct ccaas_client *client);

/* Notes an event: the store failed, for that reason. */
void cc_store_request_failed(struct ccaas_client *client,
                             const struct cc_store_request *request,
                             const char *reason);

/* Frees all of an engine's; no lease may wait for any of them. */
void cc_store_request_free_all(struct ccaas_engine *engine);

#endif
