/* A call under way, as call.c and page_fetch.c share it.
 *
 * All on the thread that the client belongs to; only a reader's sink side
 * (body_reader.h) runs elsewhere.
 */
#ifndef CC_CALL_H
#define CC_CALL_H

#include <sys/types.h>

#include "bell.h"
#include "body_reader.h"
#include "context.h"
#include "page.h"
#include "seen.h"

#ifdef CCAAS_TINY
#define CC_CALL_AHEAD 512
#define CC_CALL_AHEAD_LEAST 128
#else
#define CC_CALL_AHEAD (5 * 1024 * 1024)  /* bytes read ahead, in all */
#define CC_CALL_AHEAD_LEAST (256 * 1024) /* and for each page */
#endif

#define CC_CALL_SPARE 2 /* whole pages that may wait beside those under way */

enum cc_fetch_state {
    CC_FETCH_TOKEN,    /* ready to be sent, once there is a token */
    CC_FETCH_UNDERWAY, /* sent */
    CC_FETCH_PAUSE,    /* failed; again at `resume_at` */
    CC_FETCH_READ,     /* whole, and all its records are taken */
    CC_FETCH_PAST,     /* past the list's end */
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
    bool replayed; /* once, with a new token */
    struct cc_token_waiter waiter;
    uint64_t generation; /* of the token that it was sent with */
    double resume_at;
    int status;
    char *headers;
    size_t headers_length;
    char moved[256]; /* where a redirect led to, without query; "": nowhere */

    int64_t rows;     /* records of this attempt */
    int64_t fresh;    /* records handed out, over all attempts */
    int64_t distinct; /* records that its pass had not seen, likewise */
    int64_t named;    /* records with identity that were counted, likewise; */
    int64_t again;    /* how many of them this attempt may still repeat */
    int64_t nameless; /* records without identity of this attempt, ... */
    int64_t nameless_given; /* ... and handed out by attempts before */
    bool unheard;           /* it was sent, and nothing of an answer was read */
    bool inside;            /* of the plan's gate */
    bool pacing;            /* it was told that the gate is closed */
    double pace_due;        /* when the gate may open by time alone */
    double not_before;      /* when it may open after this fetch */
    unsigned unready;       /* answers that said: not yet */
    unsigned spared; /* attempts that do not count: those, and a replay */
    int64_t got;     /* bytes handed out that still count */
    char etag[128];  /* of the body that they are of; "": unknown */
    bool afresh;     /* they count no more, and it must be told */
    char last[256];  /* identity of the record handed out last */
    bool totals;     /* its totals row was handed out */
    struct ccaas_error error;
};

struct ccaas_call {
    struct ccaas_client *client;
    struct ccaas_call *next, **link; /* the client's list */

    struct ccaas_call_plan plan; /* its strings are in `memory` */
    char *memory;
    struct ccaas_bell *bell;
    bool armed; /* the bell was armed by the take before */
    bool asked; /* a token is wanted of this call's owner */
    bool started, ended, closed, failed;
    unsigned waiting; /* how many wait for the bell's descriptor */
    pid_t pid;        /* where it was started: what it waits for is there */
    double deadline;  /* monotonic; INFINITY: none */
    unsigned ticks;   /* takes since the clock was looked at */

    struct cc_page_walk *walks; /* one for each url */
    size_t walk; /* the one whose pass the set of records seen is in */
    struct cc_fetch *fetches; /* in the order of delivery */
    size_t fetching;          /* how many there are */
    size_t ahead;             /* bytes a page may be read ahead */

    bool at_hand; /* a record was taken and nothing was said of it yet: a
                     close that comes now (a collector may call it while the
                     record is decoded) frees nothing under its reader */
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

/* Ends the call with an error, a copy of this one or one that is made here. */
void cc_call_fail(struct ccaas_call *call, const struct ccaas_error *error);
void cc_call_fail_as(struct ccaas_call *call, enum ccaas_code code,
                     const char *message);

/* Something is said of the record at hand, or it is given up.  False: the call
 * was closed meanwhile. */
bool cc_call_settle(struct ccaas_call *call);

/* Begins as many fetches as may be under way side by side.  False: memory is
 * out. */
bool cc_call_begin_fetches(struct ccaas_call *call);

/* The records that come from now on are those of that walk's pass. */
void cc_call_turn_to(struct ccaas_call *call, size_t walk);

/* All pages were read: begins another pass over one of the lists.  False: none
 * needs one. */
bool cc_call_begin_pass(struct ccaas_call *call);

/* The last pass is over: notes whether the walks ended clean and how many rows
 * are missing, and leaves a warning where they did not. */
void cc_call_judge(struct ccaas_call *call);

/* Makes call->plan a copy of the plan, in call->memory.  False: memory is out.
 */
bool cc_call_plan_copy(struct ccaas_call *call,
                       const struct ccaas_call_plan *plan);

/* A fetch at the end of its walk's fetches; NULL: memory is out. */
struct cc_fetch *cc_fetch_new(struct ccaas_call *call, size_t walk,
                              int64_t page);
/* Cancels what is under way. */
void cc_fetch_free(struct cc_fetch *fetch);

/* What page_fetch.c and response.c share.  An event of this fetch, or NULL; the
 * end of an attempt, at `at`: again later or never, with fetch->error; a
 * failure for good, with fetch->error or one that is made here; and letting go
 * of an attempt. */
struct ccaas_event *cc_fetch_note(struct cc_fetch *fetch, const char *type);
void cc_fetch_retry(struct cc_fetch *fetch, bool transient, bool sent,
                    double at);
void cc_fetch_fail(struct cc_fetch *fetch);
void cc_fetch_refuse(struct cc_fetch *fetch, enum ccaas_code code,
                     const char *message);
void cc_fetch_drop(struct cc_fetch *fetch);

/* Adds to the error's message where a redirect led to, if there was one. */
void cc_fetch_moved(const struct cc_fetch *fetch, struct ccaas_error *error);

/* What the error of a patient call says while the server is not ready. */
#define CC_FETCH_UNREADY "report not ready yet (202)"

/* Was the newest answer of a patient call that one? */
bool cc_fetch_unready(const struct cc_fetch *fetch);

/* Asks again `pause` seconds after `at`, when the answer came. */
void cc_fetch_pause(struct cc_fetch *fetch, double at, double pause);

/* The request has arrived, by `at` at the latest: the server's pace counts from
 * then, and when it was exactly is not known. */
void cc_fetch_arrived(struct cc_fetch *fetch, double at);

/* The head of an answer, and its end. */
void cc_response_head(struct cc_fetch *fetch, const struct cc_head_mail *mail);
void cc_response_end(struct cc_fetch *fetch, struct cc_end_mail *end);

/* Goes on as far as possible without taking records. */
void cc_fetch_advance(struct cc_fetch *fetch, double now);

/* The next block of records, or NULL: none is there now. */
struct cc_block *cc_fetch_block(struct cc_fetch *fetch);

/* Is its server still at work for it? */
bool cc_fetch_running(const struct cc_fetch *fetch);

/* Whether somebody waits for its records: the first one's, always. */
void cc_fetch_first(struct cc_fetch *fetch);

/* When it is worth another look in any case; INFINITY: the bell tells. */
double cc_fetch_due(const struct cc_fetch *fetch);

#endif
