/* The operations that wait for a token: for how long, and with which error
 * they stop waiting.  See token.h. */
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

/* An error that is shared by all waiters that stop waiting together. */
struct cc_failure {
    int references;
    struct ccaas_error error;
};

/* Used when memory is out.  It is not counted, for engines on other threads
 * share it. */
static struct cc_failure no_memory = {.error = {.code = CCAAS_MEMORY,
                                                .message = "out of memory",
                                                .retry_after = -1}};

static void leave(struct cc_token_waiter *waiter)
{
    if (!waiter->link)
        return;
    *waiter->link = waiter->next;
    if (waiter->next)
        waiter->next->link = waiter->link;
    waiter->next = NULL;
    waiter->link = NULL;
}

static void release(struct cc_failure *failure)
{
    if (!failure || failure == &no_memory || --failure->references)
        return;
    cc_error_clear(&failure->error);
    free(failure);
}

void cc_token_waiter_end(struct cc_token_waiter *waiter)
{
    leave(waiter);
    release(waiter->failure);
    waiter->failure = NULL;
}

/* The waiter stops waiting, with the token's error.  `shared`: the copy of
 * that error that other waiters have, or NULL.  Returns the copy that this
 * one has. */
static struct cc_failure *refuse(struct cc_token *token,
                                 struct cc_token_waiter *waiter,
                                 struct cc_failure *shared)
{
    leave(waiter);
    if (!shared) {
        shared = calloc(1, sizeof *shared);
        if (shared)
            cc_error_copy(&shared->error, &token->error);
        else
            shared = &no_memory;
    }
    if (shared != &no_memory)
        shared->references++;
    release(waiter->failure);
    waiter->failure = shared;
    return shared;
}

/* The same for a waiter that does not wait for the next attempt.  Its error
 * says when that would be, and by which rule of cc_retry_wait it gives up. */
static void refuse_pause(struct cc_token *token, struct cc_token_waiter *waiter,
                         double reason, double pause)
{
    struct cc_failure *failure = refuse(token, waiter, NULL);

    if (failure == &no_memory || failure->error.retry_after < 0)
        return;
    failure->error.retry_after = ceil(pause);
    cc_retry_after_tell(&failure->error, reason, waiter->max_retry_after);
}

void cc_token_refuse(struct cc_token *token, struct cc_token_waiter *waiter)
{
    refuse(token, waiter, NULL);
}

void cc_token_refuse_all(struct cc_token *token)
{
    struct cc_failure *failure = NULL;

    while (token->waiters)
        failure = refuse(token, token->waiters, failure);
}

/* The waiter stops waiting if the next attempt, `pause` seconds after `at`,
 * is past its deadline, or the server asks for more than its
 * max_retry_after. */
static void leave_before_pause(struct cc_token *token,
                               struct cc_token_waiter *waiter, double at,
                               double pause)
{
    if (at + pause >= waiter->deadline)
        refuse_pause(token, waiter, CC_RETRY_TOO_LATE, pause);
    else if (token->error.retry_after >= 0 && pause > waiter->max_retry_after)
        refuse_pause(token, waiter, CC_RETRY_TOO_LONG, pause);
}

bool cc_token_join(struct cc_token *token, struct cc_token_waiter *waiter,
                   struct ccaas_waker *waker, double now)
{
    if (waiter->link)
        return true;
    waiter->granted = token->granted;
    waiter->tried = waiter->attempts = 0;
    waiter->since = now;
    if (!cc_waker_follow(token->waker, waker)) {
        waiter->failure = &no_memory;
        return false;
    }
    waiter->next = token->waiters;
    waiter->link = &token->waiters;
    if (waiter->next)
        waiter->next->link = &waiter->next;
    token->waiters = waiter;
    if (token->error.code && !token->transfer)
        leave_before_pause(token, waiter, now, token->resume_at - now);
    return !waiter->failure;
}

/* Does the attempt that has just failed count for this waiter?  A timeout
 * does not count for a waiter that would have waited longer. */
