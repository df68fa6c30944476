/* When each metric and category was last updated, so that an older value is not
 * passed on as new.
 *
 * PURE.  Used from one thread; owned by the caller.
 */
#ifndef CC_LAST_SEEN_H
#define CC_LAST_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CC_LAST_SEEN_MOST 262144 /* keys; with more, it starts again, empty */

struct cc_last_seen_slot {
    uint64_t hash; /* 0: free */
    int64_t when;
};

/* Zeroed first. */
struct cc_last_seen {
    struct cc_last_seen_slot *slots;
    size_t room, count;
};

/* Notes that the key with this hash has a value of that time.  False: it has
 * a newer one already.  Without memory no further key is noted, and its
 * values count as new. */
bool cc_last_seen_note(struct cc_last_seen *last_seen, uint64_t hash,
                       int64_t when);

/* Frees what it holds, and makes it empty. */
void cc_last_seen_free(struct cc_last_seen *last_seen);

#endif
