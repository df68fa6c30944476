/* One socket: the request, liveness, the end.  On the engine's thread. */
#include "socket.h"

#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "text.h"

/* How long a server has to answer a goodbye. */
#define GOODBYE_SECONDS 5
/* Once it is read again, a reset from before is noticed within this time. */
#define NOTICED_SECONDS 1

/* Adds a header line; what could be read as more than one is left out. */
static bool add_line(struct cc_socket *socket, const char *line)
{
    return cc_buffer_add(&socket->headers, line, strcspn(line, "\r\n")) &&
           cc_buffer_text(&socket->headers, "\r\n");
}

static bool add_headers(struct cc_socket *socket,
                        const struct cc_ws_request *request)
{
    struct cc_buffer *headers = &socket->headers;
    const char *const *line;

    for (line = request->headers; line && *line; line++)
        if (!add_line(socket, *line))
            return false;
    return !request->bearer ||
           (cc_buffer_text(headers, "Authorization: Bearer ") &&
            add_line(socket, cc_secret_reveal(request->bearer)));
}

struct cc_socket *cc_socket_new(struct cc_ws *ws,
                                const struct cc_ws_request *request,
                                const struct cc_ws_sink *sink)
{
    struct cc_socket *socket = calloc(1, sizeof *socket);
    bool failed = false;

    if (!socket)
        return NULL;
    atomic_init(&socket->references, 1);
    socket->ws = cc_ws_hold(ws);
    socket->sink = *sink;
    socket->wrong = cc_address_parse(&socket->address, request->url);
    if (request->proxy && !socket->wrong)
        socket->wrong = cc_address_proxy(&socket->proxy, request->proxy);
    socket->proxy_key = cc_copy(request->proxy, &failed);
    socket->ca_file = cc_copy(request->ca_file, &failed);
    socket->ca_dir = cc_copy(request->ca_dir, &failed);
    socket->connect_timeout = request->connect_timeout;
    socket->silence = request->silence;
    socket->max_message = request->max_message;
    if (failed || socket->wrong == cc_address_no_memory ||
        !add_headers(socket, request)) {
        cc_ws_release(socket);
        return NULL;
    }
    return socket;
}

void cc_socket_hold(struct cc_socket *socket)
{
    atomic_fetch_add(&socket->references, 1);
}

void cc_ws_release(struct cc_socket *socket)
{
    if (!socket || atomic_fetch_sub(&socket->references, 1) != 1)
        return;
    cc_address_clear(&socket->address);
    cc_address_clear(&socket->proxy);
    cc_address_forget(socket->proxy_key);
    free(socket->ca_file);
    free(socket->ca_dir);
    free(socket->names);
    if (socket->headers.bytes)
        cc_secret_wipe(socket->headers.bytes, socket->headers.length);
    cc_buffer_free(&socket->headers);
    cc_buffer_free(&socket->message);
    cc_buffer_free(&socket->held);
    cc_head_free(&socket->head);
    cc_ws_let_go(socket->ws);
    free(socket);
}

/* -- The end ----------------------------------------------------------------
 */

/* The socket has no more to do with its connection, which says goodbye by
 * itself. */
static void drop(struct cc_socket *socket, int close)
{
    struct lws *wsi = socket->wsi;
    struct cc_transport *line;

    cc_take_forget(socket);
    socket->wsi = NULL;
    if (!wsi)
        return;
    lws_set_opaque_user_data(wsi, NULL);
    if (close && socket->state == CC_SOCKET_OPEN) {
        line = lws_wsi_user(wsi);
        line->goodbye = close;
        lws_rx_flow_control(wsi, 1);
        lws_callback_on_writable(wsi);
        lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_ACK, GOODBYE_SECONDS);
    } else if (close || socket->taken) {
        lws_set_timeout(wsi, PENDING_TIMEOUT_KILLED_BY_PARENT,
                        LWS_TO_KILL_ASYNC);
    }
}

/* Does it still matter that nothing was read for a while?  A reset takes away
 * what had come; it shows as soon as reading goes on, but first comes what
 * libwebsockets itself had read before. */
static bool matters(const struct cc_socket *socket, double now)
{
    return socket->unread > 0 &&
           (socket->full || (socket->since <= CC_WS_SEND_BUFFER &&
                             now - socket->resumed < NOTICED_SECONDS));
}

/* Seconds before `now` from which on something may be missing. */
static double quiet_since(const struct cc_socket *socket, double now)
{
    double since = socket->received;

    if (matters(socket, now))
        since = fmin(since, socket->unread);
    return now - since;
}

void cc_socket_finish(struct cc_socket *socket, const struct cc_ws_end *end,
                      int close)
{
    struct cc_ws_end whole = *end;

    drop(socket, close);
    cc_connect_queue_remove(socket);
    cc_connect_queue_leave(socket);
    socket->lookup = NULL;
    cc_ws_gave_forget(socket);
    whole.opened = socket->state == CC_SOCKET_OPEN;
    whole.received = socket->gave;
    if (whole.opened && end->code != CCAAS_OK)
        whole.quiet = quiet_since(socket, cc_clock_now());
    if (!whole.opened) {
        whole.status = socket->status == 101 ? 0 : socket->status;
        memcpy(whole.answer, socket->answer, sizeof whole.answer);
        whole.answer_length = socket->answer_length;
    }
    socket->sink.closed(socket->sink.self, &whole);
    cc_ws_release(socket);
}

