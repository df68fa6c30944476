/* A subscription: a websocket that is opened again whenever it is lost, for as
 * long as somebody reads. */
#include "subscription.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "clock.h"
#include "error.h"
#include "store_request.h"
#include "when.h"

#define TICKS 64    /* takes between two looks at everything */
#define DUE_TICKS 8 /* takes between two looks whether others are to go on */
#define SETTLED 60  /* seconds open, after which a loss is a first one */

/* -- Making and ending
 * --------------------------------------------------------- */

static bool prepare(struct ccaas_live *live, const struct ccaas_live_plan *plan)
{
    bool failed = false;

    live->plan = *plan;
    live->plan.url = live->url = cc_copy(plan->url, &failed);
    live->plan.token_name = live->token_name =
        cc_copy(plan->token_name, &failed);
    live->bell = cc_bell_new();
    if (failed || !live->bell)
        return false;
    live->form.pick = cc_pick_form_new(plan->paths, CCAAS_LIVE_PARTS);
    if (!live->form.pick)
        return false;
    cc_random_bytes(live->form.key, sizeof live->form.key);
    live->inbox =
        cc_inbox_new(live->bell, plan->queue, plan->block, &live->form);
    live->plan.paths = NULL;
    live->retry =
        (struct cc_retry_link){plan->pause_first, plan->pause_most, SETTLED, 0};
    return live->inbox != NULL;
}

struct ccaas_live *ccaas_live_new(struct ccaas_client *client,
                                  const struct ccaas_live_plan *plan)
{
    struct ccaas_live *live = calloc(1, sizeof *live);

    if (!live)
        return NULL;
    live->client = ccaas_client_hold(client);
    live->next = client->lives;
    live->link = &client->lives;
    if (live->next)
        live->next->link = &live->next;
    client->lives = live;
    live->deadline = INFINITY;
    live->lost_at = -1;
    if (!prepare(live, plan)) {
        ccaas_live_free(live);
        return NULL;
    }
    if (client->closed)
        ccaas_live_close(live);
    return live;
}

void ccaas_live_close(struct ccaas_live *live)
{
    if (live->closed)
        return;
    live->closed = true;
    *live->link = live->next;
    if (live->next)
        live->next->link = live->link;
    if (live->state != CC_LIVE_OVER) {
        cc_live_forget_error(live);
        cc_error_set(cc_live_error_of(live), CCAAS_CANCELLED, "%s",
                     cc_engine_closing(live->bell));
    }
    cc_live_let_go(live);
    if (live->bell)
        cc_bell_ring(live->bell);
}

void ccaas_live_free(struct ccaas_live *live)
{
    struct ccaas_client *client;

    if (!live)
        return;
    client = live->client;
    ccaas_live_close(live);
    cc_inbox_shut(live->inbox);
    cc_newest_free(&live->newest);
    free(live->message.bytes);
    if (live->bell)
        cc_bell_quit(live->bell);
    cc_bell_release(live->bell);
    free(live->url);
    free(live->token_name);
    cc_live_forget_error(live);
    free(live);
    ccaas_client_free(client);
}

/* -- Going on
 * --------------------------------------------------------------------- */

static void disarm(struct ccaas_live *live)
{
    if (live->armed)
        cc_bell_disarm(live->bell);
    live->armed = false;
}

/* The next message that is news; false: there is none now. */
static bool take_message(struct ccaas_live *live, struct ccaas_news *news,
                         enum ccaas_live_take *taken)
{
    struct cc_inbox_message *message = &live->message;
    const struct cc_update *update = &message->update;
    bool resume, last;

    for (;;) {
        bool is_there = cc_inbox_take(live->inbox, message, &resume, &last);

        if (resume && live->socket)
            cc_ws_resume(live->socket);
        if (!is_there)
            return false;
        if (!update->is_update || update->when == CC_UPDATE_NEVER ||
            cc_newest_note(&live->newest, update->hash, update->when))
            break;
        live->stale++;
    }
    news->bytes = message->length ? message->bytes : "";
    news->length = message->length;
    news->binary = message->binary;
    news->fault = update->fault;
    news->fault_at = update->fault_at;
    memcpy(news->parts, update->parts, sizeof news->parts);
    live->messages++;
    if (last)
        live->armed = true; /* the inbox did it */
    else
        disarm(live); /* there may be more, of which nobody rings */
    news->last = last && !cc_store_request_pending(live->client);
    *taken =
        update->is_update ? CCAAS_LIVE_TAKE_UPDATE : CCAAS_LIVE_TAKE_MESSAGE;
    return true;
}

/* One step; WAIT: nothing is there now. */
static enum ccaas_live_take step(struct ccaas_live *live,
                                 struct ccaas_news *news, double now)
{
    enum ccaas_live_take taken = CCAAS_LIVE_TAKE_WAIT;
    struct cc_ws_end end;
    double at, from;

