/* What waits in an inbox, by metric and category: see event_queue_own.h.  It is
 * made when the inbox is full for the first time, and looks at each message
 * once. */
#include <stdlib.h>

#include "event_queue_own.h"

static uint32_t *bucket_of(const struct cc_inbox *inbox, uint64_t hash)
{
    return &inbox->buckets[hash % inbox->bucket_count];
}

void cc_inbox_look(const struct cc_inbox *inbox,
                   struct cc_inbox_message *message)
{
    cc_update_look(&inbox->form, message->bytes, message->length,
                   &message->update);
    message->looked = true;
}

static void add_to_index(struct cc_inbox *inbox, struct cc_inbox_slot *slot)
{
    uint32_t *bucket;

    if (!slot->message.looked)
        cc_inbox_look(inbox, &slot->message);
    if (!slot->message.update.is_update)
        return;
    bucket = bucket_of(inbox, slot->message.update.hash);
    slot->chain = *bucket;
    slot->indexed = true;
    *bucket = (uint32_t)(slot - inbox->slots) + 1;
}

void cc_inbox_index_remove(struct cc_inbox *inbox, struct cc_inbox_slot *slot)
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

void cc_inbox_index_forget(struct cc_inbox *inbox)
{
    size_t i;

    for (i = 0; i < inbox->count; i++)
        cc_inbox_slot_at(inbox, i)->indexed = false;
    free(inbox->buckets);
    inbox->buckets = NULL;
    inbox->looked = 0;
}

/* Brings the index up to date; false: memory is out. */
static bool make_index(struct cc_inbox *inbox)
{
    if (!inbox->buckets) {
        inbox->bucket_count = inbox->room * 2 + 1;
        inbox->buckets = calloc(inbox->bucket_count, sizeof *inbox->buckets);
        if (!inbox->buckets)
            return false;
    }
    for (; inbox->looked < inbox->count; inbox->looked++)
        add_to_index(inbox, cc_inbox_slot_at(inbox, inbox->looked));
    return true;
}

struct cc_inbox_slot *cc_inbox_index_find(struct cc_inbox *inbox, uint64_t hash)
{
    struct cc_inbox_slot *slot;
    uint32_t number;

    if (!make_index(inbox))
        return NULL;
    for (number = *bucket_of(inbox, hash); number; number = slot->chain) {
        slot = &inbox->slots[number - 1];
        if (slot->message.update.hash == hash)
            return slot;
    }
    return NULL;
}
