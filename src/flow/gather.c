/* One descriptor for many flows: a bell that follows theirs. */
#include <stdlib.h>

#include "flow.h"

struct ccaas_gather {
    struct ccaas_bell *bell;
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
                      bool own)
{
    if (own)
        ccaas_bell_belong(flow->bell, gather->bell);
    return ccaas_bell_follow(flow->bell, gather->bell);
}

void ccaas_gather_remove(struct ccaas_gather *gather, struct ccaas_flow *flow)
{
    ccaas_bell_belong(flow->bell, NULL);
    ccaas_bell_unfollow(flow->bell, gather->bell);
}

void ccaas_gather_arm(struct ccaas_gather *gather)
{
    ccaas_bell_arm(gather->bell);
}

int ccaas_gather_fd(struct ccaas_gather *gather)
{
    return ccaas_bell_fd(gather->bell);
}

struct ccaas_bell *ccaas_gather_bell(struct ccaas_gather *gather)
{
    return gather->bell;
}

void ccaas_gather_disarm(struct ccaas_gather *gather)
{
    ccaas_bell_disarm(gather->bell);
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
