/* One transfer, as the files of this room share it.  Only on the engine's
 * thread, but for the fields that say otherwise. */
#ifndef CCAAS_TRANSFER_H
#define CCAAS_TRANSFER_H

#include <curl/curl.h>
#include <stdatomic.h>

#include "buffer.h"
#include "http.h"

struct ccaas_transfer {
    atomic_int references; /* any thread */
    struct ccaas_http *http;
    struct ccaas_http_sink sink;

    /* The request: written before it is handed over, then read only. */
    char *method, *url, *ca_file, *ca_dir, *proxy, *user_agent;
    char *content;
    size_t content_length;
    struct ccaas_secret *bearer, *user, *password;
    struct curl_slist *headers;
    double connect_timeout, timeout, deadline;
    bool idempotent, plain;

    /* What others asked for: guarded by the engine's lock. */
    bool queued, wants_start, wants_resume, wants_cancel;
    struct ccaas_transfer *next_queued;

    atomic_bool over; /* the sink has heard of the end, or is about to */

    /* Under way. */
    struct ccaas_transfer *next, **link; /* the engine's list */
    CURL *easy;
    char trouble[CURL_ERROR_SIZE];
    struct ccaas_buffer answer; /* headers of the answer under way */
    int status;
    size_t waste;     /* bytes of a redirect's body */
    bool redirecting; /* this answer is a redirect that is followed */
    bool headed;      /* its headers are complete */
    bool no_memory;   /* for the headers */
    bool too_large;   /* the headers are */
    bool paused;      /* the sink said FULL */
    bool stopped;     /* the sink said STOP */
    bool stranger;    /* redirected to another origin: none of our headers */
    int redirects;
    double began, began_wall, heard; /* monotonic, epoch, last byte */
    int64_t received;
};

/* Makes a transfer of a request: NULL: memory is out. */
struct ccaas_transfer *
ccaas_transfer_new(struct ccaas_http *http,
                   const struct ccaas_http_request *request,
                   const struct ccaas_http_sink *sink);

/* Sets the easy handle up for transfer->url.  False: memory is out. */
bool ccaas_transfer_prepare(struct ccaas_transfer *transfer);

/* The value of the newest answer's header of that name (in lower case); NULL:
 * there is none. */
const char *ccaas_transfer_header(const struct ccaas_transfer *transfer,
                                  const char *name);

/* redirect.c: after an answer that is a redirect to be followed: makes its
 * target the transfer's URL.  NULL: prepare it again and go on; else why not.
 */
const char *ccaas_transfer_redirect(struct ccaas_transfer *transfer);

/* What libcurl's result means, in *end (code, transient, message). */
void ccaas_transfer_judge(struct ccaas_transfer *transfer, CURLcode result,
                          struct ccaas_http_end *end);

#endif
