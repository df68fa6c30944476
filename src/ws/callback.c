/* What libwebsockets calls, on the engine's thread.  A connection without a
 * socket is one that nobody wants any more: it says goodbye and goes. */
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "socket.h"
#include "utf8.h"

/* Bytes that are read at once; what is larger comes in pieces.  libwebsockets
 * has a buffer of that size for each connection: a few have a wide one, and all
 * with TLS, for a whole record is to fit in.  When a sink is full,
 * libwebsockets puts aside what it has read, and would do that again and again,
 * and nothing else, while the TLS library has more of the record. */
#ifdef CCAAS_TINY
#define PIECE 128
#else
#define PIECE (2 * 1024)
#endif
#define PIECE_WIDE (16 * 1024)
_Static_assert(PIECE_WIDE >= SSL3_RT_MAX_PLAIN_LENGTH &&
                   PIECE_WIDE + LWS_PRE <= CCAAS_WS_SEND_BUFFER,
               "a whole TLS record is read at once");

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
static int append(struct ccaas_socket *socket, char **end, size_t room)
{
    /* libwebsockets keeps 12 bytes back. */
    char *buffer = *end + room + 12 - CCAAS_WS_SEND_BUFFER;
    size_t more = strlen(socket->address.path);

    if (more + socket->headers.length > room ||
        !write_path(buffer, end, socket->address.path, room))
        return -1;
    if (socket->headers.length)
        memcpy(*end, socket->headers.bytes, socket->headers.length);
    *end += socket->headers.length;
    socket->asked = true;
    return 0;
}

/* Keeps a header of the answer, the first one of that name. */
static void keep(struct ccaas_socket *socket, struct lws *wsi,
                 enum lws_token_indexes token, const char *name)
{
    size_t used = socket->answer_length, after = used + strlen(name) + 1;
    int length = -1;

    if (after < sizeof socket->answer)
        length = lws_hdr_copy_fragment(wsi, socket->answer + after,
                                       (int)(sizeof socket->answer - after),
                                       token, 0);
    if (length <= 0)
        return;
    strcpy(socket->answer + used, name);
    socket->answer_length = after + (size_t)length + 1;
}

/* The server's answer to the handshake, before it is judged. */
static void take_answer(struct ccaas_socket *socket, struct lws *wsi)
{
    socket->status = (int)lws_http_client_http_response(wsi);
    socket->answer_length = 0;
    keep(socket, wsi, WSI_TOKEN_HTTP_RETRY_AFTER, "retry-after");
    keep(socket, wsi, WSI_TOKEN_HTTP_DATE, "date");
}

static void opened(struct ccaas_socket *socket)
{
    socket->state = CCAAS_SOCKET_OPEN;
    ccaas_turn_over(socket);
    free(socket->names);
    socket->names = NULL;
    socket->heard = socket->received = ccaas_clock_now();
    socket->pinged = 0;
    ccaas_ws_watch_at(socket->ws, socket->heard + socket->silence / 3);
    socket->sink.opened(socket->sink.self);
}

/* A whole message. */
static void give(struct ccaas_socket *socket, const char *bytes, size_t length,
                 bool binary)
{
    if (!binary && !ccaas_utf8_valid(bytes, length)) {
        ccaas_socket_finish_as(socket, CCAAS_PROTOCOL, false,
                               LWS_CLOSE_STATUS_INVALID_PAYLOAD,
                               "a text message is not UTF-8");
        return;
    }
    socket->gave = true;
    if (socket->sink.message(socket->sink.self, bytes, length, binary) ==
        CCAAS_WS_FULL) {
        ccaas_socket_pause(socket);
    } else {
        ccaas_ws_gave(socket, socket->received);
    }
}

static void too_large(struct ccaas_socket *socket)
{
    char message[96];

    snprintf(message, sizeof message, "a message is larger than %zu bytes",
             socket->max_message);
    ccaas_socket_finish_as(socket, CCAAS_TOO_LARGE, false,
                           LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, message);
}

/* A message, or a piece of one. */
static void receive(struct ccaas_socket *socket, struct lws *wsi,
                    const char *bytes, size_t length)
{
    struct ccaas_buffer *message = &socket->message;
    bool first = !socket->within, last = lws_is_final_fragment(wsi);

    socket->heard = socket->received = ccaas_ws_clock(socket->ws);
    if (message->length + length + lws_remaining_packet_payload(wsi) >
        socket->max_message) {
        too_large(socket);
        return;
    }
    socket->ws->came += length + 1;
    socket->since += length;
    if (first)
        socket->binary = lws_frame_is_binary(wsi);
    socket->within = !last;
    if (first && last) {
        give(socket, bytes, length, socket->binary);
        return;
    }
    if (!ccaas_buffer_add(message, bytes, length)) {
        ccaas_socket_finish_as(socket, CCAAS_MEMORY, false,
                               LWS_CLOSE_STATUS_UNEXPECTED_CONDITION,
                               "out of memory");
        return;
    }
    if (!last)
        return;
    ccaas_socket_hold(socket); /* it may end by what it is given */
    give(socket, message->bytes ? message->bytes : "", message->length,
         socket->binary);
    if (message->room > CCAAS_WS_KEPT)
        ccaas_buffer_free(message);
    message->length = 0;
    ccaas_ws_release(socket);
}

