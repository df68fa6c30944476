/* Whose turn it is to connect: so many at a time.  libwebsockets holds a large
 * buffer for each handshake, and a server is not to be stormed by a thousand of
 * them.  On the engine's thread. */
#include "clock.h"
#include "socket.h"

/* A handshake that takes longer, in seconds, keeps nobody waiting any more:
 * a server that hangs is not to hold up the others. */
#define HELD 0.5

void cc_turn_wait(struct cc_socket *socket)
{
    struct cc_ws *ws = socket->ws;

    socket->state = CC_SOCKET_WAITING;
    socket->next = NULL;
    socket->link = ws->waiting_end;
    *ws->waiting_end = socket;
    ws->waiting_end = &socket->next;
}

void cc_turn_unlink(struct cc_socket *socket)
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

void cc_turn_over(struct cc_socket *socket)
{
    if (socket->has_turn)
        socket->ws->turns--;
    socket->has_turn = false;
}

void cc_turn_watch(struct cc_socket *socket, double now)
{
    if (now - socket->began >= HELD)
        cc_turn_over(socket);
}

bool cc_turn_due(const struct cc_ws *ws)
{
    return ws->waiting && ws->turns < CC_WS_HANDSHAKES;
}

void cc_turn_next(struct cc_ws *ws)
{
    struct cc_socket *socket;

    while (cc_turn_due(ws)) {
        socket = ws->waiting;
        cc_turn_unlink(socket);
        socket->has_turn = true;
        ws->turns++;
        cc_socket_begin(socket);
    }
    if (ws->waiting)
        cc_ws_watch_at(ws, cc_clock_now() + HELD);
}
