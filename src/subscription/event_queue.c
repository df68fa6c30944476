/* A bounded queue of messages: a ring of buffers that are reused.  This is
 * the reader's side, on the reader's thread; the sender's side is in
 * event_queue_put.c. */
#include "event_queue.h"

#include <stdlib.h>

#include "event_queue_own.h"

/* Messages that the reader takes out at once where nothing is conflated: at
 * most BATCH, and at most this part of the queue. */
#define BATCH 64
#define BATCH_PART 8

/* -- Making and ending ----------------------------------------------------- */

struct cc_event_queue *cc_event_queue_new(struct ccaas_waker *waker,
                                          size_t capacity, bool block,
                                          const struct cc_update_form *form)
{
    struct cc_event_queue *queue = calloc(1, sizeof *queue);

    if (!queue) {
        free(form->pick);
        return NULL;
    }
    pthread_mutex_init(&queue->lock, NULL);
    queue->references = 1;
    queue->waker = cc_waker_hold(waker);
    queue->form = *form;
    queue->capacity = capacity;
    queue->block = block;
    queue->opened_at = queue->lost_at = -1;
    return queue;
}

void cc_event_queue_release(struct cc_event_queue *queue)
{
    bool last = --queue->references == 0;
    size_t i;

    pthread_mutex_unlock(&queue->lock);
    if (!last)
        return;
    for (i = 0; i < queue->room; i++)
        free(queue->slots[i].message.bytes);
    for (i = 0; queue->batch && i < BATCH; i++)
        free(queue->batch[i].bytes);
    for (i = 0; i < queue->carry_room; i++)
        free(queue->carry[i].bytes);
    free(queue->batch);
    free(queue->carry);
    free(queue->slots);
    free(queue->buckets);
    free(queue->form.pick);
    cc_waker_release(queue->waker);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

void cc_event_queue_shut(struct cc_event_queue *queue)
{
    if (!queue)
        return;
    pthread_mutex_lock(&queue->lock);
    queue->shut = true;
    cc_event_queue_release(queue);
}

/* -- Reading --------------------------------------------------------------- */

struct cc_ws_sink cc_event_queue_sink(struct cc_event_queue *queue)
{
    struct cc_ws_sink sink = cc_event_queue_put_sink(queue);

    pthread_mutex_lock(&queue->lock);
    queue->references++;
    queue->closed = queue->held = queue->broken = false;
    queue->opened_at = queue->lost_at = -1;
    pthread_mutex_unlock(&queue->lock);
    return sink;
}

double cc_event_queue_opened(struct cc_event_queue *queue)
{
    double at;

    pthread_mutex_lock(&queue->lock);
    at = queue->opened_at;
    pthread_mutex_unlock(&queue->lock);
    return at;
}

static bool drained(const struct cc_event_queue *queue)
{
    return queue->count + queue->batched <= queue->capacity / 2 &&
           queue->bytes + queue->batched_bytes <= CC_EVENT_QUEUE_BYTES / 2;
}

/* The oldest message leaves its slot.  The slot gets this buffer instead,
 * unless the buffers are enough. */
static void leave_slot(struct cc_event_queue *queue, char *bytes, size_t room)
{
    struct cc_event_queue_slot *slot = cc_event_queue_slot_at(queue, 0);

    queue->bytes -= slot->message.length;
    queue->rooms -= slot->message.room;
    if (queue->rooms + room > CC_EVENT_QUEUE_BYTES) {
        free(bytes);
        bytes = NULL;
        room = 0;
    }
    queue->rooms += room;
    slot->message.bytes = bytes;
    slot->message.room = room;
    queue->first = (queue->first + 1) % queue->room;
    queue->count--;
    queue->looked -= queue->looked > 0;
}

/* Takes the next messages out at once; false: one at a time is better. */
static bool fill_batch(struct cc_event_queue *queue)
{
    size_t most = queue->block ? queue->capacity / BATCH_PART : 0, i;

    queue->batched = queue->batched_bytes = queue->batch_next = 0;
    most = most < BATCH ? most : BATCH;
    most = most < queue->count ? most : queue->count;
    if (most < 2)
        return false;
    if (!queue->batch)
        queue->batch = calloc(BATCH, sizeof *queue->batch);
    if (!queue->batch)
        return false;
    for (i = 0; i < most; i++) {
        const struct cc_event_queue_message *message =
            &cc_event_queue_slot_at(queue, 0)->message;
        struct cc_event_queue_piece piece = {message->bytes, message->room,
                                             message->length, message->binary};

        leave_slot(queue, queue->batch[i].bytes, queue->batch[i].room);
        queue->batch[i] = piece;
        queue->batched_bytes += piece.length;
    }
    queue->batched = most;
    return true;
}

/* The next message of the batch, swapped for the one at hand; false: all are
 * read. */
static bool take_from_batch(struct cc_event_queue *queue,
                            struct cc_event_queue_message *message)
{
    struct cc_event_queue_piece *piece,
        at_hand = {message->bytes, message->room, 0, false};

    if (queue->batch_next >= queue->batched)
        return false;
    piece = &queue->batch[queue->batch_next++];
    message->bytes = piece->bytes;
    message->room = piece->room;
    message->length = piece->length;
    message->binary = piece->binary;
    *piece = at_hand;
    cc_event_queue_look(queue, message);
    return true;
}

/* A single message, likewise. */
static bool take_one(struct cc_event_queue *queue,
                     struct cc_event_queue_message *message)
{
    struct cc_event_queue_slot *slot;
    char *bytes = message->bytes;
    size_t room = message->room;

    if (!queue->count)
        return false;
    slot = cc_event_queue_slot_at(queue, 0);
    cc_event_queue_index_remove(queue, slot);
    *message = slot->message;
    leave_slot(queue, bytes, room);
    return true;
}

bool cc_event_queue_take(struct cc_event_queue *queue,
                         struct cc_event_queue_message *message, bool *resume,
                         bool *last)
{
    bool is_there, is_batch;

    *resume = *last = false;
    if (message->room > CC_EVENT_QUEUE_KEPT) {
        free(message->bytes);
        message->bytes = NULL;
        message->room = 0;
    }
    if (take_from_batch(queue, message))
        return true;
    pthread_mutex_lock(&queue->lock);
    is_batch = fill_batch(queue);
    is_there = !is_batch && take_one(queue, message);
    *resume = queue->held && !queue->broken && drained(queue);
    if (*resume)
        queue->held = false;
    *last = is_there && !queue->count && !queue->closed && !queue->broken;
    if (*last)
        cc_waker_arm(queue->waker);
    pthread_mutex_unlock(&queue->lock);
    if (is_batch)
        return take_from_batch(queue, message);
    if (is_there && !message->looked)
        cc_event_queue_look(queue, message);
    return is_there;
}

bool cc_event_queue_broken(struct cc_event_queue *queue)
{
    bool broken;

    pthread_mutex_lock(&queue->lock);
    broken = queue->broken;
    pthread_mutex_unlock(&queue->lock);
    return broken;
}

bool cc_event_queue_closed(struct cc_event_queue *queue, struct cc_ws_end *end,
                           double *at, double *from)
{
    bool closed;

    pthread_mutex_lock(&queue->lock);
    closed =
        queue->closed && !queue->count && queue->batch_next >= queue->batched;
    if (closed) {
        *end = queue->end;
        *at = queue->closed_at;
        *from = queue->broken ? queue->lost_at : *at - end->quiet;
    }
    pthread_mutex_unlock(&queue->lock);
    return closed;
}

double cc_event_queue_lasted(struct cc_event_queue *queue, double *ended)
{
    double seconds = 0;

    pthread_mutex_lock(&queue->lock);
    *ended = queue->closed_then;
    if (queue->opened_at >= 0)
        seconds = queue->closed_then - queue->opened_then;
    pthread_mutex_unlock(&queue->lock);
    return seconds;
}

bool cc_event_queue_over(struct cc_event_queue *queue)
{
    bool over;

    pthread_mutex_lock(&queue->lock);
    over = queue->closed;
    pthread_mutex_unlock(&queue->lock);
    return over;
}

void cc_event_queue_counts(struct cc_event_queue *queue, int64_t *waiting,
                           int64_t *conflated, int64_t *stale)
{
    pthread_mutex_lock(&queue->lock);
    *waiting = (int64_t)(queue->count + queue->batched - queue->batch_next);
    *conflated = queue->conflated;
    *stale = queue->stale;
    pthread_mutex_unlock(&queue->lock);
}
