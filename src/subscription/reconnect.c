/* How a subscription's socket is opened, what its loss means, and when it is
 * opened again.
 *
 * On the thread that the client belongs to.
 */
#include "subscription.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "environment.h"
#include "error.h"
#include "proxy.h"
#include "retry_after.h"
#include "text.h"
#include "trust_choice.h"

/* After this many sockets in a row that the server closes before any
 * message, another token is tried. */
#define FRUITLESS 3

struct ccaas_error *cc_subscription_error_of(struct ccaas_subscription *sub)
{
    if (!sub->error) {
        sub->error = calloc(1, sizeof *sub->error);
        if (sub->error)
            sub->error->retry_after = -1;
    }
    return sub->error ? sub->error : &sub->op.client->spare_error;
}

void cc_subscription_forget_error(struct ccaas_subscription *sub)
{
    if (sub->error)
        cc_error_clear(sub->error);
    free(sub->error);
    sub->error = NULL;
}

static void drop_socket(struct ccaas_subscription *sub)
{
    if (!sub->socket)
        return;
    cc_waker_on_cancel(sub->op.waker, NULL, NULL);
    cc_ws_close(sub->socket);
    cc_ws_release(sub->socket);
    sub->socket = NULL;
}

void cc_subscription_let_go(struct ccaas_subscription *sub)
{
    sub->state = CC_SUBSCRIPTION_OVER;
    drop_socket(sub);
    cc_token_waiter_end(&sub->waiter);
    cc_token_leave(&sub->op);
}

/* -- Errors and events ---------------------------------------------------- */

/* Completes the error: method and url, and no secret in it. */
static void sign_error(struct ccaas_subscription *sub)
{
    cc_client_sign(sub->op.client, cc_subscription_error_of(sub), "GET",
                   sub->url);
}

static enum ccaas_news_kind fail(struct ccaas_subscription *sub)
{
    sign_error(sub);
    cc_subscription_let_go(sub);
    return CCAAS_NEWS_ERROR;
}

enum ccaas_news_kind cc_subscription_fail_as(struct ccaas_subscription *sub,
                                             enum ccaas_code code,
                                             const char *message)
{
    cc_subscription_error_of(sub)->retryable = false;
    cc_error_set(cc_subscription_error_of(sub), code, "%s", message);
    return fail(sub);
}

static void note(struct ccaas_subscription *sub, const char *reason)
{
    struct ccaas_event *event =
        cc_client_note(sub->op.client, "socket", "GET", sub->url);

    if (!event)
        return;
    event->attempt = sub->attempt;
    cc_text_show(event->reason, sizeof event->reason, reason, strlen(reason));
    if (sub->state == CC_SUBSCRIPTION_OPEN)
        return;
    event->status = cc_subscription_error_of(sub)->status;
    strncpy(event->code, ccaas_code_name(cc_subscription_error_of(sub)->code),
            sizeof event->code - 1);
}

/* -- Opening --------------------------------------------------------------- */

/* The address with the token in its query, percent-encoded; NULL: memory is
 * out. */
static char *address_with(const struct ccaas_subscription *sub,
                          const char *token)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t room =
        strlen(sub->url) + strlen(sub->token_name) + 3 * strlen(token) + 3;
    char *text = malloc(room), *at;

    if (!text)
        return NULL;
    at = stpcpy(text, sub->url);
    *at++ = strchr(sub->url, '?') ? '&' : '?';
    at = stpcpy(at, sub->token_name);
    *at++ = '=';
    for (; *token; token++)
        if ((*token >= 'a' && *token <= 'z') ||
            (*token >= 'A' && *token <= 'Z') ||
            (*token >= '0' && *token <= '9') || strchr("-._~", *token)) {
            *at++ = *token;
        } else {
            *at++ = '%';
            *at++ = digits[(unsigned char)*token >> 4];
            *at++ = digits[(unsigned char)*token & 15];
        }
    *at = '\0';
    return text;
}

/* The reader is gone: closes the socket.  On any thread. */
static void close_socket(void *self)
{
    cc_ws_close(self);
}

/* Opens the socket; `bearer` may be NULL.  The outcome is in the event
 * queue. */
static void open_socket(struct ccaas_subscription *sub,
                        struct cc_secret *bearer)
{
    struct ccaas_client *client = sub->op.client;
    struct cc_ws *ws = cc_engine_ws(client->engine);
    struct cc_ws_sink sink = cc_event_queue_sink(sub->queue);
    struct cc_http_trust trust = cc_trust_for(client->ca_file);
    struct cc_ws_end none = {.code = CCAAS_IO, .message = CC_NO_ROOM};
    struct cc_ws_request request = {
        .url = sub->url,
        .bearer = sub->token_name ? NULL : bearer,
        .ca_file = trust.file,
        .ca_dir = trust.dir,
        .proxy = cc_proxy_for(sub->url, client->proxy, cc_environment),
        .connect_timeout = client->connect_timeout,
        .silence = sub->plan.silence,
        .max_message = sub->plan.max_message,
    };
    char *address = NULL;

