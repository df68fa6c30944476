/* Messages come into an inbox: its sink.  On the websocket engine's thread. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "inbox_own.h"

#define ROOM_FIRST 2

static bool make_room(struct ccaas_inbox *inbox)
{
    size_t room = inbox->room ? inbox->room * 2 : ROOM_FIRST, i;
    struct ccaas_inbox_slot *slots;

    if (inbox->count < inbox->room)
        return true;
    slots = calloc(room, sizeof *slots);
    if (!slots)
        return false;
    ccaas_inbox_index_forget(inbox);
    for (i = 0; i < inbox->room; i++)
        slots[i] = *ccaas_inbox_slot_at(inbox, i);
    free(inbox->slots);
    inbox->slots = slots;
    inbox->room = room;
    inbox->first = 0;
    return true;
}

/* Makes the buffer fit: large enough, and not a large one for a small message.
 * False: memory is out. */
static bool fit(struct ccaas_inbox *inbox, struct ccaas_inbox_message *message,
                size_t length)
{
    size_t room = length + length / 4 + 1;
    bool fits = message->room >= length;
    char *bytes;

    if (fits && (message->room <= CCAAS_INBOX_KEPT || room > message->room / 2))
        return true;
    bytes = realloc(message->bytes, room);
    if (!bytes)
        return fits;
    inbox->rooms += room - message->room;
    message->bytes = bytes;
    message->room = room;
    return true;
}

static bool fill(struct ccaas_inbox *inbox, struct ccaas_inbox_message *message,
                 const char *bytes, size_t length, bool binary)
{
    if (!fit(inbox, message, length))
        return false;
    if (length)
        memcpy(message->bytes, bytes, length);
    message->length = length;
    message->binary = binary;
    message->looked = false;
    return true;
}

/* The parts of a message that was looked at in another place. */
static void move_parts(struct ccaas_inbox_message *message, const char *from)
{
    struct ccaas_part *part = message->update.parts;
    size_t i;

    for (i = 0; i < CCAAS_LIVE_PARTS; i++, part++)
        if (part->begin) {
            part->begin = message->bytes + (part->begin - from);
            part->end = message->bytes + (part->end - from);
        }
}

static bool is_full(const struct ccaas_inbox *inbox)
{
    return inbox->count + inbox->batched >= inbox->queue ||
           inbox->bytes + inbox->batched_bytes >= CCAAS_INBOX_BYTES;
}

/* A newer update for one that waits takes its place.  False: none waits. */
static bool conflate(struct ccaas_inbox *inbox, const char *bytes,
                     size_t length, bool binary)
{
    struct ccaas_update update;
    struct ccaas_inbox_slot *slot;
    size_t before;

    ccaas_update_look(&inbox->form, bytes, length, &update);
    slot = update.is_update ? ccaas_inbox_index_find(inbox, update.hash) : NULL;
    if (!slot)
        return false;
    if (update.when < slot->message.update.when &&
        update.when != CCAAS_UPDATE_NEVER) {
        inbox->stale++;
        return true;
    }
    before = slot->message.length;
    if (!fill(inbox, &slot->message, bytes, length, binary))
        return false;
    slot->message.update = update;
    slot->message.looked = true;
    move_parts(&slot->message, bytes);
    inbox->bytes += length - before;
    inbox->conflated++;
    if (length > before && inbox->bytes > CCAAS_INBOX_BYTES / 4 * 5)
        inbox->held = true;
    return true;
}

/* False: memory is out. */
static bool append(struct ccaas_inbox *inbox, const char *bytes, size_t length,
                   bool binary)
{
    struct ccaas_inbox_slot *slot;

    if (!make_room(inbox))
        return false;
    slot = ccaas_inbox_slot_at(inbox, inbox->count);
    if (!fill(inbox, &slot->message, bytes, length, binary))
        return false;
    slot->indexed = false;
    inbox->count++;
    inbox->bytes += length;
    return true;
}

static void take_in(struct ccaas_inbox *inbox, const char *bytes, size_t length,
                    bool binary)
{
    bool was_full = is_full(inbox);

    if (was_full && !inbox->block && conflate(inbox, bytes, length, binary))
        return;
    if (!append(inbox, bytes, length, binary)) {
        inbox->held = inbox->broken = true;
        inbox->lost_at = ccaas_clock_wall();
    }
    if (is_full(inbox) && (inbox->block || was_full))
        inbox->held = true;
}

/* The reader is woken for all that came since the last time; if it has seen
 * them by itself, there is no need. */
static void on_flush(void *self)
{
    struct ccaas_inbox *inbox = self;
    bool is_there;

    if (!inbox->unrung)
        return;
    inbox->unrung = false;
    pthread_mutex_lock(&inbox->lock);
    is_there = inbox->count > 0 || inbox->broken;
    pthread_mutex_unlock(&inbox->lock);
    if (is_there)
        ccaas_bell_ring(inbox->bell);
}

static enum ccaas_ws_answer on_message(void *self, const char *bytes,
                                       size_t length, bool binary)
{
    struct ccaas_inbox *inbox = self;
    enum ccaas_ws_answer answer;
    bool was_empty;

    pthread_mutex_lock(&inbox->lock);
    was_empty = !inbox->count;
    if (!inbox->shut && !inbox->broken)
        take_in(inbox, bytes, length, binary);
    answer = inbox->held ? CCAAS_WS_FULL : CCAAS_WS_MORE;
    pthread_mutex_unlock(&inbox->lock);
    /* Otherwise it was rung already, and nobody has looked since. */
    inbox->unrung |= was_empty;
    if (answer == CCAAS_WS_FULL)
        on_flush(inbox);
    return answer;
}

static void on_opened(void *self)
{
    struct ccaas_inbox *inbox = self;

    pthread_mutex_lock(&inbox->lock);
    inbox->opened_at = ccaas_clock_wall();
    pthread_mutex_unlock(&inbox->lock);
    ccaas_bell_ring(inbox->bell);
}

static void on_closed(void *self, const struct ccaas_ws_end *end)
{
    struct ccaas_inbox *inbox = self;
    struct ccaas_bell *bell = ccaas_bell_hold(inbox->bell);

    pthread_mutex_lock(&inbox->lock);
    inbox->closed = true;
    inbox->closed_at = ccaas_clock_wall();
    inbox->end = *end;
    ccaas_inbox_release(inbox);
    ccaas_bell_ring(bell);
    ccaas_bell_release(bell);
}

struct ccaas_ws_sink ccaas_inbox_put_sink(struct ccaas_inbox *inbox)
{
    return (struct ccaas_ws_sink){.self = inbox,
                                  .opened = on_opened,
                                  .message = on_message,
                                  .closed = on_closed,
                                  .flush = on_flush};
}
