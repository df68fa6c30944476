/* HTTP transfers on a thread of their own (libcurl's multi interface).
 *
 * Requests go in from any thread; what comes back goes to the request's sink,
 * whose functions are called on the engine's thread.  The thread starts with
 * the first request, sleeps while there is nothing to do, and is joined by
 * cc_http_stop.
 */
#ifndef CC_HTTP_H
#define CC_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ccaas.h"
#include "secret.h"

#define CC_HTTP_REDIRECTS 5          /* followed for a GET, at most */
#define CC_HTTP_WASTE (64 * 1024)    /* of a redirect's body is passed over */
#define CC_HTTP_HEADERS (256 * 1024) /* bytes of one answer's headers */

struct cc_http;     /* an engine */
struct cc_transfer; /* a request under way, counted references */

/* Certificates that are trusted: a file of them, a folder of them (by OpenSSL's
 * names), or both.  All NULL: libcurl's default. */
struct cc_http_trust {
    const char *file, *dir;
};

/* Any thread: what libcurl trusts by default, where it is files (static
 * strings). */
struct cc_http_trust cc_http_trust(void);

/* What to send.  Everything is copied (secrets are held). */
struct cc_http_request {
    const char *method;
    const char *url;
    const char *const *headers;        /* "Name: value", ends with NULL */
    struct cc_secret *bearer;          /* sent as Authorization; NULL: none */
    struct cc_secret *user, *password; /* HTTP Basic; NULL: none */
    const void *content;
    size_t content_length;
    struct cc_http_trust trust;
    const char *proxy, *user_agent; /* NULL: default */
    double connect_timeout;         /* seconds */
    double timeout;                 /* seconds without a byte from the server */
    double deadline;                /* monotonic seconds; INFINITY: none */
    bool plain;                     /* the body is not to be compressed */
    bool idempotent; /* may be sent anew on a connection that died */
};

/* The answer's head; valid during the call. */
struct cc_http_head {
    int status;
    const char *headers; /* name NUL value NUL ...; names in lower case */
    size_t length;
    const char *moved; /* where a redirect led to; NULL: there was none */
    bool open_end;     /* the body lasts until the connection ends */
};

/* How the transfer ended. */
struct cc_http_end {
    enum ccaas_code code; /* CCAAS_OK: the body is whole by its framing */
    bool transient;       /* another attempt may do better */
    bool sent;            /* some byte of the request went out */
    bool before;          /* it failed before it was connected to the server, so
                             that a proxy may be to blame where there is one */
    int refusal;          /* HTTP status by which a proxy refused it; 0: none */
    bool in_body;         /* the head came whole: what failed is the body */
    bool unproven; /* OK, but the body lasted until the connection did, and that
                      ended without TLS's word for it: it may have been cut */
    const char *moved;  /* as in the head; valid during the call */
    double at, seconds; /* began (epoch), took */
    int64_t bytes;      /* of the body, as they came over the wire */
    char message[256];
};

enum cc_http_answer {
    CC_HTTP_MORE, /* go on */
    CC_HTTP_FULL, /* go on after cc_http_resume; a little more may come */
    CC_HTTP_STOP  /* no more is wanted: end with CCAAS_OK */
};

/* Called on the engine's thread: `head` at most once (redirects are not seen),
 * then `bytes`, then `end` exactly once, as the last of all calls. */
struct cc_http_sink {
    void *self;
    void (*head)(void *self, const struct cc_http_head *head);
    enum cc_http_answer (*bytes)(void *self, const char *bytes, size_t length);
    void (*end)(void *self, const struct cc_http_end *end);
    /* Asked now and then: is anybody there whom it is for?  If not, it ends
     * with CCAAS_CANCELLED.  NULL: always. */
    bool (*wanted)(void *self);
};

/* An engine without a thread; NULL: memory is out. */
struct cc_http *cc_http_new(void);

/* Ends all transfers with CCAAS_CANCELLED, stops and joins the thread; safe to
 * call twice, not from a sink. */
void cc_http_stop(struct cc_http *http);
void cc_http_free(struct cc_http *http); /* stops first */

/* True in a process that was forked from the one that the engine works in: its
 * thread is not here. */
bool cc_http_forked(const struct cc_http *http);

/* The engine's thread is to poll `fd`, too, and to call `attend` when it is
 * readable; until it is stopped.  False: no thread can be had. */
bool cc_http_attend(struct cc_http *http, int fd, void (*attend)(void *self),
                    void *self);

/* Before this process forks the thread ends, all connections are closed and
 * what is under way is cancelled, so that a child has nothing of it; the next
 * request starts it anew. */
void cc_http_stay(struct cc_http *http);

/* Starts a request.  NULL: memory is out, no thread can be had, or the engine
 * was stopped; then the sink is never called. */
struct cc_transfer *cc_http_send(struct cc_http *http,
                                 const struct cc_http_request *request,
                                 const struct cc_http_sink *sink);

/* Any thread: ends it with CCAAS_CANCELLED, soon; no matter if it has ended. */
void cc_http_cancel(struct cc_transfer *transfer);

/* Any thread: go on after FULL. */
void cc_http_resume(struct cc_transfer *transfer);

/* Lets go of the reference that cc_http_send gave. */
void cc_http_release(struct cc_transfer *transfer);

#endif
