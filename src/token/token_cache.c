/* The token of a set of credentials: see token_cache.h. */
#include "token_cache.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "error.h"
#include "scrub.h"
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

/* Given tokens are told apart by their bytes, asked ones by their source. */
static bool serves(const struct cc_grant *grant,
                   const struct ccaas_settings *settings)
{
    if (settings->ask_token)
        return false; /* every function has a token of its own */
    if (grant->asked)
        return false;
    if (!settings->token_url)
        return !grant->url && same_secret(grant->bearer, settings->token);
    return grant->url && grant->lease.store == settings->store &&
           same_text(grant->url, settings->token_url) &&
           same_text(grant->ca_file, settings->ca_file) &&
           same_text(grant->proxy, settings->proxy) &&
           same_secret(grant->key, settings->key) &&
           same_secret(grant->secret, settings->secret);
}

static struct cc_secret *keep_secret(const char *text, bool *failed)
{
    struct cc_secret *secret = text ? cc_secret_new(text, strlen(text)) : NULL;

    if (text && !secret)
        *failed = true;
    return secret;
}

static void free_grant(struct cc_grant *grant);

/* Names nobody can read the credentials from. */
static bool start_lease(struct cc_grant *grant, unsigned store)
{
    const char *const parts[] = {
        grant->url, grant->key ? cc_secret_reveal(grant->key) : "",
        grant->secret ? cc_secret_reveal(grant->secret) : "", NULL};

    if (!cc_lease_start(&grant->lease, grant->engine, grant->bell, "token",
                        true, parts))
        return false;
    grant->lease.store = store;
    grant->lease.seconds = CC_GRANT_LEASE;
    grant->lease.look = cc_grant_look;
    grant->lease.self = grant;
    return true;
}

struct cc_grant *cc_grant_get(struct ccaas_engine *engine,
                              const struct ccaas_settings *settings)
{
    struct cc_grant *grant;
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
    grant->url = cc_copy(settings->token_url, &failed);
    grant->key = keep_secret(settings->key, &failed);
    grant->secret = keep_secret(settings->secret, &failed);
    grant->bearer = keep_secret(settings->token, &failed);
    grant->ca_file = cc_copy(settings->ca_file, &failed);
    grant->proxy = cc_copy(settings->proxy, &failed);
    grant->asked = settings->ask_token;
    grant->bell = cc_bell_new();
    grant->next = engine->grants;
    grant->link = &engine->grants;
    if (grant->next)
        grant->next->link = &grant->next;
    engine->grants = grant;
    cc_token_life_start(&grant->life);
    if (!failed && grant->bell && grant->url && settings->store)
        failed = !start_lease(grant, settings->store);
    if (failed || !grant->bell) {
        free_grant(grant);
        return NULL;
    }
    return grant;
}

static void free_grant(struct cc_grant *grant)
{
    cc_grant_drop(grant);
    while (grant->needs)
        cc_grant_need_end(grant->needs);
    cc_lease_end(&grant->lease);
    *grant->link = grant->next;
    if (grant->next)
        grant->next->link = grant->link;
    free(grant->url);
    free(grant->ca_file);
    free(grant->proxy);
    cc_secret_release(grant->key);
    cc_secret_release(grant->secret);
    cc_secret_release(grant->bearer);
    cc_secret_release(grant->former);
    cc_bell_release(grant->bell);
    cc_error_clear(&grant->error);
    free(grant);
}

/* What was asked for outlives its clients: a script may well make one for each
 * call, and is not to ask for a token each time. */
void cc_grant_release(struct cc_grant *grant)
{
    struct cc_grant *other, *oldest = NULL;
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
    if (idle > CC_GRANT_IDLE)
        free_grant(oldest);
}

const struct cc_grant *cc_grant_next(const struct cc_grant *grant)
{
    return grant->next;
}

void cc_grant_free_all(struct ccaas_engine *engine)
{
    while (engine->grants)
        free_grant(engine->grants);
}

static enum cc_grant_state have(const struct cc_grant *grant,
                                struct cc_grant_need *need,
                                struct cc_secret **bearer, uint64_t *generation)
{
    cc_grant_need_end(need);
    *bearer = grant->bearer;
    *generation = grant->life.generation;
    return CC_GRANT_HAVE;
}

/* Sends the request when it is time, and nobody else is at it. */
static void go_ahead(struct cc_grant *grant, struct ccaas_client *client,
                     double now)
{
    bool ready =
        cc_lease_ready(&grant->lease, client, now, grant->transfer != NULL);

    if (ready && !grant->transfer && now >= grant->resume_at)
        cc_grant_send(grant, client, now);
}

/* In a forked child the answer never comes, and those waiting for it are the
 * parent's: ask anew. */
static void begin_anew(struct cc_grant *grant, double now)
{
    grant->pid = getpid();
    while (grant->needs)
        cc_grant_need_end(grant->needs);
    if (grant->reader) {
        cc_grant_drop(grant);
        grant->resume_at = now;
    }
    if (grant->asking)
        cc_token_life_failed(&grant->life);
    grant->asking = NULL;
}

static void begin_round(struct cc_grant *grant, double now)
{
    grant->attempt = 0;
    grant->resume_at = now;
    cc_error_clear(&grant->error);
}

