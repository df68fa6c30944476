/* A bounded queue of messages: a ring of buffers that are used again.  This is
 * the reader's side, on its thread; event_queue_put.c has the other one. */
#include "event_queue.h"

#include <stdlib.h>

#include "event_queue_own.h"

/* Messages that the reader takes out in one go, where order is all that
 * matters: no more than this, and no more than that part of the queue. */
#define BATCH 64
#define BATCH_PART 8

/* -- Making and ending ----------------------------------------------------- */

struct cc_inbox *cc_inbox_new(struct ccaas_bell *bell, size_t queue, bool block,
                              const struct cc_update_form *form)
{
    struct cc_inbox *inbox = calloc(1, sizeof *inbox);

    if (!inbox) {
        free(form->pick);
        return NULL;
    }
    pthread_mutex_init(&inbox->lock, NULL);
    inbox->references = 1;
    inbox->bell = cc_bell_hold(bell);
    inbox->form = *form;
    inbox->queue = queue;
    inbox->block = block;
    inbox->opened_at = inbox->lost_at = -1;
    return inbox;
}

void cc_inbox_release(struct cc_inbox *inbox)
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
    for (i = 0; i < inbox->carry_room; i++)
        free(inbox->carry[i].bytes);
    free(inbox->batch);
    free(inbox->carry);
    free(inbox->slots);
    free(inbox->buckets);
    free(inbox->form.pick);
    cc_bell_release(inbox->bell);
    pthread_mutex_destroy(&inbox->lock);
    free(inbox);
}

void cc_inbox_shut(struct cc_inbox *inbox)
{
    if (!inbox)
        return;
    pthread_mutex_lock(&inbox->lock);
    inbox->shut = true;
    cc_inbox_release(inbox);
}

/* -- Reading --------------------------------------------------------------- */

struct cc_ws_sink cc_inbox_sink(struct cc_inbox *inbox)
{
    struct cc_ws_sink sink = cc_inbox_put_sink(inbox);

    pthread_mutex_lock(&inbox->lock);
    inbox->references++;
    inbox->closed = inbox->held = inbox->broken = false;
    inbox->opened_at = inbox->lost_at = -1;
    pthread_mutex_unlock(&inbox->lock);
    return sink;
}

double cc_inbox_opened(struct cc_inbox *inbox)
{
    double at;

    pthread_mutex_lock(&inbox->lock);
    at = inbox->opened_at;
    pthread_mutex_unlock(&inbox->lock);
    return at;
}

static bool drained(const struct cc_inbox *inbox)
{
    return inbox->count + inbox->batched <= inbox->queue / 2 &&
           inbox->bytes + inbox->batched_bytes <= CC_INBOX_BYTES / 2;
}

/* The oldest slot's message leaves; the slot gets that buffer instead, unless
 * there is enough of them. */
static void leave_slot(struct cc_inbox *inbox, char *bytes, size_t room)
{
    struct cc_inbox_slot *slot = cc_inbox_slot_at(inbox, 0);

    inbox->bytes -= slot->message.length;
    inbox->rooms -= slot->message.room;
    if (inbox->rooms + room > CC_INBOX_BYTES) {
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
static bool fill_batch(struct cc_inbox *inbox)
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
        const struct cc_inbox_message *message =
            &cc_inbox_slot_at(inbox, 0)->message;
        struct cc_inbox_piece piece = {message->bytes, message->room,
                                       message->length, message->binary};

        leave_slot(inbox, inbox->batch[i].bytes, inbox->batch[i].room);
        inbox->batch[i] = piece;
        inbox->batched_bytes += piece.length;
    }
    inbox->batched = most;
    return true;
}

/* The next of the batch, swapped for the one at hand; false: all are read. */
static bool take_from_batch(struct cc_inbox *inbox,
                            struct cc_inbox_message *message)
{
    struct cc_inbox_piece *piece,
        at_hand = {message->bytes, message->room, 0, false};

    if (inbox->batch_next >= inbox->batched)
        return false;
    piece = &inbox->batch[inbox->batch_next++];
    message->bytes = piece->bytes;
    message->room = piece->room;
    message->length = piece->length;
    message->binary = piece->binary;
    *piece = at_hand;
    cc_inbox_look(inbox, message);
    return true;
}

/* A single one, likewise. */
static bool take_one(struct cc_inbox *inbox, struct cc_inbox_message *message)
{
    struct cc_inbox_slot *slot;
    char *bytes = message->bytes;
    size_t room = message->room;

    if (!inbox->count)
        return false;
    slot = cc_inbox_slot_at(inbox, 0);
    cc_inbox_index_remove(inbox, slot);
    *message = slot->message;
    leave_slot(inbox, bytes, room);
    return true;
}

bool cc_inbox_take(struct cc_inbox *inbox, struct cc_inbox_message *message,
                   bool *resume, bool *last)
{
    bool is_there, is_batch;

    *resume = *last = false;
    if (message->room > CC_INBOX_KEPT) {
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
        cc_bell_arm(inbox->bell);
    pthread_mutex_unlock(&inbox->lock);
    if (is_batch)
        return take_from_batch(inbox, message);
    if (is_there && !message->looked)
        cc_inbox_look(inbox, message);
    return is_there;
}

bool cc_inbox_broken(struct cc_inbox *inbox)
{
    bool broken;

    pthread_mutex_lock(&inbox->lock);
    broken = inbox->broken;
    pthread_mutex_unlock(&inbox->lock);
    return broken;
}

bool cc_inbox_closed(struct cc_inbox *inbox, struct cc_ws_end *end, double *at,
                     double *from)
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

double cc_inbox_lasted(struct cc_inbox *inbox, double *ended)
{
    double seconds = 0;

    pthread_mutex_lock(&inbox->lock);
    *ended = inbox->closed_then;
    if (inbox->opened_at >= 0)
        seconds = inbox->closed_then - inbox->opened_then;
    pthread_mutex_unlock(&inbox->lock);
    return seconds;
}

bool cc_inbox_over(struct cc_inbox *inbox)
{
    bool over;

    pthread_mutex_lock(&inbox->lock);
    over = inbox->closed;
    pthread_mutex_unlock(&inbox->lock);
    return over;
}

void cc_inbox_counts(struct cc_inbox *inbox, int64_t *waiting,
                     int64_t *conflated, int64_t *stale)
{
    pthread_mutex_lock(&inbox->lock);
    *waiting = (int64_t)(inbox->count + inbox->batched - inbox->batch_next);
    *conflated = inbox->conflated;
    *stale = inbox->stale;
    pthread_mutex_unlock(&inbox->lock);
}
