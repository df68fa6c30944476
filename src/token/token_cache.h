/* The token of a set of credentials: asked for once, however many wait.
 *
 * Shared by the clients of an engine that have the same credentials; on the
 * thread that the engine belongs to.  Each call that needs the token waits with
 * a cc_grant_need, and drives the request for it.  A request that fails is
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
#ifndef CC_GRANT_H
#define CC_GRANT_H

#include "bell.h"
#include "ccaas.h"
#include "http.h"
#include "secret.h"
#include "token_life.h"

struct ccaas_client;
struct cc_grant;

/* The token for these settings: an existing one with the same credentials, or
 * a new one.  Gives a reference; NULL: memory is out. */
struct cc_grant *cc_grant_get(struct ccaas_engine *engine,
                              const struct ccaas_settings *settings);
void cc_grant_release(struct cc_grant *grant);

#define CC_GRANT_IDLE 16 /* kept by an engine without any client */

/* The next one in the engine's list, or NULL. */
const struct cc_grant *cc_grant_next(const struct cc_grant *grant);

/* Frees all of an engine's: it has no clients any more. */
void cc_grant_free_all(struct ccaas_engine *engine);

enum cc_grant_state {
    CC_GRANT_HAVE,  /* *bearer (not held for you) and *generation are set */
    CC_GRANT_WAIT,  /* somebody asks; `bell` is rung when there is news */
    CC_GRANT_ASK,   /* you are to find one: cc_grant_answer */
    CC_GRANT_FAILED /* see cc_grant_error */
};

/* One who needs the token.  Zeroed first; cc_grant_need_end is due whenever
 * it was used. */
struct cc_grant_need {
    /* Its owner's: how long it waits. */
    unsigned retries; /* attempts after the first */
    double timeout;   /* seconds without a byte from the server, in each */
    double deadline;  /* monotonic; INFINITY: none */
    double max_retry_after; /* a longer one is not waited for, in seconds */

    /* The grant's. */
    struct cc_grant_need *next, **link; /* of those waiting, or NULL */
    uint64_t granted;           /* tokens that had come when it began to wait */
    uint64_t tried;             /* the newest attempt that failed for it, ... */
    unsigned attempts;          /* ... and how many did */
    double since;               /* it waits, monotonic */
    struct cc_failure *failure; /* why there is no token for it, or NULL */
};

/* Makes progress and says where things stand.  `client` is who asks, for its
 * settings and events. */
enum cc_grant_state
cc_grant_use(struct cc_grant *grant, struct ccaas_client *client,
             struct cc_grant_need *need, struct ccaas_bell *bell, double now,
             struct cc_secret **bearer, uint64_t *generation);

/* Why a token is wanted: "start" or "refused". */
const char *cc_grant_question(const struct cc_grant *grant);

/* The token that the one with this bell was asked for; NULL: there is none. */
void cc_grant_answer(struct cc_grant *grant, struct ccaas_client *client,
                     const struct ccaas_bell *bell, const char *token);

/* The API refused the token of that generation.  True: there is hope for
 * another one; call cc_grant_use again. */
bool cc_grant_refused(struct cc_grant *grant, uint64_t generation);

/* Why there is no token, copied into *error: after CC_GRANT_FAILED, or while
 * it waits, of the last attempt.  Of the attempts those are listed that failed
 * for this one.  False: none has failed, and *error is as it was. */
bool cc_grant_error(const struct cc_grant *grant,
                    const struct cc_grant_need *need,
                    struct ccaas_error *error);

/* It waits no longer, and may be used afresh. */
void cc_grant_need_end(struct cc_grant_need *need);

/* When cc_grant_use is worth another call in any case, in monotonic
 * seconds; INFINITY: the bell tells. */
double cc_grant_due(const struct cc_grant *grant,
                    const struct cc_grant_need *need);

/* Takes all that is secret about the token out of an error. */
void cc_grant_scrub(const struct cc_grant *grant, struct ccaas_error *error);

/* The same for a text of `length` bytes, in place; returns its new length.
 * `cut`: see cc_scrub. */
size_t cc_grant_scrub_text(const struct cc_grant *grant, char *text,
                           size_t length, bool cut);

/* The bell does not ring for that one any more; if it was to find the token,
 * another one is asked. */
void cc_grant_leave(struct cc_grant *grant, struct ccaas_bell *bell);

#endif
