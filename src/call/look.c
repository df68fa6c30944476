/* What is known of a call from outside: its question, its descriptor, its
 * answer. */
#include <math.h>

#include "call.h"
#include "clock.h"

const char *ccaas_call_token_reason(const struct ccaas_call *call)
{
    return call->asked ? cc_token_reason(call->client->token) : NULL;
}

void ccaas_call_give_token(struct ccaas_call *call, const char *token)
{
    call->asked = false;
    if (call->client->token)
        cc_token_give(call->client->token, call->client, call->bell, token);
}

struct ccaas_bell *ccaas_call_bell(struct ccaas_call *call)
{
    return call->bell;
}

int ccaas_call_fd(struct ccaas_call *call)
{
    return cc_bell_fd(call->bell);
}

void ccaas_call_waiting(struct ccaas_call *call, bool begins)
{
    if (begins)
        call->waiting++;
    else if (!--call->waiting && (call->ended || call->failed))
        cc_bell_quit(call->bell);
}

double ccaas_call_timeout(const struct ccaas_call *call)
{
    const struct cc_fetch *fetch;
    double due = call->deadline, now = cc_clock_now();

    if (!call->armed)
        return 0; /* the last take gave something, or there was none */

    for (fetch = call->fetches; fetch; fetch = fetch->next)
        due = fmin(due, cc_fetch_due(fetch));
    return due > now ? due - now : 0;
}

const struct ccaas_error *ccaas_call_error(const struct ccaas_call *call)
{
    return &call->error;
}

int ccaas_call_status(const struct ccaas_call *call)
{
    return call->status;
}

const char *ccaas_call_moved(const struct ccaas_call *call)
{
    return call->moved[0] ? call->moved : NULL;
}

const char *ccaas_call_headers(const struct ccaas_call *call, size_t *length)
{
    *length = call->headers_length;
    return call->headers;
}
