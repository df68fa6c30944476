/* When each metric and category was last updated: open addressing, at most
 * half full.  PURE: see last_seen.h. */
#include "last_seen.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 8 /* a power of two */

static struct cc_last_seen_slot *find(struct cc_last_seen_slot *slots,
                                      size_t room, uint64_t hash)
{
    size_t i = (size_t)hash & (room - 1);

    while (slots[i].hash && slots[i].hash != hash)
        i = (i + 1) & (room - 1);
    return &slots[i];
}

/* Room for one more key; false: memory is out. */
static bool make_room(struct cc_last_seen *last_seen)
{
    size_t room = last_seen->room ? last_seen->room * 2 : ROOM_FIRST, i;
    struct cc_last_seen_slot *slots;

    if (last_seen->room && last_seen->count * 2 < last_seen->room)
        return true;
    if (last_seen->count >= CC_LAST_SEEN_MOST) {
        memset(last_seen->slots, 0, last_seen->room * sizeof *last_seen->slots);
        last_seen->count = 0;
        return true;
    }
    slots = calloc(room, sizeof *slots);
    if (!slots)
        return false;
    for (i = 0; i < last_seen->room; i++)
        if (last_seen->slots[i].hash)
            *find(slots, room, last_seen->slots[i].hash) = last_seen->slots[i];
    free(last_seen->slots);
    last_seen->slots = slots;
    last_seen->room = room;
    return true;
}

bool cc_last_seen_note(struct cc_last_seen *last_seen, uint64_t hash,
                       int64_t when)
{
    struct cc_last_seen_slot *slot;

    hash += !hash;
    slot =
        last_seen->room ? find(last_seen->slots, last_seen->room, hash) : NULL;
    if (slot && slot->hash) {
        if (when < slot->when)
            return false;
        slot->when = when;
        return true;
    }
    if (!make_room(last_seen))
        return true;
    *find(last_seen->slots, last_seen->room, hash) =
        (struct cc_last_seen_slot){hash, when};
    last_seen->count++;
    return true;
}

void cc_last_seen_free(struct cc_last_seen *last_seen)
{
    free(last_seen->slots);
    memset(last_seen, 0, sizeof *last_seen);
}
