/* The token of a set of credentials: see grant.h. */
#include "grant.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "check.h"
#include "client.h"
#include "clock.h"
#include "error.h"
#include "reader.h"
#include "retry.h"
#include "scrub.h"

#define TOKEN_BODY (64 * 1024) /* a larger reply is no token */
#define TOKEN_LONGEST (16 * 1024)

struct ccaas_grant {
    int references;
    struct ccaas_engine *engine;
    struct ccaas_grant *next, **link; /* the engine's list */

    char *url;  /* NULL: the token is given, and never changes, ... */
    bool asked; /* ... or the owner of a flow is asked for it, ... */
    struct ccaas_bell *asking; /* ... this one's */
    struct ccaas_secret *key, *secret;
    char *ca_file, *proxy;
    double timeout;
    unsigned retries;

    struct ccaas_auth auth;
    struct ccaas_secret *bearer;
    struct ccaas_secret *former; /* the one before: a late answer may say it */
    struct ccaas_bell *bell;     /* rings for all who wait */
    struct ccaas_reader *reader;
    struct ccaas_transfer *transfer;
    struct ccaas_block *reply; /* arrived, its end not yet */
    int status;
    char *headers;
    size_t headers_length;
    unsigned attempt;
    double resume_at; /* of the next attempt, when there is no transfer */
    pid_t pid;        /* where the request under way is */
    uint64_t round;   /* of asking; its error is the last one's */
    uint64_t failed;  /* the last round that failed, */
    uint64_t granted; /* and the last one that brought a token */
    struct ccaas_error error;
};

static bool same_text(const char *one, const char *other)
{
    return one == other || (one && other && strcmp(one, other) == 0);
}

static bool same_secret(const struct ccaas_secret *one, const char *other)
{
    return one ? other && strcmp(ccaas_secret_reveal(one), other) == 0 : !other;
}

/* Given tokens are told apart by their bytes, asked ones by their source. */
static bool serves(const struct ccaas_grant *grant,
                   const struct ccaas_settings *settings)
{
    if (settings->ask_token)
        return false; /* every function has a token of its own */
    if (grant->asked)
        return false;
    if (!settings->token_url)
        return !grant->url && same_secret(grant->bearer, settings->token);
    return grant->url && same_text(grant->url, settings->token_url) &&
           same_text(grant->ca_file, settings->ca_file) &&
           same_text(grant->proxy, settings->proxy) &&
           same_secret(grant->key, settings->key) &&
           same_secret(grant->secret, settings->secret);
}

static struct ccaas_secret *keep_secret(const char *text, bool *failed)
{
    struct ccaas_secret *secret =
        text ? ccaas_secret_new(text, strlen(text)) : NULL;

    if (text && !secret)
        *failed = true;
    return secret;
}

static void free_grant(struct ccaas_grant *grant);

struct ccaas_grant *ccaas_grant_get(struct ccaas_engine *engine,
                                    const struct ccaas_settings *settings)
{
    struct ccaas_grant *grant;
    bool failed = false;

    for (grant = engine->grants; grant; grant = grant->next)
        if (serves(grant, settings)) {
            grant->references++;
            return grant;
        }
    grant = calloc(1, sizeof *grant);
    if (!grant)
        return NULL;
    grant->references = 1;
    grant->engine = engine;
    grant->url = ccaas_copy(settings->token_url, &failed);
    grant->key = keep_secret(settings->key, &failed);
    grant->secret = keep_secret(settings->secret, &failed);
    grant->bearer = keep_secret(settings->token, &failed);
    grant->ca_file = ccaas_copy(settings->ca_file, &failed);
    grant->proxy = ccaas_copy(settings->proxy, &failed);
    grant->asked = settings->ask_token;
    grant->timeout = settings->timeout;
    grant->retries = settings->retries;
    grant->bell = ccaas_bell_new();
    grant->next = engine->grants;
    grant->link = &engine->grants;
    if (grant->next)
        grant->next->link = &grant->next;
    engine->grants = grant;
    ccaas_auth_start(&grant->auth);
    if (failed || !grant->bell) {
        free_grant(grant);
        return NULL;
    }
    return grant;
}

