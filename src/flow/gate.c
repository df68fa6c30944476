/* A pace that many calls keep together: see gate.h. */
#include "gate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ccaas_gate {
    struct ccaas_gate *next;
    double opens_at; /* nobody starts before */
    bool busy;       /* somebody is inside */
    struct ccaas_bell *bell;
    char name[];
};

struct ccaas_gate *ccaas_gate_find(struct ccaas_gate **list, const char *name)
{
    struct ccaas_gate *gate;

    for (gate = *list; gate; gate = gate->next)
        if (strcmp(gate->name, name) == 0)
            return gate;
    gate = calloc(1, sizeof *gate + strlen(name) + 1);
    if (!gate)
        return NULL;
    gate->bell = ccaas_bell_new();
    if (!gate->bell) {
        free(gate);
        return NULL;
    }
    strcpy(gate->name, name);
    gate->opens_at = -INFINITY;
    gate->next = *list;
    *list = gate;
    return gate;
}

bool ccaas_gate_enter(struct ccaas_gate *gate, double seconds,
                      struct ccaas_bell *bell, double now, double *due)
{
    if (!gate->busy && now >= gate->opens_at) {
        gate->busy = true;
        gate->opens_at = now + seconds;
        ccaas_bell_unfollow(gate->bell, bell);
        return true;
    }
    *due = gate->busy ? INFINITY : gate->opens_at;
    /* Without memory to follow, look again soon. */
    if (!ccaas_bell_follow(gate->bell, bell))
        *due = now + 0.1;
    return false;
}

void ccaas_gate_leave(struct ccaas_gate *gate, double not_before)
{
    gate->busy = false;
    gate->opens_at = fmax(gate->opens_at, not_before);
    ccaas_bell_ring(gate->bell);
}

void ccaas_gate_forget(struct ccaas_gate *list, struct ccaas_bell *bell)
{
    for (; list; list = list->next)
        ccaas_bell_unfollow(list->bell, bell);
}

void ccaas_gate_free_all(struct ccaas_gate *list)
{
    struct ccaas_gate *next;

    for (; list; list = next) {
        next = list->next;
        ccaas_bell_release(list->bell);
        free(list);
    }
}
