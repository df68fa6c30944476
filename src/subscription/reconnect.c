/* A subscription's link: how its socket is opened, and what its loss means. */
#include "subscription.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "error.h"
#include "proxy.h"
#include "retry_after.h"
#include "text.h"
#include "trust_choice.h"

/* So many sockets in a row that the server closes before any message make
 * another token worth a try. */
#define FRUITLESS 3

struct ccaas_error *cc_live_error_of(struct ccaas_live *live)
{
    if (!live->error) {
        live->error = calloc(1, sizeof *live->error);
        if (live->error)
            live->error->retry_after = -1;
    }
    return live->error ? live->error : &live->client->spare_error;
}

void cc_live_forget_error(struct ccaas_live *live)
{
    if (live->error)
        cc_error_clear(live->error);
    free(live->error);
    live->error = NULL;
}

static void drop_socket(struct ccaas_live *live)
{
    if (!live->socket)
        return;
    cc_bell_at_cut(live->bell, NULL, NULL);
    cc_ws_close(live->socket);
    cc_ws_release(live->socket);
    live->socket = NULL;
}

void cc_live_let_go(struct ccaas_live *live)
{
    live->state = CC_LIVE_OVER;
    drop_socket(live);
    cc_token_waiter_end(&live->waiter);
    if (live->client->token && live->bell)
        cc_token_leave(live->client->token, live->bell);
}

/* -- Errors and events
 * -------------------------------------------------------- */

/* The error is ours: whose it is, and nothing secret in it. */
static void sign_error(struct ccaas_live *live)
{
    struct ccaas_error *error = cc_live_error_of(live);

    strncpy(error->method, "GET", sizeof error->method - 1);
    cc_error_url(error->url, sizeof error->url, live->url);
    if (live->client->token)
        cc_token_scrub(live->client->token, error);
}

static enum ccaas_live_take fail(struct ccaas_live *live)
{
    sign_error(live);
    cc_live_let_go(live);
    return CCAAS_LIVE_TAKE_ERROR;
}

enum ccaas_live_take cc_live_fail_as(struct ccaas_live *live,
                                     enum ccaas_code code, const char *message)
{
    cc_live_error_of(live)->retryable = false;
    cc_error_set(cc_live_error_of(live), code, "%s", message);
    return fail(live);
}

static void note(struct ccaas_live *live, const char *reason)
{
    struct ccaas_event *event =
        cc_client_note(live->client, "socket", "GET", live->url);

    if (!event)
        return;
    event->attempt = live->attempt;
    cc_text_show(event->reason, sizeof event->reason, reason, strlen(reason));
    if (live->state == CC_LIVE_OPEN)
        return;
    event->status = cc_live_error_of(live)->status;
    strncpy(event->code, ccaas_code_name(cc_live_error_of(live)->code),
            sizeof event->code - 1);
}

/* -- Opening
 * --------------------------------------------------------------------- */

static const char *environment(const char *name)
{
    return getenv(name);
}

/* The address with the token in its query, percent-encoded; NULL: memory is
 * out. */
static char *address_with(const struct ccaas_live *live, const char *token)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t room =
        strlen(live->url) + strlen(live->token_name) + 3 * strlen(token) + 3;
    char *text = malloc(room), *at;

    if (!text)
        return NULL;
    at = stpcpy(text, live->url);
    *at++ = strchr(live->url, '?') ? '&' : '?';
    at = stpcpy(at, live->token_name);
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

/* Nobody waits for what it brings; on any thread. */
static void close_socket(void *self)
{
    cc_ws_close(self);
}

/* Opens the socket; `bearer` may be NULL.  What comes of it is in the inbox. */
static void open_socket(struct ccaas_live *live, struct cc_secret *bearer)
{
    struct ccaas_client *client = live->client;
    struct cc_ws *ws = cc_engine_ws(client->engine);
    struct cc_ws_sink sink = cc_inbox_sink(live->inbox);
    struct cc_http_trust trust = cc_trust_for(client->ca_file);
    struct cc_ws_end none = {.code = CCAAS_IO, .message = CC_NO_ROOM};
    struct cc_ws_request request = {
        .url = live->url,
        .bearer = live->token_name ? NULL : bearer,
        .ca_file = trust.file,
        .ca_dir = trust.dir,
        .proxy = cc_proxy_for(live->url, client->proxy, environment),
        .connect_timeout = client->connect_timeout,
        .silence = live->plan.silence,
        .max_message = live->plan.max_message,
    };
    char *address = NULL;

    live->state = CC_LIVE_OPENING;
    live->attempt++;
    live->tries++;
    if (live->token_name && bearer) {
        address = address_with(live, cc_secret_reveal(bearer));
        request.url = address;
    }
    if (ws && request.url)
        live->socket = cc_ws_open(ws, &request, &sink);
    if (address) {
        cc_secret_wipe(address, strlen(address));
        free(address);
    }
    if (live->socket)
        cc_bell_at_cut(live->bell, close_socket, live->socket);
    else
        sink.closed(sink.self, &none);
}

