/* The calls that wait for a token: for how long, and the error of those that
 * get none.  See token_cache.h. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "error.h"
#include "retry.h"
#include "retry_after.h"
#include "text.h"
#include "token_own.h"

/* An error that calls share which stop waiting together. */
struct cc_failure {
    int references;
    struct ccaas_error error;
};

/* The one where there is no memory for another.  Not counted: engines of other
 * threads share it. */
static struct cc_failure no_memory = {.error = {.code = CCAAS_MEMORY,
                                                .message = "out of memory",
                                                .retry_after = -1}};

static void leave(struct cc_grant_need *need)
{
    if (!need->link)
        return;
    *need->link = need->next;
    if (need->next)
        need->next->link = need->link;
    need->next = NULL;
    need->link = NULL;
}

static void release(struct cc_failure *failure)
{
    if (!failure || failure == &no_memory || --failure->references)
        return;
    cc_error_clear(&failure->error);
    free(failure);
}

void cc_grant_need_end(struct cc_grant_need *need)
{
    leave(need);
    release(need->failure);
    need->failure = NULL;
}

/* The call stops waiting, with the grant's error.  `shared`: the copy of that
 * error that other calls have, or NULL; returns the copy that this one has. */
static struct cc_failure *refuse(struct cc_grant *grant,
                                 struct cc_grant_need *need,
                                 struct cc_failure *shared)
{
    leave(need);
    if (!shared) {
        shared = calloc(1, sizeof *shared);
        if (shared)
            cc_error_copy(&shared->error, &grant->error);
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
 * when that would be, and by which rule of cc_retry_wait it gives up. */
static void refuse_pause(struct cc_grant *grant, struct cc_grant_need *need,
                         double reason, double pause)
{
    struct cc_failure *failure = refuse(grant, need, NULL);

    if (failure == &no_memory || failure->error.retry_after < 0)
        return;
    failure->error.retry_after = ceil(pause);
    cc_retry_after_tell(&failure->error, reason, need->max_retry_after);
}

void cc_grant_refuse(struct cc_grant *grant, struct cc_grant_need *need)
{
    refuse(grant, need, NULL);
}

void cc_grant_refuse_all(struct cc_grant *grant)
{
    struct cc_failure *failure = NULL;

    while (grant->needs)
        failure = refuse(grant, grant->needs, failure);
}

/* The call stops waiting if the next attempt, `pause` seconds after `at`, is
 * past its deadline, or the server asks for more than its max_retry_after. */
static void leave_before_pause(struct cc_grant *grant,
                               struct cc_grant_need *need, double at,
                               double pause)
{
    if (at + pause >= need->deadline)
        refuse_pause(grant, need, CC_RETRY_TOO_LATE, pause);
    else if (grant->error.retry_after >= 0 && pause > need->max_retry_after)
        refuse_pause(grant, need, CC_RETRY_TOO_LONG, pause);
}

bool cc_grant_join(struct cc_grant *grant, struct cc_grant_need *need,
                   struct ccaas_bell *bell, double now)
{
    if (need->link)
        return true;
    need->granted = grant->granted;
    need->tried = need->attempts = 0;
    need->since = now;
    if (!cc_bell_follow(grant->bell, bell)) {
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
static bool failed_for(const struct cc_grant *grant,
                       const struct cc_grant_need *need)
{
    return need->tried < grant->sent && !(grant->error.code == CCAAS_TIMEOUT &&
                                          need->timeout > grant->sent_timeout);
}

double cc_grant_next_attempt(struct cc_grant *grant, double came_at,
                             double retry_after)
{
    const struct cc_retry_rule rule = {
        .retries = UINT_MAX,
        .base = 0.5,
        .cap = 30,
        .idempotent = true,
        .max_retry_after = INFINITY, /* each one has its own */
    };
    struct cc_retry_attempt attempt = {.number = UINT_MAX,
                                       .transient = true,
                                       .sent = true,
                                       .retry_after = retry_after};
    struct cc_grant_need *need, *next;
    struct cc_failure *failure = NULL;
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
    pause = cc_retry_wait(&rule, &attempt, INFINITY, cc_random_unit());
    for (need = grant->needs; need; need = next) {
        next = need->next;
        leave_before_pause(grant, need, came_at, pause);
    }
    return grant->needs ? pause : -1;
}

/* When the call's timeout for the request under way passes. */
static double patience(const struct cc_grant *grant,
                       const struct cc_grant_need *need)
{
    /* The request has that timeout itself, on the engine's thread. */
    if (need->timeout >= grant->sent_timeout)
        return INFINITY;
    return fmax(need->since, grant->heard) + need->timeout;
}

/* Its timeout passed: that counts as an attempt of this call alone. */
static void lose_patience(struct cc_grant *grant, struct cc_grant_need *need,
                          double now)
{
    char message[64], seconds[CC_SECONDS_ROOM];

    cc_text_seconds(seconds, need->timeout);
    snprintf(message, sizeof message, "no byte from the server for %s s",
             seconds);
    cc_grant_blame(grant, CCAAS_TIMEOUT, message);
    grant->error.retryable = true;
    cc_error_attempt(&grant->error, cc_clock_wall_at(grant->heard),
                     now - grant->heard, ccaas_code_name(CCAAS_TIMEOUT));
    need->tried = grant->sent;
    need->since = now;
    if (++need->attempts > need->retries)
        cc_grant_refuse(grant, need);
}

bool cc_grant_be_patient(struct cc_grant *grant, double now)
{
    struct cc_grant_need *need, *next;
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
        cc_bell_ring(grant->bell);
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

bool cc_grant_error(const struct cc_grant *grant,
                    const struct cc_grant_need *need, struct ccaas_error *error)
{
    const struct ccaas_error *from =
        need->failure ? &need->failure->error : &grant->error;

    if (!need->failure && (!need->link || !grant->error.code))
        return false;
    cc_error_copy(error, from);
    keep_newest(error, need->attempts);
    return true;
}

double cc_grant_due(const struct cc_grant *grant,
                    const struct cc_grant_need *need)
{
    double due = cc_lease_due(&grant->lease);

    if (!grant->life.asking || grant->asked)
        return INFINITY;
    if (grant->transfer)
        return fmin(due, need->link ? patience(grant, need) : INFINITY);
    if (grant->lease.state == CC_LEASE_WANTED)
        return due;
    return fmin(due, grant->resume_at);
}
