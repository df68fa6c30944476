/* The token of a set of credentials: see token.h.  This file makes, shares
 * and hands out tokens. */
#include "token.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "error.h"
#include "text.h"
#include "token_own.h"

static bool same_text(const char *one, const char *other)
{
    return one == other || (one && other && strcmp(one, other) == 0);
}

static bool same_secret(const struct cc_secret *one, const char *other)
{
    return one ? other && strcmp(cc_secret_reveal(one), other) == 0 : !other;
}

/* Does this token serve clients with these settings?  A given token must
 * have the same bytes, a requested one the same source. */
static bool serves(const struct cc_token *token,
                   const struct ccaas_settings *settings)
{
    if (settings->ask_token)
        return false; /* each token function has a token of its own */
    if (token->asked)
        return false;
    if (!settings->token_url)
        return !token->url &&
               same_secret(token->secrets.bearer, settings->token);
    return token->url && token->lease.store == settings->store &&
           same_text(token->url, settings->token_url) &&
           same_text(token->ca_file, settings->ca_file) &&
           same_text(token->proxy, settings->proxy) &&
           same_secret(token->secrets.key, settings->key) &&
           same_secret(token->secrets.secret, settings->secret);
}

static struct cc_secret *keep_secret(const char *text, bool *failed)
{
    struct cc_secret *secret = text ? cc_secret_new(text, strlen(text)) : NULL;

    if (text && !secret)
        *failed = true;
    return secret;
}

static void free_token(struct cc_token *token);

/* The names in the store are hashes: they do not show the credentials. */
static bool start_lease(struct cc_token *token, unsigned store)
{
    const char *const parts[] = {
        token->url,
        token->secrets.key ? cc_secret_reveal(token->secrets.key) : "",
        token->secrets.secret ? cc_secret_reveal(token->secrets.secret) : "",
        NULL};

    if (!cc_lease_start(&token->lease, token->engine, token->waker, "token",
                        true, parts))
        return false;
    token->lease.store = store;
    token->lease.seconds = CC_TOKEN_LEASE;
    token->lease.look = cc_token_look;
    token->lease.self = token;
    return true;
}

struct cc_token *cc_token_get(struct ccaas_engine *engine,
                              const struct ccaas_settings *settings)
{
    struct cc_token *token;
    bool failed = false;

    for (token = engine->tokens; token; token = token->next)
        if (serves(token, settings)) {
            token->references++;
            return token;
        }
    token = calloc(1, sizeof *token);
    if (!token)
        return NULL;
    token->references = 1;
    token->engine = engine;
    token->url = cc_copy(settings->token_url, &failed);
    token->secrets.key = keep_secret(settings->key, &failed);
    token->secrets.secret = keep_secret(settings->secret, &failed);
    token->secrets.bearer = keep_secret(settings->token, &failed);
    token->ca_file = cc_copy(settings->ca_file, &failed);
    token->proxy = cc_copy(settings->proxy, &failed);
    token->asked = settings->ask_token;
    token->waker = cc_waker_new();
    token->next = engine->tokens;
    token->link = &engine->tokens;
    if (token->next)
        token->next->link = &token->next;
    engine->tokens = token;
    cc_secrets_add(&engine->secrets, &token->secrets);
    cc_token_life_start(&token->life);
    if (!failed && token->waker && token->url && settings->store)
        failed = !start_lease(token, settings->store);
    if (failed || !token->waker) {
        free_token(token);
        return NULL;
    }
    return token;
}

static void free_token(struct cc_token *token)
{
    cc_token_drop(token);
    while (token->waiters)
        cc_token_waiter_end(token->waiters);
    cc_lease_end(&token->lease);
    *token->link = token->next;
    if (token->next)
        token->next->link = token->link;
    free(token->url);
    free(token->ca_file);
    free(token->proxy);
    cc_secrets_end(&token->secrets);
    cc_waker_release(token->waker);
    cc_error_clear(&token->error);
    free(token);
}

/* A requested token outlives its clients.  A script that makes a client for
 * each call must not request a token each time. */
void cc_token_release(struct cc_token *token)
{
    struct cc_token *other, *oldest = NULL;
    unsigned idle = 0;

    if (!token || --token->references)
        return;
    if (!token->url) {
        free_token(token);
        return;
    }
    for (other = token->engine->tokens; other; other = other->next)
        if (!other->references) {
            idle++;
            oldest = other; /* the newest one is at the list's head */
        }
    if (idle > CC_TOKEN_IDLE)
        free_token(oldest);
}

const struct cc_secrets *cc_token_secrets(const struct cc_token *token)
{
    return &token->secrets;
}

void cc_token_free_all(struct ccaas_engine *engine)
{
    while (engine->tokens)
        free_token(engine->tokens);
}

