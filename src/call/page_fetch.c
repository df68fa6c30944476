/* One page of a call: its request and its attempts.  What the answer means is
 * in response.c.
 *
 * On the thread that the client belongs to.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "call.h"
#include "clock.h"
#include "error.h"
#include "pace.h"
#include "retry.h"
#include "retry_after.h"
#include "trust_choice.h"

/* The walk's url, with the page's number and size where the plan has them. */
static char *make_url(const struct ccaas_call_plan *plan, size_t walk,
                      int64_t page)
{
    const char *url = plan->urls[walk];
    char *text;

    if (!plan->paged)
        return strdup(url);
    if (asprintf(&text, "%s%c%s=%lld&%s=%lld", url,
                 strchr(url, '?') ? '&' : '?', plan->page_name, (long long)page,
                 plan->size_name, (long long)plan->page_size) < 0)
        return NULL;
    return text;
}

struct cc_fetch *cc_fetch_new(struct ccaas_call *call, size_t walk,
                              int64_t page)
{
    struct cc_fetch *fetch = calloc(1, sizeof *fetch), **link;

    if (!fetch)
        return NULL;
    fetch->call = call;
    fetch->walk = walk;
    fetch->page = page;
    fetch->url = make_url(&call->plan, walk, page);
    fetch->error.retry_after = -1;
    if (!fetch->url) {
        free(fetch);
        return NULL;
    }
    for (link = &call->fetches; *link && (*link)->walk <= walk;)
        link = &(*link)->next;
    fetch->next = *link;
    *link = fetch;
    call->fetching++;
    return fetch;
}

/* The plan's pace; it exists while a call is inside. */
static struct cc_pace *pace_of(struct cc_fetch *fetch)
{
    const struct ccaas_call_plan *plan = &fetch->call->plan;

    return cc_pace_find(fetch->call->op.client->engine, plan->pace);
}

void cc_fetch_arrived(struct cc_fetch *fetch, double at)
{
    if (fetch->inside)
        fetch->not_before =
            fmax(fetch->not_before, at + fetch->call->plan.pace_seconds);
}

void cc_fetch_drop(struct cc_fetch *fetch)
{
    /* Nothing of an answer was read: the request may arrive at this moment. */
    if (fetch->unheard)
        cc_fetch_arrived(fetch, cc_clock_now());
    fetch->unheard = false;
    if (fetch->inside || fetch->pacing)
        cc_pace_leave(pace_of(fetch), fetch, fetch->not_before);
    fetch->inside = fetch->pacing = false;
    if (fetch->transfer)
        cc_http_cancel(fetch->transfer);
    cc_http_release(fetch->transfer);
    cc_body_reader_release(fetch->reader);
    free(fetch->headers);
    fetch->transfer = NULL;
    fetch->reader = NULL;
    fetch->headers = NULL;
    fetch->headers_length = 0;
}

void cc_fetch_free(struct cc_fetch *fetch)
{
    cc_fetch_drop(fetch);
    cc_token_waiter_end(&fetch->waiter);
    cc_error_clear(&fetch->error);
    free(fetch->url);
    fetch->call->fetching--;
    free(fetch);
}

struct ccaas_event *cc_fetch_note(struct cc_fetch *fetch, const char *type)
{
    struct ccaas_event *event = cc_client_note(
        fetch->call->op.client, type, fetch->call->plan.method, fetch->url);

    if (event) {
        event->attempt = fetch->attempt;
        if (fetch->call->plan.paged)
            event->page = fetch->page;
    }
    return event;
}

void cc_fetch_moved(const struct cc_fetch *fetch, struct ccaas_error *error)
{
    char message[240];

    if (!fetch->moved[0])
        return;
    snprintf(message, sizeof message, "%.239s", error->message);
    cc_error_set(error, error->code, "%s (redirected to %s)", message,
                 fetch->moved);
}

/* It failed for good. */
void cc_fetch_fail(struct cc_fetch *fetch)
{
    cc_fetch_moved(fetch, &fetch->error);
    cc_client_sign(fetch->call->op.client, &fetch->error,
                   fetch->call->plan.method, fetch->url);
    cc_fetch_drop(fetch);
    fetch->state = CC_FETCH_FAILED;
}

