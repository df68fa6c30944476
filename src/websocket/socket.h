/* The engine and its sockets, as the files of this room share them.  All of it
 * belongs to the engine's thread, but for what says otherwise. */
#ifndef CC_SOCKET_H
#define CC_SOCKET_H

#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <uv.h>

#include "address.h"
#include "buffer.h"
#include "coalescing.h"
#include "head.h"
#include "transport.h"
#include "ws.h"

/* Our own clock watches connections; libwebsockets' is not to. */
#define CC_WS_NEVER (24 * 3600)
/* libwebsockets' buffer: a whole request has to fit in. */
#define CC_WS_SEND_BUFFER (64 * 1024)
/* Handshakes side by side. */
#define CC_WS_HANDSHAKES 64
/* What a socket keeps for the next message that comes in pieces. */
#define CC_WS_KEPT (64 * 1024)
/* Bytes that are read at once: a whole TLS record. */
#ifdef CCAAS_TINY
#define CC_WS_READ 128
#else
#define CC_WS_READ (16 * 1024)
#endif

struct cc_lookup;
struct cc_names;

/* A libwebsockets vhost: certificates that are trusted, and a proxy. */
struct cc_ws_route {
    struct cc_ws_route *next;
    char *ca_file, *ca_dir, *proxy; /* NULL: none */
    struct timespec changed;        /* when the CA file was */
    struct lws_vhost *vhost;
    SSL_CTX *tls;
    bool passed; /* the proxy has let somebody through */
};

struct cc_ws {
    atomic_int references; /* the owner's, each socket's and look-up's */
    pthread_mutex_t lock;  /* guards the fields below, up to the blank line */
    bool started, stopping;
    bool ended;           /* the context may be gone: it is not to be woken */
    bool park, parked;    /* somebody forks; the thread stands still for it */
    pthread_cond_t moved; /* one of these three has changed */
    struct cc_socket *queue, **queue_end;
    struct cc_lookup *found; /* look-ups that are done */
    struct cc_ws *next;      /* in the list of engines, by its lock */

    pthread_t thread;
    pid_t pid; /* where the thread is */
    bool without_libuv;

    struct lws_context *context;
#if LWS_LIBRARY_VERSION_NUMBER >= 4003000
    lws_log_cx_t log; /* counted without a lock: all contexts share the usual */
#endif
    uv_loop_t loop;
    bool has_loop;
    int waker;    /* the eventfd that wakes it; -1: unknown */
    bool over;    /* the loop is to end */
    bool leaving; /* no more sockets: the last closing handshakes */
    unsigned established;
    struct cc_ws_route *routes;
    struct cc_lookup *lookups; /* under way */
    struct cc_socket *running;
    struct cc_socket *waiting, **waiting_end; /* the connect queue */
    unsigned connecting;                      /* how many of them connect now */
    lws_sorted_usec_list_t watch;
    double watch_at; /* when it will ring; INFINITY: never */

    /* Its readers are to be woken: flush.c. */
    struct cc_socket *gave, **gave_end;
    double gave_at;      /* since when there are some */
    size_t came;         /* bytes of messages in this turn of the loop */
    double clock;        /* a few messages ago, so a little early */
    unsigned clock_uses; /* in this turn */
    struct cc_coalescing coalescing;
    char input[CC_WS_READ]; /* what was just read */
};

enum cc_socket_state {
    CC_SOCKET_WAITING, /* for its turn */
    CC_SOCKET_LOOKING_UP,
    CC_SOCKET_CONNECTING,
    CC_SOCKET_OPEN
};

struct cc_socket {
    atomic_int references; /* any thread */
    struct cc_ws *ws;
    struct cc_ws_sink sink;

    /* The request: written before it is handed over, then read only. */
    struct cc_address address, proxy; /* proxy.host: NULL without one */
    const char *wrong;                /* why it cannot be opened, or NULL */
    char *proxy_key, *ca_file, *ca_dir;
    struct cc_buffer headers; /* lines, each with its CRLF */
    double connect_timeout, silence;
    size_t max_message;

    /* What others asked for: guarded by the engine's lock. */
    bool queued, wants_open, wants_resume, wants_close;
    struct cc_socket *next_queued;

    /* Under way. */
    struct cc_socket *next, **link; /* in one of the engine's lists */
    enum cc_socket_state state;
    bool connecting;          /* it counts in ws->connecting */
    struct cc_lookup *lookup; /* that it waits for */
    struct cc_ws_route *route;
    struct cc_names *names; /* the addresses to try; NULL once it is open */
    size_t name;            /* which one is tried */
    bool dialing; /* libwebsockets was called for it and has not returned */
    bool redial;  /* it is the next one's turn */
    struct lws *wsi;
    bool connected; /* TCP is */
    bool asked;     /* the handshake was sent */
    bool taking; /* libwebsockets closes its connection; ours is here: take.c */
    int taken_fd;
    SSL *taken_tls;
    bool taken;          /* the connection is ours */
    struct cc_head head; /* of the answer */
    int status;          /* what came back */
    char answer[256];    /* with it: see struct cc_ws_end */
    size_t answer_length;
    long distrust;           /* why the certificate is not good: OpenSSL's */
    double began, try_until; /* monotonic seconds */
    double received;         /* when a message or an answer last was */
    double unread;  /* since when nothing was read, which may still matter;
                       0: all was */
    double resumed; /* when that ended */
    size_t since;   /* bytes of messages since `unread` */
    double heard, pinged;     /* when; pinged 0: there is no ping out; we do not
                                 count what we did not listen to */
    bool ping_due;            /* send one when there is room */
    bool full;                /* the sink said so */
    bool gave;                /* a message came */
    bool within;              /* a message has begun and not ended */
    struct cc_buffer message; /* the fragments so far */
    struct cc_buffer held;    /* was read, and waits for the sink */
    struct cc_socket *next_given, **given_link; /* of those to be flushed */
};

