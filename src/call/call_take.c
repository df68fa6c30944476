/* How a call makes progress: which fetch is read, when a page and the walk are
 * over, and what the next take returns.
 *
 * On the thread that the client belongs to.  A take never blocks and never
 * calls back.
 */
#include <math.h>
#include <string.h>

#include "call.h"
#include "clock.h"
#include "error.h"
#include "store_request.h"

#define TICKS 16 /* takes between two looks at the clock */

static void free_first(struct ccaas_call *call)
{
    struct cc_fetch *fetch = call->fetches;

    call->fetches = fetch->next;
    cc_fetch_free(fetch);
}

/* The first fetch is read to its end. */
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
    event =
        cc_client_note(call->op.client, "page", call->plan.method, fetch->url);
    if (event)
        event->page = fetch->page;
    free_first(call);
    return news ? CCAAS_TAKE_PAGE
                : CCAAS_TAKE_END; /* only known rows: no page for the caller */
}

/* The first fetch is past the end of its list.  So are the fetches after it
 * in the first pass, which asks for pages in rising order, side by side. */
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
        cc_call_judge(call);
        cc_call_finish(call);
    }
    return CCAAS_TAKE_END;
}

/* Takes the next record out of the block at hand; false: none is left. */
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

/* One step of the first fetch.  WAIT: there is nothing now. */
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

/* The time was spent on the token: the error lists its attempts. */
static void blame_the_token(struct ccaas_call *call)
{
    struct cc_fetch *first = call->fetches;
    struct cc_token *token = call->op.client->token;

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

static enum ccaas_take fail_for_memory(struct ccaas_call *call)
{
    cc_call_fail_as(call, CCAAS_MEMORY, "out of memory");
    return CCAAS_TAKE_ERROR;
}

/* Makes progress with all fetches.  False: memory is out. */
static bool advance(struct ccaas_call *call, double now)
{
    struct cc_fetch *fetch;

    for (fetch = call->fetches; fetch; fetch = fetch->next)
        cc_fetch_advance(fetch, now);
    /* What arrived may have shown more pages.  Request them now: the reader
     * may need a long time for the records at hand. */
    if (!cc_call_begin_fetches(call))
        return false;
    for (fetch = call->fetches; fetch; fetch = fetch->next)
        if (fetch->state == CC_FETCH_TOKEN)
            cc_fetch_advance(fetch, now);
    cc_fetch_first(call->fetches);
    return true;
}

/* May the take continue?  False: it reports the error. */
static bool resume(struct ccaas_call *call, double now)
{
    switch (cc_operation_resume(&call->op, call->plan.deadline, now)) {
    case CC_OPERATION_GO:
        return true;
    case CC_OPERATION_FORKED:
        cc_call_fail_as(call, CCAAS_CANCELLED, CC_OPERATION_FORKED_TEXT);
        break;
    case CC_OPERATION_LATE:
        fail_for_time(call);
        break;
    case CC_OPERATION_CLOSED:
        break;
    }
    return false;
}

/* Looks at everything until there is something to hand out, or until nothing
 * is there after the waker was armed. */
static enum ccaas_take go_on(struct ccaas_call *call,
                             struct ccaas_record *record)
{
    double now = cc_clock_now();
    enum ccaas_take taken;

    if (!resume(call, now))
        return CCAAS_TAKE_ERROR;
    for (;;) {
        if (!cc_call_begin_fetches(call))
            return fail_for_memory(call);
        if (!call->fetches && cc_call_begin_pass(call))
            continue;
        if (!call->fetches)
            return finish(call);
        if (!advance(call, now))
            return fail_for_memory(call);
        taken = step(call, record);
        if (taken == CCAAS_TAKE_END)
            continue;
        if (taken != CCAAS_TAKE_WAIT) {
            cc_operation_disarm(&call->op);
            return taken;
        }
        if (call->op.asked)
            return CCAAS_TAKE_ASK;
        if (!cc_operation_arm(&call->op))
            return CCAAS_TAKE_WAIT;
    }
}

/* The fast path looks at the clock only now and then. */
static bool too_late(struct ccaas_call *call)
{
    if (++call->ticks < TICKS)
        return false;
    call->ticks = 0;
    return isfinite(call->op.deadline) && cc_clock_now() >= call->op.deadline;
}

static enum ccaas_take take(struct ccaas_call *call,
                            struct ccaas_record *record)
{
    cc_call_settle(call);
    if (call->failed || call->op.closed)
        return CCAAS_TAKE_ERROR;
    if (call->ended)
        return CCAAS_TAKE_END;
    if (call->plan.limit >= 0 && call->info.rows >= call->plan.limit) {
        if (call->fetches)
            call->info.page = call->fetches->page;
        cc_call_finish(call);
        return CCAAS_TAKE_END;
    }
    if (ccaas_client_due(call->op.client))
        return CCAAS_TAKE_PAUSE;
    if (!too_late(call) && take_record(call, record))
        return CCAAS_TAKE_RECORD;
    /* A reader that never has to wait gets store requests between two
     * blocks. */
    if (cc_store_request_pending(call->op.client))
        return CCAAS_TAKE_ASK;
    return go_on(call, record);
}

enum ccaas_take ccaas_call_take(struct ccaas_call *call,
                                struct ccaas_record *record)
{
    enum ccaas_take taken = take(call, record);

    /* The next take returns the end or the error again. */
    if ((taken == CCAAS_TAKE_WAIT || taken == CCAAS_TAKE_END ||
         taken == CCAAS_TAKE_ERROR) &&
        cc_store_request_pending(call->op.client))
        return CCAAS_TAKE_ASK;
    return taken;
}