/* It is lost or refused, for that `error`: another attempt follows where there
 * is hope, after a pause that counts from now, or from `since` (monotonic) if
 * the server asked for it then.  `open`: seconds for which it was. */
static enum ccaas_live_take pause_for(struct ccaas_live *live, bool hope,
                                      double open, double since, double at,
                                      struct ccaas_news *news)
{
    double retry_after = cc_live_error_of(live)->retry_after;
    int64_t again = live->fruitful ? live->tries : live->tries - 1;

    live->state = CC_LIVE_PAUSE;
    if (!hope || (live->plan.reconnects >= 0 && again >= live->plan.reconnects))
        return fail(live);
    cc_live_error_of(live)->retryable = true;
    live->resume_at =
        (retry_after >= 0 ? since : cc_clock_now()) +
        cc_retry_link_lost(&live->retry, open, retry_after, cc_random_unit());
    /* DOWN is told once, and again when the server asks for a long pause. */
    if (live->down && retry_after <= live->plan.max_retry_after)
        return CCAAS_LIVE_TAKE_WAIT;
    live->down = true;
    news->at = at;
    news->error = cc_live_error_of(live);
    return CCAAS_LIVE_TAKE_DOWN;
}

/* There is no token: what may pass for one request may pass for this. */
static enum ccaas_live_take lacks_token(struct ccaas_live *live,
                                        struct ccaas_news *news)
{
    cc_token_error(live->client->token, &live->waiter, cc_live_error_of(live));
    cc_token_waiter_end(&live->waiter);
    live->attempt++;
    live->tries++;
    return pause_for(live, cc_live_error_of(live)->retryable, 0, cc_clock_now(),
                     cc_clock_wall(), news);
}

enum ccaas_live_take cc_live_try(struct ccaas_live *live,
                                 struct ccaas_news *news, double now)
{
    struct ccaas_client *client = live->client;
    struct cc_secret *bearer = NULL;

    if (!client->token) {
        open_socket(live, NULL);
        return CCAAS_LIVE_TAKE_WAIT;
    }
    live->waiter.retries = client->retries;
    live->waiter.timeout = client->timeout;
    live->waiter.deadline = live->deadline;
    live->waiter.max_retry_after = live->plan.max_retry_after;
    switch (cc_token_use(client->token, client, &live->waiter, live->bell, now,
                         &bearer, &live->generation)) {
    case CC_TOKEN_HAVE:
        open_socket(live, bearer);
        break;
    case CC_TOKEN_ASK:
        live->asked = true;
        return CCAAS_LIVE_TAKE_ASK;
    case CC_TOKEN_WAIT:
        break;
    case CC_TOKEN_FAILED:
        return lacks_token(live, news);
    }
    return CCAAS_LIVE_TAKE_WAIT;
}

enum ccaas_live_take cc_live_opened(struct ccaas_live *live,
                                    struct ccaas_news *news)
{
    live->state = CC_LIVE_OPEN;
    note(live, "open");
    news->attempt = live->attempt;
    news->at = cc_inbox_opened(live->inbox);
    news->from = live->lost_at;
    cc_live_forget_error(live);
    live->lost_at = -1;
    live->attempt = 0;
    live->down = live->replayed = false;
    live->opened++;
    return CCAAS_LIVE_TAKE_OPEN;
}

/* -- Losing it
 * -------------------------------------------------------------------- */

/* Does the server close the websocket because it does not take the token?  The
 * standard has codes for it; an API may have some of its own. */