/* No call of the plan's pace starts before `until`. */
static void hold_back(struct cc_fetch *fetch, double until)
{
    fetch->not_before = fmax(fetch->not_before, until);
    if (fetch->inside)
        cc_pace_hold(pace_of(fetch), until);
}

/* The attempt failed, with fetch->error: again later, or never. */
void cc_fetch_retry(struct cc_fetch *fetch, bool transient, bool sent,
                    double at)
{
    const struct ccaas_call_plan *plan = &fetch->call->plan;
    double retry_after = fetch->error.status ? fetch->error.retry_after : -1;
    struct cc_retry_rule rule = {.retries = plan->retries,
                                 .base = 0.5,
                                 .cap = 30,
                                 .idempotent = plan->idempotent,
                                 .max_retry_after = plan->max_retry_after};
    struct cc_retry_attempt attempt = {.number = fetch->attempt - fetch->spared,
                                       .transient = transient,
                                       .sent = sent,
                                       .retry_after = retry_after};
    double pause;

    fetch->error.retry_after = retry_after;
    fetch->error.retryable = transient;
    pause = cc_retry_wait(&rule, &attempt, fetch->call->op.deadline - at,
                          cc_random_unit());
    /* This holds for all calls of that pace, whether this one tries again or
     * not. */
    if (fetch->error.code == CCAAS_RATE_LIMITED)
        hold_back(fetch, at + (pause < 0 ? fmin(retry_after, CC_PACE_PATIENCE)
                                         : pause));
    if (pause < 0) {
        cc_retry_after_tell(&fetch->error, pause, plan->max_retry_after);
        cc_fetch_fail(fetch);
        return;
    }
    cc_fetch_pause(fetch, at, pause);
}

void cc_fetch_pause(struct cc_fetch *fetch, double at, double pause)
{
    struct ccaas_event *event = cc_fetch_note(fetch, "wait");

    cc_fetch_drop(fetch);
    if (event) {
        event->seconds = pause;
        snprintf(event->code, sizeof event->code, "%s",
                 fetch->error.code ? ccaas_code_name(fetch->error.code) : "");
    }
    fetch->resume_at = at + pause;
    fetch->state = CC_FETCH_PAUSE;
}

/* Fails with an error that is made here. */
void cc_fetch_refuse(struct cc_fetch *fetch, enum ccaas_code code,
                     const char *message)
{
    fetch->error.status = fetch->status;
    cc_error_set(&fetch->error, code, "%s", message);
    cc_fetch_fail(fetch);
}

/* The headers that request the missing part of a body. */
struct rest {
    const char **headers;
    char range[64], if_range[160];
};

/* False: the whole body is requested, with the plan's own headers. */
static bool ask_for_rest(struct cc_fetch *fetch, struct rest *rest)
{
    const struct ccaas_call_plan *plan = &fetch->call->plan;
    size_t count = 0;

    rest->headers = NULL;
    if (!plan->resume || !fetch->got || !fetch->etag[0])
        return false;
    while (plan->headers[count])
        count++;
    rest->headers = malloc((count + 3) * sizeof *rest->headers);
    if (!rest->headers)
        return false;
    memcpy(rest->headers, plan->headers, count * sizeof *rest->headers);
    snprintf(rest->range, sizeof rest->range, "Range: bytes=%lld-",
             (long long)fetch->got);
    snprintf(rest->if_range, sizeof rest->if_range, "If-Range: %s",
             fetch->etag);
    rest->headers[count] = rest->range;
    rest->headers[count + 1] = rest->if_range;
    rest->headers[count + 2] = NULL;
    return true;
}

/* The server told another call of this pace to wait, for longer than this
 * call's max_retry_after: it fails, too. */
static bool held_too_long(struct cc_fetch *fetch, const struct cc_pace *pace,
                          double now)
{
    const struct ccaas_call_plan *plan = &fetch->call->plan;
    double left = cc_pace_held(pace) - now;

    if (!(left > plan->max_retry_after))
        return false;
    fetch->error.retry_after = ceil(left);
    fetch->error.retryable = true;
    cc_error_set(&fetch->error, CCAAS_RATE_LIMITED, "another call was refused");
    cc_retry_after_tell(&fetch->error, CC_RETRY_TOO_LONG,
                        plan->max_retry_after);
    cc_fetch_fail(fetch);
    return true;
}

