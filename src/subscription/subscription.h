/* A subscription, as subscription.c and reconnect.c share it.
 *
 * A websocket that is opened again whenever it is lost, for as long as the
 * caller takes from it.  All on the thread that the client belongs to; only the
 * event queue is filled elsewhere.  A subscription owns its queue and its
 * socket.
 */
#ifndef CC_SUBSCRIPTION_H
#define CC_SUBSCRIPTION_H

#include "event_queue.h"
#include "last_seen.h"
#include "operation.h"
#include "retry.h"
#include "token.h"

enum cc_subscription_state {
    CC_SUBSCRIPTION_TOKEN, /* to be opened, once there is a token */
    CC_SUBSCRIPTION_OPENING,
    CC_SUBSCRIPTION_OPEN,
    CC_SUBSCRIPTION_PAUSE, /* to be opened again at `resume_at` */
    CC_SUBSCRIPTION_OVER   /* closed or failed: `error` */
};

struct ccaas_subscription {
    struct cc_operation op; /* first: a subscription is an operation */

    struct ccaas_subscription_plan plan;
    char *url, *token_name; /* the plan's, our own copies */
    struct cc_event_queue *queue;
    struct cc_update_form form; /* its `pick` belongs to the queue */
    struct cc_last_seen last_seen;
    struct cc_event_queue_message message; /* the one at hand */

    enum cc_subscription_state state;
    unsigned ticks; /* takes since the clock was looked at */

    struct cc_socket *socket;
    struct cc_token_waiter waiter;
    uint64_t generation; /* of the token that it was opened with */
    bool replayed;       /* a 401 was answered with another token, since it was
                            last open */
    bool renewed;        /* a close was, since the last message */
    unsigned fruitless; /* sockets that were open without a message, in a row */
    struct cc_reconnect retry;
    double resume_at;
    double lost_at;   /* epoch seconds; < 0: it is not lost */
    unsigned attempt; /* since it was last open */
    int64_t tries;    /* attempts since the last message */
    bool fruitful;    /* a message has come at some time */
    bool down;        /* the caller was told so */

    int64_t messages, stale, opened, lost;
    struct ccaas_error *error; /* of the loss, or the last one; or NULL */
};

/* Lets go of the socket and the token: no message comes any more.  What was
 * handed out stays. */
void cc_subscription_let_go(struct ccaas_subscription *sub);

/* Its error, allocated when it is first needed, so that a thousand
 * subscriptions without one need no memory for it.  When memory is out, one
 * that the client's subscriptions share. */
struct ccaas_error *cc_subscription_error_of(struct ccaas_subscription *sub);
void cc_subscription_forget_error(struct ccaas_subscription *sub);

/* Ends it with an error that is made here; returns ERROR. */
enum ccaas_news_kind cc_subscription_fail_as(struct ccaas_subscription *sub,
                                             enum ccaas_code code,
                                             const char *message);

/* Opens it as soon as there is a token. */
enum ccaas_news_kind cc_subscription_try(struct ccaas_subscription *sub,
                                         struct ccaas_news *news, double now);

/* The socket is open: reports it. */
enum ccaas_news_kind cc_subscription_opened(struct ccaas_subscription *sub,
                                            struct ccaas_news *news);

/* The socket ended: when, and since when messages may be missing. */
enum ccaas_news_kind cc_subscription_ended(struct ccaas_subscription *sub,
                                           const struct cc_ws_end *end,
                                           double at, double from,
                                           struct ccaas_news *news);

#endif