static void drop_request(struct ccaas_grant *grant)
{
    if (grant->reply) {
        ccaas_secret_wipe(grant->reply->bytes, grant->reply->length);
        grant->reply->mail.free(&grant->reply->mail);
        grant->reply = NULL;
    }
    if (grant->transfer)
        ccaas_http_cancel(grant->transfer);
    ccaas_http_release(grant->transfer);
    ccaas_reader_release(grant->reader);
    grant->transfer = NULL;
    grant->reader = NULL;
    free(grant->headers);
    grant->headers = NULL;
    grant->headers_length = 0;
}

static void free_grant(struct ccaas_grant *grant)
{
    drop_request(grant);
    *grant->link = grant->next;
    if (grant->next)
        grant->next->link = grant->link;
    free(grant->url);
    free(grant->ca_file);
    free(grant->proxy);
    ccaas_secret_release(grant->key);
    ccaas_secret_release(grant->secret);
    ccaas_secret_release(grant->bearer);
    ccaas_secret_release(grant->former);
    ccaas_bell_release(grant->bell);
    ccaas_error_clear(&grant->error);
    free(grant);
}

/* What was asked for outlives its clients: a script may well make one for each
 * call, and is not to ask for a token each time. */
void ccaas_grant_release(struct ccaas_grant *grant)
{
    struct ccaas_grant *other, *oldest = NULL;
    unsigned idle = 0;

    if (!grant || --grant->references)
        return;
    if (!grant->url) {
        free_grant(grant);
        return;
    }
    for (other = grant->engine->grants; other; other = other->next)
        if (!other->references) {
            idle++;
            oldest = other; /* the newest one is at the list's head */
        }
    if (idle > CCAAS_GRANT_IDLE)
        free_grant(oldest);
}

void ccaas_grant_free_all(struct ccaas_engine *engine)
{
    while (engine->grants)
        free_grant(engine->grants);
}

static void note(struct ccaas_grant *grant, struct ccaas_client *client,
                 const char *reason, double seconds)
{
    struct ccaas_event *event = ccaas_client_note(client, "token", "POST",
                                                  grant->url ? grant->url : "");

    if (!event)
        return;
    event->attempt = grant->attempt;
    event->status = grant->status;
    event->seconds = seconds;
    strncpy(event->reason, reason, sizeof event->reason - 1);
}

/* The round is over without a token. */
static void give_up(struct ccaas_grant *grant, struct ccaas_client *client)
{
    ccaas_grant_scrub(grant, &grant->error);
    note(grant, client, ccaas_code_name(grant->error.code), -1);
    grant->failed = grant->round;
    ccaas_bell_ring(grant->bell);
}

static void send(struct ccaas_grant *grant, struct ccaas_client *client,
                 double now)
{
    static const char form[] = "grant_type=client_credentials";
    static const char *const headers[] = {
        "Content-Type: application/x-www-form-urlencoded",
        "Accept: application/json", NULL};
    struct ccaas_plan plan = {.body = CCAAS_BODY_WHOLE, .max_body = TOKEN_BODY};
    struct ccaas_http_request request = {
        .method = "POST",
        .url = grant->url,
        .headers = headers,
        .user = grant->key,
        .password = grant->secret,
        .content = form,
        .content_length = sizeof form - 1,
        .ca_file = grant->ca_file,
        .proxy = grant->proxy,
        .user_agent = client->user_agent,
        .connect_timeout = client->connect_timeout,
        .timeout = grant->timeout,
        .deadline = INFINITY,
        .idempotent = true,
    };
    struct ccaas_http *http = ccaas_engine_http(grant->engine);
    struct ccaas_http_sink sink;

    grant->attempt++;
    grant->status = 0;
    grant->pid = getpid();
    grant->auth.asked_at = now; /* its life counts from the last asking */
    grant->reader = ccaas_reader_new(&plan, grant->bell, TOKEN_BODY);
    if (grant->reader && http) {
        sink = ccaas_reader_sink(grant->reader);
        grant->transfer = ccaas_http_send(http, &request, &sink);
        if (!grant->transfer)
            ccaas_reader_unsent(grant->reader);
    } else if (grant->reader) {
        ccaas_reader_unsent(grant->reader);
    }
    if (!grant->transfer) {
        drop_request(grant);
        ccaas_error_set(&grant->error, CCAAS_IO, CCAAS_NO_ROOM);
        ccaas_auth_failed(&grant->auth);
        give_up(grant, client);
    }
}

