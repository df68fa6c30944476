/* What the rooms above share of an engine and of a client.
 *
 * An engine owns the network threads and whatever its clients share: tokens,
 * paces, requests to stores.  The lists hang here as pointers to types that
 * only their own rooms know.  The client room makes and frees both.
 *
 * All on the thread that the engine belongs to.
 */
#ifndef CC_CONTEXT_H
#define CC_CONTEXT_H

#include "ccaas.h"
#include "http.h"
#include "secrets.h"
#include "ws.h"

struct cc_operation;
struct cc_pace;
struct cc_store_request;
struct cc_token;

/* Frees what the rooms above keep here.  Set by the client room, so that the
 * last call or subscription can free its client without seeing those rooms. */
struct cc_context_ends {
    void (*client)(struct ccaas_client *client);
    void (*engine)(struct ccaas_engine *engine);
};

struct ccaas_engine {
    int references;
    const struct cc_context_ends *ends;
    struct cc_http *http;
    struct cc_ws *ws; /* NULL: no websocket was needed yet */
    struct ccaas_nginx_socket *nginx_socket; /* NULL: not opened yet */
    unsigned cancels;             /* of its connections, that were handled */
    struct ccaas_client *clients; /* all of them */
    struct cc_token *tokens;      /* shared by clients of equal credentials */
    struct cc_secrets *secrets;   /* of all tokens */
    struct cc_pace *paces;        /* shared by all clients */
    struct cc_store_request *requests; /* to stores, the oldest first */
    uint64_t asked;                    /* number of the newest request */
    double turn;                       /* when the time slice began */
    unsigned looks;                    /* since it began */
    bool turned; /* others had a turn since, or are about to have one */
};

#define CC_CLIENT_EVENTS 1024 /* kept until they are taken */

struct ccaas_client {
    int references;
    struct ccaas_client *next, **link; /* the engine's list */
    struct ccaas_engine *engine;
    struct cc_token *token;           /* NULL: the client has none */
    const struct cc_secrets *secrets; /* the token's; NULL: none */
    struct cc_operation *operations;  /* the open calls and subscriptions */
    struct ccaas_error spare_error;   /* of subscriptions, when memory is out */
    bool closed, fair;
    unsigned store; /* 0: none */

    char *ca_file, *proxy, *user_agent;
    double connect_timeout;
    double timeout;   /* of a subscription's token request */
    unsigned retries; /* likewise */
    char **lists[4];  /* the dialect's, copied */
    struct ccaas_dialect dialect;

    bool events;
    struct ccaas_event *ring; /* the newest CC_CLIENT_EVENTS */
    size_t first, count;
};

/* The engine's HTTP side; a new one in a forked child. */
struct cc_http *cc_engine_http(struct ccaas_engine *engine);

/* The engine's websocket side, made when it is first needed, and anew in a
 * forked child.  NULL: memory is out. */
struct cc_ws *cc_engine_ws(struct ccaas_engine *engine);

/* The message of a request that could not be started. */
#define CC_NO_ROOM                                                             \
    "no descriptor, thread or memory is left for another request: raise the "  \
    "limits (ulimit -n, -u)"

/* Completes an error of a request: method and url, and no secret in it. */
void cc_client_sign(const struct ccaas_client *client,
                    struct ccaas_error *error, const char *method,
                    const char *url);

/* A blank event for the caller to fill in; NULL when the client keeps none.
 * The oldest one is dropped when there are too many. */
struct ccaas_event *cc_client_note(struct ccaas_client *client,
                                   const char *type, const char *method,
                                   const char *url);

#endif
