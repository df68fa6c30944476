/* What is known of a flow from outside: its question, its descriptor, its
 * answer. */
#include <math.h>

#include "call.h"
#include "clock.h"

const char *ccaas_flow_question(const struct ccaas_flow *flow)
{
    return flow->asked ? cc_token_reason(flow->client->token) : NULL;
}

void ccaas_flow_answer(struct ccaas_flow *flow, const char *token)
{
    flow->asked = false;
    if (flow->client->token)
        cc_token_give(flow->client->token, flow->client, flow->bell, token);
}

struct ccaas_bell *ccaas_flow_bell(struct ccaas_flow *flow)
{
    return flow->bell;
}

int ccaas_flow_fd(struct ccaas_flow *flow)
{
    return cc_bell_fd(flow->bell);
}

void ccaas_flow_waiting(struct ccaas_flow *flow, bool begins)
{
    if (begins)
        flow->waiting++;
    else if (!--flow->waiting && (flow->ended || flow->failed))
        cc_bell_quit(flow->bell);
}

double ccaas_flow_timeout(const struct ccaas_flow *flow)
{
    const struct cc_fetch *fetch;
    double due = flow->deadline, now = cc_clock_now();

    if (!flow->armed)
        return 0; /* the last take gave something, or there was none */

    for (fetch = flow->fetches; fetch; fetch = fetch->next)
        due = fmin(due, cc_fetch_due(fetch));
    return due > now ? due - now : 0;
}

const struct ccaas_error *ccaas_flow_error(const struct ccaas_flow *flow)
{
    return &flow->error;
}

int ccaas_flow_status(const struct ccaas_flow *flow)
{
    return flow->status;
}

const char *ccaas_flow_moved(const struct ccaas_flow *flow)
{
    return flow->moved[0] ? flow->moved : NULL;
}

const char *ccaas_flow_headers(const struct ccaas_flow *flow, size_t *length)
{
    *length = flow->headers_length;
    return flow->headers;
}
