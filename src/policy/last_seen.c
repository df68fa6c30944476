/* When each metric and category was last updated: open addressing, at most
 * half full.  PURE: see last_seen.h. */
#include "last_seen.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 8 /* a power of two */

static struct cc_newest_slot *find(struct cc_newest_slot *slots, size_t room,
                                   uint64_t hash)
{
    size_t i = (size_t)hash & (room - 1);

    while (slots[i].hash && slots[i].hash != hash)
        i = (i + 1) & (room - 1);
    return &slots[i];
}

/* Room for one more key; false: memory is out. */
static bool make_room(struct cc_newest *newest)
{
    size_t room = newest->room ? newest->room * 2 : ROOM_FIRST, i;
    struct cc_newest_slot *slots;

    if (newest->room && newest->count * 2 < newest->room)
        return true;
    if (newest->count >= CC_NEWEST_MOST) {
        memset(newest->slots, 0, newest->room * sizeof *newest->slots);
        newest->count = 0;
        return true;
    }
    slots = calloc(room, sizeof *slots);
    if (!slots)
        return false;
    for (i = 0; i < newest->room; i++)
        if (newest->slots[i].hash)
            *find(slots, room, newest->slots[i].hash) = newest->slots[i];
    free(newest->slots);
    newest->slots = slots;
    newest->room = room;
    return true;
}

bool cc_newest_note(struct cc_newest *newest, uint64_t hash, int64_t when)
{
    struct cc_newest_slot *slot;

    hash += !hash;
    slot = newest->room ? find(newest->slots, newest->room, hash) : NULL;
    if (slot && slot->hash) {
        if (when < slot->when)
            return false;
        slot->when = when;
        return true;
    }
    if (!make_room(newest))
        return true;
    *find(newest->slots, newest->room, hash) =
        (struct cc_newest_slot){hash, when};
    newest->count++;
    return true;
}

void cc_newest_free(struct cc_newest *newest)
{
    free(newest->slots);
    memset(newest, 0, sizeof *newest);
}
