/* What libwebsockets calls, on the engine's thread.  A connection without a
 * socket is one that nobody wants any more: it says goodbye and goes. */
#include <openssl/x509_vfy.h>
#include <string.h>

#include "clock.h"
#include "socket.h"

/* The line that was generated with "/" gets the path that is wanted:
 * libwebsockets cuts request lines at 2,048 bytes and copies them here and
 * there, and what they hold may be secret. */
static bool write_path(char *buffer, char **end, const char *path, size_t room)
{
    static const char line[] = "GET / HTTP/1.1\r\n";
    size_t more = strlen(path) - 1;

    if (more > room || memcmp(buffer, line, sizeof line - 1) != 0)
        return false;
    memmove(buffer + 5 + more, buffer + 5, (size_t)(*end - buffer) - 5);
    memcpy(buffer + 4, path, more + 1);
    *end += more;
    return true;
}

/* Completes the request: where `*end` is, `room` bytes are left. */
static int append(struct cc_socket *socket, struct lws *wsi, char **end,
                  size_t room)
{
    static const char key[] = "\r\nSec-WebSocket-Key: ";
    /* libwebsockets keeps 12 bytes back. */
    char *buffer = *end + room + 12 - CC_WS_SEND_BUFFER, *at;
    size_t more = strlen(socket->address.path);

    **end = '\0';
    at = strstr(buffer, key);
    if (!at || more + socket->headers.length > room)
        return -1;
    cc_head_begin(&socket->head, at + sizeof key - 1);
    if (!write_path(buffer, end, socket->address.path, room))
        return -1;
    if (socket->headers.length)
        memcpy(*end, socket->headers.bytes, socket->headers.length);
    *end += socket->headers.length;
    socket->asked = true;
    socket->route->passed = true;
    /* The answer is ours to read. */
    lws_rx_flow_control(wsi, 0);
    cc_ws_watch_at(socket->ws, 0);
    return 0;
}

/* -- A connection that libwebsockets makes ----------------------------------
 */

/* What concerns one that a socket has. */
static int for_socket(struct cc_socket *socket, struct lws *wsi,
                      enum lws_callback_reasons reason, void *in, size_t length)
{
    if (socket->taking) {
        if (reason == LWS_CALLBACK_WSI_DESTROY)
            cc_take_finish(socket);
        return 0;
    }
    switch (reason) {
    case LWS_CALLBACK_WSI_CREATE:
        socket->connected = true;
        return 0;
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return append(socket, wsi, in, length);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        cc_socket_refused(socket, in ? in : "");
        return 0;
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
    case LWS_CALLBACK_WSI_DESTROY:
        /* All there is to hear where the connection is lost early. */
        if (!socket->dialing)
            cc_socket_refused(socket, "");
        return 0;
    default:
        return 0;
    }
}

/* -- A connection that is ours ----------------------------------------------
 */

static int writeable(struct cc_socket *socket, struct lws *wsi,
                     struct cc_transport *line)
{
    if (socket->ping_due && socket->state == CC_SOCKET_OPEN)
        cc_transport_control(line, wsi, CC_FRAME_IS_PING, "", 0);
    socket->ping_due = false;
    if (!cc_transport_flush(line, wsi)) {
        cc_socket_lost(socket);
        return -1;
    }
    if (!socket->full && line->tls)
        cc_socket_read(socket);
    return 0;
}

/* The server answers the goodbye, or goes: 0 as long as it does neither. */
static int wait_for_answer(struct cc_ws *ws, struct cc_transport *line)
{
    int given = cc_transport_read(line, ws->input, sizeof ws->input);
    const char *at = ws->input;
    size_t left = given > 0 ? (size_t)given : 0, used;
    enum cc_frame_kind kind = CC_FRAME_MORE;

    if (given < 0 || !line->goodbye)
        return -1;
    for (; left && kind != CC_FRAME_WRONG; at += used, left -= used) {
        kind = cc_frames_take(&line->frames, at, left, &used);
        if (kind == CC_FRAME_CLOSE)
            return -1;
    }
    return 0;
}

/* One that nobody wants says goodbye, and waits for the answer: if it went at
 * once, with bytes unread, the goodbye might get lost. */
static int without_socket(struct cc_ws *ws, struct cc_transport *line,
                          struct lws *wsi, enum lws_callback_reasons reason)
{
    unsigned char code[2];

    if (reason == LWS_CALLBACK_RAW_RX_FILE)
        return wait_for_answer(ws, line);
    if (!line->goodbye)
        return -1;
    code[0] = (unsigned char)(line->goodbye >> 8);
    code[1] = (unsigned char)line->goodbye;
    if (!line->said && !cc_transport_control(line, wsi, CC_FRAME_IS_CLOSE, code,
                                             line->goodbye == 1005 ? 0 : 2))
        return -1;
    line->said = true;
    return cc_transport_flush(line, wsi) ? 0 : -1;
}

/* It is closed. */
static void closed(struct cc_ws *ws, struct cc_transport *line, struct lws *wsi)
{
    struct cc_socket *socket = lws_get_opaque_user_data(wsi);

    lws_set_opaque_user_data(wsi, NULL);
    if (socket) {
        socket->wsi = NULL;
        cc_socket_lost(socket);
    }
    cc_transport_end(line);
    if (!line->established)
        return;
    line->established = false;
    ws->established--;
    if (ws->leaving && !ws->established)
        cc_ws_context_leave(ws);
}

static int on_line(struct cc_ws *ws, struct cc_transport *line, struct lws *wsi,
                   enum lws_callback_reasons reason)
{
    struct cc_socket *socket = lws_get_opaque_user_data(wsi);

    if (reason == LWS_CALLBACK_RAW_CLOSE_FILE) {
        closed(ws, line, wsi);
        return 0;
    }
    if (!socket)
        return without_socket(ws, line, wsi, reason);
    if (reason == LWS_CALLBACK_RAW_WRITEABLE_FILE)
        return writeable(socket, wsi, line);
    if (!socket->full)
        cc_socket_read(socket);
    return 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason,
                    void *user, void *in, size_t length)
{
    struct cc_ws *ws = lws_context_user(lws_get_context(wsi));
    struct cc_socket *socket;

    switch (reason) {
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        if (!ws->leaving && !cc_ws_serve(ws))
            cc_ws_context_leave(ws);
        return 0;
    case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
        socket = lws_get_opaque_user_data(wsi);
        if (socket && !length)
            socket->distrust = X509_STORE_CTX_get_error(user);
        return 0;
    case LWS_CALLBACK_RAW_RX_FILE:
    case LWS_CALLBACK_RAW_WRITEABLE_FILE:
    case LWS_CALLBACK_RAW_CLOSE_FILE:
        return user ? on_line(ws, user, wsi, reason) : 0;
    case LWS_CALLBACK_WSI_CREATE:
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
    case LWS_CALLBACK_WSI_DESTROY:
        socket = lws_get_opaque_user_data(wsi);
        if (socket)
            return for_socket(socket, wsi, reason, in, length);
        /* Nobody wants it. */
        return reason == LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER ? -1 : 0;
    default:
        return 0;
    }
}

const struct lws_protocols cc_ws_protocols[] = {
    {.name = "ccaas",
     .callback = on_event,
     .per_session_data_size = sizeof(struct cc_transport)},
    {.name = NULL},
};
