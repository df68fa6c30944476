/* A subscription: a websocket that is opened again whenever it is lost, for as
 * long as somebody reads. */
#include "live.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "buffer.h"
#include "clock.h"
#include "error.h"
#include "proxy.h"
#include "when.h"

#define TICKS 64   /* takes between two looks at the clock */
#define SETTLED 60 /* seconds open, after which a loss is a first one */

/* Its error, made when there is one: a thousand without any take no room.  When
 * memory is out, one that the client's subscriptions share. */
static struct ccaas_error *error_of(struct ccaas_live *live)
{
    if (!live->error) {
        live->error = calloc(1, sizeof *live->error);
        if (live->error)
            live->error->retry_after = -1;
    }
    return live->error ? live->error : &live->client->spare_error;
}

static void forget_error(struct ccaas_live *live)
{
    if (live->error)
        ccaas_error_clear(live->error);
    free(live->error);
    live->error = NULL;
}

/* -- Making and ending
 * --------------------------------------------------------- */

static bool prepare(struct ccaas_live *live, const struct ccaas_live_plan *plan)
{
    bool failed = false;

    live->plan = *plan;
    live->plan.url = live->url = ccaas_copy(plan->url, &failed);
    live->plan.token_name = live->token_name =
        ccaas_copy(plan->token_name, &failed);
    live->bell = ccaas_bell_new();
    if (failed || !live->bell)
        return false;
    live->form.pick = ccaas_pick_form_new(plan->paths, CCAAS_LIVE_PARTS);
    if (!live->form.pick)
        return false;
    ccaas_random_bytes(live->form.key, sizeof live->form.key);
    live->inbox =
        ccaas_inbox_new(live->bell, plan->queue, plan->block, &live->form);
    live->plan.paths = NULL;
    live->retry = (struct ccaas_retry_link){plan->pause_first, plan->pause_most,
                                            SETTLED, 0};
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

static void drop_socket(struct ccaas_live *live)
{
    if (!live->socket)
        return;
    ccaas_bell_at_cut(live->bell, NULL, NULL);
    ccaas_ws_close(live->socket);
    ccaas_ws_release(live->socket);
    live->socket = NULL;
}

/* Nothing more is to come; what was handed out stays. */
static void let_all_go(struct ccaas_live *live)
{
    live->state = CCAAS_LIVE_OVER;
    drop_socket(live);
    if (live->client->grant && live->bell)
        ccaas_grant_leave(live->client->grant, live->bell);
}

void ccaas_live_close(struct ccaas_live *live)
{
    if (live->closed)
        return;
    live->closed = true;
    *live->link = live->next;
    if (live->next)
        live->next->link = live->link;
    if (live->state != CCAAS_LIVE_OVER) {
        forget_error(live);
        ccaas_error_set(error_of(live), CCAAS_CANCELLED, "closed");
    }
    let_all_go(live);
    if (live->bell)
        ccaas_bell_ring(live->bell);
}

void ccaas_live_free(struct ccaas_live *live)
{
    struct ccaas_client *client;

    if (!live)
        return;
    client = live->client;
    ccaas_live_close(live);
    ccaas_inbox_shut(live->inbox);
    ccaas_newest_free(&live->newest);
    free(live->message.bytes);
    if (live->bell)
        ccaas_bell_quit(live->bell);
    ccaas_bell_release(live->bell);
    free(live->url);
    free(live->token_name);
    forget_error(live);
    free(live);
    ccaas_client_free(client);
}

/* -- Errors and events
 * -------------------------------------------------------- */

/* The error is ours: whose it is, and nothing secret in it. */
static void sign_error(struct ccaas_live *live)
{
    struct ccaas_error *error = error_of(live);

    strncpy(error->method, "GET", sizeof error->method - 1);
    ccaas_error_url(error->url, sizeof error->url, live->url);
    if (live->client->grant)
        ccaas_grant_scrub(live->client->grant, error);
}

static enum ccaas_live_take fail(struct ccaas_live *live)
{
    sign_error(live);
    let_all_go(live);
    return CCAAS_LIVE_TAKE_ERROR;
}

static enum ccaas_live_take fail_as(struct ccaas_live *live,
                                    enum ccaas_code code, const char *message)
{
    error_of(live)->retryable = false;
    ccaas_error_set(error_of(live), code, "%s", message);
    return fail(live);
}

static void note(struct ccaas_live *live, const char *reason)
{
    struct ccaas_event *event =
        ccaas_client_note(live->client, "socket", "GET", live->url);

    if (!event)
        return;
    event->attempt = live->attempt;
    strncpy(event->reason, reason, sizeof event->reason - 1);
    if (live->state == CCAAS_LIVE_OPEN)
        return;
    event->status = error_of(live)->status;
    strncpy(event->code, ccaas_code_name(error_of(live)->code),
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
    ccaas_ws_close(self);
}

/* Opens the socket; `bearer` may be NULL.  What comes of it is in the inbox. */
static void open_socket(struct ccaas_live *live, struct ccaas_secret *bearer)
{
    struct ccaas_client *client = live->client;
    struct ccaas_ws *ws = ccaas_engine_ws(client->engine);
    struct ccaas_ws_sink sink = ccaas_inbox_sink(live->inbox);
    struct ccaas_ws_end none = {.code = CCAAS_IO, .message = CCAAS_NO_ROOM};
    struct ccaas_ws_request request = {
        .url = live->url,
        .bearer = live->token_name ? NULL : bearer,
        .ca_file = client->ca_file,
        .proxy = ccaas_proxy_for(live->url, client->proxy, environment),
        .connect_timeout = client->connect_timeout,
        .silence = live->plan.silence,
        .max_message = live->plan.max_message,
    };
    char *address = NULL;

    live->state = CCAAS_LIVE_OPENING;
    live->attempt++;
    if (live->token_name && bearer) {
        address = address_with(live, ccaas_secret_reveal(bearer));
        request.url = address;
    }
    if (ws && request.url)
        live->socket = ccaas_ws_open(ws, &request, &sink);
    if (address) {
        ccaas_secret_wipe(address, strlen(address));
        free(address);
    }
    if (live->socket)
        ccaas_bell_at_cut(live->bell, close_socket, live->socket);
    else
        sink.closed(sink.self, &none);
}

/* It is lost or refused, for that `error`: another attempt follows where there
 * is hope.  `open`: seconds for which it was. */
static enum ccaas_live_take pause_for(struct ccaas_live *live, bool hope,
                                      double open, double at,
                                      struct ccaas_news *news, double now)
{
    int64_t again = live->opened ? live->attempt : (int64_t)live->attempt - 1;

    live->state = CCAAS_LIVE_PAUSE;
    if (!hope || (live->plan.reconnects >= 0 && again >= live->plan.reconnects))
        return fail(live);
    error_of(live)->retryable = true;
    live->resume_at = now + ccaas_retry_link_lost(&live->retry, open,
                                                  error_of(live)->retry_after,
                                                  ccaas_random_unit());
    if (live->down)
        return CCAAS_LIVE_TAKE_WAIT;
    live->down = true;
    news->at = at;
    news->error = error_of(live);
    return CCAAS_LIVE_TAKE_DOWN;
}

/* There is no token: what may pass for one request may pass for this. */
static enum ccaas_live_take lacks_token(struct ccaas_live *live,
                                        struct ccaas_news *news, double now)
{
    ccaas_error_copy(error_of(live), ccaas_grant_error(live->client->grant));
    live->need = (struct ccaas_grant_need){0};
    live->attempt++;
    return pause_for(live, error_of(live)->retryable, 0, ccaas_clock_wall(),
                     news, now);
}

/* Opens it as soon as there is a token. */
static enum ccaas_live_take try_to_open(struct ccaas_live *live,
                                        struct ccaas_news *news, double now)
{
    struct ccaas_client *client = live->client;
    struct ccaas_secret *bearer = NULL;

    if (!client->grant) {
        open_socket(live, NULL);
        return CCAAS_LIVE_TAKE_WAIT;
    }
    switch (ccaas_grant_use(client->grant, client, &live->need, live->bell, now,
                            &bearer, &live->generation)) {
    case CCAAS_GRANT_HAVE:
        open_socket(live, bearer);
        break;
    case CCAAS_GRANT_ASK:
        live->asked = true;
        return CCAAS_LIVE_TAKE_ASK;
    case CCAAS_GRANT_WAIT:
        break;
    case CCAAS_GRANT_FAILED:
        return lacks_token(live, news, now);
    }
    return CCAAS_LIVE_TAKE_WAIT;
}

static enum ccaas_live_take has_opened(struct ccaas_live *live,
                                       struct ccaas_news *news)
{
    live->state = CCAAS_LIVE_OPEN;
    note(live, "open");
    news->attempt = live->attempt;
    news->at = ccaas_inbox_opened(live->inbox);
    news->from = live->lost_at;
    forget_error(live);
    live->lost_at = -1;
    live->attempt = 0;
    live->down = live->replayed = false;
    live->opened++;
    return CCAAS_LIVE_TAKE_OPEN;
}

/* -- Losing it
 * -------------------------------------------------------------------- */

static void describe(struct ccaas_live *live, const struct ccaas_ws_end *end,
                     bool broken)
{
    struct ccaas_error *error;

    forget_error(live);
    error = error_of(live);
    error->retryable = end->transient;
    error->status = end->status;
    error->retry_after =
        ccaas_retry_after(end->retry_after, strlen(end->retry_after),
                          (int64_t)ccaas_clock_wall());
    if (broken)
        ccaas_error_set(error, CCAAS_MEMORY, "out of memory");
    else if (end->code == CCAAS_OK && end->close_reason[0])
        ccaas_error_set(error, CCAAS_NETWORK,
                        "the server closed the websocket (%d: %s)",
                        end->close_code, end->close_reason);
    else if (end->code == CCAAS_OK)
        ccaas_error_set(error, CCAAS_NETWORK,
                        "the server closed the websocket (%d)",
                        end->close_code);
    else
        ccaas_error_set(error, end->code, "%s", end->message);
    sign_error(live);
}

/* Another token may help, once. */
static bool wants_another_token(struct ccaas_live *live)
{
    if (error_of(live)->status != 401 || live->replayed ||
        !live->client->grant ||
        !ccaas_grant_refused(live->client->grant, live->generation))
        return false;
    live->replayed = true;
    live->need = (struct ccaas_grant_need){0};
    live->state = CCAAS_LIVE_TOKEN;
    return true;
}

/* The socket ended: when, and since when messages may be missed. */
static enum ccaas_live_take has_ended(struct ccaas_live *live,
                                      const struct ccaas_ws_end *end, double at,
                                      double from, struct ccaas_news *news,
                                      double now)
{
    bool was_open = live->state == CCAAS_LIVE_OPEN;
    bool broken = ccaas_inbox_broken(live->inbox);
    /* A link that was open is worth opening again, whatever ended it, but for
     * the engine's end. */
    bool hope = end->transient || (was_open && end->code != CCAAS_TOO_LARGE &&
                                   (broken || end->code != CCAAS_CANCELLED));
    double open = was_open ? at - ccaas_inbox_opened(live->inbox) : 0;

    drop_socket(live);
    describe(live, end, broken);
    live->state = CCAAS_LIVE_PAUSE;
    note(live, was_open ? "lost" : "refused");
    if (wants_another_token(live))
        return CCAAS_LIVE_TAKE_WAIT;
    if (was_open) {
        live->lost++;
        live->lost_at = from;
    }
    return pause_for(live, hope, open, at, news, now);
}

/* -- Going on
 * --------------------------------------------------------------------- */

/* The next message that is news; false: there is none now. */
static bool take_message(struct ccaas_live *live, struct ccaas_news *news,
                         enum ccaas_live_take *taken)
{
    struct ccaas_inbox_message *message = &live->message;
    const struct ccaas_update *update = &message->update;
    bool resume;

    for (;;) {
        bool is_there = ccaas_inbox_take(live->inbox, message, &resume);

        if (resume && live->socket)
            ccaas_ws_resume(live->socket);
        if (!is_there)
            return false;
        if (!update->is_update || update->when == CCAAS_UPDATE_NEVER ||
            ccaas_newest_note(&live->newest, update->hash, update->when))
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
    *taken =
        update->is_update ? CCAAS_LIVE_TAKE_UPDATE : CCAAS_LIVE_TAKE_MESSAGE;
    return true;
}

/* One step; WAIT: nothing is there now. */
static enum ccaas_live_take step(struct ccaas_live *live,
                                 struct ccaas_news *news, double now)
{
    enum ccaas_live_take taken = CCAAS_LIVE_TAKE_WAIT;
    struct ccaas_ws_end end;
    double at, from;

    if (live->state == CCAAS_LIVE_PAUSE && now >= live->resume_at)
        live->state = CCAAS_LIVE_TOKEN;
    if (live->state == CCAAS_LIVE_TOKEN)
        return try_to_open(live, news, now);
    if (live->state == CCAAS_LIVE_PAUSE)
        return CCAAS_LIVE_TAKE_WAIT;
    if (live->state == CCAAS_LIVE_OPENING &&
        ccaas_inbox_opened(live->inbox) >= 0)
        return has_opened(live, news);
    if (live->state == CCAAS_LIVE_OPEN && take_message(live, news, &taken))
        return taken;
    if (ccaas_inbox_broken(live->inbox) && live->socket)
        ccaas_ws_close(live->socket);
    if (!ccaas_inbox_closed(live->inbox, &end, &at, &from))
        return CCAAS_LIVE_TAKE_WAIT;
    /* It opened and ended since the look above: one after the other. */
    if (live->state == CCAAS_LIVE_OPENING && end.opened)
        return has_opened(live, news);
    return has_ended(live, &end, at, from, news, now);
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
    double now = ccaas_clock_now();
    enum ccaas_live_take taken;
    enum ccaas_live_state before;

    if (!live->started)
        start_clock(live, now);
    if (live->pid != getpid())
        return fail_as(live, CCAAS_CANCELLED,
                       "the process was forked while this was under way");
    if (live->armed) {
        ccaas_bell_disarm(live->bell);
        live->armed = false;
    }
    ccaas_engine_sweep(live->client->engine);
    if (live->closed)
        return CCAAS_LIVE_TAKE_ERROR;
    for (;;) {
        if (now >= live->deadline)
            return fail_as(live, CCAAS_TIMEOUT, "the deadline has passed");
        if (live->asked)
            return CCAAS_LIVE_TAKE_ASK;
        before = live->state;
        taken = step(live, news, now);
        if (taken != CCAAS_LIVE_TAKE_WAIT)
            return taken;
        if (live->state != before)
            continue;
        if (live->armed)
            return CCAAS_LIVE_TAKE_WAIT;
        /* Whatever came before this is seen by one more look. */
        ccaas_bell_arm(live->bell);
        live->armed = true;
    }
}

enum ccaas_live_take ccaas_live_take(struct ccaas_live *live,
                                     struct ccaas_news *news)
{
    enum ccaas_live_take taken;

    memset(news, 0, sizeof *news);
    news->from = -1;
    if (live->state == CCAAS_LIVE_OVER)
        return CCAAS_LIVE_TAKE_ERROR;
    /* The fast path looks at the clock now and then only. */
    if (live->state == CCAAS_LIVE_OPEN && !live->armed) {
        if (++live->ticks % TICKS) {
            if (take_message(live, news, &taken))
                return taken;
        } else if (ccaas_client_due(live->client)) {
            return CCAAS_LIVE_TAKE_PAUSE;
        }
    }
    taken = go_on(live, news);
    if (taken == CCAAS_LIVE_TAKE_WAIT && ccaas_ask_pending(live->client))
        return CCAAS_LIVE_TAKE_ASK;
    return taken;
}

bool ccaas_live_note(struct ccaas_live *live, const char *metric,
                     size_t metric_length, const char *category,
                     size_t category_length, const char *updated,
                     size_t updated_length)
{
    uint64_t hash = ccaas_update_hash(&live->form, metric, metric_length,
                                      category, category_length);
    int64_t when;

    if (!ccaas_when_read(updated, updated_length, &when) ||
        ccaas_newest_note(&live->newest, hash, when))
        return true;
    live->stale++;
    return false;
}

/* -- Looking at it
 * -------------------------------------------------------------- */

const char *ccaas_live_question(const struct ccaas_live *live)
{
    return live->client->grant ? ccaas_grant_question(live->client->grant) : "";
}

void ccaas_live_answer(struct ccaas_live *live, const char *token)
{
    live->asked = false;
    if (live->client->grant)
        ccaas_grant_answer(live->client->grant, live->client, live->bell,
                           token);
}

int ccaas_live_fd(struct ccaas_live *live)
{
    return ccaas_bell_fd(live->bell);
}

struct ccaas_bell *ccaas_live_bell(struct ccaas_live *live)
{
    return live->bell;
}

double ccaas_live_timeout(const struct ccaas_live *live)
{
    double due = live->deadline, now = ccaas_clock_now();

    if (!live->armed)
        return 0; /* the last take gave something, or there was none */
    if (live->state == CCAAS_LIVE_PAUSE)
        due = fmin(due, live->resume_at);
    if (live->state == CCAAS_LIVE_TOKEN && live->client->grant)
        due = fmin(due, ccaas_grant_due(live->client->grant));
    return due > now ? due - now : 0;
}

const struct ccaas_error *ccaas_live_error(struct ccaas_live *live)
{
    return error_of(live);
}

bool ccaas_live_lost(struct ccaas_live *live)
{
    return live->state == CCAAS_LIVE_OPEN && ccaas_inbox_over(live->inbox);
}

void ccaas_live_info(struct ccaas_live *live, struct ccaas_live_info *info)
{
    *info = (struct ccaas_live_info){
        .messages = live->messages, .opened = live->opened, .lost = live->lost};
    ccaas_inbox_counts(live->inbox, &info->waiting, &info->conflated,
                       &info->stale);
    info->stale += live->stale;
}
