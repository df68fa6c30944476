/* One call from its first request to its last record: which pages are under
 * way, in what order their records go out, and when it is over. */
#include "call.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "store_request.h"

#define TICKS 16 /* takes between two looks at the clock */

/* -- Making and ending
 * --------------------------------------------------------- */

static bool prepare(struct ccaas_flow *flow, const struct ccaas_plan *plan)
{
    uint8_t seed[16];
    size_t i;

    flow->bell = cc_bell_new();
    flow->walks = calloc(plan->url_count + 1, sizeof *flow->walks);
    if (!flow->bell || !flow->walks || !cc_plan_copy(flow, plan))
        return false;
    if (plan->unique || plan->paged) {
        cc_random_bytes(seed, sizeof seed);
        flow->seen = cc_seen_new(seed);
        if (!flow->seen)
            return false;
    }
    for (i = 0; i < plan->url_count; i++)
        cc_page_start(&flow->walks[i], plan->first_page, plan->page_size,
                      plan->verify);
    if (!flow->plan.concurrency)
        flow->plan.concurrency = 1;
    flow->ahead = CC_FLOW_AHEAD / flow->plan.concurrency;
    if (flow->ahead < CC_FLOW_AHEAD_LEAST)
        flow->ahead = CC_FLOW_AHEAD_LEAST;
    return true;
}

struct ccaas_flow *ccaas_flow_new(struct ccaas_client *client,
                                  const struct ccaas_plan *plan)
{
    struct ccaas_flow *flow = calloc(1, sizeof *flow);

    if (!flow)
        return NULL;
    flow->client = ccaas_client_hold(client);
    flow->next = client->flows;
    flow->link = &client->flows;
    if (flow->next)
        flow->next->link = &flow->next;
    client->flows = flow;
    flow->error.retry_after = -1;
    flow->deadline = INFINITY;
    flow->info.total_pages = flow->info.total = flow->info.missing = -1;
    flow->info.clean = -1;
    flow->info.first_at = flow->info.last_at = -1;
    if (!prepare(flow, plan)) {
        ccaas_flow_free(flow);
        return NULL;
    }
    if (client->closed)
        ccaas_flow_close(flow);
    return flow;
}

/* Nothing more is to come: cancels and frees whatever was to bring it, but for
 * the block that has the record at hand. */
static void let_all_go(struct ccaas_flow *flow)
{
    struct cc_fetch *fetch;

    while ((fetch = flow->fetches) != NULL) {
        flow->fetches = fetch->next;
        cc_fetch_free(fetch);
    }
    if (flow->block && !flow->at_hand) {
        flow->block->mail.free(&flow->block->mail);
        flow->block = NULL;
    }
    cc_seen_free(flow->seen);
    flow->seen = NULL;
    if (flow->client->token && flow->bell)
        cc_token_leave(flow->client->token, flow->bell);
    if (flow->bell)
        cc_pace_forget(flow->client->engine->paces, flow->bell);
}

/* Nothing more is to be waited for.  Whoever does nevertheless is woken: loops
 * tell nothing of a descriptor that is no more. */
static void hang_up(struct ccaas_flow *flow)
{
    if (!flow->waiting) {
        cc_bell_quit(flow->bell);
        return;
    }
    cc_bell_arm(flow->bell); /* it may have been rung for another one */
    cc_bell_ring(flow->bell);
}

void cc_flow_fail(struct ccaas_flow *flow, const struct ccaas_error *error)
{
    cc_error_copy(&flow->error, error);
    if (flow->client->token)
        cc_token_scrub(flow->client->token, &flow->error);
    flow->failed = true;
    let_all_go(flow);
    hang_up(flow);
}

void cc_flow_fail_as(struct ccaas_flow *flow, enum ccaas_code code,
                     const char *message)
{
    struct ccaas_error error = {.retry_after = -1};

    if (flow->fetches)
        cc_error_copy(&error, &flow->fetches->error);
    error.retryable = false;
    cc_error_set(&error, code, "%s", message);
    if (flow->fetches)
        cc_fetch_moved(flow->fetches, &error);
    strncpy(error.method, flow->plan.method, sizeof error.method - 1);
    cc_error_url(error.url, sizeof error.url, flow->plan.urls[0]);
    cc_flow_fail(flow, &error);
    cc_error_clear(&error);
}

/* Something was said of the record at hand, or it is given up.  False: the
 * flow was closed meanwhile. */
bool cc_flow_settle(struct ccaas_flow *flow)
{
    bool was_at_hand = flow->at_hand;

    flow->at_hand = false;
    if (was_at_hand && flow->closed)
        let_all_go(flow);
    return !flow->closed && !flow->failed;
}

void ccaas_flow_close(struct ccaas_flow *flow)
{
    if (flow->closed)
        return;
    flow->closed = true;
    *flow->link = flow->next;
    if (flow->next)
        flow->next->link = flow->link;
    let_all_go(flow);
    if (!flow->failed)
        cc_error_set(&flow->error, CCAAS_CANCELLED, "%s",
                     cc_engine_closing(flow->bell));
    if (flow->waiting)
        cc_bell_arm(flow->bell);
    cc_bell_ring(flow->bell);
    cc_bell_finish(flow->bell);
}

