/* The request for a token, with its attempts: client credentials by OAuth 2.0
 * (RFC 6749).
 *
 * On the thread that the engine belongs to; the transfer is on the http
 * room's thread.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "clock.h"
#include "error.h"
#include "number.h"
#include "refusal.h"
#include "retry_after.h"
#include "text.h"
#include "token_own.h"
#include "trust_choice.h"

#define TOKEN_BODY (64 * 1024) /* a larger reply is no token */
#define TOKEN_LONGEST (16 * 1024)

void cc_token_drop(struct cc_token *token)
{
    if (token->reply) {
        cc_secret_wipe(token->reply->bytes, token->reply->length);
        token->reply->mail.free(&token->reply->mail);
        token->reply = NULL;
    }
    if (token->transfer)
        cc_http_cancel(token->transfer);
    cc_http_release(token->transfer);
    cc_body_reader_release(token->reader);
    token->transfer = NULL;
    token->reader = NULL;
    free(token->headers);
    token->headers = NULL;
    token->headers_length = 0;
}

void cc_token_note(struct cc_token *token, struct ccaas_client *client,
                   const char *reason, double seconds)
{
    struct ccaas_event *event =
        cc_client_note(client, "token", "POST", token->url ? token->url : "");

    if (!event)
        return;
    event->attempt = token->attempt;
    event->status = token->status;
    event->seconds = seconds;
    strncpy(event->reason, reason, sizeof event->reason - 1);
}

/* The round is over without a token. */
void cc_token_give_up(struct cc_token *token, struct ccaas_client *client)
{
    cc_secrets_scrub_error(&token->secrets, &token->error);
    cc_token_note(token, client, ccaas_code_name(token->error.code), -1);
    cc_token_share(token);
    cc_token_refuse_all(token);
    cc_waker_wake(token->waker);
}

void cc_token_blame(struct cc_token *token, enum ccaas_code code,
                    const char *message)
{
    struct ccaas_error *error = &token->error;

    /* Nothing of an earlier attempt's error remains. */
    cc_error_blank(error);
    error->status = token->status;
    error->retryable = false;
    error->retry_after = -1;
    if (token->url) {
        strcpy(error->method, "POST");
        cc_error_url(error->url, sizeof error->url, token->url);
    }
    cc_error_set(error, code, "%s", message);
}

/* The longest timeout of all waiters: see cc_token_be_patient. */
static double longest_timeout(const struct cc_token *token)
{
    const struct cc_token_waiter *waiter;
    double longest = 0;

    for (waiter = token->waiters; waiter; waiter = waiter->next)
        longest = fmax(longest, waiter->timeout);
    return longest;
}

void cc_token_send(struct cc_token *token, struct ccaas_client *client,
                   double now)
{
    static const char form[] = "grant_type=client_credentials";
    static const char *const headers[] = {
        "Content-Type: application/x-www-form-urlencoded",
        "Accept: application/json", NULL};
    struct ccaas_call_plan plan = {.body = CCAAS_BODY_WHOLE,
                                   .max_body = TOKEN_BODY};
    struct cc_http_request request = {
        .method = "POST",
        .url = token->url,
        .headers = headers,
        .user = token->secrets.key,
        .password = token->secrets.secret,
        .content = form,
        .content_length = sizeof form - 1,
        .trust = cc_trust_for(token->ca_file),
        .proxy = token->proxy,
        .user_agent = client->user_agent,
        .connect_timeout = client->connect_timeout,
        .timeout = longest_timeout(token),
        .deadline = INFINITY,
        .idempotent = true,
    };
    struct cc_http *http = cc_engine_http(token->engine);
    struct cc_http_sink sink;

    token->attempt++;
    token->sent++;
    token->sent_timeout = request.timeout;
    token->heard = now;
    token->status = 0;
    token->life.asked_at = now; /* its life counts from the newest request */
    token->reader = cc_body_reader_new(&plan, token->waker, TOKEN_BODY);
    if (token->reader && http) {
        sink = cc_body_reader_sink(token->reader);
        token->transfer = cc_http_send(http, &request, &sink);
        if (!token->transfer)
            cc_body_reader_unsent(token->reader);
    } else if (token->reader) {
        cc_body_reader_unsent(token->reader);
    }
    if (!token->transfer) {
        cc_token_drop(token);
        cc_token_blame(token, CCAAS_IO, CC_NO_ROOM);
        cc_token_life_failed(&token->life);
        cc_token_give_up(token, client);
    }
}

