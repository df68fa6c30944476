/* What the response to a fetch means: its head, and its end.  Here a response
 * becomes rows, another attempt, or an error.
 *
 * On the thread that the client belongs to.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "clock.h"
#include "error.h"
#include "header.h"
#include "refusal.h"
#include "retry.h"
#include "retry_after.h"

#define UNREADY_LEAST 0.25
#define UNREADY_MOST 15.0 /* seconds between two requests for a slow report */

/* The number in the headers of that name.  There may be several of them. */
static int64_t page_number(const struct cc_fetch *fetch, const char *name)
{
    const char *at = fetch->headers, *end = at + fetch->headers_length, *value;
    int64_t number = CC_PAGE_NONE;

    while ((value = cc_header(at, (size_t)(end - at), name)) != NULL) {
        at = value + strlen(value) + 1;
        number = cc_page_both(number, cc_page_number(value, strlen(value)));
    }
    return number;
}

/* Reads the numbers that come with a page; a contradiction is an error. */
static void take_page_head(struct cc_fetch *fetch)
{
    struct ccaas_call *call = fetch->call;
    struct cc_page_walk *walk = &call->walks[fetch->walk];
    int64_t numbers[4];
    struct cc_page_head head;
    const char *reason;
    size_t i;

    for (i = 0; i < 4; i++)
        numbers[i] = page_number(fetch, call->plan.page_headers[i]);
    head =
        (struct cc_page_head){numbers[0], numbers[1], numbers[2], numbers[3]};
    reason = cc_page_head(walk, fetch->page, &head);
    if (reason)
        cc_fetch_refuse(fetch, CCAAS_PROTOCOL, reason);
}

/* The file has changed since its first part came: requests all of it again. */
static void ask_for_all(struct cc_fetch *fetch, double at)
{
    fetch->etag[0] = '\0';
    cc_error_set(&fetch->error, CCAAS_NETWORK, "the file changed");
    cc_fetch_retry(fetch, true, true, at);
}

/* Is it a strong entity tag?  We send it back in a header, so it must not
 * break one. */
static bool is_strong_tag(const char *tag)
{
    size_t length = strlen(tag), i;

    if (length < 2 || tag[0] != '"' || tag[length - 1] != '"')
        return false;
    for (i = 1; i + 1 < length; i++)
        if (tag[i] == '"' || (unsigned char)tag[i] <= ' ' || tag[i] == 0x7f)
            return false;
    return true;
}

/* Is JSON wanted, and not bytes? */
static bool wants_json(const struct ccaas_call_plan *plan)
{
    return plan->body != CCAAS_BODY_WHOLE && plan->body != CCAAS_BODY_CHUNKS;
}

/* Is it a 2xx that by its status has no body, although JSON is wanted? */
static bool has_no_content(struct cc_fetch *fetch)
{
    char message[96];

    if (!wants_json(&fetch->call->plan) ||
        (fetch->status != 204 && fetch->status != 205))
        return false;
    snprintf(message, sizeof message,
             "the server answered %d, which has no content, instead of JSON",
             fetch->status);
    cc_fetch_refuse(fetch, CCAAS_PROTOCOL, message);
    return true;
}

/* The head of a body that is handed out in pieces: does it continue where
 * the attempt before ended? */
static void take_chunks_head(struct cc_fetch *fetch, double at)
{
    const char *etag = cc_header(fetch->headers, fetch->headers_length, "etag");
    const char *range =
        cc_header(fetch->headers, fetch->headers_length, "content-range");
    const char *coding =
        cc_header(fetch->headers, fetch->headers_length, "content-encoding");
    long long from = -1;

    if (fetch->status == 206 && fetch->got && etag &&
        strcmp(etag, fetch->etag) != 0) {
        /* The server ignored If-Range. */
        fetch->error.retry_after = -1;
        ask_for_all(fetch, at);
        return;
    }
    if (fetch->status == 206) {
        if (!fetch->got || !range || sscanf(range, "bytes %lld-", &from) != 1 ||
            from != fetch->got)
            cc_fetch_refuse(fetch, CCAAS_PROTOCOL,
                            "the server sent a different part of the file from "
                            "the one requested");
        return;
    }
    fetch->afresh = fetch->afresh || fetch->got > 0;
    fetch->got = 0;
    fetch->etag[0] = '\0';
    /* A weak tag does not promise the same bytes.  A compressed body is
     * counted after decompression, so its tag is of no use. */
    if (etag && is_strong_tag(etag) && strlen(etag) < sizeof fetch->etag &&
        !coding)
        strcpy(fetch->etag, etag);
}

