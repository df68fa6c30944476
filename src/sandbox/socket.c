/*
 * socket.c: one websocket, from its opening on: messages out as its reader
 * takes them, the client's frames in, and the ways in which it ends or is
 * silent on purpose.  Runs on the sandbox's thread.  It belongs to its
 * connection (conn.c), which tells what happens and frees it.
 */
#include "live.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* How long the answer to our close frame is waited for. */
#define CLOSE_USECS (2 * LWS_USEC_PER_SEC)

/* How many writes in a row before others have their turn. */
#define WRITES 16

static lws_usec_t usecs(double seconds)
{
    return (lws_usec_t)(seconds * 1e6);
}

/* --- what is due ---------------------------------------------------------- */

static lws_usec_t sooner(lws_usec_t a, lws_usec_t b)
{
    return !a || (b && b < a) ? b : a;
}

static lws_usec_t next_due(const struct cc_sandbox_socket *socket)
{
    return sooner(sooner(socket->pong_at, socket->ping_at),
                  sooner(socket->kill_at, socket->beat_at));
}

/* After what is due changed. */
static void arm(struct cc_sandbox_socket *socket)
{
    lws_usec_t at = next_due(socket);
    if (at && socket->wsi)
        cc_sandbox_live_wake(socket->live, at);
}

static bool is_due(lws_usec_t *at, lws_usec_t now)
{
    bool due = *at && *at <= now;
    if (due)
        *at = 0;
    return due;
}

/* --- writing -------------------------------------------------------------- */

static size_t waiting(const struct cc_sandbox_socket *socket)
{
    return socket->out.size - socket->out_from;
}

static void want_to_write(struct cc_sandbox_socket *socket)
{
    if (socket->wsi && (!socket->manners.mute || socket->head))
        lws_callback_on_writable(socket->wsi);
}

static bool append(struct cc_sandbox_socket *socket, const void *bytes,
                   size_t size)
{
    struct cc_sandbox_bytes *out = &socket->out;
    if (!size)
        return true;
    if (socket->out_from == out->size ||
        (socket->out_from > out->size / 2 && out->room - out->size < size)) {
        if (socket->out_from < out->size)
            memmove(out->at, out->at + socket->out_from, waiting(socket));
        out->size -= socket->out_from;
        socket->out_from = 0;
    }
    if (out->room - out->size < size) {
        size_t room = (out->size + size) * 2;
        char *at = realloc(out->at, room);
        if (!at)
            return false;
        out->at = at;
        out->room = room;
    }
    memcpy(out->at + out->size, bytes, size);
    out->size += size;
    return true;
}

bool cc_sandbox_socket_queue(struct cc_sandbox_socket *socket,
                             const void *bytes, size_t size)
{
    size_t before = waiting(socket);
    if (socket->closing)
        return false;
    /* A message that is larger than the buffer may go alone. */
    if ((before && before + size > socket->manners.buffer) ||
        !append(socket, bytes, size)) {
        cc_sandbox_socket_kill(socket, false);
        return false;
    }
    want_to_write(socket);
    return true;
}

static void queue_control(struct cc_sandbox_socket *socket, int opcode,
                          const void *payload, size_t size)
{
    unsigned char frame[CC_SANDBOX_FRAME_HEAD + CC_SANDBOX_CONTROL_SIZE];
    size_t room = cc_sandbox_frames_write(frame, opcode, payload, size, 1);
    cc_sandbox_socket_queue(socket, frame, room);
}

/* The bytes to write next, whole frames after one another. */
static const char *next_bytes(const struct cc_sandbox_socket *socket,
                              size_t *size)
{
    const struct cc_sandbox_flood *flood = socket->flood;
    *size = socket->manners.mute ? socket->head : waiting(socket);
    if (*size > CC_SANDBOX_WRITE_SIZE)
        *size = CC_SANDBOX_WRITE_SIZE;
    if (*size || !flood || socket->manners.mute)
        return socket->out.at + socket->out_from;
    size_t from = socket->flood_at ? flood->ends[socket->flood_at - 1] : 0;
    size_t last = flood->count;
    if (last - socket->flood_at > socket->flood_left)
        last = socket->flood_at + (size_t)socket->flood_left;
    *size = flood->ends[last - 1] - from;
    return flood->bytes + from;
}

static void drop_flood(struct cc_sandbox_socket *socket)
{
    struct cc_sandbox_flood *flood = socket->flood;
    socket->flood = NULL;
    if (flood && --flood->refs == 0)
        free(flood);
}

