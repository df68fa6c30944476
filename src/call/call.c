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

static bool prepare(struct ccaas_call *call, const struct ccaas_call_plan *plan)
{
    uint8_t seed[16];
    size_t i;

    call->bell = cc_bell_new();
    call->walks = calloc(plan->url_count + 1, sizeof *call->walks);
    if (!call->bell || !call->walks || !cc_call_plan_copy(call, plan))
        return false;
    if (plan->unique || plan->paged) {
        cc_random_bytes(seed, sizeof seed);
        call->seen = cc_seen_new(seed);
        if (!call->seen)
            return false;
    }
    for (i = 0; i < plan->url_count; i++)
        cc_page_start(&call->walks[i], plan->first_page, plan->page_size,
                      plan->verify);
    if (!call->plan.concurrency)
        call->plan.concurrency = 1;
    call->ahead = CC_CALL_AHEAD / call->plan.concurrency;
    if (call->ahead < CC_CALL_AHEAD_LEAST)
        call->ahead = CC_CALL_AHEAD_LEAST;
    return true;
}

struct ccaas_call *ccaas_call_new(struct ccaas_client *client,
                                  const struct ccaas_call_plan *plan)
{
    struct ccaas_call *call = calloc(1, sizeof *call);

    if (!call)
        return NULL;
    call->client = ccaas_client_hold(client);
    call->next = client->calls;
    call->link = &client->calls;
    if (call->next)
        call->next->link = &call->next;
    client->calls = call;
    call->error.retry_after = -1;
    call->deadline = INFINITY;
    call->info.total_pages = call->info.total = call->info.missing = -1;
    call->info.clean = -1;
    call->info.first_at = call->info.last_at = -1;
    if (!prepare(call, plan)) {
        ccaas_call_free(call);
        return NULL;
    }
    if (client->closed)
        ccaas_call_close(call);
    return call;
}

/* Nothing more is to come: cancels and frees whatever was to bring it, but for
 * the block that has the record at hand. */
static void let_all_go(struct ccaas_call *call)
{
    struct cc_fetch *fetch;

    while ((fetch = call->fetches) != NULL) {
        call->fetches = fetch->next;
        cc_fetch_free(fetch);
    }
    if (call->block && !call->at_hand) {
        call->block->mail.free(&call->block->mail);
        call->block = NULL;
    }
    cc_seen_free(call->seen);
    call->seen = NULL;
    if (call->client->token && call->bell)
        cc_token_leave(call->client->token, call->bell);
    if (call->bell)
        cc_pace_forget(call->client->engine->paces, call->bell);
}

/* Nothing more is to be waited for.  Whoever does nevertheless is woken: loops
 * tell nothing of a descriptor that is no more. */
static void hang_up(struct ccaas_call *call)
{
    if (!call->waiting) {
        cc_bell_quit(call->bell);
        return;
    }
    cc_bell_arm(call->bell); /* it may have been rung for another one */
    cc_bell_ring(call->bell);
}

void cc_call_fail(struct ccaas_call *call, const struct ccaas_error *error)
{
    cc_error_copy(&call->error, error);
    if (call->client->token)
        cc_token_scrub(call->client->token, &call->error);
    call->failed = true;
    let_all_go(call);
    hang_up(call);
}

void cc_call_fail_as(struct ccaas_call *call, enum ccaas_code code,
                     const char *message)
{
    struct ccaas_error error = {.retry_after = -1};

    if (call->fetches)
        cc_error_copy(&error, &call->fetches->error);
    error.retryable = false;
    cc_error_set(&error, code, "%s", message);
    if (call->fetches)
        cc_fetch_moved(call->fetches, &error);
    strncpy(error.method, call->plan.method, sizeof error.method - 1);
    cc_error_url(error.url, sizeof error.url, call->plan.urls[0]);
    cc_call_fail(call, &error);
    cc_error_clear(&error);
}

/* Something was said of the record at hand, or it is given up.  False: the
 * call was closed meanwhile. */
bool cc_call_settle(struct ccaas_call *call)
{
    bool was_at_hand = call->at_hand;

    call->at_hand = false;
    if (was_at_hand && call->closed)
        let_all_go(call);
    return !call->closed && !call->failed;
}

void ccaas_call_close(struct ccaas_call *call)
{
    if (call->closed)
        return;
    call->closed = true;
    *call->link = call->next;
    if (call->next)
        call->next->link = call->link;
    let_all_go(call);
    if (!call->failed)
        cc_error_set(&call->error, CCAAS_CANCELLED, "%s",
                     cc_engine_closing(call->bell));
    if (call->waiting)
        cc_bell_arm(call->bell);
    cc_bell_ring(call->bell);
    cc_bell_finish(call->bell);
}

