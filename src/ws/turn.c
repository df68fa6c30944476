/* Whose turn it is to connect: so many at a time.  libwebsockets holds a large
 * buffer for each handshake, and a server is not to be stormed by a thousand of
 * them.  On the engine's thread. */
#include "clock.h"
#include "socket.h"

/* A handshake that takes longer, in seconds, keeps nobody waiting any more:
 * a server that hangs is not to hold up the others. */
#define HELD 0.5

void ccaas_turn_wait(struct ccaas_socket *socket)
{
    struct ccaas_ws *ws = socket->ws;

    socket->state = CCAAS_SOCKET_WAITING;
    socket->next = NULL;
    socket->link = ws->waiting_end;
    *ws->waiting_end = socket;
    ws->waiting_end = &socket->next;
}

void ccaas_turn_unlink(struct ccaas_socket *socket)
{
    struct ccaas_ws *ws = socket->ws;

    if (!socket->link)
        return;
    *socket->link = socket->next;
    if (socket->next)
        socket->next->link = socket->link;
    else if (ws->waiting_end == &socket->next)
        ws->waiting_end = socket->link;
    socket->link = NULL;
}

void ccaas_turn_over(struct ccaas_socket *socket)
{
    if (socket->has_turn)
        socket->ws->turns--;
    socket->has_turn = false;
}

void ccaas_turn_watch(struct ccaas_socket *socket, double now)
{
    if (now - socket->began >= HELD)
        ccaas_turn_over(socket);
}

bool ccaas_turn_due(const struct ccaas_ws *ws)
{
    return ws->waiting && ws->turns < CCAAS_WS_HANDSHAKES;
}

void ccaas_turn_next(struct ccaas_ws *ws)
{
    struct ccaas_socket *socket;

    while (ccaas_turn_due(ws)) {
        socket = ws->waiting;
        ccaas_turn_unlink(socket);
        socket->has_turn = true;
        ws->turns++;
        ccaas_socket_begin(socket);
    }
    if (ws->waiting)
        ccaas_ws_watch_at(ws, ccaas_clock_now() + HELD);
}
