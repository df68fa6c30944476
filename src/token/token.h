/* The token of one set of credentials: requested once, however many operations
 * wait for it.
 *
 * Shared by the clients of an engine that have the same credentials; used on
 * the thread that the engine belongs to.  Each operation that needs the token
 * waits with a cc_token_waiter, and drives the request for it by its takes.  A
 * failed request is sent again for as long as one waiter has retries and time
 * left.  A waiter whose own are used up leaves with the error of the last
 * attempt.
 *
 * With a store, engines share the token too.  A token in the store is used,
 * unless it was refused or replaced here.  Otherwise one engine takes a lease,
 * looks into the store again, sends the request, and stores the outcome: the
 * token, or that the credentials are wrong, or (for those that wait already)
 * that an attempt failed.  The other engines look again after short, random
 * pauses.  When the store fails, an event says so, and the engine goes on
 * without it.
 */
#ifndef CC_TOKEN_H
#define CC_TOKEN_H

#include "operation.h"

/* The token for these settings: an existing one with the same credentials, or
 * a new one.  Gives a reference; NULL: memory is out. */
struct cc_token *cc_token_get(struct ccaas_engine *engine,
                              const struct ccaas_settings *settings);
void cc_token_release(struct cc_token *token);

#define CC_TOKEN_IDLE 16 /* tokens that an engine keeps without a client */

/* What is secret about it; lives as long as the token. */
const struct cc_secrets *cc_token_secrets(const struct cc_token *token);

/* Frees all tokens of an engine that has no clients any more. */
void cc_token_free_all(struct ccaas_engine *engine);

enum cc_token_state {
    CC_TOKEN_HAVE,  /* *bearer (not held for you) and *generation are set */
    CC_TOKEN_WAIT,  /* under way; the operation's waker is woken on news */
    CC_TOKEN_ASK,   /* the caller of this operation must give one */
    CC_TOKEN_FAILED /* see cc_token_error */
};

/* An operation, or one page of it, that needs the token.  Zeroed first; after
 * any use cc_token_waiter_end must be called. */
struct cc_token_waiter {
    /* The owner's: how long it waits. */
    unsigned retries; /* attempts after the first */
    double timeout;   /* seconds without a byte from the server, in each */
    double deadline;  /* monotonic; INFINITY: none */
    double max_retry_after; /* seconds: a longer Retry-After ends the wait */

    /* The token's. */
    struct cc_token_waiter *next, **link; /* of those waiting, or NULL */
    uint64_t granted;           /* tokens that had come when the wait began */
    uint64_t tried;             /* the newest attempt that failed for it, ... */
    unsigned attempts;          /* ... and how many did */
    double since;               /* when the wait began, monotonic */
    struct cc_failure *failure; /* why there is no token for it, or NULL */
};

/* Makes progress with the client's token and says where things stand. */
enum cc_token_state cc_token_use(struct cc_operation *operation,
                                 struct cc_token_waiter *waiter, double now,
                                 struct cc_secret **bearer,
                                 uint64_t *generation);

/* After CC_TOKEN_ASK: why a token is needed, "start" or "refused"; NULL: it is
 * not, any more. */
const char *cc_token_reason(const struct cc_operation *operation);

/* The token that the operation's caller was asked for; NULL: there is none. */
void cc_token_give(struct cc_operation *operation, const char *text);

/* The API refused the token of that generation.  True: another one may do; call
 * cc_token_use again. */
bool cc_token_refused(struct cc_token *token, uint64_t generation);

/* Copies why there is no token into *error: after CC_TOKEN_FAILED the reason
 * for this waiter, during the wait the last attempt's.  Only attempts that
 * failed for this waiter are listed.  False: none has failed, and *error is
 * unchanged. */
bool cc_token_error(const struct cc_token *token,
                    const struct cc_token_waiter *waiter,
                    struct ccaas_error *error);

/* Ends the wait; the waiter may be used again. */
void cc_token_waiter_end(struct cc_token_waiter *waiter);

/* When cc_token_use is worth another call in any case, in monotonic seconds;
 * INFINITY: the waker tells. */
double cc_token_due(const struct cc_token *token,
                    const struct cc_token_waiter *waiter);

/* The operation's waker is not woken for the token any more.  If its caller
 * was asked for one, the next operation's caller is asked instead. */
void cc_token_leave(const struct cc_operation *operation);

#endif
