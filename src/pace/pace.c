/* A pace that many calls keep together: see pace.h. */
#include "pace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context.h"
#include "lease.h"

struct cc_pace {
    struct cc_pace *next;
    double opens_at;    /* no call starts earlier */
    double held_until;  /* the server wants no request earlier */
    const void *holder; /* the call that is inside, or waits for the lease */
    bool inside;
    pid_t pid; /* the holder's process: a forked child has none */
    struct ccaas_waker *waker;
    struct cc_lease lease;
    char name[];
};

static void free_pace(struct cc_pace *pace)
{
    cc_lease_end(&pace->lease);
    cc_waker_release(pace->waker);
    free(pace);
}

struct cc_pace *cc_pace_find(struct ccaas_engine *engine, const char *name)
{
    const char *const parts[] = {name, NULL};
    struct cc_pace *pace;

    for (pace = engine->paces; pace; pace = pace->next)
        if (strcmp(pace->name, name) == 0)
            return pace;
    pace = calloc(1, sizeof *pace + strlen(name) + 1);
    if (!pace)
        return NULL;
    pace->waker = cc_waker_new();
    if (!pace->waker || !cc_lease_start(&pace->lease, engine, pace->waker,
                                        "pace", false, parts)) {
        free_pace(pace);
        return NULL;
    }
    strcpy(pace->name, name);
    pace->opens_at = pace->held_until = -INFINITY;
    pace->next = engine->paces;
    engine->paces = pace;
    return pace;
}

/* Makes the pace wake the waker on news; without memory for that, the caller
 * looks again soon. */
static void follow(struct cc_pace *pace, struct ccaas_waker *waker, double now,
                   double *due)
{
    if (!cc_waker_follow(pace->waker, waker))
        *due = fmin(*due, now + 0.1);
}

bool cc_pace_enter(struct cc_pace *pace, struct ccaas_client *client,
                   const void *who, double seconds, struct ccaas_waker *waker,
                   double now, double *due)
{
    if (pace->holder && pace->pid != getpid()) {
        pace->holder = NULL;
        pace->inside = false;
    }
    if (pace->holder != who) {
        *due = pace->holder ? INFINITY : pace->opens_at;
        if (pace->holder || now < pace->opens_at) {
            follow(pace, waker, now, due);
            return false;
        }
        pace->holder = who;
        pace->pid = getpid();
        pace->lease.store = client->store;
        pace->lease.seconds = fmax(CC_PACE_LEASE, seconds);
    }
    if (!cc_lease_ready(&pace->lease, client, now, false)) {
        *due = cc_lease_due(&pace->lease);
        follow(pace, waker, now, due);
        return false;
    }
    pace->inside = true;
    pace->opens_at = now + seconds;
    cc_waker_unfollow(pace->waker, waker);
    return true;
}

void cc_pace_hold(struct cc_pace *pace, double until)
{
    pace->held_until = fmax(pace->held_until, until);
}

double cc_pace_held(const struct cc_pace *pace)
{
    return pace->held_until;
}

double cc_pace_stay(struct cc_pace *pace, struct ccaas_client *client,
                    double now)
{
    if (!pace->lease.store)
        return INFINITY;
    cc_lease_ready(&pace->lease, client, now, true);
    return fmin(cc_lease_due(&pace->lease), now + 1);
}

void cc_pace_leave(struct cc_pace *pace, const void *who, double not_before)
{
    if (pace->holder != who)
        return;
    pace->holder = NULL;
    pace->opens_at = fmax(pace->opens_at, not_before);
    /* A call that was not inside yet has sent nothing. */
    cc_lease_leave(&pace->lease, NULL,
                   pace->inside ? pace->opens_at : -INFINITY);
    pace->inside = false;
    cc_waker_wake(pace->waker);
}

void cc_pace_forget(struct cc_pace *list, struct ccaas_waker *waker)
{
    for (; list; list = list->next)
        cc_waker_unfollow(list->waker, waker);
}

void cc_pace_free_all(struct cc_pace *list)
{
    struct cc_pace *next;

    for (; list; list = next) {
        next = list->next;
        free_pace(list);
    }
}
