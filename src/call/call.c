/* A call from when it is made to when it is freed, and what is known of it from
 * outside.  How it makes progress is in call_take.c. */
#include "call.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "error.h"
#include "pace.h"

/* -- Making and ending ----------------------------------------------------- */

static void close_operation(struct cc_operation *operation)
{
    ccaas_call_close((struct ccaas_call *)operation);
}

static bool prepare(struct ccaas_call *call, const struct ccaas_call_plan *plan)
{
    uint8_t seed[16];
    size_t i;

    call->walks = calloc(plan->url_count + 1, sizeof *call->walks);
    if (!call->walks || !cc_call_plan_copy(call, plan))
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
    call->error.retry_after = -1;
    call->info.total_pages = call->info.total = call->info.missing = -1;
    call->info.clean = -1;
    call->info.first_at = call->info.last_at = -1;
    if (!cc_operation_start(&call->op, client, close_operation) ||
        !prepare(call, plan)) {
        ccaas_call_free(call);
        return NULL;
    }
    if (client->closed)
        ccaas_call_close(call);
    return call;
}

/* Cancels and frees everything that brings records, except the block that
 * has the record at hand. */
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
    cc_token_leave(&call->op);
    if (call->op.waker)
        cc_pace_forget(call->op.client->engine->paces, call->op.waker);
}

/* The call is over.  Wakes waiters before the descriptor is closed: event loops
 * do not report closed descriptors. */
static void hang_up(struct ccaas_call *call)
{
    if (!call->waiting) {
        cc_waker_close(call->op.waker);
        return;
    }
    cc_waker_arm(call->op.waker); /* an earlier wake may have been used up */
    cc_waker_wake(call->op.waker);
}

void cc_call_finish(struct ccaas_call *call)
{
    call->ended = true;
    let_all_go(call);
    hang_up(call);
}

void cc_call_fail(struct ccaas_call *call, const struct ccaas_error *error)
{
    cc_error_copy(&call->error, error);
    cc_secrets_scrub_error(call->op.client->secrets, &call->error);
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
    cc_client_sign(call->op.client, &error, call->plan.method,
                   call->plan.urls[0]);
    cc_call_fail(call, &error);
    cc_error_clear(&error);
}

bool cc_call_settle(struct ccaas_call *call)
{
    bool was_at_hand = call->at_hand;

    call->at_hand = false;
    if (was_at_hand && call->op.closed)
        let_all_go(call);
    return !call->op.closed && !call->failed;
}

void ccaas_call_close(struct ccaas_call *call)
{
    if (!cc_operation_close(&call->op))
        return;
    let_all_go(call);
    if (!call->failed)
        cc_error_set(&call->error, CCAAS_CANCELLED, "%s",
                     cc_operation_closing(&call->op));
    if (!call->op.waker)
        return;
    if (call->waiting)
        cc_waker_arm(call->op.waker);
    cc_waker_wake(call->op.waker);
    cc_waker_finish(call->op.waker);
}

void ccaas_call_free(struct ccaas_call *call)
{
    if (!call)
        return;
    ccaas_call_close(call);
    cc_call_settle(call);
    free(call->walks);
    free(call->memory);
    free(call->headers);
    cc_error_clear(&call->error);
    cc_operation_end(&call->op);
    free(call);
}

/* -- Known from outside ---------------------------------------------------- */

const char *ccaas_call_token_reason(const struct ccaas_call *call)
{
    return cc_token_reason(&call->op);
}

void ccaas_call_give_token(struct ccaas_call *call, const char *token)
{
    cc_token_give(&call->op, token);
}

struct ccaas_waker *ccaas_call_waker(struct ccaas_call *call)
{
    return call->op.waker;
}

int ccaas_call_fd(struct ccaas_call *call)
{
    return cc_waker_fd(call->op.waker);
}

void ccaas_call_waiting(struct ccaas_call *call, bool begins)
{
    if (begins)
        call->waiting++;
    else if (!--call->waiting && (call->ended || call->failed))
        cc_waker_close(call->op.waker);
}

double ccaas_call_timeout(const struct ccaas_call *call)
{
    const struct cc_fetch *fetch;
    double due = INFINITY;

    for (fetch = call->fetches; fetch; fetch = fetch->next)
        due = fmin(due, cc_fetch_due(fetch));
    return cc_operation_timeout(&call->op, due);
}

const struct ccaas_error *ccaas_call_error(const struct ccaas_call *call)
{
    return &call->error;
}

int ccaas_call_status(const struct ccaas_call *call)
{
    return call->status;
}

const char *ccaas_call_moved(const struct ccaas_call *call)
{
    return call->moved[0] ? call->moved : NULL;
}

const char *ccaas_call_headers(const struct ccaas_call *call, size_t *length)
{
    *length = call->headers_length;
    return call->headers;
}
