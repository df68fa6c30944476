/* A bounded queue of messages: a ring of buffers that are used again, and,
 * once it is full and the newest are to stay, an index of what waits in it. */
#include "inbox.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define ROOM_FIRST 2
/* Messages that the reader takes out in one go, where order is all that
 * matters: no more than this, and no more than that part of the queue. */
#define BATCH 64
#define BATCH_PART 8

struct piece {
    char *bytes;
    size_t room, length;
    bool binary;
};

struct slot {
    struct ccaas_inbox_message message;
    uint32_t chain; /* the next slot with that bucket, from 1; 0: none */
    bool indexed;
};

struct ccaas_inbox {
    pthread_mutex_t lock;
    unsigned references;
    struct ccaas_bell *bell;
    struct ccaas_update_form form;
    size_t queue;
    bool block;

    struct slot *slots; /* a ring */
    size_t room, first, count, bytes;
    size_t rooms;      /* of all slots' buffers, in use or not */
    uint32_t *buckets; /* slots by hash, from 1; NULL: no index was needed */
    size_t bucket_count;
    size_t looked; /* messages at the front that were looked at for it */

    /* Written by the reader with the lock held, read by it without. */
    struct piece *batch; /* NULL: none was needed */
    size_t batched,
        batched_bytes; /* they count as waiting until all are read */
    size_t batch_next; /* the reader's alone */

    bool unrung; /* the engine's alone: what came first was not told yet */

    bool shut, held; /* the reader is gone; the sender waits */
    bool broken;     /* a message was lost, for want of memory */
    bool closed;
    struct ccaas_ws_end end;
    double opened_at, closed_at, lost_at; /* epoch seconds; < 0: not */
    int64_t conflated, stale;
};

struct ccaas_inbox *ccaas_inbox_new(struct ccaas_bell *bell, size_t queue,
                                    bool block,
                                    const struct ccaas_update_form *form)
{
    struct ccaas_inbox *inbox = calloc(1, sizeof *inbox);

    if (!inbox) {
        free(form->pick);
        return NULL;
    }
    pthread_mutex_init(&inbox->lock, NULL);
    inbox->references = 1;
    inbox->bell = ccaas_bell_hold(bell);
    inbox->form = *form;
    inbox->queue = queue;
    inbox->block = block;
    inbox->opened_at = inbox->lost_at = -1;
    return inbox;
}

/* Lets go of a reference; the lock is held, and is not any more. */
static void release(struct ccaas_inbox *inbox)
{
    bool last = --inbox->references == 0;
    size_t i;

    pthread_mutex_unlock(&inbox->lock);
    if (!last)
        return;
    for (i = 0; i < inbox->room; i++)
        free(inbox->slots[i].message.bytes);
    for (i = 0; inbox->batch && i < BATCH; i++)
        free(inbox->batch[i].bytes);
    free(inbox->batch);
    free(inbox->slots);
    free(inbox->buckets);
    free(inbox->form.pick);
    ccaas_bell_release(inbox->bell);
    pthread_mutex_destroy(&inbox->lock);
    free(inbox);
}

void ccaas_inbox_shut(struct ccaas_inbox *inbox)
{
    if (!inbox)
        return;
    pthread_mutex_lock(&inbox->lock);
    inbox->shut = true;
    release(inbox);
}

/* -- The index: which slot waits for a metric and category ----------------- */

static struct slot *slot_at(const struct ccaas_inbox *inbox, size_t place)
{
    return &inbox->slots[(inbox->first + place) % inbox->room];
}

static uint32_t *bucket_of(const struct ccaas_inbox *inbox, uint64_t hash)
{
    return &inbox->buckets[hash % inbox->bucket_count];
}

static void look(const struct ccaas_inbox *inbox,
                 struct ccaas_inbox_message *message)
{
    ccaas_update_look(&inbox->form, message->bytes, message->length,
                      &message->update);
    message->looked = true;
}

static void add_to_index(struct ccaas_inbox *inbox, struct slot *slot)
{
    uint32_t *bucket;

    if (!slot->message.looked)
        look(inbox, &slot->message);
    if (!slot->message.update.is_update)
        return;
    bucket = bucket_of(inbox, slot->message.update.hash);
    slot->chain = *bucket;
    slot->indexed = true;
    *bucket = (uint32_t)(slot - inbox->slots) + 1;
}

