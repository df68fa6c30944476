/*
 * live.c: the websockets of a sandbox together: who is subscribed to what,
 * and the clock by which they and the day that Lua plays move.  Made on the
 * owner's thread before there is a server, used on the server's thread, freed
 * by the owner when that thread has ended.
 */
#include "live.h"

#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct cc_sandbox_live *cc_sandbox_live_new(void)
{
    struct cc_sandbox_live *live = calloc(1, sizeof *live);
    if (!live)
        return NULL;
    live->manners.fragments = 1;
    live->manners.buffer = (size_t)1024 * 1024;
    live->clock = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (live->clock >= 0)
        return live;
    free(live);
    return NULL;
}

void cc_sandbox_live_free(struct cc_sandbox_live *live)
{
    if (!live)
        return;
    while (live->sockets)
        cc_sandbox_socket_free(live->sockets);
    while (live->metrics) {
        struct cc_sandbox_metric *metric = live->metrics;
        live->metrics = metric->next;
        free(metric);
    }
    if (!live->adopted)
        close(live->clock);
    free(live);
}

struct cc_sandbox_metric *cc_sandbox_live_metric(struct cc_sandbox_live *live,
                                                 const char *id)
{
    struct cc_sandbox_metric *metric = live->metrics;
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

struct cc_sandbox_socket *
cc_sandbox_live_prepare(struct cc_sandbox_live *live,
                        struct cc_sandbox_metric **metrics, size_t count)
{
    struct cc_sandbox_socket *socket =
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

/* --- the clock ------------------------------------------------------------ */

/* It is a descriptor of the kernel's, since libwebsockets' own timers turn its
 * loop idly for up to a millisecond before each. */

/* What sockets have to do is due together: so that many cost few wake-ups. */
#define TOGETHER_USECS 50000
#define QUICKLY_USECS 1000

static void ring_at(struct cc_sandbox_live *live, lws_usec_t at)
{
    if (live->armed_at && live->armed_at <= at)
        return;
    lws_usec_t now = lws_now_usecs(), wait = at > now ? at - now : 1;
    struct itimerspec when;
    memset(&when, 0, sizeof when);
    when.it_value.tv_sec = (time_t)(wait / LWS_USEC_PER_SEC);
    when.it_value.tv_nsec = (long)(wait % LWS_USEC_PER_SEC) * 1000;
    timerfd_settime(live->clock, 0, &when, NULL);
    live->armed_at = at;
}

void cc_sandbox_live_wake(struct cc_sandbox_live *live, lws_usec_t at)
{
    lws_usec_t step = live->quick ? QUICKLY_USECS : TOGETHER_USECS;
    ring_at(live, (at + step - 1) / step * step);
}

void cc_sandbox_live_wake_after(struct cc_sandbox_live *live, double seconds)
{
    live->tick_at = 0;
    if (seconds < 0)
        return;
    live->tick_at = lws_now_usecs() + (lws_usec_t)(seconds * 1e6);
    ring_at(live, live->tick_at);
}

void cc_sandbox_live_rang(struct cc_sandbox_live *live)
{
    uint64_t rings;
    if (read(live->clock, &rings, sizeof rings) < 0)
        return; /* it was set anew meanwhile */
    live->armed_at = 0;
    lws_usec_t now = lws_now_usecs();
    if (live->tick_at && live->tick_at <= now) {
        live->tick_at = 0;
        cc_sandbox_state_tick(live->L);
    } else if (live->tick_at) {
        ring_at(live, live->tick_at);
    }
    lws_usec_t next = 0;
    struct cc_sandbox_socket *socket = live->sockets;
    for (; socket; socket = socket->next) {
        lws_usec_t at = cc_sandbox_socket_due(socket, now);
        if (at && (!next || at < next))
            next = at;
    }
    if (next)
        cc_sandbox_live_wake(live, next);
}

bool cc_sandbox_live_begin(struct cc_sandbox_live *live, lua_State *L,
                           struct lws_vhost *vhost)
{
    live->L = L;
    lws_sock_file_fd_type clock;
    memset(&clock, 0, sizeof clock);
    clock.filefd = live->clock;
    live->adopted =
        lws_adopt_descriptor_vhost(vhost, LWS_ADOPT_RAW_FILE_DESC, clock,
                                   cc_sandbox_protocols[0].name, NULL);
    return live->adopted;
}