void ccaas_flow_free(struct ccaas_flow *flow)
{
    struct ccaas_client *client;

    if (!flow)
        return;
    client = flow->client;
    if (flow->bell) {
        ccaas_flow_close(flow);
        cc_flow_settle(flow);
    } else if (flow->link && (*flow->link = flow->next) != NULL)
        flow->next->link = flow->link;
    cc_bell_release(flow->bell);
    free(flow->walks);
    free(flow->memory);
    free(flow->headers);
    cc_error_clear(&flow->error);
    free(flow);
    ccaas_client_free(client);
}

/* -- Going on ---------------------------------------------------------------
 */

static void free_first(struct ccaas_flow *flow)
{
    struct cc_fetch *fetch = flow->fetches;

    flow->fetches = fetch->next;
    cc_fetch_free(fetch);
}

/* The first fetch was read to its end. */
static enum ccaas_take finish_page(struct ccaas_flow *flow)
{
    struct cc_fetch *fetch = flow->fetches;
    struct cc_page_walk *walk = &flow->walks[fetch->walk];
    struct ccaas_event *event;
    const char *reason = NULL;
    bool news = walk->passes == 1 || fetch->fresh;

    flow->info.pages++;
    flow->info.page = fetch->page;
    flow->info.walk = (int64_t)fetch->walk;
    if (flow->plan.counted && fetch->rows < fetch->fresh)
        reason = "the connection broke off, and the list that was asked for "
                 "again is shorter: start anew";
    if (flow->plan.paged)
        reason = cc_page_read(walk, fetch->page, fetch->distinct);
    if (reason) {
        cc_flow_fail_as(flow, CCAAS_PROTOCOL, reason);
        return CCAAS_TAKE_ERROR;
    }
    event = cc_client_note(flow->client, "page", flow->plan.method, fetch->url);
    if (event)
        event->page = fetch->page;
    free_first(flow);
    return news ? CCAAS_TAKE_PAGE : CCAAS_TAKE_END; /* of what is known */
}

/* The first fetch was past its list's end.  So are those after it in the first
 * pass, where they were asked for side by side in rising order. */
static enum ccaas_take finish_past(struct ccaas_flow *flow)
{
    size_t walk = flow->fetches->walk;
    const char *reason = cc_page_barren(&flow->walks[walk]);

    if (reason) {
        cc_flow_fail_as(flow, CCAAS_PROTOCOL, reason);
        return CCAAS_TAKE_ERROR;
    }
    do
        free_first(flow);
    while (flow->fetches && flow->fetches->walk == walk &&
           flow->walks[walk].passes == 1);
    return CCAAS_TAKE_END; /* of this walk */
}

static enum ccaas_take finish(struct ccaas_flow *flow)
{
    if (!flow->ended) {
        flow->ended = true;
        cc_flow_judge(flow);
        let_all_go(flow);
        hang_up(flow);
    }
    return CCAAS_TAKE_END;
}

/* Takes the next record out of the block that is at hand; false: none is
 * left. */
static bool take_record(struct ccaas_flow *flow, struct ccaas_record *record)
{
    struct cc_block *block = flow->block;
    const struct cc_span *span;

    if (!block)
        return false;
    if (flow->span < block->count) {
        span = &block->spans[flow->span++];
        record->bytes = block->bytes + (span->begin - block->base);
        record->length = (size_t)(span->end - span->begin);
        record->offset = span->begin;
        flow->at_hand = true;
        flow->fetches->rows++;
        flow->fetches->got += (int64_t)record->length;
        return true;
    }
    flow->block = NULL;
    block->mail.free(&block->mail);
    return false;
}

static void start_clock(struct ccaas_flow *flow, double now)
{
    flow->started = true;
    flow->pid = getpid();
    if (isfinite(flow->plan.deadline))
        flow->deadline = now + flow->plan.deadline;
}

/* One step of the first fetch.  WAIT: nothing is there now. */
static enum ccaas_take step(struct ccaas_flow *flow,
                            struct ccaas_record *record)
{
    struct cc_fetch *first = flow->fetches;

    if (first->walk != flow->walk)
        cc_flow_turn_to(flow, first->walk);
    switch (first->state) {
    case CC_FETCH_FAILED:
        cc_flow_fail(flow, &first->error);
        return CCAAS_TAKE_ERROR;
    case CC_FETCH_PAST:
        return finish_past(flow);
    case CC_FETCH_READ:
        return finish_page(flow);
    case CC_FETCH_UNDERWAY:
        if (first->afresh) {
            first->afresh = false;
            return CCAAS_TAKE_AFRESH;
        }
        flow->block = cc_fetch_block(first);
        if (!flow->block)
            break;
        flow->span = 0;
        flow->info.last_at = cc_clock_wall();
        if (take_record(flow, record))
            return CCAAS_TAKE_RECORD;
        break;
    case CC_FETCH_TOKEN:
    case CC_FETCH_PAUSE:
        break;
    }
    return CCAAS_TAKE_WAIT;
}

