/* What an answer that is no 2xx means: see refusal.h. */
#include "refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "environment.h"
#include "error.h"
#include "header.h"
#include "proxy.h"
#include "retry.h"
#include "secret.h"
#include "text.h"

/* Bytes of a text in which secrets are looked for: many more than are shown. */
#define WINDOW 4096

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
    length = cc_secrets_scrub(client->secrets, body, length, cut);
    cc_error_body(error, body, length);
}

bool cc_refusal_read(const struct ccaas_client *client, int status,
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

void cc_refusal_outcome(char to[CC_REFUSAL_OUTCOME], enum ccaas_code code,
                        int status)
{
    if (code != CCAAS_OK)
        snprintf(to, CC_REFUSAL_OUTCOME, "%s", ccaas_code_name(code));
    else
        snprintf(to, CC_REFUSAL_OUTCOME, "%d", status);
}

void cc_refusal_blame(const char *url, const char *proxy,
                      const struct cc_http_end *end, char *to, size_t room)
{
    bool way = end->code == CCAAS_CONNECT || end->code == CCAAS_DNS ||
               end->code == CCAAS_TLS || end->code == CCAAS_NETWORK ||
               end->code == CCAAS_TIMEOUT;
    const char *by = NULL;
    char name[160];

    if (end->refusal || (end->before && way))
        by = cc_proxy_for(url, proxy, cc_environment);
    if (by)
        cc_proxy_name(name, sizeof name, by);
    snprintf(to, room, "%s%s%s%s", by ? "the proxy " : "", by ? name : "",
             by ? ": " : "", end->message);
}

int64_t cc_refusal_past_end(const struct ccaas_dialect *dialect, int status,
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