/* Notes where a redirect led to.  It is scrubbed now, because the message is
 * cut later, and half a secret is not recognized. */
static void note_moved(struct cc_fetch *fetch, const char *moved)
{
    size_t length = strlen(moved);
    bool cut = length + 1 == sizeof fetch->moved;

    memcpy(fetch->moved, moved, length);
    length = cc_secrets_scrub(fetch->call->op.client->secrets, fetch->moved,
                              length, cut);
    fetch->moved[length] = '\0';
}

void cc_response_head(struct cc_fetch *fetch, const struct cc_head_mail *mail)
{
    struct ccaas_call *call = fetch->call;

    fetch->status = call->status = mail->status;
    note_moved(fetch, mail->moved);
    memcpy(call->moved, fetch->moved, sizeof call->moved);
    cc_fetch_arrived(fetch, mail->came_at);
    if (!cc_head_mail_keep(mail, &fetch->headers, &fetch->headers_length) ||
        !cc_head_mail_keep(mail, &call->headers, &call->headers_length))
        cc_fetch_refuse(fetch, CCAAS_MEMORY, "out of memory");
    else if (mail->status < 200 || mail->status > 299 || has_no_content(fetch))
        return;
    else if (call->plan.paged)
        take_page_head(fetch);
    else if (call->plan.body == CCAAS_BODY_CHUNKS)
        take_chunks_head(fetch, mail->came_at);
}

/* A whole answer that is no 2xx. */
static void conclude_refusal(struct cc_fetch *fetch, struct cc_end_mail *end,
                             double at)
{
    struct ccaas_call *call = fetch->call;
    struct ccaas_client *client = call->op.client;
    size_t length = end->length;
    int64_t pages;
    bool transient;

    if (fetch->status == 401 && client->token && !call->plan.anonymous &&
        !fetch->replayed &&
        cc_token_refused(client->token, fetch->generation)) {
        fetch->replayed = true;
        fetch->spared++;
        cc_fetch_drop(fetch);
        fetch->state = CC_FETCH_TOKEN;
        return;
    }
    pages =
        cc_refusal_past_end(&client->dialect, fetch->status, end->body, length);
    if (call->plan.paged && pages >= 0 &&
        cc_page_past(&call->walks[fetch->walk], fetch->page, pages) !=
            CC_PAGE_REFUSED) {
        fetch->state = CC_FETCH_PAST;
        return;
    }
    transient = cc_refusal_read(client, fetch->status, fetch->headers,
                                fetch->headers_length, end->body, length,
                                &fetch->error);
    cc_fetch_retry(fetch, transient, true, at);
}

/* A whole 2xx answer, or one that the body reader stopped. */
static void conclude_answer(struct cc_fetch *fetch,
                            const struct cc_end_mail *end, double at)
{
    const struct ccaas_call_plan *plan = &fetch->call->plan;
    const char *type;
    char shown[101];
    bool whole =
        plan->body == CCAAS_BODY_WHOLE || plan->body == CCAAS_BODY_JSON;

    fetch->error.status = fetch->status;
    switch (end->state) {
    case CC_SPLIT_DONE:
        cc_fetch_drop(fetch);
        fetch->state = CC_FETCH_READ;
        break;
    case CC_SPLIT_MORE:
        cc_error_set(&fetch->error, CCAAS_NETWORK, "%s",
                     end->empty ? "the answer is empty instead of JSON"
                                : "the answer was cut short");
        cc_fetch_retry(fetch, true, true, at);
        break;
    case CC_SPLIT_BAD:
        type = cc_header(fetch->headers, fetch->headers_length, "content-type");
        ccaas_client_show(fetch->call->op.client, shown, sizeof shown,
                          type ? type : "", type ? strlen(type) : 0);
        cc_error_set(&fetch->error, CCAAS_PROTOCOL,
                     "malformed JSON at byte %llu of the answer: %s%s%s",
                     (unsigned long long)end->offset, end->reason,
                     type ? "; its content type is " : "", shown);
        cc_fetch_fail(fetch);
        break;
    case CC_SPLIT_LARGE:
        if (whole)
            cc_error_set(&fetch->error, CCAAS_TOO_LARGE,
                         "the answer is larger than max_body (%llu bytes)",
                         (unsigned long long)plan->max_body);
        else
            cc_error_set(&fetch->error, CCAAS_TOO_LARGE,
                         "%s is larger than max_record (%llu bytes)",
                         end->reason, (unsigned long long)plan->max_record);
        cc_fetch_fail(fetch);
        break;
    }
}

