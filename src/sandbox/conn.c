/*
 * conn.c: one connection.  libwebsockets moves the bytes (and does TLS); they
 * are taken raw, so that the request target is seen as it was on the wire and
 * an answer can be as broken as a test wants it.  Runs on the sandbox's
 * thread.  A connection's session data is libwebsockets'; its buffer is freed,
 * its answer released and its websocket ended when it closes.
 */
#include "live.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* How long a reset waits for the bytes before it to leave. */
#define RESET_STEP_USECS 1000
#define RESET_STEPS 2000

/* How long the peer may go on sending what was refused. */
#define LINGER_SECONDS 1.0

enum state {
    READING,   /* waits for a whole request */
    PAUSING,   /* waits for the timer, then sends */
    SENDING,   /* sends when it can */
    HANGING,   /* never answers */
    RESETTING, /* waits until all has left, then resets */
    LINGERING, /* reads on for a while, so that the answer is not lost */
    UPGRADED   /* it is a websocket */
};

struct conn {
    char *in;
    size_t in_size, in_room;
    struct cc_sandbox_request request;
    struct cc_sandbox_answer answer;
    struct cc_sandbox_socket *socket; /* what it becomes, or is */
    enum state state;
    size_t sent;   /* of head and body together */
    size_t pieced; /* where the present piece ends */
    int steps;
    bool refused; /* the request was not read to its end */
};

static struct cc_sandbox_server *server_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

static lua_State *state_of(struct lws *wsi)
{
    return cc_sandbox_server_state(server_of(wsi));
}

static void wake_after(struct lws *wsi, double seconds)
{
    lws_set_timer_usecs(wsi, (lws_usec_t)(seconds * 1e6) + 1);
}

static bool append(struct conn *conn, const void *bytes, size_t size)
{
    if (conn->in_room - conn->in_size < size) {
        size_t room = (conn->in_size + size) * 2;
        char *in = realloc(conn->in, room);
        if (!in)
            return false;
        conn->in = in;
        conn->in_room = room;
    }
    memcpy(conn->in + conn->in_size, bytes, size);
    conn->in_size += size;
    return true;
}

static void consume_request(struct conn *conn)
{
    size_t size = conn->request.head_size + conn->request.body_size;
    conn->refused = conn->request.problem != NULL;
    if (conn->refused)
        size = conn->in_size;
    memmove(conn->in, conn->in + size, conn->in_size - size);
    conn->in_size -= size;
    memset(&conn->request, 0, sizeof conn->request);
}

static size_t total_of(const struct conn *conn)
{
    return conn->answer.head_size + conn->answer.body_size;
}

/* The next piece of a dripping body; all of the answer when it does not. */
static void next_piece(struct conn *conn)
{
    size_t piece = conn->answer.piece, total = total_of(conn);
    if (!piece)
        conn->pieced = total;
    else if (conn->pieced == 0)
        conn->pieced = conn->answer.head_size + piece;
    else
        conn->pieced += piece;
    if (conn->pieced > total)
        conn->pieced = total;
}

/* The websocket takes over, and what was read beyond the request is its. */
static int upgrade(struct lws *wsi, struct conn *conn)
{
    bool open = cc_sandbox_socket_open(conn->socket, wsi, conn->answer.head,
                                       conn->answer.head_size);
    cc_sandbox_state_release(state_of(wsi), &conn->answer);
    conn->state = UPGRADED;
    if (!open)
        return -1;
    size_t size = conn->in_size;
    conn->in_size = 0;
    return cc_sandbox_socket_received(conn->socket, conn->in, size);
}

/* Zero, or -1 to close the connection. */
static int begin_sending(struct lws *wsi, struct conn *conn)
{
    if (conn->socket && conn->answer.ending == CC_SANDBOX_KEEP)
        return upgrade(wsi, conn);
    conn->state = SENDING;
    lws_callback_on_writable(wsi);
    return 0;
}

static int serve_next(struct lws *wsi, struct conn *conn)
{
    if (conn->in_size == 0 ||
        !cc_sandbox_request_whole(&conn->request, conn->in, conn->in_size))
        return 0;
    cc_sandbox_state_handle(state_of(wsi), conn->in, &conn->request,
                            &conn->answer);
    conn->socket = conn->answer.socket;
    consume_request(conn);
    conn->sent = 0;
    conn->pieced = 0;
    next_piece(conn);
    if (conn->answer.hang) {
        conn->state = HANGING;
    } else if (conn->answer.delay > 0) {
        conn->state = PAUSING;
        wake_after(wsi, conn->answer.delay);
    } else {
        return begin_sending(wsi, conn);
    }
    return 0;
}

/* libwebsockets would say an orderly goodbye first: the socket is disconnected
 * under it. */
void cc_sandbox_conn_reset(struct lws *wsi)
{
    int fd = lws_get_socket_fd(wsi);
    struct linger linger = {1, 0};
    struct sockaddr unconnected;
    memset(&unconnected, 0, sizeof unconnected);
    unconnected.sa_family = AF_UNSPEC;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    connect(fd, &unconnected, sizeof unconnected);
}

/* True when the connection was reset and must be closed. */
static bool reset_when_flushed(struct lws *wsi, struct conn *conn)
{
    int fd = lws_get_socket_fd(wsi), waiting = 0;
    if (ioctl(fd, SIOCOUTQ, &waiting) == 0 && waiting > 0 &&
        conn->steps++ < RESET_STEPS) {
        lws_set_timer_usecs(wsi, RESET_STEP_USECS);
        return false;
    }
    cc_sandbox_conn_reset(wsi);
    return true;
}

