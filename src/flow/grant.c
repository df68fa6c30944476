/* The token of a set of credentials: see grant.h. */
#include "grant.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "error.h"
#include "grant_own.h"
#include "scrub.h"
#include "text.h"

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
    return grant->url && grant->lease.store == settings->store &&
           same_text(grant->url, settings->token_url) &&
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

/* Names nobody can read the credentials from. */
static bool start_lease(struct ccaas_grant *grant, unsigned store)
{
    const char *const parts[] = {
        grant->url, grant->key ? ccaas_secret_reveal(grant->key) : "",
        grant->secret ? ccaas_secret_reveal(grant->secret) : "", NULL};

    if (!ccaas_lease_start(&grant->lease, grant->engine, grant->bell, "token",
                           true, parts))
        return false;
    grant->lease.store = store;
    grant->lease.seconds = CCAAS_GRANT_LEASE;
    grant->lease.look = ccaas_grant_look;
    grant->lease.self = grant;
    return true;
}

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
    grant->bell = ccaas_bell_new();
    grant->next = engine->grants;
    grant->link = &engine->grants;
    if (grant->next)
        grant->next->link = &grant->next;
    engine->grants = grant;
    ccaas_auth_start(&grant->auth);
    if (!failed && grant->bell && grant->url && settings->store)
        failed = !start_lease(grant, settings->store);
    if (failed || !grant->bell) {
        free_grant(grant);
        return NULL;
    }
    return grant;
}