static void written(struct cc_sandbox_socket *socket, size_t size)
{
    struct cc_sandbox_flood *flood = socket->flood;
    if (waiting(socket)) {
        socket->out_from += size;
        socket->head -= size < socket->head ? size : socket->head;
        return;
    }
    size_t from = socket->flood_at ? flood->ends[socket->flood_at - 1] : 0;
    uint64_t count = 0;
    while (socket->flood_at < flood->count &&
           flood->ends[socket->flood_at] <= from + size) {
        socket->flood_at++;
        count++;
    }
    socket->flood_at %= flood->count;
    socket->flood_left -= count;
    socket->sent += count;
    flood->metric->sent += count;
    if (!socket->flood_left)
        drop_flood(socket);
}

int cc_sandbox_socket_writable(struct cc_sandbox_socket *socket)
{
    size_t size = 0;
    if (socket->closing == CC_SANDBOX_KILLED)
        return -1;
    for (int turn = 0; turn < WRITES; turn++) {
        const char *bytes = next_bytes(socket, &size);
        if (!size || lws_send_pipe_choked(socket->wsi))
            break;
        if (lws_write(socket->wsi, (unsigned char *)(uintptr_t)bytes, size,
                      LWS_WRITE_RAW) < 0)
            return -1;
        written(socket, size);
    }
    next_bytes(socket, &size);
    if (size)
        lws_callback_on_writable(socket->wsi);
    return !size && socket->closing == CC_SANDBOX_ANSWERED ? -1 : 0;
}

void cc_sandbox_socket_flood(struct cc_sandbox_socket *socket,
                             struct cc_sandbox_flood *flood, uint64_t count)
{
    drop_flood(socket);
    if (!count || socket->closing)
        return;
    flood->refs++;
    socket->flood = flood;
    socket->flood_at = 0;
    socket->flood_left = count;
    want_to_write(socket);
}

/* --- ending --------------------------------------------------------------- */

/* The frame may exceed the buffer: it is the last one. */
static void end_by_frame(struct cc_sandbox_socket *socket, int code,
                         const char *reason, size_t size,
                         enum cc_sandbox_closing closing)
{
    unsigned char payload[CC_SANDBOX_CONTROL_SIZE];
    unsigned char frame[CC_SANDBOX_FRAME_HEAD + sizeof payload];
    if (socket->closing)
        return;
    if (size > sizeof payload - 2)
        size = sizeof payload - 2;
    payload[0] = (unsigned char)(code >> 8);
    payload[1] = (unsigned char)code;
    if (size)
        memcpy(payload + 2, reason, size);
    size = cc_sandbox_frames_write(frame, CC_SANDBOX_CLOSING, (char *)payload,
                                   code ? size + 2 : 0, 1);
    drop_flood(socket);
    if (!append(socket, frame, size)) {
        cc_sandbox_socket_kill(socket, false);
        return;
    }
    socket->closing = closing;
    socket->kill_at = lws_now_usecs() + CLOSE_USECS;
    socket->ping_at = socket->pong_at = socket->beat_at = 0;
    arm(socket);
    want_to_write(socket);
}

void cc_sandbox_socket_close(struct cc_sandbox_socket *socket, int code,
                             const char *reason, size_t size)
{
    end_by_frame(socket, code, reason, size, CC_SANDBOX_ASKED);
}

/* Not from within: the connection is closed in a callback of its own. */
void cc_sandbox_socket_kill(struct cc_sandbox_socket *socket, bool reset)
{
    socket->closing = CC_SANDBOX_KILLED;
    socket->reset = reset;
    socket->ping_at = socket->pong_at = socket->beat_at = socket->kill_at = 0;
    if (socket->wsi)
        lws_set_timer_usecs(socket->wsi, 1);
}

int cc_sandbox_socket_timer(struct cc_sandbox_socket *socket)
{
    if (socket->closing != CC_SANDBOX_KILLED)
        return 0;
    if (socket->reset)
        cc_sandbox_conn_reset(socket->wsi);
    return -1;
}

/* --- manners -------------------------------------------------------------- */

void cc_sandbox_socket_behave(struct cc_sandbox_socket *socket,
                              const struct cc_sandbox_manners *manners)
{
    lws_usec_t now = lws_now_usecs();
    bool pings = manners->pings > 0 && !socket->closing;
    if (!pings || !socket->ping_at || manners->pings != socket->manners.pings)
        socket->ping_at = pings ? now + usecs(manners->pings) : 0;
    bool same = manners->beat == socket->manners.beat && socket->beat_at;
    socket->manners = *manners;
    if (!same)
        cc_sandbox_beat_begin(socket);
    arm(socket);
    want_to_write(socket);
}

