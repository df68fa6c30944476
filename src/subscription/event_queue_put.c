/* The sender's side of an event queue: its sink.  On the websocket thread. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "event_queue_own.h"

#define ROOM_FIRST 1

/* Messages, and bytes of them, that the thread collects at most before it
 * puts them in, so that it takes the lock once for all.  A buffer larger
 * than KEPT is not kept for the next message. */
#ifdef CCAAS_TINY
#define CARRY 4
#define CARRY_BYTES 256
#define CARRY_KEPT 64
#else
#define CARRY 64
#define CARRY_BYTES (64 * 1024)
#define CARRY_KEPT 4096
#endif
/* A buffer larger than twice the message and this does not fit: the message
 * may hold it for as long as it waits. */
#define SLACK 256

static bool make_room(struct cc_event_queue *queue)
{
    size_t room = queue->room ? queue->room * 2 : ROOM_FIRST, i;
    struct cc_event_queue_slot *slots;

    if (queue->count < queue->room)
        return true;
    slots = calloc(room, sizeof *slots);
    if (!slots)
        return false;
    cc_event_queue_index_forget(queue);
    for (i = 0; i < queue->room; i++)
        slots[i] = *cc_event_queue_slot_at(queue, i);
    free(queue->slots);
    queue->slots = slots;
    queue->room = room;
    queue->first = 0;
    return true;
}

static bool make_carry_room(struct cc_event_queue *queue)
{
    size_t room = queue->carry_room ? queue->carry_room * 2 : ROOM_FIRST, i;
    struct cc_event_queue_piece *carry;

    if (queue->carried < queue->carry_room)
        return true;
    carry = realloc(queue->carry, room * sizeof *carry);
    if (!carry)
        return false;
    for (i = queue->carry_room; i < room; i++)
        carry[i] = (struct cc_event_queue_piece){NULL, 0, 0, false};
    queue->carry = carry;
    queue->carry_room = room;
    return true;
}

/* Makes the buffer fit; false: memory is out. */
static bool fit(struct cc_event_queue_piece *piece, size_t length)
{
    size_t room = length + length / 4 + 1;
    bool is_enough = piece->bytes && piece->room >= length;
    char *bytes;

    if (is_enough && piece->room <= 2 * length + SLACK)
        return true;
    bytes = realloc(piece->bytes, room);
    if (!bytes)
        return is_enough;
    piece->bytes = bytes;
    piece->room = room;
    return true;
}

/* Copies a message to the collected ones; false: memory is out. */
static bool carry(struct cc_event_queue *queue, const char *bytes,
                  size_t length, bool binary)
{
    struct cc_event_queue_piece *piece;

    if (!queue->carried)
        queue->carried_at = cc_clock_wall();
    if (!make_carry_room(queue))
        return false;
    piece = &queue->carry[queue->carried];
    if (!fit(piece, length))
        return false;
    if (length)
        memcpy(piece->bytes, bytes, length);
    piece->length = length;
    piece->binary = binary;
    queue->carried++;
    queue->carried_bytes += length;
    return true;
}

/* Swaps the buffers: the message gets the collected bytes. */
static void swap_in(struct cc_event_queue *queue,
                    struct cc_event_queue_message *message,
                    struct cc_event_queue_piece *piece)
{
    char *bytes = message->bytes;
    size_t room = message->room;

    queue->rooms += piece->room - room;
    message->bytes = piece->bytes;
    message->room = piece->room;
    message->length = piece->length;
    message->binary = piece->binary;
    piece->bytes = bytes;
    piece->room = room;
}

/* A small message must not be held in a large buffer. */
static void trim(struct cc_event_queue_piece *piece)
{
    if (piece->room <= CARRY_KEPT)
        return;
    free(piece->bytes);
    piece->bytes = NULL;
    piece->room = 0;
}

static bool is_full(const struct cc_event_queue *queue)
{
    return queue->count + queue->batched >= queue->capacity ||
           queue->bytes + queue->batched_bytes >= CC_EVENT_QUEUE_BYTES;
}

/* Replaces an older update that waits for the same metric and category.
 * False: none waits. */
static bool conflate(struct cc_event_queue *queue,
                     struct cc_event_queue_piece *piece)
{
    struct cc_update update;
    struct cc_event_queue_slot *slot;
    size_t before;

    cc_update_look(&queue->form, piece->bytes, piece->length, &update);
    slot =
        update.is_update ? cc_event_queue_index_find(queue, update.hash) : NULL;
    if (!slot)
        return false;
    if (update.when < slot->message.update.when &&
        update.when != CC_UPDATE_NEVER) {
        queue->stale++;
        return true;
    }
    before = slot->message.length;
    swap_in(queue, &slot->message, piece);
    slot->message.update = update;
    slot->message.looked = true;
    queue->bytes += piece->length - before;
    queue->conflated++;
    if (piece->length > before && queue->bytes > CC_EVENT_QUEUE_BYTES / 4 * 5)
        queue->held = true;
    return true;
}

