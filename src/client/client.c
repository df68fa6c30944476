/* Engine and client: settings, events, and what an API's errors mean. */
#include "context.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "call.h"
#include "check.h"
#include "clock.h"
#include "door.h"
#include "error.h"
#include "header.h"
#include "proxy.h"
#include "retry.h"
#include "secret.h"
#include "store_request.h"
#include "subscription.h"
#include "text.h"

struct ccaas_engine *ccaas_engine_new(void)
{
    struct ccaas_engine *engine = calloc(1, sizeof *engine);

    if (!engine)
        return NULL;
    engine->references = 1;
    engine->http = cc_http_new();
    if (!engine->http) {
        free(engine);
        return NULL;
    }
    return engine;
}

void ccaas_engine_stop(struct ccaas_engine *engine)
{
    cc_http_stop(engine->http);
    if (engine->ws && !cc_ws_forked(engine->ws))
        cc_ws_stop(engine->ws);
}

void ccaas_engine_stay(struct ccaas_engine *engine)
{
    struct cc_http *http = cc_engine_http(engine);

    if (http)
        cc_http_stay(http);
}

void ccaas_engine_free(struct ccaas_engine *engine)
{
    if (!engine || --engine->references)
        return;
    cc_token_free_all(engine);
    cc_pace_free_all(engine->paces);
    cc_store_request_free_all(engine);
    cc_http_free(engine->http);
    if (engine->ws && !cc_ws_forked(engine->ws))
        cc_ws_free(engine->ws);
    cc_door_close(engine->door);
    free(engine);
}

struct ccaas_door *ccaas_engine_door(struct ccaas_engine *engine)
{
    struct cc_http *http = cc_engine_http(engine);

    if (engine->door || !http)
        return engine->door;
    engine->door = cc_door_open();
    engine->cuts = 0;
    if (engine->door && !cc_http_attend(http, cc_door_fd(engine->door),
                                        cc_door_attend, engine->door)) {
        cc_door_close(engine->door);
        engine->door = NULL;
        errno = EAGAIN;
    }
    return engine->door;
}

void ccaas_engine_sweep(struct ccaas_engine *engine)
{
    struct ccaas_client *client;
    struct ccaas_call *call, *next;
    struct ccaas_subscription *sub, *later;

    if (!engine->door || engine->cuts == cc_door_cuts(engine->door))
        return;
    engine->cuts = cc_door_cuts(engine->door);
    for (client = engine->clients; client; client = client->next) {
        for (call = client->calls; call; call = next) {
            next = call->next;
            if (cc_bell_is_cut(call->bell))
                ccaas_call_close(call);
        }
        for (sub = client->subscriptions; sub; sub = later) {
            later = sub->next;
            if (cc_bell_is_cut(sub->bell))
                ccaas_subscription_close(sub);
        }
    }
}

const char *cc_engine_closing(struct ccaas_bell *bell)
{
    return bell && cc_bell_is_cut(bell)
               ? "closed: the nginx request that read it has ended"
               : "closed";
}

struct cc_http *cc_engine_http(struct ccaas_engine *engine)
{
    /* In a forked child the old one stays as it is: what it points to may be
     * locked for ever, and its sockets are the parent's. */
    if (cc_http_forked(engine->http)) {
        struct cc_http *http = cc_http_new();

        if (!http)
            return NULL;
        engine->http = http;
        engine->door = NULL; /* the parent's */
    }
    return engine->http;
}

struct cc_ws *cc_engine_ws(struct ccaas_engine *engine)
{
    if (!engine->ws || cc_ws_forked(engine->ws))
        engine->ws = cc_ws_new();
    return engine->ws;
}

/* -- Client -----------------------------------------------------------------
 */

/* A copy of a list of strings that ends with NULL, in one piece of memory. */
static char **copy_list(const char *const *list, bool *failed)
{
    size_t count = 0, bytes = 0, i;
    char **copy, *at;

    for (; list && list[count]; count++)
        bytes += strlen(list[count]) + 1;
    copy = malloc((count + 1) * sizeof *copy + bytes);
    if (!copy) {
        *failed = true;
        return NULL;
    }
    at = (char *)(copy + count + 1);
    for (i = 0; i < count; i++) {
        copy[i] = at;
        at = stpcpy(at, list[i]) + 1;
    }
    copy[count] = NULL;
    return copy;
}

