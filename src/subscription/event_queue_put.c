/* Messages come into an inbox: its sink.  On the websocket engine's thread. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "event_queue_own.h"

#define ROOM_FIRST 1

/* Messages, and bytes of them, that the engine carries at most before it puts
 * them in: the lock is taken once for all.  A larger buffer than KEPT is not
 * kept for the next message. */
#ifdef CCAAS_TINY
#define CARRY 4
#define CARRY_BYTES 256
#define CARRY_KEPT 64
#else
#define CARRY 64
#define CARRY_BYTES (64 * 1024)
#define CARRY_KEPT 4096
#endif
/* A buffer that is larger than twice the message and this is no fit: it may
 * stay with the message for as long as that waits. */
#define SLACK 256

static bool make_room(struct cc_inbox *inbox)
{
    size_t room = inbox->room ? inbox->room * 2 : ROOM_FIRST, i;
    struct cc_inbox_slot *slots;

    if (inbox->count < inbox->room)
        return true;
    slots = calloc(room, sizeof *slots);
    if (!slots)
        return false;
    cc_inbox_index_forget(inbox);
    for (i = 0; i < inbox->room; i++)
        slots[i] = *cc_inbox_slot_at(inbox, i);
    free(inbox->slots);
    inbox->slots = slots;
    inbox->room = room;
    inbox->first = 0;
    return true;
}

static bool make_carry_room(struct cc_inbox *inbox)
{
    size_t room = inbox->carry_room ? inbox->carry_room * 2 : ROOM_FIRST, i;
    struct cc_inbox_piece *carry;

    if (inbox->carried < inbox->carry_room)
        return true;
    carry = realloc(inbox->carry, room * sizeof *carry);
    if (!carry)
        return false;
    for (i = inbox->carry_room; i < room; i++)
        carry[i] = (struct cc_inbox_piece){NULL, 0, 0, false};
    inbox->carry = carry;
    inbox->carry_room = room;
    return true;
}

/* Makes the buffer fit; false: memory is out. */
static bool fit(struct cc_inbox_piece *piece, size_t length)
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

/* Copies a message to those that are carried; false: memory is out. */
static bool carry(struct cc_inbox *inbox, const char *bytes, size_t length,
                  bool binary)
{
    struct cc_inbox_piece *piece;

    if (!inbox->carried)
        inbox->carried_at = cc_clock_wall();
    if (!make_carry_room(inbox))
        return false;
    piece = &inbox->carry[inbox->carried];
    if (!fit(piece, length))
        return false;
    if (length)
        memcpy(piece->bytes, bytes, length);
    piece->length = length;
    piece->binary = binary;
    inbox->carried++;
    inbox->carried_bytes += length;
    return true;
}

/* Swaps the buffers: the message is what was carried. */
static void swap_in(struct cc_inbox *inbox, struct cc_inbox_message *message,
                    struct cc_inbox_piece *piece)
{
    char *bytes = message->bytes;
    size_t room = message->room;

    inbox->rooms += piece->room - room;
    message->bytes = piece->bytes;
    message->room = piece->room;
    message->length = piece->length;
    message->binary = piece->binary;
    piece->bytes = bytes;
    piece->room = room;
}

/* A small message is not to come to be held in a large buffer. */
static void trim(struct cc_inbox_piece *piece)
{
    if (piece->room <= CARRY_KEPT)
        return;
    free(piece->bytes);
    piece->bytes = NULL;
    piece->room = 0;
}

static bool is_full(const struct cc_inbox *inbox)
{
    return inbox->count + inbox->batched >= inbox->queue ||
           inbox->bytes + inbox->batched_bytes >= CC_INBOX_BYTES;
}

/* A newer update for one that waits takes its place.  False: none waits. */
static bool conflate(struct cc_inbox *inbox, struct cc_inbox_piece *piece)
{
    struct cc_update update;
    struct cc_inbox_slot *slot;
    size_t before;

    cc_update_look(&inbox->form, piece->bytes, piece->length, &update);
    slot = update.is_update ? cc_inbox_index_find(inbox, update.hash) : NULL;
    if (!slot)
        return false;
    if (update.when < slot->message.update.when &&
        update.when != CC_UPDATE_NEVER) {
        inbox->stale++;
        return true;
    }
    before = slot->message.length;
    swap_in(inbox, &slot->message, piece);
    slot->message.update = update;
    slot->message.looked = true;
    inbox->bytes += piece->length - before;
    inbox->conflated++;
    if (piece->length > before && inbox->bytes > CC_INBOX_BYTES / 4 * 5)
        inbox->held = true;
    return true;
}

