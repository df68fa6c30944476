/* A subscription, as subscription.c and gather.c share it.  All on the thread
 * that the client belongs to; only its event queue is filled elsewhere. */
#ifndef CC_SUBSCRIPTION_H
#define CC_SUBSCRIPTION_H

#include <sys/types.h>

#include "bell.h"
#include "context.h"
#include "event_queue.h"
#include "last_seen.h"
#include "retry.h"

enum cc_subscription_state {
    CC_SUBSCRIPTION_TOKEN, /* to be opened, once there is a token */
    CC_SUBSCRIPTION_OPENING,
    CC_SUBSCRIPTION_OPEN,
    CC_SUBSCRIPTION_PAUSE, /* again at `resume_at` */
    CC_SUBSCRIPTION_OVER   /* closed or failed: `error` */
};

struct ccaas_subscription {
    struct ccaas_client *client;
    struct ccaas_subscription *next, **link; /* the client's list */

    struct ccaas_subscription_plan
        plan; /* url and token_name are our own copies */
    char *url, *token_name;
    struct ccaas_bell *bell;
    struct cc_event_queue *queue;
    struct cc_update_form form; /* its `pick` is the event queue's */
    struct cc_last_seen last_seen;
    struct cc_event_queue_message message; /* the one at hand */

    enum cc_subscription_state state;
    bool armed; /* the bell was armed by the take before */
    bool asked; /* a token is wanted of this one's owner */
    bool started, closed;
    pid_t pid;       /* where it was started */
    double deadline; /* monotonic; INFINITY: none */
    unsigned ticks;  /* takes since the clock was looked at */

    struct cc_socket *socket;
    struct cc_token_waiter waiter;
    uint64_t generation; /* of the token that it was opened with */
    bool replayed;       /* opened anew with another token, since it was open */
    bool renewed;        /* the same for a close, since a message came */
    unsigned fruitless; /* sockets that were open without a message, in a row */
    struct cc_reconnect retry;
    double resume_at;
    double lost_at;   /* epoch seconds; < 0: not */
    unsigned attempt; /* since it was last open */
    int64_t tries;    /* attempts since a message last came */
    bool fruitful;    /* one came at some time */
    bool down;        /* the reader was told so */

    int64_t messages, stale, opened, lost;
    struct ccaas_error *error; /* of the loss, or the last one; or NULL */
};

/* What subscription.c and reconnect.c share.  Nothing more is to come; what was
 * handed out stays. */
void cc_subscription_let_go(struct ccaas_subscription *sub);

/* Its error, made when there is one: a thousand without any take no room.  When
 * memory is out, one that the client's subscriptions share. */
struct ccaas_error *cc_subscription_error_of(struct ccaas_subscription *sub);
void cc_subscription_forget_error(struct ccaas_subscription *sub);

/* It ends with an error, made here; gives ERROR. */
enum ccaas_news_kind cc_subscription_fail_as(struct ccaas_subscription *sub,
                                             enum ccaas_code code,
                                             const char *message);

/* Opens it as soon as there is a token. */
enum ccaas_news_kind cc_subscription_try(struct ccaas_subscription *sub,
                                         struct ccaas_news *news, double now);

/* The socket was opened. */
enum ccaas_news_kind cc_subscription_opened(struct ccaas_subscription *sub,
                                            struct ccaas_news *news);

/* The socket ended: when, and since when messages may be missed. */
enum ccaas_news_kind cc_subscription_ended(struct ccaas_subscription *sub,
                                           const struct cc_ws_end *end,
                                           double at, double from,
                                           struct ccaas_news *news);

#endif
