/* One descriptor for many flows: a bell that follows theirs. */
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "flow.h"
#include "live.h"

struct ccaas_gather {
    struct ccaas_bell *bell;
    pid_t pid; /* where it was armed first; 0: nowhere yet */
};

struct ccaas_gather *ccaas_gather_new(void)
{
    struct ccaas_gather *gather = calloc(1, sizeof *gather);

    if (!gather)
        return NULL;
    gather->bell = ccaas_bell_new();
    if (!gather->bell) {
        free(gather);
        return NULL;
    }
    return gather;
}

bool ccaas_gather_add(struct ccaas_gather *gather, struct ccaas_flow *flow,
                      int mark)
{
    return ccaas_bell_follow_as(flow->bell, gather->bell, mark);
}

void ccaas_gather_remove(struct ccaas_gather *gather, struct ccaas_flow *flow)
{
    ccaas_bell_unfollow(flow->bell, gather->bell);
}

bool ccaas_gather_add_live(struct ccaas_gather *gather, struct ccaas_live *live,
                           int mark)
{
    return ccaas_bell_follow_as(live->bell, gather->bell, mark);
}

void ccaas_gather_remove_live(struct ccaas_gather *gather,
                              struct ccaas_live *live)
{
    ccaas_bell_unfollow(live->bell, gather->bell);
}

bool ccaas_gather_forked(const struct ccaas_gather *gather)
{
    return gather->pid && gather->pid != getpid();
}

int ccaas_gather_arm(struct ccaas_gather *gather)
{
    if (ccaas_gather_forked(gather))
        return -1;
    gather->pid = getpid();
    ccaas_bell_arm(gather->bell);
    return ccaas_bell_fd(gather->bell);
}

void ccaas_gather_disarm(struct ccaas_gather *gather)
{
    if (!ccaas_gather_forked(gather))
        ccaas_bell_disarm(gather->bell);
}

void ccaas_gather_ring(struct ccaas_gather *gather)
{
    ccaas_bell_ring(gather->bell);
}

int ccaas_gather_mark(struct ccaas_gather *gather)
{
    return ccaas_bell_mark(gather->bell);
}

void ccaas_gather_free(struct ccaas_gather *gather)
{
    if (!gather)
        return;
    /* Flows that are still followed hold the bell until they are freed. */
    ccaas_bell_quit(gather->bell);
    ccaas_bell_release(gather->bell);
    free(gather);
}