/* socket.c: a socket's life. */

/* Makes a socket of a request: NULL: memory is out. */
struct cc_socket *cc_socket_new(struct cc_ws *ws,
                                const struct cc_ws_request *request,
                                const struct cc_ws_sink *sink);
void cc_socket_hold(struct cc_socket *socket);
/* The sink is full, and can take more. */
void cc_socket_pause(struct cc_socket *socket);
void cc_socket_resume(struct cc_socket *socket);
/* The connection that was tried has failed: the next address, or the end. */
void cc_socket_refused(struct cc_socket *socket, const char *why);
/* It is over: its sink hears of it, and it leaves the engine.  Says goodbye to
 * the server by `close`, a closing code, unless that is 0. */
void cc_socket_finish(struct cc_socket *socket, const struct cc_ws_end *end,
                      int close);
void cc_socket_finish_as(struct cc_socket *socket, enum ccaas_code code,
                         bool transient, int close, const char *message);
/* Does what is due at `now`, and says when to look again; INFINITY: never.
 * The socket may be gone after it: *gone. */
double cc_socket_watch(struct cc_socket *socket, double now, bool *gone);

/* connect.c: its turn has come: connects. */
void cc_socket_begin(struct cc_socket *socket);
/* The addresses have been found, or not. */
void cc_socket_found(struct cc_socket *socket, const struct cc_lookup *lookup);
/* What it connects to first: the proxy, or the server. */
const struct cc_address *cc_socket_hop(const struct cc_socket *socket);
/* Tries the next address. */
void cc_socket_dial(struct cc_socket *socket);
/* Is there another address to try? */
bool cc_socket_has_next(const struct cc_socket *socket);

/* connect_error.c: says in *end what a connection that failed means. */
void cc_socket_judge(struct cc_socket *socket, const char *why,
                     struct cc_ws_end *end);

/* connect_queue.c: puts it behind those that wait to connect. */
void cc_connect_queue_add(struct cc_socket *socket);
/* Takes it out of the list that it is in. */
void cc_connect_queue_remove(struct cc_socket *socket);
/* It connects no more. */
void cc_connect_queue_leave(struct cc_socket *socket);
/* It connects; others need not wait for it if it has for long. */
void cc_connect_queue_watch(struct cc_socket *socket, double now);
/* Is there one whose turn it is? */
bool cc_connect_queue_due(const struct cc_ws *ws);
/* Begins as many as may. */
void cc_connect_queue_next(struct cc_ws *ws);

/* engine.c: have cc_socket_watch called for all at `when`, or earlier. */
void cc_ws_watch_at(struct cc_ws *ws, double when);
/* On the engine's thread: does what others asked for.  False: the loop is to
 * end. */
bool cc_ws_serve(struct cc_ws *ws);
/* Any thread, with the lock held: the thread looks at its queue. */
void cc_ws_wake(struct cc_ws *ws);
struct cc_ws *cc_ws_hold(struct cc_ws *ws);
void cc_ws_let_go(struct cc_ws *ws);

/* context.c: libwebsockets' context on a loop of ours, and its vhosts. */
extern const lws_retry_bo_t cc_ws_no_policy;
bool cc_ws_context_make(struct cc_ws *ws);
void cc_ws_context_run(struct cc_ws *ws);   /* until leave is called */
void cc_ws_context_leave(struct cc_ws *ws); /* from within the loop */
void cc_ws_context_destroy(struct cc_ws *ws);

/* flush.c: the time, for a message: several that come together have the same.
 */
double cc_ws_clock(struct cc_ws *ws);
/* The socket gave its sink a message at `now`: to be flushed. */
void cc_ws_gave(struct cc_socket *socket, double now);
/* It is not to be flushed: it is over. */
void cc_ws_gave_forget(struct cc_socket *socket);
/* Flushes the sinks of all that gave something. */
void cc_ws_flush(struct cc_ws *ws);
/* After a turn of the loop: sleeps a little when messages come often, few at a
 * time. */
void cc_ws_rest(struct cc_ws *ws);

/* route.c: the route for a socket, or NULL: *why says so. */
struct cc_ws_route *cc_ws_route_find(struct cc_ws *ws, const char *ca_file,
                                     const char *ca_dir, const char *proxy,
                                     const char **why);
/* Has the next connection go by this address of the route's proxy.  False: it
 * cannot be. */
bool cc_ws_route_by(struct cc_ws_route *route, const struct cc_address *proxy,
                    const char *number);
void cc_ws_routes_free(struct cc_ws *ws);

/* take.c: begins to take the connection over, once the request was sent. */
void cc_take_begin(struct cc_socket *socket);
/* libwebsockets has closed its own. */
void cc_take_finish(struct cc_socket *socket);
/* It is not wanted any more. */
void cc_take_forget(struct cc_socket *socket);

/* receive.c: the socket's connection can be read.  (It may end by that.) */
void cc_socket_read(struct cc_socket *socket);
/* Takes bytes from the server; what a full sink leaves is held. */
void cc_socket_feed(struct cc_socket *socket, const char *bytes, size_t length);
/* Takes what was held. */
void cc_socket_feed_held(struct cc_socket *socket);
/* The connection has ended without a word. */
void cc_socket_lost(struct cc_socket *socket);

/* callback.c: what libwebsockets calls. */
extern const struct lws_protocols cc_ws_protocols[];

#endif