static bool failed_for(const struct cc_token *token,
                       const struct cc_token_waiter *waiter)
{
    return waiter->tried < token->sent &&
           !(token->error.code == CCAAS_TIMEOUT &&
             waiter->timeout > token->sent_timeout);
}

double cc_token_next_attempt(struct cc_token *token, double came_at,
                             double retry_after)
{
    const struct cc_retry_rule rule = {
        .retries = UINT_MAX,
        .base = 0.5,
        .cap = 30,
        .idempotent = true,
        .max_retry_after = INFINITY, /* each waiter has its own */
    };
    struct cc_retry_attempt attempt = {.number = UINT_MAX,
                                       .transient = true,
                                       .sent = true,
                                       .retry_after = retry_after};
    struct cc_token_waiter *waiter, *next;
    struct cc_failure *failure = NULL;
    double pause;

    /* The backoff is that of the waiter with the fewest attempts so far. */
    for (waiter = token->waiters; waiter; waiter = next) {
        next = waiter->next;
        waiter->attempts += failed_for(token, waiter);
        waiter->tried = token->sent;
        if (waiter->attempts > waiter->retries)
            failure = refuse(token, waiter, failure);
        else if (waiter->attempts < attempt.number)
            attempt.number = waiter->attempts ? waiter->attempts : 1;
    }
    pause = cc_retry_wait(&rule, &attempt, INFINITY, cc_random_unit());
    for (waiter = token->waiters; waiter; waiter = next) {
        next = waiter->next;
        leave_before_pause(token, waiter, came_at, pause);
    }
    return token->waiters ? pause : -1;
}

/* When the waiter's timeout for the request under way passes. */
static double patience(const struct cc_token *token,
                       const struct cc_token_waiter *waiter)
{
    /* The http room's thread keeps that timeout. */
    if (waiter->timeout >= token->sent_timeout)
        return INFINITY;
    return fmax(waiter->since, token->heard) + waiter->timeout;
}

/* Its timeout passed: that counts as an attempt of this waiter alone. */
static void lose_patience(struct cc_token *token,
                          struct cc_token_waiter *waiter, double now)
{
    char message[64], seconds[CC_SECONDS_ROOM];

    cc_text_seconds(seconds, waiter->timeout);
    snprintf(message, sizeof message, "no byte from the server for %s s",
             seconds);
    cc_token_blame(token, CCAAS_TIMEOUT, message);
    token->error.retryable = true;
    cc_error_attempt(&token->error, cc_clock_wall_at(token->heard),
                     now - token->heard, ccaas_code_name(CCAAS_TIMEOUT));
    waiter->tried = token->sent;
    waiter->since = now;
    if (++waiter->attempts > waiter->retries)
        cc_token_refuse(token, waiter);
}

bool cc_token_be_patient(struct cc_token *token, double now)
{
    struct cc_token_waiter *waiter, *next;
    bool lost = false, wanted = false;

    for (waiter = token->waiters; waiter; waiter = next) {
        next = waiter->next;
        if (patience(token, waiter) <= now) {
            lose_patience(token, waiter, now);
            lost = true;
        } else if (waiter->tried < token->sent) {
            wanted = true;
        }
    }
    if (lost)
        cc_waker_wake(token->waker);
    return wanted || (!lost && !token->waiters);
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

bool cc_token_error(const struct cc_token *token,
                    const struct cc_token_waiter *waiter,
                    struct ccaas_error *error)
{
    const struct ccaas_error *from =
        waiter->failure ? &waiter->failure->error : &token->error;

    if (!waiter->failure && (!waiter->link || !token->error.code))
        return false;
    cc_error_copy(error, from);
    keep_newest(error, waiter->attempts);
    return true;
}

double cc_token_due(const struct cc_token *token,
                    const struct cc_token_waiter *waiter)
{
    double due = cc_lease_due(&token->lease);

    if (!token->life.asking || token->asked)
        return INFINITY;
    if (token->transfer)
        return fmin(due, waiter->link ? patience(token, waiter) : INFINITY);
    if (token->lease.state == CC_LEASE_WANTED)
        return due;
    return fmin(due, token->resume_at);
}