/* The time was spent on the token: its attempts are the story. */
static void blame_the_token(struct ccaas_flow *flow)
{
    struct cc_fetch *first = flow->fetches;
    struct cc_token *token = flow->client->token;

    if (first && token && first->state == CC_FETCH_TOKEN)
        cc_token_error(token, &first->waiter, &first->error);
}

/* The deadline has passed. */
static void fail_for_time(struct ccaas_flow *flow)
{
    struct cc_fetch *first = flow->fetches;

    if (first && cc_fetch_unready(first)) {
        cc_fetch_fail(first); /* its error says so */
        cc_flow_fail(flow, &first->error);
        return;
    }
    blame_the_token(flow);
    cc_flow_fail_as(flow, CCAAS_TIMEOUT, "the deadline has passed");
}

static void disarm(struct ccaas_flow *flow)
{
    if (flow->armed)
        cc_bell_disarm(flow->bell);
    flow->armed = false;
}

static enum ccaas_take go_on(struct ccaas_flow *flow,
                             struct ccaas_record *record)
{
    double now = cc_clock_now();
    struct cc_fetch *fetch;
    enum ccaas_take taken;

    if (!flow->started)
        start_clock(flow, now);
    if (flow->pid != getpid()) {
        cc_flow_fail_as(flow, CCAAS_CANCELLED,
                        "the process was forked while this was under way");
        return CCAAS_TAKE_ERROR;
    }
    disarm(flow);
    ccaas_engine_sweep(flow->client->engine);
    if (flow->closed)
        return CCAAS_TAKE_ERROR;
    for (;;) {
        if (now >= flow->deadline) {
            fail_for_time(flow);
            return CCAAS_TAKE_ERROR;
        }
        if (!cc_flow_begin_fetches(flow)) {
            cc_flow_fail_as(flow, CCAAS_MEMORY, "out of memory");
            return CCAAS_TAKE_ERROR;
        }
        if (!flow->fetches && cc_flow_begin_pass(flow))
            continue;
        if (!flow->fetches)
            return finish(flow);
        for (fetch = flow->fetches; fetch; fetch = fetch->next)
            cc_fetch_advance(fetch, now);
        /* What arrived may have shown more pages to ask for: now, for it may
         * be long until the reader is through with the records at hand. */
        if (!cc_flow_begin_fetches(flow)) {
            cc_flow_fail_as(flow, CCAAS_MEMORY, "out of memory");
            return CCAAS_TAKE_ERROR;
        }
        for (fetch = flow->fetches; fetch; fetch = fetch->next)
            if (fetch->state == CC_FETCH_TOKEN)
                cc_fetch_advance(fetch, now);
        cc_fetch_first(flow->fetches);
        taken = step(flow, record);
        if (taken == CCAAS_TAKE_END)
            continue;
        if (taken != CCAAS_TAKE_WAIT) {
            disarm(flow); /* there may be more, of which nobody rings */
            return taken;
        }
        if (flow->asked)
            return CCAAS_TAKE_ASK;
        if (flow->armed)
            return CCAAS_TAKE_WAIT;
        /* Whatever came before this is seen by one more look. */
        cc_bell_arm(flow->bell);
        flow->armed = true;
    }
}

/* The fast path looks at the clock now and then only. */
static bool too_late(struct ccaas_flow *flow)
{
    if (++flow->ticks < TICKS)
        return false;
    flow->ticks = 0;
    return isfinite(flow->deadline) && cc_clock_now() >= flow->deadline;
}

static enum ccaas_take take(struct ccaas_flow *flow,
                            struct ccaas_record *record)
{
    cc_flow_settle(flow);
    if (flow->failed || flow->closed)
        return CCAAS_TAKE_ERROR;
    if (flow->ended)
        return CCAAS_TAKE_END;
    if (flow->plan.limit >= 0 && flow->info.rows >= flow->plan.limit) {
        flow->ended = true;
        if (flow->fetches)
            flow->info.page = flow->fetches->page;
        let_all_go(flow);
        hang_up(flow);
        return CCAAS_TAKE_END;
    }
    if (ccaas_client_due(flow->client))
        return CCAAS_TAKE_PAUSE;
    if (!too_late(flow) && take_record(flow, record))
        return CCAAS_TAKE_RECORD;
    /* A reader who never has to wait is asked between two blocks. */
    if (cc_store_request_pending(flow->client))
        return CCAAS_TAKE_ASK;
    return go_on(flow, record);
}

enum ccaas_take ccaas_flow_take(struct ccaas_flow *flow,
                                struct ccaas_record *record)
{
    enum ccaas_take taken = take(flow, record);

    /* The end and an error are told again by the next take. */
    if ((taken == CCAAS_TAKE_WAIT || taken == CCAAS_TAKE_END ||
         taken == CCAAS_TAKE_ERROR) &&
        cc_store_request_pending(flow->client))
        return CCAAS_TAKE_ASK;
    return taken;
}
