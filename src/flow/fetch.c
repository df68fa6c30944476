/* One page of a flow: its request, its attempts, what its answer means. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "clock.h"
#include "error.h"
#include "flow.h"
#include "retry.h"
#include "retry_after.h"
#include "trust.h"

/* The walk's url, with the page's number and size where the plan has them. */
static char *make_url(const struct ccaas_plan *plan, size_t walk, int64_t page)
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

struct ccaas_fetch *ccaas_fetch_new(struct ccaas_flow *flow, size_t walk,
                                    int64_t page)
{
    struct ccaas_fetch *fetch = calloc(1, sizeof *fetch), **link;

    if (!fetch)
        return NULL;
    fetch->flow = flow;
    fetch->walk = walk;
    fetch->page = page;
    fetch->url = make_url(&flow->plan, walk, page);
    fetch->error.retry_after = -1;
    if (!fetch->url) {
        free(fetch);
        return NULL;
    }
    for (link = &flow->fetches; *link && (*link)->walk <= walk;)
        link = &(*link)->next;
    fetch->next = *link;
    *link = fetch;
    flow->fetching++;
    return fetch;
}

/* The gate of the plan; it is there when somebody is inside. */
static struct ccaas_gate *gate_of(struct ccaas_fetch *fetch)
{
    const struct ccaas_plan *plan = &fetch->flow->plan;

    return ccaas_gate_find(fetch->flow->client->engine, plan->gate);
}

void ccaas_fetch_arrived(struct ccaas_fetch *fetch, double at)
{
    if (fetch->inside)
        fetch->not_before =
            fmax(fetch->not_before, at + fetch->flow->plan.gate_seconds);
}

void ccaas_fetch_drop(struct ccaas_fetch *fetch)
{
    /* Nothing was heard of it yet: it may arrive just now. */
    if (fetch->unheard)
        ccaas_fetch_arrived(fetch, ccaas_clock_now());
    fetch->unheard = false;
    if (fetch->inside || fetch->pacing)
        ccaas_gate_leave(gate_of(fetch), fetch, fetch->not_before);
    fetch->inside = fetch->pacing = false;
    if (fetch->transfer)
        ccaas_http_cancel(fetch->transfer);
    ccaas_http_release(fetch->transfer);
    ccaas_reader_release(fetch->reader);
    free(fetch->headers);
    fetch->transfer = NULL;
    fetch->reader = NULL;
    fetch->headers = NULL;
    fetch->headers_length = 0;
}

void ccaas_fetch_free(struct ccaas_fetch *fetch)
{
    ccaas_fetch_drop(fetch);
    ccaas_grant_need_end(&fetch->need);
    ccaas_error_clear(&fetch->error);
    free(fetch->url);
    fetch->flow->fetching--;
    free(fetch);
}

struct ccaas_event *ccaas_fetch_note(struct ccaas_fetch *fetch,
                                     const char *type)
{
    struct ccaas_event *event = ccaas_client_note(
        fetch->flow->client, type, fetch->flow->plan.method, fetch->url);

    if (event) {
        event->attempt = fetch->attempt;
        if (fetch->flow->plan.paged)
            event->page = fetch->page;
    }
    return event;
}

void ccaas_fetch_moved(const struct ccaas_fetch *fetch,
                       struct ccaas_error *error)
{
    char message[240];

    if (!fetch->moved[0])
        return;
    snprintf(message, sizeof message, "%.239s", error->message);
    ccaas_error_set(error, error->code, "%s (redirected to %s)", message,
                    fetch->moved);
}

/* It failed for good. */
void ccaas_fetch_fail(struct ccaas_fetch *fetch)
{
    struct ccaas_client *client = fetch->flow->client;

    strncpy(fetch->error.method, fetch->flow->plan.method,
            sizeof fetch->error.method - 1);
    ccaas_error_url(fetch->error.url, sizeof fetch->error.url, fetch->url);
    ccaas_fetch_moved(fetch, &fetch->error);
    if (client->grant)
        ccaas_grant_scrub(client->grant, &fetch->error);
    ccaas_fetch_drop(fetch);
    fetch->state = CCAAS_FETCH_FAILED;
}