    sub->state = CC_SUBSCRIPTION_OPENING;
    sub->attempt++;
    sub->tries++;
    if (sub->token_name && bearer) {
        address = address_with(sub, cc_secret_reveal(bearer));
        request.url = address;
    }
    if (ws && request.url)
        sub->socket = cc_ws_open(ws, &request, &sink);
    if (address) {
        cc_secret_wipe(address, strlen(address));
        free(address);
    }
    if (sub->socket)
        cc_waker_on_cancel(sub->op.waker, close_socket, sub->socket);
    else
        sink.closed(sink.self, &none);
}

/* The socket was lost or refused, for that `error`.  If there is `hope`,
 * another attempt follows after a pause.  The pause counts from now, or from
 * `since` (monotonic) if the server asked for it then.  `open`: seconds for
 * which the socket was open. */
static enum ccaas_news_kind pause_for(struct ccaas_subscription *sub, bool hope,
                                      double open, double since, double at,
                                      struct ccaas_news *news)
{
    double retry_after = cc_subscription_error_of(sub)->retry_after;
    int64_t again = sub->fruitful ? sub->tries : sub->tries - 1;

    sub->state = CC_SUBSCRIPTION_PAUSE;
    if (!hope || (sub->plan.reconnects >= 0 && again >= sub->plan.reconnects))
        return fail(sub);
    cc_subscription_error_of(sub)->retryable = true;
    sub->resume_at =
        (retry_after >= 0 ? since : cc_clock_now()) +
        cc_reconnect_wait(&sub->retry, open, retry_after, cc_random_unit());
    /* DOWN is reported once, and again when the server asks for a long
     * pause. */
    if (sub->down && retry_after <= sub->plan.max_retry_after)
        return CCAAS_NEWS_WAIT;
    sub->down = true;
    news->at = at;
    news->error = cc_subscription_error_of(sub);
    return CCAAS_NEWS_DOWN;
}

/* There is no token.  If the token request's error is transient, so is this
 * one. */
static enum ccaas_news_kind lacks_token(struct ccaas_subscription *sub,
                                        struct ccaas_news *news)
{
    cc_token_error(sub->op.client->token, &sub->waiter,
                   cc_subscription_error_of(sub));
    cc_token_waiter_end(&sub->waiter);
    sub->attempt++;
    sub->tries++;
    return pause_for(sub, cc_subscription_error_of(sub)->retryable, 0,
                     cc_clock_now(), cc_clock_wall(), news);
}

enum ccaas_news_kind cc_subscription_try(struct ccaas_subscription *sub,
                                         struct ccaas_news *news, double now)
{
    struct ccaas_client *client = sub->op.client;
    struct cc_secret *bearer = NULL;

    if (!client->token) {
        open_socket(sub, NULL);
        return CCAAS_NEWS_WAIT;
    }
    sub->waiter.retries = client->retries;
    sub->waiter.timeout = client->timeout;
    sub->waiter.deadline = sub->op.deadline;
    sub->waiter.max_retry_after = sub->plan.max_retry_after;
    switch (
        cc_token_use(&sub->op, &sub->waiter, now, &bearer, &sub->generation)) {
    case CC_TOKEN_HAVE:
        open_socket(sub, bearer);
        break;
    case CC_TOKEN_ASK:
        return CCAAS_NEWS_ASK;
    case CC_TOKEN_WAIT:
        break;
    case CC_TOKEN_FAILED:
        return lacks_token(sub, news);
    }
    return CCAAS_NEWS_WAIT;
}

enum ccaas_news_kind cc_subscription_opened(struct ccaas_subscription *sub,
                                            struct ccaas_news *news)
{
    sub->state = CC_SUBSCRIPTION_OPEN;
    note(sub, "open");
    news->attempt = sub->attempt;
    news->at = cc_event_queue_opened(sub->queue);
    news->from = sub->lost_at;
    cc_subscription_forget_error(sub);
    sub->lost_at = -1;
    sub->attempt = 0;
    sub->down = sub->replayed = false;
    sub->opened++;
    return CCAAS_NEWS_OPEN;
}

/* -- Losing it ------------------------------------------------------------- */

/* Did the server close the websocket because it refuses the token?  There
 * are standard codes for it; an API may have more. */