/* Reads the token in the reply.  False: there is none that can be sent, or
 * memory is out (*broken). */
static bool read_reply(struct cc_token *token, const struct cc_block *block,
                       bool *broken)
{
    char text[TOKEN_LONGEST], life[64];
    struct cc_secret *bearer = NULL;
    long length, i;

    length = cc_json_find(block->bytes, block->length, "access_token", text,
                          sizeof text);
    for (i = 0; i < length; i++)
        if (!cc_is_graph(text[i]))
            length = -1;
    if (length > 0 && length < TOKEN_LONGEST - 1) {
        bearer = cc_secret_new(text, (size_t)length);
        *broken = !bearer;
    }
    cc_secret_wipe(text, sizeof text);
    if (!bearer)
        return false;
    cc_token_replace(token, bearer);
    if (cc_json_find(block->bytes, block->length, "expires_in", life,
                     sizeof life) < 0)
        life[0] = '\0';
    cc_token_life_granted(&token->life, cc_number_from(life));
    return true;
}

/* The attempt failed at `at`, with the token's error: sends it again later,
 * or ends the round. */
static void attempt_failed(struct cc_token *token, struct ccaas_client *client,
                           double at, bool transient)
{
    double pause = -1, retry_after = token->error.retry_after;

    token->error.retryable = transient;
    cc_secrets_scrub_error(&token->secrets, &token->error);
    cc_token_drop(token);
    if (transient)
        pause = cc_token_next_attempt(token, at, retry_after);
    if (pause >= 0) {
        token->resume_at = at + pause;
        cc_token_note(token, client, "waits", pause);
        cc_token_tell(token);
        cc_waker_wake(
            token->waker); /* wakes the waiters that have stopped waiting */
        return;
    }
    if (token->error.code == CCAAS_AUTH)
        cc_token_life_denied(&token->life, cc_clock_now(),
                             CC_TOKEN_LIFE_DENIAL);
    else
        cc_token_life_failed(&token->life);
    cc_token_give_up(token, client);
}

void cc_token_time_out(struct cc_token *token, struct ccaas_client *client,
                       double now)
{
    attempt_failed(token, client, now, true);
}

/* Adds the attempt that ended to those of the error. */
static void list_attempt(struct cc_token *token, const struct cc_end_mail *end)
{
    char outcome[CC_REFUSAL_OUTCOME];

    cc_refusal_outcome(outcome, end->http.code, token->status);
    cc_error_attempt(&token->error, end->http.at, end->http.seconds, outcome);
}

/* What OAuth's names of errors mean (RFC 6749, 4.1.2.1 and 5.2). */
static enum ccaas_code oauth_code(const char *name, bool *transient)
{
    static const char *const refusals[] = {
        "invalid_client",      "invalid_grant",
        "invalid_request",     "invalid_scope",
        "unauthorized_client", "unsupported_grant_type",
        "access_denied",       NULL};
    size_t i;

    *transient = strcmp(name, "server_error") == 0 ||
                 strcmp(name, "temporarily_unavailable") == 0;
    for (i = 0; refusals[i]; i++)
        if (strcmp(name, refusals[i]) == 0)
            return CCAAS_AUTH;
    return *transient ? CCAAS_SERVER : CCAAS_PROTOCOL;
}

/* The text of a member, as it may be shown; "" if it has none. */
static void show_member(const struct cc_token *token, const char *body,
                        size_t length, const char *name, char *to, size_t room)
{
    char text[4096];
    long found = cc_json_find(body, length, name, text, sizeof text);
    size_t used = found > 0 ? (size_t)found : 0;

    used =
        cc_secrets_scrub(&token->secrets, text, used, used > sizeof text - 8);
    cc_text_show(to, room, text, used);
    cc_secret_wipe(text, sizeof text);
}

/* The words and the name of OAuth's error reply, scrubbed; false: it is
 * none. */
