/*
 * beat.c: updates at a steady pace, each of which says when it was sent: to
 * measure how long they take, and many sockets with little to say.  Made in C,
 * so that the sandbox costs little.  Runs on the sandbox's thread.
 */
#include "live.h"

#include <stdio.h>
#include <time.h>

/* Behind by more than this, beats are left out instead of sent in a rush. */
#define BEHIND_USECS LWS_USEC_PER_SEC

/* Beats closer than this are not made several at a time. */
#define QUICK_USECS 50000

#define BEAT_SIZE 256

static lws_usec_t interval(const struct cc_sandbox_socket *socket)
{
    lws_usec_t usecs = (lws_usec_t)(1e6 / socket->manners.beat);
    return usecs > 0 ? usecs : 1;
}

/* Sockets that begin together do not beat together. */
void cc_sandbox_beat_begin(struct cc_sandbox_socket *socket)
{
    socket->beat_at = 0;
    if (socket->manners.beat <= 0 || socket->closing || !socket->count)
        return;
    uint64_t part = cc_sandbox_hash(socket->id) % 1024 + 1;
    if (interval(socket) < QUICK_USECS)
        socket->live->quick = true;
    socket->beat_at =
        lws_now_usecs() + interval(socket) * (lws_usec_t)part / 1024;
}

/* The sandbox's metrics have ids that are JSON as they are. */
static size_t write_beat(const char *id, char *out)
{
    struct timespec now;
    struct tm tm;
    char moment[32];
    clock_gettime(CLOCK_REALTIME, &now);
    time_t west = now.tv_sec - 6 * 3600;
    gmtime_r(&west, &tm);
    strftime(moment, sizeof moment, "%Y-%m-%dT%H:%M:%S", &tm);
    int size = snprintf(
        out, BEAT_SIZE,
        "{\"key\":{\"metricId\":\"%.64s\",\"categoryValue\":\"Beat\"},"
        "\"value\":{\"lastUpdateTime\":\"%s.%03ld-06:00\",\"count\":%lld,"
        "\"type\":\"COUNT\"}}",
        id, moment, now.tv_nsec / 1000000,
        (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    return (size_t)size;
}

void cc_sandbox_beat_send(struct cc_sandbox_socket *socket, lws_usec_t now)
{
    lws_usec_t step = interval(socket);
    struct cc_sandbox_metric *metric = socket->subscriptions[0].metric;
    if (socket->beat_at < now - BEHIND_USECS || socket->manners.mute)
        socket->beat_at = now + step;
    while (!socket->closing && socket->beat_at <= now) {
        char text[BEAT_SIZE];
        unsigned char frame[BEAT_SIZE + CC_SANDBOX_FRAME_HEAD];
        size_t size = write_beat(metric->id, text);
        size = cc_sandbox_frames_write(frame, CC_SANDBOX_TEXT, text, size, 1);
        if (cc_sandbox_socket_queue(socket, frame, size)) {
            socket->sent++;
            metric->sent++;
        }
        socket->beat_at += step;
    }
}