static void copy_dialect(struct ccaas_client *client,
                         const struct ccaas_dialect *dialect, bool *failed)
{
    client->lists[0] = copy_list(dialect->messages, failed);
    client->lists[1] = copy_list(dialect->codes, failed);
    client->lists[2] = copy_list(dialect->references, failed);
    client->lists[3] = copy_list(dialect->throttles, failed);
    client->dialect.messages = (const char *const *)client->lists[0];
    client->dialect.codes = (const char *const *)client->lists[1];
    client->dialect.references = (const char *const *)client->lists[2];
    client->dialect.throttles = (const char *const *)client->lists[3];
    client->dialect.past_end = cc_copy(dialect->past_end, failed);
}

struct ccaas_client *ccaas_client_new(struct ccaas_engine *engine,
                                      const struct ccaas_settings *settings)
{
    struct ccaas_client *client = calloc(1, sizeof *client);
    bool failed = !client;

    if (failed)
        return NULL;
    client->references = 1;
    client->engine = engine;
    engine->references++;
    client->next = engine->clients;
    client->link = &engine->clients;
    if (client->next)
        client->next->link = &client->next;
    engine->clients = client;
    client->ca_file = cc_copy(settings->ca_file, &failed);
    client->proxy = cc_copy(settings->proxy, &failed);
    client->user_agent = cc_copy(settings->user_agent, &failed);
    client->connect_timeout = settings->connect_timeout;
    client->timeout = settings->timeout;
    client->retries = settings->retries;
    copy_dialect(client, &settings->dialect, &failed);
    client->store = settings->store;
    client->events = settings->events;
    client->fair = settings->fair;
    if (client->events) {
        client->ring = calloc(CC_CLIENT_EVENTS, sizeof *client->ring);
        failed = failed || !client->ring;
    }
    if (settings->token_url || settings->token || settings->ask_token) {
        client->token = cc_token_get(engine, settings);
        failed = failed || !client->token;
    }
    if (failed) {
        ccaas_client_free(client);
        return NULL;
    }
    return client;
}

struct ccaas_client *ccaas_client_hold(struct ccaas_client *client)
{
    client->references++;
    return client;
}

bool ccaas_client_due(struct ccaas_client *client)
{
    struct ccaas_engine *engine = client->engine;
    double now;

    if (!client->fair)
        return false;
    now = cc_clock_now();
    if (engine->turned) {
        engine->turn = now;
        engine->looks = 0;
    }
    engine->turned =
        !engine->turned && (++engine->looks >= CCAAS_CLIENT_LOOKS ||
                            now - engine->turn >= CCAAS_CLIENT_TURN);
    return engine->turned;
}

void ccaas_client_rested(struct ccaas_client *client)
{
    client->engine->turned = true;
}

void ccaas_client_close(struct ccaas_client *client)
{
    client->closed = true;
    while (client->calls)
        ccaas_call_close(client->calls);
    while (client->subscriptions)
        ccaas_subscription_close(client->subscriptions);
}

void ccaas_client_free(struct ccaas_client *client)
{
    union {
        const char *keep;
        char *free;
    } past_end;
    size_t i;

    if (!client || --client->references)
        return;
    *client->link = client->next;
    if (client->next)
        client->next->link = client->link;
    cc_token_release(client->token);
    cc_error_clear(&client->spare_error);
    free(client->ca_file);
    free(client->proxy);
    free(client->user_agent);
    for (i = 0; i < sizeof client->lists / sizeof *client->lists; i++)
        free(client->lists[i]);
    past_end.keep = client->dialect.past_end;
    free(past_end.free);
    free(client->ring);
    ccaas_engine_free(client->engine);
    free(client);
}

/* -- Events ------------------------------------------------------------------
 */

struct ccaas_event *cc_client_note(struct ccaas_client *client,
                                   const char *type, const char *method,
                                   const char *url)
{
    struct ccaas_event *event;

    if (!client->events)
        return NULL;
    if (client->count == CC_CLIENT_EVENTS) {
        client->first = (client->first + 1) % CC_CLIENT_EVENTS;
        client->count--;
    }
    event = &client->ring[(client->first + client->count++) % CC_CLIENT_EVENTS];
    memset(event, 0, sizeof *event);
    event->type = type;
    event->at = cc_clock_wall();
    event->seconds = -1;
    event->bytes = event->page = -1;
    strncpy(event->method, method, sizeof event->method - 1);
    cc_error_url(event->url, sizeof event->url, url);
    return event;
}

bool ccaas_client_event(struct ccaas_client *client, struct ccaas_event *event)
{
    if (!client->count)
        return false;
    *event = client->ring[client->first];
    client->first = (client->first + 1) % CC_CLIENT_EVENTS;
    client->count--;
    return true;
}

/* -- What an answer that is no 2xx means
 * --------------------------------------- */