/* Reads the reply's token; false: there is none that could be sent. */
static bool read_reply(struct ccaas_grant *grant,
                       const struct ccaas_block *block)
{
    char text[TOKEN_LONGEST], life[64];
    struct ccaas_secret *bearer = NULL;
    long length, i;

    length = ccaas_json_find(block->bytes, block->length, "access_token", text,
                             sizeof text);
    for (i = 0; i < length; i++)
        if (!isgraph((unsigned char)text[i]))
            length = -1;
    if (length > 0 && length < TOKEN_LONGEST - 1)
        bearer = ccaas_secret_new(text, (size_t)length);
    ccaas_secret_wipe(text, sizeof text);
    if (!bearer)
        return false;
    ccaas_secret_release(grant->former);
    grant->former = grant->bearer;
    grant->bearer = bearer;
    if (ccaas_json_find(block->bytes, block->length, "expires_in", life,
                        sizeof life) < 0)
        life[0] = '\0';
    ccaas_auth_granted(&grant->auth, strtod(life, NULL));
    grant->granted = grant->round;
    return true;
}

/* The attempt failed: again later, or the round is over. */
static void attempt_failed(struct ccaas_grant *grant,
                           struct ccaas_client *client,
                           const struct ccaas_http_end *end, bool transient,
                           double now)
{
    struct ccaas_retry_rule rule = {
        .retries = grant->retries, .base = 0.5, .cap = 30, .idempotent = true};
    struct ccaas_retry_attempt attempt = {.number = grant->attempt,
                                          .transient = transient,
                                          .sent = true,
                                          .retry_after = -1};
    const char *after =
        ccaas_header(grant->headers, grant->headers_length, "retry-after");
    enum ccaas_code code = grant->error.code;
    char outcome[48];
    double pause;

    if (after)
        attempt.retry_after = grant->error.retry_after = ccaas_retry_after(
            after, strlen(after), (int64_t)ccaas_clock_wall());
    grant->error.retryable = transient;
    if (end->code == CCAAS_OK)
        snprintf(outcome, sizeof outcome, "%d", grant->status);
    else
        snprintf(outcome, sizeof outcome, "%s", ccaas_code_name(end->code));
    ccaas_error_attempt(&grant->error, end->at, end->seconds, outcome);
    pause = ccaas_retry_wait(&rule, &attempt, INFINITY, ccaas_random_unit());
    drop_request(grant);
    if (pause >= 0) {
        grant->resume_at = now + pause;
        note(grant, client, "waits", pause);
        return;
    }
    if (code == CCAAS_AUTH)
        ccaas_auth_denied(&grant->auth, now);
    else
        ccaas_auth_failed(&grant->auth);
    give_up(grant, client);
}