/* Enters the plan's pace, if it has one. */
static bool go_in(struct cc_fetch *fetch, double now)
{
    struct cc_pace *pace;
    struct ccaas_event *event;

    if (!fetch->call->plan.pace || fetch->inside)
        return true;
    pace = pace_of(fetch);
    if (!pace) {
        cc_fetch_refuse(fetch, CCAAS_MEMORY, "out of memory");
        return false;
    }
    fetch->inside = cc_pace_enter(pace, fetch->call->op.client, fetch,
                                  fetch->call->plan.pace_seconds,
                                  fetch->call->op.waker, now, &fetch->pace_due);
    if (fetch->inside)
        fetch->pace_due = now;
    if (!fetch->inside && held_too_long(fetch, pace, now))
        return false;
    if (fetch->inside || fetch->pacing)
        return fetch->inside;
    fetch->pacing = true;
    event = cc_fetch_note(fetch, "wait");
    if (event) {
        snprintf(event->reason, sizeof event->reason, "pace");
        if (isfinite(fetch->pace_due))
            event->seconds = fetch->pace_due - now;
    }
    return false;
}

static void send(struct cc_fetch *fetch, struct cc_secret *bearer)
{
    struct ccaas_call *call = fetch->call;
    const struct ccaas_call_plan *plan = &call->plan;
    struct ccaas_client *client = call->op.client;
    struct cc_http *http = cc_engine_http(client->engine);
    struct cc_http_request request = {
        .method = plan->method,
        .url = fetch->url,
        .headers = plan->headers,
        .bearer = bearer,
        .content = plan->content,
        .content_length = plan->content_length,
        .trust = cc_trust_for(client->ca_file),
        .proxy = client->proxy,
        .user_agent = client->user_agent,
        .connect_timeout = client->connect_timeout,
        .timeout = plan->timeout,
        .deadline = call->op.deadline,
        .idempotent = plan->idempotent,
        .plain = plan->resume, /* ranges count the bytes as they are sent */
    };
    struct cc_http_sink sink;
    struct rest rest;

    if (ask_for_rest(fetch, &rest))
        request.headers = rest.headers;
    fetch->attempt++;
    fetch->again = fetch->named;
    fetch->nameless_given = fetch->nameless > fetch->nameless_given
                                ? fetch->nameless
                                : fetch->nameless_given;
    fetch->rows = fetch->nameless = 0;
    fetch->status = 0;
    fetch->moved[0] = '\0';
    if (fetch->attempt == 1)
        cc_fetch_note(fetch, "request");
    fetch->reader = cc_body_reader_new(plan, call->op.waker, call->ahead);
    if (fetch->reader) {
        sink = cc_body_reader_sink(fetch->reader);
        cc_mailbox_quiet(cc_body_reader_box(fetch->reader), true);
        if (http)
            fetch->transfer = cc_http_send(http, &request, &sink);
        if (!fetch->transfer)
            cc_body_reader_unsent(fetch->reader);
    }
    free(rest.headers);
    fetch->unheard = fetch->transfer != NULL;
    fetch->state = CC_FETCH_UNDERWAY;
    if (!fetch->transfer)
        cc_fetch_refuse(fetch, CCAAS_IO, CC_NO_ROOM);
}

/* Fails with the error of the token request, including its url.  The
 * attempts before it are this fetch's. */
static void fail_for_token(struct cc_fetch *fetch)
{
    struct ccaas_attempt *attempts = fetch->error.attempts;
    size_t count = fetch->error.attempt_count, i;

    fetch->error.attempts = NULL;
    fetch->error.attempt_count = 0;
    cc_token_error(fetch->call->op.client->token, &fetch->waiter,
                   &fetch->error);
    for (i = 0; i < count; i++)
        cc_error_attempt(&fetch->error, attempts[i].at, attempts[i].seconds,
                         attempts[i].outcome);
    free(attempts);
    cc_fetch_drop(fetch);
    fetch->state = CC_FETCH_FAILED;
}

