/* The token of a set of credentials: asked for once, however many wait.
 *
 * Shared by the clients of an engine that have the same credentials; on the
 * thread that the engine belongs to.  Each call that needs the token waits with
 * a cc_token_waiter, and drives the request for it.  A request that fails is
 * sent again for as long as one of them has retries and time left; each of them
 * leaves, with the error of the last attempt, when its own are used up.
 *
 * With a store, engines share it too.  A token that is in the store is taken,
 * unless it is one that was refused or given up here.  Else one of all takes a
 * lease, looks again, asks the server, and puts into the store what came of it:
 * the token, or that the credentials are wrong, or (for those who wait already)
 * that an attempt failed.  Who waits looks again in short, random pauses.
 * A store that fails is told as an event, and is done without.
 */
#ifndef CC_TOKEN_CACHE_H
#define CC_TOKEN_CACHE_H

#include "bell.h"
#include "ccaas.h"
#include "http.h"
#include "secret.h"
#include "token_life.h"

struct ccaas_client;
struct cc_token;

/* The token for these settings: an existing one with the same credentials, or
 * a new one.  Gives a reference; NULL: memory is out. */
struct cc_token *cc_token_get(struct ccaas_engine *engine,
                              const struct ccaas_settings *settings);
void cc_token_release(struct cc_token *token);

#define CC_TOKEN_IDLE 16 /* kept by an engine without any client */

/* The next one in the engine's list, or NULL. */
const struct cc_token *cc_token_next(const struct cc_token *token);

/* Frees all of an engine's: it has no clients any more. */
void cc_token_free_all(struct ccaas_engine *engine);

enum cc_token_state {
    CC_TOKEN_HAVE,  /* *bearer (not held for you) and *generation are set */
    CC_TOKEN_WAIT,  /* somebody asks; `bell` is rung when there is news */
    CC_TOKEN_ASK,   /* you are to find one: cc_token_give */
    CC_TOKEN_FAILED /* see cc_token_error */
};

/* One who needs the token.  Zeroed first; cc_token_waiter_end is due whenever
 * it was used. */
struct cc_token_waiter {
    /* Its owner's: how long it waits. */
    unsigned retries; /* attempts after the first */
    double timeout;   /* seconds without a byte from the server, in each */
    double deadline;  /* monotonic; INFINITY: none */
    double max_retry_after; /* a longer one is not waited for, in seconds */

    /* The grant's. */
    struct cc_token_waiter *next, **link; /* of those waiting, or NULL */
    uint64_t granted;           /* tokens that had come when it began to wait */
    uint64_t tried;             /* the newest attempt that failed for it, ... */
    unsigned attempts;          /* ... and how many did */
    double since;               /* it waits, monotonic */
    struct cc_failure *failure; /* why there is no token for it, or NULL */
};

/* Makes progress and says where things stand.  `client` is who asks, for its
 * settings and events. */
enum cc_token_state
cc_token_use(struct cc_token *token, struct ccaas_client *client,
             struct cc_token_waiter *waiter, struct ccaas_bell *bell,
             double now, struct cc_secret **bearer, uint64_t *generation);

/* Why a token is wanted: "start" or "refused". */
const char *cc_token_reason(const struct cc_token *token);

/* The token that the one with this bell was asked for; NULL: there is none. */
void cc_token_give(struct cc_token *token, struct ccaas_client *client,
                   const struct ccaas_bell *bell, const char *text);

/* The API refused the token of that generation.  True: there is hope for
 * another one; call cc_token_use again. */
bool cc_token_refused(struct cc_token *token, uint64_t generation);

/* Why there is no token, copied into *error: after CC_TOKEN_FAILED, or while
 * it waits, of the last attempt.  Of the attempts those are listed that failed
 * for this one.  False: none has failed, and *error is as it was. */
bool cc_token_error(const struct cc_token *token,
                    const struct cc_token_waiter *waiter,
                    struct ccaas_error *error);

/* It waits no longer, and may be used afresh. */
void cc_token_waiter_end(struct cc_token_waiter *waiter);

/* When cc_token_use is worth another call in any case, in monotonic
 * seconds; INFINITY: the bell tells. */
double cc_token_due(const struct cc_token *token,
                    const struct cc_token_waiter *waiter);

/* Takes all that is secret about the token out of an error. */
void cc_token_scrub(const struct cc_token *token, struct ccaas_error *error);

/* The same for a text of `length` bytes, in place; returns its new length.
 * `cut`: see cc_scrub. */
size_t cc_token_scrub_text(const struct cc_token *token, char *text,
                           size_t length, bool cut);

/* The bell does not ring for that one any more; if it was to find the token,
 * another one is asked. */
void cc_token_leave(struct cc_token *token, struct ccaas_bell *bell);

#endif