void cc_socket_finish_as(struct cc_socket *socket, enum ccaas_code code,
                         bool transient, int close, const char *message)
{
    struct cc_ws_end end = {.code = code, .transient = transient};

    snprintf(end.message, sizeof end.message, "%s", message);
    cc_socket_finish(socket, &end, close);
}

/* -- Connecting -------------------------------------------------------------
 */

/* Who is connected to: the proxy, where there is one. */
void cc_socket_refused(struct cc_socket *socket, const char *why)
{
    struct cc_ws_end end = {.code = CCAAS_OK};

    drop(socket, 0);
    if (!socket->connected && cc_socket_has_next(socket)) {
        socket->name++;
        socket->redial = true; /* not from within libwebsockets' call */
        cc_ws_watch_at(socket->ws, 0);
        return;
    }
    cc_socket_judge(socket, why, &end);
    cc_socket_finish(socket, &end, 0);
}

/* -- Clock ------------------------------------------------------------------
 */

static double watch_connecting(struct cc_socket *socket, double now, bool *gone)
{
    double until = socket->began + socket->connect_timeout;
    char message[96], seconds[CC_SECONDS_ROOM];

    if (until <= now) {
        cc_text_seconds(seconds, socket->connect_timeout);
        snprintf(message, sizeof message,
                 socket->taken
                     ? "no complete answer to the handshake within %s s"
                     : "not connected within %s s",
                 seconds);
        *gone = true;
        cc_socket_finish_as(socket, CCAAS_TIMEOUT, true,
                            LWS_CLOSE_STATUS_GOINGAWAY, message);
        return INFINITY;
    }
    cc_connect_queue_watch(socket, now);
    if (socket->state == CC_SOCKET_LOOKING_UP)
        return until;
    if (socket->asked && !socket->taking && !socket->taken) {
        cc_socket_hold(socket);
        cc_take_begin(socket);
        *gone = !socket->link;
        cc_ws_release(socket);
        return *gone ? INFINITY : until;
    }
    if (!socket->redial && !socket->connected && socket->try_until <= now &&
        cc_socket_has_next(socket)) {
        drop(socket, LWS_CLOSE_STATUS_GOINGAWAY);
        socket->name++;
        socket->redial = true;
    }
    if (socket->redial) {
        cc_socket_hold(socket);
        cc_socket_dial(socket);
        *gone = !socket->link;
        cc_ws_release(socket);
        if (*gone)
            return INFINITY;
    }
    if (socket->connected || !cc_socket_has_next(socket))
        return until;
    return fmin(until, socket->try_until);
}

/* Seconds since the last byte came, whatever it belonged to: a large frame on a
 * slow line leaves no room for an answer to a ping. */
static double quiet(struct cc_socket *socket)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;

    if (getsockopt(lws_get_socket_fd(socket->wsi), IPPROTO_TCP, TCP_INFO, &info,
                   &size) != 0)
        return INFINITY;
    return info.tcpi_last_data_recv / 1000.0;
}

static double watch_open(struct cc_socket *socket, double now, bool *gone)
{
    double third = socket->silence / 3, due;
    char message[96], seconds[CC_SECONDS_ROOM];

    if (socket->full)
        return INFINITY; /* we do not listen; resume begins anew */
    if (socket->heard + socket->silence <= now)
        socket->heard = fmax(socket->heard, now - quiet(socket));
    if (socket->heard + socket->silence <= now) {
        cc_text_seconds(seconds, socket->silence);
        snprintf(message, sizeof message,
                 "nothing was heard from the server for %s s", seconds);
        *gone = true;
        socket->state = CC_SOCKET_OPEN;
        cc_socket_finish_as(socket, CCAAS_TIMEOUT, true,
                            LWS_CLOSE_STATUS_GOINGAWAY, message);
        return INFINITY;
    }
    due = fmax(socket->heard, socket->pinged) + third;
    /* A little early, so that many are looked after in one go. */
    if (due - third / 4 <= now) {
        socket->pinged = now;
        socket->ping_due = true;
        lws_callback_on_writable(socket->wsi);
        due = now + third;
    }
    return fmin(due, socket->heard + socket->silence);
}

double cc_socket_watch(struct cc_socket *socket, double now, bool *gone)
{
    *gone = false;
    if (socket->state == CC_SOCKET_OPEN)
        return watch_open(socket, now, gone);
    return watch_connecting(socket, now, gone);
}

void cc_socket_pause(struct cc_socket *socket)
{
    double now = cc_clock_now();

    if (!matters(socket, now)) {
        socket->unread = now;
        socket->since = 0;
    }
    socket->full = true;
    lws_rx_flow_control(socket->wsi, 0);
}

void cc_socket_resume(struct cc_socket *socket)
{
    if (!socket->full)
        return;
    socket->full = false;
    socket->heard = socket->resumed = cc_clock_now();
    socket->pinged = 0;
    cc_ws_watch_at(socket->ws, socket->heard + socket->silence / 3);
    cc_socket_feed_held(socket);
    if (!socket->wsi || socket->full)
        return;
    lws_rx_flow_control(socket->wsi, 1);
    lws_callback_on_writable(socket->wsi); /* of TLS no poll may tell */
}
