/* Whose turn it is to connect: so many at a time.  libwebsockets holds a large
 * buffer for each handshake, and a server is not to be stormed by a thousand of
 * them.  On the engine's thread. */
#include "clock.h"
#include "socket.h"

/* A handshake that takes longer, in seconds, keeps nobody waiting any more:
 * a server that hangs is not to hold up the others. */
#define HELD 0.5

void cc_connect_queue_add(struct cc_socket *socket)
{
    struct cc_ws *ws = socket->ws;

    socket->state = CC_SOCKET_WAITING;
    socket->next = NULL;
    socket->link = ws->waiting_end;
    *ws->waiting_end = socket;
    ws->waiting_end = &socket->next;
}

void cc_connect_queue_remove(struct cc_socket *socket)
{
    struct cc_ws *ws = socket->ws;

    if (!socket->link)
        return;
    *socket->link = socket->next;
    if (socket->next)
        socket->next->link = socket->link;
    else if (ws->waiting_end == &socket->next)
        ws->waiting_end = socket->link;
    socket->link = NULL;
}

void cc_connect_queue_leave(struct cc_socket *socket)
{
    if (socket->connecting)
        socket->ws->connecting--;
    socket->connecting = false;
}

void cc_connect_queue_watch(struct cc_socket *socket, double now)
{
    if (now - socket->began >= HELD)
        cc_connect_queue_leave(socket);
}

bool cc_connect_queue_due(const struct cc_ws *ws)
{
    return ws->waiting && ws->connecting < CC_WS_HANDSHAKES;
}

void cc_connect_queue_next(struct cc_ws *ws)
{
    struct cc_socket *socket;

    while (cc_connect_queue_due(ws)) {
        socket = ws->waiting;
        cc_connect_queue_remove(socket);
        socket->connecting = true;
        ws->connecting++;
        cc_socket_begin(socket);
    }
    if (ws->waiting)
        cc_ws_watch_at(ws, cc_clock_now() + HELD);
}
