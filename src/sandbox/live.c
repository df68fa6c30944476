/*
 * live.c: the websockets of a sandbox together: who is subscribed to what,
 * and the timer that lets Lua play the day.  Made on the owner's thread before
 * there is a server, used on the server's thread, freed by the owner when that
 * thread has ended.
 */
#include "live.h"

#include <stdlib.h>
#include <string.h>

struct ccaas_sandbox_live *ccaas_sandbox_live_new(void)
{
    struct ccaas_sandbox_live *live = calloc(1, sizeof *live);
    if (live) {
        live->manners.fragments = 1;
        live->manners.buffer = (size_t)1024 * 1024;
    }
    return live;
}

void ccaas_sandbox_live_free(struct ccaas_sandbox_live *live)
{
    if (!live)
        return;
    while (live->sockets)
        ccaas_sandbox_socket_free(live->sockets);
    while (live->metrics) {
        struct ccaas_sandbox_metric *metric = live->metrics;
        live->metrics = metric->next;
        free(metric);
    }
    free(live);
}

struct ccaas_sandbox_metric *
ccaas_sandbox_live_metric(struct ccaas_sandbox_live *live, const char *id)
{
    struct ccaas_sandbox_metric *metric = live->metrics;
    while (metric && strcmp(metric->id, id) != 0)
        metric = metric->next;
    if (metric)
        return metric;
    size_t size = strlen(id) + 1;
    metric = calloc(1, sizeof *metric + size);
    if (!metric)
        return NULL;
    memcpy(metric->id, id, size);
    metric->next = live->metrics;
    live->metrics = metric;
    return metric;
}

struct ccaas_sandbox_socket *
ccaas_sandbox_live_prepare(struct ccaas_sandbox_live *live,
                           struct ccaas_sandbox_metric **metrics, size_t count)
{
    struct ccaas_sandbox_socket *socket =
        calloc(1, sizeof *socket + count * sizeof *socket->subscriptions);
    if (!socket)
        return NULL;
    socket->live = live;
    socket->id = ++live->last_id;
    socket->manners = live->manners;
    socket->count = count;
    for (size_t i = 0; i < count; i++) {
        socket->subscriptions[i].socket = socket;
        socket->subscriptions[i].metric = metrics[i];
    }
    socket->next = live->sockets;
    socket->link = &live->sockets;
    if (socket->next)
        socket->next->link = &socket->next;
    live->sockets = socket;
    return socket;
}

/* --- the timer
 * ----------------------------------------------------------------
 */

static void timer_rang(lws_sorted_usec_list_t *timer)
{
    struct ccaas_sandbox_live *live =
        lws_container_of(timer, struct ccaas_sandbox_live, timer);
    ccaas_sandbox_state_tick(live->L);
}

void ccaas_sandbox_live_wake_after(struct ccaas_sandbox_live *live,
                                   double seconds)
{
    lws_usec_t wait = LWS_SET_TIMER_USEC_CANCEL;
    if (seconds >= 0)
        wait = (lws_usec_t)(seconds * 1e6) + 1;
    live->timer_at = seconds >= 0 ? wait : 0;
    if (live->context)
        lws_sul_schedule(live->context, 0, &live->timer, timer_rang, wait);
}

void ccaas_sandbox_live_begin(struct ccaas_sandbox_live *live, lua_State *L,
                              struct lws_context *context)
{
    live->L = L;
    live->context = context;
    if (live->timer_at)
        lws_sul_schedule(context, 0, &live->timer, timer_rang, live->timer_at);
}
