/* The calls that wait for a token: for how long, and the error of those that
 * get none.  See grant.h. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "error.h"
#include "grant_own.h"
#include "retry.h"
#include "retry_after.h"
#include "text.h"

/* An error that calls share which stop waiting together. */
struct ccaas_failure {
    int references;
    struct ccaas_error error;
};

/* The one where there is no memory for another.  Not counted: engines of other
 * threads share it. */
static struct ccaas_failure no_memory = {.error = {.code = CCAAS_MEMORY,
                                                   .message = "out of memory",
                                                   .retry_after = -1}};

static void leave(struct ccaas_grant_need *need)
{
    if (!need->link)
        return;
    *need->link = need->next;
    if (need->next)
        need->next->link = need->link;
    need->next = NULL;
    need->link = NULL;
}

static void release(struct ccaas_failure *failure)
{
    if (!failure || failure == &no_memory || --failure->references)
        return;
    ccaas_error_clear(&failure->error);
    free(failure);
}

void ccaas_grant_need_end(struct ccaas_grant_need *need)
{
    leave(need);
    release(need->failure);
    need->failure = NULL;
}

/* The call stops waiting, with the grant's error.  `shared`: the copy of that
 * error that other calls have, or NULL; returns the copy that this one has. */
static struct ccaas_failure *refuse(struct ccaas_grant *grant,
                                    struct ccaas_grant_need *need,
                                    struct ccaas_failure *shared)
{
    leave(need);
    if (!shared) {
        shared = calloc(1, sizeof *shared);
        if (shared)
            ccaas_error_copy(&shared->error, &grant->error);
        else
            shared = &no_memory;
    }
    if (shared != &no_memory)
        shared->references++;
    release(need->failure);
    need->failure = shared;
    return shared;
}

/* The same for a call that does not wait for the next attempt: its error says
 * when that would be, and by which rule of ccaas_retry_wait it gives up. */
static void refuse_pause(struct ccaas_grant *grant,
                         struct ccaas_grant_need *need, double reason,
                         double pause)
{
    struct ccaas_failure *failure = refuse(grant, need, NULL);

    if (failure == &no_memory || failure->error.retry_after < 0)
        return;
    failure->error.retry_after = ceil(pause);
    ccaas_retry_after_tell(&failure->error, reason, need->max_retry_after);
}

void ccaas_grant_refuse(struct ccaas_grant *grant,
                        struct ccaas_grant_need *need)
{
    refuse(grant, need, NULL);
}

void ccaas_grant_refuse_all(struct ccaas_grant *grant)
{
    struct ccaas_failure *failure = NULL;

    while (grant->needs)
        failure = refuse(grant, grant->needs, failure);
}

/* The call stops waiting if the next attempt, `pause` seconds after `at`, is
 * past its deadline, or the server asks for more than its max_retry_after. */
static void leave_before_pause(struct ccaas_grant *grant,
                               struct ccaas_grant_need *need, double at,
                               double pause)
{
    if (at + pause >= need->deadline)
        refuse_pause(grant, need, CCAAS_RETRY_TOO_LATE, pause);
    else if (grant->error.retry_after >= 0 && pause > need->max_retry_after)
        refuse_pause(grant, need, CCAAS_RETRY_TOO_LONG, pause);
}

bool ccaas_grant_join(struct ccaas_grant *grant, struct ccaas_grant_need *need,
                      struct ccaas_bell *bell, double now)
{
    if (need->link)
        return true;
    need->granted = grant->granted;
    need->tried = need->attempts = 0;
    need->since = now;
    if (!ccaas_bell_follow(grant->bell, bell)) {
        need->failure = &no_memory;
        return false;
    }
    need->next = grant->needs;
    need->link = &grant->needs;
    if (need->next)
        need->next->link = &need->next;
    grant->needs = need;
    if (grant->error.code && !grant->transfer)
        leave_before_pause(grant, need, now, grant->resume_at - now);
    return !need->failure;
}

/* Does the attempt that has just failed count for this call, too?  A timeout
 * does not count for one that would have waited longer. */
static bool failed_for(const struct ccaas_grant *grant,
                       const struct ccaas_grant_need *need)
{
    return need->tried < grant->sent && !(grant->error.code == CCAAS_TIMEOUT &&
                                          need->timeout > grant->sent_timeout);
}

