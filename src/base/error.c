/* Making errors: see error.h. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

const char *ccaas_code_name(enum ccaas_code code)
{
    static const char *const names[] = {
        [CCAAS_OK] = "ok",
        [CCAAS_AUTH] = "auth",
        [CCAAS_FORBIDDEN] = "forbidden",
        [CCAAS_BAD_REQUEST] = "bad_request",
        [CCAAS_NOT_FOUND] = "not_found",
        [CCAAS_RATE_LIMITED] = "rate_limited",
        [CCAAS_EGRESS_CAPPED] = "egress_capped",
        [CCAAS_SERVER] = "server",
        [CCAAS_TIMEOUT] = "timeout",
        [CCAAS_DNS] = "dns",
        [CCAAS_CONNECT] = "connect",
        [CCAAS_TLS] = "tls",
        [CCAAS_NETWORK] = "network",
        [CCAAS_PROTOCOL] = "protocol",
        [CCAAS_TOO_LARGE] = "too_large",
        [CCAAS_CANCELLED] = "cancelled",
        [CCAAS_IO] = "io",
        [CCAAS_MEMORY] = "memory",
    };
    return names[code];
}

const char *ccaas_code_text(enum ccaas_code code)
{
    static const char *const texts[] = {
        [CCAAS_AUTH] = "the credentials or the token are refused",
        [CCAAS_FORBIDDEN] = "the credentials do not allow this",
        [CCAAS_BAD_REQUEST] = "the server rejected the request",
        [CCAAS_NOT_FOUND] = "it does not exist",
        [CCAAS_RATE_LIMITED] = "too many requests",
        [CCAAS_EGRESS_CAPPED] = "the cap on downloaded bytes is reached",
        [CCAAS_SERVER] = "the server failed",
        [CCAAS_TIMEOUT] = "the time is up",
        [CCAAS_DNS] = "the host name cannot be looked up",
        [CCAAS_CONNECT] = "no connection can be made",
        [CCAAS_TLS] = "no secure connection can be made",
        [CCAAS_NETWORK] = "the connection was lost",
        [CCAAS_PROTOCOL] = "the answer is not as expected",
        [CCAAS_TOO_LARGE] = "the answer is too large",
        [CCAAS_CANCELLED] = "closed",
        [CCAAS_IO] = "a file or descriptor failed",
        [CCAAS_MEMORY] = "out of memory",
    };

    return code > CCAAS_OK && code <= CCAAS_MEMORY
               ? texts[code]
               : "it failed for an unknown reason: please report it";
}

enum ccaas_code cc_error_code(int status)
{
    switch (status) {
    case 401:
        return CCAAS_AUTH;
    case 403:
        return CCAAS_FORBIDDEN;
    case 404:
    case 410:
        return CCAAS_NOT_FOUND;
    case 408:
        return CCAAS_TIMEOUT;
    case 425:
        return CCAAS_SERVER;
    case 429:
        return CCAAS_RATE_LIMITED;
    case 509:
        return CCAAS_EGRESS_CAPPED;
    }
    if (status >= 500)
        return CCAAS_SERVER;
    return status >= 400 ? CCAAS_BAD_REQUEST : CCAAS_PROTOCOL;
}

void cc_error_set(struct ccaas_error *error, enum ccaas_code code,
                  const char *format, ...)
{
    char text[2 * sizeof error->message];
    va_list arguments;

    error->code = code;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cc_text_show(error->message, sizeof error->message, text, strlen(text));
    /* An error always says something. */
    if (!error->message[0])
        snprintf(error->message, sizeof error->message, "%s",
                 ccaas_code_text(code));
}

void cc_error_url(char *to, size_t room, const char *url)
{
    const char *host = strstr(url, "://");
    size_t scheme, length;
    const char *at;

    host = host ? host + 3 : url;
    scheme = (size_t)(host - url);
    at = memchr(host, '@', strcspn(host, "/?#"));
    if (at)
        host = at + 1;
    length = strcspn(host, "?#");
    snprintf(to, room, "%.*s%.*s", (int)scheme, url, (int)length, host);
}

/* Where the value of a member or field that names a secret begins, at or
 * after `at`; the end when there is none. */
static size_t find_secret(const char *body, size_t length, size_t at)
{
    static const char *const names[] = {"token",  "secret",  "password",
                                        "apikey", "api_key", "authorization",
                                        "bearer", "basic"};
    size_t i, n;

    for (; at < length; at++)
        for (i = 0; i < sizeof names / sizeof *names; i++) {
            n = strlen(names[i]);
            if (length - at >= n && cc_same_start(body + at, names[i], n))
                return at + n;
        }
    return length;
}

static bool is_one_of(const char *set, char c)
{
    return c && strchr(set, c);
}

void cc_error_body(struct ccaas_error *error, const char *body, size_t length)
{
    size_t at = 0, used = 0, word;
    size_t mark = find_secret(body, length, 0);

    while (at < length && used < CCAAS_ERROR_BODY) {
        if (at == mark) {
            /* The separators stay; the word behind them goes. */
            while (at < length && used < CCAAS_ERROR_BODY &&
                   is_one_of("\"':= ", body[at]))
                error->body[used++] = body[at++];
            word = at;
            while (at < length && !is_one_of("\"',&}\r\n", body[at]))
                at++;
            if (at > word && used + 3 <= CCAAS_ERROR_BODY) {
                memcpy(error->body + used, "***", 3);
                used += 3;
            }
            mark = find_secret(body, length, at);
            continue;
        }
        error->body[used++] = body[at++];
    }
    error->body[used] = '\0';
    error->body_length = used;
}

void cc_error_blank(struct ccaas_error *error)
{
    error->body[0] = error->request_id[0] = '\0';
    error->body_length = 0;
    error->status = 0;
}

void cc_error_attempt(struct ccaas_error *error, double at, double seconds,
                      const char *outcome)
{
    size_t count = error->attempt_count;
    struct ccaas_attempt *attempts;

    /* Of very many the first ones and the last ones are kept. */
    if (count == CC_ERROR_ATTEMPTS) {
        memmove(error->attempts + count / 2, error->attempts + count / 2 + 1,
                (count - count / 2 - 1) * sizeof *attempts);
        error->attempt_count = --count;
    }
    attempts = realloc(error->attempts, (count + 1) * sizeof *attempts);

    if (!attempts)
        return;
    attempts[count].at = at;
    attempts[count].seconds = seconds;
    snprintf(attempts[count].outcome, sizeof attempts[count].outcome, "%s",
             outcome);
    error->attempts = attempts;
    error->attempt_count = count + 1;
}

void cc_error_copy(struct ccaas_error *to, const struct ccaas_error *from)
{
    size_t i;

    if (to == from)
        return;
    free(to->attempts);
    *to = *from;
    to->attempts = NULL;
    to->attempt_count = 0;
    for (i = 0; i < from->attempt_count; i++)
        cc_error_attempt(to, from->attempts[i].at, from->attempts[i].seconds,
                         from->attempts[i].outcome);
}

void cc_error_clear(struct ccaas_error *error)
{
    free(error->attempts);
    memset(error, 0, sizeof *error);
    error->retry_after = -1;
}
