/* The request for a token, with its attempts. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "error.h"
#include "grant_own.h"
#include "retry.h"
#include "trust.h"

#define TOKEN_BODY (64 * 1024) /* a larger reply is no token */
#define TOKEN_LONGEST (16 * 1024)

void ccaas_grant_drop(struct ccaas_grant *grant)
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

void ccaas_grant_note(struct ccaas_grant *grant, struct ccaas_client *client,
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
void ccaas_grant_give_up(struct ccaas_grant *grant, struct ccaas_client *client)
{
    ccaas_grant_scrub(grant, &grant->error);
    ccaas_grant_note(grant, client, ccaas_code_name(grant->error.code), -1);
    ccaas_grant_share(grant);
    grant->failed = grant->round;
    ccaas_bell_ring(grant->bell);
}

void ccaas_grant_send(struct ccaas_grant *grant, struct ccaas_client *client,
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
        .trust = ccaas_trust_for(grant->ca_file),
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
        ccaas_grant_drop(grant);
        ccaas_error_set(&grant->error, CCAAS_IO, CCAAS_NO_ROOM);
        ccaas_auth_failed(&grant->auth);
        ccaas_grant_give_up(grant, client);
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
    ccaas_grant_replace(grant, bearer);
    if (ccaas_json_find(block->bytes, block->length, "expires_in", life,
                        sizeof life) < 0)
        life[0] = '\0';
    ccaas_auth_granted(&grant->auth, strtod(life, NULL));
    return true;
}

/* The attempt failed: again later, or the round is over. */
static void attempt_failed(struct ccaas_grant *grant,
                           struct ccaas_client *client,
                           const struct ccaas_end_mail *end, bool transient)
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
            after, strlen(after), (int64_t)ccaas_clock_wall_at(end->came_at));
    grant->error.retryable = transient;
    if (end->http.code == CCAAS_OK)
        snprintf(outcome, sizeof outcome, "%d", grant->status);
    else
        snprintf(outcome, sizeof outcome, "%s",
                 ccaas_code_name(end->http.code));
    ccaas_error_attempt(&grant->error, end->http.at, end->http.seconds,
                        outcome);
    pause = ccaas_retry_wait(&rule, &attempt, INFINITY, ccaas_random_unit());
    ccaas_grant_drop(grant);
    if (pause >= 0) {
        grant->resume_at = end->came_at + pause;
        ccaas_grant_note(grant, client, "waits", pause);
        return;
    }
    if (code == CCAAS_AUTH)
        ccaas_auth_denied(&grant->auth, ccaas_clock_now(), CCAAS_AUTH_DENIAL);
    else
        ccaas_auth_failed(&grant->auth);
    ccaas_grant_give_up(grant, client);
}

/* The attempt's last mail: a token, or an error. */
static void conclude(struct ccaas_grant *grant, struct ccaas_client *client,
                     const struct ccaas_end_mail *end)
{
    const struct ccaas_block *block = grant->reply;
    bool transient = end->http.transient;
    size_t length;

    if (end->http.code == CCAAS_OK && block && read_reply(grant, block)) {
        ccaas_grant_drop(grant);
        ccaas_grant_note(grant, client, "granted", end->http.seconds);
        ccaas_error_clear(&grant->error);
        ccaas_grant_share(grant);
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
    attempt_failed(grant, client, end, transient);
}

/* Takes what has come of the request under way. */
void ccaas_grant_receive(struct ccaas_grant *grant, struct ccaas_client *client)
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
            conclude(grant, client, (struct ccaas_end_mail *)mail);
        }
        mail->free(mail);
    }
}