/* The attempt's last mail: a token, or an error. */
static void conclude(struct ccaas_grant *grant, struct ccaas_client *client,
                     const struct ccaas_end_mail *end, double now)
{
    const struct ccaas_block *block = grant->reply;
    bool transient = end->http.transient;
    size_t length;

    if (end->http.code == CCAAS_OK && block && read_reply(grant, block)) {
        drop_request(grant);
        note(grant, client, "granted", end->http.seconds);
        ccaas_error_clear(&grant->error);
        ccaas_bell_ring(grant->bell);
        return;
    }
    grant->error.status = grant->status;
    strcpy(grant->error.method, "POST");
    ccaas_error_url(grant->error.url, sizeof grant->error.url, grant->url);
    if (end->http.code != CCAAS_OK) {
        ccaas_error_set(&grant->error, end->http.code, "%s", end->http.message);
    } else if (block || end->state == CCAAS_SPLIT_LARGE) {
        ccaas_error_set(&grant->error, CCAAS_PROTOCOL,
                        "the answer to the token request holds no usable "
                        "access_token");
    } else {
        length = ccaas_grant_scrub_text(grant, end->body, end->length);
        transient = ccaas_client_verdict(&client->dialect, grant->status,
                                         grant->headers, grant->headers_length,
                                         end->body, length, &grant->error);
        /* A token endpoint says 400 to wrong credentials as well. */
        if (grant->error.code == CCAAS_BAD_REQUEST ||
            grant->error.code == CCAAS_FORBIDDEN)
            grant->error.code = CCAAS_AUTH;
    }
    attempt_failed(grant, client, &end->http, transient, now);
}

/* Takes what has come of the request under way. */
static void receive(struct ccaas_grant *grant, struct ccaas_client *client,
                    double now)
{
    struct ccaas_head_mail *head;
    struct ccaas_mail *mail;
    bool resume;

    while (grant->reader &&
           (mail = ccaas_mailbox_take(ccaas_reader_box(grant->reader),
                                      &resume)) != NULL) {
        if (mail->kind == CCAAS_MAIL_HEAD) {
            head = (struct ccaas_head_mail *)mail;
            grant->status = head->status;
            grant->headers = malloc(head->length + 1);
            if (grant->headers) {
                memcpy(grant->headers, head->headers, head->length);
                grant->headers_length = head->length;
            }
        } else if (mail->kind == CCAAS_MAIL_BLOCK) {
            grant->reply = (struct ccaas_block *)mail;
            continue;
        } else {
            conclude(grant, client, (struct ccaas_end_mail *)mail, now);
        }
        mail->free(mail);
    }
}

static enum ccaas_grant_state have(const struct ccaas_grant *grant,
                                   struct ccaas_grant_need *need,
                                   struct ccaas_secret **bearer,
                                   uint64_t *generation)
{
    need->waiting = false;
    *bearer = grant->bearer;
    *generation = grant->auth.generation;
    return CCAAS_GRANT_HAVE;
}

enum ccaas_grant_state
ccaas_grant_use(struct ccaas_grant *grant, struct ccaas_client *client,
                struct ccaas_grant_need *need, struct ccaas_bell *bell,
                double now, struct ccaas_secret **bearer, uint64_t *generation)
{
    /* In a forked child nobody will ever bring the answer: ask anew. */
    if (grant->reader && grant->pid != getpid()) {
        drop_request(grant);
        grant->resume_at = now;
    }
    if (grant->reader)
        receive(grant, client, now);
    if ((grant->url || grant->asked) && need->waiting &&
        grant->failed >= need->round)
        return CCAAS_GRANT_FAILED;
    /* Who waited for this token uses it once, however short its life is. */
    if (need->waiting && grant->granted >= need->round)
        return have(grant, need, bearer, generation);
    switch (grant->url || grant->asked ? ccaas_auth_need(&grant->auth, now)
                                       : CCAAS_AUTH_HAVE) {
    case CCAAS_AUTH_HAVE:
        return have(grant, need, bearer, generation);
    case CCAAS_AUTH_DENIED:
        return CCAAS_GRANT_FAILED;
    case CCAAS_AUTH_ASK:
        if (grant->asked) {
            grant->round++;
            ccaas_error_clear(&grant->error);
            grant->asking = bell;
            need->waiting = true;
            need->round = grant->round;
            return CCAAS_GRANT_ASK;
        }
        grant->round++;
        grant->attempt = 0;
        ccaas_error_clear(&grant->error);
        send(grant, client, now);
        break;
    case CCAAS_AUTH_WAIT:
        if (grant->asked)
            break;
        if (!grant->transfer && now >= grant->resume_at)
            send(grant, client, now);
        break;
    }
    if (grant->failed >= grant->round)
        return CCAAS_GRANT_FAILED;
    if (!need->waiting) {
        need->waiting = true;
        need->round = grant->round;
        if (!ccaas_bell_follow(grant->bell, bell)) {
            ccaas_error_set(&grant->error, CCAAS_MEMORY, "out of memory");
            return CCAAS_GRANT_FAILED;
        }
    }
    return CCAAS_GRANT_WAIT;
}