static bool refuses_token(const struct ccaas_subscription *sub,
                          const struct cc_ws_end *end)
{
    static const int standard[] = {1008, 3000, 3003}; /* policy, unauthorized,
                                                         forbidden */
    size_t i;

    if (end->code != CCAAS_OK)
        return false;
    for (i = 0; i < sizeof standard / sizeof *standard; i++)
        if (end->close_code == standard[i])
            return true;
    for (i = 0; i < CCAAS_SUBSCRIPTION_REFUSALS && sub->plan.refusals[i]; i++)
        if (end->close_code == sub->plan.refusals[i])
            return true;
    return false;
}

/* The server closed the websocket properly: says how. */
static void describe_close(struct ccaas_subscription *sub, enum ccaas_code code,
                           const struct cc_ws_end *end)
{
    char number[64], reason[sizeof end->close_reason];
    size_t length = strlen(end->close_reason);

    memcpy(reason, end->close_reason, length);
    length = cc_secrets_scrub(sub->op.client->secrets, reason, length,
                              end->close_cut);
    reason[length] = '\0';
    if (end->close_code == 1005)
        snprintf(number, sizeof number, "no code");
    else
        snprintf(number, sizeof number, "%d", end->close_code);
    cc_error_set(cc_subscription_error_of(sub), code,
                 "the server closed the websocket (%s%s%s)%s", number,
                 reason[0] ? ": " : "", reason,
                 code == CCAAS_AUTH ? ": it refuses the token" : "");
}

static void describe(struct ccaas_subscription *sub,
                     const struct cc_ws_end *end, bool broken, double at)
{
    struct ccaas_error *error;

    cc_subscription_forget_error(sub);
    error = cc_subscription_error_of(sub);
    error->retryable = end->transient;
    error->status = end->status;
    error->retry_after = cc_retry_after_of(end->answer, end->answer_length, at);
    if (broken)
        cc_error_set(error, CCAAS_MEMORY, "out of memory");
    else if (end->code == CCAAS_OK)
        describe_close(
            sub, refuses_token(sub, end) ? CCAAS_AUTH : CCAAS_NETWORK, end);
    else
        cc_error_set(error, end->code, "%s", end->message);
    sign_error(sub);
}

/* The next attempt uses another token, if there can be one. */
static bool renew_token(struct ccaas_subscription *sub)
{
    if (!sub->op.client->token ||
        !cc_token_refused(sub->op.client->token, sub->generation))
        return false;
    cc_token_waiter_end(&sub->waiter);
    return true;
}

/* Is another token worth a try?  Once, after a 401. */
static bool wants_another_token(struct ccaas_subscription *sub)
{
    if (cc_subscription_error_of(sub)->status != 401 || sub->replayed ||
        !renew_token(sub))
        return false;
    sub->replayed = true;
    sub->state = CC_SUBSCRIPTION_TOKEN;
    return true;
}

/* Learns from a socket that was open for so long.  A socket without a
 * message proves neither that the connection works nor that the token is
 * good.  False: opening it again is of no use. */
static bool learn_from(struct ccaas_subscription *sub,
                       const struct cc_ws_end *end, double open)
{
    if (end->received || open >= sub->retry.settled) {
        sub->fruitful = true;
        sub->renewed = false;
        sub->fruitless = 0;
        sub->tries = 0;
    }
    if (refuses_token(sub, end)) {
        if (sub->renewed || !renew_token(sub))
            return false;
        sub->renewed = true;
    } else if (!end->received && open < sub->retry.settled &&
               (end->code == CCAAS_OK || end->code == CCAAS_NETWORK) &&
               ++sub->fruitless == FRUITLESS) {
        renew_token(sub);
    }
    return true;
}

enum ccaas_news_kind cc_subscription_ended(struct ccaas_subscription *sub,
                                           const struct cc_ws_end *end,
                                           double at, double from,
                                           struct ccaas_news *news)
{
    bool was_open = sub->state == CC_SUBSCRIPTION_OPEN;
    bool broken = cc_event_queue_broken(sub->queue);
    bool starved = end->code == CCAAS_IO || end->code == CCAAS_MEMORY;
    /* A socket that was open is opened again, whatever ended it, unless the
     * engine ends.  So is one that was lost because descriptors or memory
     * are out, unless it was never open. */
    bool hope = end->transient || (starved && sub->opened > 0) ||
                (was_open && end->code != CCAAS_TOO_LARGE &&
                 (broken || end->code != CCAAS_CANCELLED));
    double since, open = cc_event_queue_lasted(sub->queue, &since);

    drop_socket(sub);
    describe(sub, end, broken, at);
    sub->state = CC_SUBSCRIPTION_PAUSE;
    note(sub, was_open ? "lost" : "refused");
    if (wants_another_token(sub))
        return CCAAS_NEWS_WAIT;
    if (was_open) {
        sub->lost++;
        sub->lost_at = from;
        hope = learn_from(sub, end, open) && hope;
    }
    return pause_for(sub, hope, open, since, at, news);
}