static void take_from_index(struct ccaas_inbox *inbox, struct slot *slot)
{
    uint32_t number = (uint32_t)(slot - inbox->slots) + 1, *link;

    if (!slot->indexed)
        return;
    link = bucket_of(inbox, slot->message.update.hash);
    while (*link != number)
        link = &inbox->slots[*link - 1].chain;
    *link = slot->chain;
    slot->indexed = false;
}

static void forget_index(struct ccaas_inbox *inbox)
{
    size_t i;

    for (i = 0; i < inbox->count; i++)
        slot_at(inbox, i)->indexed = false;
    free(inbox->buckets);
    inbox->buckets = NULL;
    inbox->looked = 0;
}

/* Brings the index up to date; false: memory is out. */
static bool make_index(struct ccaas_inbox *inbox)
{
    if (!inbox->buckets) {
        inbox->bucket_count = inbox->room * 2 + 1;
        inbox->buckets = calloc(inbox->bucket_count, sizeof *inbox->buckets);
        if (!inbox->buckets)
            return false;
    }
    for (; inbox->looked < inbox->count; inbox->looked++)
        add_to_index(inbox, slot_at(inbox, inbox->looked));
    return true;
}

/* -- The engine's thread: messages come
 * ---------------------------------------- */

static bool make_room(struct ccaas_inbox *inbox)
{
    size_t room = inbox->room ? inbox->room * 2 : ROOM_FIRST, i;
    struct slot *slots;

    if (inbox->count < inbox->room)
        return true;
    slots = calloc(room, sizeof *slots);
    if (!slots)
        return false;
    forget_index(inbox);
    for (i = 0; i < inbox->room; i++)
        slots[i] = *slot_at(inbox, i);
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
    struct slot *slot = NULL;
    uint32_t number;
    size_t before;

    ccaas_update_look(&inbox->form, bytes, length, &update);
    if (!update.is_update || !make_index(inbox))
        return false;
    for (number = *bucket_of(inbox, update.hash); number;
         number = slot->chain) {
        slot = &inbox->slots[number - 1];
        if (slot->message.update.hash == update.hash)
            break;
    }
    if (!number)
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
    struct slot *slot;

    if (!make_room(inbox))
        return false;
    slot = slot_at(inbox, inbox->count);
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
    release(inbox);
    ccaas_bell_ring(bell);
    ccaas_bell_release(bell);
}

/* -- The reader's thread
 * ------------------------------------------------------- */

struct ccaas_ws_sink ccaas_inbox_sink(struct ccaas_inbox *inbox)
{
    struct ccaas_ws_sink sink = {.self = inbox,
                                 .opened = on_opened,
                                 .message = on_message,
                                 .closed = on_closed,
                                 .flush = on_flush};

    pthread_mutex_lock(&inbox->lock);
    inbox->references++;
    inbox->closed = inbox->held = inbox->broken = false;
    inbox->opened_at = inbox->lost_at = -1;
    pthread_mutex_unlock(&inbox->lock);
    return sink;
}

double ccaas_inbox_opened(struct ccaas_inbox *inbox)
{
    double at;

    pthread_mutex_lock(&inbox->lock);
    at = inbox->opened_at;
    pthread_mutex_unlock(&inbox->lock);
    return at;
}

static bool drained(const struct ccaas_inbox *inbox)
{
    return inbox->count + inbox->batched <= inbox->queue / 2 &&
           inbox->bytes + inbox->batched_bytes <= CCAAS_INBOX_BYTES / 2;
}

/* The oldest slot's message leaves; the slot gets that buffer instead, unless
 * there is enough of them. */
static void leave_slot(struct ccaas_inbox *inbox, char *bytes, size_t room)
{
    struct slot *slot = slot_at(inbox, 0);

    inbox->bytes -= slot->message.length;
    inbox->rooms -= slot->message.room;
    if (inbox->rooms + room > CCAAS_INBOX_BYTES) {
        free(bytes);
        bytes = NULL;
        room = 0;
    }
    inbox->rooms += room;
    slot->message.bytes = bytes;
    slot->message.room = room;
    inbox->first = (inbox->first + 1) % inbox->room;
    inbox->count--;
    inbox->looked -= inbox->looked > 0;
}

