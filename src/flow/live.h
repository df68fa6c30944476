/* A subscription, as live.c and gather.c share it.  All on the thread that the
 * client belongs to; only its inbox is filled elsewhere. */
#ifndef CCAAS_LIVE_H
#define CCAAS_LIVE_H

#include <sys/types.h>

#include "bell.h"
#include "client.h"
#include "inbox.h"
#include "newest.h"
#include "retry.h"

enum ccaas_live_state {
    CCAAS_LIVE_TOKEN, /* to be opened, once there is a token */
    CCAAS_LIVE_OPENING,
    CCAAS_LIVE_OPEN,
    CCAAS_LIVE_PAUSE, /* again at `resume_at` */
    CCAAS_LIVE_OVER   /* closed or failed: `error` */
};

struct ccaas_live {
    struct ccaas_client *client;
    struct ccaas_live *next, **link; /* the client's list */

    struct ccaas_live_plan plan; /* url and token_name are our own copies */
    char *url, *token_name;
    struct ccaas_bell *bell;
    struct ccaas_inbox *inbox;
    struct ccaas_update_form form; /* its `pick` is the inbox's */
    struct ccaas_newest newest;
    struct ccaas_inbox_message message; /* the one at hand */

    enum ccaas_live_state state;
    bool armed; /* the bell was armed by the take before */
    bool asked; /* a token is wanted of this one's owner */
    bool started, closed;
    pid_t pid;       /* where it was started */
    double deadline; /* monotonic; INFINITY: none */
    unsigned ticks;  /* takes since the clock was looked at */

    struct ccaas_socket *socket;
    struct ccaas_grant_need need;
    uint64_t generation; /* of the token that it was opened with */
    bool replayed;       /* opened anew with another token, since it was open */
    bool renewed;        /* the same for a close, since a message came */
    unsigned fruitless; /* sockets that were open without a message, in a row */
    struct ccaas_retry_link retry;
    double resume_at;
    double lost_at;   /* epoch seconds; < 0: not */
    unsigned attempt; /* since it was last open */
    int64_t tries;    /* attempts since a message last came */
    bool fruitful;    /* one came at some time */
    bool down;        /* the reader was told so */

    int64_t messages, stale, opened, lost;
    struct ccaas_error *error; /* of the loss, or the last one; or NULL */
};

/* What live.c and link.c share.  Nothing more is to come; what was handed out
 * stays. */
void ccaas_live_let_go(struct ccaas_live *live);

/* Its error, made when there is one: a thousand without any take no room.  When
 * memory is out, one that the client's subscriptions share. */
struct ccaas_error *ccaas_live_error_of(struct ccaas_live *live);
void ccaas_live_forget_error(struct ccaas_live *live);

/* It ends with an error, made here; gives ERROR. */
enum ccaas_live_take ccaas_live_fail_as(struct ccaas_live *live,
                                        enum ccaas_code code,
                                        const char *message);

/* Opens it as soon as there is a token. */
enum ccaas_live_take ccaas_live_try(struct ccaas_live *live,
                                    struct ccaas_news *news, double now);

/* The socket was opened. */
enum ccaas_live_take ccaas_live_opened(struct ccaas_live *live,
                                       struct ccaas_news *news);

/* The socket ended: when, and since when messages may be missed. */
enum ccaas_live_take ccaas_live_ended(struct ccaas_live *live,
                                      const struct ccaas_ws_end *end, double at,
                                      double from, struct ccaas_news *news);

#endif