static void free_grant(struct ccaas_grant *grant)
{
    ccaas_grant_drop(grant);
    while (grant->needs)
        ccaas_grant_need_end(grant->needs);
    ccaas_lease_end(&grant->lease);
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

const struct ccaas_grant *ccaas_grant_next(const struct ccaas_grant *grant)
{
    return grant->next;
}

void ccaas_grant_free_all(struct ccaas_engine *engine)
{
    while (engine->grants)
        free_grant(engine->grants);
}

static enum ccaas_grant_state have(const struct ccaas_grant *grant,
                                   struct ccaas_grant_need *need,
                                   struct ccaas_secret **bearer,
                                   uint64_t *generation)
{
    ccaas_grant_need_end(need);
    *bearer = grant->bearer;
    *generation = grant->auth.generation;
    return CCAAS_GRANT_HAVE;
}

/* Sends the request when it is time, and nobody else is at it. */
static void go_ahead(struct ccaas_grant *grant, struct ccaas_client *client,
                     double now)
{
    bool ready =
        ccaas_lease_ready(&grant->lease, client, now, grant->transfer != NULL);

    if (ready && !grant->transfer && now >= grant->resume_at)
        ccaas_grant_send(grant, client, now);
}

/* In a forked child the answer never comes, and those waiting for it are the
 * parent's: ask anew. */
static void begin_anew(struct ccaas_grant *grant, double now)
{
    grant->pid = getpid();
    while (grant->needs)
        ccaas_grant_need_end(grant->needs);
    if (grant->reader) {
        ccaas_grant_drop(grant);
        grant->resume_at = now;
    }
    if (grant->asking)
        ccaas_auth_failed(&grant->auth);
    grant->asking = NULL;
}

static void begin_round(struct ccaas_grant *grant, double now)
{
    grant->attempt = 0;
    grant->resume_at = now;
    ccaas_error_clear(&grant->error);
}

enum ccaas_grant_state
ccaas_grant_use(struct ccaas_grant *grant, struct ccaas_client *client,
                struct ccaas_grant_need *need, struct ccaas_bell *bell,
                double now, struct ccaas_secret **bearer, uint64_t *generation)
{
    enum ccaas_auth_state state;

    if (!grant->url && !grant->asked)
        return have(grant, need, bearer, generation);
    if (grant->pid != getpid())
        begin_anew(grant, now);
    if (grant->reader)
        ccaas_grant_receive(grant, client);
    if (grant->transfer && !ccaas_grant_be_patient(grant, now))
        ccaas_grant_time_out(grant, client, now);
    if (need->failure)
        return CCAAS_GRANT_FAILED;
    /* Who waited for this token uses it once, however short its life is. */
    if (need->link && grant->granted > need->granted)
        return have(grant, need, bearer, generation);
    state = ccaas_auth_need(&grant->auth, now);
    if (state == CCAAS_AUTH_HAVE)
        return have(grant, need, bearer, generation);
    if (state == CCAAS_AUTH_DENIED)
        ccaas_grant_refuse(grant, need);
    else if (state == CCAAS_AUTH_ASK)
        begin_round(grant, now);
    if (state == CCAAS_AUTH_DENIED || !ccaas_grant_join(grant, need, bell, now))
        return CCAAS_GRANT_FAILED;
    if (grant->asked && state == CCAAS_AUTH_ASK) {
        grant->asking = bell;
        return CCAAS_GRANT_ASK;
    }
    if (!grant->asked)
        go_ahead(grant, client, now);
    return need->failure ? CCAAS_GRANT_FAILED : CCAAS_GRANT_WAIT;
}

bool ccaas_grant_refused(struct ccaas_grant *grant, uint64_t generation)
{
    if (!grant->url && !grant->asked)
        return false;
    if (generation == grant->auth.generation)
        grant->refused = true;
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
        if (!ccaas_is_graph(token[i]))
            length = 0;
    if (length)
        bearer = ccaas_secret_new(token, length);
    if (!bearer) {
        ccaas_grant_blame(grant, CCAAS_AUTH,
                          "the token function gave no usable token");
        ccaas_auth_failed(&grant->auth);
        ccaas_grant_give_up(grant, client);
        return;
    }
    ccaas_grant_replace(grant, bearer);
    ccaas_auth_granted(&grant->auth, 0);
    grant->auth.fresh_until = INFINITY; /* until it is refused */
    ccaas_bell_ring(grant->bell);
}

void ccaas_grant_replace(struct ccaas_grant *grant, struct ccaas_secret *bearer)
{
    ccaas_secret_release(grant->former);
    grant->former = grant->bearer;
    grant->former_refused = grant->refused;
    grant->bearer = bearer;
    grant->refused = false;
    grant->granted++;
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
                              size_t length, bool cut)
{
    const struct ccaas_secret *held[] = {grant->bearer, grant->former,
                                         grant->secret, grant->key};
    const char *secrets[sizeof held / sizeof *held + 1];
    struct ccaas_buffer pair = {0};
    size_t count = 0, i;

    for (i = 0; i < sizeof held / sizeof *held; i++)
        if (held[i])
            secrets[count++] = ccaas_secret_reveal(held[i]);
    if (grant->key && grant->secret) {
        if (!ccaas_buffer_text(&pair, ccaas_secret_reveal(grant->key)) ||
            !ccaas_buffer_add(&pair, ":", 1) ||
            !ccaas_buffer_text(&pair, ccaas_secret_reveal(grant->secret)) ||
            !ccaas_buffer_add(&pair, "", 1))
            length = 0; /* rather nothing than a secret */
        else
            secrets[count++] = pair.bytes;
    }
    length = ccaas_scrub(text, length, cut, secrets, count);
    if (pair.bytes)
        ccaas_secret_wipe(pair.bytes, pair.length);
    ccaas_buffer_free(&pair);
    return length;
}

void ccaas_grant_scrub(const struct ccaas_grant *grant,
                       struct ccaas_error *error)
{
    char *const texts[] = {error->message, error->url, error->request_id};
    size_t i;

    for (i = 0; i < sizeof texts / sizeof *texts; i++)
        texts[i][ccaas_grant_scrub_text(grant, texts[i], strlen(texts[i]),
                                        false)] = '\0';
    error->body_length =
        ccaas_grant_scrub_text(grant, error->body, error->body_length, false);
    error->body[error->body_length] = '\0';
}