    if (live->state == CC_LIVE_PAUSE && now >= live->resume_at)
        live->state = CC_LIVE_TOKEN;
    if (live->state == CC_LIVE_TOKEN)
        return cc_live_try(live, news, now);
    if (live->state == CC_LIVE_PAUSE)
        return CCAAS_LIVE_TAKE_WAIT;
    if (live->state == CC_LIVE_OPENING && cc_inbox_opened(live->inbox) >= 0)
        return cc_live_opened(live, news);
    if (live->state == CC_LIVE_OPEN && take_message(live, news, &taken))
        return taken;
    if (cc_inbox_broken(live->inbox) && live->socket)
        cc_ws_close(live->socket);
    if (!cc_inbox_closed(live->inbox, &end, &at, &from))
        return CCAAS_LIVE_TAKE_WAIT;
    /* It opened and ended since the look above: one after the other. */
    if (live->state == CC_LIVE_OPENING && end.opened)
        return cc_live_opened(live, news);
    return cc_live_ended(live, &end, at, from, news);
}

static void start_clock(struct ccaas_live *live, double now)
{
    live->started = true;
    live->pid = getpid();
    if (isfinite(live->plan.deadline))
        live->deadline = now + live->plan.deadline;
}

static enum ccaas_live_take go_on(struct ccaas_live *live,
                                  struct ccaas_news *news)
{
    double now = cc_clock_now();
    enum ccaas_live_take taken;
    enum cc_live_state before;

    if (!live->started)
        start_clock(live, now);
    if (live->pid != getpid())
        return cc_live_fail_as(
            live, CCAAS_CANCELLED,
            "the process was forked while this was under way");
    disarm(live);
    ccaas_engine_sweep(live->client->engine);
    if (live->closed)
        return CCAAS_LIVE_TAKE_ERROR;
    for (;;) {
        if (now >= live->deadline)
            return cc_live_fail_as(live, CCAAS_TIMEOUT,
                                   "the deadline has passed");
        if (live->asked)
            return CCAAS_LIVE_TAKE_ASK;
        before = live->state;
        taken = step(live, news, now);
        if (taken != CCAAS_LIVE_TAKE_WAIT) {
            if (!news->last)
                disarm(live);
            return taken;
        }
        if (live->state != before)
            continue;
        if (live->armed)
            return CCAAS_LIVE_TAKE_WAIT;
        /* Whatever came before this is seen by one more look. */
        cc_bell_arm(live->bell);
        live->armed = true;
    }
}

enum ccaas_live_take ccaas_live_take(struct ccaas_live *live,
                                     struct ccaas_news *news)
{
    enum ccaas_live_take taken;
    bool look;

    memset(news, 0, sizeof *news);
    news->from = -1;
    if (live->state == CC_LIVE_OVER)
        return CCAAS_LIVE_TAKE_ERROR;
    /* The fast path looks at the clock now and then only. */
    if (live->state == CC_LIVE_OPEN) {
        look = ++live->ticks % TICKS == 0;
        if (live->ticks % DUE_TICKS == 0 && ccaas_client_due(live->client))
            return CCAAS_LIVE_TAKE_PAUSE;
        if (!look && !live->armed && take_message(live, news, &taken))
            return taken;
    }
    taken = go_on(live, news);
    if (taken == CCAAS_LIVE_TAKE_WAIT && cc_store_request_pending(live->client))
        return CCAAS_LIVE_TAKE_ASK;
    return taken;
}

bool ccaas_live_note(struct ccaas_live *live, const char *metric,
                     size_t metric_length, const char *category,
                     size_t category_length, const char *updated,
                     size_t updated_length)
{
    uint64_t hash = cc_update_hash(&live->form, metric, metric_length, category,
                                   category_length);
    int64_t when;

    if (!cc_when_read(updated, updated_length, &when) ||
        cc_newest_note(&live->newest, hash, when))
        return true;
    live->stale++;
    return false;
}

/* -- Looking at it
 * -------------------------------------------------------------- */

const char *ccaas_live_question(const struct ccaas_live *live)
{
    return live->asked ? cc_token_reason(live->client->token) : NULL;
}

void ccaas_live_answer(struct ccaas_live *live, const char *token)
{
    live->asked = false;
    if (live->client->token)
        cc_token_give(live->client->token, live->client, live->bell, token);
}

struct ccaas_bell *ccaas_live_bell(struct ccaas_live *live)
{
    return live->bell;
}

double ccaas_live_timeout(const struct ccaas_live *live)
{
    double due = live->deadline, now = cc_clock_now();

    if (!live->armed)
        return 0; /* the last take gave something, or there was none */
    if (live->state == CC_LIVE_PAUSE)
        due = fmin(due, live->resume_at);
    if (live->state == CC_LIVE_TOKEN && live->client->token)
        due = fmin(due, cc_token_due(live->client->token, &live->waiter));
    return due > now ? due - now : 0;
}

const struct ccaas_error *ccaas_live_error(struct ccaas_live *live)
{
    return cc_live_error_of(live);
}

bool ccaas_live_lost(struct ccaas_live *live)
{
    return live->state == CC_LIVE_OPEN && cc_inbox_over(live->inbox);
}

void ccaas_live_info(struct ccaas_live *live, struct ccaas_live_info *info)
{
    *info = (struct ccaas_live_info){
        .messages = live->messages, .opened = live->opened, .lost = live->lost};
    cc_inbox_counts(live->inbox, &info->waiting, &info->conflated,
                    &info->stale);
    info->stale += live->stale;
}
