/* What engines share of a token through a store: see token.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "error.h"
#include "siphash.h"
#include "stored_token.h"
#include "token_own.h"

static bool same(const struct cc_secret *one,
                 const struct cc_stored_token *stored)
{
    const char *text = one ? cc_secret_reveal(one) : "";

    return one && strlen(text) == stored->length &&
           memcmp(text, stored->text, stored->length) == 0;
}

static bool take_token(struct cc_token *token, struct ccaas_client *client,
                       const struct cc_stored_token *stored, double now)
{
    struct cc_secret *bearer;

    if ((token->refused && same(token->secrets.bearer, stored)) ||
        (token->former_refused && same(token->secrets.former, stored)))
        return false;
    bearer = cc_secret_new(stored->text, stored->length);
    if (!bearer)
        return false;
    if (!cc_token_life_found(&token->life, now, stored->left, stored->life)) {
        cc_secret_release(bearer);
        return false;
    }
    cc_token_replace(token, bearer);
    cc_token_note(token, client, "shared", -1);
    cc_waker_wake(token->waker);
    return true;
}

/* Another engine has just tried.  That counts as an attempt for all waiters
 * here, too. */
static void take_error(struct cc_token *token, struct ccaas_client *client,
                       const struct cc_stored_token *stored, double now)
{
    struct ccaas_error *error = &token->error;
    char message[sizeof error->message];
    double pause = -1;

    token->attempt++;
    token->sent++;
    token->sent_timeout = INFINITY;
    token->status = stored->status;
    snprintf(message, sizeof message, "%.*s",
             (int)(stored->length < sizeof message ? stored->length
                                                   : sizeof message - 1),
             stored->text);
    cc_token_blame(token, stored->code, message);
    error->retryable = stored->transient;
    error->retry_after = stored->retry_after;
    snprintf(message, sizeof message, "%d", stored->status);
    cc_error_attempt(error, cc_clock_wall(), 0,
                     stored->status ? message : ccaas_code_name(error->code));
    cc_secrets_scrub_error(&token->secrets, error);
    if (stored->transient)
        pause = cc_token_next_attempt(token, now, stored->retry_after);
    if (pause >= 0) {
        token->resume_at = now + pause;
        cc_token_note(token, client, "waits", pause);
        cc_waker_wake(token->waker);
        return;
    }
    if (stored->code == CCAAS_AUTH)
        cc_token_life_denied(&token->life, now, stored->left);
    else
        cc_token_life_failed(&token->life);
    cc_token_give_up(token, client);
}

/* Identifies a failure. */
static uint64_t hash_of(const char *value, size_t length)
{
    static const uint64_t key[2];

    return cc_siphash(key, value, length) | 1;
}

bool cc_token_look(void *self, struct ccaas_client *client, const char *value,
                   size_t length)
{
    struct cc_token *token = self;
    double now = cc_clock_now();
    struct cc_stored_token stored;
    uint64_t hash;
    bool is_new;

    if (!token->life.asking || token->transfer ||
        !cc_stored_token_read(value, length, cc_clock_wall(), &stored))
        return false;
    if (stored.code == CCAAS_OK)
        return take_token(token, client, &stored, now);
    /* A failure counts once, and only for waiters that were there when it
     * came.  Without such waiters, this engine tries again. */
    hash = hash_of(value, length);
    is_new = hash != token->told;
    token->told = hash;
    if (stored.code != CCAAS_AUTH &&
        (!is_new || (!token->lease.polls && !token->attempt)))
        return false;
    take_error(token, client, &stored, now);
    return true;
}

/* Is it about the server, and not about this process? */
static bool concerns_all(enum ccaas_code code)
{
    return code != CCAAS_IO && code != CCAAS_MEMORY && code != CCAAS_CANCELLED;
}

/* The token's error as it is stored; NULL: it does not concern other
 * engines, or memory is out. */
static char *write_error(struct cc_token *token, double *seconds)
{
    const struct ccaas_error *error = &token->error;
    struct cc_stored_token stored = {
        .code = error->code,
        .status = error->status,
        .transient = error->retryable,
        .retry_after = error->retry_after,
        .life =
            error->code == CCAAS_AUTH ? CC_TOKEN_LIFE_DENIAL : CC_TOKEN_FAILURE,
        .text = error->message,
        .length = strlen(error->message),
    };
    char *text;

    if (!concerns_all(error->code))
        return NULL;
    *seconds = stored.left = stored.life;
    text = cc_stored_token_write(&stored, cc_clock_wall());
    if (text)
        token->told = hash_of(text, strlen(text));
    return text;
}

/* The token as it is stored; NULL: it has expired, or memory is out. */
static char *write_token(const struct cc_token *token, double *seconds)
{
    const struct cc_token_life *life = &token->life;
    /* In this order: time that passes between the two makes it expire
     * earlier, not later. */
    double wall = cc_clock_wall(), now = cc_clock_now();
    struct cc_stored_token stored = {
        .code = CCAAS_OK,
        .text = cc_secret_reveal(token->secrets.bearer),
        .life = life->lifetime,
        .left = life->asked_at + life->lifetime - now,
    };

    stored.length = strlen(stored.text);
    *seconds = stored.left;
    return stored.left > 0 ? cc_stored_token_write(&stored, wall) : NULL;
}

void cc_token_tell(struct cc_token *token)
{
    double seconds;
    char *text;

    if (token->lease.state != CC_LEASE_HELD)
        return;
    text = write_error(token, &seconds);
    if (text)
        cc_lease_tell(&token->lease, text, cc_clock_now() + seconds);
    free(text);
}

void cc_token_share(struct cc_token *token)
{
    double seconds = 0, now = cc_clock_now();
    char *text = NULL;

    if (token->lease.state == CC_LEASE_HELD)
        text = token->error.code ? write_error(token, &seconds)
                                 : write_token(token, &seconds);
    cc_lease_leave(&token->lease, text, text ? now + seconds : now);
    if (text)
        cc_secret_wipe(text, strlen(text));
    free(text);
}
