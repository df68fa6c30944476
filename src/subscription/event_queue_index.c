/* The index of an event queue: which messages wait, by metric and category.
 * It is made when the queue is full for the first time, and parses each
 * message once.  See event_queue_own.h. */
#include <stdlib.h>

#include "event_queue_own.h"

static uint32_t *bucket_of(const struct cc_event_queue *queue, uint64_t hash)
{
    return &queue->buckets[hash % queue->bucket_count];
}

void cc_event_queue_look(const struct cc_event_queue *queue,
                         struct cc_event_queue_message *message)
{
    cc_update_look(&queue->form, message->bytes, message->length,
                   &message->update);
    message->looked = true;
}

static void add_to_index(struct cc_event_queue *queue,
                         struct cc_event_queue_slot *slot)
{
    uint32_t *bucket;

    if (!slot->message.looked)
        cc_event_queue_look(queue, &slot->message);
    if (!slot->message.update.is_update)
        return;
    bucket = bucket_of(queue, slot->message.update.hash);
    slot->chain = *bucket;
    slot->indexed = true;
    *bucket = (uint32_t)(slot - queue->slots) + 1;
}

void cc_event_queue_index_remove(struct cc_event_queue *queue,
                                 struct cc_event_queue_slot *slot)
{
    uint32_t number = (uint32_t)(slot - queue->slots) + 1, *link;

    if (!slot->indexed)
        return;
    link = bucket_of(queue, slot->message.update.hash);
    while (*link != number)
        link = &queue->slots[*link - 1].chain;
    *link = slot->chain;
    slot->indexed = false;
}

void cc_event_queue_index_forget(struct cc_event_queue *queue)
{
    size_t i;

    for (i = 0; i < queue->count; i++)
        cc_event_queue_slot_at(queue, i)->indexed = false;
    free(queue->buckets);
    queue->buckets = NULL;
    queue->looked = 0;
}

/* Brings the index up to date; false: memory is out. */
static bool make_index(struct cc_event_queue *queue)
{
    if (!queue->buckets) {
        queue->bucket_count = queue->room * 2 + 1;
        queue->buckets = calloc(queue->bucket_count, sizeof *queue->buckets);
        if (!queue->buckets)
            return false;
    }
    for (; queue->looked < queue->count; queue->looked++)
        add_to_index(queue, cc_event_queue_slot_at(queue, queue->looked));
    return true;
}

struct cc_event_queue_slot *
cc_event_queue_index_find(struct cc_event_queue *queue, uint64_t hash)
{
    struct cc_event_queue_slot *slot;
    uint32_t number;

    if (!make_index(queue))
        return NULL;
    for (number = *bucket_of(queue, hash); number; number = slot->chain) {
        slot = &queue->slots[number - 1];
        if (slot->message.update.hash == hash)
            return slot;
    }
    return NULL;
}
