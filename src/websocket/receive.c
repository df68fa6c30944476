/* What a server sends: the answer to the handshake, then frames.  On the
 * engine's thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "socket.h"
#include "text.h"
#include "utf8.h"

/* Readings of one connection, before others have a turn. */
#define READINGS 4

static struct cc_transport *line_of(const struct cc_socket *socket)
{
    return lws_wsi_user(socket->wsi);
}

/* -- The answer to the handshake ------------------------------------------- */

static void opened(struct cc_socket *socket)
{
    line_of(socket)->established = true;
    socket->ws->established++;
    socket->state = CC_SOCKET_OPEN;
    cc_connect_queue_leave(socket);
    cc_head_free(&socket->head);
    free(socket->names);
    socket->names = NULL;
    socket->heard = socket->received = cc_clock_now();
    socket->pinged = 0;
    cc_ws_watch_at(socket->ws, socket->heard + socket->silence / 3);
    socket->sink.opened(socket->sink.self);
}

/* The answer is whole. */
static void take_answer(struct cc_socket *socket)
{
    const struct cc_head *head = &socket->head;
    char message[160];

    socket->status = head->status;
    memcpy(socket->answer, head->kept, sizeof head->kept);
    socket->answer_length = head->kept_length;
    if (head->status != 101) {
        cc_socket_refused(socket, "");
    } else if (head->wrong) {
        snprintf(message, sizeof message,
                 "the server's answer to the handshake does not open a "
                 "websocket: %s",
                 head->wrong);
        cc_socket_finish_as(socket, CCAAS_PROTOCOL, false, 0, message);
    } else {
        opened(socket);
    }
}

/* Bytes of the answer; says how many were. */
static size_t take_head(struct cc_socket *socket, const char *bytes,
                        size_t length)
{
    char message[96];
    size_t used = 0;

    switch (cc_head_take(&socket->head, bytes, length, &used)) {
    case CC_HEAD_MORE:
        break;
    case CC_HEAD_WHOLE:
        take_answer(socket);
        break;
    case CC_HEAD_NO_HTTP:
        cc_socket_finish_as(
            socket, CCAAS_PROTOCOL, false, 0,
            "the server's answer to the handshake is not HTTP/1");
        break;
    case CC_HEAD_TOO_LARGE:
        snprintf(message, sizeof message,
                 "the answer's headers are larger than %d bytes", CC_HEAD_MOST);
        cc_socket_finish_as(socket, CCAAS_TOO_LARGE, false, 0, message);
        break;
    case CC_HEAD_NO_MEMORY:
        cc_socket_finish_as(socket, CCAAS_MEMORY, false, 0, "out of memory");
        break;
    }
    return used;
}

/* -- Frames -----------------------------------------------------------------
 */

/* A whole message. */
static void give(struct cc_socket *socket, const char *bytes, size_t length,
                 bool binary)
{
    if (!binary && !cc_utf8_valid(bytes, length)) {
        cc_socket_finish_as(socket, CCAAS_PROTOCOL, false,
                            LWS_CLOSE_STATUS_INVALID_PAYLOAD,
                            "a text message is not UTF-8");
        return;
    }
    socket->gave = true;
    if (socket->sink.message(socket->sink.self, bytes, length, binary) ==
        CC_WS_FULL) {
        cc_socket_pause(socket);
    } else {
        cc_ws_gave(socket, socket->received);
    }
}

/* A frame of a message begins. */
static void begin_frame(struct cc_socket *socket)
{
    char message[96];

    if (line_of(socket)->frames.left + socket->message.length <=
        socket->max_message)
        return;
    snprintf(message, sizeof message, "a message is larger than %zu bytes",
             socket->max_message);
    cc_socket_finish_as(socket, CCAAS_TOO_LARGE, false,
                        LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, message);
}

/* A piece of a message, or all of it. */
static void take_data(struct cc_socket *socket)
{
    const struct cc_frames *frames = &line_of(socket)->frames;
    struct cc_buffer *message = &socket->message;
    bool is_first = !socket->within;

    socket->ws->came += frames->length + 1;
    socket->since += frames->length;
    socket->within = !frames->ends;
    if (is_first && frames->ends) {
        give(socket, frames->bytes, frames->length, frames->binary);
        return;
    }
    if (!cc_buffer_add(message, frames->bytes, frames->length)) {
        cc_socket_finish_as(socket, CCAAS_MEMORY, false,
                            LWS_CLOSE_STATUS_UNEXPECTED_CONDITION,
                            "out of memory");
        return;
    }
    if (!frames->ends)
        return;
    give(socket, message->bytes ? message->bytes : "", message->length,
         frames->binary);
    if (message->room > CC_WS_KEPT)
        cc_buffer_free(message);
    message->length = 0;
}

