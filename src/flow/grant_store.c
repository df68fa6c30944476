/* What a grant has in common with those of other engines: see grant.h. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "error.h"
#include "grant_own.h"
#include "stored.h"

static bool same(const struct ccaas_secret *one,
                 const struct ccaas_stored *stored)
{
    const char *text = one ? ccaas_secret_reveal(one) : "";

    return one && strlen(text) == stored->length &&
           memcmp(text, stored->text, stored->length) == 0;
}

static bool take_token(struct ccaas_grant *grant, struct ccaas_client *client,
                       const struct ccaas_stored *stored, double now)
{
    struct ccaas_secret *bearer;

    if ((grant->refused && same(grant->bearer, stored)) ||
        (grant->former_refused && same(grant->former, stored)))
        return false;
    bearer = ccaas_secret_new(stored->text, stored->length);
    if (!bearer)
        return false;
    if (!ccaas_auth_found(&grant->auth, now, stored->left, stored->life)) {
        ccaas_secret_release(bearer);
        return false;
    }
    ccaas_grant_replace(grant, bearer);
    ccaas_grant_note(grant, client, "shared", -1);
    ccaas_bell_ring(grant->bell);
    return true;
}

/* Somebody else has just tried. */
static void take_error(struct ccaas_grant *grant, struct ccaas_client *client,
                       const struct ccaas_stored *stored, double now)
{
    struct ccaas_error *error = &grant->error;

    ccaas_error_clear(error);
    error->status = stored->status;
    error->retryable = stored->code != CCAAS_AUTH;
    strcpy(error->method, "POST");
    ccaas_error_url(error->url, sizeof error->url, grant->url);
    ccaas_error_set(error, stored->code, "%.*s",
                    (int)(stored->length < sizeof error->message
                              ? stored->length
                              : sizeof error->message),
                    stored->text);
    if (stored->code == CCAAS_AUTH)
        ccaas_auth_denied(&grant->auth, now, stored->left);
    else
        ccaas_auth_failed(&grant->auth);
    ccaas_grant_give_up(grant, client);
}

bool ccaas_grant_look(void *self, struct ccaas_client *client,
                      const char *value, size_t length)
{
    struct ccaas_grant *grant = self;
    double now = ccaas_clock_now();
    struct ccaas_stored stored;

    if (!grant->auth.asking || grant->transfer ||
        !ccaas_stored_read(value, length, ccaas_clock_wall(), &stored))
        return false;
    if (stored.code == CCAAS_OK)
        return take_token(grant, client, &stored, now);
    /* A failure is that of those who were waiting for it; others try anew. */
    if (stored.code != CCAAS_AUTH && !grant->lease.polls)
        return false;
    take_error(grant, client, &stored, now);
    return true;
}

/* Does it say something of the server, rather than of this process? */
static bool concerns_all(enum ccaas_code code)
{
    return code != CCAAS_IO && code != CCAAS_MEMORY && code != CCAAS_CANCELLED;
}

void ccaas_grant_share(struct ccaas_grant *grant)
{
    const struct ccaas_auth *auth = &grant->auth;
    const struct ccaas_error *error = &grant->error;
    /* In this order: where time passes between them, it is over too early. */
    double wall = ccaas_clock_wall(), now = ccaas_clock_now();
    struct ccaas_stored stored = {
        .code = error->code,
        .status = error->status,
        .life =
            error->code == CCAAS_AUTH ? CCAAS_AUTH_DENIAL : CCAAS_GRANT_FAILURE,
        .text = error->message,
    };
    char *text;

    if (grant->lease.state != CCAAS_LEASE_HELD || !concerns_all(error->code))
        return ccaas_lease_leave(&grant->lease, NULL, now);
    stored.left = stored.life;
    if (error->code == CCAAS_OK) {
        stored.text = ccaas_secret_reveal(grant->bearer);
        stored.life = auth->life;
        stored.left = auth->asked_at + auth->life - now;
    }
    stored.length = strlen(stored.text);
    text = stored.left > 0 ? ccaas_stored_write(&stored, wall) : NULL;
    ccaas_lease_leave(&grant->lease, text, text ? now + stored.left : now);
    if (text)
        ccaas_secret_wipe(text, strlen(text));
    free(text);
}