/* False: memory is out. */
static bool append(struct cc_event_queue *queue,
                   struct cc_event_queue_piece *piece)
{
    struct cc_event_queue_slot *slot;

    if (!make_room(queue))
        return false;
    slot = cc_event_queue_slot_at(queue, queue->count);
    swap_in(queue, &slot->message, piece);
    slot->message.looked = slot->indexed = false;
    queue->count++;
    queue->bytes += piece->length;
    return true;
}

/* A message is lost: no later one is taken. */
static void lose(struct cc_event_queue *queue)
{
    if (queue->shut || queue->broken)
        return;
    queue->held = queue->broken = queue->unrung = true;
    queue->left = 0;
    queue->lost_at = queue->carried_at;
}

static void take_in(struct cc_event_queue *queue,
                    struct cc_event_queue_piece *piece)
{
    bool was_full = is_full(queue);

    if (queue->shut || queue->broken ||
        (was_full && !queue->block && conflate(queue, piece)))
        return;
    if (!append(queue, piece))
        lose(queue);
    if (is_full(queue) && (queue->block || was_full))
        queue->held = true;
}

/* What is left of a limit, at most `most`. */
static size_t left_of(size_t limit, size_t used, size_t most)
{
    size_t left = used < limit ? limit - used : 0;

    return left < most ? left : most;
}

/* Puts the collected messages in. */
static void put_in(struct cc_event_queue *queue)
{
    size_t i;

    /* Otherwise it was woken already, and the reader has not looked since. */
    queue->unrung |= queue->carried && !queue->count;
    for (i = 0; i < queue->carried; i++) {
        take_in(queue, &queue->carry[i]);
        trim(&queue->carry[i]);
    }
    queue->carried = queue->carried_bytes = 0;
    queue->left = left_of(queue->held ? 0 : queue->capacity,
                          queue->count + queue->batched, CARRY);
    queue->bytes_left = left_of(
        CC_EVENT_QUEUE_BYTES, queue->bytes + queue->batched_bytes, CARRY_BYTES);
}

/* Wakes the reader for everything since the last time, unless it has seen it
 * already. */
static void on_flush(void *self)
{
    struct cc_event_queue *queue = self;
    bool is_there;

    if (!queue->unrung && !queue->carried)
        return;
    pthread_mutex_lock(&queue->lock);
    put_in(queue);
    is_there = queue->count > 0 || queue->broken;
    pthread_mutex_unlock(&queue->lock);
    if (queue->unrung && is_there)
        cc_waker_wake(queue->waker);
    queue->unrung = false;
}

static enum cc_ws_answer on_message(void *self, const char *bytes,
                                    size_t length, bool binary)
{
    struct cc_event_queue *queue = self;
    bool is_carried = carry(queue, bytes, length, binary), is_full;

    if (is_carried && queue->carried < queue->left &&
        queue->carried_bytes < queue->bytes_left)
        return CC_WS_MORE;
    pthread_mutex_lock(&queue->lock);
    put_in(queue);
    if (!is_carried)
        lose(queue);
    is_full = queue->held;
    pthread_mutex_unlock(&queue->lock);
    if (!is_full)
        return CC_WS_MORE;
    on_flush(queue);
    return CC_WS_FULL;
}

static void on_opened(void *self)
{
    struct cc_event_queue *queue = self;

    pthread_mutex_lock(&queue->lock);
    queue->opened_at = cc_clock_wall();
    queue->opened_then = cc_clock_now();
    pthread_mutex_unlock(&queue->lock);
    cc_waker_wake(queue->waker);
}

static void on_closed(void *self, const struct cc_ws_end *end)
{
    struct cc_event_queue *queue = self;
    struct ccaas_waker *waker = cc_waker_hold(queue->waker);

    pthread_mutex_lock(&queue->lock);
    put_in(queue);
    queue->closed = true;
    queue->closed_at = cc_clock_wall();
    queue->closed_then = cc_clock_now();
    queue->end = *end;
    cc_event_queue_release(queue);
    cc_waker_wake(waker);
    cc_waker_release(waker);
}

struct cc_ws_sink cc_event_queue_put_sink(struct cc_event_queue *queue)
{
    return (struct cc_ws_sink){.self = queue,
                               .opened = on_opened,
                               .message = on_message,
                               .closed = on_closed,
                               .flush = on_flush};
}
