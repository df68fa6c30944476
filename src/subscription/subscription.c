/* A subscription from when it is made to when it is freed, and how its takes
 * make progress.  How its socket is opened is in reconnect.c.
 *
 * On the thread that the client belongs to.  A take never blocks and never
 * calls back.
 */
#include "subscription.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "clock.h"
#include "dates.h"
#include "error.h"
#include "store_request.h"

#define TICKS 64    /* takes between two looks at everything */
#define DUE_TICKS 8 /* takes between two checks of the time slice */
#define SETTLED 60  /* seconds open, after which a loss counts as the first */

/* -- Making and ending
 * --------------------------------------------------------- */

static void close_operation(struct cc_operation *operation)
{
    ccaas_subscription_close((struct ccaas_subscription *)operation);
}

static bool prepare(struct ccaas_subscription *sub,
                    const struct ccaas_subscription_plan *plan)
{
    bool failed = false;

    sub->plan = *plan;
    sub->plan.url = sub->url = cc_copy(plan->url, &failed);
    sub->plan.token_name = sub->token_name = cc_copy(plan->token_name, &failed);
    if (failed)
        return false;
    sub->form.pick = cc_pick_form_new(plan->paths, CCAAS_UPDATE_PARTS);
    if (!sub->form.pick)
        return false;
    cc_random_bytes(sub->form.key, sizeof sub->form.key);
    sub->queue =
        cc_event_queue_new(sub->op.waker, plan->queue, plan->block, &sub->form);
    sub->plan.paths = NULL;
    sub->retry =
        (struct cc_reconnect){plan->pause_first, plan->pause_most, SETTLED, 0};
    return sub->queue != NULL;
}

struct ccaas_subscription *
ccaas_subscription_new(struct ccaas_client *client,
                       const struct ccaas_subscription_plan *plan)
{
    struct ccaas_subscription *sub = calloc(1, sizeof *sub);

    if (!sub)
        return NULL;
    sub->lost_at = -1;
    if (!cc_operation_start(&sub->op, client, close_operation) ||
        !prepare(sub, plan)) {
        ccaas_subscription_free(sub);
        return NULL;
    }
    if (client->closed)
        ccaas_subscription_close(sub);
    return sub;
}

void ccaas_subscription_close(struct ccaas_subscription *sub)
{
    if (!cc_operation_close(&sub->op))
        return;
    if (sub->state != CC_SUBSCRIPTION_OVER) {
        cc_subscription_forget_error(sub);
        cc_error_set(cc_subscription_error_of(sub), CCAAS_CANCELLED, "%s",
                     cc_operation_closing(&sub->op));
    }
    cc_subscription_let_go(sub);
    if (sub->op.waker)
        cc_waker_wake(sub->op.waker);
}

void ccaas_subscription_free(struct ccaas_subscription *sub)
{
    if (!sub)
        return;
    ccaas_subscription_close(sub);
    cc_event_queue_shut(sub->queue);
    cc_last_seen_free(&sub->last_seen);
    free(sub->message.bytes);
    if (sub->op.waker)
        cc_waker_close(sub->op.waker);
    free(sub->url);
    free(sub->token_name);
    cc_subscription_forget_error(sub);
    cc_operation_end(&sub->op);
    free(sub);
}

/* -- Going on -------------------------------------------------------------- */

/* The next message that is not stale; false: there is none now. */
static bool take_message(struct ccaas_subscription *sub,
                         struct ccaas_news *news, enum ccaas_news_kind *taken)
{
    struct cc_event_queue_message *message = &sub->message;
    const struct cc_update *update = &message->update;
    bool resume, last;

    for (;;) {
        bool is_there =
            cc_event_queue_take(sub->queue, message, &resume, &last);

        if (resume && sub->socket)
            cc_ws_resume(sub->socket);
        if (!is_there)
            return false;
        if (!update->is_update || update->when == CC_UPDATE_NEVER ||
            cc_last_seen_note(&sub->last_seen, update->hash, update->when))
            break;
        sub->stale++;
    }
    news->bytes = message->length ? message->bytes : "";
    news->length = message->length;
    news->binary = message->binary;
    news->fault = update->fault;
    news->fault_at = update->fault_at;
    memcpy(news->parts, update->parts, sizeof news->parts);
    sub->messages++;
    if (last)
        sub->op.armed = true; /* the event queue has armed it */
    else
        cc_operation_disarm(&sub->op); /* there may be more */
    news->last = last && !cc_store_request_pending(sub->op.client);
    *taken = update->is_update ? CCAAS_NEWS_UPDATE : CCAAS_NEWS_MESSAGE;
    return true;
}

/* One step; WAIT: nothing is there now. */
static enum ccaas_news_kind step(struct ccaas_subscription *sub,
                                 struct ccaas_news *news, double now)
{
    enum ccaas_news_kind taken = CCAAS_NEWS_WAIT;
    struct cc_ws_end end;
    double at, from;