/* Bytes of a text in which secrets are looked for; much more than is shown. */
#define WINDOW 4096

void ccaas_client_show(const struct ccaas_client *client, char *to, size_t room,
                       const char *text, size_t length)
{
    char copy[WINDOW];
    bool cut = length > sizeof copy;

    if (cut)
        length = sizeof copy;
    memcpy(copy, text, length);
    if (client->token)
        length = cc_token_scrub_text(client->token, copy, length, cut);
    cc_text_show(to, room, copy, length);
    cc_secret_wipe(copy, sizeof copy);
}

/* The first of the paths that leads to a text; 0: none does. */
static size_t find_text(const char *body, size_t length,
                        const char *const *paths, char *text, size_t room)
{
    long found;

    for (; *paths; paths++) {
        found = cc_json_find(body, length, *paths, text, room);
        if (found > 0)
            return (size_t)found;
    }
    text[0] = '\0';
    return 0;
}

/* The same, as it may be shown. */
static void show_found(const struct ccaas_client *client, const char *body,
                       size_t length, const char *const *paths, char *to,
                       size_t room)
{
    char text[WINDOW + 8];

    length = find_text(body, length, paths, text, sizeof text);
    ccaas_client_show(client, to, room, text, length);
    cc_secret_wipe(text, sizeof text);
}

/* The body's first bytes. */
static void show_body(const struct ccaas_client *client, char *body,
                      size_t length, struct ccaas_error *error)
{
    bool cut = length > WINDOW;

    if (cut)
        length = WINDOW;
    if (client->token)
        length = cc_token_scrub_text(client->token, body, length, cut);
    cc_error_body(error, body, length);
}

bool cc_client_verdict(const struct ccaas_client *client, int status,
                       const char *headers, size_t headers_length, char *body,
                       size_t length, struct ccaas_error *error)
{
    const struct ccaas_dialect *dialect = &client->dialect;
    static const char *const ids[] = {"x-request-id", "x-correlation-id", NULL};
    char text[sizeof error->message - 64], own[128];
    bool transient = cc_retry_status(status);
    const char *const *name;
    const char *value;

    error->status = status;
    show_found(client, body, length, dialect->messages, text, sizeof text);
    show_found(client, body, length, dialect->codes, own, sizeof own);
    show_found(client, body, length, dialect->references, error->request_id,
               sizeof error->request_id);
    for (name = ids; *name && !error->request_id[0]; name++) {
        value = cc_header(headers, headers_length, *name);
        if (value)
            ccaas_client_show(client, error->request_id,
                              sizeof error->request_id, value, strlen(value));
    }
    show_body(client, body, length, error);
    error->code = cc_error_code(status);
    for (name = dialect->throttles; *name; name++)
        if (strncmp(own, *name, strlen(*name)) == 0) {
            error->code = CCAAS_RATE_LIMITED;
            transient = true;
        }
    if (text[0] && own[0] && strcmp(text, own) != 0)
        cc_error_set(error, error->code, "%s (%s)", text, own);
    else if (text[0] || own[0])
        cc_error_set(error, error->code, "%s", text[0] ? text : own);
    else
        cc_error_set(error, error->code, "the server answered %d", status);
    error->retryable = transient;
    return transient;
}

static const char *environment(const char *name)
{
    return getenv(name);
}

void cc_client_blame(const char *url, const char *proxy,
                     const struct cc_http_end *end, char *to, size_t room)
{
    bool way = end->code == CCAAS_CONNECT || end->code == CCAAS_DNS ||
               end->code == CCAAS_TLS || end->code == CCAAS_NETWORK ||
               end->code == CCAAS_TIMEOUT;
    const char *by = NULL;
    char name[160];

    if (end->refusal || (end->before && way))
        by = cc_proxy_for(url, proxy, environment);
    if (by)
        cc_proxy_name(name, sizeof name, by);
    snprintf(to, room, "%s%s%s%s", by ? "the proxy " : "", by ? name : "",
             by ? ": " : "", end->message);
}

int64_t cc_client_past_end(const struct ccaas_dialect *dialect, int status,
                           const char *body, size_t length)
{
    char text[1024];
    const char *at;

    if (status != 400 || !dialect->past_end)
        return -1;
    find_text(body, length, dialect->messages, text, sizeof text);
    at = strstr(text, dialect->past_end);
    if (!at)
        return -1;
    at += strlen(dialect->past_end);
    at += strspn(at, " ");
    if (*at < '0' || *at > '9')
        return -1;
    return strtoll(at, NULL, 10);
}
