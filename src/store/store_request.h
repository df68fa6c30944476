/* Questions to stores, from the moment that a lease (lease.h) has one until
 * somebody has answered it.
 *
 * C never calls a store: a store is the user's, and its functions may yield.
 * Whoever waits next for anything of a client with that store is given the
 * question instead (CCAAS_TAKE_ASK), and answers it.  When he is gone before
 * that, the next one is asked; when he takes longer than
 * CC_STORE_REQUEST_PATIENCE, things go on as though the store had failed.
 *
 * A list of the engine's, on the thread that the engine belongs to.  A forked
 * child does not answer its parent's questions.
 */
#ifndef CC_STORE_REQUEST_H
#define CC_STORE_REQUEST_H

#include "context.h"

#define CC_STORE_REQUEST_PATIENCE 5.0 /* seconds a store may take to answer */

struct cc_store_request;
struct cc_lease;

/* Puts a question (copied; its id is given here) to that store.  `until`: when
 * what KEEP, TELL and LEAVE set is over, in monotonic seconds.  `lease` is told
 * the answer; NULL: nobody is.  NULL: memory is out. */
struct cc_store_request *
cc_store_request_new(struct ccaas_engine *engine, unsigned store,
                     const struct ccaas_store_request *what, double until,
                     struct cc_lease *lease);

/* Nobody waits for the answer any more.  What the one who is at it may yet get
 * is given back. */
void cc_store_request_forget(struct ccaas_engine *engine,
                             struct cc_store_request *request);

/* When the one who was asked has had time enough, in monotonic seconds;
 * INFINITY: nobody was asked yet. */
double cc_store_request_due(const struct cc_store_request *request);

/* Is there a question that this client may be given? */
bool cc_store_request_pending(const struct ccaas_client *client);

/* An event: the store failed. */
void cc_store_request_failed(struct ccaas_client *client,
                             const struct cc_store_request *request,
                             const char *reason);

/* Frees all of an engine's; no lease may wait for any of them. */
void cc_store_request_free_all(struct ccaas_engine *engine);

#endif
