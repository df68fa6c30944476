/* After messages: their readers are woken, once for many, and the engine rests
 * if there is little to do.  On the engine's thread. */
#include <math.h>
#include <poll.h>

#include "clock.h"
#include "socket.h"

/* The sinks of a turn that takes longer are flushed in between. */
#define TURN_SECONDS 0.004

/* Messages for which the clock is looked at once, within a turn. */
#define CLOCK_USES 16

double cc_ws_clock(struct cc_ws *ws)
{
    if (ws->clock_uses++ % CLOCK_USES == 0)
        ws->clock = cc_clock_now();
    return ws->clock;
}

void cc_ws_gave(struct cc_socket *socket, double now)
{
    struct cc_ws *ws = socket->ws;

    if (socket->given_link)
        return;
    if (!ws->gave)
        ws->gave_at = now;
    socket->next_given = NULL;
    socket->given_link = ws->gave_end;
    *ws->gave_end = socket;
    ws->gave_end = &socket->next_given;
    if (now - ws->gave_at >= TURN_SECONDS)
        cc_ws_flush(ws);
}

void cc_ws_gave_forget(struct cc_socket *socket)
{
    if (!socket->given_link)
        return;
    *socket->given_link = socket->next_given;
    if (socket->next_given)
        socket->next_given->given_link = socket->given_link;
    else
        socket->ws->gave_end = socket->given_link;
    socket->given_link = NULL;
}

void cc_ws_flush(struct cc_ws *ws)
{
    struct cc_socket *socket;

    while ((socket = ws->gave)) {
        cc_ws_gave_forget(socket);
        if (socket->sink.flush)
            socket->sink.flush(socket->sink.self);
    }
}

void cc_ws_rest(struct cc_ws *ws)
{
    struct pollfd waker = {.fd = ws->waker, .events = POLLIN};
    size_t bytes = ws->came;
    double seconds;

    ws->came = 0;
    ws->clock_uses = 0;
    if (!bytes || !ws->has_loop || ws->waker < 0)
        return;
    seconds = cc_coalescing_pause(&ws->coalescing, cc_clock_now(),
                                  ws->established, bytes);
    /* Whoever wants something of the engine wakes it by this. */
    if (seconds > 0)
        poll(&waker, 1, (int)ceil(seconds * 1000));
}
