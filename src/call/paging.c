/* The lists of a call: which of their pages are fetched, whether one of the
 * lists is walked again, and what is known about all of them together. */
#include <stdio.h>
#include <string.h>

#include "call.h"

/* -- Pages under way --------------------------------------------------------
 */

/* Do the pages under way, up to those of this walk, hold all rows that the
 * limit still allows?  The rows of later walks come last, and do not count. */
static bool enough(const struct ccaas_call *call, size_t walk)
{
    const struct ccaas_call_plan *plan = &call->plan;
    const struct cc_fetch *fetch;
    int64_t pages = 0;

    if (!plan->paged || plan->limit < 0)
        return false;
    for (fetch = call->fetches; fetch && fetch->walk <= walk;
         fetch = fetch->next)
        pages++;
    return pages && call->info.rows + pages * plan->page_size >= plan->limit;
}

/* The pages of the next walk begin as soon as all known pages of the walk
 * before it have been requested. */
bool cc_call_begin_fetches(struct ccaas_call *call)
{
    const struct cc_fetch *fetch;
    unsigned most = call->plan.concurrency, running = 0;
    int64_t page;
    size_t i;

    for (fetch = call->fetches; fetch; fetch = fetch->next)
        running += cc_fetch_running(fetch);
    for (i = 0; i < call->plan.url_count; i++)
        while (running < most && call->fetching < most + CC_CALL_SPARE &&
               !enough(call, i) && cc_page_next(&call->walks[i], &page)) {
            if (!cc_fetch_new(call, i, page))
                return false;
            running++;
        }
    return true;
}

/* -- Passes ------------------------------------------------------------------
 */

void cc_call_turn_to(struct ccaas_call *call, size_t walk)
{
    call->walk = walk;
    if (call->seen)
        cc_seen_next_pass(call->seen);
}

bool cc_call_begin_pass(struct ccaas_call *call)
{
    size_t i;

    for (i = 0; call->plan.paged && i < call->plan.url_count; i++)
        if (cc_page_again(&call->walks[i])) {
            cc_call_turn_to(call, i);
            return true;
        }
    return false;
}

void cc_call_judge(struct ccaas_call *call)
{
    struct ccaas_info *info = &call->info;
    const struct cc_page_walk *unclean = NULL;
    struct ccaas_event *event;
    size_t i;

    info->missing = 0;
    info->clean = 1;
    for (i = 0; call->plan.paged && i < call->plan.url_count; i++) {
        info->missing += cc_page_missing(&call->walks[i]);
        if (!call->walks[i].clean && !unclean)
            unclean = &call->walks[i];
    }
    if (!unclean)
        return;
    info->clean = 0;
    event = cc_client_note(call->op.client, "warning", call->plan.method,
                           call->plan.urls[unclean - call->walks]);
    if (event)
        snprintf(event->reason, sizeof event->reason, "unclean");
}

/* -- What is known -----------------------------------------------------------
 */

/* Adds up what the walks know so far. */
static void sum_up(struct ccaas_call *call)
{
    struct ccaas_info *info = &call->info;
    const struct cc_page_walk *walk;
    size_t i;

    info->total = info->total_pages = -1;
    info->duplicates = info->passes = 0;
    info->shrunk = false;
    for (i = 0; i < call->plan.url_count; i++) {
        walk = &call->walks[i];
        if (call->op.started && walk->passes > info->passes)
            info->passes = walk->passes;
        info->duplicates += walk->twice;
        info->shrunk = info->shrunk || walk->shrunk;
        if (walk->rows < 0)
            continue;
        info->total = (info->total < 0 ? 0 : info->total) + walk->rows;
        info->total_pages =
            (info->total_pages < 0 ? 0 : info->total_pages) + walk->end;
    }
}

void ccaas_call_info(struct ccaas_call *call, struct ccaas_info *info)
{
    sum_up(call);
    *info = call->info;
}
