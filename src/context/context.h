/* A client as its calls see it: settings, the token, errors and events.
 *
 * All on the thread that the client belongs to.
 */
#ifndef CC_CLIENT_H
#define CC_CLIENT_H

#include "ccaas.h"
#include "http.h"
#include "pace.h"
#include "token_cache.h"
#include "ws.h"

struct cc_store_request;

struct ccaas_engine {
    int references;
    struct cc_http *http;
    struct cc_ws *ws;             /* NULL: no websocket was wanted yet */
    struct ccaas_door *door;      /* NULL: nobody asked for it */
    unsigned cuts;                /* of the door, that were seen to */
    struct ccaas_client *clients; /* all of them */
    struct cc_token *tokens;      /* shared by clients of equal credentials */
    struct cc_pace *paces; /* paces, kept by all of its clients together */
    double turn;           /* when the present one began */
    unsigned looks;        /* since it began */
    bool turned;           /* others had, or will have, one since */
    struct cc_store_request
        *requests;  /* questions to stores, the oldest first */
    uint64_t asked; /* counts them */
};

/* The engine's http side; a new one in a forked child. */
struct cc_http *cc_engine_http(struct ccaas_engine *engine);

/* The same of its websockets' side, made when it is first needed; NULL: memory
 * is out. */
struct cc_ws *cc_engine_ws(struct ccaas_engine *engine);

/* What the error of a stream that is closed says: by whom. */
const char *cc_engine_closing(struct ccaas_bell *bell);

struct ccaas_client {
    int references;
    struct ccaas_client *next, **link; /* the engine's list */
    struct ccaas_engine *engine;
    struct cc_token *token;                   /* NULL: the client has none */
    struct ccaas_call *calls;                 /* all that are open */
    struct ccaas_subscription *subscriptions; /* the same of subscriptions */
    struct ccaas_error spare_error; /* of theirs, for want of memory */
    bool closed, fair;
    unsigned store; /* 0: none */

    char *ca_file, *proxy, *user_agent;
    double connect_timeout;
    double timeout; /* of a subscription's wait for a token, and its retries */
    unsigned retries;
    char **lists[4]; /* the dialect's, copied */
    struct ccaas_dialect dialect;

    bool events;
    struct ccaas_event *ring; /* the newest CC_CLIENT_EVENTS */
    size_t first, count;
};

#define CC_CLIENT_EVENTS 1024 /* kept until somebody takes them */

/* What a request that could not be begun says. */
#define CC_NO_ROOM                                                             \
    "no descriptor, thread or memory is left for another request: raise the "  \
    "limits (ulimit -n, -u)"

/* A blank event to be filled in, or NULL when nobody wants to know.  The
 * oldest one goes when there are too many. */
struct ccaas_event *cc_client_note(struct ccaas_client *client,
                                   const char *type, const char *method,
                                   const char *url);

/* An answer that is no 2xx, read as the client's dialect has it: fills in code,
 * message, status, request id, body, without the client's secrets.  Changes the
 * body.  Returns true when it may pass. */
bool cc_client_verdict(const struct ccaas_client *client, int status,
                       const char *headers, size_t headers_length, char *body,
                       size_t length, struct ccaas_error *error);

/* Writes what the end of a request for `url` says, and names the proxy where
 * that is to blame; `proxy` is the option. */
void cc_client_blame(const char *url, const char *proxy,
                     const struct cc_http_end *end, char *to, size_t room);

/* The number in the words of an answer to a page past the end; < 0: it is no
 * such answer. */
int64_t cc_client_past_end(const struct ccaas_dialect *dialect, int status,
                           const char *body, size_t length);

#endif
