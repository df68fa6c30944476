/* A token, as the files of this room share it: token.c (sharing and handing
 * out), token_wait.c (the operations that wait), token_request.c (the request
 * to the server) and token_store.c (what engines share through a store).
 *
 * On the thread that the engine belongs to.  The token owns its secrets, its
 * request and its lease; waiters belong to their operations.
 */
#ifndef CC_TOKEN_OWN_H
#define CC_TOKEN_OWN_H

#include <sys/types.h>

#include "body_reader.h"
#include "lease.h"
#include "token.h"
#include "token_life.h"

#define CC_TOKEN_LEASE 5.0 /* seconds that others wait if a requester dies */

#define CC_TOKEN_FAILURE                                                       \
    2.0 /* seconds for which a failure stays in the store */

struct cc_token {
    int references;
    struct ccaas_engine *engine;
    struct cc_token *next, **link; /* the engine's list */

    char *url;  /* NULL: the token is given and never changes, ... */
    bool asked; /* ... or the caller of an operation is asked for it, ... */
    struct ccaas_waker *asking; /* ... of the operation with this waker */
    char *ca_file, *proxy;

    struct cc_token_life life;
    struct cc_lease lease;     /* of the store, if there is one */
    struct cc_secrets secrets; /* key, secret, bearer and the one before */
    bool refused, former_refused;
    struct ccaas_waker *waker; /* woken for all waiters */
    struct cc_body_reader *reader;
    struct cc_transfer *transfer;
    struct cc_block *reply; /* the body; its end has not arrived yet */
    int status;
    char *headers;
    size_t headers_length;
    unsigned attempt;    /* of this round */
    uint64_t sent;       /* attempts in all */
    double sent_timeout; /* the newest one's, */
    double heard;        /* when it was sent, or when its answer began */
    double resume_at;    /* of the next attempt, when there is no transfer */
    pid_t pid; /* the process that uses it: a forked child starts again */
    uint64_t granted; /* tokens that have come */
    uint64_t told;    /* hash of the last failure in the store; 0: none */
    struct cc_token_waiter *waiters; /* of the operations that wait */
    struct ccaas_error error; /* of the newest attempt in this round, or of the
                                 last round; CCAAS_OK: none has failed */
};

/* The waiter waits from now on (no change if it does already).  False: there
 * can be no token in time, and its `failure` says why. */
bool cc_token_join(struct cc_token *token, struct cc_token_waiter *waiter,
                   struct ccaas_waker *waker, double now);

/* The waiter stops waiting, with the token's error. */
void cc_token_refuse(struct cc_token *token, struct cc_token_waiter *waiter);

/* The same for all waiters. */
void cc_token_refuse_all(struct cc_token *token);

/* An attempt failed at `came_at` with the token's error, which is transient.
 * Waiters whose retries or time are used up stop waiting.  Returns the
 * seconds until the next attempt; < 0: no waiter is left. */
double cc_token_next_attempt(struct cc_token *token, double came_at,
                             double retry_after);

/* Waiters whose `timeout` has passed stop waiting for the request under way.
 * False: no waiter is left, and the token's error says why. */
bool cc_token_be_patient(struct cc_token *token, double now);

/* Makes the error of the newest attempt. */
void cc_token_blame(struct cc_token *token, enum ccaas_code code,
                    const char *message);

/* Sends the request, once more. */
void cc_token_send(struct cc_token *token, struct ccaas_client *client,
                   double now);

/* Takes what has arrived for the request under way. */
void cc_token_receive(struct cc_token *token, struct ccaas_client *client);

/* The request under way has taken too long for all waiters. */
void cc_token_time_out(struct cc_token *token, struct ccaas_client *client,
                       double now);

/* Lets go of the request under way. */
void cc_token_drop(struct cc_token *token);

/* The round has brought a bearer, which the token owns from now on. */
void cc_token_replace(struct cc_token *token, struct cc_secret *bearer);

/* The store has this value under the token's key.  True: it serves, as a
 * token or as the reason why there is none. */
bool cc_token_look(void *self, struct ccaas_client *client, const char *value,
                   size_t length);

/* Notes an event about the token. */
void cc_token_note(struct cc_token *token, struct ccaas_client *client,
                   const char *reason, double seconds);

/* Stores the new token, or the error of the round, if the lease is ours. */
void cc_token_share(struct cc_token *token);

/* The attempt failed, and another one follows: tells the other engines
 * through the store, if the lease is ours. */
void cc_token_tell(struct cc_token *token);

/* The round is over without a token, for all waiters. */
void cc_token_give_up(struct cc_token *token, struct ccaas_client *client);

#endif