double ccaas_grant_next_attempt(struct ccaas_grant *grant, double came_at,
                                double retry_after)
{
    const struct ccaas_retry_rule rule = {
        .retries = UINT_MAX,
        .base = 0.5,
        .cap = 30,
        .idempotent = true,
        .max_retry_after = INFINITY, /* each one has its own */
    };
    struct ccaas_retry_attempt attempt = {.number = UINT_MAX,
                                          .transient = true,
                                          .sent = true,
                                          .retry_after = retry_after};
    struct ccaas_grant_need *need, *next;
    struct ccaas_failure *failure = NULL;
    double pause;

    /* The backoff is that of the call with the fewest attempts so far. */
    for (need = grant->needs; need; need = next) {
        next = need->next;
        need->attempts += failed_for(grant, need);
        need->tried = grant->sent;
        if (need->attempts > need->retries)
            failure = refuse(grant, need, failure);
        else if (need->attempts < attempt.number)
            attempt.number = need->attempts ? need->attempts : 1;
    }
    pause = ccaas_retry_wait(&rule, &attempt, INFINITY, ccaas_random_unit());
    for (need = grant->needs; need; need = next) {
        next = need->next;
        leave_before_pause(grant, need, came_at, pause);
    }
    return grant->needs ? pause : -1;
}

/* When the call's timeout for the request under way passes. */
static double patience(const struct ccaas_grant *grant,
                       const struct ccaas_grant_need *need)
{
    /* The request has that timeout itself, on the engine's thread. */
    if (need->timeout >= grant->sent_timeout)
        return INFINITY;
    return fmax(need->since, grant->heard) + need->timeout;
}

/* Its timeout passed: that counts as an attempt of this call alone. */
static void lose_patience(struct ccaas_grant *grant,
                          struct ccaas_grant_need *need, double now)
{
    char message[64], seconds[CCAAS_SECONDS_ROOM];

    ccaas_text_seconds(seconds, need->timeout);
    snprintf(message, sizeof message, "no byte from the server for %s s",
             seconds);
    ccaas_grant_blame(grant, CCAAS_TIMEOUT, message);
    grant->error.retryable = true;
    ccaas_error_attempt(&grant->error, ccaas_clock_wall_at(grant->heard),
                        now - grant->heard, ccaas_code_name(CCAAS_TIMEOUT));
    need->tried = grant->sent;
    need->since = now;
    if (++need->attempts > need->retries)
        ccaas_grant_refuse(grant, need);
}

bool ccaas_grant_be_patient(struct ccaas_grant *grant, double now)
{
    struct ccaas_grant_need *need, *next;
    bool lost = false, wanted = false;

    for (need = grant->needs; need; need = next) {
        next = need->next;
        if (patience(grant, need) <= now) {
            lose_patience(grant, need, now);
            lost = true;
        } else if (need->tried < grant->sent) {
            wanted = true;
        }
    }
    if (lost)
        ccaas_bell_ring(grant->bell);
    return wanted || (!lost && !grant->needs);
}

/* Keeps the newest `count` attempts, one at least. */
static void keep_newest(struct ccaas_error *error, size_t count)
{
    size_t over;

    if (!count)
        count = 1;
    if (error->attempt_count <= count)
        return;
    over = error->attempt_count - count;
    memmove(error->attempts, error->attempts + over,
            count * sizeof *error->attempts);
    error->attempt_count = count;
}

bool ccaas_grant_error(const struct ccaas_grant *grant,
                       const struct ccaas_grant_need *need,
                       struct ccaas_error *error)
{
    const struct ccaas_error *from =
        need->failure ? &need->failure->error : &grant->error;

    if (!need->failure && (!need->link || !grant->error.code))
        return false;
    ccaas_error_copy(error, from);
    keep_newest(error, need->attempts);
    return true;
}

double ccaas_grant_due(const struct ccaas_grant *grant,
                       const struct ccaas_grant_need *need)
{
    double due = ccaas_lease_due(&grant->lease);

    if (!grant->auth.asking || grant->asked)
        return INFINITY;
    if (grant->transfer)
        return fmin(due, need->link ? patience(grant, need) : INFINITY);
    if (grant->lease.state == CCAAS_LEASE_WANTED)
        return due;
    return fmin(due, grant->resume_at);
}