bool ccaas_grant_refused(struct ccaas_grant *grant, uint64_t generation)
{
    if (!grant->url && !grant->asked)
        return false;
    ccaas_auth_refused(&grant->auth, generation);
    return true;
}

const char *ccaas_grant_question(const struct ccaas_grant *grant)
{
    return grant->auth.generation ? "refused" : "start";
}

void ccaas_grant_answer(struct ccaas_grant *grant, struct ccaas_client *client,
                        const struct ccaas_bell *bell, const char *token)
{
    struct ccaas_secret *bearer = NULL;
    size_t length = token ? strlen(token) : 0, i;

    if (grant->asking != bell)
        return; /* it is somebody else's turn by now */
    grant->asking = NULL;
    for (i = 0; i < length; i++)
        if (!isgraph((unsigned char)token[i]))
            length = 0;
    if (length)
        bearer = ccaas_secret_new(token, length);
    if (!bearer) {
        ccaas_error_set(&grant->error, CCAAS_AUTH,
                        "the token function gave no usable token");
        ccaas_auth_failed(&grant->auth);
        give_up(grant, client);
        return;
    }
    ccaas_secret_release(grant->former);
    grant->former = grant->bearer;
    grant->bearer = bearer;
    ccaas_auth_granted(&grant->auth, 0);
    grant->auth.fresh_until = INFINITY; /* until it is refused */
    grant->granted = grant->round;
    ccaas_bell_ring(grant->bell);
}

const struct ccaas_error *ccaas_grant_error(const struct ccaas_grant *grant)
{
    return &grant->error;
}

double ccaas_grant_due(const struct ccaas_grant *grant)
{
    if (!grant->auth.asking || grant->transfer || grant->asked)
        return INFINITY;
    return grant->resume_at;
}

void ccaas_grant_leave(struct ccaas_grant *grant, struct ccaas_bell *bell)
{
    ccaas_bell_unfollow(grant->bell, bell);
    if (grant->asking == bell) {
        grant->asking = NULL;
        ccaas_auth_failed(&grant->auth);
        ccaas_bell_ring(grant->bell);
    }
}

size_t ccaas_grant_scrub_text(const struct ccaas_grant *grant, char *text,
                              size_t length)
{
    const struct ccaas_secret *secrets[] = {grant->bearer, grant->former,
                                            grant->secret, grant->key};
    struct ccaas_buffer pair = {0};
    size_t i;

    for (i = 0; i < sizeof secrets / sizeof *secrets; i++)
        if (secrets[i])
            length = ccaas_scrub(text, length, ccaas_secret_reveal(secrets[i]));
    if (!grant->key || !grant->secret)
        return length;
    if (ccaas_buffer_text(&pair, ccaas_secret_reveal(grant->key)) &&
        ccaas_buffer_add(&pair, ":", 1) &&
        ccaas_buffer_text(&pair, ccaas_secret_reveal(grant->secret)) &&
        ccaas_buffer_add(&pair, "", 1))
        length = ccaas_scrub(text, length, pair.bytes);
    if (pair.bytes)
        ccaas_secret_wipe(pair.bytes, pair.length);
    ccaas_buffer_free(&pair);
    return length;
}

void ccaas_grant_scrub(const struct ccaas_grant *grant,
                       struct ccaas_error *error)
{
    char *const texts[] = {error->message, error->url, error->body,
                           error->request_id};
    size_t i;

    for (i = 0; i < sizeof texts / sizeof *texts; i++)
        texts[i][ccaas_grant_scrub_text(grant, texts[i], strlen(texts[i]))] =
            '\0';
}
