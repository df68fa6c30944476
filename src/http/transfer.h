/* One transfer, as the files of this room share it.  Only on the engine's
 * thread, but for the fields that say otherwise. */
#ifndef CC_TRANSFER_H
#define CC_TRANSFER_H

#include <curl/curl.h>
#include <stdatomic.h>

#include "buffer.h"
#include "decode.h"
#include "http.h"

#ifdef CCAAS_TINY /* small enough for every border to be met in a test */
#define CC_HTTP_PIECE 61
#define CC_HTTP_TURN 200
#else
#define CC_HTTP_PIECE (16 * 1024) /* of decoded bytes at a time */
#define CC_HTTP_TURN                                                           \
    (256 * 1024) /* of one transfer in a turn of the loop                      \
                  */
#endif

struct cc_transfer {
    atomic_int references; /* any thread */
    struct cc_http *http;
    struct cc_http_sink sink;

    /* The request: written before it is handed over, then read only. */
    char *method, *url, *ca_file, *ca_dir, *proxy, *user_agent;
    char *content;
    size_t content_length;
    struct cc_secret *bearer, *user, *password;
    struct curl_slist *headers;
    double connect_timeout, timeout, deadline;
    bool idempotent, plain;

    /* What others asked for: guarded by the engine's lock. */
    bool queued, wants_start, wants_resume, wants_cancel;
    struct cc_transfer *next_queued;

    atomic_bool over; /* the sink has heard of the end, or is about to */

    /* Under way. */
    struct cc_transfer *next, **link; /* the engine's list */
    CURL *easy;
    char trouble[CURL_ERROR_SIZE];
    struct cc_buffer answer; /* headers of the answer under way */
    int status;
    size_t head_bytes; /* of its headers, 1xx and trailers included */
    size_t waste;      /* bytes of a redirect's body */
    bool redirecting;  /* this answer is a redirect that is followed */
    bool headed;       /* its headers are complete */
    bool unproxied;    /* the proxy refused us (407) */
    bool bodied;       /* a byte of its body came */
    bool open_end;     /* its body lasts until the connection ends */
    const void *tls;   /* ... which is this one, over TLS; else NULL */
    bool tls_ended;    /* ... and the server said that it ends */
    bool no_memory;    /* for the headers, or to decode with */
    bool too_large;    /* the headers are */
    bool starved;      /* no socket could be had */
    bool paused;       /* the sink said FULL */
    bool held;         /* libcurl is to receive nothing */
    bool stopped;      /* the sink said STOP */
    bool stranger;     /* redirected to another origin: none of our headers */
    int redirects;
    double began, began_wall, heard; /* monotonic, epoch, last byte */
    int64_t received;

    /* The body's coding.  What one turn does not decode waits in `rest`. */
    enum cc_coding coding;
    struct cc_decode decode;
    struct cc_buffer rest;
    size_t taken;    /* bytes of `rest` that are decoded */
    size_t spent;    /* bytes decoded in this turn */
    bool behind;     /* there is something to decode, or may be */
    bool ended;      /* libcurl is through with it, with `result` */
    CURLcode result; /* ... which counts once all is decoded */
    char fault[96];  /* what is wrong with the body; "": nothing */
};

/* Makes a transfer of a request: NULL: memory is out. */
struct cc_transfer *cc_transfer_new(struct cc_http *http,
                                    const struct cc_http_request *request,
                                    const struct cc_http_sink *sink);

/* prepare.c: sets the easy handle up for transfer->url.  False: memory is out.
 */
bool cc_transfer_prepare(struct cc_transfer *transfer);

/* headers.c: libcurl's callback for a line of the headers. */
size_t cc_transfer_line(char *line, size_t size, size_t count, void *self);

/* headers.c: where a redirect led to; NULL: there was none. */
const char *cc_transfer_moved(const struct cc_transfer *transfer);

/* headers.c: the value of the newest answer's header of that name (in lower
 * case); NULL: there is none. */
const char *cc_transfer_header(const struct cc_transfer *transfer,
                               const char *name);

/* body.c: is what the headers say of the body's length one number, or nothing?
 * libcurl takes one of several, and of one too large nothing: a body that was
 * cut short would count as whole. */
bool cc_transfer_has_length(const struct cc_transfer *transfer);

#define CC_HTTP_BAD_LENGTH "the answer's Content-Length is not one number"

/* body.c: libcurl's callback for bytes of the body. */
size_t cc_transfer_bytes(char *bytes, size_t size, size_t count, void *self);

/* Decodes what waits, as much as a turn may.  While `behind` stays true there
 * is more. */
void cc_transfer_decode(struct cc_transfer *transfer);

/* Nothing more is given to the sink: it wants none, or the answer is of no
 * use. */
bool cc_transfer_broken(const struct cc_transfer *transfer);

/* Lets libcurl receive again, unless there is still a reason not to.  The sink
 * may be called from within. */
CURLcode cc_transfer_unhold(struct cc_transfer *transfer);

/* redirect.c: after an answer that is a redirect to be followed: makes its
 * target the transfer's URL.  NULL: prepare it again and go on; else why not.
 */
const char *cc_transfer_redirect(struct cc_transfer *transfer);

/* way.c: is that answer a proxy's, which refuses us? */
bool cc_transfer_is_unproxied(const struct cc_transfer *transfer);

/* way.c: lets a proxy that refuses a tunnel be left at once: what it says
 * beside that holds nothing up. */
void cc_transfer_watch_way(struct cc_transfer *transfer);

/* way.c: says in *end whether the way to the server is to blame. */
void cc_transfer_way(struct cc_transfer *transfer, struct cc_http_end *end);

/* way.c: did a proxy refuse the request?  Then *end says so. */
bool cc_transfer_refused(struct cc_transfer *transfer, CURLcode result,
                         struct cc_http_end *end);

/* result.c: what libcurl's result means, in *end (code, transient, message). */
void cc_transfer_judge(struct cc_transfer *transfer, CURLcode result,
                       struct cc_http_end *end);

/* tls_end.c: has the connections that this transfer makes watched; where
 * libcurl has another TLS library than OpenSSL, nothing is known of them. */
void cc_tls_end_watch(struct cc_transfer *transfer);

/* tls_end.c: the transfer's answer lasts until its connection ends: notes which
 * one. */
void cc_tls_end_expect(struct cc_transfer *transfer);

/* tls_end.c: what libcurl's result means for such an answer.  Since 8.14
 * libcurl fails where there was no close_notify, before it did not: CURLE_OK
 * for both, for the format may prove the end. */
CURLcode cc_tls_end_result(const struct cc_transfer *transfer, CURLcode result);

#endif