/* False: memory is out. */
static bool append(struct cc_inbox *inbox, struct cc_inbox_piece *piece)
{
    struct cc_inbox_slot *slot;

    if (!make_room(inbox))
        return false;
    slot = cc_inbox_slot_at(inbox, inbox->count);
    swap_in(inbox, &slot->message, piece);
    slot->message.looked = slot->indexed = false;
    inbox->count++;
    inbox->bytes += piece->length;
    return true;
}

/* A message is lost: none of those that follow it is taken. */
static void lose(struct cc_inbox *inbox)
{
    if (inbox->shut || inbox->broken)
        return;
    inbox->held = inbox->broken = inbox->unrung = true;
    inbox->left = 0;
    inbox->lost_at = inbox->carried_at;
}

static void take_in(struct cc_inbox *inbox, struct cc_inbox_piece *piece)
{
    bool was_full = is_full(inbox);

    if (inbox->shut || inbox->broken ||
        (was_full && !inbox->block && conflate(inbox, piece)))
        return;
    if (!append(inbox, piece))
        lose(inbox);
    if (is_full(inbox) && (inbox->block || was_full))
        inbox->held = true;
}

/* What is left of a limit, `most` of it at the most. */
static size_t left_of(size_t limit, size_t used, size_t most)
{
    size_t left = used < limit ? limit - used : 0;

    return left < most ? left : most;
}

/* Puts in what is carried. */
static void put_in(struct cc_inbox *inbox)
{
    size_t i;

    /* Otherwise it was rung already, and nobody has looked since. */
    inbox->unrung |= inbox->carried && !inbox->count;
    for (i = 0; i < inbox->carried; i++) {
        take_in(inbox, &inbox->carry[i]);
        trim(&inbox->carry[i]);
    }
    inbox->carried = inbox->carried_bytes = 0;
    inbox->left = left_of(inbox->held ? 0 : inbox->queue,
                          inbox->count + inbox->batched, CARRY);
    inbox->bytes_left = left_of(
        CC_INBOX_BYTES, inbox->bytes + inbox->batched_bytes, CARRY_BYTES);
}

/* The reader is woken for all that came since the last time; if it has seen
 * them by itself, there is no need. */
static void on_flush(void *self)
{
    struct cc_inbox *inbox = self;
    bool is_there;

    if (!inbox->unrung && !inbox->carried)
        return;
    pthread_mutex_lock(&inbox->lock);
    put_in(inbox);
    is_there = inbox->count > 0 || inbox->broken;
    pthread_mutex_unlock(&inbox->lock);
    if (inbox->unrung && is_there)
        cc_bell_ring(inbox->bell);
    inbox->unrung = false;
}

static enum cc_ws_answer on_message(void *self, const char *bytes,
                                    size_t length, bool binary)
{
    struct cc_inbox *inbox = self;
    bool is_carried = carry(inbox, bytes, length, binary), is_full;

    if (is_carried && inbox->carried < inbox->left &&
        inbox->carried_bytes < inbox->bytes_left)
        return CC_WS_MORE;
    pthread_mutex_lock(&inbox->lock);
    put_in(inbox);
    if (!is_carried)
        lose(inbox);
    is_full = inbox->held;
    pthread_mutex_unlock(&inbox->lock);
    if (!is_full)
        return CC_WS_MORE;
    on_flush(inbox);
    return CC_WS_FULL;
}

static void on_opened(void *self)
{
    struct cc_inbox *inbox = self;

    pthread_mutex_lock(&inbox->lock);
    inbox->opened_at = cc_clock_wall();
    inbox->opened_then = cc_clock_now();
    pthread_mutex_unlock(&inbox->lock);
    cc_bell_ring(inbox->bell);
}

static void on_closed(void *self, const struct cc_ws_end *end)
{
    struct cc_inbox *inbox = self;
    struct ccaas_bell *bell = cc_bell_hold(inbox->bell);

    pthread_mutex_lock(&inbox->lock);
    put_in(inbox);
    inbox->closed = true;
    inbox->closed_at = cc_clock_wall();
    inbox->closed_then = cc_clock_now();
    inbox->end = *end;
    cc_inbox_release(inbox);
    cc_bell_ring(bell);
    cc_bell_release(bell);
}

struct cc_ws_sink cc_inbox_put_sink(struct cc_inbox *inbox)
{
    return (struct cc_ws_sink){.self = inbox,
                               .opened = on_opened,
                               .message = on_message,
                               .closed = on_closed,
                               .flush = on_flush};
}