/* No call goes through the plan's gate before `until`. */
static void hold_back(struct ccaas_fetch *fetch, double until)
{
    fetch->not_before = fmax(fetch->not_before, until);
    if (fetch->inside)
        ccaas_gate_hold(gate_of(fetch), until);
}

/* The attempt failed, with fetch->error: again later, or never. */
void ccaas_fetch_retry(struct ccaas_fetch *fetch, bool transient, bool sent,
                       double at)
{
    const struct ccaas_plan *plan = &fetch->flow->plan;
    double retry_after = fetch->error.status ? fetch->error.retry_after : -1;
    struct ccaas_retry_rule rule = {.retries = plan->retries,
                                    .base = 0.5,
                                    .cap = 30,
                                    .idempotent = plan->idempotent,
                                    .max_retry_after = plan->max_retry_after};
    struct ccaas_retry_attempt attempt = {.number =
                                              fetch->attempt - fetch->spared,
                                          .transient = transient,
                                          .sent = sent,
                                          .retry_after = retry_after};
    double pause;

    fetch->error.retry_after = retry_after;
    fetch->error.retryable = transient;
    pause = ccaas_retry_wait(&rule, &attempt, fetch->flow->deadline - at,
                             ccaas_random_unit());
    /* For all who want to go in, whether this one tries again or not. */
    if (fetch->error.code == CCAAS_RATE_LIMITED)
        hold_back(
            fetch,
            at + (pause < 0 ? fmin(retry_after, CCAAS_GATE_PATIENCE) : pause));
    if (pause < 0) {
        ccaas_retry_after_tell(&fetch->error, pause, plan->max_retry_after);
        ccaas_fetch_fail(fetch);
        return;
    }
    ccaas_fetch_pause(fetch, at, pause);
}

void ccaas_fetch_pause(struct ccaas_fetch *fetch, double at, double pause)
{
    struct ccaas_event *event = ccaas_fetch_note(fetch, "wait");

    ccaas_fetch_drop(fetch);
    if (event) {
        event->seconds = pause;
        snprintf(event->code, sizeof event->code, "%s",
                 fetch->error.code ? ccaas_code_name(fetch->error.code) : "");
    }
    fetch->resume_at = at + pause;
    fetch->state = CCAAS_FETCH_PAUSE;
}

/* Fails with an error that is made here. */
void ccaas_fetch_refuse(struct ccaas_fetch *fetch, enum ccaas_code code,
                        const char *message)
{
    fetch->error.status = fetch->status;
    ccaas_error_set(&fetch->error, code, "%s", message);
    ccaas_fetch_fail(fetch);
}

/* The headers that ask for what is missing of a body. */
struct rest {
    const char **headers;
    char range[64], if_range[160];
};