/* May an endpoint send that closing code? */
static bool is_code(int code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 &&
            code != 1006) ||
           (code >= 3000 && code < 5000);
}

#define CLOSE_MOST 125 /* bytes of a control frame's payload */

/* The server closes: it is answered. */
static void closed_by_peer(struct cc_socket *socket,
                           const unsigned char *payload, size_t length)
{
    struct cc_ws_end end = {.code = CCAAS_OK, .close_code = 1005};
    int answer = 1005;
    bool utf8;

    if (length >= 2) {
        end.close_code = payload[0] << 8 | payload[1];
        utf8 = cc_utf8_valid((const char *)payload + 2, length - 2);
        cc_text_show(end.close_reason, sizeof end.close_reason,
                     (const char *)payload + 2, length - 2);
        end.close_cut = length >= CLOSE_MOST - 3;
        answer = is_code(end.close_code) && utf8 ? end.close_code : 1002;
    }
    cc_socket_finish(socket, &end, answer);
}

static void take_frame(struct cc_socket *socket, const char *bytes,
                       size_t length, size_t *used)
{
    struct cc_transport *line = line_of(socket);
    struct cc_frames *frames = &line->frames;
    char message[160];

    switch (cc_frames_take(frames, bytes, length, used)) {
    case CC_FRAME_MORE:
        break;
    case CC_FRAME_BEGINS:
        begin_frame(socket);
        break;
    case CC_FRAME_DATA:
        take_data(socket);
        break;
    case CC_FRAME_PING:
        cc_transport_control(line, socket->wsi, CC_FRAME_IS_PONG,
                             frames->control, frames->control_length);
        break;
    case CC_FRAME_PONG:
        break;
    case CC_FRAME_CLOSE:
        closed_by_peer(socket, frames->control, frames->control_length);
        break;
    case CC_FRAME_WRONG:
        snprintf(message, sizeof message,
                 "the server breaks the websocket's protocol: %s",
                 frames->wrong);
        cc_socket_finish_as(socket, CCAAS_PROTOCOL, false,
                            LWS_CLOSE_STATUS_PROTOCOL_ERR, message);
        break;
    }
}

void cc_socket_feed(struct cc_socket *socket, const char *bytes, size_t length)
{
    size_t used;

    cc_socket_hold(socket); /* it may end by what it is given */
    if (socket->state == CC_SOCKET_OPEN)
        socket->heard = socket->received = cc_ws_clock(socket->ws);
    while (length && socket->wsi && !socket->full) {
        if (socket->state == CC_SOCKET_OPEN)
            take_frame(socket, bytes, length, &used);
        else
            used = take_head(socket, bytes, length);
        bytes += used;
        length -= used;
    }
    if (length && socket->wsi && !cc_buffer_add(&socket->held, bytes, length))
        cc_socket_finish_as(socket, CCAAS_MEMORY, false,
                            LWS_CLOSE_STATUS_UNEXPECTED_CONDITION,
                            "out of memory");
    cc_ws_release(socket);
}

void cc_socket_feed_held(struct cc_socket *socket)
{
    struct cc_buffer held = socket->held;

    socket->held = (struct cc_buffer){NULL, 0, 0};
    if (held.length)
        cc_socket_feed(socket, held.bytes, held.length);
    cc_buffer_free(&held);
}

void cc_socket_lost(struct cc_socket *socket)
{
    if (socket->state == CC_SOCKET_OPEN)
        cc_socket_finish_as(socket, CCAAS_NETWORK, true, 0,
                            "the connection was lost");
    else
        cc_socket_refused(socket, "");
}

void cc_socket_read(struct cc_socket *socket)
{
    struct cc_ws *ws = socket->ws;
    struct cc_transport *line = line_of(socket);
    int given, readings = 0;
    bool is_more;

    cc_socket_hold(socket);
    do {
        given = cc_transport_read(line, ws->input, sizeof ws->input);
        if (given > 0)
            cc_socket_feed(socket, ws->input, (size_t)given);
        else if (given < 0)
            cc_socket_lost(socket);
        is_more = given > 0 && socket->wsi && !socket->full &&
                  (line->tls ? cc_transport_pending(line)
                             : (size_t)given == sizeof ws->input);
    } while (is_more && ++readings < READINGS);
    if (is_more && line->tls)
        lws_callback_on_writable(socket->wsi);
    cc_ws_release(socket);
}
