/* The lists of a call: which of their pages are under way, whether one of them
 * is walked again, and what is known of all of them together. */
#include <stdio.h>
#include <string.h>

#include "call.h"

/* -- Pages under way --------------------------------------------------------
 */

/* Do the pages under way, up to those of this walk, hold all rows that are
 * still wanted?  Later walks' rows are not those that are wanted first. */
static bool enough(const struct ccaas_flow *flow, size_t walk)
{
    const struct ccaas_plan *plan = &flow->plan;
    const struct cc_fetch *fetch;
    int64_t pages = 0;

    if (!plan->paged || plan->limit < 0)
        return false;
    for (fetch = flow->fetches; fetch && fetch->walk <= walk;
         fetch = fetch->next)
        pages++;
    return pages && flow->info.rows + pages * plan->page_size >= plan->limit;
}

/* Those of the next walk begin as soon as all known pages of the one before
 * have been asked for. */
bool cc_flow_begin_fetches(struct ccaas_flow *flow)
{
    const struct cc_fetch *fetch;
    unsigned most = flow->plan.concurrency, running = 0;
    int64_t page;
    size_t i;

    for (fetch = flow->fetches; fetch; fetch = fetch->next)
        running += cc_fetch_running(fetch);
    for (i = 0; i < flow->plan.url_count; i++)
        while (running < most && flow->fetching < most + CC_FLOW_SPARE &&
               !enough(flow, i) && cc_page_next(&flow->walks[i], &page)) {
            if (!cc_fetch_new(flow, i, page))
                return false;
            running++;
        }
    return true;
}

/* -- Passes ------------------------------------------------------------------
 */

void cc_flow_turn_to(struct ccaas_flow *flow, size_t walk)
{
    flow->walk = walk;
    if (flow->seen)
        cc_seen_next_pass(flow->seen);
}

bool cc_flow_begin_pass(struct ccaas_flow *flow)
{
    size_t i;

    for (i = 0; flow->plan.paged && i < flow->plan.url_count; i++)
        if (cc_page_again(&flow->walks[i])) {
            cc_flow_turn_to(flow, i);
            return true;
        }
    return false;
}

void cc_flow_judge(struct ccaas_flow *flow)
{
    struct ccaas_info *info = &flow->info;
    const struct cc_page_walk *unclean = NULL;
    struct ccaas_event *event;
    size_t i;

    info->missing = 0;
    info->clean = 1;
    for (i = 0; flow->plan.paged && i < flow->plan.url_count; i++) {
        info->missing += cc_page_missing(&flow->walks[i]);
        if (!flow->walks[i].clean && !unclean)
            unclean = &flow->walks[i];
    }
    if (!unclean)
        return;
    info->clean = 0;
    event = cc_client_note(flow->client, "warning", flow->plan.method,
                           flow->plan.urls[unclean - flow->walks]);
    if (event)
        snprintf(event->reason, sizeof event->reason, "unclean");
}

/* -- What is known -----------------------------------------------------------
 */

/* What the walks know so far, in one. */
static void sum_up(struct ccaas_flow *flow)
{
    struct ccaas_info *info = &flow->info;
    const struct cc_page_walk *walk;
    size_t i;

    info->total = info->total_pages = -1;
    info->duplicates = info->passes = 0;
    info->shrunk = false;
    for (i = 0; i < flow->plan.url_count; i++) {
        walk = &flow->walks[i];
        if (flow->started && walk->passes > info->passes)
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

void ccaas_flow_info(struct ccaas_flow *flow, struct ccaas_info *info)
{
    sum_up(flow);
    *info = flow->info;
}
