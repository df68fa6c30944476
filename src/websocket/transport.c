/* A connection's bytes: see transport.h. */
#include "transport.h"

#include <errno.h>
#include <libwebsockets.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include "clock.h"

/* A server that sends pings and reads no answers does not fill our memory. */
#define OUT_MOST (16 * 1024)

/* What a call of the TLS library that gave no bytes means: 0 or -1. */
static int judge_tls(struct cc_transport *line, int given)
{
    int error = SSL_get_error(line->tls, given);

    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return 0;
    line->broken = true;
    return -1;
}

static int judge_socket(struct cc_transport *line, ssize_t given)
{
    if (given < 0 &&
        (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return 0;
    line->broken = true;
    return -1;
}

int cc_transport_read(struct cc_transport *line, char *bytes, size_t room)
{
    ssize_t given;

    if (line->tls) {
        ERR_clear_error();
        given = SSL_read(line->tls, bytes, (int)room);
        return given > 0 ? (int)given : judge_tls(line, (int)given);
    }
    given = recv(line->fd, bytes, room, 0);
    return given > 0 ? (int)given : judge_socket(line, given);
}

bool cc_transport_pending(const struct cc_transport *line)
{
    return line->tls && SSL_pending(line->tls) > 0;
}

bool cc_transport_control(struct cc_transport *line, struct lws *wsi,
                          int opcode, const void *payload, size_t length)
{
    unsigned char frame[CC_FRAME_CONTROL + 6], key[4];

    if (line->out.length > OUT_MOST)
        return true;
    cc_random_bytes(key, sizeof key);
    length = cc_frame_write(frame, opcode, payload, length, key);
    if (!cc_buffer_add(&line->out, frame, length))
        return false;
    lws_callback_on_writable(wsi);
    return true;
}

bool cc_transport_flush(struct cc_transport *line, struct lws *wsi)
{
    const char *from;
    ssize_t given;
    size_t left;
    int judged;

    while (line->sent < line->out.length) {
        from = line->out.bytes + line->sent;
        left = line->out.length - line->sent;
        if (line->tls) {
            ERR_clear_error();
            given = SSL_write(line->tls, from, (int)left);
            judged = given > 0 ? 1 : judge_tls(line, (int)given);
        } else {
            given = send(line->fd, from, left, MSG_NOSIGNAL);
            judged = given > 0 ? 1 : judge_socket(line, given);
        }
        if (judged < 0)
            return false;
        if (!judged) {
            lws_callback_on_writable(wsi);
            return true;
        }
        line->sent += (size_t)given;
    }
    cc_buffer_free(&line->out);
    line->sent = 0;
    return true;
}

void cc_transport_end(struct cc_transport *line)
{
    if (line->tls && !line->broken) {
        ERR_clear_error();
        SSL_shutdown(line->tls);
    }
    SSL_free(line->tls);
    line->tls = NULL;
    cc_buffer_free(&line->out);
}