void ccaas_call_free(struct ccaas_call *call)
{
    struct ccaas_client *client;

    if (!call)
        return;
    client = call->client;
    if (call->bell) {
        ccaas_call_close(call);
        cc_call_settle(call);
    } else if (call->link && (*call->link = call->next) != NULL)
        call->next->link = call->link;
    cc_bell_release(call->bell);
    free(call->walks);
    free(call->memory);
    free(call->headers);
    cc_error_clear(&call->error);
    free(call);
    ccaas_client_free(client);
}

/* -- Going on ---------------------------------------------------------------
 */

static void free_first(struct ccaas_call *call)
{
    struct cc_fetch *fetch = call->fetches;

    call->fetches = fetch->next;
    cc_fetch_free(fetch);
}

/* The first fetch was read to its end. */
static enum ccaas_take finish_page(struct ccaas_call *call)
{
    struct cc_fetch *fetch = call->fetches;
    struct cc_page_walk *walk = &call->walks[fetch->walk];
    struct ccaas_event *event;
    const char *reason = NULL;
    bool news = walk->passes == 1 || fetch->fresh;

    call->info.pages++;
    call->info.page = fetch->page;
    call->info.walk = (int64_t)fetch->walk;
    if (call->plan.counted && fetch->rows < fetch->fresh)
        reason = "the connection was lost, and the list has become shorter "
                 "since: start again";
    if (call->plan.paged)
        reason = cc_page_read(walk, fetch->page, fetch->distinct);
    if (reason) {
        cc_call_fail_as(call, CCAAS_PROTOCOL, reason);
        return CCAAS_TAKE_ERROR;
    }
    event = cc_client_note(call->client, "page", call->plan.method, fetch->url);
    if (event)
        event->page = fetch->page;
    free_first(call);
    return news ? CCAAS_TAKE_PAGE : CCAAS_TAKE_END; /* of what is known */
}

/* The first fetch was past its list's end.  So are those after it in the first
 * pass, where they were asked for side by side in rising order. */
static enum ccaas_take finish_past(struct ccaas_call *call)
{
    size_t walk = call->fetches->walk;
    const char *reason = cc_page_barren(&call->walks[walk]);

    if (reason) {
        cc_call_fail_as(call, CCAAS_PROTOCOL, reason);
        return CCAAS_TAKE_ERROR;
    }
    do
        free_first(call);
    while (call->fetches && call->fetches->walk == walk &&
           call->walks[walk].passes == 1);
    return CCAAS_TAKE_END; /* of this walk */
}

static enum ccaas_take finish(struct ccaas_call *call)
{
    if (!call->ended) {
        call->ended = true;
        cc_call_judge(call);
        let_all_go(call);
        hang_up(call);
    }
    return CCAAS_TAKE_END;
}

/* Takes the next record out of the block that is at hand; false: none is
 * left. */
static bool take_record(struct ccaas_call *call, struct ccaas_record *record)
{
    struct cc_block *block = call->block;
    const struct cc_span *span;

    if (!block)
        return false;
    if (call->span < block->count) {
        span = &block->spans[call->span++];
        record->bytes = block->bytes + (span->begin - block->base);
        record->length = (size_t)(span->end - span->begin);
        record->offset = span->begin;
        call->at_hand = true;
        call->fetches->rows++;
        call->fetches->got += (int64_t)record->length;
        return true;
    }
    call->block = NULL;
    block->mail.free(&block->mail);
    return false;
}

static void start_clock(struct ccaas_call *call, double now)
{
    call->started = true;
    call->pid = getpid();
    if (isfinite(call->plan.deadline))
        call->deadline = now + call->plan.deadline;
}

/* One step of the first fetch.  WAIT: nothing is there now. */
static enum ccaas_take step(struct ccaas_call *call,
                            struct ccaas_record *record)
{
    struct cc_fetch *first = call->fetches;

    if (first->walk != call->walk)
        cc_call_turn_to(call, first->walk);
    switch (first->state) {
    case CC_FETCH_FAILED:
        cc_call_fail(call, &first->error);
        return CCAAS_TAKE_ERROR;
    case CC_FETCH_PAST:
        return finish_past(call);
    case CC_FETCH_READ:
        return finish_page(call);
    case CC_FETCH_UNDERWAY:
        if (first->afresh) {
            first->afresh = false;
            return CCAAS_TAKE_AFRESH;
        }
        call->block = cc_fetch_block(first);
        if (!call->block)
            break;
        call->span = 0;
        call->info.last_at = cc_clock_wall();
        if (take_record(call, record))
            return CCAAS_TAKE_RECORD;
        break;
    case CC_FETCH_TOKEN:
    case CC_FETCH_PAUSE:
        break;
    }
    return CCAAS_TAKE_WAIT;
}

