/* A grant, as token.c (the token), token_wait.c (the calls that wait for
 * it), token_request.c (the request for it) and token_store.c share it. */
#ifndef CC_TOKEN_OWN_H
#define CC_TOKEN_OWN_H

#include <sys/types.h>

#include "body_reader.h"
#include "lease.h"
#include "token.h"
#include "token_life.h"

#define CC_TOKEN_LEASE 5.0 /* seconds: who dies asking delays others so */

#define CC_TOKEN_FAILURE                                                       \
    2.0 /* seconds in which others who wait learn of a failure */

struct cc_token {
    int references;
    struct ccaas_engine *engine;
    struct cc_token *next, **link; /* the engine's list */

    char *url;  /* NULL: the token is given, and never changes, ... */
    bool asked; /* ... or the owner of a call is asked for it, ... */
    struct ccaas_waker *asking; /* ... this one's */
    char *ca_file, *proxy;

    struct cc_token_life life;
    struct cc_lease lease;     /* of the store, if there is one */
    struct cc_secrets secrets; /* key, secret, bearer and the one before */
    bool refused, former_refused;
    struct ccaas_waker *waker; /* wakes all who wait */
    struct cc_body_reader *reader;
    struct cc_transfer *transfer;
    struct cc_block *reply; /* arrived, its end not yet */
    int status;
    char *headers;
    size_t headers_length;
    unsigned attempt;    /* of this round */
    uint64_t sent;       /* attempts in all */
    double sent_timeout; /* the newest one's, */
    double heard;        /* when it was sent, or its answer began */
    double resume_at;    /* of the next attempt, when there is no transfer */
    pid_t pid;           /* where it is used: a forked child begins anew */
    uint64_t granted;    /* tokens that have come */
    uint64_t told;       /* hash of the last failure in the store; 0: none */
    struct cc_token_waiter *waiters; /* of the calls that wait */
    struct ccaas_error error; /* of the newest attempt of the round, or of the
                                 last round; CCAAS_OK: none has failed */
};

/* The call waits from now on (no change if it waits already).  False: it cannot
 * get a token in time, and its `failure` says why. */
bool cc_token_join(struct cc_token *token, struct cc_token_waiter *waiter,
                   struct ccaas_waker *waker, double now);

/* The call stops waiting, with the grant's error. */
void cc_token_refuse(struct cc_token *token, struct cc_token_waiter *waiter);

/* The same for all calls that wait. */
void cc_token_refuse_all(struct cc_token *token);

/* An attempt failed at `came_at` with the grant's error, which may pass: calls
 * whose retries or time are used up stop waiting.  Seconds until the next
 * attempt; < 0: no call waits for one. */
double cc_token_next_attempt(struct cc_token *token, double came_at,
                             double retry_after);

/* Calls whose `timeout` has passed stop waiting for the request under way.
 * False: no call waits for it any more, and the grant's error says why. */
bool cc_token_be_patient(struct cc_token *token, double now);

/* Makes the error of the newest attempt. */
void cc_token_blame(struct cc_token *token, enum ccaas_code code,
                    const char *message);

/* Sends the request, once more. */
void cc_token_send(struct cc_token *token, struct ccaas_client *client,
                   double now);

/* Takes what has come of the request under way. */
void cc_token_receive(struct cc_token *token, struct ccaas_client *client);

/* The request under way has taken too long for all calls that wait. */
void cc_token_time_out(struct cc_token *token, struct ccaas_client *client,
                       double now);

/* Lets go of the request under way. */
void cc_token_drop(struct cc_token *token);

/* The round has brought a token; it belongs to the grant from now on. */
void cc_token_replace(struct cc_token *token, struct cc_secret *bearer);

/* The store has this value under the token's key.  True: it serves, as a token
 * or as the reason why there is none. */
bool cc_token_look(void *self, struct ccaas_client *client, const char *value,
                   size_t length);

/* What happened to the token, as an event. */
void cc_token_note(struct cc_token *token, struct ccaas_client *client,
                   const char *reason, double seconds);

/* Puts the new token, or the error of the round, into the store, if the lease
 * is ours. */
void cc_token_share(struct cc_token *token);

/* The attempt failed, and another one follows: tells other engines by the
 * store, if the lease is ours. */
void cc_token_tell(struct cc_token *token);

/* The round is over without a token, for all calls that wait. */
void cc_token_give_up(struct cc_token *token, struct ccaas_client *client);

#endif
