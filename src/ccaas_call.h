/* A call: from its first request to its last record.
 *
 * All on the thread of its engine.
 */
#ifndef CCAAS_CALL_H
#define CCAAS_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ccaas_client;
struct ccaas_error;
struct ccaas_waker;

struct ccaas_call;

enum ccaas_body {
    CCAAS_BODY_WHOLE,        /* the body's bytes are the one record */
    CCAAS_BODY_JSON,         /* one JSON value is the one record */
    CCAAS_BODY_ARRAY,        /* a JSON array of records */
    CCAAS_BODY_ARRAY_OR_KEY, /* the same, or such an array below `key` */
    CCAAS_BODY_ARRAY_OR_ONE, /* the same as ARRAY, or one object */
    CCAAS_BODY_CHUNKS        /* the body's bytes as they come, in pieces */
};

/* The format of a body in pieces, which is checked or proves the body's end. */
enum ccaas_format {
    CCAAS_FORMAT_ANY,
    CCAAS_FORMAT_JSON, /* checked strictly: malformed bytes are not handed out
                        */
    CCAAS_FORMAT_OGG   /* checked by the caller */
};

/* What a call does. */
struct ccaas_call_plan {
    const char *method;
    const char *const *urls; /* one walk each, merged in this order */
    size_t url_count;
    const char *const *headers; /* "Name: value", ends with NULL */
    const void *content;        /* the request's body; NULL: none */
    size_t content_length;
    bool idempotent;
    bool anonymous; /* it is sent without a token */
    enum ccaas_body body;
    enum ccaas_format format; /* of CHUNKS */
    const char *key;
    bool unique;  /* a record that was handed out before is dropped; implied by
                     `paged` */
    bool counted; /* requested again, as many records are skipped as were handed
                     out; the last one of them must be the same */
    bool resume; /* CHUNKS: requested again, only the missing part is requested,
                    if the server can do that */
    bool patient;        /* 202 means: not ready, request it again */
    const char *pace;    /* calls of this pace go one at a time, ... */
    double pace_seconds; /* ... with at least these seconds between two starts;
                            NULL: without a pace */
    bool paged;          /* `page_name` and `size_name` go into the query */
    const char *page_name;
    const char *size_name;
    const char *const *page_headers; /* four names in lower case: the page, its
                                        size, total pages, total rows */
    int64_t first_page;
    int64_t page_size;
    bool verify;   /* a list is walked until two passes in a row are clean */
    int64_t limit; /* rows; < 0: none */
    unsigned concurrency;
    unsigned retries;
    double timeout;         /* seconds without a byte from the server */
    double deadline;        /* seconds from the first take; INFINITY: none */
    double max_retry_after; /* seconds: a longer Retry-After ends the call at
                               once; INFINITY: only the deadline does */
    uint64_t max_record;
    uint64_t max_body;
};

/* A call; nothing is sent before the first ccaas_call_take.  NULL: memory is
 * out. */
struct ccaas_call *ccaas_call_new(struct ccaas_client *client,
                                  const struct ccaas_call_plan *plan);

enum ccaas_take {
    CCAAS_TAKE_RECORD, /* *record is the next one */
    CCAAS_TAKE_PAGE,   /* a page was read to its end */
    CCAAS_TAKE_WAIT,   /* nothing yet: wait for ccaas_call_fd */
    CCAAS_TAKE_PAUSE,  /* the time slice of a fair client has ended */
    CCAAS_TAKE_ASK, /* see ccaas_client_store_request; if that has none, a token
                       is needed: call ccaas_call_give_token */
    CCAAS_TAKE_AFRESH, /* CHUNKS: the body begins again; discard what was handed
                          out */
    CCAAS_TAKE_END,    /* there is no more */
    CCAAS_TAKE_ERROR   /* see ccaas_call_error; it stays so */
};

struct ccaas_record {
    const char *bytes; /* valid until the next take, or the call's close */
    size_t length;
    uint64_t offset; /* of its first byte, in the answer's body */
};