/* Takes the next of them out in one go; false: one at a time is better. */
static bool fill_batch(struct ccaas_inbox *inbox)
{
    size_t most = inbox->block ? inbox->queue / BATCH_PART : 0, i;

    inbox->batched = inbox->batched_bytes = inbox->batch_next = 0;
    most = most < BATCH ? most : BATCH;
    most = most < inbox->count ? most : inbox->count;
    if (most < 2)
        return false;
    if (!inbox->batch)
        inbox->batch = calloc(BATCH, sizeof *inbox->batch);
    if (!inbox->batch)
        return false;
    for (i = 0; i < most; i++) {
        const struct ccaas_inbox_message *message = &slot_at(inbox, 0)->message;
        struct piece piece = {message->bytes, message->room, message->length,
                              message->binary};

        leave_slot(inbox, inbox->batch[i].bytes, inbox->batch[i].room);
        inbox->batch[i] = piece;
        inbox->batched_bytes += piece.length;
    }
    inbox->batched = most;
    return true;
}

/* The next of the batch, swapped for the one at hand; false: all are read. */
static bool take_from_batch(struct ccaas_inbox *inbox,
                            struct ccaas_inbox_message *message)
{
    struct piece *piece, at_hand = {message->bytes, message->room, 0, false};

    if (inbox->batch_next >= inbox->batched)
        return false;
    piece = &inbox->batch[inbox->batch_next++];
    message->bytes = piece->bytes;
    message->room = piece->room;
    message->length = piece->length;
    message->binary = piece->binary;
    *piece = at_hand;
    look(inbox, message);
    return true;
}

/* A single one, likewise. */
static bool take_one(struct ccaas_inbox *inbox,
                     struct ccaas_inbox_message *message)
{
    struct slot *slot;
    char *bytes = message->bytes;
    size_t room = message->room;

    if (!inbox->count)
        return false;
    slot = slot_at(inbox, 0);
    take_from_index(inbox, slot);
    *message = slot->message;
    leave_slot(inbox, bytes, room);
    return true;
}

bool ccaas_inbox_take(struct ccaas_inbox *inbox,
                      struct ccaas_inbox_message *message, bool *resume,
                      bool *last)
{
    bool is_there, is_batch;

    *resume = *last = false;
    if (message->room > CCAAS_INBOX_KEPT) {
        free(message->bytes);
        message->bytes = NULL;
        message->room = 0;
    }
    if (take_from_batch(inbox, message))
        return true;
    pthread_mutex_lock(&inbox->lock);
    is_batch = fill_batch(inbox);
    is_there = !is_batch && take_one(inbox, message);
    *resume = inbox->held && !inbox->broken && drained(inbox);
    if (*resume)
        inbox->held = false;
    *last = is_there && !inbox->count && !inbox->closed && !inbox->broken;
    if (*last)
        ccaas_bell_arm(inbox->bell);
    pthread_mutex_unlock(&inbox->lock);
    if (is_batch)
        return take_from_batch(inbox, message);
    if (is_there && !message->looked)
        look(inbox, message);
    return is_there;
}

bool ccaas_inbox_broken(struct ccaas_inbox *inbox)
{
    bool broken;

    pthread_mutex_lock(&inbox->lock);
    broken = inbox->broken;
    pthread_mutex_unlock(&inbox->lock);
    return broken;
}

bool ccaas_inbox_closed(struct ccaas_inbox *inbox, struct ccaas_ws_end *end,
                        double *at, double *from)
{
    bool closed;

    pthread_mutex_lock(&inbox->lock);
    closed =
        inbox->closed && !inbox->count && inbox->batch_next >= inbox->batched;
    if (closed) {
        *end = inbox->end;
        *at = inbox->closed_at;
        *from = inbox->broken ? inbox->lost_at : *at - end->quiet;
    }
    pthread_mutex_unlock(&inbox->lock);
    return closed;
}

bool ccaas_inbox_over(struct ccaas_inbox *inbox)
{
    bool over;

    pthread_mutex_lock(&inbox->lock);
    over = inbox->closed;
    pthread_mutex_unlock(&inbox->lock);
    return over;
}

void ccaas_inbox_counts(struct ccaas_inbox *inbox, int64_t *waiting,
                        int64_t *conflated, int64_t *stale)
{
    pthread_mutex_lock(&inbox->lock);
    *waiting = (int64_t)(inbox->count + inbox->batched - inbox->batch_next);
    *conflated = inbox->conflated;
    *stale = inbox->stale;
    pthread_mutex_unlock(&inbox->lock);
}