/* Sends it as soon as there is a token. */
static void try_to_send(struct cc_fetch *fetch, double now)
{
    struct ccaas_client *client = fetch->call->op.client;
    struct cc_secret *bearer = NULL;

    if (fetch->call->plan.anonymous || !client->token) {
        if (go_in(fetch, now))
            send(fetch, NULL);
        return;
    }
    fetch->waiter.retries = fetch->call->plan.retries;
    fetch->waiter.timeout = fetch->call->plan.timeout;
    fetch->waiter.deadline = fetch->call->op.deadline;
    fetch->waiter.max_retry_after = fetch->call->plan.max_retry_after;
    switch (cc_token_use(&fetch->call->op, &fetch->waiter, now, &bearer,
                         &fetch->generation)) {
    case CC_TOKEN_HAVE:
        if (go_in(fetch, now))
            send(fetch, bearer);
        break;
    case CC_TOKEN_ASK:
    case CC_TOKEN_WAIT:
        break;
    case CC_TOKEN_FAILED:
        fail_for_token(fetch);
        break;
    }
}

/* Takes what has arrived, up to the next block of records. */
static void receive(struct cc_fetch *fetch)
{
    struct cc_mail *mail;
    bool resume;
    int kind;

    while (fetch->state == CC_FETCH_UNDERWAY) {
        kind = cc_mailbox_peek(cc_body_reader_box(fetch->reader));
        if (kind != CC_MAIL_HEAD && kind != CC_MAIL_END)
            return;
        mail = cc_mailbox_take(cc_body_reader_box(fetch->reader), &resume);
        fetch->unheard = false;
        if (kind == CC_MAIL_HEAD)
            cc_response_head(fetch, (struct cc_head_mail *)mail);
        else
            cc_response_end(fetch, (struct cc_end_mail *)mail);
        mail->free(mail);
    }
}

void cc_fetch_advance(struct cc_fetch *fetch, double now)
{
    if (fetch->state == CC_FETCH_PAUSE && now >= fetch->resume_at)
        fetch->state = CC_FETCH_TOKEN;
    if (fetch->state == CC_FETCH_UNDERWAY)
        receive(fetch);
    if (fetch->inside && now >= fetch->pace_due)
        fetch->pace_due =
            cc_pace_stay(pace_of(fetch), fetch->call->op.client, now);
    if (fetch->state == CC_FETCH_TOKEN)
        try_to_send(fetch, now);
}

struct cc_block *cc_fetch_block(struct cc_fetch *fetch)
{
    struct cc_mail *mail;
    bool resume;

    if (fetch->state != CC_FETCH_UNDERWAY ||
        cc_mailbox_peek(cc_body_reader_box(fetch->reader)) != CC_MAIL_BLOCK)
        return NULL;
    mail = cc_mailbox_take(cc_body_reader_box(fetch->reader), &resume);
    if (resume)
        cc_http_resume(fetch->transfer);
    return (struct cc_block *)mail;
}

bool cc_fetch_running(const struct cc_fetch *fetch)
{
    /* The head may still show pages that come before all others.  Until it
     * is read, no other fetch gets this place. */
    return fetch->state < CC_FETCH_READ &&
           !(fetch->state == CC_FETCH_UNDERWAY && fetch->status &&
             cc_mailbox_finished(cc_body_reader_box(fetch->reader)));
}

void cc_fetch_first(struct cc_fetch *fetch)
{
    if (fetch->reader)
        cc_mailbox_quiet(cc_body_reader_box(fetch->reader), false);
}

double cc_fetch_due(const struct cc_fetch *fetch)
{
    struct ccaas_client *client = fetch->call->op.client;
    double due = INFINITY;

    if (fetch->state == CC_FETCH_PAUSE)
        return fetch->resume_at;
    if (fetch->state == CC_FETCH_UNDERWAY && fetch->inside)
        return fetch->pace_due;
    if (fetch->state != CC_FETCH_TOKEN)
        return INFINITY;
    if (client->token)
        due = cc_token_due(client->token, &fetch->waiter);
    /* Without a token the pace is not entered. */
    return fetch->pacing && !fetch->waiter.link ? fmin(due, fetch->pace_due)
                                                : due;
}
