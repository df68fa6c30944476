/* A grant, as grant.c (who has the token) and grant_request.c (the request for
 * it) share it. */
#ifndef CCAAS_GRANT_OWN_H
#define CCAAS_GRANT_OWN_H

#include <sys/types.h>

#include "client.h"
#include "reader.h"

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
    struct ccaas_secret *bearer;
    struct ccaas_secret *former; /* the one before: a late answer may say it */
    struct ccaas_bell *bell;     /* rings for all who wait */
    struct ccaas_reader *reader;
    struct ccaas_transfer *transfer;
    struct ccaas_block *reply; /* arrived, its end not yet */
    int status;
    char *headers;
    size_t headers_length;
    unsigned attempt;
    double resume_at; /* of the next attempt, when there is no transfer */
    pid_t pid;        /* where the request under way is */
    uint64_t round;   /* of asking; its error is the last one's */
    uint64_t failed;  /* the last round that failed, */
    uint64_t granted; /* and the last one that brought a token */
    struct ccaas_error error;
};

/* Sends the request, once more. */
void ccaas_grant_send(struct ccaas_grant *grant, struct ccaas_client *client,
                      double now);

/* Takes what has come of the request under way. */
void ccaas_grant_receive(struct ccaas_grant *grant, struct ccaas_client *client,
                         double now);

/* Lets go of the request under way. */
void ccaas_grant_drop(struct ccaas_grant *grant);

/* The round is over without a token. */
void ccaas_grant_give_up(struct ccaas_grant *grant,
                         struct ccaas_client *client);

#endif
