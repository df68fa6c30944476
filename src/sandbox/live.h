/*
 * live.h: the websockets of a sandbox: what live.c (all of them), socket.c
 * (one of them) and live_native.c (what Lua may do with them) know of each
 * other.  All of it happens on the server's thread, but for making the set
 * and freeing it.
 */
#ifndef CC_SANDBOX_LIVE_H
#define CC_SANDBOX_LIVE_H

#include "sandbox.h"
#include "websocket.h"

/* As much is written at once. */
#define CC_SANDBOX_WRITE_SIZE ((size_t)128 * 1024)

/* How a socket behaves. */
struct cc_sandbox_manners {
    bool mute;        /* nothing is written but the answer that opened it */
    double pong;      /* seconds until a ping is answered; below 0: never */
    double pings;     /* seconds between pings of our own; 0: none */
    double beat;      /* updates a second that beat.c makes; 0: none */
    size_t fragments; /* frames of a message */
    size_t buffer;    /* bytes that may wait for the reader; over it he goes */
};

struct cc_sandbox_metric {
    struct cc_sandbox_metric *next;
    struct cc_sandbox_subscription *first;
    uint64_t sent; /* messages, to all sockets together */
    char id[];
};

/* A socket's interest in a metric; linked while the socket is open. */
struct cc_sandbox_subscription {
    struct cc_sandbox_socket *socket;
    struct cc_sandbox_metric *metric;
    struct cc_sandbox_subscription *next, **link;
};

/* Frames that are written over and over, made once for many sockets. */
struct cc_sandbox_flood {
    unsigned refs;
    struct cc_sandbox_metric *metric;
    size_t count;
    size_t *ends; /* where each message ends in `bytes` */
    char *bytes;
};

enum cc_sandbox_closing {
    CC_SANDBOX_OPEN,
    CC_SANDBOX_ASKED,    /* a close frame was sent, its answer is due */
    CC_SANDBOX_ANSWERED, /* the connection ends when all is written */
    CC_SANDBOX_KILLED    /* it ends at once */
};

struct cc_sandbox_socket {
    struct cc_sandbox_live *live;
    struct cc_sandbox_socket *next, **link;
    struct lws *wsi; /* NULL: it was not opened yet */
    uint64_t id;
    double connected_at; /* epoch seconds */
    uint64_t sent, received, pings, pongs;
    struct cc_sandbox_manners manners;
    struct cc_sandbox_reader reader;
    enum cc_sandbox_closing closing;
    bool reset; /* killed by a reset */

    struct cc_sandbox_bytes out;
    size_t out_from; /* where in `out` what waits begins */
    size_t head;     /* bytes of it that a mute socket writes all the same */

    /* Moments of the monotonic clock in microseconds; 0: never. */
    lws_usec_t pong_at, ping_at, kill_at, beat_at;
    unsigned char pong[CC_SANDBOX_CONTROL_SIZE];
    size_t pong_size;

    struct cc_sandbox_flood *flood; /* NULL: none */
    size_t flood_at;                /* its next message */
    uint64_t flood_left;

    size_t count;
    struct cc_sandbox_subscription subscriptions[];
};

struct cc_sandbox_live {
    lua_State *L;
    int clock;    /* a timer's descriptor */
    bool adopted; /* it is libwebsockets' to close */
    bool quick;   /* some socket's beat is, or was */
    /* Moments, as a socket has them: when the clock rings, and when Lua is to
     * be called. */
    lws_usec_t armed_at, tick_at;
    struct cc_sandbox_socket *sockets;
    struct cc_sandbox_metric *metrics;
    uint64_t last_id;
    struct cc_sandbox_manners manners; /* of new sockets */
};

/* --- live.c --------------------------------------------------------------- */

/* The metric of that name, made when it is new; NULL: no memory. */
struct cc_sandbox_metric *cc_sandbox_live_metric(struct cc_sandbox_live *live,
                                                 const char *id);

/* A socket for these metrics, which no connection has yet; NULL: no memory.
 * The ids are in its subscriptions' order. */
struct cc_sandbox_socket *
cc_sandbox_live_prepare(struct cc_sandbox_live *live,
                        struct cc_sandbox_metric **metrics, size_t count);

/* Sees to it that the clock rings not long after `at`. */
void cc_sandbox_live_wake(struct cc_sandbox_live *live, lws_usec_t at);

/* Calls the state's tick after so many seconds; below 0: never. */
void cc_sandbox_live_wake_after(struct cc_sandbox_live *live, double seconds);

/* --- socket.c ------------------------------------------------------------- */

/* Gives bytes to be written, framed already.  False when it takes no more. */
bool cc_sandbox_socket_queue(struct cc_sandbox_socket *socket,
                             const void *bytes, size_t size);

/* Begins to end it: by a close frame; or at once, in order or by a reset. */
void cc_sandbox_socket_close(struct cc_sandbox_socket *socket, int code,
                             const char *reason, size_t size);
void cc_sandbox_socket_kill(struct cc_sandbox_socket *socket, bool reset);

/* Does what is due by now; gives when the next is, or 0. */
lws_usec_t cc_sandbox_socket_due(struct cc_sandbox_socket *socket,
                                 lws_usec_t now);

/* Takes other manners from now on. */
void cc_sandbox_socket_behave(struct cc_sandbox_socket *socket,
                              const struct cc_sandbox_manners *manners);

/* Writes `count` messages of a flood; 0 ends the one that there is. */
void cc_sandbox_socket_flood(struct cc_sandbox_socket *socket,
                             struct cc_sandbox_flood *flood, uint64_t count);

/* --- beat.c --------------------------------------------------------------- */

/* Begins or ends the beats, as the manners are; or gives those that are due. */
void cc_sandbox_beat_begin(struct cc_sandbox_socket *socket);
void cc_sandbox_beat_send(struct cc_sandbox_socket *socket, lws_usec_t now);

/* --- live_native.c -------------------------------------------------------- */

/* Adds the functions to the table on top of the stack.  May throw. */
void cc_sandbox_live_native_set(lua_State *L, struct cc_sandbox_live *live);

#endif