static enum cc_token_state have(const struct cc_token *token,
                                struct cc_token_waiter *waiter,
                                struct cc_secret **bearer, uint64_t *generation)
{
    cc_token_waiter_end(waiter);
    *bearer = token->secrets.bearer;
    *generation = token->life.generation;
    return CC_TOKEN_HAVE;
}

/* Sends the request when it is time, and no other engine is at it. */
static void go_ahead(struct cc_token *token, struct ccaas_client *client,
                     double now)
{
    bool ready =
        cc_lease_ready(&token->lease, client, now, token->transfer != NULL);

    if (ready && !token->transfer && now >= token->resume_at)
        cc_token_send(token, client, now);
}

/* In a forked child the answer never comes, and the waiters are the
 * parent's: starts again. */
static void begin_anew(struct cc_token *token, double now)
{
    token->pid = getpid();
    while (token->waiters)
        cc_token_waiter_end(token->waiters);
    if (token->reader) {
        cc_token_drop(token);
        token->resume_at = now;
    }
    if (token->asking)
        cc_token_life_failed(&token->life);
    token->asking = NULL;
}

static void begin_round(struct cc_token *token, double now)
{
    token->attempt = 0;
    token->resume_at = now;
    cc_error_clear(&token->error);
}

enum cc_token_state cc_token_use(struct cc_operation *operation,
                                 struct cc_token_waiter *waiter, double now,
                                 struct cc_secret **bearer,
                                 uint64_t *generation)
{
    struct ccaas_client *client = operation->client;
    struct cc_token *token = client->token;
    enum cc_token_life_state state;

    if (!token->url && !token->asked)
        return have(token, waiter, bearer, generation);
    if (token->pid != getpid())
        begin_anew(token, now);
    if (token->reader)
        cc_token_receive(token, client);
    if (token->transfer && !cc_token_be_patient(token, now))
        cc_token_time_out(token, client, now);
    if (waiter->failure)
        return CC_TOKEN_FAILED;
    /* A waiter uses the token that it waited for once, however short its
     * life is. */
    if (waiter->link && token->granted > waiter->granted)
        return have(token, waiter, bearer, generation);
    state = cc_token_life_need(&token->life, now);
    if (state == CC_TOKEN_LIFE_HAVE)
        return have(token, waiter, bearer, generation);
    if (state == CC_TOKEN_LIFE_DENIED)
        cc_token_refuse(token, waiter);
    else if (state == CC_TOKEN_LIFE_ASK)
        begin_round(token, now);
    if (state == CC_TOKEN_LIFE_DENIED ||
        !cc_token_join(token, waiter, operation->waker, now))
        return CC_TOKEN_FAILED;
    if (token->asked && state == CC_TOKEN_LIFE_ASK) {
        token->asking = operation->waker;
        operation->asked = true;
        return CC_TOKEN_ASK;
    }
    if (!token->asked)
        go_ahead(token, client, now);
    return waiter->failure ? CC_TOKEN_FAILED : CC_TOKEN_WAIT;
}

bool cc_token_refused(struct cc_token *token, uint64_t generation)
{
    if (!token->url && !token->asked)
        return false;
    if (generation == token->life.generation)
        token->refused = true;
    cc_token_life_refused(&token->life, generation);
    return true;
}

const char *cc_token_reason(const struct cc_operation *operation)
{
    if (!operation->asked)
        return NULL;
    return operation->client->token->life.generation ? "refused" : "start";
}

void cc_token_give(struct cc_operation *operation, const char *text)
{
    struct cc_token *token = operation->client->token;
    struct cc_secret *bearer = NULL;
    size_t length = text ? strlen(text) : 0, i;

    operation->asked = false;
    if (!token || token->asking != operation->waker)
        return; /* another operation has been asked since */
    token->asking = NULL;
    for (i = 0; i < length; i++)
        if (!cc_is_graph(text[i]))
            length = 0;
    if (length)
        bearer = cc_secret_new(text, length);
    if (!bearer) {
        cc_token_blame(token, CCAAS_AUTH,
                       "the token function returned no usable token");
        cc_token_life_failed(&token->life);
        cc_token_give_up(token, operation->client);
        return;
    }
    cc_token_replace(token, bearer);
    cc_token_life_granted(&token->life, 0);
    token->life.fresh_until = INFINITY; /* until it is refused */
    cc_waker_wake(token->waker);
}

void cc_token_replace(struct cc_token *token, struct cc_secret *bearer)
{
    cc_secret_release(token->secrets.former);
    token->secrets.former = token->secrets.bearer;
    token->former_refused = token->refused;
    token->secrets.bearer = bearer;
    token->refused = false;
    token->granted++;
}

void cc_token_leave(const struct cc_operation *operation)
{
    struct cc_token *token = operation->client->token;

    if (!token || !operation->waker)
        return;
    cc_waker_unfollow(token->waker, operation->waker);
    if (token->asking == operation->waker) {
        token->asking = NULL;
        cc_token_life_failed(&token->life);
        cc_waker_wake(token->waker);
    }
}
