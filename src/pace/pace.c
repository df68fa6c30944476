/* A pace that many calls keep together: see pace.h. */
#include "pace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context.h"
#include "lease.h"

struct cc_gate {
    struct cc_gate *next;
    double opens_at;    /* nobody starts before */
    double held_until;  /* the server wants no request before */
    const void *holder; /* who is inside, or will be when the store lets it */
    bool inside;
    pid_t pid; /* where the holder is: in a forked child there is none */
    struct ccaas_bell *bell;
    struct cc_lease lease;
    char name[];
};

static void free_gate(struct cc_gate *gate)
{
    cc_lease_end(&gate->lease);
    cc_bell_release(gate->bell);
    free(gate);
}

struct cc_gate *cc_gate_find(struct ccaas_engine *engine, const char *name)
{
    const char *const parts[] = {name, NULL};
    struct cc_gate *gate;

    for (gate = engine->gates; gate; gate = gate->next)
        if (strcmp(gate->name, name) == 0)
            return gate;
    gate = calloc(1, sizeof *gate + strlen(name) + 1);
    if (!gate)
        return NULL;
    gate->bell = cc_bell_new();
    if (!gate->bell || !cc_lease_start(&gate->lease, engine, gate->bell, "pace",
                                       false, parts)) {
        free_gate(gate);
        return NULL;
    }
    strcpy(gate->name, name);
    gate->opens_at = gate->held_until = -INFINITY;
    gate->next = engine->gates;
    engine->gates = gate;
    return gate;
}

/* Makes sure that the bell rings when there is news; without memory for that,
 * look again soon. */
static void follow(struct cc_gate *gate, struct ccaas_bell *bell, double now,
                   double *due)
{
    if (!cc_bell_follow(gate->bell, bell))
        *due = fmin(*due, now + 0.1);
}

bool cc_gate_enter(struct cc_gate *gate, struct ccaas_client *client,
                   const void *who, double seconds, struct ccaas_bell *bell,
                   double now, double *due)
{
    if (gate->holder && gate->pid != getpid()) {
        gate->holder = NULL;
        gate->inside = false;
    }
    if (gate->holder != who) {
        *due = gate->holder ? INFINITY : gate->opens_at;
        if (gate->holder || now < gate->opens_at) {
            follow(gate, bell, now, due);
            return false;
        }
        gate->holder = who;
        gate->pid = getpid();
        gate->lease.store = client->store;
        gate->lease.seconds = fmax(CC_GATE_LEASE, seconds);
    }
    if (!cc_lease_ready(&gate->lease, client, now, false)) {
        *due = cc_lease_due(&gate->lease);
        follow(gate, bell, now, due);
        return false;
    }
    gate->inside = true;
    gate->opens_at = now + seconds;
    cc_bell_unfollow(gate->bell, bell);
    return true;
}

void cc_gate_hold(struct cc_gate *gate, double until)
{
    gate->held_until = fmax(gate->held_until, until);
}

double cc_gate_held(const struct cc_gate *gate)
{
    return gate->held_until;
}

double cc_gate_stay(struct cc_gate *gate, struct ccaas_client *client,
                    double now)
{
    if (!gate->lease.store)
        return INFINITY;
    cc_lease_ready(&gate->lease, client, now, true);
    return fmin(cc_lease_due(&gate->lease), now + 1);
}

void cc_gate_leave(struct cc_gate *gate, const void *who, double not_before)
{
    if (gate->holder != who)
        return;
    gate->holder = NULL;
    gate->opens_at = fmax(gate->opens_at, not_before);
    /* Who was not inside yet has not begun anything, either. */
    cc_lease_leave(&gate->lease, NULL,
                   gate->inside ? gate->opens_at : -INFINITY);
    gate->inside = false;
    cc_bell_ring(gate->bell);
}

void cc_gate_forget(struct cc_gate *list, struct ccaas_bell *bell)
{
    for (; list; list = list->next)
        cc_bell_unfollow(list->bell, bell);
}

void cc_gate_free_all(struct cc_gate *list)
{
    struct cc_gate *next;

    for (; list; list = next) {
        next = list->next;
        free_gate(list);
    }
}
