/* A call under way, as the files of this room share it.
 *
 * A call walks over one list for each url of its plan.  A walk has pages; each
 * page is fetched by a cc_fetch, with all its attempts.  Several fetches run
 * side by side, and their records are handed out in the order of the list of
 * fetches.
 *
 * All on the thread that the client belongs to; only the sink of a body reader
 * (body_reader.h) runs elsewhere.  A call owns its fetches, a fetch its body
 * reader and its transfer.
 */
#ifndef CC_CALL_H
#define CC_CALL_H

#include "body_reader.h"
#include "operation.h"
#include "page.h"
#include "seen.h"
#include "token.h"

#ifdef CCAAS_TINY
#define CC_CALL_AHEAD 512
#define CC_CALL_AHEAD_LEAST 128
#else
#define CC_CALL_AHEAD (5 * 1024 * 1024)  /* bytes read ahead, in all */
#define CC_CALL_AHEAD_LEAST (256 * 1024) /* and for each page */
#endif

#define CC_CALL_SPARE 2 /* whole pages that may wait beside those under way */

enum cc_fetch_state {
    CC_FETCH_TOKEN,    /* to be sent, once there is a token */
    CC_FETCH_UNDERWAY, /* sent */
    CC_FETCH_PAUSE,    /* failed; sent again at `resume_at` */
    CC_FETCH_READ,     /* whole, and all its records are taken */
    CC_FETCH_PAST,     /* past the end of the list */
    CC_FETCH_FAILED    /* for good: `error` */
};

/* One page (or the one answer) of a call, with all its attempts. */
struct cc_fetch {
    struct cc_fetch *next;
    struct ccaas_call *call;
    size_t walk; /* which of the plan's urls */
    int64_t page;
    char *url;
    enum cc_fetch_state state;
    struct cc_body_reader *reader;
    struct cc_transfer *transfer;
    unsigned attempt;
    bool replayed; /* sent once more, with a new token */
    struct cc_token_waiter waiter;
    uint64_t generation; /* of the token that it was sent with */
    double resume_at;
    int status;
    char *headers;
    size_t headers_length;
    char moved[256]; /* where a redirect led to, without query; "": nowhere */

    int64_t rows;     /* records of this attempt */
    int64_t fresh;    /* records handed out, over all attempts */
    int64_t distinct; /* records that are new in this pass, likewise */
    int64_t named;    /* records with identity that were counted, likewise; */
    int64_t again;    /* how many of them this attempt may still repeat */
    int64_t nameless; /* records without identity of this attempt, ... */
    int64_t nameless_given; /* ... and handed out by attempts before */
    bool unheard;           /* sent, and nothing of an answer was read */
    bool inside;            /* of the plan's pace */
    bool pacing;            /* it waits for the pace, and an event said so */
    double pace_due;        /* when time alone may open the pace */
    double not_before;      /* the next call must not start earlier */
    unsigned unready;       /* answers that said: not ready yet */
    unsigned spared; /* attempts that do not count: those, and a replay */
    int64_t got;     /* bytes handed out that still count */
    char etag[128];  /* of the body that they belong to; "": unknown */
    bool afresh;     /* they do not count any more, and the reader must know */
    char last[256];  /* identity of the record handed out last */
    bool totals;     /* its totals row was handed out */
    struct ccaas_error error;
};

struct ccaas_call {
    struct cc_operation op; /* first: a call is an operation */

    struct ccaas_call_plan plan; /* its strings are in `memory` */
    char *memory;
    bool ended, failed;
    unsigned waiting; /* how many wait for the waker's descriptor */
    unsigned ticks;   /* takes since the clock was looked at */

    struct cc_page_walk *walks; /* one for each url */
    size_t walk; /* the one whose pass the set of records seen is in */
    struct cc_fetch *fetches; /* in the order of delivery */
    size_t fetching;          /* how many there are */
    size_t ahead;             /* bytes a page may be read ahead */

    bool at_hand; /* a record was taken and the caller has not answered for it
                     yet: a close that comes now (a collector may call it while
                     the record is decoded) must not free its bytes */
    struct cc_block *block; /* records are taken from here */
    size_t span;            /* the next one in it */