/* All was sent. True when the connection must be closed. */
static bool finish(struct lws *wsi, struct conn *conn)
{
    enum cc_sandbox_ending ending = conn->answer.ending;
    cc_sandbox_state_release(state_of(wsi), &conn->answer);
    if (ending == CC_SANDBOX_CLOSE && conn->refused) {
        conn->state = LINGERING;
        shutdown(lws_get_socket_fd(wsi), SHUT_WR);
        wake_after(wsi, LINGER_SECONDS);
        return false;
    }
    if (ending == CC_SANDBOX_CLOSE)
        return true;
    if (ending == CC_SANDBOX_RESET) {
        conn->state = RESETTING;
        conn->steps = 0;
        return reset_when_flushed(wsi, conn);
    }
    conn->state = READING;
    return serve_next(wsi, conn) != 0;
}

/* Writes what the socket takes. False when the peer is gone. */
static bool write_some(struct lws *wsi, struct conn *conn)
{
    const struct cc_sandbox_answer *answer = &conn->answer;
    while (conn->sent < conn->pieced && !lws_send_pipe_choked(wsi)) {
        const char *from = answer->head + conn->sent;
        size_t end = answer->head_size;
        if (conn->sent >= answer->head_size) {
            from = answer->body + (conn->sent - answer->head_size);
            end = conn->pieced;
        }
        size_t size = end - conn->sent;
        if (size > CC_SANDBOX_WRITE_SIZE)
            size = CC_SANDBOX_WRITE_SIZE;
        if (lws_write(wsi, (unsigned char *)(uintptr_t)from, size,
                      LWS_WRITE_RAW) < 0)
            return false;
        conn->sent += size;
    }
    return true;
}

/* All of this piece was sent: goes on to the next.  It is asked for only when
 * the socket takes bytes, so a slow reader keeps it from being made. */
static int next_body(struct lws *wsi, struct conn *conn)
{
    if (!cc_sandbox_state_more(state_of(wsi), &conn->answer))
        return -1;
    conn->sent = 0;
    conn->pieced = 0;
    next_piece(conn);
    if (conn->answer.pause > 0 && conn->answer.more) {
        conn->state = PAUSING;
        wake_after(wsi, conn->answer.pause);
    } else {
        lws_callback_on_writable(wsi);
    }
    return 0;
}

/* Zero, or -1 to close the connection. */
static int writable(struct lws *wsi, struct conn *conn)
{
    if (conn->state == UPGRADED)
        return cc_sandbox_socket_writable(conn->socket);
    if (conn->state != SENDING)
        return 0;
    if (conn->sent == total_of(conn) && conn->answer.more)
        return next_body(wsi, conn);
    if (conn->sent == total_of(conn))
        return finish(wsi, conn) ? -1 : 0;
    if (!write_some(wsi, conn))
        return -1;
    if (conn->sent == conn->pieced && conn->sent < total_of(conn)) {
        next_piece(conn);
        conn->state = PAUSING;
        wake_after(wsi, conn->answer.pause);
    } else {
        lws_callback_on_writable(wsi);
    }
    return 0;
}

static int timer(struct lws *wsi, struct conn *conn)
{
    if (conn->state == UPGRADED)
        return cc_sandbox_socket_timer(conn->socket);
    if (conn->state == LINGERING)
        return -1;
    if (conn->state == RESETTING)
        return reset_when_flushed(wsi, conn) ? -1 : 0;
    if (conn->state == PAUSING)
        return begin_sending(wsi, conn);
    return 0;
}

static int received(struct lws *wsi, struct conn *conn, const void *bytes,
                    size_t size)
{
    if (conn->state == UPGRADED)
        return cc_sandbox_socket_received(conn->socket, bytes, size);
    if (conn->state == HANGING || conn->state == RESETTING ||
        conn->state == LINGERING)
        return 0;
    if (!append(conn, bytes, size))
        return -1;
    return conn->state == READING ? serve_next(wsi, conn) : 0;
}

static void closed(struct lws *wsi, struct conn *conn)
{
    cc_sandbox_state_release(state_of(wsi), &conn->answer);
    if (conn->socket)
        cc_sandbox_socket_free(conn->socket);
    conn->socket = NULL;
    free(conn->in);
    conn->in = NULL;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason,
                    void *session, void *in, size_t size)
{
    struct conn *conn = session;
    switch (reason) {
    case LWS_CALLBACK_RAW_ADOPT:
        memset(conn, 0, sizeof *conn);
        return 0;
    case LWS_CALLBACK_RAW_RX:
        return received(wsi, conn, in, size);
    case LWS_CALLBACK_RAW_WRITEABLE:
        return writable(wsi, conn);
    case LWS_CALLBACK_TIMER:
        return timer(wsi, conn);
    case LWS_CALLBACK_RAW_CLOSE:
        closed(wsi, conn);
        return 0;
    case LWS_CALLBACK_RAW_RX_FILE:
        cc_sandbox_live_rang(cc_sandbox_server_live(server_of(wsi)));
        return 0;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        cc_sandbox_server_run_commands(server_of(wsi));
        return 0;
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        return cc_sandbox_server_use_cert(server_of(wsi), session) ? 0 : 1;
    default:
        return 0;
    }
}

const struct lws_protocols cc_sandbox_protocols[] = {
    {"ccaas-sandbox", callback, sizeof(struct conn), 64 * 1024, 0, NULL,
     CC_SANDBOX_WRITE_SIZE},
    {"ccaas-sandbox-listener", cc_sandbox_listener_event, 0, 0, 0, NULL, 0},
    {NULL, NULL, 0, 0, 0, NULL, 0},
};