/* False: the whole body is asked for, with the plan's own headers. */
static bool ask_for_rest(struct ccaas_fetch *fetch, struct rest *rest)
{
    const struct ccaas_plan *plan = &fetch->flow->plan;
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

/* The server has told another call to wait, for longer than this one would if
 * it were told so: it fails like that one. */
static bool held_too_long(struct ccaas_fetch *fetch,
                          const struct ccaas_gate *gate, double now)
{
    const struct ccaas_plan *plan = &fetch->flow->plan;
    double left = ccaas_gate_held(gate) - now;

    if (!(left > plan->max_retry_after))
        return false;
    fetch->error.retry_after = ceil(left);
    fetch->error.retryable = true;
    ccaas_error_set(&fetch->error, CCAAS_RATE_LIMITED,
                    "another call was refused");
    ccaas_retry_after_tell(&fetch->error, CCAAS_RETRY_TOO_LONG,
                           plan->max_retry_after);
    ccaas_fetch_fail(fetch);
    return true;
}

/* Goes through the plan's gate, if it has one. */
static bool go_in(struct ccaas_fetch *fetch, double now)
{
    struct ccaas_gate *gate;
    struct ccaas_event *event;

    if (!fetch->flow->plan.gate || fetch->inside)
        return true;
    gate = gate_of(fetch);
    if (!gate) {
        ccaas_fetch_refuse(fetch, CCAAS_MEMORY, "out of memory");
        return false;
    }
    fetch->inside = ccaas_gate_enter(gate, fetch->flow->client, fetch,
                                     fetch->flow->plan.gate_seconds,
                                     fetch->flow->bell, now, &fetch->gate_due);
    if (fetch->inside)
        fetch->gate_due = now;
    if (!fetch->inside && held_too_long(fetch, gate, now))
        return false;
    if (fetch->inside || fetch->pacing)
        return fetch->inside;
    fetch->pacing = true;
    event = ccaas_fetch_note(fetch, "wait");
    if (event) {
        snprintf(event->reason, sizeof event->reason, "pace");
        if (isfinite(fetch->gate_due))
            event->seconds = fetch->gate_due - now;
    }
    return false;
}

static void send(struct ccaas_fetch *fetch, struct ccaas_secret *bearer)
{
    struct ccaas_flow *flow = fetch->flow;
    const struct ccaas_plan *plan = &flow->plan;
    struct ccaas_client *client = flow->client;
    struct ccaas_http *http = ccaas_engine_http(client->engine);
    struct ccaas_http_request request = {
        .method = plan->method,
        .url = fetch->url,
        .headers = plan->headers,
        .bearer = bearer,
        .content = plan->content,
        .content_length = plan->content_length,
        .trust = ccaas_trust_for(client->ca_file),
        .proxy = client->proxy,
        .user_agent = client->user_agent,
        .connect_timeout = client->connect_timeout,
        .timeout = plan->timeout,
        .deadline = flow->deadline,
        .idempotent = plan->idempotent,
        .plain = plan->resume, /* ranges are of the bytes as they are sent */
    };
    struct ccaas_http_sink sink;
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
        ccaas_fetch_note(fetch, "request");
    fetch->reader = ccaas_reader_new(plan, flow->bell, flow->ahead);
    if (fetch->reader) {
        sink = ccaas_reader_sink(fetch->reader);
        ccaas_mailbox_quiet(ccaas_reader_box(fetch->reader), true);
        if (http)
            fetch->transfer = ccaas_http_send(http, &request, &sink);
        if (!fetch->transfer)
            ccaas_reader_unsent(fetch->reader);
    }
    free(rest.headers);
    fetch->unheard = fetch->transfer != NULL;
    fetch->state = CCAAS_FETCH_UNDERWAY;
    if (!fetch->transfer)
        ccaas_fetch_refuse(fetch, CCAAS_IO, CCAAS_NO_ROOM);
}

/* The error is the token request's own, url included; the attempts before it
 * are ours. */
static void fail_for_token(struct ccaas_fetch *fetch)
{
    struct ccaas_attempt *attempts = fetch->error.attempts;
    size_t count = fetch->error.attempt_count, i;

    fetch->error.attempts = NULL;
    fetch->error.attempt_count = 0;
    ccaas_grant_error(fetch->flow->client->grant, &fetch->need, &fetch->error);
    for (i = 0; i < count; i++)
        ccaas_error_attempt(&fetch->error, attempts[i].at, attempts[i].seconds,
                            attempts[i].outcome);
    free(attempts);
    ccaas_fetch_drop(fetch);
    fetch->state = CCAAS_FETCH_FAILED;
}

/* Sends it as soon as there is a token. */
static void try_to_send(struct ccaas_fetch *fetch, double now)
{
    struct ccaas_client *client = fetch->flow->client;
    struct ccaas_secret *bearer = NULL;

    if (fetch->flow->plan.anonymous || !client->grant) {
        if (go_in(fetch, now))
            send(fetch, NULL);
        return;
    }
    fetch->need.retries = fetch->flow->plan.retries;
    fetch->need.timeout = fetch->flow->plan.timeout;
    fetch->need.deadline = fetch->flow->deadline;
    fetch->need.max_retry_after = fetch->flow->plan.max_retry_after;
    switch (ccaas_grant_use(client->grant, client, &fetch->need,
                            fetch->flow->bell, now, &bearer,
                            &fetch->generation)) {
    case CCAAS_GRANT_HAVE:
        if (go_in(fetch, now))
            send(fetch, bearer);
        break;
    case CCAAS_GRANT_ASK:
        fetch->flow->asked = true;
        break;
    case CCAAS_GRANT_WAIT:
        break;
    case CCAAS_GRANT_FAILED:
        fail_for_token(fetch);
        break;
    }
}

/* Takes what has come, up to the next block of records. */
static void receive(struct ccaas_fetch *fetch)
{
    struct ccaas_mail *mail;
    bool resume;
    int kind;

    while (fetch->state == CCAAS_FETCH_UNDERWAY) {
        kind = ccaas_mailbox_peek(ccaas_reader_box(fetch->reader));
        if (kind != CCAAS_MAIL_HEAD && kind != CCAAS_MAIL_END)
            return;
        mail = ccaas_mailbox_take(ccaas_reader_box(fetch->reader), &resume);
        fetch->unheard = false;
        if (kind == CCAAS_MAIL_HEAD)
            ccaas_answer_head(fetch, (struct ccaas_head_mail *)mail);
        else
            ccaas_answer_end(fetch, (struct ccaas_end_mail *)mail);
        mail->free(mail);
    }
}

void ccaas_fetch_advance(struct ccaas_fetch *fetch, double now)
{
    if (fetch->state == CCAAS_FETCH_PAUSE && now >= fetch->resume_at)
        fetch->state = CCAAS_FETCH_TOKEN;
    if (fetch->state == CCAAS_FETCH_UNDERWAY)
        receive(fetch);
    if (fetch->inside && now >= fetch->gate_due)
        fetch->gate_due =
            ccaas_gate_stay(gate_of(fetch), fetch->flow->client, now);
    if (fetch->state == CCAAS_FETCH_TOKEN)
        try_to_send(fetch, now);
}

struct ccaas_block *ccaas_fetch_block(struct ccaas_fetch *fetch)
{
    struct ccaas_mail *mail;
    bool resume;

    if (fetch->state != CCAAS_FETCH_UNDERWAY ||
        ccaas_mailbox_peek(ccaas_reader_box(fetch->reader)) != CCAAS_MAIL_BLOCK)
        return NULL;
    mail = ccaas_mailbox_take(ccaas_reader_box(fetch->reader), &resume);
    if (resume)
        ccaas_http_resume(fetch->transfer);
    return (struct ccaas_block *)mail;
}

bool ccaas_fetch_running(const struct ccaas_fetch *fetch)
{
    /* Before its head is read it may yet tell of pages that come before all
     * others: until then nobody else gets its place. */
    return fetch->state < CCAAS_FETCH_READ &&
           !(fetch->state == CCAAS_FETCH_UNDERWAY && fetch->status &&
             ccaas_mailbox_finished(ccaas_reader_box(fetch->reader)));
}

void ccaas_fetch_first(struct ccaas_fetch *fetch)
{
    if (fetch->reader)
        ccaas_mailbox_quiet(ccaas_reader_box(fetch->reader), false);
}

double ccaas_fetch_due(const struct ccaas_fetch *fetch)
{
    struct ccaas_client *client = fetch->flow->client;
    double due = INFINITY;

    if (fetch->state == CCAAS_FETCH_PAUSE)
        return fetch->resume_at;
    if (fetch->state == CCAAS_FETCH_UNDERWAY && fetch->inside)
        return fetch->gate_due;
    if (fetch->state != CCAAS_FETCH_TOKEN)
        return INFINITY;
    if (client->grant)
        due = ccaas_grant_due(client->grant, &fetch->need);
    /* Who waits for a token does not go in before it is there. */
    return fetch->pacing && !fetch->need.link ? fmin(due, fetch->gate_due)
                                              : due;
}
