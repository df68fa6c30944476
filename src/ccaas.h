/* ccaas: a client for contact-center data APIs.  The C interface that the Lua
 * binding is built on.  This file has errors, engines and clients, and includes
 * the rest.
 *
 * Threads: an engine has its own threads for the network.  Everything here and
 * in the included headers is called from one thread at a time for each engine
 * (in Lua: the thread that runs its state), unless a function says otherwise.
 *
 * Ownership: ccaas_*_new gives one reference to the caller, *_free releases
 * it (NULL is fine).  A call keeps its client alive, a client its engine.
 * Strings that go in are copied; strings that come out live as long as the
 * object that they come from, unless a function says otherwise.
 */
#ifndef CCAAS_H
#define CCAAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ccaas_call.h"
#include "ccaas_store.h"
#include "ccaas_subscription.h"
#include "ccaas_wake.h"

#define CCAAS_VERSION "0.2.0"

/* -- Errors --------------------------------------------------------------- */

enum ccaas_code {
    CCAAS_OK,
    CCAAS_AUTH,          /* the credentials or the token are refused */
    CCAAS_FORBIDDEN,     /* they are good, but not for this */
    CCAAS_BAD_REQUEST,   /* the server rejected the request */
    CCAAS_NOT_FOUND,     /* it does not exist */
    CCAAS_RATE_LIMITED,  /* too fast, after all retries */
    CCAAS_EGRESS_CAPPED, /* a cap on downloaded bytes: final */
    CCAAS_SERVER,        /* the server failed, after all retries */
    CCAAS_TIMEOUT,       /* a time-out or the deadline */
    CCAAS_DNS,           /* the host name cannot be looked up */
    CCAAS_CONNECT,       /* no server listens there, or it cannot be reached */
    CCAAS_TLS,           /* no secure connection: certificate, handshake */
    CCAAS_NETWORK,       /* the connection was lost */
    CCAAS_PROTOCOL,      /* the answer is not as expected */
    CCAAS_TOO_LARGE,     /* it is larger than max_record or max_body */
    CCAAS_CANCELLED,     /* closed by its owner */
    CCAAS_IO,            /* a local file or descriptor */
    CCAAS_MEMORY         /* memory is out */
};

/* The code's name as scripts know it: "auth", "bad_request" ... */
const char *ccaas_code_name(enum ccaas_code code);

/* What the code means, in words. */
const char *ccaas_code_text(enum ccaas_code code);

/* One attempt of a request, as an error reports it. */
struct ccaas_attempt {
    double at;        /* when it began, epoch seconds */
    double seconds;   /* how long it took */
    char outcome[48]; /* "503", "timeout", ... */
};

#define CCAAS_ERROR_BODY 512

/* What went wrong, made once, where it happened.  No field ever holds a
 * secret.  Texts are shown as by cc_text_show (one line, no control
 * characters); `body` alone keeps its bytes. */
struct ccaas_error {
    enum ccaas_code code;
    bool retryable;     /* the same call may well succeed later */
    int status;         /* HTTP status; 0: none came */
    double retry_after; /* seconds that the server asked for; < 0: none */
    char message[512];
    char url[512]; /* without query */
    char method[16];
    char request_id[96];
    char body[CCAAS_ERROR_BODY + 1]; /* the answer's first bytes, scrubbed; may
                                        hold NULs */
    size_t body_length;
    struct ccaas_attempt *attempts;
    size_t attempt_count;
};

/* -- The process ----------------------------------------------------------- */

/* Can the OpenSSL that libcurl and libwebsockets find in this process be used
 * by threads, and is it one, of the major version that this was built with?
 * False: `why` (of 1,024 bytes, say) tells what was found and what to build.
 * Any thread, at any time. */
bool ccaas_openssl_check(char *why, size_t size);

/* -- Engine and client ----------------------------------------------------- */

struct ccaas_engine;
struct ccaas_client;

