/* Takes a connection over from libwebsockets, once the request is sent.
 *
 * libwebsockets connects, through a proxy or not, and sees to TLS.  The answer
 * and the frames are ours to read: its own parser knows no 1xx, takes 16 KiB of
 * headers, hides closing codes, and tells what breaks the protocol as a
 * connection that was lost.
 *
 * It has no call that gives a connection away.  So the descriptor is doubled
 * and the TLS state held; then libwebsockets closes what it has, without a word
 * to the server, and afterwards gets the other descriptor as a plain file, of
 * which it only says when it can be read or written.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "socket.h"

/* What libwebsockets has noted down with a TLS state: its own connection, which
 * goes. */
#define EX_DATA_MOST 32

static void forget_connection(SSL *tls, const struct lws *wsi)
{
    int i;

    SSL_CTX_sess_set_new_cb(SSL_get_SSL_CTX(tls), NULL);
    for (i = 0; i < EX_DATA_MOST; i++)
        if (SSL_get_ex_data(tls, i) == wsi)
            SSL_set_ex_data(tls, i, NULL);
}

void cc_take_begin(struct cc_socket *socket)
{
    struct lws *wsi = socket->wsi;
    SSL *tls = lws_get_ssl(wsi);
    int fd = fcntl(lws_get_socket_fd(wsi), F_DUPFD_CLOEXEC, 3);

    if (fd < 0) {
        cc_socket_finish_as(socket, CCAAS_IO, true, LWS_CLOSE_STATUS_GOINGAWAY,
                            "no descriptor is left: raise the limit (ulimit "
                            "-n)");
        return;
    }
    if (tls) {
        SSL_up_ref(tls);
        SSL_set_quiet_shutdown(tls, 1);
        forget_connection(tls, wsi);
    }
    socket->taking = true;
    socket->taken_fd = fd;
    socket->taken_tls = tls;
    lws_set_timeout(wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
}

void cc_take_forget(struct cc_socket *socket)
{
    if (!socket->taking)
        return;
    socket->taking = false;
    close(socket->taken_fd);
    SSL_free(socket->taken_tls);
    socket->taken_tls = NULL;
}

void cc_take_finish(struct cc_socket *socket)
{
    lws_sock_file_fd_type fd = {.filefd = socket->taken_fd};
    SSL *tls = socket->taken_tls;
    struct cc_transport *line;
    struct lws *wsi;

    socket->wsi = NULL;
    if (tls) {
        SSL_set_shutdown(tls, 0);
        SSL_set_quiet_shutdown(tls, 0);
    }
    if (tls && SSL_set_fd(tls, socket->taken_fd) != 1)
        wsi = NULL;
    else
        wsi = lws_adopt_descriptor_vhost(socket->route->vhost,
                                         LWS_ADOPT_RAW_FILE_DESC, fd,
                                         cc_ws_protocols[0].name, NULL);
    if (!wsi) {
        cc_take_forget(socket);
        cc_socket_finish_as(socket, CCAAS_MEMORY, false, 0, "out of memory");
        return;
    }
    line = lws_wsi_user(wsi);
    line->fd = socket->taken_fd;
    line->tls = tls;
    socket->taking = false;
    socket->taken_tls = NULL;
    socket->wsi = wsi;
    socket->taken = true;
    lws_set_opaque_user_data(wsi, socket);
    lws_callback_on_writable(wsi); /* there may be something to read already */
}