static bool read_refusal(const struct cc_token *token, const char *body,
                         size_t length, char *message, size_t room, char *name,
                         size_t name_room)
{
    char words[401];

    show_member(token, body, length, "error", name, name_room);
    show_member(token, body, length, "error_description", words, sizeof words);
    if (words[0] && name[0])
        snprintf(message, room, "%s (%s)", words, name);
    else
        snprintf(message, room, "%s", words[0] ? words : name);
    return words[0] || name[0];
}

/* A 2xx reply without a usable token.  True: the error is transient. */
static bool blame_reply(struct cc_token *token, const struct cc_block *block)
{
    char message[sizeof token->error.message], name[64];
    bool transient = false;
    enum ccaas_code code = CCAAS_PROTOCOL;

    if (block && read_refusal(token, block->bytes, block->length, message,
                              sizeof message, name, sizeof name))
        code = oauth_code(name, &transient);
    else
        snprintf(message, sizeof message,
                 "the answer to the token request holds no usable "
                 "access_token");
    cc_token_blame(token, code, message);
    return transient;
}

/* A reply that is no 2xx.  True: the error is transient. */
static bool blame_status(struct cc_token *token,
                         const struct ccaas_client *client,
                         const struct cc_end_mail *end)
{
    char message[sizeof token->error.message], name[64];
    /* This comes before cc_refusal_read, which changes the body. */
    bool is_oauth = read_refusal(token, end->body, end->length, message,
                                 sizeof message, name, sizeof name);
    bool transient;

    cc_token_blame(token, CCAAS_PROTOCOL, "");
    transient = cc_refusal_read(client, token->status, token->headers,
                                token->headers_length, end->body, end->length,
                                &token->error);
    /* Token endpoints answer 400 or 403 to wrong credentials, too. */
    if (token->error.code == CCAAS_BAD_REQUEST ||
        token->error.code == CCAAS_FORBIDDEN)
        token->error.code = CCAAS_AUTH;
    /* OAuth's words are better than what the API's dialect found. */
    if (is_oauth)
        cc_error_set(&token->error, token->error.code, "%s", message);
    return transient;
}

/* The attempt has ended: with a token, or an error. */
static void conclude(struct cc_token *token, struct ccaas_client *client,
                     const struct cc_end_mail *end)
{
    const struct cc_block *block = token->reply;
    bool transient = end->http.transient, broken = false;
    char message[sizeof token->error.message];

    if (end->http.code == CCAAS_OK && block &&
        read_reply(token, block, &broken)) {
        cc_token_drop(token);
        cc_token_note(token, client, "granted", end->http.seconds);
        cc_error_clear(&token->error);
        cc_token_share(token);
        cc_waker_wake(token->waker);
        return;
    }
    if (end->http.code != CCAAS_OK) {
        if (end->http.refusal)
            token->status = end->http.refusal;
        cc_refusal_blame(token->url, token->proxy, &end->http, message,
                         sizeof message);
        cc_token_blame(token, end->http.code, message);
    } else if (broken) {
        cc_token_blame(token, CCAAS_MEMORY, "out of memory");
    } else if (block || end->state == CC_SPLIT_LARGE) {
        transient = blame_reply(token, block);
    } else {
        transient = blame_status(token, client, end);
    }
    list_attempt(token, end);
    token->error.retry_after = cc_retry_after_of(
        token->headers, token->headers_length, end->came_wall);
    attempt_failed(token, client, end->came_at, transient);
}

/* Takes what has arrived for the request under way. */
void cc_token_receive(struct cc_token *token, struct ccaas_client *client)
{
    struct cc_head_mail *head;
    struct cc_mail *mail;
    bool resume;

    while (token->reader &&
           (mail = cc_mailbox_take(cc_body_reader_box(token->reader),
                                   &resume)) != NULL) {
        if (mail->kind == CC_MAIL_HEAD) {
            head = (struct cc_head_mail *)mail;
            token->status = head->status;
            token->heard = head->came_at;
            cc_head_mail_keep(head, &token->headers, &token->headers_length);
        } else if (mail->kind == CC_MAIL_BLOCK) {
            token->reply = (struct cc_block *)mail;
            continue;
        } else {
            conclude(token, client, (struct cc_end_mail *)mail);
        }
        mail->free(mail);
    }
}