static bool refuses_token(const struct ccaas_live *live,
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
    for (i = 0; i < CCAAS_LIVE_REFUSALS && live->plan.refusals[i]; i++)
        if (end->close_code == live->plan.refusals[i])
            return true;
    return false;
}

/* The server closed the websocket in due form: how. */
static void describe_close(struct ccaas_live *live, enum ccaas_code code,
                           const struct cc_ws_end *end)
{
    char number[64], reason[sizeof end->close_reason];
    size_t length = strlen(end->close_reason);

    memcpy(reason, end->close_reason, length);
    if (live->client->token)
        length = cc_token_scrub_text(live->client->token, reason, length,
                                     end->close_cut);
    reason[length] = '\0';
    if (end->close_code == 1005)
        snprintf(number, sizeof number, "no code");
    else
        snprintf(number, sizeof number, "%d", end->close_code);
    cc_error_set(cc_live_error_of(live), code,
                 "the server closed the websocket (%s%s%s)%s", number,
                 reason[0] ? ": " : "", reason,
                 code == CCAAS_AUTH ? ": it refuses the token" : "");
}

static void describe(struct ccaas_live *live, const struct cc_ws_end *end,
                     bool broken, double at)
{
    struct ccaas_error *error;

    cc_live_forget_error(live);
    error = cc_live_error_of(live);
    error->retryable = end->transient;
    error->status = end->status;
    error->retry_after = cc_retry_after_of(end->answer, end->answer_length, at);
    if (broken)
        cc_error_set(error, CCAAS_MEMORY, "out of memory");
    else if (end->code == CCAAS_OK)
        describe_close(
            live, refuses_token(live, end) ? CCAAS_AUTH : CCAAS_NETWORK, end);
    else
        cc_error_set(error, end->code, "%s", end->message);
    sign_error(live);
}

/* The next attempt is made with another token, if there may be one. */
static bool renew_token(struct ccaas_live *live)
{
    if (!live->client->token ||
        !cc_token_refused(live->client->token, live->generation))
        return false;
    cc_token_waiter_end(&live->waiter);
    return true;
}

/* Another token may help, once. */
static bool wants_another_token(struct ccaas_live *live)
{
    if (cc_live_error_of(live)->status != 401 || live->replayed ||
        !renew_token(live))
        return false;
    live->replayed = true;
    live->state = CC_LIVE_TOKEN;
    return true;
}

/* The socket was open for so long.  One that brought nothing shows neither that
 * the link works nor that the token is good.  False: it is not worth opening
 * again. */
static bool learn_from(struct ccaas_live *live, const struct cc_ws_end *end,
                       double open)
{
    if (end->received || open >= live->retry.settled) {
        live->fruitful = true;
        live->renewed = false;
        live->fruitless = 0;
        live->tries = 0;
    }
    if (refuses_token(live, end)) {
        if (live->renewed || !renew_token(live))
            return false;
        live->renewed = true;
    } else if (!end->received && open < live->retry.settled &&
               (end->code == CCAAS_OK || end->code == CCAAS_NETWORK) &&
               ++live->fruitless == FRUITLESS) {
        renew_token(live);
    }
    return true;
}

enum ccaas_live_take cc_live_ended(struct ccaas_live *live,
                                   const struct cc_ws_end *end, double at,
                                   double from, struct ccaas_news *news)
{
    bool was_open = live->state == CC_LIVE_OPEN;
    bool broken = cc_inbox_broken(live->inbox);
    bool starved = end->code == CCAAS_IO || end->code == CCAAS_MEMORY;
    /* A link that was open is worth opening again, whatever ended it, but for
     * the engine's end; also where there is no descriptor or memory just now,
     * unless it was never open. */
    bool hope = end->transient || (starved && live->opened > 0) ||
                (was_open && end->code != CCAAS_TOO_LARGE &&
                 (broken || end->code != CCAAS_CANCELLED));
    double since, open = cc_inbox_lasted(live->inbox, &since);

    drop_socket(live);
    describe(live, end, broken, at);
    live->state = CC_LIVE_PAUSE;
    note(live, was_open ? "lost" : "refused");
    if (wants_another_token(live))
        return CCAAS_LIVE_TAKE_WAIT;
    if (was_open) {
        live->lost++;
        live->lost_at = from;
        hope = learn_from(live, end, open) && hope;
    }
    return pause_for(live, hope, open, since, at, news);
}
