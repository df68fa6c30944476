/* What a pushed message says.  PURE: see update.h. */
#include "update.h"

#include <string.h>

#include "dates.h"
#include "scan.h"
#include "siphash.h"

#define NAME_MOST 1024 /* bytes of a name whose escapes are decoded */

/* The text of a value, for hashing: a string's decoded, null is empty, anything
 * else as it stands.  `room` is used where there are escapes. */
static const char *text_of(struct ccaas_part part, char room[NAME_MOST],
                           size_t *length)
{
    const char *begin = part.begin, *end = part.end;

    *length = 0;
    if (!begin || *begin == 'n')
        return "";
    if (*begin != '"') {
        *length = (size_t)(end - begin);
        return begin;
    }
    begin++;
    end--;
    *length = (size_t)(end - begin);
    if (*length > NAME_MOST || !memchr(begin, '\\', *length))
        return begin;
    *length = cc_scan_decode(begin, end, room);
    return room;
}

uint64_t cc_update_hash(const struct cc_update_form *form, const char *metric,
                        size_t metric_length, const char *category,
                        size_t category_length)
{
    uint64_t key[2] = {form->key[0], form->key[1]};

    key[1] ^= cc_siphash(form->key, metric, metric_length);
    return cc_siphash(key, category, category_length);
}

/* A string or a number. */
static bool is_id(struct ccaas_part part)
{
    return part.begin && (*part.begin == '"' || *part.begin == '-' ||
                          (*part.begin >= '0' && *part.begin <= '9'));
}

void cc_update_look(const struct cc_update_form *form, const char *bytes,
                    size_t length, struct cc_update *update)
{
    struct ccaas_part *parts = update->parts;
    char metric_room[NAME_MOST], category_room[NAME_MOST], when_room[NAME_MOST];
    const char *metric, *category, *when;
    size_t metric_length, category_length, when_length;

    memset(update, 0, sizeof *update);
    update->when = CC_UPDATE_NEVER;
    if (!cc_pick(form->pick, bytes, length, parts, &update->fault_at,
                 &update->fault))
        return;
    update->is_update = is_id(parts[CCAAS_UPDATE_METRIC]) &&
                        parts[CCAAS_UPDATE_WHOLE].begin &&
                        *parts[CCAAS_UPDATE_WHOLE].begin == '{';
    if (!update->is_update)
        return;
    metric = text_of(parts[CCAAS_UPDATE_METRIC], metric_room, &metric_length);
    category =
        text_of(parts[CCAAS_UPDATE_CATEGORY], category_room, &category_length);
    update->hash =
        cc_update_hash(form, metric, metric_length, category, category_length);
    when = text_of(parts[CCAAS_UPDATE_UPDATED], when_room, &when_length);
    if (!cc_date_iso(when, when_length, &update->when))
        update->when = CC_UPDATE_NEVER;
}
