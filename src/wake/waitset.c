/* One descriptor for many flows and subscriptions: a waker that follows theirs.
 */
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "ccaas.h"
#include "waker.h"

struct ccaas_waitset {
    struct ccaas_waker *waker;
    pid_t pid; /* where it was armed first; 0: nowhere yet */
};

struct ccaas_waitset *ccaas_waitset_new(void)
{
    struct ccaas_waitset *waitset = calloc(1, sizeof *waitset);

    if (!waitset)
        return NULL;
    waitset->waker = cc_waker_new();
    if (!waitset->waker) {
        free(waitset);
        return NULL;
    }
    return waitset;
}

bool ccaas_waitset_add(struct ccaas_waitset *waitset, struct ccaas_waker *waker,
                       bool own, int mark)
{
    return (!own || cc_waker_own(waitset->waker, waker)) &&
           cc_waker_follow_as(waker, waitset->waker, mark);
}

void ccaas_waitset_remove(struct ccaas_waitset *waitset,
                          struct ccaas_waker *waker)
{
    cc_waker_disown(waitset->waker, waker);
    cc_waker_unfollow(waker, waitset->waker);
}

bool ccaas_waitset_forked(const struct ccaas_waitset *waitset)
{
    return waitset->pid && waitset->pid != getpid();
}

void ccaas_waitset_arm(struct ccaas_waitset *waitset)
{
    if (ccaas_waitset_forked(waitset))
        return;
    waitset->pid = getpid();
    cc_waker_arm(waitset->waker);
}

int ccaas_waitset_fd(struct ccaas_waitset *waitset)
{
    return ccaas_waitset_forked(waitset) ? -1 : cc_waker_fd(waitset->waker);
}

struct ccaas_waker *ccaas_waitset_waker(struct ccaas_waitset *waitset)
{
    return waitset->waker;
}

void ccaas_waitset_disarm(struct ccaas_waitset *waitset)
{
    if (!ccaas_waitset_forked(waitset))
        cc_waker_disarm(waitset->waker);
}

int ccaas_waitset_mark(struct ccaas_waitset *waitset)
{
    return cc_waker_mark(waitset->waker);
}

void ccaas_waitset_close(struct ccaas_waitset *waitset)
{
    cc_waker_close(waitset->waker);
}

void ccaas_waitset_free(struct ccaas_waitset *waitset)
{
    if (!waitset)
        return;
    /* Flows that are still followed hold the waker until they are freed. */
    ccaas_waitset_close(waitset);
    cc_waker_release(waitset->waker);
    free(waitset);
}