/* The server closes; libwebsockets answers it. */
static void closed_by_peer(struct ccaas_socket *socket, const char *payload,
                           size_t length)
{
    struct ccaas_ws_end end = {.code = CCAAS_OK, .close_code = 1005};
    size_t i, used = 0;
    unsigned char c;
    bool utf8;

    if (length >= 2) {
        end.close_code =
            (unsigned char)payload[0] << 8 | (unsigned char)payload[1];
        utf8 = ccaas_utf8_valid(payload + 2, length - 2);
        for (i = 2; i < length && used + 1 < sizeof end.close_reason; i++) {
            c = (unsigned char)payload[i];
            end.close_reason[used++] =
                c < ' ' || c == 0x7f || (c > 0x7f && !utf8) ? '?' : payload[i];
        }
    }
    ccaas_socket_finish(socket, &end, 0);
}

static void ping(struct ccaas_socket *socket, struct lws *wsi)
{
    unsigned char frame[LWS_PRE + 1];

    if (!socket->ping_due)
        return;
    socket->ping_due = false;
    lws_write(wsi, frame + LWS_PRE, 0, LWS_WRITE_PING);
}

/* What concerns a connection that a socket has. */
static int for_socket(struct ccaas_socket *socket, struct lws *wsi,
                      enum lws_callback_reasons reason, void *in, size_t length)
{
    switch (reason) {
    case LWS_CALLBACK_WSI_CREATE:
        socket->connected = true;
        return 0;
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return append(socket, in, length);
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
        take_answer(socket, wsi);
        return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        opened(socket);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        receive(socket, wsi, in, length);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        socket->heard = socket->received = ccaas_clock_now();
        return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        ping(socket, wsi);
        return 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        closed_by_peer(socket, in, length);
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        ccaas_socket_refused(socket, in ? in : "");
        return 0;
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
    case LWS_CALLBACK_WSI_DESTROY:
        /* All there is to hear where the connection is lost before the answer
         * to the handshake. */
        if (!socket->dialing)
            ccaas_socket_refused(socket, "");
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        ccaas_socket_finish_as(socket, CCAAS_NETWORK, true, 0,
                               "the connection was lost");
        return 0;
    default:
        return 0;
    }
}

/* A whole frame, which libwebsockets sends as it is: it has no call for one
 * that closes. */
static void write_goodbye(unsigned char frame[8], int code)
{
    frame[0] = 0x88; /* the last one, closing */
    frame[1] = 0x82; /* masked, two bytes */
    ccaas_random_bytes(frame + 2, 4);
    frame[6] = (unsigned char)(frame[2] ^ (code >> 8));
    frame[7] = (unsigned char)(frame[3] ^ code);
}

/* A connection that nobody wants says goodbye, and waits for the answer: if it
 * went at once, with bytes unread, the goodbye might get lost.  libwebsockets'
 * own way does not work on a libuv loop. */
static int without_socket(struct ccaas_ws_line *line, struct lws *wsi,
                          enum lws_callback_reasons reason)
{
    unsigned char frame[LWS_PRE + 8] = {0}, *at = frame + LWS_PRE;

    switch (reason) {
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        if (!line || line->said || !line->goodbye)
            return 0;
        line->said = true;
        write_goodbye(at, line->goodbye);
        return lws_write(wsi, at, 8, LWS_WRITE_HTTP) < 0 ? -1 : 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        return 0;
    default:
        return -1;
    }
}

/* Counts those whose goodbye may be waited for. */
static void count(struct ccaas_ws *ws, struct ccaas_ws_line *line,
                  enum lws_callback_reasons reason)
{
    if (!line)
        return;
    if (reason == LWS_CALLBACK_CLIENT_ESTABLISHED) {
        line->established = true;
        ws->established++;
    } else if (reason == LWS_CALLBACK_CLIENT_CLOSED && line->established) {
        ws->established--;
        if (ws->leaving && !ws->established)
            ccaas_ws_context_leave(ws);
    }
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason,
                    void *user, void *in, size_t length)
{
    struct ccaas_ws *ws = lws_context_user(lws_get_context(wsi));
    struct ccaas_socket *socket;

    switch (reason) {
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        if (!ws->leaving && !ccaas_ws_serve(ws))
            ccaas_ws_context_leave(ws);
        return 0;
    case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
        socket = lws_get_opaque_user_data(wsi);
        if (socket && !length)
            socket->distrust = X509_STORE_CTX_get_error(user);
        return 0;
    case LWS_CALLBACK_WSI_CREATE:
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_CLOSED:
        break;
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
    case LWS_CALLBACK_WSI_DESTROY:
        socket = lws_get_opaque_user_data(wsi);
        return socket ? for_socket(socket, wsi, reason, in, length) : 0;
    default:
        return 0;
    }
    count(ws, user, reason);
    socket = lws_get_opaque_user_data(wsi);
    if (!socket)
        return without_socket(user, wsi, reason);
    return for_socket(socket, wsi, reason, in, length);
}

const struct lws_protocols ccaas_ws_protocols[] = {
    {.name = "ccaas",
     .callback = on_event,
     .per_session_data_size = sizeof(struct ccaas_ws_line),
     .rx_buffer_size = PIECE},
    {.name = "ccaas-wide",
     .callback = on_event,
     .per_session_data_size = sizeof(struct ccaas_ws_line),
     .rx_buffer_size = PIECE_WIDE},
    {.name = NULL},
};