/* The time was spent on the token: its attempts are the story. */
static void blame_the_token(struct ccaas_call *call)
{
    struct cc_fetch *first = call->fetches;
    struct cc_token *token = call->client->token;

    if (first && token && first->state == CC_FETCH_TOKEN)
        cc_token_error(token, &first->waiter, &first->error);
}

/* The deadline has passed. */
static void fail_for_time(struct ccaas_call *call)
{
    struct cc_fetch *first = call->fetches;

    if (first && cc_fetch_unready(first)) {
        cc_fetch_fail(first); /* its error says so */
        cc_call_fail(call, &first->error);
        return;
    }
    blame_the_token(call);
    cc_call_fail_as(call, CCAAS_TIMEOUT, "the deadline has passed");
}

static void disarm(struct ccaas_call *call)
{
    if (call->armed)
        cc_bell_disarm(call->bell);
    call->armed = false;
}

static enum ccaas_take go_on(struct ccaas_call *call,
                             struct ccaas_record *record)
{
    double now = cc_clock_now();
    struct cc_fetch *fetch;
    enum ccaas_take taken;

    if (!call->started)
        start_clock(call, now);
    if (call->pid != getpid()) {
        cc_call_fail_as(call, CCAAS_CANCELLED,
                        "the process forked while this was running");
        return CCAAS_TAKE_ERROR;
    }
    disarm(call);
    ccaas_engine_sweep(call->client->engine);
    if (call->closed)
        return CCAAS_TAKE_ERROR;
    for (;;) {
        if (now >= call->deadline) {
            fail_for_time(call);
            return CCAAS_TAKE_ERROR;
        }
        if (!cc_call_begin_fetches(call)) {
            cc_call_fail_as(call, CCAAS_MEMORY, "out of memory");
            return CCAAS_TAKE_ERROR;
        }
        if (!call->fetches && cc_call_begin_pass(call))
            continue;
        if (!call->fetches)
            return finish(call);
        for (fetch = call->fetches; fetch; fetch = fetch->next)
            cc_fetch_advance(fetch, now);
        /* What arrived may have shown more pages to ask for: now, for it may
         * be long until the reader is through with the records at hand. */
        if (!cc_call_begin_fetches(call)) {
            cc_call_fail_as(call, CCAAS_MEMORY, "out of memory");
            return CCAAS_TAKE_ERROR;
        }
        for (fetch = call->fetches; fetch; fetch = fetch->next)
            if (fetch->state == CC_FETCH_TOKEN)
                cc_fetch_advance(fetch, now);
        cc_fetch_first(call->fetches);
        taken = step(call, record);
        if (taken == CCAAS_TAKE_END)
            continue;
        if (taken != CCAAS_TAKE_WAIT) {
            disarm(call); /* there may be more, of which nobody rings */
            return taken;
        }
        if (call->asked)
            return CCAAS_TAKE_ASK;
        if (call->armed)
            return CCAAS_TAKE_WAIT;
        /* Whatever came before this is seen by one more look. */
        cc_bell_arm(call->bell);
        call->armed = true;
    }
}

/* The fast path looks at the clock now and then only. */
static bool too_late(struct ccaas_call *call)
{
    if (++call->ticks < TICKS)
        return false;
    call->ticks = 0;
    return isfinite(call->deadline) && cc_clock_now() >= call->deadline;
}

static enum ccaas_take take(struct ccaas_call *call,
                            struct ccaas_record *record)
{
    cc_call_settle(call);
    if (call->failed || call->closed)
        return CCAAS_TAKE_ERROR;
    if (call->ended)
        return CCAAS_TAKE_END;
    if (call->plan.limit >= 0 && call->info.rows >= call->plan.limit) {
        call->ended = true;
        if (call->fetches)
            call->info.page = call->fetches->page;
        let_all_go(call);
        hang_up(call);
        return CCAAS_TAKE_END;
    }
    if (ccaas_client_due(call->client))
        return CCAAS_TAKE_PAUSE;
    if (!too_late(call) && take_record(call, record))
        return CCAAS_TAKE_RECORD;
    /* A reader who never has to wait is asked between two blocks. */
    if (cc_store_request_pending(call->client))
        return CCAAS_TAKE_ASK;
    return go_on(call, record);
}

enum ccaas_take ccaas_call_take(struct ccaas_call *call,
                                struct ccaas_record *record)
{
    enum ccaas_take taken = take(call, record);

    /* The end and an error are told again by the next take. */
    if ((taken == CCAAS_TAKE_WAIT || taken == CCAAS_TAKE_END ||
         taken == CCAAS_TAKE_ERROR) &&
        cc_store_request_pending(call->client))
        return CCAAS_TAKE_ASK;
    return taken;
}