/* The next result.  Never blocks, never calls back. */
enum ccaas_take ccaas_call_take(struct ccaas_call *call,
                                struct ccaas_record *record);

enum ccaas_admit {
    CCAAS_ADMIT_NEW,   /* hand it out */
    CCAAS_ADMIT_AGAIN, /* seen before: drop it */
    CCAAS_ADMIT_MEMORY
};

/* Is the record taken last to be handed out?  `identity` distinguishes it
 * from others (NULL: it has none). */
enum ccaas_admit ccaas_call_admit(struct ccaas_call *call, const char *identity,
                                  size_t length);

/* The record taken last is a totals row: it does not count as a record.
 * False: it was handed out before (the page was requested again). */
bool ccaas_call_totals(struct ccaas_call *call);

/* The record taken last is malformed at `offset` within it: the call ends with
 * CCAAS_PROTOCOL, which the next take reports. */
void ccaas_call_malformed(struct ccaas_call *call, size_t offset,
                          const char *reason);

/* There is no memory to hand out the record taken last: the call ends with
 * CCAAS_MEMORY, which the next take reports. */
void ccaas_call_exhausted(struct ccaas_call *call);

/* After CCAAS_TAKE_ASK: why a token is needed, "start" or "refused"; NULL:
 * none is needed any more. */
const char *ccaas_call_token_reason(const struct ccaas_call *call);

/* After CCAAS_TAKE_ASK: the token; NULL: there is none, and all calls that
 * wait for it fail.  If the call is closed instead, the next one is asked. */
void ccaas_call_give_token(struct ccaas_call *call, const char *token);

/* The descriptor that becomes readable when a take is worth another try; -1:
 * none could be made.  It belongs to the call, and is closed when a take has
 * returned the end or an error. */
int ccaas_call_fd(struct ccaas_call *call);

/* The caller begins or ends to wait for the descriptor.  During a wait it is
 * made readable instead of being closed. */
void ccaas_call_waiting(struct ccaas_call *call, bool begins);

/* For loops that have sockets only: see nginx_socket.h. */
struct ccaas_waker *ccaas_call_waker(struct ccaas_call *call);

/* Seconds after which a take is worth another try in any case; INFINITY: only
 * the descriptor tells. */
double ccaas_call_timeout(const struct ccaas_call *call);

/* The error that a take reported. */
const struct ccaas_error *ccaas_call_error(const struct ccaas_call *call);

/* Status and headers of the newest answer: names in lower case and values,
 * one after the other, each ended by a NUL; *length in bytes. */
int ccaas_call_status(const struct ccaas_call *call);
const char *ccaas_call_headers(const struct ccaas_call *call, size_t *length);
/* Where a redirect led to, without query; NULL: there was none. */
const char *ccaas_call_moved(const struct ccaas_call *call);

struct ccaas_info {
    int64_t pages;       /* read to their end, in all passes */
    int64_t total_pages; /* as the server named them; < 0: it did not */
    int64_t total;       /* rows, likewise */
    int64_t rows;        /* handed out */
    int64_t duplicates;  /* the most in one pass */
    int64_t missing;     /* announced by the last pass, but not seen in it; < 0:
                            unknown (yet) */
    int64_t passes;      /* of the list that needed most; see page.h */
    int clean; /* 1: the last passes were, 0: one was not; < 0: unknown (yet) */
    bool shrunk;
    double first_at; /* epoch seconds of the first row; < 0: none yet */
    double last_at;
    int64_t page; /* the number of the page read last */
    int64_t walk; /* the url (from 0) that it belongs to */
};
/* What is known about the call so far. */
void ccaas_call_info(struct ccaas_call *call, struct ccaas_info *info);

/* Cancels; later takes report CCAAS_CANCELLED.  Safe to call twice. */
void ccaas_call_close(struct ccaas_call *call);
void ccaas_call_free(struct ccaas_call *call);

#endif