static void ping(struct cc_sandbox_socket *socket, lws_usec_t now)
{
    queue_control(socket, CC_SANDBOX_PING, "sandbox", 7);
    if (!socket->closing)
        socket->ping_at = now + usecs(socket->manners.pings);
}

lws_usec_t cc_sandbox_socket_due(struct cc_sandbox_socket *socket,
                                 lws_usec_t now)
{
    if (!socket->wsi)
        return 0;
    if (is_due(&socket->kill_at, now))
        cc_sandbox_socket_kill(socket, false);
    if (is_due(&socket->pong_at, now))
        queue_control(socket, CC_SANDBOX_PONG, socket->pong, socket->pong_size);
    if (is_due(&socket->ping_at, now))
        ping(socket, now);
    if (socket->beat_at && socket->beat_at <= now)
        cc_sandbox_beat_send(socket, now);
    return next_due(socket);
}

/* --- reading -------------------------------------------------------------- */

static void pinged(struct cc_sandbox_socket *socket,
                   const struct cc_sandbox_message *message)
{
    const struct cc_sandbox_manners *manners = &socket->manners;
    socket->pings++;
    if (manners->mute || manners->pong < 0) {
        return;
    } else if (manners->pong == 0) {
        queue_control(socket, CC_SANDBOX_PONG, message->bytes, message->size);
    } else if (!socket->pong_at) {
        memcpy(socket->pong, message->bytes, message->size);
        socket->pong_size = message->size;
        socket->pong_at = lws_now_usecs() + usecs(manners->pong);
        arm(socket);
    }
}

static int said_goodbye(struct cc_sandbox_socket *socket,
                        const struct cc_sandbox_message *message)
{
    if (socket->closing)
        return -1;
    if (socket->manners.mute)
        return 0;
    int code = 0;
    if (message->size >= 2)
        code = (unsigned char)message->bytes[0] << 8 |
               (unsigned char)message->bytes[1];
    end_by_frame(socket, code, NULL, 0, CC_SANDBOX_ANSWERED);
    return 0;
}

int cc_sandbox_socket_received(struct cc_sandbox_socket *socket,
                               const void *bytes, size_t size)
{
    struct cc_sandbox_message message;
    int result;
    if (socket->closing > CC_SANDBOX_ASKED)
        return 0;
    if (!cc_sandbox_reader_feed(&socket->reader, bytes, size))
        return -1;
    while ((result = cc_sandbox_reader_next(&socket->reader, &message)) == 1) {
        if (message.opcode == CC_SANDBOX_CLOSING)
            return said_goodbye(socket, &message);
        if (message.opcode == CC_SANDBOX_PING)
            pinged(socket, &message);
        else if (message.opcode == CC_SANDBOX_PONG)
            socket->pongs++;
        else
            socket->received++;
    }
    if (result < 0 && socket->closing)
        return -1;
    if (result < 0)
        end_by_frame(socket, -result, NULL, 0, CC_SANDBOX_ANSWERED);
    return 0;
}

/* --- opening and freeing -------------------------------------------------- */

bool cc_sandbox_socket_open(struct cc_sandbox_socket *socket, struct lws *wsi,
                            const char *head, size_t size)
{
    struct cc_sandbox_bytes greeting = socket->out;
    struct timespec now;
    memset(&socket->out, 0, sizeof socket->out);
    bool fits = !socket->closing && append(socket, head, size) &&
                append(socket, greeting.at, greeting.size);
    free(greeting.at);
    if (!fits)
        return false;
    socket->wsi = wsi;
    socket->head = size;
    clock_gettime(CLOCK_REALTIME, &now);
    socket->connected_at = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    for (size_t i = 0; i < socket->count; i++) {
        struct cc_sandbox_subscription *subscription =
            &socket->subscriptions[i];
        struct cc_sandbox_metric *metric = subscription->metric;
        subscription->next = metric->first;
        subscription->link = &metric->first;
        if (metric->first)
            metric->first->link = &subscription->next;
        metric->first = subscription;
    }
    cc_sandbox_socket_behave(socket, &socket->live->manners);
    return true;
}

void cc_sandbox_socket_free(struct cc_sandbox_socket *socket)
{
    for (size_t i = 0; i < socket->count; i++) {
        struct cc_sandbox_subscription *subscription =
            &socket->subscriptions[i];
        if (!subscription->link)
            continue;
        *subscription->link = subscription->next;
        if (subscription->next)
            subscription->next->link = subscription->link;
    }
    *socket->link = socket->next;
    if (socket->next)
        socket->next->link = socket->link;
    drop_flood(socket);
    cc_sandbox_reader_release(&socket->reader);
    free(socket->out.at);
    free(socket);
}
