/* What a pushed message says: which metric and category have a new value.
 *
 * PURE.  A form may be used by several threads at once; the parts of an
 * update point into the message's bytes.
 */
#ifndef CC_UPDATE_H
#define CC_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ccaas.h"
#include "pick.h"

/* Where an update has its parts, and the hash key of its identity. */
struct cc_update_form {
    struct cc_pick_form *pick; /* of CCAAS_UPDATE_PARTS paths */
    uint64_t key[2];
};

#define CC_UPDATE_NEVER INT64_MIN /* the message has no time */

struct cc_update {
    bool is_update;    /* it has a metric and a complete value */
    uint64_t hash;     /* of metric and category */
    int64_t when;      /* microseconds since the epoch */
    const char *fault; /* why it is no JSON; NULL: it is */
    size_t fault_at;
    struct ccaas_part parts[CCAAS_UPDATE_PARTS];
};

/* Parses a message. */
void cc_update_look(const struct cc_update_form *form, const char *bytes,
                    size_t length, struct cc_update *update);

/* The hash of a metric and a category, given as texts. */
uint64_t cc_update_hash(const struct cc_update_form *form, const char *metric,
                        size_t metric_length, const char *category,
                        size_t category_length);

#endif
