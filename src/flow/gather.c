/* One descriptor for many flows and subscriptions: a bell that follows theirs.
 */
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "bell.h"
#include "ccaas.h"

struct ccaas_gather {
    struct ccaas_bell *bell;
    pid_t pid; /* where it was armed first; 0: nowhere yet */
};

struct ccaas_gather *ccaas_gather_new(void)
{
    struct ccaas_gather *gather = calloc(1, sizeof *gather);

    if (!gather)
        return NULL;
    gather->bell = cc_bell_new();
    if (!gather->bell) {
        free(gather);
        return NULL;
    }
    return gather;
}

bool ccaas_gather_add(struct ccaas_gather *gather, struct ccaas_bell *bell,
                      bool own, int mark)
{
    return (!own || cc_bell_own(gather->bell, bell)) &&
           cc_bell_follow_as(bell, gather->bell, mark);
}

void ccaas_gather_remove(struct ccaas_gather *gather, struct ccaas_bell *bell)
{
    cc_bell_disown(gather->bell, bell);
    cc_bell_unfollow(bell, gather->bell);
}

bool ccaas_gather_forked(const struct ccaas_gather *gather)
{
    return gather->pid && gather->pid != getpid();
}

void ccaas_gather_arm(struct ccaas_gather *gather)
{
    if (ccaas_gather_forked(gather))
        return;
    gather->pid = getpid();
    cc_bell_arm(gather->bell);
}

int ccaas_gather_fd(struct ccaas_gather *gather)
{
    return ccaas_gather_forked(gather) ? -1 : cc_bell_fd(gather->bell);
}

struct ccaas_bell *ccaas_gather_bell(struct ccaas_gather *gather)
{
    return gather->bell;
}

void ccaas_gather_disarm(struct ccaas_gather *gather)
{
    if (!ccaas_gather_forked(gather))
        cc_bell_disarm(gather->bell);
}

int ccaas_gather_mark(struct ccaas_gather *gather)
{
    return cc_bell_mark(gather->bell);
}

void ccaas_gather_close(struct ccaas_gather *gather)
{
    cc_bell_quit(gather->bell);
}

void ccaas_gather_free(struct ccaas_gather *gather)
{
    if (!gather)
        return;
    /* Flows that are still followed hold the bell until they are freed. */
    ccaas_gather_close(gather);
    cc_bell_release(gather->bell);
    free(gather);
}