enum cc_grant_state
cc_grant_use(struct cc_grant *grant, struct ccaas_client *client,
             struct cc_grant_need *need, struct ccaas_bell *bell, double now,
             struct cc_secret **bearer, uint64_t *generation)
{
    enum cc_token_life_state state;

    if (!grant->url && !grant->asked)
        return have(grant, need, bearer, generation);
    if (grant->pid != getpid())
        begin_anew(grant, now);
    if (grant->reader)
        cc_grant_receive(grant, client);
    if (grant->transfer && !cc_grant_be_patient(grant, now))
        cc_grant_time_out(grant, client, now);
    if (need->failure)
        return CC_GRANT_FAILED;
    /* Who waited for this token uses it once, however short its life is. */
    if (need->link && grant->granted > need->granted)
        return have(grant, need, bearer, generation);
    state = cc_token_life_need(&grant->life, now);
    if (state == CC_TOKEN_LIFE_HAVE)
        return have(grant, need, bearer, generation);
    if (state == CC_TOKEN_LIFE_DENIED)
        cc_grant_refuse(grant, need);
    else if (state == CC_TOKEN_LIFE_ASK)
        begin_round(grant, now);
    if (state == CC_TOKEN_LIFE_DENIED || !cc_grant_join(grant, need, bell, now))
        return CC_GRANT_FAILED;
    if (grant->asked && state == CC_TOKEN_LIFE_ASK) {
        grant->asking = bell;
        return CC_GRANT_ASK;
    }
    if (!grant->asked)
        go_ahead(grant, client, now);
    return need->failure ? CC_GRANT_FAILED : CC_GRANT_WAIT;
}

bool cc_grant_refused(struct cc_grant *grant, uint64_t generation)
{
    if (!grant->url && !grant->asked)
        return false;
    if (generation == grant->life.generation)
        grant->refused = true;
    cc_token_life_refused(&grant->life, generation);
    return true;
}

const char *cc_grant_question(const struct cc_grant *grant)
{
    return grant->life.generation ? "refused" : "start";
}

void cc_grant_answer(struct cc_grant *grant, struct ccaas_client *client,
                     const struct ccaas_bell *bell, const char *token)
{
    struct cc_secret *bearer = NULL;
    size_t length = token ? strlen(token) : 0, i;

    if (grant->asking != bell)
        return; /* it is somebody else's turn by now */
    grant->asking = NULL;
    for (i = 0; i < length; i++)
        if (!cc_is_graph(token[i]))
            length = 0;
    if (length)
        bearer = cc_secret_new(token, length);
    if (!bearer) {
        cc_grant_blame(grant, CCAAS_AUTH,
                       "the token function gave no usable token");
        cc_token_life_failed(&grant->life);
        cc_grant_give_up(grant, client);
        return;
    }
    cc_grant_replace(grant, bearer);
    cc_token_life_granted(&grant->life, 0);
    grant->life.fresh_until = INFINITY; /* until it is refused */
    cc_bell_ring(grant->bell);
}

void cc_grant_replace(struct cc_grant *grant, struct cc_secret *bearer)
{
    cc_secret_release(grant->former);
    grant->former = grant->bearer;
    grant->former_refused = grant->refused;
    grant->bearer = bearer;
    grant->refused = false;
    grant->granted++;
}

void cc_grant_leave(struct cc_grant *grant, struct ccaas_bell *bell)
{
    cc_bell_unfollow(grant->bell, bell);
    if (grant->asking == bell) {
        grant->asking = NULL;
        cc_token_life_failed(&grant->life);
        cc_bell_ring(grant->bell);
    }
}

size_t cc_grant_scrub_text(const struct cc_grant *grant, char *text,
                           size_t length, bool cut)
{
    const struct cc_secret *held[] = {grant->bearer, grant->former,
                                      grant->secret, grant->key};
    const char *secrets[sizeof held / sizeof *held + 1];
    struct cc_buffer pair = {0};
    size_t count = 0, i;

    for (i = 0; i < sizeof held / sizeof *held; i++)
        if (held[i])
            secrets[count++] = cc_secret_reveal(held[i]);
    if (grant->key && grant->secret) {
        if (!cc_buffer_text(&pair, cc_secret_reveal(grant->key)) ||
            !cc_buffer_add(&pair, ":", 1) ||
            !cc_buffer_text(&pair, cc_secret_reveal(grant->secret)) ||
            !cc_buffer_add(&pair, "", 1))
            length = 0; /* rather nothing than a secret */
        else
            secrets[count++] = pair.bytes;
    }
    length = cc_scrub(text, length, cut, secrets, count);
    if (pair.bytes)
        cc_secret_wipe(pair.bytes, pair.length);
    cc_buffer_free(&pair);
    return length;
}

void cc_grant_scrub(const struct cc_grant *grant, struct ccaas_error *error)
{
    char *const texts[] = {error->message, error->url, error->request_id};
    size_t i;

    for (i = 0; i < sizeof texts / sizeof *texts; i++)
        texts[i][cc_grant_scrub_text(grant, texts[i], strlen(texts[i]),
                                     false)] = '\0';
    error->body_length =
        cc_grant_scrub_text(grant, error->body, error->body_length, false);
    error->body[error->body_length] = '\0';
}
