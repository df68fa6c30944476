/*
 * listen.c: where a sandbox listens.  The socket is ours and not
 * libwebsockets': with IPv6, that one listens on all addresses of the machine
 * whatever `iface` says, and no program that the host starts is to inherit it.
 * Opened on the owner's thread; from then on it is libwebsockets' to close, and
 * used on the server's thread.
 */
#include "sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096
/* Connections that are accepted before others of the loop have their turn. */
#define AT_ONCE 64
/* Without a descriptor for a connection, it waits in the backlog for so long,
 * instead of keeping the loop busy. */
#define WAIT_USECS 20000

/* The address's size; 0: it is none. */
static socklen_t parse(const char *text, int port,
                       struct sockaddr_storage *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        return sizeof *v4;
    }
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
        return 0;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    return sizeof *v6;
}

static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

/* A socket that listens there; -1 with errno. */
static int open_listener(const char *text, int port)
{
    struct sockaddr_storage address;
    socklen_t size = parse(text, port, &address);
    int yes = 1, fd = -1;
    errno = EAFNOSUPPORT;
    if (size)
        fd = socket(address.ss_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&address, size) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    int problem = errno;
    close(fd);
    errno = problem;
    return -1;
}

/* Gives a connection to libwebsockets, which closes it where it cannot have
 * it. */
static void adopt(struct lws *listener, int fd)
{
    lws_sock_file_fd_type connection;
    int yes = 1;
    memset(&connection, 0, sizeof connection);
    connection.sockfd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    lws_adopt_descriptor_vhost(lws_get_vhost(listener),
                               LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL,
                               connection, cc_sandbox_protocols[0].name, NULL);
}

static void accept_some(struct lws *listener)
{
    int from = lws_get_socket_fd(listener);
    for (int i = 0; i < AT_ONCE; i++) {
        int fd = accept4(from, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            adopt(listener, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
                   errno == ENOMEM) {
            lws_rx_flow_control(listener, 0);
            lws_set_timer_usecs(listener, WAIT_USECS);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

int cc_sandbox_listener_event(struct lws *wsi, enum lws_callback_reasons reason,
                              void *session, void *in, size_t size)
{
    (void)session;
    (void)in;
    (void)size;
    if (reason == LWS_CALLBACK_RAW_RX_FILE)
        accept_some(wsi);
    else if (reason == LWS_CALLBACK_TIMER)
        lws_rx_flow_control(wsi, 1);
    return 0;
}

int cc_sandbox_listen(struct lws_vhost *vhost, const char *address, int port)
{
    lws_sock_file_fd_type listener;
    memset(&listener, 0, sizeof listener);
    listener.filefd = open_listener(address, port);
    if (listener.filefd < 0)
        return 0;
    port = port_of(listener.filefd);
    if (lws_adopt_descriptor_vhost(
            vhost, LWS_ADOPT_RAW_FILE_DESC, listener,
            cc_sandbox_protocols[CC_SANDBOX_LISTENER].name, NULL))
        return port;
    /* Memory was out before it had the descriptor. */
    close(listener.filefd);
    errno = ENOMEM;
    return 0;
}