/* The server is not ready: sends the same request again later.  This does
 * not count as an attempt.  A Retry-After that is too long ends the call, as
 * always. */
static void wait_for_it(struct cc_fetch *fetch, double at)
{
    const struct ccaas_call_plan *plan = &fetch->call->plan;
    const struct cc_retry_rule rule = {.retries = 1,
                                       .idempotent = true,
                                       .max_retry_after =
                                           plan->max_retry_after};
    const struct cc_retry_attempt attempt = {.number = 1,
                                             .transient = true,
                                             .retry_after =
                                                 fetch->error.retry_after};
    double pause;

    fetch->error.status = fetch->status;
    fetch->error.retryable = true;
    cc_error_set(&fetch->error, CCAAS_TIMEOUT, CC_FETCH_UNREADY);
    if (attempt.retry_after >= 0) {
        pause =
            cc_retry_wait(&rule, &attempt, fetch->call->op.deadline - at, 0);
        if (pause < 0) {
            cc_retry_after_tell(&fetch->error, pause, plan->max_retry_after);
            cc_fetch_fail(fetch);
            return;
        }
        pause = fmax(pause, UNREADY_LEAST);
    } else {
        pause = fmin(0.5 * (1 << fetch->unready), UNREADY_MOST);
    }
    fetch->unready += fetch->unready < 10;
    fetch->spared++;
    cc_fetch_pause(fetch, at, pause);
}

bool cc_fetch_unready(const struct cc_fetch *fetch)
{
    return fetch->unready && fetch->error.status == 202;
}

/* The attempt ended without a whole answer. */
static void conclude_trouble(struct cc_fetch *fetch,
                             const struct cc_http_end *http, bool unready,
                             double at)
{
    char message[sizeof fetch->error.message];

    /* The deadline passed during the request whether the server is ready. */
    if (unready && http->code == CCAAS_TIMEOUT && !http->transient &&
        !fetch->status) {
        fetch->error.status = 202;
        fetch->error.retryable = true;
        cc_error_set(&fetch->error, CCAAS_TIMEOUT, CC_FETCH_UNREADY);
        cc_fetch_fail(fetch);
        return;
    }
    fetch->error.status = http->refusal ? http->refusal : fetch->status;
    cc_refusal_blame(fetch->url, fetch->call->op.client->proxy, http, message,
                     sizeof message);
    cc_error_set(&fetch->error, http->code, "%s", message);
    cc_fetch_retry(fetch, http->transient, http->sent, at);
}

void cc_response_end(struct cc_fetch *fetch, struct cc_end_mail *end)
{
    const struct cc_http_end *http = &end->http;
    double at = end->came_at;
    struct ccaas_event *event = cc_fetch_note(fetch, "attempt");
    bool unready = cc_fetch_unready(fetch);
    char outcome[CC_REFUSAL_OUTCOME];

    cc_refusal_outcome(outcome, http->code, fetch->status);
    if (http->sent && !fetch->status)
        cc_fetch_arrived(fetch, at);
    /* Nothing of an earlier attempt's error remains. */
    cc_error_blank(&fetch->error);
    fetch->error.retry_after = cc_retry_after_of(
        fetch->headers, fetch->headers_length, end->came_wall);
    cc_error_attempt(&fetch->error, http->at, http->seconds, outcome);
    if (event) {
        event->status = http->refusal ? http->refusal : fetch->status;
        event->seconds = http->seconds;
        event->bytes = http->bytes;
        if (http->code != CCAAS_OK)
            snprintf(event->code, sizeof event->code, "%s", outcome);
    }
    note_moved(fetch, end->moved);
    if (http->code != CCAAS_OK) {
        conclude_trouble(fetch, http, unready, at);
    } else if (fetch->status == 202 && fetch->call->plan.patient) {
        wait_for_it(fetch, at);
    } else if (fetch->status == 416 && fetch->got) {
        ask_for_all(fetch, at);
    } else if (fetch->status < 200 || fetch->status > 299) {
        conclude_refusal(fetch, end, at);
    } else {
        conclude_answer(fetch, end, at);
    }
}
