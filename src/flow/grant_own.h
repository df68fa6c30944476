/* A grant, as grant.c (who has the token) and grant_request.c (the request for
 * it) share it. */
#ifndef CCAAS_GRANT_OWN_H
#define CCAAS_GRANT_OWN_H

#include <sys/types.h>

#include "client.h"
#include "lease.h"
#include "reader.h"

#define CCAAS_GRANT_LEASE 5.0 /* seconds: who dies asking delays others so */

#define CCAAS_GRANT_FAILURE                                                    \
    2.0 /* seconds in which others who wait learn of a failure */

struct ccaas_grant {
    int references;
    struct ccaas_engine *engine;
    struct ccaas_grant *next, **link; /* the engine's list */

    char *url;  /* NULL: the token is given, and never changes, ... */
    bool asked; /* ... or the owner of a flow is asked for it, ... */
    struct ccaas_bell *asking; /* ... this one's */
    struct ccaas_secret *key, *secret;
    char *ca_file, *proxy;
    double timeout;
    unsigned retries;

    struct ccaas_auth auth;
    struct ccaas_lease lease; /* of the store, if there is one */
    struct ccaas_secret *bearer;
    struct ccaas_secret *former; /* the one before: a late answer may say it */
    bool refused, former_refused;
    struct ccaas_bell *bell; /* rings for all who wait */
    struct ccaas_reader *reader;
    struct ccaas_transfer *transfer;
    struct ccaas_block *reply; /* arrived, its end not yet */
    int status;
    char *headers;
    size_t headers_length;
    unsigned attempt;
    double resume_at; /* of the next attempt, when there is no transfer */
    pid_t pid;        /* where the request under way, or who is asked, is */
    uint64_t round;   /* of asking; its error is the last one's */
    uint64_t failed;  /* the last round that failed, */
    uint64_t granted; /* and the last one that brought a token */
    struct ccaas_error error;
};

/* Sends the request, once more. */
void ccaas_grant_send(struct ccaas_grant *grant, struct ccaas_client *client,
                      double now);

/* Takes what has come of the request under way. */
void ccaas_grant_receive(struct ccaas_grant *grant,
                         struct ccaas_client *client);

/* Lets go of the request under way. */
void ccaas_grant_drop(struct ccaas_grant *grant);

/* The round has brought a token; it belongs to the grant from now on. */
void ccaas_grant_replace(struct ccaas_grant *grant,
                         struct ccaas_secret *bearer);

/* The store has this value under the token's key.  True: it serves, as a token
 * or as the reason why there is none. */
bool ccaas_grant_look(void *self, struct ccaas_client *client,
                      const char *value, size_t length);

/* What happened to the token, as an event. */
void ccaas_grant_note(struct ccaas_grant *grant, struct ccaas_client *client,
                      const char *reason, double seconds);

/* Puts the new token, or the error of the round, into the store, if the lease
 * is ours. */
void ccaas_grant_share(struct ccaas_grant *grant);

/* The round is over without a token. */
void ccaas_grant_give_up(struct ccaas_grant *grant,
                         struct ccaas_client *client);

#endif