/* An engine: opens no socket, starts no thread (the first request does).
 * NULL: memory is out. */
struct ccaas_engine *ccaas_engine_new(void);

/* Stops the engine's threads and joins them.  Everything under way ends with
 * CCAAS_CANCELLED.  Safe to call twice. */
void ccaas_engine_stop(struct ccaas_engine *engine);
/* Its http thread is for this process alone.  Before the process forks, the
 * thread ends and what is under way is cancelled; the next request starts it
 * again. */
void ccaas_engine_stay(struct ccaas_engine *engine);
void ccaas_engine_free(struct ccaas_engine *engine);

/* How an API's errors read.  Lists end with NULL; paths are member names with
 * dots between them. */
struct ccaas_dialect {
    const char *const *messages;   /* where an error body has its message ... */
    const char *const *codes;      /* ... and its own code */
    const char *const *references; /* ... and its number for this failure */
    const char *const *throttles;  /* how codes begin that mean "too fast" */
    const char *past_end; /* the words before the number of pages, in the answer
                             to a page past the end; NULL: none */
};

/* A client's settings. */
struct ccaas_settings {
    const char *token_url; /* the token is requested here; */
    const char *key;       /* NULL: `token` is used as it is */
    const char *secret;
    const char *token;
    const char *ca_file; /* NULL: the system's */
    const char *proxy;   /* NULL: the environment's */
    const char *user_agent;
    double connect_timeout; /* seconds */
    double timeout;         /* of a subscription's token request, seconds */
    unsigned retries;       /* likewise, for each time that it is opened */
    bool ask_token; /* the caller is asked for the token: CCAAS_TAKE_ASK */
    unsigned store; /* 0: none; else which, for ccaas_client_store_request */
    bool events;    /* keep events for ccaas_client_event */
    bool fair;      /* takes return CCAAS_TAKE_PAUSE when the time slice ends */
    struct ccaas_dialect dialect;
};

/* A client; opens no socket.  The settings are copied.  NULL: memory is out. */
struct ccaas_client *ccaas_client_new(struct ccaas_engine *engine,
                                      const struct ccaas_settings *settings);
/* Closes the client's calls and subscriptions. */
void ccaas_client_close(struct ccaas_client *client);
void ccaas_client_free(struct ccaas_client *client);

/* Takes another reference; ccaas_client_free releases it. */
struct ccaas_client *ccaas_client_hold(struct ccaas_client *client);

/* A time slice: seconds, or checks of it.  (With tiny buffers, after more
 * checks than merges and watches make in a row.) */
#define CCAAS_CLIENT_TURN 0.001
#ifdef CCAAS_TINY
#define CCAAS_CLIENT_LOOKS 4u
#else
#define CCAAS_CLIENT_LOOKS UINT_MAX
#endif

/* Has the time slice of a fair client ended?  Returning true resets it. */
bool ccaas_client_due(struct ccaas_client *client);

/* The caller has just waited: the time slice begins again. */
void ccaas_client_rested(struct ccaas_client *client);

/* What happened under way: for the user's eyes, never a secret. */
struct ccaas_event {
    const char *type; /* "request", "attempt", "wait", "token", "page",
                         "socket", "warning" */
    double at;        /* epoch seconds */
    char method[16];
    char url[512];    /* without query */
    unsigned attempt; /* 0: does not apply */
    int status;       /* 0: none */
    double seconds;   /* < 0: does not apply */
    int64_t bytes;    /* < 0: does not apply */
    int64_t page;     /* < 0: does not apply */
    char code[32];    /* "": none */
    char reason[160]; /* "": none */
};

/* Takes the oldest event that was kept; false: there is none. */
bool ccaas_client_event(struct ccaas_client *client, struct ccaas_event *event);

/* Writes a server's text as it may be shown: without the client's secrets,
 * and as by cc_text_show. */
void ccaas_client_show(const struct ccaas_client *client, char *to, size_t room,
                       const char *text, size_t length);

#endif