    struct cc_seen *seen;
    struct ccaas_info info;
    struct ccaas_error error;
    char moved[256]; /* as in the fetch, of the newest answer */
    int status;      /* of the newest answer, and its headers */
    char *headers;
    size_t headers_length;
};

/* -- call.c ---------------------------------------------------------------- */

/* Ends the call with an error: a copy of this one, or one that is made here. */
void cc_call_fail(struct ccaas_call *call, const struct ccaas_error *error);
void cc_call_fail_as(struct ccaas_call *call, enum ccaas_code code,
                     const char *message);

/* Ends the call: all is handed out. */
void cc_call_finish(struct ccaas_call *call);

/* The caller has answered for the record at hand, or gives it up.  False: the
 * call was closed meanwhile. */
bool cc_call_settle(struct ccaas_call *call);

/* -- call_plan.c ----------------------------------------------------------- */

/* Makes call->plan a copy of the plan, in call->memory.  False: memory is out.
 */
bool cc_call_plan_copy(struct ccaas_call *call,
                       const struct ccaas_call_plan *plan);

/* -- paging.c -------------------------------------------------------------- */

/* Begins as many fetches as may be under way side by side.  False: memory is
 * out. */
bool cc_call_begin_fetches(struct ccaas_call *call);

/* The records from now on belong to the pass over that walk. */
void cc_call_turn_to(struct ccaas_call *call, size_t walk);

/* All pages were read: begins another pass over one of the lists.  False: none
 * needs one. */
bool cc_call_begin_pass(struct ccaas_call *call);

/* The last pass is over: notes whether the walks ended clean and how many rows
 * are missing, and a warning where they did not. */
void cc_call_judge(struct ccaas_call *call);

/* -- page_fetch.c ---------------------------------------------------------- */

/* A fetch at the end of its walk's fetches; NULL: memory is out. */
struct cc_fetch *cc_fetch_new(struct ccaas_call *call, size_t walk,
                              int64_t page);

/* Cancels what is under way. */
void cc_fetch_free(struct cc_fetch *fetch);

/* Makes all progress that is possible without taking records. */
void cc_fetch_advance(struct cc_fetch *fetch, double now);

/* The next block of records, or NULL: none is there now. */
struct cc_block *cc_fetch_block(struct cc_fetch *fetch);

/* Is the server still working on it? */
bool cc_fetch_running(const struct cc_fetch *fetch);

/* It is the first of the list: the reader waits for its records. */
void cc_fetch_first(struct cc_fetch *fetch);

/* When it is worth another look in any case; INFINITY: the waker tells. */
double cc_fetch_due(const struct cc_fetch *fetch);

/* An event of this fetch for the caller to fill in, or NULL. */
struct ccaas_event *cc_fetch_note(struct cc_fetch *fetch, const char *type);

/* The attempt ended at `at`, with fetch->error: sends it again later, or fails.
 */
void cc_fetch_retry(struct cc_fetch *fetch, bool transient, bool sent,
                    double at);

/* Sends it again `pause` seconds after `at`. */
void cc_fetch_pause(struct cc_fetch *fetch, double at, double pause);

/* Fails for good, with fetch->error or one that is made here. */
void cc_fetch_fail(struct cc_fetch *fetch);
void cc_fetch_refuse(struct cc_fetch *fetch, enum ccaas_code code,
                     const char *message);

/* Lets go of the attempt under way. */
void cc_fetch_drop(struct cc_fetch *fetch);

/* Adds to the error's message where a redirect led to, if there was one. */
void cc_fetch_moved(const struct cc_fetch *fetch, struct ccaas_error *error);

/* The request has arrived, by `at` at the latest.  The server's pace counts
 * from then, for the exact time is not known. */
void cc_fetch_arrived(struct cc_fetch *fetch, double at);

/* -- response.c ------------------------------------------------------------ */

/* What the error of a patient call says while the server is not ready. */
#define CC_FETCH_UNREADY "report not ready yet (202)"

/* Did the newest answer of a patient call say so? */
bool cc_fetch_unready(const struct cc_fetch *fetch);

/* The head of an answer arrived; the answer ended. */
void cc_response_head(struct cc_fetch *fetch, const struct cc_head_mail *mail);
void cc_response_end(struct cc_fetch *fetch, struct cc_end_mail *end);

#endif
