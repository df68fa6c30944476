/* Engine and client: how they are made, closed and freed.
 *
 * This room sees all others, and nothing sees it: it frees what they keep in
 * the engine (see cc_context_ends).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "context.h"
#include "error.h"
#include "nginx_socket.h"
#include "operation.h"
#include "pace.h"
#include "store_request.h"
#include "token.h"

/* -- Engine ---------------------------------------------------------------- */

/* Frees an engine without clients. */
static void end_engine(struct ccaas_engine *engine)
{
    cc_token_free_all(engine);
    cc_pace_free_all(engine->paces);
    cc_store_request_free_all(engine);
    cc_http_free(engine->http);
    if (engine->ws && !cc_ws_forked(engine->ws))
        cc_ws_free(engine->ws);
    cc_nginx_socket_close(engine->nginx_socket);
    free(engine);
}

static void end_client(struct ccaas_client *client)
{
    union {
        const char *keep;
        char *free;
    } past_end;
    size_t i;

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

static const struct cc_context_ends ends = {.client = end_client,
                                            .engine = end_engine};

struct ccaas_engine *ccaas_engine_new(void)
{
    struct ccaas_engine *engine = calloc(1, sizeof *engine);

    if (!engine)
        return NULL;
    engine->references = 1;
    engine->ends = &ends;
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

struct ccaas_nginx_socket *
ccaas_engine_nginx_socket(struct ccaas_engine *engine)
{
    struct cc_http *http = cc_engine_http(engine);

    if (engine->nginx_socket || !http)
        return engine->nginx_socket;
    engine->nginx_socket = cc_nginx_socket_open();
    engine->cancels = 0;
    if (engine->nginx_socket &&
        !cc_http_attend(http, cc_nginx_socket_fd(engine->nginx_socket),
                        cc_nginx_socket_attend, engine->nginx_socket)) {
        cc_nginx_socket_close(engine->nginx_socket);
        engine->nginx_socket = NULL;
        errno = EAGAIN;
    }
    return engine->nginx_socket;
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
        client->secrets =
            client->token ? cc_token_secrets(client->token) : NULL;
    }
    if (failed) {
        ccaas_client_free(client);
        return NULL;
    }
    return client;
}

void ccaas_client_close(struct ccaas_client *client)
{
    client->closed = true;
    while (client->operations)
        client->operations->close(client->operations);
}
