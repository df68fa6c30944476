/* A live subscription: a websocket that is opened again whenever it is lost.
 *
 * All on the thread of its engine.
 */
#ifndef CCAAS_SUBSCRIPTION_H
#define CCAAS_SUBSCRIPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ccaas_client;
struct ccaas_error;
struct ccaas_waker;

struct ccaas_subscription;

/* A value as it stands in a JSON text; begin is NULL if there is none. */
struct ccaas_part {
    const char *begin, *end;
};

/* The parts of an update, by their places in `paths`. */
enum ccaas_update_part {
    CCAAS_UPDATE_METRIC,   /* which metric, a string */
    CCAAS_UPDATE_CATEGORY, /* of whom */
    CCAAS_UPDATE_KIND,     /* the type of the value */
    CCAAS_UPDATE_VALUE,    /* the value, if its kind has a plain one */
    CCAAS_UPDATE_UPDATED,  /* since when it is so, ISO 8601 */
    CCAAS_UPDATE_WHOLE,    /* the object with the value and all about it */
    CCAAS_UPDATE_PARTS
};

#define CCAAS_SUBSCRIPTION_REFUSALS 8

/* What a subscription does. */
struct ccaas_subscription_plan {
    const char *url;          /* ws:// or wss:// */
    const char *token_name;   /* the token goes into the query under this name;
                                 NULL: as a header */
    const char *const *paths; /* of the parts: member names with dots */
    int refusals[CCAAS_SUBSCRIPTION_REFUSALS]; /* the API's own closing codes
                                          (4000 to 4999) that refuse a token; 0
                                          ends them */
    size_t queue; /* the most messages that wait for the reader */
    bool block; /* when the queue is full, the server waits; else the newest for
                   each metric and category is kept */
    double silence; /* seconds without a sign of life, after which it is lost */
    int64_t reconnects; /* in a row without success; < 0: no limit */
    double pause_first; /* before it is opened again: upper bound of the first
                           pause, ... */
    double pause_most;  /* ... and of the longest one */
    double deadline;    /* seconds from the first take; INFINITY: none */
    double max_retry_after; /* seconds: a longer Retry-After is reported as
                               DOWN, even if it is down already */
    size_t max_message;     /* bytes */
};

/* A subscription; nothing is opened before the first
 * ccaas_subscription_take. NULL: memory is out, or the paths are invalid. */
struct ccaas_subscription *
ccaas_subscription_new(struct ccaas_client *client,
                       const struct ccaas_subscription_plan *plan);

enum ccaas_news_kind {
    CCAAS_NEWS_OPEN,   /* it is open: `attempt`, `at`; after a loss also `from`:
                          messages since then may be missing */
    CCAAS_NEWS_DOWN,   /* it was lost, or refused for now: `at`, `error` */
    CCAAS_NEWS_UPDATE, /* `bytes` are one, with `parts` */
    CCAAS_NEWS_MESSAGE, /* `bytes` are no update; `fault`: not even JSON */
    CCAAS_NEWS_WAIT,    /* nothing yet: wait for its waker */
    CCAAS_NEWS_ASK, /* as CCAAS_TAKE_ASK, with ccaas_subscription_give_token */
    CCAAS_NEWS_PAUSE, /* the time slice of a fair client has ended */
    CCAAS_NEWS_ERROR  /* see ccaas_subscription_error; it stays so */
};

/* What a take reports.  It points into the subscription, until the next take
 * or its close. */
struct ccaas_news {
    const char *bytes;
    size_t length;
    bool binary;
    struct ccaas_part parts[CCAAS_UPDATE_PARTS];
    const char *fault; /* a static string */
    size_t fault_at;
    unsigned attempt; /* the first one after a loss is 1 */
    double at, from;  /* epoch seconds; from < 0: nothing was lost */
    const struct ccaas_error *error;
    bool last; /* of an update: the next take returns WAIT until it is woken */
};

/* The next result.  Never blocks, never calls back. */
enum ccaas_news_kind ccaas_subscription_take(struct ccaas_subscription *sub,
                                             struct ccaas_news *news);

/* Notes a value that came by another way.  False: a newer one was handed out
 * already, and this one counts as stale. */
bool ccaas_subscription_note(struct ccaas_subscription *sub, const char *metric,
                             size_t metric_length, const char *category,
                             size_t category_length, const char *updated,
                             size_t updated_length);

/* As ccaas_call_token_reason, _give_token, _waker, _timeout and _error. */
const char *
ccaas_subscription_token_reason(const struct ccaas_subscription *sub);
void ccaas_subscription_give_token(struct ccaas_subscription *sub,
                                   const char *token);
struct ccaas_waker *ccaas_subscription_waker(struct ccaas_subscription *sub);
double ccaas_subscription_timeout(const struct ccaas_subscription *sub);
const struct ccaas_error *
ccaas_subscription_error(struct ccaas_subscription *sub);

/* True when the socket was open and has ended.  Takes report it after the
 * messages before it. */
bool ccaas_subscription_lost(struct ccaas_subscription *sub);

struct ccaas_subscription_info {
    int64_t messages;  /* handed out */
    int64_t conflated; /* replaced by newer ones, because the reader was slow */
    int64_t stale;     /* older than what was handed out, and dropped */
    int64_t waiting;   /* messages in the queue */
    int64_t opened;    /* how often it was */
    int64_t lost;      /* how often it was lost after it was open */
};
/* What is known about it so far. */
void ccaas_subscription_info(struct ccaas_subscription *sub,
                             struct ccaas_subscription_info *info);

/* Ends it; later takes report CCAAS_CANCELLED.  Safe to call twice. */
void ccaas_subscription_close(struct ccaas_subscription *sub);
void ccaas_subscription_free(struct ccaas_subscription *sub);

#endif