    if (sub->state == CC_SUBSCRIPTION_PAUSE && now >= sub->resume_at)
        sub->state = CC_SUBSCRIPTION_TOKEN;
    if (sub->state == CC_SUBSCRIPTION_TOKEN)
        return cc_subscription_try(sub, news, now);
    if (sub->state == CC_SUBSCRIPTION_PAUSE)
        return CCAAS_NEWS_WAIT;
    if (sub->state == CC_SUBSCRIPTION_OPENING &&
        cc_event_queue_opened(sub->queue) >= 0)
        return cc_subscription_opened(sub, news);
    if (sub->state == CC_SUBSCRIPTION_OPEN && take_message(sub, news, &taken))
        return taken;
    if (cc_event_queue_broken(sub->queue) && sub->socket)
        cc_ws_close(sub->socket);
    if (!cc_event_queue_closed(sub->queue, &end, &at, &from))
        return CCAAS_NEWS_WAIT;
    /* It opened and ended after the check above: reports one after the
     * other. */
    if (sub->state == CC_SUBSCRIPTION_OPENING && end.opened)
        return cc_subscription_opened(sub, news);
    return cc_subscription_ended(sub, &end, at, from, news);
}

/* May the take go on?  False: it reports the error. */
static bool resume(struct ccaas_subscription *sub, double now)
{
    switch (cc_operation_resume(&sub->op, sub->plan.deadline, now)) {
    case CC_OPERATION_GO:
        return true;
    case CC_OPERATION_FORKED:
        cc_subscription_fail_as(sub, CCAAS_CANCELLED, CC_OPERATION_FORKED_TEXT);
        break;
    case CC_OPERATION_LATE:
        cc_subscription_fail_as(sub, CCAAS_TIMEOUT, CC_OPERATION_LATE_TEXT);
        break;
    case CC_OPERATION_CLOSED:
        break;
    }
    return false;
}

/* Looks at everything until there is something to report, or until nothing
 * is there after the waker was armed. */
static enum ccaas_news_kind go_on(struct ccaas_subscription *sub,
                                  struct ccaas_news *news)
{
    double now = cc_clock_now();
    enum ccaas_news_kind taken;
    enum cc_subscription_state before;

    if (!resume(sub, now))
        return CCAAS_NEWS_ERROR;
    for (;;) {
        if (sub->op.asked)
            return CCAAS_NEWS_ASK;
        before = sub->state;
        taken = step(sub, news, now);
        if (taken != CCAAS_NEWS_WAIT) {
            if (!news->last)
                cc_operation_disarm(&sub->op);
            return taken;
        }
        if (sub->state == before && !cc_operation_arm(&sub->op))
            return CCAAS_NEWS_WAIT;
    }
}

enum ccaas_news_kind ccaas_subscription_take(struct ccaas_subscription *sub,
                                             struct ccaas_news *news)
{
    enum ccaas_news_kind taken;
    bool look;

    memset(news, 0, sizeof *news);
    news->from = -1;
    if (sub->state == CC_SUBSCRIPTION_OVER)
        return CCAAS_NEWS_ERROR;
    /* The fast path looks at the clock now and then only. */
    if (sub->state == CC_SUBSCRIPTION_OPEN) {
        look = ++sub->ticks % TICKS == 0;
        if (sub->ticks % DUE_TICKS == 0 && ccaas_client_due(sub->op.client))
            return CCAAS_NEWS_PAUSE;
        if (!look && !sub->op.armed && take_message(sub, news, &taken))
            return taken;
    }
    taken = go_on(sub, news);
    if (taken == CCAAS_NEWS_WAIT && cc_store_request_pending(sub->op.client))
        return CCAAS_NEWS_ASK;
    return taken;
}

bool ccaas_subscription_note(struct ccaas_subscription *sub, const char *metric,
                             size_t metric_length, const char *category,
                             size_t category_length, const char *updated,
                             size_t updated_length)
{
    uint64_t hash = cc_update_hash(&sub->form, metric, metric_length, category,
                                   category_length);
    int64_t when;

    if (!cc_date_iso(updated, updated_length, &when) ||
        cc_last_seen_note(&sub->last_seen, hash, when))
        return true;
    sub->stale++;
    return false;
}

/* -- Known from outside ---------------------------------------------------- */

const char *
ccaas_subscription_token_reason(const struct ccaas_subscription *sub)
{
    return cc_token_reason(&sub->op);
}

void ccaas_subscription_give_token(struct ccaas_subscription *sub,
                                   const char *token)
{
    cc_token_give(&sub->op, token);
}

struct ccaas_waker *ccaas_subscription_waker(struct ccaas_subscription *sub)
{
    return sub->op.waker;
}

double ccaas_subscription_timeout(const struct ccaas_subscription *sub)
{
    double due = INFINITY;

    if (sub->state == CC_SUBSCRIPTION_PAUSE)
        due = sub->resume_at;
    else if (sub->state == CC_SUBSCRIPTION_TOKEN && sub->op.client->token)
        due = cc_token_due(sub->op.client->token, &sub->waiter);
    return cc_operation_timeout(&sub->op, due);
}

const struct ccaas_error *
ccaas_subscription_error(struct ccaas_subscription *sub)
{
    return cc_subscription_error_of(sub);
}

bool ccaas_subscription_lost(struct ccaas_subscription *sub)
{
    return sub->state == CC_SUBSCRIPTION_OPEN &&
           cc_event_queue_over(sub->queue);
}

void ccaas_subscription_info(struct ccaas_subscription *sub,
                             struct ccaas_subscription_info *info)
{
    *info = (struct ccaas_subscription_info){
        .messages = sub->messages, .opened = sub->opened, .lost = sub->lost};
    cc_event_queue_counts(sub->queue, &info->waiting, &info->conflated,
                          &info->stale);
    info->stale += sub->stale;
}
