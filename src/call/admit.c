/* What the caller reports about the record it took last: whether it is new, a
 * totals row, or malformed.
 *
 * On the thread that the client belongs to.
 */
#include <string.h>

#include "call.h"
#include "clock.h"
#include "error.h"

static void handed_out(struct ccaas_call *call)
{
    call->fetches->fresh++;
    call->info.rows++;
    if (call->info.first_at < 0)
        call->info.first_at = cc_clock_wall();
}

/* A counted list that is requested again: skips as many records as were
 * handed out.  The last of them must be the same as before. */
static enum ccaas_admit admit_counted(struct ccaas_call *call,
                                      const char *identity, size_t length)
{
    struct cc_fetch *fetch = call->fetches;
    size_t room = sizeof fetch->last - 1;
    char own[sizeof fetch->last];

    length = identity ? (length < room ? length : room) : 0;
    memcpy(own, identity ? identity : "", length);
    memset(own + length, 0, sizeof own - length);
    if (fetch->rows > fetch->fresh) {
        memcpy(fetch->last, own, sizeof own);
        handed_out(call);
        return CCAAS_ADMIT_NEW;
    }
    if (fetch->rows == fetch->fresh &&
        memcmp(own, fetch->last, sizeof own) != 0)
        cc_call_fail_as(call, CCAAS_PROTOCOL,
                        "the connection was lost, and the list has changed "
                        "since: start again");
    return CCAAS_ADMIT_AGAIN;
}

/* A list with pages or passes: drops records that were handed out before. */
static enum ccaas_admit admit_unique(struct ccaas_call *call,
                                     const char *identity, size_t length)
{
    struct cc_fetch *fetch = call->fetches;
    struct cc_page_walk *walk = &call->walks[fetch->walk];
    enum cc_seen_row row = CC_SEEN_NEW;
    uint64_t hash;
    bool fresh;

    if (!identity) {
        if (fetch->nameless++ < fetch->nameless_given)
            return CCAAS_ADMIT_AGAIN;
        fresh = cc_page_nameless(walk);
    } else {
        hash = cc_seen_hash(call->seen, identity, length);
        row = cc_seen_add(call->seen, hash);
        if (row == CC_SEEN_MEMORY)
            return CCAAS_ADMIT_MEMORY;
        if (row == CC_SEEN_TWICE && fetch->again > 0) {
            fetch->again--;
            return CCAAS_ADMIT_AGAIN;
        }
        fetch->named++;
        fresh = cc_page_row(walk, row, hash);
    }
    fetch->distinct += row != CC_SEEN_TWICE;
    if (!fresh)
        return CCAAS_ADMIT_AGAIN;
    handed_out(call);
    return CCAAS_ADMIT_NEW;
}

enum ccaas_admit ccaas_call_admit(struct ccaas_call *call, const char *identity,
                                  size_t length)
{
    if (!cc_call_settle(call))
        return CCAAS_ADMIT_AGAIN;
    if (call->plan.counted)
        return admit_counted(call, identity, length);
    if (call->seen)
        return admit_unique(call, identity, length);
    handed_out(call);
    return CCAAS_ADMIT_NEW;
}

bool ccaas_call_totals(struct ccaas_call *call)
{
    struct cc_fetch *fetch;
    bool first;

    if (!cc_call_settle(call))
        return false;
    fetch = call->fetches;
    first = !fetch->totals && call->walks[fetch->walk].passes == 1;
    fetch->totals = true;
    fetch->rows--;
    return first;
}

void ccaas_call_malformed(struct ccaas_call *call, size_t offset,
                          const char *reason)
{
    struct cc_fetch *fetch;
    uint64_t begin;

    if (!cc_call_settle(call))
        return;
    fetch = call->fetches;
    begin = call->block->spans[call->span - 1].begin;
    fetch->error.status = fetch->status;
    cc_error_set(&fetch->error, CCAAS_PROTOCOL,
                 "malformed JSON at byte %llu of the answer: %s",
                 (unsigned long long)(begin + offset), reason);
    cc_fetch_fail(fetch);
    cc_call_fail(call, &fetch->error);
}

void ccaas_call_exhausted(struct ccaas_call *call)
{
    if (cc_call_settle(call))
        cc_call_fail_as(call, CCAAS_MEMORY,
                        "out of memory for what the server sent: a smaller "
                        "`size` or `max_record` may help");
}
