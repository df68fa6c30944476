/* One descriptor for many flows and subscriptions: a waker that follows theirs.
 */
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "ccaas.h"
#include "waker.h"

struct ccaas_gather {
    struct ccaas_waker *waker;
    pid_t pid; /* where it was armed first; 0: nowhere yet */
};

struct ccaas_gather *ccaas_gather_new(void)
{
    struct ccaas_gather *gather = calloc(1, sizeof *gather);

    if (!gather)
        return NULL;
    gather->waker = cc_waker_new();
    if (!gather->waker) {
        free(gather);
        return NULL;
    }
    return gather;
}

bool ccaas_gather_add(struct ccaas_gather *gather, struct ccaas_waker *waker,
                      bool own, int mark)
{
    return (!own || cc_waker_own(gather->waker, waker)) &&
           cc_waker_follow_as(waker, gather->waker, mark);
}

void ccaas_gather_remove(struct ccaas_gather *gather, struct ccaas_waker *waker)
{
    cc_waker_disown(gather->waker, waker);
    cc_waker_unfollow(waker, gather->waker);
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
    cc_waker_arm(gather->waker);
}

int ccaas_gather_fd(struct ccaas_gather *gather)
{
    return ccaas_gather_forked(gather) ? -1 : cc_waker_fd(gather->waker);
}

struct ccaas_waker *ccaas_gather_waker(struct ccaas_gather *gather)
{
    return gather->waker;
}

void ccaas_gather_disarm(struct ccaas_gather *gather)
{
    if (!ccaas_gather_forked(gather))
        cc_waker_disarm(gather->waker);
}

int ccaas_gather_mark(struct ccaas_gather *gather)
{
    return cc_waker_mark(gather->waker);
}

void ccaas_gather_close(struct ccaas_gather *gather)
{
    cc_waker_close(gather->waker);
}

void ccaas_gather_free(struct ccaas_gather *gather)
{
    if (!gather)
        return;
    /* Flows that are still followed hold the waker until they are freed. */
    ccaas_gather_close(gather);
    cc_waker_release(gather->waker);
    free(gather);
}
